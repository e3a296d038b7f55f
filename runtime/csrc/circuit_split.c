/* A circuit laid out for evaluation: units with many sources are computed piece by piece.
 *
 * The output of a witness, and the units that select a cell's polynomial, read nearly all units of
 * a wide layer. One by one they would keep the whole layer alive, read it from beyond the cache
 * once for each of them, and look at every unit to find those that are not zero. Instead, when the 64
 * nodes of a chunk have been computed, every such unit adds up those that it reads, while they are
 * near: a *piece*, a word of 64 bits that says which, so that one AND finds those that are not
 * zero. Sums keep their order, so no bit changes. */
#include "kernels.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MANY 64 /* edges of a unit that is split */
#define FEW 8   /* edges that a piece has at least on average */

typedef struct {
  const qk_circuit *in;
  int64_t chunks, split, pieces, sums, groups; /* split: how many units are */
  int64_t *first, *cursor; /* the pieces of chunk c: first[c]..first[c + 1]; while filling */
  int64_t *owner;          /* the unit of each piece */
  uint32_t *sum;           /* of each part; UINT32_MAX: none. Part 2r is what run r adds, 2r + 1
                            * what it subtracts */
  uint8_t *whole;          /* for each unit: 1 if it is not split */
  qk_piece *piece;
  qk_group *group;
} cut;

/* Each source once, in order. */
static int ascending(const uint32_t *edge, int64_t from, int64_t to) {
  for (int64_t e = from + 1; e < to; e++)
    if (edge[e] <= edge[e - 1]) return 0;
  return 1;
}

/* Counts the pieces of an ascending range of edges by chunk; fills them where there is `piece`. */
static int64_t cut_part(cut *c, int64_t unit, int64_t part) {
  const uint32_t *edge = c->in->edge;
  const int64_t from = c->in->run_edge[part], to = c->in->run_edge[part + 1];
  int64_t count = 0;
  qk_piece *p = NULL;
  for (int64_t e = from; e < to; e++) {
    const int64_t chunk = edge[e] / QK_CHUNK;
    if (e == from || edge[e - 1] / QK_CHUNK != chunk) {
      count++;
      if (c->piece != NULL) {
        c->owner[c->cursor[chunk]] = unit;
        p = &c->piece[c->cursor[chunk]++];
        *p = (qk_piece){.slot = c->sum[part], .fresh = e == from};
      }
    }
    if (p != NULL) p->members |= UINT64_C(1) << edge[e] % QK_CHUNK;
  }
  return count;
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
      if (ascending(in->edge, in->run_edge[p], in->run_edge[p + 1])) pieces += cut_part(c, u, p);
      else c->whole[u] = 1;
    }
    if (pieces * FEW > edges) c->whole[u] = 1;
    if (!c->whole[u]) c->split++, c->pieces += pieces;
    for (int64_t p = a; p < b; p++) {
      const int split = !c->whole[u] && in->run_edge[p] < in->run_edge[p + 1];
      c->sum[p] = split ? (uint32_t)(in->inputs + in->units + c->sums++) : UINT32_MAX;
      for (int64_t e = in->run_edge[p]; e < in->run_edge[p + 1] && split; e++)
        if (e == in->run_edge[p] || in->edge[e] / QK_CHUNK != in->edge[e - 1] / QK_CHUNK)
          c->first[in->edge[e] / QK_CHUNK + 1]++;
    }
  }
  for (int64_t i = 0; i < c->chunks; i++) c->first[i + 1] += c->first[i];
}

/* The pieces by chunk, within a chunk by unit. */
static void fill(cut *c) {
  memcpy(c->cursor, c->first, (size_t)c->chunks * sizeof *c->cursor);
  for (int64_t u = 0; u < c->in->units; u++)
    for (int64_t p = 2 * c->in->unit_run[u]; p < 2 * c->in->unit_run[u + 1] && !c->whole[u]; p++)
      cut_part(c, u, p);
}

/* The pieces of `chunk` that belong to units below `below` and are not yet in a group. */
static void gather(cut *c, int64_t chunk, int64_t below, int64_t unit) {
  const int64_t from = c->cursor[chunk];
  int64_t to = from;
  while (to < c->first[chunk + 1] && c->owner[to] < below) to++;
  if (to == from) return;
  c->group[c->groups++] = (qk_group){unit, chunk, from, to};
  c->cursor[chunk] = to;
}

