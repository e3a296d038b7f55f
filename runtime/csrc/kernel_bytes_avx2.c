/* One-byte weights against one-byte activations, AVX2.
 *
 * vpmaddubsw multiplies unsigned by signed bytes and adds pairs with saturation, so activations are
 * made unsigned (128 is added to signed ones and taken off again through the row sums of the
 * weights) and, where a pair might pass 2^15, split into two hex digits. Pairs are summed in 16 bits
 * as long as they fit (`flush` steps), then widened. */
#include "families.h"

#include <immintrin.h>
#include <string.h>

#define ROWS 4

typedef struct {
  uint8_t flip, mask;
  int right, left; /* digit = (byte ^ flip) >> right & mask, counting 2^left */
  int64_t flush;
} part;

static inline __attribute__((always_inline)) void products(const int8_t *panel,
                                                           const uint8_t *const *x, int64_t k4,
                                                           int64_t flush, int rows,
                                                           int32_t (*out)[QK_BYTE_PANEL]) {
  const __m256i one = _mm256_set1_epi16(1);
  __m256i wide[ROWS][2];
  for (int m = 0; m < rows; m++) wide[m][0] = wide[m][1] = _mm256_setzero_si256();
  for (int64_t j = 0; j < k4;) {
    const int64_t stop = j + flush < k4 ? j + flush : k4;
    __m256i sum[ROWS][2];
#pragma GCC unroll 4
    for (int m = 0; m < rows; m++) sum[m][0] = sum[m][1] = _mm256_setzero_si256();
    for (; j < stop; j++) {
      const __m256i *w = (const __m256i *)(panel + j * 64);
      const __m256i w0 = _mm256_loadu_si256(w), w1 = _mm256_loadu_si256(w + 1);
#pragma GCC unroll 4
      for (int m = 0; m < rows; m++) {
        int32_t four;
        memcpy(&four, x[m] + 4 * j, 4);
        const __m256i v = _mm256_set1_epi32(four);
        sum[m][0] = _mm256_add_epi16(sum[m][0], _mm256_maddubs_epi16(v, w0));
        sum[m][1] = _mm256_add_epi16(sum[m][1], _mm256_maddubs_epi16(v, w1));
        __asm__("" : "+x"(sum[m][0]), "+x"(sum[m][1])); /* in place: no copies of registers */
      }
    }
#pragma GCC unroll 4
    for (int m = 0; m < rows; m++) {
      wide[m][0] = _mm256_add_epi32(wide[m][0], _mm256_madd_epi16(sum[m][0], one));
      wide[m][1] = _mm256_add_epi32(wide[m][1], _mm256_madd_epi16(sum[m][1], one));
    }
  }
  for (int m = 0; m < rows; m++) {
    _mm256_storeu_si256((__m256i *)out[m], wide[m][0]);
    _mm256_storeu_si256((__m256i *)out[m] + 1, wide[m][1]);
  }
}

static void products_rows(const int8_t *panel, const uint8_t *const *x, int64_t k4, int64_t flush,
                          int rows, int32_t (*out)[QK_BYTE_PANEL]) {
  switch (rows) {
    case 1: products(panel, x, k4, flush, 1, out); break;
    case 2: products(panel, x, k4, flush, 2, out); break;
    case 3: products(panel, x, k4, flush, 3, out); break;
    default: products(panel, x, k4, flush, 4, out); break;
  }
}

static int magnitude(int lo, int hi) { return -lo > hi ? -lo : hi; }

/* The digits of x under which no pair of products passes 2^15 - 1; 0: the weights are too wide. */
static int parts_of(const qk_bytes *w, const qk_codes *x, part *parts) {
  const int weight = magnitude(w->lo, w->hi) > 0 ? magnitude(w->lo, w->hi) : 1;
  const uint8_t flip = x->lo < 0 ? 128 : 0;
  const int top = x->lo < 0 ? x->hi + 128 : x->hi > 0 ? x->hi : 1;
  const int64_t whole = 32767 / (2 * top * weight);
  if (whole >= 4) {
    parts[0] = (part){flip, 255, 0, 0, whole};
    return 1;
  }
  parts[0] = (part){flip, 15, 0, 0, 32767 / (2 * 15 * weight)};
  parts[1] = (part){flip, 15, 4, 4, 32767 / (2 * 15 * weight)};
  return 2;
}

