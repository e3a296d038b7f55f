/* A network on blocks of points (included once for each float type).
 *
 * A layer accumulates in int32 where it reads codes (`integer`), else in REAL, and then applies its
 * constants and its activation. Accumulators stand point by point, pixel by pixel, channel by
 * channel; what layers hand on stands point by point, channel by channel, pixel by pixel.
 * Every order of summation is fixed: a point's result does not depend on its block. */

typedef struct {
  const qexpr_net *net;
  const qk_table *t;
  uint8_t *values, *acc, *extra, *lanes; /* scratch */
  int64_t n, stride;             /* points in this block, points that the scratch has room for */
  int fast;                      /* 1: AVX2 runs, 2: with fused products */
} NAME(work);

static inline void *NAME(of)(const NAME(work) *w, const qk_tensor *t) {
  return w->values + t->slot * w->stride;
}

/* The reals of what a layer reads; codes are looked up into the end of the accumulators' room. */
static const REAL *NAME(reals)(const NAME(work) *w, const qk_tensor *t, int64_t skip) {
  if (!t->codes) return NAME(of)(w, t);
  const uint8_t *codes = NAME(of)(w, t);
  REAL *out = (REAL *)(void *)(w->acc + (8 * skip * w->stride + 63) / 64 * 64);
  for (int64_t i = 0; i < w->n * t->size; i++) out[i] = (REAL)t->lut[codes[i]];
  return out;
}

/* Dot products in eight interleaved sums, added pairwise at the end. */
static REAL NAME(dot)(const REAL *a, const REAL *b, int64_t n) {
  REAL s[8] = {0};
  int64_t k = 0;
  for (; k + 8 <= n; k += 8)
    for (int i = 0; i < 8; i++) s[i] += a[k + i] * b[k + i];
  for (int i = 0; k + i < n; i++) s[i] += a[k + i] * b[k + i];
  return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}

/* Products of m rows of reals with one group's weights: y[m][ldy]. */
static int NAME(product)(const NAME(work) *w, const qk_layer *l, int64_t g, const REAL *x,
                         int64_t m, REAL *y, int64_t ldy, uint8_t *scratch) {
  if (l->SMALL_WEIGHTS) {
    void (*dense)(const REAL *, int64_t, int64_t, const REAL *, int64_t, int64_t, REAL *, int64_t) =
        DENSE(scalar);
#ifdef QK_HAVE_AVX2
    if (w->fast) dense = w->fast > 1 && l->kind <= QK_TERNARY ? DENSE(fma) : DENSE(avx2);
#endif
    dense(l->SMALL_WEIGHTS, l->rows, l->cols, x, m, l->cols, y, ldy);
    return QK_OK;
  }
  if (l->planes && (l->kind == QK_BINARY || l->kind == QK_TERNARY))
    return GEMM(w->t, &l->planes[g], x, m, l->cols, y, ldy);
  REAL *row = (REAL *)(void *)scratch;
  int32_t *whole = (int32_t *)(void *)(scratch + (8 * l->cols + 63) / 64 * 64);
  for (int64_t r = 0; r < l->rows; r++) {
    UNPACK(l, g, r, whole, row);
    for (int64_t i = 0; i < m; i++) y[i * ldy + r] = NAME(dot)(x + i * l->cols, row, l->cols);
  }
  return QK_OK;
}

/* The taps of one image as rows of reals, and their products. */
static int NAME(conv)(const NAME(work) *w, const qk_layer *l, const qk_tensor *in, const REAL *x,
                      REAL *acc) {
  const int64_t pixels = in->height * in->width, places = l->out.height * l->out.width;
  REAL *image = (REAL *)(void *)w->extra, *rows = image + (in->size + 15) / 8 * 8;
  uint8_t *scratch = (uint8_t *)(rows + (places * l->cols + 15) / 8 * 8);
  REAL *fill = (REAL *)(void *)scratch;
  for (int64_t i = 0; i < w->n; i++)
    for (int64_t g = 0; g < l->groups; g++) {
      const REAL *from = x + i * in->size + g * l->inputs * pixels;
      for (int64_t c = 0; c < l->inputs; c++)
        for (int64_t p = 0; p < pixels; p++) image[p * l->inputs + c] = from[c * pixels + p];
      for (int64_t c = 0; c < l->inputs; c++) fill[c] = (REAL)l->pad_value;
      int status = qk_gather_taps((const uint8_t *)image, &l->window,
                                  l->inputs * (int64_t)sizeof(REAL), (const uint8_t *)fill,
                                  (uint8_t *)rows);
      if (status == QK_OK)
        status = NAME(product)(w, l, g, rows, places,
                               acc + i * places * l->channels + g * l->rows, l->channels, scratch);
      if (status) return status;
    }
  return QK_OK;
}

