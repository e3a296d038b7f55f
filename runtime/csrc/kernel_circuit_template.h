/* A sparse circuit on blocks of points (included once for each float type).
 *
 * Every slot of the scratch holds BLOCK points side by side. A unit adds up the sources of each part
 * in the order given, one after the other, for all points of the block at once: the result of a
 * point depends neither on its neighbours nor on the number of threads. Sums start at +0, so no
 * value is ever -0, and leaving out a source that is zero changes no bit.
 *
 * Scratch: slots * 256 bytes of values, then one byte for each slot (1: zero on the whole block). */

#define BLOCK (256 / (int64_t)sizeof(REAL))

#ifdef MAXIMUM
#define CHUNK 256
typedef REAL NAME(vector) __attribute__((vector_size(32), may_alias));
typedef int64_t NAME(mask) __attribute__((vector_size(32), may_alias));

#define EACH(do) do(0) do(1) do(2) do(3) do(4) do(5) do(6) do(7)
#define ADD(i) part[i] += s[i];

/* Adds the blocks of some edges; `part` stays in eight registers. */
static inline __attribute__((always_inline)) void NAME(edges)(const NAME(vector) *blocks,
                                                              const uint32_t *edge, int64_t count,
                                                              NAME(vector) *part) {
  for (int64_t e = 0; e < count; e++) {
    const NAME(vector) *s = blocks + 8 * (int64_t)edge[e];
    EACH(ADD)
  }
}

/* The same with sources left out that are zero: those that are not are listed first, without a
 * branch, since whether a unit is zero cannot be foretold. */
static inline __attribute__((always_inline)) void NAME(live_edges)(
    const NAME(vector) *blocks, const uint32_t *edge, int64_t count, const uint8_t *zero,
    NAME(vector) *part) {
  uint32_t list[CHUNK];
  for (int64_t start = 0; start < count; start += CHUNK) {
    const int64_t stop = count - start < CHUNK ? count - start : CHUNK;
    int64_t live = 0;
    for (int64_t e = 0; e < stop; e++) {
      list[live] = edge[start + e];
      live += !zero[edge[start + e]];
    }
    NAME(edges)(blocks, list, live, part);
  }
}

/* The sum of the blocks of edges [from, to). */
static inline __attribute__((always_inline)) void NAME(total)(const qk_circuit *c, int64_t from, int64_t to,
                                                              const NAME(vector) *blocks,
                                                              const uint8_t *zero, int skip_zero,
                                                              NAME(vector) *out) {
  const NAME(vector) none = {0};
  NAME(vector) part[8] = {none, none, none, none, none, none, none, none};
  if (skip_zero) NAME(live_edges)(blocks, c->edge + from, to - from, zero, part);
  else NAME(edges)(blocks, c->edge + from, to - from, part);
  for (int i = 0; i < 8; i++) out[i] = part[i];
}

/* Writes a block; returns whether any value is not zero (no value is -0, so bits tell). */
static inline __attribute__((always_inline)) int NAME(store)(const NAME(vector) *sum,
                                                             NAME(vector) *to) {
  NAME(mask) any = {0};
  for (int i = 0; i < 8; i++) any |= (NAME(mask))sum[i], to[i] = sum[i];
  return (any[0] | any[1] | any[2] | any[3]) != 0;
}

/* sum += scale * (what run r adds - what it subtracts). */
static inline __attribute__((always_inline)) void NAME(run)(const qk_circuit *c, int64_t r,
                                                            const NAME(vector) *blocks,
                                                            const uint8_t *zero, int skip_zero,
                                                            NAME(vector) *sum) {
  const int64_t *at = c->run_edge + 2 * r;
  const REAL scale = (REAL)c->scale[r];
  NAME(vector) part[8], less[8];
  if (at[1] - at[0] == 1 && at[2] - at[1] == 1) { /* the commonest unit of all: one difference */
    const NAME(vector) *a = blocks + 8 * (int64_t)c->edge[at[0]];
    const NAME(vector) *b = blocks + 8 * (int64_t)c->edge[at[1]];
    for (int i = 0; i < 8; i++) sum[i] += scale * (a[i] - b[i]);
  } else if (at[1] == at[2]) {
    NAME(total)(c, at[0], at[1], blocks, zero, skip_zero, part);
    for (int i = 0; i < 8; i++) sum[i] += scale * part[i];
  } else if (at[0] == at[1]) { /* 0 - x is -x, but for zeros, which no sum feels */
    NAME(total)(c, at[1], at[2], blocks, zero, skip_zero, less);
    for (int i = 0; i < 8; i++) sum[i] -= scale * less[i];
  } else {
    NAME(total)(c, at[0], at[1], blocks, zero, skip_zero, part);
    NAME(total)(c, at[1], at[2], blocks, zero, skip_zero, less);
    for (int i = 0; i < 8; i++) sum[i] += scale * (part[i] - less[i]);
  }
}

