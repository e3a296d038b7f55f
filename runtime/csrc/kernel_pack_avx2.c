/* Signs of floats as bits, AVX2. */
#include "families.h"

#include <immintrin.h>

int qk_pack_signs_f32_avx2(const float *x, int64_t rows, int64_t cols, int64_t ldx, uint8_t *out,
                           int64_t stride) {
  int bad = 0;
  const __m256 zero = _mm256_setzero_ps();
  for (int64_t m = 0; m < rows; m++) {
    const float *row = x + m * ldx;
    uint8_t *bits = out + m * stride;
    __m256 nan = zero;
    int64_t j = 0;
    for (; 8 * j + 8 <= cols; j++) {
      const __m256 v = _mm256_loadu_ps(row + 8 * j);
      nan = _mm256_or_ps(nan, _mm256_cmp_ps(v, v, _CMP_UNORD_Q));
      bits[j] = (uint8_t)_mm256_movemask_ps(_mm256_cmp_ps(v, zero, _CMP_LT_OQ));
    }
    bad |= _mm256_movemask_ps(nan);
    for (; j < stride; j++) {
      unsigned byte = 0;
      for (int64_t k = 8 * j; k < cols && k < 8 * j + 8; k++) {
        byte |= (unsigned)(row[k] < 0.0f) << (k % 8);
        bad |= row[k] != row[k];
      }
      bits[j] = (uint8_t)byte;
    }
  }
  return bad ? QK_NAN : QK_OK;
}

/* Eight bytes of eight bits, transposed: bit i of byte j becomes bit j of byte i. */
static uint64_t transpose(uint64_t x) {
  uint64_t t = (x ^ x >> 7) & UINT64_C(0x00aa00aa00aa00aa);
  x ^= t ^ t << 7;
  t = (x ^ x >> 14) & UINT64_C(0x0000cccc0000cccc);
  x ^= t ^ t << 14;
  t = (x ^ x >> 28) & UINT64_C(0x00000000f0f0f0f0);
  return x ^ t ^ t << 28;
}

int qk_pack_pixels_f32_avx2(const float *x, int64_t channels, int64_t pixels, uint8_t *out,
                            int64_t stride) {
  const __m256 zero = _mm256_setzero_ps();
  __m256 nan = zero;
  int bad = 0;
  for (int64_t j = 0; j < stride; j++) {
    const int64_t left = channels - 8 * j, count = left < 0 ? 0 : left < 8 ? left : 8;
    const float *from = x + 8 * j * pixels;
    int64_t p = 0;
    for (; p + 8 <= pixels; p += 8) {
      uint64_t bits = 0;
      for (int64_t c = 0; c < count; c++) {
        const __m256 v = _mm256_loadu_ps(from + c * pixels + p);
        nan = _mm256_or_ps(nan, _mm256_cmp_ps(v, v, _CMP_UNORD_Q));
        bits |= (uint64_t)(unsigned)_mm256_movemask_ps(_mm256_cmp_ps(v, zero, _CMP_LT_OQ))
                << (8 * c);
      }
      bits = transpose(bits);
      for (int i = 0; i < 8; i++) out[(p + i) * stride + j] = (uint8_t)(bits >> (8 * i));
    }
    for (; p < pixels; p++) {
      unsigned byte = 0;
      for (int64_t c = 0; c < count; c++) {
        byte |= (unsigned)(from[c * pixels + p] < 0.0f) << c;
        bad |= from[c * pixels + p] != from[c * pixels + p];
      }
      out[p * stride + j] = (uint8_t)byte;
    }
  }
  return bad || _mm256_movemask_ps(nan) ? QK_NAN : QK_OK;
}
