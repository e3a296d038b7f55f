/* The constants and weights of a layer, out of their sections. */
#include "network.h"

#include <math.h>
#include <string.h>

#define REFUSE(tag, byte, why) return qk_fail(file->error, QEXPR_BAD_FILE, tag, byte, why)
#define SKIPPED "sections are used in order, each by one layer"
#define ORDER "thresholds must be in order"
#define CONSTANT "a constant step must name one of the values"
#define SMALL (1 << 16)
#define SMALL_ROWS 256
#define EXPANDED (1 << 20) /* weights of a whole network */
#define TAP_ROWS 8
#define CONVERT_ROWS 16 /* matrices of fewer rows stay rows of bits */

static uint64_t eight(uint64_t bytes) { return (bytes + 7) / 8 * 8; }

static int finite(const double *v, uint64_t count) {
  for (uint64_t i = 0; i < count; i++)
    if (!isfinite(v[i])) return 0;
  return 1;
}

/* Codes of kind QK_WIDE: floats of 32 or 64 bits. */
static int finite_codes(const uint8_t *data, uint64_t count, int bits) {
  if (bits == 64) return finite((const double *)(const void *)data, count);
  const float *v = (const float *)(const void *)data;
  for (uint64_t i = 0; i < count; i++)
    if (!isfinite(v[i])) return 0;
  return 1;
}

static int expand(qexpr_net *net, const qk_file *file, qk_layer *l, const double *alpha,
                  uint64_t alphas, const double *beta, uint64_t betas) {
  const uint64_t n = l->channels ? (uint64_t)l->channels : 1;
  l->alpha64 = qk_own(net, n, 8, file->error), l->beta64 = qk_own(net, n, 8, file->error);
  l->alpha32 = qk_own(net, n, 4, file->error), l->beta32 = qk_own(net, n, 4, file->error);
  if (!l->alpha64 || !l->beta64 || !l->alpha32 || !l->beta32) return QEXPR_NO_MEMORY;
  for (uint64_t c = 0; c < n; c++) {
    l->alpha64[c] = alpha[alphas == 1 ? 0 : c];
    l->beta64[c] = betas ? beta[c] : 0;
    l->alpha32[c] = (float)l->alpha64[c], l->beta32[c] = (float)l->beta64[c];
  }
  return QEXPR_OK;
}

/* The codes of a step function, and what each byte stands for. */
static int read_codes(qexpr_net *net, const qk_file *file, qk_layer *l, uint64_t at) {
  const int32_t lo = l->out.codes == 1 ? -128 : 0, hi = l->out.codes == 1 ? 127 : 255;
  double *lut = qk_own(net, 256, sizeof *lut, file->error);
  if (lut == NULL) return QEXPR_NO_MEMORY;
  l->out.lo = hi, l->out.hi = lo, l->out.signs = 1;
  for (int64_t i = 0; i <= l->levels; i++) {
    const int32_t code = l->codes[i];
    if (code < lo || code > hi) REFUSE("CNST", at + 2 * (uint64_t)i, "a code leaves its byte");
    lut[(uint8_t)code] = l->values[i];
    if (code < l->out.lo) l->out.lo = code;
    if (code > l->out.hi) l->out.hi = code;
    if (code != 1 && code != -1) l->out.signs = 0;
  }
  l->out.lut = lut;
  return QEXPR_OK;
}

/* One row of thresholds of 64 or 128 bits: 1 out of order, 2 no constant of the step function. */
static int wide_row(const qk_layer *l, int64_t c) {
  const int8_t way = l->direction[c];
  for (int64_t i = 0; i < l->levels; i++) {
    const qk_i128 t = qk_wide_threshold(l, c, i), u = i ? qk_wide_threshold(l, c, i - 1) : t;
    if (way > 0 ? t < u : way < 0 && t > u) return 1;
    if (way == 0 && i == 0 && (t < 0 || t > l->levels)) return 2;
  }
  return 0;
}