static void NAME(pool)(const qk_layer *l, const qk_tensor *in, const REAL *x, int64_t n, REAL *acc) {
  const qk_window *v = &l->window;
  const int maximum = l->op == QK_MAXPOOL;
  for (int64_t i = 0; i < n * in->channels; i++)
    for (int64_t a = 0; a < l->out.height; a++)
      for (int64_t b = 0; b < l->out.width; b++) {
        const REAL *at = x + (i * in->height + a * v->stride_h) * in->width + b * v->stride_w;
        REAL total = at[0];
        for (int64_t k = 1; k < v->kh * v->kw; k++) {
          const REAL value = at[k / v->kw * in->width + k % v->kw];
          total = !maximum ? total + value : value > total ? value : total;
        }
        *acc++ = total;
      }
}

/* XNOR-Net's K: the mean over the channels of |x|, averaged over windows; taps outside count 0.
 * Sums run over the channels in order, then over the taps row by row. */
static void NAME(mean_abs)(const qk_layer *l, const qk_tensor *in, const REAL *x, int64_t n,
                           REAL *mean, REAL *acc) {
  const qk_window *v = &l->window;
  const int64_t pixels = in->height * in->width;
  for (int64_t i = 0; i < n; i++, x += in->size) {
    for (int64_t p = 0; p < pixels; p++) mean[p] = ABSOLUTE(x[p]);
    for (int64_t c = 1; c < in->channels; c++)
      for (int64_t p = 0; p < pixels; p++) mean[p] += ABSOLUTE(x[c * pixels + p]);
    for (int64_t a = 0; a < l->out.height; a++)
      for (int64_t b = 0; b < l->out.width; b++) {
        const int64_t y = a * v->stride_h - v->pad_h, z = b * v->stride_w - v->pad_w;
        const int64_t y0 = y > 0 ? y : 0, y1 = y + v->kh < in->height ? y + v->kh : in->height;
        const int64_t z0 = z > 0 ? z : 0, z1 = z + v->kw < in->width ? z + v->kw : in->width;
        REAL total = 0;
        for (int64_t j = y0; j < y1; j++)
          for (int64_t k = z0; k < z1; k++) total += mean[j * in->width + k];
        *acc++ = total / ((REAL)in->channels * (REAL)(v->kh * v->kw));
      }
  }
}

/* What a layer accumulates in REAL. Pooling, sums and the like stand channel by channel. */
static int NAME(accumulate)(const NAME(work) *w, const qk_layer *l, const qk_tensor *in, REAL *acc) {
  const REAL *x = NAME(reals)(w, in, l->out.size);
  const int64_t count = w->n * l->out.size;
  switch (l->op) {
    case QK_DENSE: return NAME(product)(w, l, 0, x, w->n, acc, l->channels, w->extra);
    case QK_CONV: return NAME(conv)(w, l, in, x, acc);
    case QK_MAXPOOL:
    case QK_AVGPOOL: NAME(pool)(l, in, x, w->n, acc); return QK_OK;
    case QK_MEAN_ABS: NAME(mean_abs)(l, in, x, w->n, (REAL *)(void *)w->extra, acc); return QK_OK;
    case QK_ADD:
    case QK_MULTIPLY: {
      memcpy(acc, x, (size_t)count * sizeof(REAL));
      const qk_tensor *b = l->other < 0 ? &w->net->input : &w->net->layer[l->other].out;
      const REAL *y = NAME(reals)(w, b, l->out.size);
      if (l->op == QK_ADD)
        for (int64_t i = 0; i < count; i++) acc[i] += y[i];
      else if (b->size == l->out.size)
        for (int64_t i = 0; i < count; i++) acc[i] *= y[i];
      else /* one channel against many */
        for (int64_t i = 0; i < count; i++)
          acc[i] *= y[i / l->out.size * b->size + i % b->size];
      return QK_OK;
    }
    default: memcpy(acc, x, (size_t)count * sizeof(REAL)); return QK_OK;
  }
}

/* Constants and activation of one row of channels (`one`: constants are the same for all). */
static void NAME(finish_row)(const qk_layer *l, const REAL *s, int64_t channels, int one, REAL *out) {
  const REAL *alpha = l->ALPHA, *beta = l->BETA;
  const REAL low = (REAL)l->clip[0], high = (REAL)l->clip[1];
  if (one)
    for (int64_t c = 0; c < channels; c++) out[c] = alpha[0] * s[c];
  else
    for (int64_t c = 0; c < channels; c++) out[c] = alpha[c] * s[c] + beta[c];
  if (l->activation == QK_RELU)
    for (int64_t c = 0; c < channels; c++) out[c] = out[c] > 0 ? out[c] : 0;
  if (l->activation == QK_CLIP)
    for (int64_t c = 0; c < channels; c++) {
      const REAL v = out[c] > low ? out[c] : low;
      out[c] = v < high ? v : high;
    }
}

