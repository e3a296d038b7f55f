/* Bit-plane weights against small integers: the specification.
 *
 * y[m][n] = sum_k x[m][k] * (constant + sum_p coef[p] bit[p][n][k]), by popcounts where x is a
 * sign and by selected sums where x is an integer. Sums are taken modulo 2^32; the caller has
 * proven that the result fits. */
#include "families.h"

#include <stddef.h>

static uint8_t plane_byte(const qk_planes *w, int p, int64_t row, int64_t j) {
  const int64_t kb = (w->cols + 7) / 8, panels = (w->rows + QK_PANEL - 1) / QK_PANEL;
  return w->data[((p * panels + row / QK_PANEL) * kb + j) * QK_PANEL + row % QK_PANEL];
}

static uint8_t valid_bits(int64_t cols, int64_t j) {
  return cols - 8 * j >= 8 ? 0xff : (uint8_t)((1u << (cols - 8 * j)) - 1u);
}

static uint32_t ones_of(uint8_t byte) {
  uint32_t count = 0;
  for (; byte; byte &= (uint8_t)(byte - 1)) count++;
  return count;
}

int qk_gemm_signs_scalar(const qk_planes *w, const qk_signs *x, int32_t *y, int64_t ldy) {
  const int64_t kb = (w->cols + 7) / 8;
  for (int64_t m = 0; m < x->rows; m++) {
    const uint8_t *sign = x->sign + m * x->stride;
    const uint8_t *mask = x->mask ? x->mask + m * x->stride : NULL;
    for (int64_t n = 0; n < w->rows; n++) {
      uint32_t total = 0;
      for (int64_t j = 0; j < kb; j++) {
        const uint8_t live = valid_bits(w->cols, j) & (mask ? mask[j] : 0xff);
        total += (uint32_t)w->constant * (ones_of(live) - 2u * ones_of(live & sign[j]));
        for (int p = 0; p < w->nplanes; p++) {
          const uint8_t chosen = live & plane_byte(w, p, n, j);
          total += (uint32_t)w->coef[p] * (ones_of(chosen) - 2u * ones_of(chosen & sign[j]));
        }
      }
      y[m * ldy + n] = (int32_t)total;
    }
  }
  return QK_OK;
}

int qk_gemm_codes_scalar(const qk_planes *w, const qk_codes *x, int32_t *y, int64_t ldy) {
  for (int64_t m = 0; m < x->rows; m++) {
    const uint8_t *row = x->data + m * x->stride;
    for (int64_t n = 0; n < w->rows; n++) {
      uint32_t total = 0;
      for (int64_t k = 0; k < w->cols; k++) {
        const uint32_t value = x->lo < 0 ? (uint32_t)(int8_t)row[k] : row[k];
        uint32_t weight = (uint32_t)w->constant;
        for (int p = 0; p < w->nplanes; p++)
          if (plane_byte(w, p, n, k / 8) >> (k % 8) & 1) weight += (uint32_t)w->coef[p];
        total += value * weight;
      }
      y[m * ldy + n] = (int32_t)total;
    }
  }
  return QK_OK;
}

int qk_conv_signs_scalar(const qk_planes *w, const qk_signs *x, const qk_window *g, int ones,
                         int64_t from, int64_t to, int32_t *y, int64_t ldy) {
  const int64_t ow = qk_output_size(g->width, g->kw, g->stride_w, g->pad_w);
  const int64_t width = (x->cols + 7) / 8;
  for (int64_t i = from; i < to; i++)
    for (int64_t j = 0; j < ow; j++, y += ldy)
      for (int64_t n = 0; n < w->rows; n++) {
        uint32_t total = 0;
        for (int64_t t = 0; t < g->kh * g->kw * width; t++) {
          const int64_t byte = t % width;
          const int64_t row = i * g->stride_h + t / width / g->kw - g->pad_h;
          const int64_t column = j * g->stride_w + t / width % g->kw - g->pad_w;
          const int inside = row >= 0 && row < g->height && column >= 0 && column < g->width;
          const int64_t at = (row * g->width + column) * x->stride + byte;
          uint8_t live = valid_bits(x->cols, byte), sign = 0;
          if (inside) sign = x->sign[at];
          if (inside && x->mask) live &= x->mask[at];
          if (!inside && !ones) live = 0;
          total += (uint32_t)w->constant * (ones_of(live) - 2u * ones_of(live & sign));
          for (int p = 0; p < w->nplanes; p++) {
            const uint8_t chosen = live & plane_byte(w, p, n, t);
            total += (uint32_t)w->coef[p] * (ones_of(chosen) - 2u * ones_of(chosen & sign));
          }
        }
        y[n] = (int32_t)total;
      }
  return QK_OK;
}