int qk_read_constants(qexpr_net *net, const qk_file *file, qk_layer *l, const uint8_t *r,
                      uint64_t at) {
  const uint64_t index = qk_u32(r + 76), alphas = qk_u32(r + 80), betas = qk_u32(r + 84);
  const uint64_t levels = qk_u32(r + 88), rows = qk_u32(r + 92);
  const uint64_t channels = l->channels ? (uint64_t)l->channels : 1;
  qk_section s;
  if (index != net->next_section++) REFUSE("GRPH", at + 76, SKIPPED);
  const int status = qk_file_section(file, (uint32_t)index, "CNST", &s);
  if (status) return status;
  if ((alphas != 1 && alphas != channels) || (betas != 0 && betas != channels))
    REFUSE("GRPH", at + 80, "there must be one scale, or one for each channel; biases likewise");
  const int steps = l->activation == QK_STEPS;
  if (steps ? levels < 1 || levels > 65535 || (rows != 1 && rows != channels)
            : levels != 0 || rows != 0)
    REFUSE("GRPH", at + 88, "the number of thresholds does not fit the activation");
  static const uint64_t widths[] = {8, 4, 8, 16};
  const uint64_t width = widths[l->integer];
  uint64_t need = 8 * (alphas + betas) + (l->activation == QK_CLIP ? 16 : 0);
  const uint64_t direction = need;
  if (steps) need += eight(rows);
  const uint64_t thresholds = need;
  if (steps) need += eight(rows * levels * width); /* below 2^32 * 2^16 * 16 */
  const uint64_t values = need;
  if (steps) need += 8 * (levels + 1);
  const uint64_t codes = need;
  if (steps && l->out.codes) need += eight(2 * (levels + 1));
  if (need != s.length) REFUSE("CNST", s.offset, "the constants' length does not fit the layer");
  const double *d = (const double *)(const void *)s.data;
  if (!finite(d, direction / 8)) REFUSE("CNST", s.offset, "a constant is not finite");
  const int filled = expand(net, file, l, d, alphas, d + alphas, betas);
  if (filled) return filled;
  if (l->activation == QK_CLIP) {
    memcpy(l->clip, d + alphas + betas, 16);
    if (l->clip[0] > l->clip[1]) REFUSE("CNST", s.offset, "the ends of the clip are turned round");
  }
  if (!steps) return QEXPR_OK;
  l->levels = (int64_t)levels, l->threshold_rows = (int64_t)rows;
  l->direction = (const int8_t *)(s.data + direction);
  l->real_thresholds = (const double *)(const void *)(s.data + thresholds);
  l->integer_thresholds = (const int32_t *)(const void *)(s.data + thresholds);
  l->wide_thresholds = s.data + thresholds;
  l->values = (const double *)(const void *)(s.data + values);
  l->codes = (const int16_t *)(const void *)(s.data + codes);
  if (!finite(l->values, levels + 1)) REFUSE("CNST", s.offset + values, "a value is not finite");
  for (uint64_t c = 0; c < rows; c++) {
    const int8_t way = l->direction[c];
    const uint64_t place = s.offset + thresholds + c * levels * width;
    if (way < -1 || way > 1) REFUSE("CNST", s.offset + direction + c, "a direction is -1, 0 or 1");
    if (l->integer >= QK_I64) {
      const int bad = wide_row(l, (int64_t)c);
      if (bad) REFUSE("CNST", place, bad == 1 ? ORDER : CONSTANT);
      continue;
    }
    for (uint64_t i = 0; i < levels; i++) {
      const uint64_t k = c * levels + i;
      const double t = l->integer ? l->integer_thresholds[k] : l->real_thresholds[k];
      const double u = !i ? t : l->integer ? l->integer_thresholds[k - 1] : l->real_thresholds[k - 1];
      if (isnan(t) || (way > 0 ? t < u : way < 0 && t > u))
        REFUSE("CNST", place, ORDER);
      if (way == 0 && i == 0 && !(t >= 0 && t <= (double)levels && t == floor(t)))
        REFUSE("CNST", place, CONSTANT);
    }
  }
  return l->out.codes ? read_codes(net, file, l, s.offset + codes) : QEXPR_OK;
}