/* When which pieces are added up: those of a chunk when it is complete, but those of a unit that
 * stands in the chunk that it reads before that unit. */
static void schedule(cut *c) {
  memcpy(c->cursor, c->first, (size_t)c->chunks * sizeof *c->cursor);
  int64_t done = 0;
  for (int64_t u = 0; u < c->in->units; u++) {
    for (; (done + 1) * QK_CHUNK <= c->in->inputs + u; done++) gather(c, done, INT64_MAX, u);
    if (!c->whole[u]) gather(c, done, u + 1, u);
  }
}

/* Whether a ReLU unit is 0 wherever the sources that it adds are 0: the others must not be negative. */
static int mortal(const qk_circuit *in, int64_t u) {
  const int64_t a = in->unit_run[u], b = in->unit_run[u + 1];
  if (!in->trait[u] || in->bias[u] > 0 || a == b) return 0;
  for (int64_t r = a; r < b; r++) {
    if (!(in->scale[r] > 0 && (float)in->scale[r] > 0)) return 0;
    for (int64_t e = in->run_edge[2 * r + 1]; e < in->run_edge[2 * r + 2]; e++)
      if (in->edge[e] < in->inputs || !in->trait[in->edge[e] - in->inputs]) return 0;
  }
  return 1;
}

/* How far values may be from 0 for inputs in [-1, 1], hence for others times the largest of them.
 * Every operation is rounded up by more than either float type may round it, so that values as they
 * are computed obey the bound, too. */
static int reach(const qk_circuit *in, double *out) {
  const double up = 1 + FLT_EPSILON, least = ldexp(1, -149); /* of a float that is not 0 */
  const int64_t nodes = in->inputs + in->units;
  double *size = malloc((size_t)(nodes + 1) * sizeof *size);
  if (size == NULL) return QK_NO_MEMORY;
  *out = 1;
  for (int64_t v = 0; v < in->inputs; v++) size[v] = 1;
  for (int64_t u = 0; u < in->units; u++) {
    double total = (fabs(in->bias[u]) + least) * up;
    for (int64_t r = in->unit_run[u]; r < in->unit_run[u + 1]; r++) {
      const double scale = fabs(in->scale[r]) * up + least;
      double part = 0;
      for (int64_t e = in->run_edge[2 * r]; e < in->run_edge[2 * r + 2]; e++)
        part = (part + size[in->edge[e]]) * up;
      total = (total + scale * part * up + least) * up;
      *out = fmax(*out, fmax(scale, part));
    }
    size[in->inputs + u] = isnan(total) ? INFINITY : total; /* 0 times infinity */
    *out = fmax(*out, size[in->inputs + u]);
  }
  free(size);
  return QK_OK;
}

typedef struct {
  int64_t *unit_run, *run_edge;
  uint32_t *edge, *slot, *output, *place;
  uint8_t *trait;
  double *scale, *bias;
} arrays;

/* Arrays of no entry may be NULL. */
static void copy(void *to, const void *from, int64_t count, size_t size) {
  if (count) memcpy(to, from, (size_t)count * size);
}

static void emit(const cut *c, const arrays *o) {
  const qk_circuit *in = c->in;
  int64_t edges = 0;
  o->run_edge[0] = 0;
  copy(o->unit_run, in->unit_run, in->units + 1, sizeof *o->unit_run);
  copy(o->output, in->output, in->outputs, sizeof *o->output);
  copy(o->scale, in->scale, in->runs, sizeof *o->scale);
  copy(o->bias, in->bias, in->units, sizeof *o->bias);
  for (int64_t u = 0; u < in->units; u++) {
    o->trait[u] = (uint8_t)((in->trait[u] ? QK_FLOOR : 0) | (c->whole[u] ? 0 : QK_SUMS) |
                            (c->whole[u] && mortal(in, u) ? QK_MORTAL : 0));
    for (int64_t p = 2 * in->unit_run[u]; p < 2 * in->unit_run[u + 1]; p++) {
      const int64_t count = in->run_edge[p + 1] - in->run_edge[p];
      if (c->sum[p] != UINT32_MAX) o->edge[edges++] = c->sum[p];
      else {
        copy(o->edge + edges, in->edge + in->run_edge[p], count, sizeof *o->edge);
        edges += count;
      }
      o->run_edge[p + 1] = edges;
    }
  }
}

