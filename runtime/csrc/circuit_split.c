/* A circuit laid out for evaluation: units with many sources are computed piece by piece.
 *
 * The output of a witness, and the units that select a cell's polynomial, read nearly all units of
 * a wide layer. As one unit each they would keep the whole layer alive, and read it from beyond the
 * cache once for each of them. Instead, whenever CHUNK nodes have been computed, every such unit
 * adds up those that it reads, while they are near; the sum so far is a unit of its own (a *piece*),
 * the first source of the next piece. Sums keep their order, so no bit changes. */
#include "kernels.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK 64
#define MANY 64  /* edges of a unit that is split */
#define FEW 8    /* edges that a piece has at least on average */

typedef struct {
  int64_t part, from, to; /* part 2r is what run r adds, 2r + 1 what it subtracts; edges */
} piece;

typedef struct {
  const qk_circuit *in;
  piece *pieces;           /* those of chunk c: first[c]..first[c + 1] */
  int64_t *first, *cursor; /* chunks + 1; while filling and emitting */
  int64_t count, chunks;
  uint8_t *whole;          /* for each unit: 1 if it is not split */
} cut;

/* The pieces of an ascending range of edges, one for each chunk; counts them where `at` is NULL. */
static int64_t cut_part(const cut *c, int64_t part, int64_t from, int64_t to, int64_t *at, piece *out) {
  int64_t count = 0;
  while (from < to) {
    const int64_t chunk = c->in->edge[from] / CHUNK;
    int64_t stop = from + 1;
    while (stop < to && c->in->edge[stop] / CHUNK == chunk) stop++;
    if (at != NULL) out[at[chunk]++] = (piece){part, from, stop};
    from = stop, count++;
  }
  return count;
}

static int ascending(const uint32_t *edge, int64_t from, int64_t to) {
  for (int64_t e = from + 1; e < to; e++)
    if (edge[e] < edge[e - 1]) return 0;
  return 1;
}

/* Which units are split, and into how many pieces. */
static void choose(cut *c) {
  const qk_circuit *in = c->in;
  for (int64_t u = 0; u < in->units; u++) {
    const int64_t a = 2 * in->unit_run[u], b = 2 * in->unit_run[u + 1];
    const int64_t edges = in->run_edge[b] - in->run_edge[a];
    int64_t pieces = 0;
    c->whole[u] = edges < MANY;
    for (int64_t p = a; p < b && !c->whole[u]; p++) {
      const int64_t from = in->run_edge[p], to = in->run_edge[p + 1];
      if (!ascending(in->edge, from, to)) c->whole[u] = 1;
      else pieces += cut_part(c, p, from, to, NULL, NULL);
    }
    if (pieces * FEW > edges) c->whole[u] = 1;
    if (!c->whole[u]) c->count += pieces;
  }
}

/* Sorts the pieces by chunk, within a chunk by unit. */
static void fill(cut *c) {
  const qk_circuit *in = c->in;
  for (int pass = 0; pass < 2; pass++) {
    for (int64_t u = 0; u < in->units; u++) {
      if (c->whole[u]) continue;
      for (int64_t p = 2 * in->unit_run[u]; p < 2 * in->unit_run[u + 1]; p++) {
        const int64_t from = in->run_edge[p], to = in->run_edge[p + 1];
        if (pass) cut_part(c, p, from, to, c->cursor, c->pieces);
        else
          for (int64_t e = from; e < to; e++)
            if (e == from || in->edge[e] / CHUNK != in->edge[e - 1] / CHUNK)
              c->first[in->edge[e] / CHUNK + 1]++;
      }
    }
    if (pass) break;
    for (int64_t i = 0; i < c->chunks; i++) c->first[i + 1] += c->first[i];
    memcpy(c->cursor, c->first, (size_t)c->chunks * sizeof *c->cursor);
  }
}

typedef struct {
  int64_t *unit_run, *run_edge;
  uint32_t *source, *number, *sum; /* the new number of a node; the latest piece of a part */
  uint8_t *relu;
  double *scale, *bias;
  int64_t units, runs, edges;
} draft;

static void end_part(draft *d, int64_t part) { d->run_edge[2 * d->runs + part] = d->edges; }

static uint32_t end_unit(draft *d, const qk_circuit *in, double bias, uint8_t relu) {
  d->bias[d->units] = bias, d->relu[d->units] = relu;
  d->unit_run[++d->units] = d->runs;
  return (uint32_t)(in->inputs + d->units - 1);
}

static void add_piece(draft *d, const qk_circuit *in, const piece *p) {
  if (d->sum[p->part] != UINT32_MAX) d->source[d->edges++] = d->sum[p->part];
  for (int64_t e = p->from; e < p->to; e++) d->source[d->edges++] = d->number[in->edge[e]];
  end_part(d, 1), end_part(d, 2);
  d->scale[d->runs++] = 1;
  d->sum[p->part] = end_unit(d, in, 0, 2);
}

