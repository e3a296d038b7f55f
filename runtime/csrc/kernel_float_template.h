/* Bit-plane weights against floats, the specification (included once for each float type).
 *
 * The order of summation is part of it, since faster kernels must round alike. One plane (binary:
 * constant + coef b = +-1): eight columns make ((v0 + v1) + (v2 + v3)) + ((v4 + v5) + (v6 + v7)),
 * v = +x or -x, and these are added one after the other. Two planes (ternary: p - q): v = +x, -x or
 * +0, four columns make (v0 + v1) + (v2 + v3), and these are added one after the other. Columns
 * beyond the last count as +0. */

static int NAME(const qk_planes *w, const REAL *x, int64_t m, int64_t ldx, REAL *y, int64_t ldy) {
  const int64_t kb = (w->cols + 7) / 8, panels = (w->rows + QK_PANEL - 1) / QK_PANEL;
  for (int64_t i = 0; i < m; i++)
    for (int64_t n = 0; n < w->rows; n++) {
      REAL total = 0;
      for (int64_t j = 0; j < kb; j++) {
        const uint8_t *at = w->data + (n / QK_PANEL * kb + j) * QK_PANEL + n % QK_PANEL;
        const uint8_t p = at[0], q = w->nplanes == 2 ? at[panels * kb * QK_PANEL] : 0;
        REAL v[8] = {0};
        for (int b = 0; b < 8 && 8 * j + b < w->cols; b++) {
          const REAL value = x[i * ldx + 8 * j + b];
          if (w->nplanes == 1) v[b] = p >> b & 1 ? -value : value;
          if (w->nplanes == 2) v[b] = (p & ~q) >> b & 1 ? value : (q & ~p) >> b & 1 ? -value : 0;
        }
        const REAL low = (v[0] + v[1]) + (v[2] + v[3]), high = (v[4] + v[5]) + (v[6] + v[7]);
        if (w->nplanes == 1) {
          total += low + high;
        } else {
          total += low;
          total += high;
        }
      }
      y[i * ldy + n] = total;
    }
  return QK_OK;
}
