/* Checks of a sparse circuit, and the call of its kernel. */
#include "kernels.h"

#include <stdlib.h>

int qk_circuit_order(const qk_circuit *c) {
  const int64_t nodes = c->inputs + c->units;
  if (c->inputs < 0 || c->units < 0 || c->runs < 0 || c->edges < 0 || c->outputs < 0 ||
      c->inputs > INT32_MAX - c->units)
    return QK_BAD_SIZE;
  if (c->unit_run[0] != 0 || c->unit_run[c->units] != c->runs || c->run_edge[0] != 0 ||
      c->run_edge[2 * c->runs] != c->edges)
    return QK_BAD_SIZE;
  for (int64_t u = 0; u < c->units; u++)
    if (c->unit_run[u + 1] < c->unit_run[u]) return QK_BAD_SIZE;
  for (int64_t r = 0; r < 2 * c->runs; r++)
    if (c->run_edge[r + 1] < c->run_edge[r]) return QK_BAD_SIZE;
  for (int64_t u = 0; u < c->units; u++)
    for (int64_t e = c->run_edge[2 * c->unit_run[u]]; e < c->run_edge[2 * c->unit_run[u + 1]]; e++)
      if (c->edge[e] >= c->inputs + u) return QK_BAD_CODE; /* not in topological order */
  for (int64_t o = 0; o < c->outputs; o++)
    if (c->output[o] >= nodes) return QK_BAD_CODE;
  return QK_OK;
}

/* Values, then a word for each chunk, then a byte for each slot. */
int64_t qk_circuit_scratch(const qk_circuit *c) {
  return c->slots * 257 + ((c->inputs + c->units) / QK_CHUNK + 1) * 8;
}

#define RUN(name, kernel, type)                                                              \
  int name(const qk_table *t, const qk_circuit *c, const type *x, int64_t points, int64_t ldx, \
           type *y, int64_t ldy) {                                                           \
    if (points < 0 || ldx < c->inputs || ldy < c->outputs) return QK_BAD_SIZE;               \
    void *scratch = aligned_alloc(64, (size_t)(qk_circuit_scratch(c) / 64 * 64 + 64));       \
    if (scratch == NULL) return QK_NO_MEMORY;                                                \
    const int status = t->kernel(c, x, points, ldx, y, ldy, scratch);                        \
    free(scratch);                                                                           \
    return status;                                                                           \
  }

RUN(qk_circuit_run_f64, circuit_f64, double)
RUN(qk_circuit_run_f32, circuit_f32, float)
