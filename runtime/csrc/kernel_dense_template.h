/* Small matrices of any weights against reals (included once for each float type and instruction
 * set): y[m][n] = x[m][0] w[0][n] + x[m][1] w[1][n] + ..., every product rounded, then added, in
 * this order. The weights stand column by column, rows padded with zeros to a multiple of 32
 * bytes, so that lanes are outputs and one point is as good as many. */

typedef REAL NAME(lane) __attribute__((vector_size(32), aligned(sizeof(REAL)), may_alias));

#define WIDTH (32 / (int64_t)sizeof(REAL))

/* `p` points and `v` vectors of outputs at once; both are constants where it is called. */
static inline __attribute__((always_inline)) void NAME(tile)(const REAL *w, int64_t ldw, const REAL *x,
                                                             int64_t cols, int64_t ldx, REAL *y,
                                                             int64_t ldy, int64_t left, int p, int v) {
  NAME(lane) sum[12] = {{0}};
  for (int64_t k = 0; k < cols; k++) {
    const NAME(lane) *row = (const NAME(lane) *)(w + k * ldw);
#pragma GCC unroll 8
    for (int i = 0; i < p; i++)
#pragma GCC unroll 8
      for (int j = 0; j < v; j++) sum[i * v + j] += row[j] * x[i * ldx + k];
  }
#pragma GCC unroll 8
  for (int i = 0; i < p; i++)
#pragma GCC unroll 8
    for (int j = 0; j < v; j++) {
      const int64_t n = left - j * WIDTH < WIDTH ? left - j * WIDTH : WIDTH;
      if (n == WIDTH) *(NAME(lane) *)(y + i * ldy + j * WIDTH) = sum[i * v + j];
      else
        for (int64_t c = 0; c < n; c++) y[i * ldy + j * WIDTH + c] = sum[i * v + j][c];
    }
}

static void NAME(dense)(const REAL *w, int64_t rows, int64_t cols, const REAL *x, int64_t m,
                        int64_t ldx, REAL *y, int64_t ldy) {
  const int64_t ldw = (rows + WIDTH - 1) / WIDTH * WIDTH;
  int64_t i = 0;
  for (; i + 3 <= m; i += 3) { /* twelve sums at a time hide what an addition takes */
    const REAL *from = x + i * ldx;
    int64_t n = 0;
    for (; n + 4 * WIDTH <= ldw; n += 4 * WIDTH)
      NAME(tile)(w + n, ldw, from, cols, ldx, y + i * ldy + n, ldy, rows - n, 3, 4);
    for (; n < ldw; n += WIDTH)
      NAME(tile)(w + n, ldw, from, cols, ldx, y + i * ldy + n, ldy, rows - n, 3, 1);
  }
  for (; i < m; i++) {
    int64_t n = 0;
    for (; n + 8 * WIDTH <= ldw; n += 8 * WIDTH)
      NAME(tile)(w + n, ldw, x + i * ldx, cols, ldx, y + i * ldy + n, ldy, rows - n, 1, 8);
    for (; n < ldw; n += WIDTH)
      NAME(tile)(w + n, ldw, x + i * ldx, cols, ldx, y + i * ldy + n, ldy, rows - n, 1, 1);
  }
}
#undef WIDTH
