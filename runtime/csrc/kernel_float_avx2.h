/* Included by kernel_float_avx2.c for float (8 lanes) and double (4 lanes). */

#define GROUPS 4 /* bytes of columns whose tables stand side by side */

/* The 16 sums (s0 x0 + s1 x1) + (s2 x2 + s3 x3) of four columns; bit i set: `on`, clear: `off`. */
static inline void NAME(quad)(const REAL *x, const REAL *off, VECTOR *table) {
  VECTOR low[4], high[4];
  for (int i = 0; i < 4; i++) {
    low[i] = V(add)(V(load)((i & 1 ? x : off)), V(load)((i & 2 ? x : off) + LANES));
    high[i] = V(add)(V(load)((i & 1 ? x : off) + 2 * LANES),
                     V(load)((i & 2 ? x : off) + 3 * LANES));
  }
  for (int i = 0; i < 16; i++) table[i] = V(add)(low[i & 3], high[i >> 2]);
}

/* One plane: tables of 256 sums over eight columns. */
static void NAME(binary)(const qk_planes *w, const REAL *block, int64_t from, int64_t bytes,
                         VECTOR *sums) {
  const int64_t kb = (w->cols + 7) / 8;
  _Alignas(32) VECTOR table[GROUPS][256];
  for (int64_t g = 0; g < bytes; g++) {
    VECTOR low[16], high[16];
    _Alignas(32) REAL minus[8 * LANES];
    const REAL *x = block + 8 * g * LANES;
    for (int i = 0; i < 8 * LANES; i++) minus[i] = -x[i];
    NAME(quad)(minus, x, low);
    NAME(quad)(minus + 4 * LANES, x + 4 * LANES, high);
    for (int h = 0; h < 16; h++)
      for (int l = 0; l < 16; l++) table[g][16 * h + l] = V(add)(low[l], high[h]);
  }
  for (int64_t n0 = 0; n0 < w->rows; n0 += QK_PANEL) {
    const uint8_t *at = w->data + (n0 / QK_PANEL * kb + from) * QK_PANEL;
    const int64_t rows = w->rows - n0 < QK_PANEL ? w->rows - n0 : QK_PANEL;
    VECTOR *to = sums + n0;
    if (bytes == GROUPS) {
      for (int64_t r = 0; r < rows; r++) {
        VECTOR sum = V(add)(to[r], table[0][at[r]]);
        sum = V(add)(sum, table[1][at[QK_PANEL + r]]);
        sum = V(add)(sum, table[2][at[2 * QK_PANEL + r]]);
        to[r] = V(add)(sum, table[3][at[3 * QK_PANEL + r]]);
      }
    } else {
      for (int64_t r = 0; r < rows; r++)
        for (int64_t g = 0; g < bytes; g++)
          to[r] = V(add)(to[r], table[g][at[g * QK_PANEL + r]]);
    }
  }
}

/* Two planes: for each four columns, what is added less what is taken off, 81 of 256 entries. */
static void NAME(ternary)(const qk_planes *w, const REAL *block, int64_t from, int64_t bytes,
                          VECTOR *sums) {
  const int64_t kb = (w->cols + 7) / 8, panels = (w->rows + QK_PANEL - 1) / QK_PANEL;
  _Alignas(32) static const REAL none[4 * LANES] = {0};
  _Alignas(32) VECTOR table[2 * GROUPS][256];
  for (int64_t g = 0; g < 2 * bytes; g++) {
    VECTOR part[16];
    NAME(quad)(block + 4 * g * LANES, none, part);
    for (int p = 0; p < 16; p++)
      for (int free = 15 & ~p, q = free;; q = (q - 1) & free) { /* the subsets of the others */
        table[g][16 * q + p] = V(sub)(part[p], part[q]);
        if (q == 0) break;
      }
  }
  const __m256i low = _mm256_set1_epi8(15), high = _mm256_set1_epi8(-16);
  _Alignas(32) uint8_t index[2 * GROUPS][QK_PANEL] = {{0}};
  for (int64_t n0 = 0; n0 < w->rows; n0 += QK_PANEL) {
    const uint8_t *at = w->data + (n0 / QK_PANEL * kb + from) * QK_PANEL;
    const int64_t rows = w->rows - n0 < QK_PANEL ? w->rows - n0 : QK_PANEL;
    VECTOR *to = sums + n0;
    for (int64_t g = 0; g < bytes; g++) {
      const __m256i p = _mm256_loadu_si256((const __m256i *)(at + g * QK_PANEL));
      const __m256i q =
          _mm256_loadu_si256((const __m256i *)(at + (panels * kb + g) * QK_PANEL));
      const __m256i first = _mm256_or_si256(
          _mm256_and_si256(p, low), _mm256_and_si256(_mm256_slli_epi16(q, 4), high));
      const __m256i second = _mm256_or_si256(
          _mm256_and_si256(_mm256_srli_epi16(p, 4), low), _mm256_and_si256(q, high));
      _mm256_store_si256((__m256i *)index[2 * g], first);
      _mm256_store_si256((__m256i *)index[2 * g + 1], second);
    }
    if (bytes == GROUPS) {
      for (int64_t r = 0; r < rows; r++) {
        VECTOR sum = to[r];
#pragma GCC unroll 8
        for (int g = 0; g < 2 * GROUPS; g++) sum = V(add)(sum, table[g][index[g][r]]);
        to[r] = sum;
      }
    } else {
      for (int64_t r = 0; r < rows; r++)
        for (int64_t g = 0; g < 2 * bytes; g++) to[r] = V(add)(to[r], table[g][index[g][r]]);
    }
  }
}

static int NAME(gemm)(const qk_planes *w, const REAL *x, int64_t m, int64_t ldx, REAL *y,
                      int64_t ldy) {
  const int64_t kb = (w->cols + 7) / 8;
  if (w->rows == 0 || m == 0) return QK_OK;
  VECTOR *sums = aligned_alloc(32, (size_t)w->rows * sizeof(VECTOR));
  if (sums == NULL) return QK_NO_MEMORY;
  for (int64_t m0 = 0; m0 < m; m0 += LANES) {
    const int64_t rows = m - m0 < LANES ? m - m0 : LANES;
    for (int64_t n = 0; n < w->rows; n++) sums[n] = V(setzero)();
    for (int64_t from = 0; from < kb; from += GROUPS) {
      const int64_t bytes = kb - from < GROUPS ? kb - from : GROUPS;
      _Alignas(32) REAL block[8 * GROUPS * LANES] = {0};
      for (int64_t i = 0; i < rows; i++)
        for (int64_t k = 0; k < 8 * bytes && 8 * from + k < w->cols; k++)
          block[k * LANES + i] = x[(m0 + i) * ldx + 8 * from + k];
      if (w->nplanes == 1)
        NAME(binary)(w, block, from, bytes, sums);
      else
        NAME(ternary)(w, block, from, bytes, sums);
    }
    for (int64_t i = 0; i < rows; i++)
      for (int64_t n = 0; n < w->rows; n++)
        y[(m0 + i) * ldy + n] = ((const REAL *)(sums + n))[i];
  }
  free(sums);
  return QK_OK;
}
#undef GROUPS
