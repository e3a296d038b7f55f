/* The graph of layers: every record checked, every shape derived, nothing believed. */
#include "network.h"

#include <math.h>
#include <string.h>

#define HEADER 64
#define RECORD 128
#define MAX_LAYERS 65535
#define MAX_VALUES (INT64_C(1) << 26) /* values of one layer at one point */
#define MAX_TAPS (INT64_C(1) << 27)
#define MAX_POINT (INT64_C(1) << 30)  /* bytes of scratch for one point */

#define REFUSE(byte, why) return qk_fail(file->error, QEXPR_BAD_FILE, "GRPH", byte, why)

static int64_t field(const uint8_t *record, int at) { return (int64_t)qk_u32(record + at); }

static int shape(qk_tensor *t, int64_t c, int64_t h, int64_t w) {
  if (c < 1 || h < 1 || w < 1 || c > MAX_VALUES || h > MAX_VALUES || w > MAX_VALUES) return 0;
  if (c * h > MAX_VALUES || c * h * w > MAX_VALUES) return 0;
  t->channels = c, t->height = h, t->width = w, t->size = c * h * w;
  return 1;
}

/* What a layer puts out has the codes of what it reads, where it only moves or picks them. */
static void inherit(qk_tensor *to, const qk_tensor *from) {
  to->codes = from->codes, to->signs = from->signs;
  to->lo = from->lo, to->hi = from->hi, to->lut = from->lut;
}

static int windowed(const qk_file *file, qk_layer *l, const uint8_t *r, uint64_t at,
                    const qk_tensor *in) {
  qk_window *g = &l->window;
  g->height = in->height, g->width = in->width;
  g->kh = field(r, 16), g->kw = field(r, 20);
  g->stride_h = field(r, 24), g->stride_w = field(r, 28);
  g->pad_h = field(r, 32), g->pad_w = field(r, 36);
  if (g->kh < 1 || g->kw < 1 || g->stride_h < 1 || g->stride_w < 1 || g->pad_h > MAX_VALUES ||
      g->pad_w > MAX_VALUES)
    REFUSE(at + 16, "a window or stride is 0, or the padding too large");
  const int64_t oh = qk_output_size(g->height, g->kh, g->stride_h, g->pad_h);
  const int64_t ow = qk_output_size(g->width, g->kw, g->stride_w, g->pad_w);
  if (oh < 1 || ow < 1) REFUSE(at + 16, "the window does not fit what the layer reads");
  if (g->kh > MAX_TAPS / g->kw || g->kh * g->kw > MAX_TAPS / (oh * ow))
    REFUSE(at + 16, "the taps of one point are too many");
  l->out.height = oh, l->out.width = ow;
  return QEXPR_OK;
}

static int weighted(qexpr_net *net, const qk_file *file, qk_layer *l, const uint8_t *r, uint64_t at,
                    const qk_tensor *in) {
  l->groups = field(r, 48), l->channels = field(r, 52), l->inputs = field(r, 56);
  if (l->groups < 1 || l->channels < 1 || l->inputs < 1 || l->groups > MAX_VALUES ||
      l->channels > MAX_VALUES || l->inputs > MAX_VALUES || l->channels % l->groups)
    REFUSE(at + 48, "groups, channels and inputs must be positive and the groups divide channels");
  if (l->op == QK_CONV) {
    if (l->inputs * l->groups != in->channels)
      REFUSE(at + 56, "the weights do not fit the channels that the layer reads");
    const int status = windowed(file, l, r, at, in);
    if (status) return status;
    if (l->pad_value != 0 && l->pad_value != 1) REFUSE(at + 40, "a padded tap counts 0 or 1");
    if (l->window.kh > MAX_VALUES || l->window.kw > MAX_VALUES / l->window.kh ||
        l->inputs > MAX_VALUES / (l->window.kh * l->window.kw))
      REFUSE(at + 16, "the kernel is too large");
    l->cols = l->window.kh * l->window.kw * l->inputs;
    if (l->cols > MAX_TAPS / (l->out.height * l->out.width))
      REFUSE(at + 16, "the taps of one point are too many");
    if (!shape(&l->out, l->channels, l->out.height, l->out.width))
      REFUSE(at + 52, "the output is too large");
  } else {
    if (l->groups != 1 || l->inputs != in->size || in->height != 1 || in->width != 1)
      REFUSE(at + 56, "the weights do not fit the values that the layer reads");
    l->cols = l->inputs;
    if (!shape(&l->out, l->channels, 1, 1)) REFUSE(at + 52, "the output is too large");
  }
  l->rows = l->channels / l->groups;
  return qk_read_weights(net, file, l, r, at);
}

