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

/* What one product reads: bytes in lo..hi, or signs; what a padded tap counts; which digit of the
 * weights it is. */
typedef struct {
  const uint8_t *x;
  int32_t lo, hi, pad;
  int signs;
  int64_t digit;
} operand;

static int product(const qk_table *t, const qk_layer *l, int64_t g, const qk_codes *x, int64_t digit,
                   int32_t *y, int64_t ldy, uint8_t *scratch) {
  if (l->bytes) return qk_gemm_bytes(t, &l->bytes[digit * l->groups + g], x, y, ldy);
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

static int dense(const qk_table *t, const qk_layer *l, const operand *o, int64_t n, int32_t *acc,
                 uint8_t *extra) {
  if (l->planes && o->signs) {
    const qk_signs signs = {extra, NULL, n, l->cols, (l->cols + 7) / 8};
    pack_signs(o->x, n, l->cols, extra);
    return qk_gemm_signs(t, &l->planes[0], &signs, acc, l->channels);
  }
  const qk_codes codes = {o->x, n, l->cols, l->cols, o->lo, o->hi};
  return product(t, l, 0, &codes, o->digit, acc, l->channels, extra);
}

static int conv_codes(const qk_table *t, const qk_layer *l, int64_t g, const operand *o,
                      const uint8_t *pixels, int32_t *y, uint8_t *room) {
  const int64_t places = l->out.height * l->out.width;
  uint8_t *rows = room, *fill = rows + (places * l->cols + 63) / 64 * 64;
  const int padded = l->window.pad_h || l->window.pad_w;
  memset(fill, padded ? o->pad : 0, (size_t)l->inputs);
  const int status = qk_gather_taps(pixels, &l->window, l->inputs, fill, rows);
  qk_codes codes = {rows, places, l->cols, l->cols, o->lo, o->hi};
  if (padded && o->pad < codes.lo) codes.lo = o->pad;
  if (padded && o->pad > codes.hi) codes.hi = o->pad;
  return status ? status : product(t, l, g, &codes, o->digit, y, l->channels, fill);
}

static int conv(const qk_table *t, const qk_layer *l, const qk_tensor *in, const operand *o,
                int64_t n, int32_t *acc, uint8_t *extra) {
  const int64_t count = in->height * in->width, places = l->out.height * l->out.width;
  uint8_t *room = extra + (count * l->inputs + 63) / 64 * 64;
  const int signs = l->taps && o->signs && o->pad >= 0 && o->pad <= 1;
  for (int64_t i = 0; i < n; i++)
    for (int64_t g = 0; g < l->groups; g++) {
      int32_t *y = acc + i * places * l->channels + g * l->rows;
      int status = qk_channels_last(o->x + i * in->size + g * l->inputs * count, l->inputs, count,
                                    extra, l->inputs);
      if (status == QK_OK && signs) {
        const qk_signs image = {room, NULL, count, l->inputs, (l->inputs + 7) / 8};
        pack_signs(extra, count, l->inputs, room);
        status = qk_conv_signs(t, &l->taps[g], &image, &l->window, o->pad == 1, 0, l->out.height,
                               y, l->channels);
      } else if (status == QK_OK) {
        status = conv_codes(t, l, g, o, extra, y, room);
      }
      if (status) return status;
    }
  return QK_OK;
}

static int weighted(const qk_table *t, const qk_layer *l, const qk_tensor *in, const operand *o,
                    int64_t n, int32_t *acc, uint8_t *extra) {
  return l->op == QK_DENSE ? dense(t, l, o, n, acc, extra) : conv(t, l, in, o, n, acc, extra);
}

/* acc += factor * part, in the bits that the reader has proven to be enough. */
static void add_up(const qk_layer *l, qk_i128 factor, const int32_t *part, int64_t count, int first,
                   void *acc) {
  if (l->integer == QK_I64) {
    int64_t *sum = acc;
    const int64_t f = (int64_t)factor;
    if (first)
      for (int64_t i = 0; i < count; i++) sum[i] = f * part[i];
    else
      for (int64_t i = 0; i < count; i++) sum[i] += f * part[i];
    return;
  }
  qk_i128 *sum = acc;
  for (int64_t i = 0; i < count; i++) sum[i] = (first ? 0 : sum[i]) + factor * part[i];
}

/* Every digit of what is read with every digit of the weights. */
static int by_digits(const qk_table *t, const qk_layer *l, const qk_tensor *in, const uint8_t *x,
                     int64_t n, void *acc, uint8_t *extra) {
  const int64_t count = n * l->out.size, bytes = n * in->size;
  const int64_t sums = count * (l->integer == QK_I64 ? 8 : 16);
  int32_t *part = (int32_t *)(void *)((uint8_t *)acc + (sums + 63) / 64 * 64);
  uint8_t *digits = (uint8_t *)part + (4 * count + 63) / 64 * 64;
  for (int e = 0; e < l->digits; e++) {
    const qk_digit *d = &l->digit[e];
    operand o = {digits, d->lo, d->hi, d->pad, d->signs, 0};
    for (int64_t i = 0; i < bytes; i++) digits[i] = d->table[x[i]];
    for (; o.digit < (l->book ? l->book : 1); o.digit++) {
      const int status = weighted(t, l, in, &o, n, part, extra);
      if (status) return status;
      const qk_i128 factor = (qk_i128)d->factor * (l->book ? l->book_factor[o.digit] : 1);
      add_up(l, factor, part, count, e == 0 && o.digit == 0, acc);
    }
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
                  int64_t n, void *acc, uint8_t *extra) {
  const qk_tensor *in = l->source < 0 ? &net->input : &net->layer[l->source].out;
  if (l->integer >= QK_I64) return by_digits(t, l, in, x, n, acc, extra);
  const operand o = {x, in->lo, in->hi, l->pad_code, in->signs, 0};
  int32_t *sum = acc;
  switch (l->op) {
    case QK_DENSE:
    case QK_CONV: return weighted(t, l, in, &o, n, sum, extra);
    case QK_MAXPOOL:
    case QK_AVGPOOL: pool(l, in, x, n, sum); return QK_OK;
    default:
      for (int64_t i = 0; i < n * in->size; i++) sum[i] = in->codes == 1 ? (int8_t)x[i] : x[i];
      return QK_OK;
  }
}

/* How many thresholds the sum has passed; they ascend where the direction is 1, else descend. */
#define STEPS(name, type, threshold)                                                      \
  static int64_t name(const qk_layer *l, int64_t row, int way, type s) {                  \
    int64_t low = 0, high = l->levels;                                                    \
    while (low < high) {                                                                  \
      const int64_t middle = (low + high) / 2;                                            \
      const type t = threshold;                                                           \
      if (way > 0 ? s >= t : s <= t) low = middle + 1;                                    \
      else high = middle;                                                                 \
    }                                                                                     \
    return low;                                                                           \
  }

STEPS(steps_32, int32_t, l->integer_thresholds[row * l->levels + middle])
STEPS(steps_64, int64_t, (int64_t)qk_wide_threshold(l, row, middle))
STEPS(steps_128, qk_i128, qk_wide_threshold(l, row, middle))

int64_t qk_integer_steps(const qk_layer *l, int64_t c, const void *acc, int64_t at) {
  const int64_t row = l->threshold_rows == 1 ? 0 : c;
  const int way = l->direction[row];
  if (way == 0)
    return l->integer == QK_I32 ? l->integer_thresholds[row * l->levels]
                                : (int64_t)qk_wide_threshold(l, row, 0);
  if (l->integer == QK_I32) return steps_32(l, row, way, ((const int32_t *)acc)[at]);
  if (l->integer == QK_I64) return steps_64(l, row, way, ((const int64_t *)acc)[at]);
  return steps_128(l, row, way, ((const qk_i128 *)acc)[at]);
}
