/* Whether a network is a stack of small ternary layers on reals, and its weights that are not 0. */
#include "network.h"

#define MOST_COLS 1024

static int suits(const qexpr_net *net, int64_t k) {
  const qk_layer *l = &net->layer[k];
  return l->op == QK_DENSE && l->source == k - 1 && l->small64 && l->kind <= QK_TERNARY &&
         l->activation != QK_STEPS && l->cols <= MOST_COLS;
}

static int fill(qexpr_net *net, const qk_file *file, qk_layer *l, int64_t *entries) {
  const int64_t ld = (l->rows + 3) / 4 * 4;
  int32_t *first = qk_own(net, (uint64_t)l->rows + 1, 4, file->error), n = 0;
  uint16_t *entry = qk_own(net, (uint64_t)(l->rows * l->cols), 2, file->error);
  if (!first || !entry) return QEXPR_NO_MEMORY;
  for (int64_t r = 0; r < l->rows; r++) {
    for (int64_t k = 0; k < l->cols; k++) {
      const double w = l->small64[k * ld + r];
      if (w != 0) entry[n++] = (uint16_t)(2 * k + (w < 0));
    }
    first[r + 1] = n;
  }
  l->sparse = (qk_sparse){.rows = l->rows, .cols = l->cols, .first = first, .entry = entry,
                          .relu = l->activation == QK_RELU, .clip = l->activation == QK_CLIP,
                          .low = l->clip[0], .high = l->clip[1]};
  *entries += n;
  return QEXPR_OK;
}

int qk_read_lanes(qexpr_net *net, const qk_file *file) {
  int64_t weights = 0, entries = 0, widest = net->input.size;
  if (net->input.codes || net->input.height * net->input.width != 1 || widest > MOST_COLS)
    return QEXPR_OK;
  for (int64_t k = 0; k < net->layers; k++) {
    if (!suits(net, k)) return QEXPR_OK;
    weights += net->layer[k].rows * net->layer[k].cols;
    if (net->layer[k].rows > widest) widest = net->layer[k].rows;
  }
  for (int64_t k = 0; k < net->layers; k++) {
    const int status = fill(net, file, &net->layer[k], &entries);
    if (status) return status;
  }
  if (5 * entries <= 4 * weights) net->lanes = widest; /* else fused products are as fast */
  return QEXPR_OK;
}
