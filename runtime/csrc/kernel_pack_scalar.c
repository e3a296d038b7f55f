/* Signs of floats as bits: the specification. The sign of 0 and of -0 is +1. */
#include "families.h"

int qk_pack_signs_f32_scalar(const float *x, int64_t rows, int64_t cols, int64_t ldx,
                             uint8_t *out, int64_t stride) {
  int bad = 0;
  for (int64_t m = 0; m < rows; m++) {
    const float *row = x + m * ldx;
    uint8_t *bits = out + m * stride;
    for (int64_t j = 0; j < stride; j++) {
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

int qk_pack_pixels_f32_scalar(const float *x, int64_t channels, int64_t pixels, uint8_t *out,
                              int64_t stride) {
  int bad = 0;
  for (int64_t p = 0; p < pixels; p++)
    for (int64_t j = 0; j < stride; j++) {
      unsigned byte = 0;
      for (int64_t c = 8 * j; c < channels && c < 8 * j + 8; c++) {
        byte |= (unsigned)(x[c * pixels + p] < 0.0f) << (c % 8);
        bad |= x[c * pixels + p] != x[c * pixels + p];
      }
      out[p * stride + j] = (uint8_t)byte;
    }
  return bad ? QK_NAN : QK_OK;
}
