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

static inline const VECTOR *NAME(entry)(const VECTOR *table, uint16_t offset) {
  return (const VECTOR *)((const char *)table + 8 * (size_t)offset);
}

static inline void NAME(offsets)(__m256i bytes, uint16_t *to) {
  const __m256i a = _mm256_cvtepu8_epi16(_mm256_castsi256_si128(bytes));
  const __m256i b = _mm256_cvtepu8_epi16(_mm256_extracti128_si256(bytes, 1));
  _mm256_store_si256((__m256i *)to, _mm256_slli_epi16(a, 2));
  _mm256_store_si256((__m256i *)(to + 16), _mm256_slli_epi16(b, 2));
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
      _Alignas(32) uint16_t index[GROUPS][QK_PANEL];
      for (int g = 0; g < GROUPS; g++)
        NAME(offsets)(_mm256_loadu_si256((const __m256i *)(at + g * QK_PANEL)), index[g]);
      for (int64_t r = 0; r < rows; r++) {
        VECTOR sum = to[r];
#pragma GCC unroll 4
        for (int g = 0; g < GROUPS; g++)
          sum = V(add)(sum, *NAME(entry)(table[g], index[g][r]));
        to[r] = sum;
      }
    } else {
      for (int64_t r = 0; r < rows; r++)
        for (int64_t g = 0; g < bytes; g++)
          to[r] = V(add)(to[r], table[g][at[g * QK_PANEL + r]]);
    }
  }
}

/* Two planes: 81 sums over four columns; column i adds 3^i to the index where it is added and
 * 2 * 3^i where it is taken off. */
static void NAME(ternary)(const qk_planes *w, const REAL *block, int64_t from, int64_t bytes,
                          VECTOR *sums) {
  const int64_t kb = (w->cols + 7) / 8, panels = (w->rows + QK_PANEL - 1) / QK_PANEL;
  _Alignas(32) VECTOR table[2 * GROUPS][81];
  for (int64_t g = 0; g < 2 * bytes; g++) {
    VECTOR column[4][3], low[9], high[9];
    for (int i = 0; i < 4; i++) {
      column[i][0] = V(setzero)();
      column[i][1] = V(load)(block + (4 * g + i) * LANES);
      column[i][2] = V(xor)(column[i][1], V(set1)(-(REAL)0));
    }
    for (int i = 0; i < 9; i++) {
      low[i] = V(add)(column[0][i % 3], column[1][i / 3]);
      high[i] = V(add)(column[2][i % 3], column[3][i / 3]);
    }
    for (int h = 0; h < 9; h++)
      for (int l = 0; l < 9; l++) table[g][9 * h + l] = V(add)(low[l], high[h]);
  }
  const __m256i nibble = _mm256_set1_epi8(15);
  const __m256i once = _mm256_setr_epi8(0, 1, 3, 4, 9, 10, 12, 13, 27, 28, 30, 31, 36, 37, 39, 40, 0,
                                        1, 3, 4, 9, 10, 12, 13, 27, 28, 30, 31, 36, 37, 39, 40);
  const __m256i twice = _mm256_add_epi8(once, once);
  _Alignas(32) uint16_t index[2 * GROUPS][QK_PANEL] = {{0}};
  for (int64_t n0 = 0; n0 < w->rows; n0 += QK_PANEL) {
    const uint8_t *at = w->data + (n0 / QK_PANEL * kb + from) * QK_PANEL;
    const int64_t rows = w->rows - n0 < QK_PANEL ? w->rows - n0 : QK_PANEL;
    VECTOR *to = sums + n0;
    for (int64_t g = 0; g < bytes; g++) {
      const __m256i plus = _mm256_loadu_si256((const __m256i *)(at + g * QK_PANEL));
      const __m256i minus =
          _mm256_loadu_si256((const __m256i *)(at + (panels * kb + g) * QK_PANEL));
      const __m256i p = _mm256_andnot_si256(minus, plus), q = _mm256_andnot_si256(plus, minus);
      const __m256i p1 = _mm256_and_si256(_mm256_srli_epi16(p, 4), nibble);
      const __m256i q1 = _mm256_and_si256(_mm256_srli_epi16(q, 4), nibble);
      NAME(offsets)(_mm256_add_epi8(_mm256_shuffle_epi8(once, _mm256_and_si256(p, nibble)),
                                    _mm256_shuffle_epi8(twice, _mm256_and_si256(q, nibble))),
                    index[2 * g]);
      NAME(offsets)(_mm256_add_epi8(_mm256_shuffle_epi8(once, p1), _mm256_shuffle_epi8(twice, q1)),
                    index[2 * g + 1]);
    }
    if (bytes == GROUPS) {
      for (int64_t r = 0; r < rows; r++) {
        VECTOR sum = to[r];
#pragma GCC unroll 8
        for (int g = 0; g < 2 * GROUPS; g++) sum = V(add)(sum, *NAME(entry)(table[g], index[g][r]));
        to[r] = sum;
      }
    } else {
      for (int64_t r = 0; r < rows; r++)
        for (int64_t g = 0; g < 2 * bytes; g++)
          to[r] = V(add)(to[r], *NAME(entry)(table[g], index[g][r]));
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