#define BLOCK 4096 /* columns of activations that are prepared at a time, on the stack */

int qk_gemm_bytes_avx2(const qk_bytes *w, const qk_codes *x, int32_t *y, int64_t ldy) {
  const int64_t k4 = (w->cols + 3) / 4;
  const int64_t panels = (w->rows + QK_BYTE_PANEL - 1) / QK_BYTE_PANEL;
  _Alignas(32) uint8_t prepared[ROWS][BLOCK];
  _Alignas(32) int32_t out[ROWS][QK_BYTE_PANEL];
  const uint8_t *at[ROWS] = {prepared[0], prepared[1], prepared[2], prepared[3]};
  part parts[2];
  const int nparts = parts_of(w, x, parts);
  for (int64_t m0 = 0; m0 < x->rows; m0 += ROWS) {
    const int rows = x->rows - m0 < ROWS ? (int)(x->rows - m0) : ROWS;
    for (int m = 0; m < rows; m++)
      for (int64_t n = 0; n < w->rows; n++)
        y[(m0 + m) * ldy + n] = (int32_t)(x->lo < 0 ? 0u - 128u * (uint32_t)w->sums[n] : 0u);
    for (int64_t from = 0; from < w->cols; from += BLOCK)
      for (int d = 0; d < nparts; d++) {
        const int64_t cols = w->cols - from < BLOCK ? w->cols - from : BLOCK;
        for (int m = 0; m < rows; m++) {
          const uint8_t *row = x->data + (m0 + m) * x->stride + from;
          for (int64_t k = 0; k < cols; k++)
            prepared[m][k] = (uint8_t)((row[k] ^ parts[d].flip) >> parts[d].right) & parts[d].mask;
          for (int64_t k = cols; k < (cols + 3) / 4 * 4; k++) prepared[m][k] = 0;
        }
        for (int64_t q = 0; q < panels; q++) {
          const int64_t left = w->rows - q * QK_BYTE_PANEL;
          products_rows(w->data + (q * k4 + from / 4) * 4 * QK_BYTE_PANEL, at, (cols + 3) / 4,
                        parts[d].flush, rows, out);
          for (int m = 0; m < rows; m++) {
            int32_t *to = y + (m0 + m) * ldy + q * QK_BYTE_PANEL;
            if (left >= QK_BYTE_PANEL)
              for (int r = 0; r < QK_BYTE_PANEL; r++)
                to[r] = (int32_t)((uint32_t)to[r] + ((uint32_t)out[m][r] << parts[d].left));
            else
              for (int r = 0; r < left; r++)
                to[r] = (int32_t)((uint32_t)to[r] + ((uint32_t)out[m][r] << parts[d].left));
          }
        }
      }
  }
  return QK_OK;
}

/* Eight 32-bit lanes would not hold the sums, so four columns go side by side in 64 bits. */
int qk_shift_dot_avx2(const int8_t *w, const int8_t *exponent, const int8_t *sign, int64_t m,
                      int64_t n, int64_t k, int64_t *y) {
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) {
      __m256i sum = _mm256_setzero_si256();
      int64_t l = 0;
      for (; l + 4 <= k; l += 4) {
        int32_t a, b, c;
        memcpy(&a, w + j * k + l, 4);
        memcpy(&b, exponent + i * k + l, 4);
        memcpy(&c, sign + i * k + l, 4);
        const __m128i signed_w = _mm_sign_epi16(_mm_cvtepi8_epi16(_mm_cvtsi32_si128(a)),
                                                _mm_cvtepi8_epi16(_mm_cvtsi32_si128(c)));
        sum = _mm256_add_epi64(sum,
                               _mm256_sllv_epi64(_mm256_cvtepi16_epi64(signed_w),
                                                 _mm256_cvtepi8_epi64(_mm_cvtsi32_si128(b))));
      }
      _Alignas(32) uint64_t lane[4];
      _mm256_store_si256((__m256i *)lane, sum);
      uint64_t total = lane[0] + lane[1] + lane[2] + lane[3];
      for (; l < k; l++) {
        const uint64_t term = (uint64_t)(int64_t)w[j * k + l] << exponent[i * k + l];
        if (sign[i * k + l] > 0) total += term;
        if (sign[i * k + l] < 0) total -= term;
      }
      y[i * n + j] = (int64_t)total;
    }
  return QK_OK;
}