static void add_unit(draft *d, const cut *c, int64_t u) {
  const qk_circuit *in = c->in;
  for (int64_t r = in->unit_run[u]; r < in->unit_run[u + 1]; r++) {
    for (int sign = 0; sign < 2; sign++) {
      const int64_t p = 2 * r + sign;
      if (c->whole[u])
        for (int64_t e = in->run_edge[p]; e < in->run_edge[p + 1]; e++)
          d->source[d->edges++] = d->number[in->edge[e]];
      else if (d->sum[p] != UINT32_MAX) d->source[d->edges++] = d->sum[p];
      end_part(d, sign + 1);
    }
    d->scale[d->runs++] = in->scale[r];
  }
  d->number[in->inputs + u] = end_unit(d, in, in->bias[u], in->relu[u] != 0);
}

static void emit(draft *d, cut *c) {
  const qk_circuit *in = c->in;
  memset(d->sum, 0xff, (size_t)(2 * in->runs) * sizeof *d->sum);
  memcpy(c->cursor, c->first, (size_t)c->chunks * sizeof *c->cursor);
  d->unit_run[0] = d->run_edge[0] = 0;
  for (int64_t v = 0; v < in->inputs; v++) d->number[v] = (uint32_t)v;
  int64_t done = 0; /* chunks whose nodes are all computed and added up */
  for (int64_t u = 0; u <= in->units; u++) {
    const int64_t node = in->inputs + u;
    for (; (done + 1) * CHUNK <= node; done++)
      while (c->cursor[done] < c->first[done + 1]) add_piece(d, in, &c->pieces[c->cursor[done]++]);
    if (u == in->units) break;
    if (!c->whole[u]) { /* what it reads of the chunk that it stands in: its pieces come first */
      const int64_t last = 2 * in->unit_run[u + 1];
      while (c->cursor[done] < c->first[done + 1] && c->pieces[c->cursor[done]].part < last)
        add_piece(d, in, &c->pieces[c->cursor[done]++]);
    }
    add_unit(d, c, u);
  }
}

static size_t carve(size_t *at, int64_t count, size_t size) {
  const size_t start = *at;
  *at = (start + (size_t)count * size + 63) / 64 * 64;
  return start;
}

int qk_circuit_build(const qk_circuit *in, qk_circuit *out, void **memory) {
  *memory = NULL;
  const int bad = qk_circuit_order(in);
  if (bad) return bad;
  const int64_t nodes = in->inputs + in->units;
  cut c = {.in = in, .chunks = nodes / CHUNK + 1};
  c.whole = malloc((size_t)in->units + 1);
  c.first = calloc((size_t)c.chunks + 1, 8), c.cursor = calloc((size_t)c.chunks + 1, 8);
  draft d = {.number = malloc((size_t)(nodes + 1) * 4),
             .sum = malloc((size_t)(2 * in->runs + 1) * 4)};
  int status = c.whole && c.first && c.cursor && d.number && d.sum ? QK_OK : QK_NO_MEMORY;
  if (status == QK_OK) choose(&c);
  if (status == QK_OK && nodes + c.count >= INT32_MAX) status = QK_BAD_SIZE;
  if (status == QK_OK && !(c.pieces = malloc((size_t)(c.count + 1) * sizeof *c.pieces)))
    status = QK_NO_MEMORY;
  if (status == QK_OK) {
    const int64_t units = in->units + c.count, runs = in->runs + c.count;
    const int64_t edges = in->edges + c.count;
    size_t size = 0;
    const size_t places[10] = {
        carve(&size, units + 1, 8),    carve(&size, 2 * runs + 1, 8), carve(&size, runs + 1, 8),
        carve(&size, units + 1, 8),    carve(&size, edges + 1, 4),    carve(&size, edges + 1, 4),
        carve(&size, units + 1, 4),    carve(&size, in->outputs + 1, 4),
        carve(&size, in->outputs + 1, 4), carve(&size, units + 1, 1)};
    uint8_t *block = malloc(size);
    if (block == NULL) status = QK_NO_MEMORY;
    if (block != NULL) {
      d.unit_run = (int64_t *)(void *)(block + places[0]);
      d.run_edge = (int64_t *)(void *)(block + places[1]);
      d.scale = (double *)(void *)(block + places[2]), d.bias = (double *)(void *)(block + places[3]);
      d.source = (uint32_t *)(void *)(block + places[4]), d.relu = block + places[9];
      uint32_t *edge = (uint32_t *)(void *)(block + places[5]);
      uint32_t *slot = (uint32_t *)(void *)(block + places[6]);
      uint32_t *node = (uint32_t *)(void *)(block + places[7]);
      uint32_t *output = (uint32_t *)(void *)(block + places[8]);
      fill(&c);
      emit(&d, &c);
      for (int64_t o = 0; o < in->outputs; o++) node[o] = d.number[in->output[o]];
      *out = (qk_circuit){.inputs = in->inputs, .units = d.units, .runs = d.runs, .edges = d.edges,
                          .outputs = in->outputs, .unit_run = d.unit_run, .run_edge = d.run_edge,
                          .edge = edge, .slot = slot, .output = output, .relu = d.relu,
                          .scale = d.scale, .bias = d.bias};
      status = qk_circuit_plan(out, d.source, node, edge, slot, output);
      *memory = block;
    }
  }
  free(c.whole), free(c.first), free(c.cursor), free(c.pieces), free(d.number), free(d.sum);
  if (status != QK_OK) free(*memory), *memory = NULL;
  return status;
}