static void planes_of(const qk_layer *l, qk_planes *w) {
  w->rows = l->rows, w->cols = l->cols, w->constant = 0;
  w->nplanes = l->kind == QK_TERNARY ? 2 : l->bits;
  for (int p = 0; p < w->nplanes; p++) w->coef[p] = 1 << p;
  if (l->kind == QK_BINARY) w->coef[0] = -2, w->constant = 1;
  if (l->kind == QK_TERNARY) w->coef[0] = 1, w->coef[1] = -1;
  if (l->kind == QK_SIGNED) w->coef[l->bits - 1] = -(1 << (l->bits - 1));
  if (l->kind == QK_ODD) {
    for (int p = 0; p < w->nplanes; p++) w->coef[p] *= 2;
    w->constant = 1 - (1 << l->bits);
  }
}

/* Panels of the file as they are; rows of bits are arranged in panels if that pays. */
static int panels(qexpr_net *net, const qk_file *file, qk_layer *l) {
  const uint64_t groups = (uint64_t)l->groups;
  if (l->kind == QK_BOOK) return l->integer ? qk_book_panels(net, file, l) : QEXPR_OK;
  const int convert = !l->panels && l->rows >= CONVERT_ROWS;
  if ((!l->panels && !convert) || l->kind == QK_WIDE) return QEXPR_OK;
  if (l->kind == QK_INT8) {
    const uint64_t size = (uint64_t)qk_byte_panel_bytes(l->rows, l->cols);
    l->bytes = qk_own(net, groups, sizeof *l->bytes, file->error);
    int32_t *sums = qk_own(net, groups * (uint64_t)l->rows, sizeof *sums, file->error);
    int8_t *made = convert ? qk_own(net, groups * size, 1, file->error) : NULL;
    if (!l->bytes || !sums || (convert && !made)) return QEXPR_NO_MEMORY;
    for (uint64_t g = 0; g < groups; g++) {
      const int8_t *from = (const int8_t *)(l->weights + g * l->group_bytes);
      int32_t *sum = sums + g * (uint64_t)l->rows;
      if (convert) {
        if (qk_bytes_to_panels(from, l->rows, l->cols, made + g * size, sum))
          REFUSE("CODE", 0, "the matrix is too large");
        from = made + g * size;
      } else {
        for (uint64_t i = 0; i < size; i++) {
          const uint64_t row = i / (uint64_t)(4 * QK_BYTE_PANEL * ((l->cols + 3) / 4)) * QK_BYTE_PANEL +
                               i / 4 % QK_BYTE_PANEL;
          if (row < (uint64_t)l->rows) sum[row] += from[i];
        }
      }
      l->bytes[g] = (qk_bytes){from, sum, l->rows, l->cols, -128, 127};
    }
    l->panels = 1;
    return QEXPR_OK;
  }
  l->planes = qk_own(net, groups, sizeof *l->planes, file->error);
  if (l->planes == NULL) return QEXPR_NO_MEMORY;
  for (uint64_t g = 0; g < groups; g++) {
    qk_planes *w = &l->planes[g];
    planes_of(l, w);
    w->data = l->weights + g * l->group_bytes;
    if (convert) {
      const uint64_t size = (uint64_t)qk_panel_bytes(w->rows, w->cols, w->nplanes);
      uint8_t *made = qk_own(net, size, 1, file->error);
      if (made == NULL) return QEXPR_NO_MEMORY;
      if (qk_rows_to_panels(w->data, w->rows, w->cols, w->nplanes, made))
        REFUSE("CODE", 0, "the matrix is too large");
      w->data = made;
    }
  }
  return QEXPR_OK;
}

