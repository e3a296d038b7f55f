/* One-byte weights against one-byte activations: the specification. */
#include "families.h"

int qk_gemm_bytes_scalar(const qk_bytes *w, const qk_codes *x, int32_t *y, int64_t ldy) {
  const int64_t k4 = (w->cols + 3) / 4;
  for (int64_t m = 0; m < x->rows; m++) {
    const uint8_t *row = x->data + m * x->stride;
    for (int64_t n = 0; n < w->rows; n++) {
      const int8_t *panel =
          w->data + (n / QK_BYTE_PANEL * k4 * QK_BYTE_PANEL + n % QK_BYTE_PANEL) * 4;
      uint32_t total = 0;
      for (int64_t k = 0; k < w->cols; k++) {
        const uint32_t value = x->lo < 0 ? (uint32_t)(int8_t)row[k] : row[k];
        total += value * (uint32_t)panel[k / 4 * 4 * QK_BYTE_PANEL + k % 4];
      }
      y[m * ldy + n] = (int32_t)total;
    }
  }
  return QK_OK;
}

int qk_shift_dot_scalar(const int8_t *w, const int8_t *exponent, const int8_t *sign, int64_t m,
                        int64_t n, int64_t k, int64_t *y) {
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) {
      uint64_t total = 0;
      for (int64_t l = 0; l < k; l++) {
        const uint64_t term = (uint64_t)(int64_t)w[j * k + l] << exponent[i * k + l];
        if (sign[i * k + l] > 0) total += term;
        if (sign[i * k + l] < 0) total -= term;
      }
      y[i * n + j] = (int64_t)total;
    }
  return QK_OK;
}