/* Sums number `from` and on, as REAL: each rounded once. */
static void NAME(from_integers)(const qk_layer *l, const void *acc, int64_t from, int64_t count,
                                REAL *out) {
  const int32_t *a = acc;
  const int64_t *b = acc;
  const qk_i128 *c = acc;
  switch (l->integer) {
    case QK_I32:
      for (int64_t i = 0; i < count; i++) out[i] = (REAL)a[from + i];
      break;
    case QK_I64:
      for (int64_t i = 0; i < count; i++) out[i] = (REAL)b[from + i];
      break;
    default:
      for (int64_t i = 0; i < count; i++) out[i] = (REAL)c[from + i];
  }
}

#include "network_steps_template.h"

/* From accumulators (REAL or integers) to what the layer hands on. */
static void NAME(finish)(const NAME(work) *w, const qk_layer *l, const void *acc) {
  const int weights = l->op <= QK_CONV;
  const int64_t channels = weights ? l->channels : l->out.size, places = l->out.size / channels;
  void *out = NAME(of)(w, &l->out);
  const REAL *real = acc;
  if (l->activation != QK_STEPS) {
    REAL *to = out;
    uint8_t *codes = out;
    REAL *row = (REAL *)(void *)w->extra, *converted = row + (channels + 15) / 8 * 8;
    for (int64_t r = 0; r < w->n * places; r++, real += channels) {
      if (l->out.codes) {
        for (int64_t c = 0; c < channels; c++) *codes++ = (uint8_t)((const int32_t *)acc)[r * channels + c];
        continue;
      }
      const REAL *s = real;
      if (l->integer) {
        NAME(from_integers)(l, acc, r * channels, channels, converted);
        s = converted;
      }
      REAL *into = places == 1 ? to + r * channels : row;
      NAME(finish_row)(l, s, channels, !weights, into);
      if (places == 1) continue;
      REAL *image = to + r / places * l->out.size + r % places;
      for (int64_t c = 0; c < channels; c++) image[c * places] = row[c];
    }
    return;
  }
  if (l->levels == 1 && l->integer <= QK_I32 && l->out.codes) {
    NAME(one_step)(w, l, acc, out);
    return;
  }
  if (l->levels <= FEW_STEPS && l->threshold_rows == 1 && l->direction[0] == 1 &&
      l->integer <= QK_I32 && l->out.codes) {
    NAME(few_steps)(w, l, acc, out);
    return;
  }
  for (int64_t r = 0; r < w->n * places; r++)
    for (int64_t c = 0; c < channels; c++) {
      const int64_t from = r * channels + c;
      const int64_t to = r / places * l->out.size + c * places + r % places;
      const int64_t index =
          l->integer ? qk_integer_steps(l, weights ? c : 0, acc, from)
                     : NAME(steps)(l, weights ? c : 0, real[from]);
      if (l->out.codes) ((uint8_t *)out)[to] = (uint8_t)l->codes[index];
      else ((REAL *)out)[to] = (REAL)l->values[index];
    }
}

static int NAME(block)(const NAME(work) *w, REAL *y) {
  const qexpr_net *net = w->net;
  for (int64_t k = 0; k < net->layers; k++) {
    const qk_layer *l = &net->layer[k];
    const qk_tensor *in = l->source < 0 ? &net->input : &net->layer[l->source].out;
    const int status =
        l->integer ? qk_accumulate(net, w->t, l, NAME(of)(w, in), w->n, w->acc,
                                   w->extra)
                   : NAME(accumulate)(w, l, in, (REAL *)(void *)w->acc);
    if (status) return status;
    NAME(finish)(w, l, w->acc);
  }
  const qk_tensor *last = &net->layer[net->layers - 1].out;
  const uint8_t *codes = NAME(of)(w, last);
  if (last->codes)
    for (int64_t i = 0; i < w->n * last->size; i++) y[i] = (REAL)last->lut[codes[i]];
  else
    memcpy(y, codes, (size_t)(w->n * last->size) * sizeof(REAL));
  return QK_OK;
}

/* A stack of small ternary layers with the points in the lanes, 64 floats or 32 doubles at a time.
 * 0 if the points are no such number, or a value is not finite: then zeros would be felt. */