/* Convolutions of signs share their tables between windows (qk_conv_signs), which asks for whole
 * bytes of channels: as they stand, or with few columns more. */
static int taps(qexpr_net *net, const qk_file *file, qk_layer *l) {
  const qk_tensor *in = l->source < 0 ? &net->input : &net->layer[l->source].out;
  int signs = l->integer == QK_I32 && in->signs && l->pad_code >= 0 && l->pad_code <= 1;
  for (int e = 0; e < l->digits; e++)
    signs |= l->digit[e].signs && l->digit[e].pad >= 0 && l->digit[e].pad <= 1;
  const int64_t whole = (l->inputs + 7) / 8 * 8, cols = l->window.kh * l->window.kw * whole;
  if (!signs || l->op != QK_CONV || l->kind >= QK_INT8 || l->rows < TAP_ROWS ||
      5 * whole > 8 * l->inputs)
    return QEXPR_OK;
  if (whole == l->inputs && l->planes) {
    l->taps = l->planes;
    return QEXPR_OK;
  }
  const uint64_t groups = (uint64_t)l->groups;
  qk_planes like;
  planes_of(l, &like);
  like.cols = cols;
  const int64_t size = qk_panel_bytes(l->rows, cols, like.nplanes);
  if (size < 0) REFUSE("CODE", 0, "the matrix is too large");
  l->taps = qk_own(net, groups, sizeof *l->taps, file->error);
  uint8_t *made = qk_own(net, groups * (uint64_t)size, 1, file->error);
  uint8_t *rows = qk_own(net, (uint64_t)(like.nplanes * l->rows * cols / 8), 1, file->error);
  if (!l->taps || !made || !rows) return QEXPR_NO_MEMORY;
  for (uint64_t g = 0; g < groups; g++, made += size) {
    l->taps[g] = like, l->taps[g].data = made;
    if (qk_tap_planes(l, (int64_t)g, rows, made)) REFUSE("CODE", 0, "the matrix is too large");
  }
  return QEXPR_OK;
}

/* Small matrices that meet reals are kept as numbers too: table look-ups would cost more. */
static int small(qexpr_net *net, const qk_file *file, qk_layer *l) {
  const int64_t weights = l->rows * l->cols;
  if (l->integer || l->op != QK_DENSE || weights > SMALL || l->rows >= SMALL_ROWS ||
      net->expanded + weights > EXPANDED)
    return QEXPR_OK;
  net->expanded += weights;
  const int64_t ld32 = (l->rows + 7) / 8 * 8, ld64 = (l->rows + 3) / 4 * 4;
  l->small32 = qk_own(net, (uint64_t)(ld32 * l->cols), 4, file->error);
  l->small64 = qk_own(net, (uint64_t)(ld64 * l->cols), 8, file->error);
  double *row = qk_own(net, (uint64_t)l->cols, 8, file->error);
  int32_t *whole = qk_own(net, (uint64_t)l->cols, 4, file->error);
  if (!l->small32 || !l->small64 || !row || !whole) return QEXPR_NO_MEMORY;
  for (int64_t n = 0; n < l->rows; n++) {
    qk_unpack_f64(l, 0, n, whole, row);
    for (int64_t k = 0; k < l->cols; k++) {
      l->small64[k * ld64 + n] = row[k];
      l->small32[k * ld32 + n] = (float)row[k];
    }
  }
  return QEXPR_OK;
}

