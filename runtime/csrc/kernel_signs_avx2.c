/* Products of bit-plane weights and rows of signs, AVX2. */
#include "kernel_signs_avx2.h"

#define BLOCK_BYTES 128 /* columns / 8 in a block of a product: tables of 16 KiB */

/* One row alone: whole bytes are summed, since no second row shares the table. */
static void lookup_one(const uint8_t *panel, const uint8_t *table, int64_t bytes, int32_t *out) {
  const __m256i nibble = _mm256_set1_epi8(15), low = _mm256_set1_epi16(255);
  __m256i even = _mm256_setzero_si256(), odd = even;
  for (int64_t j = 0; j < bytes;) {
    const int64_t stop = j + FLUSH < bytes ? j + FLUSH : bytes;
    __m256i x = _mm256_setzero_si256(), y = x;
    for (; j < stop; j++) {
      const __m256i byte = _mm256_loadu_si256((const __m256i *)(panel + j * QK_PANEL));
      const __m256i first = _mm256_and_si256(byte, nibble);
      const __m256i second = _mm256_and_si256(_mm256_srli_epi16(byte, 4), nibble);
      x = _mm256_add_epi8(x, _mm256_shuffle_epi8(TABLE(table + 32 * j), first));
      y = _mm256_add_epi8(y, _mm256_shuffle_epi8(TABLE(table + 32 * j + 16), second));
    }
    x = _mm256_add_epi8(x, y);
    even = _mm256_add_epi16(even, _mm256_and_si256(x, low));
    odd = _mm256_add_epi16(odd, _mm256_srli_epi16(x, 8));
  }
  widen(even, odd, 0, out);
}

int qk_gemm_signs_avx2(const qk_planes *w, const qk_signs *x, int32_t *y, int64_t ldy) {
  const int64_t kb = (w->cols + 7) / 8, panels = (w->rows + QK_PANEL - 1) / QK_PANEL;
  _Alignas(32) uint8_t known[256][16];
  _Alignas(32) uint8_t table[UNITS][32 * BLOCK_BYTES];
  _Alignas(32) int32_t out[2 * UNITS][QK_PANEL];
  const uint8_t *at = table[0];
  sign_tables(known);
  for (int64_t m0 = 0; m0 < x->rows; m0 += 2 * UNITS) {
    const int rows = x->rows - m0 < 2 * UNITS ? (int)(x->rows - m0) : 2 * UNITS;
    const int units = (rows + 1) / 2;
    const int64_t room = rows == 1 ? (int64_t)sizeof table / 32 : BLOCK_BYTES;
    bits row[2 * UNITS];
    uint32_t base[2 * UNITS];
    for (int m = 0; m < rows; m++) {
      row[m].sign = x->sign + (m0 + m) * x->stride;
      row[m].mask = x->mask ? x->mask + (m0 + m) * x->stride : NULL;
      base[m] = base_of(w, count_signs(&row[m], w->cols));
    }
    for (int64_t from = 0, bytes; from < kb || from == 0; from += bytes + !bytes) {
      bytes = kb - from < room ? kb - from : room;
      for (int m = 0; m < units; m++)
        pair_tables(known, &row[m], m + units < rows ? &row[m + units] : NULL, w->cols, from,
                    bytes, table[m]);
      for (int64_t q = 0; q < panels; q++)
        for (int p = 0; p < w->nplanes; p++) {
          const uint8_t *panel = w->data + ((p * panels + q) * kb + from) * QK_PANEL;
          if (rows == 1)
            lookup_one(panel, at, bytes, out[0]);
          else
            lookup_units(panel, &at, 0, 1, bytes, sizeof table[0], units, 0, out);
          for (int m = 0; m < rows; m++)
            finish(out[m], (uint32_t)w->coef[p], base[m], from > 0 || p > 0,
                   w->rows - q * QK_PANEL, y + (m0 + m) * ldy + q * QK_PANEL);
        }
    }
  }
  return QK_OK;
}