static void *carve(uint8_t *block, size_t *at, int64_t count, size_t size) {
  void *start = block ? block + *at : NULL;
  *at = (*at + (size_t)count * size + 63) / 64 * 64;
  return start;
}

/* The arrays of the circuit that runs, one after the other in a block; their size if it is NULL. */
static size_t lay_out(const cut *c, uint8_t *block, arrays *o, qk_piece **piece, qk_group **group) {
  const qk_circuit *in = c->in;
  size_t at = 0;
  o->unit_run = carve(block, &at, in->units + 1, 8), o->run_edge = carve(block, &at, 2 * in->runs + 1, 8);
  o->scale = carve(block, &at, in->runs + 1, 8), o->bias = carve(block, &at, in->units + 1, 8);
  o->edge = carve(block, &at, in->edges + 1, 4), o->slot = carve(block, &at, in->units + 1, 4);
  o->output = carve(block, &at, in->outputs + 1, 4), o->place = carve(block, &at, in->inputs + in->units + 1, 4);
  o->trait = carve(block, &at, in->units + 1, 1);
  *piece = carve(block, &at, c->pieces + 1, sizeof **piece);
  *group = carve(block, &at, c->groups + 1, sizeof **group);
  return at;
}

static int build(cut *c, qk_circuit *out, void **memory) {
  const qk_circuit *in = c->in;
  arrays o;
  qk_piece *piece;
  qk_group *group;
  c->piece = calloc((size_t)c->pieces + 1, sizeof *c->piece);
  c->owner = malloc((size_t)(c->pieces + 1) * sizeof *c->owner);
  c->group = malloc((size_t)(c->chunks + c->split + 1) * sizeof *c->group);
  if (!c->piece || !c->owner || !c->group) return QK_NO_MEMORY;
  fill(c);
  schedule(c);
  uint8_t *block = malloc(lay_out(c, NULL, &o, &piece, &group));
  if (block == NULL) return QK_NO_MEMORY;
  *memory = block;
  lay_out(c, block, &o, &piece, &group);
  copy(piece, c->piece, c->pieces, sizeof *piece);
  copy(group, c->group, c->groups, sizeof *group);
  emit(c, &o);
  *out = (qk_circuit){.inputs = in->inputs, .units = in->units, .runs = in->runs, .outputs = in->outputs,
                      .edges = o.run_edge[2 * in->runs], .groups = c->groups, .unit_run = o.unit_run,
                      .run_edge = o.run_edge, .edge = o.edge, .slot = o.slot, .output = o.output,
                      .place = o.place, .trait = o.trait, .scale = o.scale, .bias = o.bias,
                      .group = group, .piece = piece};
  const int status = reach(in, &out->reach);
  if (status != QK_OK) return status;
  return qk_circuit_plan(out, c->sums, o.edge, o.slot, o.output, o.place, piece);
}

int qk_circuit_build(const qk_circuit *in, qk_circuit *out, void **memory) {
  *memory = NULL;
  const int bad = qk_circuit_order(in);
  if (bad) return bad;
  cut c = {.in = in, .chunks = (in->inputs + in->units) / QK_CHUNK + 1};
  c.whole = malloc((size_t)in->units + 1), c.sum = malloc((size_t)(2 * in->runs + 1) * sizeof *c.sum);
  c.first = calloc((size_t)c.chunks + 1, sizeof *c.first);
  c.cursor = calloc((size_t)c.chunks + 1, sizeof *c.cursor);
  int status = c.whole && c.sum && c.first && c.cursor ? QK_OK : QK_NO_MEMORY;
  if (status == QK_OK) choose(&c);
  if (status == QK_OK && in->inputs + in->units + c.sums >= INT32_MAX) status = QK_BAD_SIZE;
  if (status == QK_OK) status = build(&c, out, memory);
  free(c.whole), free(c.sum), free(c.first), free(c.cursor), free(c.piece), free(c.owner), free(c.group);
  if (status != QK_OK) free(*memory), *memory = NULL;
  return status;
}