static int one_layer(qexpr_net *net, const qk_file *file, int64_t k, const uint8_t *r,
                     uint64_t at) {
  qk_layer *l = &net->layer[k];
  l->op = (int)field(r, 0), l->activation = (int)field(r, 12);
  l->source = (int32_t)qk_u32(r + 4), l->other = (int32_t)qk_u32(r + 8);
  l->pad_value = (int32_t)qk_u32(r + 40), l->pad_code = (int32_t)qk_u32(r + 44);
  l->integer = (int)field(r, 96), l->out.codes = (int)field(r, 100);
  if (l->op < QK_DENSE || l->op > QK_MEAN_ABS) REFUSE(at, "there is no layer of this type");
  if (l->activation < QK_LINEAR || l->activation > QK_STEPS)
    REFUSE(at + 12, "there is no activation of this type");
  if (l->source < -1 || l->source >= k) REFUSE(at + 4, "a layer reads an earlier one");
  const int two = l->op == QK_ADD || l->op == QK_MULTIPLY;
  if (two ? l->other < -1 || l->other >= k : l->other != -2)
    REFUSE(at + 8, "the second source must be an earlier layer, or -2 where there is none");
  if (l->integer > QK_I128 || l->integer < 0 || l->out.codes > 2 || l->out.codes < 0)
    REFUSE(at + 96, "the domain is 0 to 3, what a layer emits 0, 1 or 2");
  if (l->op > QK_CONV && (qk_u32(r + 72) || qk_u32(r + 104) || l->pad_value || l->pad_code ||
                          l->integer > QK_I32))
    REFUSE(at + 40, "only layers with weights have codes, digits and padding");
  for (int i = 108; i < RECORD; i++)
    if (r[i]) REFUSE(at + (uint64_t)i, "reserved bytes must be zero");
  const qk_tensor *in = l->source < 0 ? &net->input : &net->layer[l->source].out;
  if (l->integer && (!in->codes || two)) REFUSE(at + 96, "the layer reads no codes");
  int status = QEXPR_OK;
  switch (l->op) {
    case QK_DENSE:
    case QK_CONV: status = weighted(net, file, l, r, at, in); break;
    case QK_MAXPOOL:
    case QK_AVGPOOL:
      status = windowed(file, l, r, at, in);
      if (status) break;
      if (l->window.pad_h || l->window.pad_w) REFUSE(at + 32, "pooling has no padding");
      if (!shape(&l->out, in->channels, l->out.height, l->out.width))
        REFUSE(at + 16, "the output is too large");
      if (l->op == QK_AVGPOOL && l->integer &&
          !qk_sum_fits(in->hi > -in->lo ? in->hi : -in->lo, l->window.kh, l->window.kw))
        REFUSE(at + 16, "the sums over a window may leave the 32-bit range");
      break;
    case QK_MEAN_ABS:
      if (l->integer) REFUSE(at + 96, "means of magnitudes are real");
      status = windowed(file, l, r, at, in);
      if (status) break;
      if (!shape(&l->out, 1, l->out.height, l->out.width)) REFUSE(at + 16, "the output is too large");
      break;
    case QK_FLATTEN:
      if (!shape(&l->out, in->size, 1, 1)) REFUSE(at, "the output is too large");
      break;
    default: {
      if (!shape(&l->out, in->channels, in->height, in->width)) REFUSE(at, "too large");
      if (!two) break;
      const qk_tensor *b = l->other < 0 ? &net->input : &net->layer[l->other].out;
      const int same = b->height == in->height && b->width == in->width;
      if (!same || (b->channels != in->channels && !(l->op == QK_MULTIPLY && b->channels == 1)))
        REFUSE(at + 8, "the two sources have different shapes");
    }
  }
  if (status) return status;
  const int moves = l->op == QK_MAXPOOL || l->op == QK_FLATTEN || l->op == QK_ACTIVATE;
  if (l->activation == QK_LINEAR && l->integer && moves) {
    if (l->out.codes != in->codes) REFUSE(at + 100, "the layer hands on the codes that it reads");
    inherit(&l->out, in);
  } else if (l->out.codes && l->activation != QK_STEPS) {
    REFUSE(at + 100, "only step functions make codes");
  }
  return qk_read_constants(net, file, l, r, at);
}

