/* One small ternary layer with the points in the lanes (included for each float type and
 * instruction set): y[row][point] = act(alpha s + beta), s = the sum of +-x[column][point] over the
 * weights that are not 0, in the order of the columns. That is the sum of kernel_dense_template.h
 * without its zeros, which no sum of finite numbers feels: the same result, bit for bit. */

typedef REAL NAME(lane) __attribute__((vector_size(32), may_alias));
typedef INTEGER NAME(bits) __attribute__((vector_size(32), may_alias));

#define SELECT(mask, a, b) \
  ((NAME(lane))(((mask) & (NAME(bits))(a)) | (~(mask) & (NAME(bits))(b))))

static int NAME(lanes)(const qk_sparse *w, const REAL *x, REAL *y) {
  const NAME(bits) *in = (const NAME(bits) *)x;
  NAME(lane) *out = (NAME(lane) *)y;
  const NAME(lane) plus = {0}, minus = -plus, most = plus + LARGEST;
  const NAME(lane) low = plus + (REAL)w->low, high = plus + (REAL)w->high;
  const NAME(bits) sign[2] = {(NAME(bits))plus, (NAME(bits))minus};
  const REAL *alpha = w->alpha, *beta = w->beta;
  NAME(bits) fine = ~(NAME(bits)){0};
  for (int64_t r = 0; r < w->rows; r++, out += 8) {
    NAME(lane) sum[8] = {plus, plus, plus, plus, plus, plus, plus, plus};
    for (int32_t e = w->first[r]; e < w->first[r + 1]; e++) {
      const NAME(bits) *from = in + 8 * (w->entry[e] >> 1), flip = sign[w->entry[e] & 1];
#pragma GCC unroll 8
      for (int i = 0; i < 8; i++) sum[i] += (NAME(lane))(from[i] ^ flip);
    }
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
      NAME(lane) v = alpha[r] * sum[i];
      v = v + beta[r];
      if (w->relu) v = (NAME(lane))((NAME(bits))(v > plus) & (NAME(bits))v);
      if (w->clip) {
        v = SELECT((NAME(bits))(v > low), v, low);
        v = SELECT((NAME(bits))(v < high), v, high);
      }
      fine &= (NAME(bits))((v <= most) & (v >= -most));
      out[i] = v;
    }
  }
  INTEGER all = fine[0];
  for (int i = 1; i < (int)(32 / sizeof(REAL)); i++) all &= fine[i];
  return all != 0;
}
#undef SELECT
