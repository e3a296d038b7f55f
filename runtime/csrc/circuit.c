/* Checks of a sparse circuit, and the reuse of scratch: a slot is free again once the last unit
 * that reads it has run, so the scratch holds the widest moment and not the whole circuit. */
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

int qk_circuit_plan(qk_circuit *c, const uint32_t *source, const uint32_t *node, uint32_t *edge,
                    uint32_t *slot, uint32_t *output) {
  const int64_t inputs = c->inputs, units = c->units, outputs = c->outputs;
  const int64_t nodes = inputs + units;
  const int64_t never = -1, freed = -2, always = INT64_MAX;
#define FIRST(u) c->run_edge[2 * c->unit_run[u]]
  int64_t *last = malloc((size_t)(nodes + 1) * sizeof *last);
  uint32_t *place = malloc((size_t)(nodes + 1) * sizeof *place);
  uint32_t *spare = malloc((size_t)(nodes + 1) * sizeof *spare);
  if (last == NULL || place == NULL || spare == NULL) {
    free(last), free(place), free(spare);
    return QK_NO_MEMORY;
  }
  int64_t free_slots = 0, used = inputs;
  for (int64_t v = 0; v < nodes; v++) last[v] = never;
  for (int64_t u = 0; u < units; u++)
    for (int64_t e = FIRST(u); e < FIRST(u + 1); e++) last[source[e]] = u;
  for (int64_t o = 0; o < outputs; o++) last[node[o]] = always;
  for (int64_t v = 0; v < inputs; v++) {
    place[v] = (uint32_t)v;
    if (last[v] == never) spare[free_slots++] = (uint32_t)v;
  }
  for (int64_t u = 0; u < units; u++) {
    for (int64_t e = FIRST(u); e < FIRST(u + 1); e++) {
      const uint32_t v = source[e];
      edge[e] = place[v];
      if (last[v] == u) {
        last[v] = freed;
        spare[free_slots++] = place[v];
      }
    }
    place[inputs + u] = free_slots ? spare[--free_slots] : (uint32_t)used++;
    slot[u] = place[inputs + u];
    if (last[inputs + u] == never) spare[free_slots++] = slot[u];
  }
  for (int64_t o = 0; o < outputs; o++) output[o] = place[node[o]];
#undef FIRST
  c->slots = used;
  free(last), free(place), free(spare);
  return QK_OK;
}

int64_t qk_circuit_scratch(const qk_circuit *c) { return c->slots * 257; }

#define RUN(name, kernel, type)                                                              \
  int name(const qk_table *t, const qk_circuit *c, const type *x, int64_t points, int64_t ldx, \
           type *y, int64_t ldy, int skip_zero) {                                            \
    if (points < 0 || ldx < c->inputs || ldy < c->outputs) return QK_BAD_SIZE;               \
    void *scratch = aligned_alloc(64, (size_t)(qk_circuit_scratch(c) / 64 * 64 + 64));       \
    if (scratch == NULL) return QK_NO_MEMORY;                                                \
    const int status = t->kernel(c, x, points, ldx, y, ldy, skip_zero, scratch);             \
    free(scratch);                                                                           \
    return status;                                                                           \
  }

RUN(qk_circuit_run_f64, circuit_f64, double)
RUN(qk_circuit_run_f32, circuit_f32, float)
