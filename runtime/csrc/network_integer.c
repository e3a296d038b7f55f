/* What a layer accumulates in integers, out of codes of one byte. Sums were proven to fit when the
 * file was read. */
#include "network_run.h"

#include <string.h>

/* Bit k % 8 of byte k / 8 of a row: whether code k is negative. */
static void pack_signs(const uint8_t *codes, int64_t rows, int64_t cols, uint8_t *out) {
  const int64_t whole = cols / 8;
  for (int64_t r = 0; r < rows; r++, codes += cols) {
    for (int64_t j = 0; j < whole; j++) {
      uint64_t eight; /* the top bits of eight bytes, gathered by one product */
      memcpy(&eight, codes + 8 * j, 8);
      *out++ = (uint8_t)(((eight >> 7 & UINT64_C(0x0101010101010101)) *
                          UINT64_C(0x0102040810204080)) >> 56);
    }
    if (cols % 8) {
      unsigned byte = 0;
      for (int64_t k = 8 * whole; k < cols; k++) byte |= (unsigned)(codes[k] >> 7) << (k % 8);
      *out++ = (uint8_t)byte;
    }
  }
}

static int product(const qk_table *t, const qk_layer *l, int64_t g, const qk_codes *x, int32_t *y,
                   int64_t ldy, uint8_t *scratch) {
  if (l->bytes) return qk_gemm_bytes(t, &l->bytes[g], x, y, ldy);
  if (l->planes) return qk_gemm_codes(t, &l->planes[g], x, y, ldy);
  int32_t *row = (int32_t *)(void *)scratch;
  for (int64_t r = 0; r < l->rows; r++) {
    qk_unpack_i32(l, g, r, row);
    for (int64_t i = 0; i < x->rows; i++) {
      const uint8_t *at = x->data + i * x->stride;
      int32_t total = 0;
      if (x->lo < 0)
        for (int64_t k = 0; k < l->cols; k++) total += row[k] * (int8_t)at[k];
      else
        for (int64_t k = 0; k < l->cols; k++) total += row[k] * at[k];
      y[i * ldy + r] = total;
    }
  }
  return QK_OK;
}

static int dense(const qk_table *t, const qk_layer *l, const qk_tensor *in, const uint8_t *x,
                 int64_t n, int32_t *acc, uint8_t *extra) {
  if (l->planes && in->signs) {
    const qk_signs signs = {extra, NULL, n, l->cols, (l->cols + 7) / 8};
    pack_signs(x, n, l->cols, extra);
    return qk_gemm_signs(t, &l->planes[0], &signs, acc, l->channels);
  }
  const qk_codes codes = {x, n, l->cols, l->cols, in->lo, in->hi};
  return product(t, l, 0, &codes, acc, l->channels, extra);
}

/* One group of one image by signs, taps outside masked (or +1 or -1). */
static int conv_signs(const qk_table *t, const qk_layer *l, int64_t g, const uint8_t *pixels,
                      int64_t count, int32_t *y, uint8_t *room) {
  const int64_t places = l->out.height * l->out.width, width = l->inputs / 8;
  const int padded = l->window.pad_h || l->window.pad_w;
  uint8_t *bits = room, *rows = bits + count * width, *mask = rows + places * l->cols / 8;
  uint8_t *fill = mask + places * l->cols / 8;
  pack_signs(pixels, count, l->inputs, bits);
  memset(fill, l->pad_code < 0 ? 0xff : 0, (size_t)width);
  int status = qk_gather_taps(bits, &l->window, width, fill, rows);
  const int masked = padded && l->pad_code == 0;
  if (masked && status == QK_OK) {
    memset(bits, 0xff, (size_t)(count * width));
    status = qk_gather_taps(bits, &l->window, width, fill, mask);
  }
  const qk_signs signs = {rows, masked ? mask : NULL, places, l->cols, l->cols / 8};
  return status ? status : qk_gemm_signs(t, &l->planes[g], &signs, y, l->channels);
}

