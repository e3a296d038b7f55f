/* The reuse of scratch: a slot is free again once the last unit or group that reads it has run, so
 * the scratch holds the widest moment and not the whole circuit. */
#include "kernels.h"

#include <stdlib.h>

#define NEVER (-1)
#define FREED (-2)
#define ALWAYS INT64_MAX
#define FIRST(u) c->run_edge[2 * c->unit_run[u]]

typedef struct {
  int64_t *last; /* when a node or a sum is read for the last time; units and groups count as one each */
  uint32_t *place, *spare;
  int64_t spares, used;
} slots;

static uint32_t take(slots *s) { return s->spares ? s->spare[--s->spares] : (uint32_t)s->used++; }

static void release(slots *s, int64_t v, int64_t time) {
  if (s->last[v] != time) return;
  s->last[v] = FREED;
  s->spare[s->spares++] = s->place[v];
}

static uint64_t members(const qk_circuit *c, const qk_group *g) {
  uint64_t all = 0;
  for (int64_t p = g->first; p < g->last; p++) all |= c->piece[p].members;
  return all;
}

static void lifetimes(const qk_circuit *c, int64_t ids, const uint32_t *edge, const uint32_t *output,
                      int64_t *last) {
  int64_t time = 0;
  const qk_group *g = c->group, *end = g + c->groups;
  for (int64_t v = 0; v < ids; v++) last[v] = NEVER;
  for (int64_t u = 0; u < c->units; u++, time++) {
    for (; g < end && g->unit == u; g++, time++)
      for (uint64_t m = members(c, g); m; m &= m - 1)
        last[g->chunk * QK_CHUNK + __builtin_ctzll(m)] = time;
    for (int64_t e = FIRST(u); e < FIRST(u + 1); e++) last[edge[e]] = time;
  }
  for (int64_t o = 0; o < c->outputs; o++) last[output[o]] = ALWAYS;
}

int qk_circuit_plan(qk_circuit *c, int64_t sums, uint32_t *edge, uint32_t *slot, uint32_t *output,
                    uint32_t *place, qk_piece *piece) {
  const int64_t nodes = c->inputs + c->units, ids = nodes + sums;
  slots s = {.last = malloc((size_t)(ids + 1) * sizeof *s.last), .used = c->inputs,
             .place = malloc((size_t)(ids + 1) * 4), .spare = malloc((size_t)(ids + 1) * 4)};
  const int status = s.last && s.place && s.spare ? QK_OK : QK_NO_MEMORY;
  if (status == QK_OK) {
    lifetimes(c, ids, edge, output, s.last);
    for (int64_t v = 0; v < c->inputs; v++) {
      s.place[v] = (uint32_t)v;
      release(&s, v, NEVER);
    }
    int64_t time = 0;
    const qk_group *g = c->group, *end = g + c->groups;
    for (int64_t u = 0; u < c->units; u++, time++) {
      for (; g < end && g->unit == u; g++, time++) {
        for (int64_t p = g->first; p < g->last; p++) {
          const uint32_t sum = piece[p].slot;
          if (piece[p].fresh) s.place[sum] = take(&s);
          piece[p].slot = s.place[sum];
        }
        for (uint64_t m = members(c, g); m; m &= m - 1)
          release(&s, g->chunk * QK_CHUNK + __builtin_ctzll(m), time);
      }
      for (int64_t e = FIRST(u); e < FIRST(u + 1); e++) {
        const uint32_t v = edge[e];
        edge[e] = s.place[v];
        release(&s, v, time);
      }
      s.place[c->inputs + u] = slot[u] = take(&s);
      release(&s, c->inputs + u, NEVER);
    }
    for (int64_t o = 0; o < c->outputs; o++) output[o] = s.place[output[o]];
    for (int64_t v = 0; v < nodes; v++) place[v] = s.place[v];
    c->slots = s.used;
  }
  free(s.last), free(s.place), free(s.spare);
  return status;
}