int qk_read_weights(qexpr_net *net, const qk_file *file, qk_layer *l, const uint8_t *r,
                    uint64_t at) {
  qk_section s;
  l->kind = (int)qk_u32(r + 60), l->bits = (int)qk_u32(r + 64), l->panels = (int)qk_u32(r + 68);
  if (qk_u32(r + 72) != net->next_section++) REFUSE("GRPH", at + 72, SKIPPED);
  const int status = qk_file_section(file, qk_u32(r + 72), "CODE", &s);
  if (status) return status;
  if (l->kind < QK_BINARY || l->kind > QK_BOOK) REFUSE("GRPH", at + 60, "no such kind of codes");
  const int fixed = l->kind == QK_BINARY ? 1 : l->kind == QK_TERNARY ? 2 : l->kind == QK_INT8 ? 8
                    : l->kind == QK_WIDE ? (l->bits == 32 ? 32 : 64) : 0;
  if (fixed ? l->bits != fixed : l->bits < 1 || l->bits > 8)
    REFUSE("GRPH", at + 64, "the bits do not fit the kind of codes");
  if (l->panels < 0 || l->panels > 1 || (l->panels && l->kind >= QK_WIDE))
    REFUSE("GRPH", at + 68, "there is no such arrangement of these codes");
  if (l->integer && (l->kind == QK_WIDE || (l->kind == QK_BOOK && l->integer < QK_I64)))
    REFUSE("GRPH", at + 96, "sums of such codes are no integers of this size");
  const int digits = qk_read_digits(net, file, l, r, at);
  if (digits) return digits;
  /* qk_panel_bytes refuses sizes whose products might overflow */
  const int nplanes = l->kind == QK_TERNARY ? 2 : l->kind < QK_INT8 || l->kind == QK_BOOK ? l->bits : 1;
  const int64_t padded = l->kind == QK_INT8 ? qk_byte_panel_bytes(l->rows, l->cols)
                                            : qk_panel_bytes(l->rows, l->cols, nplanes);
  if (padded < 0) REFUSE("GRPH", at + 52, "the matrix is too large");
  const uint64_t rows = (uint64_t)l->rows, cols = (uint64_t)l->cols;
  l->group_bytes = l->panels            ? (uint64_t)padded
                   : l->kind == QK_INT8 ? rows * cols
                   : l->kind == QK_WIDE ? (uint64_t)l->bits / 8 * rows * cols
                                        : rows * ((cols + 7) / 8) * (uint64_t)nplanes;
  if (s.length % l->group_bytes || s.length / l->group_bytes != (uint64_t)l->groups)
    REFUSE("CODE", s.offset, "the codes' length does not fit the layer");
  l->weights = s.data;
  if (l->kind == QK_WIDE && !finite_codes(s.data, s.length / ((uint64_t)l->bits / 8), l->bits))
    REFUSE("CODE", s.offset, "a code is not finite");
  if (l->integer) {
    const qk_tensor *in = l->source < 0 ? &net->input : &net->layer[l->source].out;
    int64_t lo = -128, hi = 127, x = in->hi > -in->lo ? in->hi : -in->lo;
    qk_planes w;
    if (l->kind < QK_INT8) {
      planes_of(l, &w);
      qk_planes_range(&w, &lo, &hi);
    }
    const int64_t w_most = hi > -lo ? hi : -lo;
    if (l->integer >= QK_I64) {
      if (!qk_digits_fit(l, w_most)) REFUSE("GRPH", at + 96, "the sums may leave their range");
      x = 0; /* nothing is left to ask of the bytes themselves */
    } else if (l->op == QK_CONV && (l->window.pad_h || l->window.pad_w)) {
      const int32_t least = in->codes == 1 ? -128 : 0, most = in->codes == 1 ? 127 : 255;
      if (l->pad_code < least || l->pad_code > most)
        REFUSE("GRPH", at + 44, "the code of a padded tap leaves its byte");
      const int64_t pad = l->pad_code < 0 ? -(int64_t)l->pad_code : l->pad_code;
      if (pad > x) x = pad;
    }
    if (!qk_sum_fits(w_most, x, l->cols))
      REFUSE("GRPH", at + 96, "the sums may leave the 32-bit range");
  }
  const int arranged = panels(net, file, l);
  const int shared = arranged ? arranged : taps(net, file, l);
  return shared ? shared : small(net, file, l);
}