/* A place in the scratch for each output, free again after its last reader. */
static int place(qexpr_net *net, const qk_file *file) {
  const int64_t n = net->layers;
  int64_t *last = qk_own(net, (uint64_t)n + 1, sizeof *last, file->error);
  int64_t *slot_of = qk_own(net, (uint64_t)n + 1, sizeof *slot_of, file->error);
  int64_t *size = qk_own(net, (uint64_t)n + 2, sizeof *size, file->error);
  int64_t *spare = qk_own(net, (uint64_t)n + 2, sizeof *spare, file->error);
  if (!last || !slot_of || !size || !spare) return QEXPR_NO_MEMORY;
  int64_t slots = 0, free_slots = 0;
  for (int64_t k = 0; k <= n; k++) last[k] = -1; /* of layer k - 1; 0 is the input */
  for (int64_t k = 0; k < n; k++) {
    last[net->layer[k].source + 1] = k;
    if (net->layer[k].other >= -1) last[net->layer[k].other + 1] = k;
  }
  last[n] = n;
  for (int64_t k = -1; k < n; k++) {
    const qk_tensor *t = k < 0 ? &net->input : &net->layer[k].out;
    const int64_t s = free_slots ? spare[--free_slots] : slots++;
    slot_of[k + 1] = s;
    if (size[s] < 8 * t->size) size[s] = 8 * t->size;
    if (k >= 0) { /* what k was the last to read is free, but not k's own place */
      const int64_t reads[2] = {net->layer[k].source + 1, net->layer[k].other + 1};
      for (int i = 0; i < 2; i++)
        if (reads[i] >= 0 && last[reads[i]] == k) {
          spare[free_slots++] = slot_of[reads[i]];
          last[reads[i]] = -1;
        }
    }
    if (last[k + 1] < 0) spare[free_slots++] = s; /* nobody reads it */
  }
  int64_t total = 0;
  for (int64_t s = 0; s < slots; s++) {
    const int64_t start = total;
    total += (size[s] + 63) / 64 * 64;
    if (total > MAX_POINT)
      return qk_fail(file->error, QEXPR_BAD_FILE, "GRPH", 0, "one point takes more than 1 GiB");
    size[s] = start;
  }
  net->point_bytes = total;
  for (int64_t k = -1; k < n; k++)
    (k < 0 ? &net->input : &net->layer[k].out)->slot = size[slot_of[k + 1]];
  return QEXPR_OK;
}