/* The same sums with the block in eight registers. */
static inline int NAME(unit)(const qk_circuit *c, int64_t u, const REAL *values,
                             const uint8_t *zero, int skip_zero, REAL *target) {
  const NAME(vector) *blocks = (const NAME(vector) *)values;
  const NAME(vector) none = {0};
  NAME(vector) sum[8], *to = (NAME(vector) *)target;
  const int64_t first = c->unit_run[u], last = c->unit_run[u + 1];
  if (c->relu[u] == 2) { /* a piece: one run that adds */
    NAME(total)(c, c->run_edge[2 * first], c->run_edge[2 * first + 1], blocks, zero, skip_zero, sum);
    return NAME(store)(sum, to);
  }
  for (int i = 0; i < 8; i++) sum[i] = none + (REAL)c->bias[u];
  for (int64_t r = first; r < last; r++) NAME(run)(c, r, blocks, zero, skip_zero, sum);
  if (c->relu[u])
    for (int i = 0; i < 8; i++) sum[i] = MAXIMUM(none, sum[i]);
  return NAME(store)(sum, to);
}
#undef EACH
#undef ADD
#undef CHUNK
#else
/* Writes the block of a unit; returns whether any of its values is not zero. */
static inline int NAME(unit)(const qk_circuit *c, int64_t u, const REAL *values,
                             const uint8_t *zero, int skip_zero, REAL *target) {
  REAL total[BLOCK];
  for (int64_t i = 0; i < BLOCK; i++) total[i] = (REAL)c->bias[u];
  for (int64_t r = c->unit_run[u]; r < c->unit_run[u + 1]; r++) {
    REAL part[2][BLOCK] = {{0}};
    for (int64_t e = c->run_edge[2 * r]; e < c->run_edge[2 * r + 2]; e++) {
      if (skip_zero && zero[c->edge[e]]) continue;
      const REAL *source = values + c->edge[e] * BLOCK;
      REAL *into = part[e >= c->run_edge[2 * r + 1]];
      for (int64_t i = 0; i < BLOCK; i++) into[i] += source[i];
    }
    for (int64_t i = 0; i < BLOCK; i++) total[i] += (REAL)c->scale[r] * (part[0][i] - part[1][i]);
  }
  int any = 0;
  for (int64_t i = 0; i < BLOCK; i++) {
    if (c->relu[u] == 1 && total[i] < 0) total[i] = 0;
    any |= total[i] != 0;
    target[i] = total[i];
  }
  return any;
}
#endif

static int NAME(circuit)(const qk_circuit *c, const REAL *x, int64_t points, int64_t ldx, REAL *y,
                         int64_t ldy, int skip_zero, void *scratch) {
  REAL *values = scratch;
  uint8_t *zero = (uint8_t *)(values + c->slots * BLOCK);
  for (int64_t start = 0; start < points; start += BLOCK) {
    const int64_t live = points - start < BLOCK ? points - start : BLOCK;
    for (int64_t s = 0; s < c->inputs; s++) {
      for (int64_t i = 0; i < BLOCK; i++)
        values[s * BLOCK + i] = i < live ? x[(start + i) * ldx + s] : 0;
      zero[s] = 0;
    }
    for (int64_t u = 0; u < c->units; u++)
      zero[c->slot[u]] = !NAME(unit)(c, u, values, zero, skip_zero, values + c->slot[u] * BLOCK);
    for (int64_t o = 0; o < c->outputs; o++)
      for (int64_t i = 0; i < live; i++)
        y[(start + i) * ldy + o] = values[c->output[o] * BLOCK + i];
  }
  return QK_OK;
}
#undef BLOCK
