/* One row of weights as numbers, whatever its kind and arrangement: for products that have no
 * kernel of their own. */
#include "network.h"

#include <string.h>

/* Byte `j` of the bits of a row: eight columns of one plane. */
static uint8_t plane_byte(const qk_layer *l, int64_t g, int p, int64_t row, int64_t j) {
  const int64_t kb = (l->cols + 7) / 8;
  if (!l->planes) return l->weights[(uint64_t)g * l->group_bytes + (uint64_t)((p * l->rows + row) * kb + j)];
  const qk_planes *w = &l->planes[g];
  const int64_t panels = (l->rows + QK_PANEL - 1) / QK_PANEL;
  return w->data[((p * panels + row / QK_PANEL) * kb + j) * QK_PANEL + row % QK_PANEL];
}

static int8_t byte_at(const qk_layer *l, int64_t g, int64_t row, int64_t k) {
  if (!l->bytes) return (int8_t)l->weights[(uint64_t)g * l->group_bytes + (uint64_t)(row * l->cols + k)];
  const int64_t kb = (l->cols + 3) / 4;
  return l->bytes[g].data[((row / QK_BYTE_PANEL * kb + k / 4) * QK_BYTE_PANEL + row % QK_BYTE_PANEL) * 4 + k % 4];
}

void qk_unpack_i32(const qk_layer *l, int64_t g, int64_t row, int32_t *out) {
  if (l->kind == QK_INT8) {
    for (int64_t k = 0; k < l->cols; k++) out[k] = byte_at(l, g, row, k);
    return;
  }
  const int planes = l->kind == QK_TERNARY ? 2 : l->bits;
  const int32_t constant = l->kind == QK_BINARY ? 1 : l->kind == QK_ODD ? 1 - (1 << l->bits) : 0;
  for (int64_t k = 0; k < l->cols; k++) out[k] = constant;
  for (int p = 0; p < planes; p++) {
    int32_t coef = 1 << p;
    if (l->kind == QK_BINARY) coef = -2;
    if (l->kind == QK_TERNARY) coef = p ? -1 : 1;
    if (l->kind == QK_SIGNED && p == planes - 1) coef = -coef;
    if (l->kind == QK_ODD) coef *= 2;
    for (int64_t j = 0; 8 * j < l->cols; j++) {
      const unsigned byte = plane_byte(l, g, p, row, j);
      const int64_t stop = l->cols - 8 * j < 8 ? l->cols - 8 * j : 8;
      for (int64_t b = 0; b < stop; b++) out[8 * j + b] += (int32_t)(byte >> b & 1u) * coef;
    }
  }
}

int qk_tap_planes(const qk_layer *l, int64_t g, uint8_t *rows, uint8_t *panels) {
  const int planes = l->kind == QK_TERNARY ? 2 : l->bits;
  const int64_t taps = l->window.kh * l->window.kw, width = (l->inputs + 7) / 8;
  memset(rows, 0, (size_t)(planes * l->rows * taps * width));
  for (int p = 0; p < planes; p++)
    for (int64_t r = 0; r < l->rows; r++)
      for (int64_t t = 0; t < taps; t++, rows += width)
        for (int64_t c = 0; c < l->inputs; c++) {
          const int64_t k = t * l->inputs + c;
          const unsigned bit = plane_byte(l, g, p, r, k / 8) >> (k % 8) & 1u;
          rows[c / 8] |= (uint8_t)(bit << (c % 8));
        }
  rows -= planes * l->rows * taps * width;
  return qk_rows_to_panels(rows, l->rows, taps * width * 8, planes, panels);
}

#define UNPACK(name, type)                                                                  \
  void name(const qk_layer *l, int64_t g, int64_t row, int32_t *whole, type *out) {         \
    if (l->kind == QK_WIDE) {                                                               \
      const uint8_t *from = l->weights + (uint64_t)g * l->group_bytes +                     \
                            (uint64_t)l->bits / 8 * (uint64_t)(row * l->cols);              \
      for (int64_t k = 0; k < l->cols; k++) {                                               \
        double value;                                                                       \
        float single;                                                                       \
        if (l->bits == 32)                                                                  \
          memcpy(&single, from + 4 * k, 4), value = single;                                 \
        else                                                                                \
          memcpy(&value, from + 8 * k, 8);                                                  \
        out[k] = (type)value;                                                               \
      }                                                                                     \
      return;                                                                               \
    }                                                                                       \
    qk_unpack_i32(l, g, row, whole);                                                        \
    if (l->kind == QK_BOOK) {                                                               \
      for (int64_t k = 0; k < l->cols; k++) out[k] = (type)l->book_value[whole[k] & 255];   \
      return;                                                                               \
    }                                                                                       \
    for (int64_t k = 0; k < l->cols; k++) out[k] = (type)whole[k];                          \
  }

UNPACK(qk_unpack_f64, double)
UNPACK(qk_unpack_f32, float)
