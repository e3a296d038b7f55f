/* From rows of bits or bytes to the panels that the kernels read, and back to values. */
#include "kernels.h"

#include <string.h>

static int64_t padded(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

static int addressable(int64_t rows, int64_t cols) {
  const int64_t limit = INT64_C(1) << 46; /* the product below stays under 2^62 */
  return rows >= 0 && cols >= 0 && rows <= limit && cols <= limit &&
         (rows == 0 || cols + 8 <= limit / (rows + QK_PANEL));
}

int64_t qk_panel_bytes(int64_t rows, int64_t cols, int nplanes) {
  if (!addressable(rows, cols) || nplanes < 1 || nplanes > QK_MAX_PLANES) return -1;
  return padded(rows, QK_PANEL) * ((cols + 7) / 8) * nplanes;
}

int64_t qk_byte_panel_bytes(int64_t rows, int64_t cols) {
  if (!addressable(rows, cols)) return -1;
  return padded(rows, QK_BYTE_PANEL) * padded(cols, 4);
}

int qk_rows_to_panels(const uint8_t *bits, int64_t rows, int64_t cols, int nplanes, uint8_t *out) {
  const int64_t total = qk_panel_bytes(rows, cols, nplanes), kb = (cols + 7) / 8;
  if (total < 0) return QK_BAD_SIZE;
  const uint8_t last = cols % 8 ? (uint8_t)((1u << (cols % 8)) - 1u) : 0xff;
  for (int p = 0; p < nplanes; p++)
    for (int64_t q = 0; q < rows; q += QK_PANEL) {
      const int64_t count = rows - q < QK_PANEL ? rows - q : QK_PANEL;
      const uint8_t *from = bits + (p * rows + q) * kb;
      for (int64_t j = 0; j < kb; j++, out += QK_PANEL) {
        const uint8_t mask = j == kb - 1 ? last : 0xff;
        for (int64_t r = 0; r < count; r++) out[r] = from[r * kb + j] & mask;
        memset(out + count, 0, (size_t)(QK_PANEL - count));
      }
    }
  return QK_OK;
}

int qk_bytes_to_panels(const int8_t *values, int64_t rows, int64_t cols, int8_t *out,
                       int32_t *sums) {
  if (qk_byte_panel_bytes(rows, cols) < 0 || !qk_sum_fits(128, 1, cols)) return QK_BAD_SIZE;
  for (int64_t q = 0; q < rows; q += QK_BYTE_PANEL)
    for (int64_t j = 0; j < cols; j += 4)
      for (int64_t r = q; r < q + QK_BYTE_PANEL; r++)
        for (int64_t k = j; k < j + 4; k++)
          *out++ = r < rows && k < cols ? values[r * cols + k] : 0;
  for (int64_t r = 0; r < rows; r++) {
    int32_t total = 0;
    for (int64_t k = 0; k < cols; k++) total += values[r * cols + k];
    sums[r] = total;
  }
  return QK_OK;
}

int qk_codes_to_rows(const int8_t *codes, int64_t rows, int64_t cols, int bit, uint8_t *out) {
  if (!addressable(rows, cols) || bit < 0 || bit > 7) return QK_BAD_SIZE;
  for (int64_t r = 0; r < rows; r++)
    for (int64_t j = 0; j < cols; j += 8) {
      unsigned byte = 0;
      for (int64_t k = j; k < cols && k < j + 8; k++)
        byte |= ((unsigned)(uint8_t)codes[r * cols + k] >> bit & 1u) << (k - j);
      *out++ = (uint8_t)byte;
    }
  return QK_OK;
}

int qk_rows_to_codes(const uint8_t *bits, int64_t rows, int64_t cols, int nplanes,
                     const int32_t *coef, int32_t constant, int32_t *out) {
  if (qk_panel_bytes(rows, cols, nplanes) < 0) return QK_BAD_SIZE;
  const int64_t kb = (cols + 7) / 8;
  for (int64_t r = 0; r < rows; r++)
    for (int64_t k = 0; k < cols; k++) {
      uint32_t value = (uint32_t)constant;
      for (int p = 0; p < nplanes; p++)
        if (bits[(p * rows + r) * kb + k / 8] >> (k % 8) & 1) value += (uint32_t)coef[p];
      out[r * cols + k] = (int32_t)value;
    }
  return QK_OK;
}