static int conv_codes(const qk_table *t, const qk_layer *l, int64_t g, const qk_tensor *in,
                      const uint8_t *pixels, int32_t *y, uint8_t *room) {
  const int64_t places = l->out.height * l->out.width;
  uint8_t *rows = room, *fill = rows + (places * l->cols + 63) / 64 * 64;
  const int padded = l->window.pad_h || l->window.pad_w;
  memset(fill, padded ? l->pad_code : 0, (size_t)l->inputs);
  const int status = qk_gather_taps(pixels, &l->window, l->inputs, fill, rows);
  qk_codes codes = {rows, places, l->cols, l->cols, in->lo, in->hi};
  if (padded && l->pad_code < codes.lo) codes.lo = l->pad_code;
  if (padded && l->pad_code > codes.hi) codes.hi = l->pad_code;
  return status ? status : product(t, l, g, &codes, y, l->channels, fill);
}

static int conv(const qk_table *t, const qk_layer *l, const qk_tensor *in, const uint8_t *x,
                int64_t n, int32_t *acc, uint8_t *extra) {
  const int64_t count = in->height * in->width, places = l->out.height * l->out.width;
  uint8_t *room = extra + (count * l->inputs + 63) / 64 * 64;
  const int padded = l->window.pad_h || l->window.pad_w;
  const int signs = l->planes && in->signs && l->inputs % 8 == 0 &&
                    (!padded || (l->pad_code >= -1 && l->pad_code <= 1));
  for (int64_t i = 0; i < n; i++)
    for (int64_t g = 0; g < l->groups; g++) {
      int32_t *y = acc + i * places * l->channels + g * l->rows;
      int status = qk_channels_last(x + i * in->size + g * l->inputs * count, l->inputs, count,
                                    extra, l->inputs);
      if (status == QK_OK)
        status = signs ? conv_signs(t, l, g, extra, count, y, room)
                       : conv_codes(t, l, g, in, extra, y, room);
      if (status) return status;
    }
  return QK_OK;
}

static void pool(const qk_layer *l, const qk_tensor *in, const uint8_t *x, int64_t n, int32_t *acc) {
  const qk_window *v = &l->window;
  const int maximum = l->op == QK_MAXPOOL, is_signed = in->codes == 1;
  for (int64_t i = 0; i < n * in->channels; i++)
    for (int64_t a = 0; a < l->out.height; a++)
      for (int64_t b = 0; b < l->out.width; b++) {
        const uint8_t *at = x + (i * in->height + a * v->stride_h) * in->width + b * v->stride_w;
        int32_t total = is_signed ? (int8_t)at[0] : at[0];
        for (int64_t k = 1; k < v->kh * v->kw; k++) {
          const uint8_t byte = at[k / v->kw * in->width + k % v->kw];
          const int32_t value = is_signed ? (int8_t)byte : byte;
          total = !maximum ? total + value : value > total ? value : total;
        }
        *acc++ = total;
      }
}

int qk_accumulate(const qexpr_net *net, const qk_table *t, const qk_layer *l, const uint8_t *x,
                  int64_t n, int32_t *acc, uint8_t *extra) {
  const qk_tensor *in = l->source < 0 ? &net->input : &net->layer[l->source].out;
  switch (l->op) {
    case QK_DENSE: return dense(t, l, in, x, n, acc, extra);
    case QK_CONV: return conv(t, l, in, x, n, acc, extra);
    case QK_MAXPOOL:
    case QK_AVGPOOL: pool(l, in, x, n, acc); return QK_OK;
    default:
      for (int64_t i = 0; i < n * in->size; i++) acc[i] = in->codes == 1 ? (int8_t)x[i] : x[i];
      return QK_OK;
  }
}

int64_t qk_integer_steps(const qk_layer *l, int64_t c, int32_t s) {
  const int64_t row = l->threshold_rows == 1 ? 0 : c;
  const int32_t *t = l->integer_thresholds + row * l->levels;
  const int way = l->direction[row];
  if (way == 0) return t[0];
  int64_t low = 0, high = l->levels;
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (way > 0 ? s >= t[middle] : s <= t[middle]) low = middle + 1;
    else high = middle;
  }
  return low;
}
