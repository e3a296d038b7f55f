/* Bit planes written out as panels of bytes, AVX2: eight rows and four columns in one register. */
#include "families.h"

#include <immintrin.h>
#include <string.h>

void qk_expand_avx2(const qk_planes *w, int64_t from, int64_t count, int8_t *out, int32_t *sums) {
  const int64_t kb = (w->cols + 7) / 8, k4 = (w->cols + 3) / 4;
  const int64_t panels = (w->rows + QK_PANEL - 1) / QK_PANEL;
  const __m256i copies = _mm256_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4,
                                          5, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7);
  const __m256i low = _mm256_set1_epi32(0x08040201), high = _mm256_set1_epi32((int)0x80402010u);
  const __m256i one = _mm256_set1_epi8(1), wide = _mm256_set1_epi16(1);
  for (int64_t r = 0; r < count; r += 8) {
    const int64_t row = from + r;
    int8_t *to = out + (r / QK_BYTE_PANEL * k4 * QK_BYTE_PANEL + r % QK_BYTE_PANEL) * 4;
    __m256i total = _mm256_setzero_si256();
    for (int64_t j = 0; j < k4; j++) {
      const __m256i bit = j % 2 ? high : low;
      const int left = (int)(w->cols - 4 * j < 4 ? w->cols - 4 * j : 4);
      const uint32_t inside = left == 4 ? 0xffffffffu : (1u << (8 * left)) - 1u;
      __m256i v = _mm256_set1_epi8((char)w->constant);
      for (int p = 0; p < w->nplanes; p++) {
        int64_t eight;
        memcpy(&eight,
               w->data + ((p * panels + row / QK_PANEL) * kb + j / 2) * QK_PANEL + row % QK_PANEL,
               8);
        const __m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi64x(eight), copies);
        const __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit), bit);
        v = _mm256_add_epi8(v, _mm256_and_si256(set, _mm256_set1_epi8((char)w->coef[p])));
      }
      v = _mm256_and_si256(v, _mm256_set1_epi32((int)inside));
      _mm256_storeu_si256((__m256i *)(to + j * 4 * QK_BYTE_PANEL), v);
      total = _mm256_add_epi32(total, _mm256_madd_epi16(_mm256_maddubs_epi16(one, v), wide));
    }
    _Alignas(32) int32_t lane[8];
    _mm256_store_si256((__m256i *)lane, total);
    for (int64_t i = 0; i < 8 && r + i < count; i++) sums[r + i] = lane[i];
  }
}