static void scratch(qexpr_net *net) {
  for (int64_t k = 0; k < net->layers; k++) {
    const qk_layer *l = &net->layer[k];
    const qk_tensor *in = l->source < 0 ? &net->input : &net->layer[l->source].out;
    /* sums of up to 16 bytes, products of one digit, and what is read: as reals or as digits */
    const int64_t sums = l->integer >= QK_I64 ? 20 * l->out.size : 8 * l->out.size;
    const int64_t acc = sums + 8 * in->size + 256;
    int64_t extra = 0;
    if (l->op == QK_MEAN_ABS) extra = 8 * in->height * in->width;
    if (l->op == QK_CONV) /* one image by pixels, its taps, their masks */
      extra = 8 * (in->size + l->out.height * l->out.width * l->cols + in->size) + 512;
    if (l->op == QK_DENSE || l->op == QK_CONV) extra += 16 * l->cols + 512;
    const int64_t rows = 16 * (l->op <= QK_CONV ? l->channels : l->out.size) + 512;
    if (extra < rows) extra = rows;
    if (acc > net->acc_bytes) net->acc_bytes = acc;
    if (extra > net->extra_bytes) net->extra_bytes = extra;
  }
  const int64_t each = net->point_bytes + net->acc_bytes;
  int64_t block = (INT64_C(1) << 17) / each / 8 * 8;
  if (block < 64) block = (INT64_C(1) << 22) / each;
  net->block = block < 1 ? 1 : block > 64 ? 64 : block;
}

int qk_read_network(qexpr_net *net, const qk_file *file) {
  static const char *why = "the graph's length does not fit its number of layers";
  qk_section graph;
  const int status = qk_file_section(file, 1, "GRPH", &graph);
  if (status) return status;
  if (graph.length < HEADER) REFUSE(graph.offset, "the graph ends within its header");
  const uint8_t *g = graph.data;
  const uint64_t n = qk_u32(g), rank = qk_u32(g + 4), rule = qk_u32(g + 20);
  if (n < 1 || n > MAX_LAYERS || graph.length != HEADER + n * RECORD) REFUSE(graph.offset, why);
  if (rank != 1 && rank != 3) REFUSE(graph.offset + 4, "the input has one or three dimensions");
  if (rank == 1 && (qk_u32(g + 12) != 1 || qk_u32(g + 16) != 1))
    REFUSE(graph.offset + 12, "an input of one dimension has height and width 1");
  if (!shape(&net->input, field(g, 8), field(g, 12), field(g, 16)))
    REFUSE(graph.offset + 8, "the input has no values, or too many");
  if (rule > 1) REFUSE(graph.offset + 20, "there is no such input rule");
  memcpy(&net->input_scale, g + 24, 8);
  memcpy(&net->input_offset, g + 32, 8);
  for (int i = 40; i < HEADER; i++)
    if (g[i]) REFUSE(graph.offset + (uint64_t)i, "reserved bytes must be zero");
  if (!isfinite(net->input_scale) || !isfinite(net->input_offset) ||
      (rule ? net->input_scale <= 0 : net->input_scale != 0 || net->input_offset != 0))
    REFUSE(graph.offset + 24, "the input's scale and offset do not fit its rule");
  if (rule) {
    double *lut = qk_own(net, 256, sizeof *lut, file->error);
    if (lut == NULL) return QEXPR_NO_MEMORY;
    for (int i = 0; i < 256; i++) lut[i] = net->input_offset + net->input_scale * i;
    net->input.codes = 2, net->input.hi = 255, net->input.lut = lut;
  }
  net->layer = qk_own(net, n, sizeof *net->layer, file->error);
  if (net->layer == NULL) return QEXPR_NO_MEMORY;
  net->layers = (int64_t)n;
  net->next_section = 3;
  for (uint64_t k = 0; k < n; k++) {
    const uint64_t at = HEADER + k * RECORD;
    const int bad = one_layer(net, file, (int64_t)k, g + at, graph.offset + at);
    if (bad) return bad;
  }
  if (net->next_section != file->sections)
    REFUSE(graph.offset, "the file has sections that no layer uses");
  const int placed = place(net, file);
  if (placed == QEXPR_OK) scratch(net);
  return placed ? placed : qk_read_lanes(net, file);
}