static int NAME(in_lanes)(const NAME(work) *w, REAL *y) {
  enum { SIDE = QK_LANES / sizeof(REAL) };
  const qexpr_net *net = w->net;
  const int64_t inputs = net->input.size, outputs = net->layer[net->layers - 1].out.size;
  if (w->n % SIDE) return 0;
  int (*layer)(const qk_sparse *, const REAL *, REAL *) = LANES(scalar);
#ifdef QK_HAVE_AVX2
  if (w->fast) layer = LANES(avx2);
#endif
  for (int64_t start = 0; start < w->n; start += SIDE) {
    const REAL *x = (const REAL *)NAME(of)(w, &net->input) + start * inputs;
    REAL *from = (REAL *)(void *)w->lanes, *to = from + net->lanes * SIDE;
    for (int64_t k = 0; k < inputs; k++)
      for (int64_t i = 0; i < SIDE; i++) from[k * SIDE + i] = x[i * inputs + k];
    for (int64_t k = 0; k < net->layers; k++) {
      qk_sparse s = net->layer[k].sparse;
      s.alpha = net->layer[k].ALPHA, s.beta = net->layer[k].BETA;
      if (!layer(&s, from, to)) return 0;
      REAL *other = from;
      from = to, to = other;
    }
    for (int64_t i = 0; i < SIDE; i++)
      for (int64_t o = 0; o < outputs; o++) y[(start + i) * outputs + o] = from[o * SIDE + i];
  }
  return 1;
}

/* Reads a block of points into the input's place; refuses what is not finite. */
static int NAME(input)(const NAME(work) *w, const uint8_t *x, int64_t from, int width) {
  const qk_tensor *in = &w->net->input;
  const int64_t count = w->n * in->size, first = from * in->size;
  REAL *to = NAME(of)(w, in);
  uint8_t *codes = NAME(of)(w, in);
  if (width == 1 && in->codes) memcpy(codes, x + first, (size_t)count);
  if (width == 1 && !in->codes)
    for (int64_t i = 0; i < count; i++) to[i] = (REAL)x[first + i];
  if (width == 1) return QK_OK;
  const double *d = (const double *)(const void *)x + first;
  const float *f = (const float *)(const void *)x + first;
  int fine = 1;
  if (width == 8)
    for (int64_t i = 0; i < count; i++) fine &= fabs(d[i]) <= LARGEST;
  else
    for (int64_t i = 0; i < count; i++) fine &= fabsf(f[i]) <= FLT_MAX;
  if (!fine) return QK_NAN;
  if (in->codes) {
    for (int64_t i = 0; i < count; i++) {
      const double q = rint(((width == 8 ? d[i] : f[i]) - w->net->input_offset) / w->net->input_scale);
      codes[i] = (uint8_t)(q <= 0 ? 0 : q >= 255 ? 255 : q);
    }
  } else if (width == 8) {
    for (int64_t i = 0; i < count; i++) to[i] = (REAL)d[i];
  } else {
    for (int64_t i = 0; i < count; i++) to[i] = (REAL)f[i];
  }
  return QK_OK;
}

int RUN(const qexpr_net *net, const qk_table *t, const void *x, int width, int64_t points, REAL *y) {
  if (points < 1) return points < 0 ? QK_BAD_SIZE : QK_OK;
  if (net->kind == QK_CIRCUIT) return NAME(circuit)(net, t, x, width, points, y);
  const int64_t stride = points < net->block ? points : net->block;
  NAME(work) w = {.net = net, .t = t, .stride = stride, .fast = fast_kernels(t)};
  const int64_t values = net->point_bytes * stride, acc = net->acc_bytes * stride;
  const int64_t extra = net->extra_bytes / 64 * 64 + 128, lanes = 2 * net->lanes * QK_LANES;
  uint8_t *scratch = aligned_alloc(64, (size_t)((values + acc + extra + lanes + 4 * 64) / 64 * 64));
  if (scratch == NULL) return QK_NO_MEMORY;
  w.values = scratch, w.acc = scratch + (values + 63) / 64 * 64;
  w.extra = w.acc + (acc + 63) / 64 * 64, w.lanes = w.extra + extra;
  const int64_t outputs = net->layer[net->layers - 1].out.size;
  int status = QK_OK;
  for (int64_t start = 0; start < points && status == QK_OK; start += stride) {
    w.n = points - start < stride ? points - start : stride;
    status = NAME(input)(&w, x, start, width);
    if (status == QK_OK && (!net->lanes || !NAME(in_lanes)(&w, y + start * outputs)))
      status = NAME(block)(&w, y + start * outputs);
  }
  free(scratch);
  return status;
}
