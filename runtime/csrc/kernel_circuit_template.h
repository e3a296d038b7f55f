/* A sparse circuit on blocks of points (included once for each float type).
 *
 * Every slot of the scratch holds BLOCK points side by side. A unit adds up the sources of each part
 * in the order given, one after the other, for all points of the block at once: the result of a
 * point depends neither on its neighbours nor on the number of threads. Sums start at +0 and biases
 * are no -0, so no unit is ever -0, and leaving out a source that is zero changes no bit.
 *
 * Scratch: slots * 256 bytes of values, a word for each chunk of nodes (bit: not zero everywhere on
 * the block), then one byte for each slot (1: zero on the whole block). */

#define BLOCK (256 / (int64_t)sizeof(REAL))
#define BIAS(c, u) ((REAL)(c)->bias[u] + 0) /* a small negative number is -0 in float32 */

#ifdef MAXIMUM
typedef REAL NAME(vector) __attribute__((vector_size(32), may_alias));

#define EACH(do) do(0) do(1) do(2) do(3) do(4) do(5) do(6) do(7)
#define SET(i) part[i] = s[i];
#define ADD(i) part[i] += s[i];
#define INLINE static inline __attribute__((always_inline))

/* The sum of the blocks of some edges, at least one; `part` stays in eight registers. */
INLINE void NAME(edges)(const NAME(vector) *blocks, const uint32_t *edge, const uint32_t *end,
                        NAME(vector) *part) {
  const NAME(vector) *s = blocks + 8 * (int64_t)*edge;
  EACH(SET)
  while (++edge < end) {
    s = blocks + 8 * (int64_t)*edge;
    EACH(ADD)
  }
}

/* What run r adds less what it subtracts. */
INLINE void NAME(difference)(const qk_circuit *c, int64_t r, const NAME(vector) *blocks,
                             NAME(vector) *part) {
  const int64_t *at = c->run_edge + 2 * r;
  const uint32_t *from = c->edge + at[0], *middle = c->edge + at[1], *to = c->edge + at[2];
  const NAME(vector) none = {0};
  NAME(vector) more[8];
  if (middle == to) {
    if (from == to)
      for (int i = 0; i < 8; i++) part[i] = none;
    else NAME(edges)(blocks, from, to, part);
    return;
  }
  if (from == middle)
    for (int i = 0; i < 8; i++) more[i] = none;
  else NAME(edges)(blocks, from, middle, more);
  NAME(edges)(blocks, middle, to, part);
  for (int i = 0; i < 8; i++) part[i] = more[i] - part[i];
}

/* Writes a block, values below `floor` as `floor`; returns whether it is zero everywhere. */
INLINE int NAME(store)(const NAME(vector) *sum, NAME(vector) floor, NAME(vector) *to) {
  __m256i any = _mm256_setzero_si256(); /* no value is -0, so bits tell */
  for (int i = 0; i < 8; i++) {
    const NAME(vector) v = MAXIMUM(floor, sum[i]);
    any = _mm256_or_si256(any, (__m256i)v);
    to[i] = v;
  }
  return _mm256_testz_si256(any, any);
}

/* 1 if nothing is left of what a unit that takes no value below 0 adds. */
INLINE int NAME(dead)(const qk_circuit *c, int64_t u, const uint8_t *zero) {
  uint8_t all = 1;
  for (int64_t r = c->unit_run[u]; r < c->unit_run[u + 1]; r++)
    for (int64_t e = c->run_edge[2 * r]; e < c->run_edge[2 * r + 1]; e++) all &= zero[c->edge[e]];
  return all;
}

/* A unit of no run, or of many; its sources may be sums, of which none is written if it is zero. */
static __attribute__((noinline)) int NAME(runs)(const qk_circuit *c, int64_t u,
                                                const NAME(vector) *blocks, const uint8_t *zero,
                                                NAME(vector) floor, NAME(vector) *to) {
  const NAME(vector) none = {0};
  NAME(vector) sum[8], part[8];
  for (int i = 0; i < 8; i++) sum[i] = none + BIAS(c, u);
  for (int64_t r = c->unit_run[u]; r < c->unit_run[u + 1]; r++) {
    const REAL scale = (REAL)c->scale[r];
    if (c->trait[u] & QK_SUMS) {
      const int64_t *at = c->run_edge + 2 * r;
      const uint32_t a = c->edge[at[0]], b = c->edge[at[1]];
      const NAME(vector) *more = at[0] < at[1] && !zero[a] ? blocks + 8 * (int64_t)a : NULL;
      const NAME(vector) *less = at[1] < at[2] && !zero[b] ? blocks + 8 * (int64_t)b : NULL;
      for (int i = 0; i < 8; i++) part[i] = (more ? more[i] : none) - (less ? less[i] : none);
    } else NAME(difference)(c, r, blocks, part);
    for (int i = 0; i < 8; i++) sum[i] += scale * part[i];
  }
  return NAME(store)(sum, floor, to);
}

/* Returns whether the unit is zero on the whole block. */
INLINE int NAME(unit)(const qk_circuit *c, int64_t u, const REAL *values, const uint8_t *zero,
                      int calm, REAL *target) {
  const NAME(vector) *blocks = (const NAME(vector) *)values;
  const NAME(vector) none = {0};
  NAME(vector) part[8], *to = (NAME(vector) *)target;
  const int trait = c->trait[u];
  const int64_t r = c->unit_run[u];
  if (trait & QK_MORTAL && calm && NAME(dead)(c, u, zero)) {
    for (int i = 0; i < 8; i++) to[i] = none;
    return 1;
  }
  const NAME(vector) floor = none + (trait & QK_FLOOR ? (REAL)0 : -(REAL)INFINITY);
  if (trait & QK_SUMS || c->unit_run[u + 1] != r + 1) return NAME(runs)(c, u, blocks, zero, floor, to);
  NAME(difference)(c, r, blocks, part);
  const REAL scale = (REAL)c->scale[r], bias = BIAS(c, u);
  for (int i = 0; i < 8; i++) part[i] = bias + scale * part[i];
  return NAME(store)(part, floor, to);
}

/* Adds the nodes of a group that are not zero to its sums. */
INLINE void NAME(group)(const qk_circuit *c, const qk_group *g, REAL *values, const uint64_t *live,
                        uint8_t *zero) {
  const NAME(vector) none = {0};
  NAME(vector) part[8], *blocks = (NAME(vector) *)values;
  const uint32_t *place = c->place + g->chunk * QK_CHUNK;
  for (const qk_piece *p = c->piece + g->first, *end = c->piece + g->last; p < end; p++) {
    uint64_t members = p->members & live[g->chunk];
    if (p->fresh) zero[p->slot] = 1;
    if (!members) continue;
    NAME(vector) *sum = blocks + 8 * (int64_t)p->slot;
    if (zero[p->slot])
      for (int i = 0; i < 8; i++) part[i] = none;
    else
      for (int i = 0; i < 8; i++) part[i] = sum[i];
    for (; members; members &= members - 1) {
      const NAME(vector) *s = blocks + 8 * (int64_t)place[__builtin_ctzll(members)];
      EACH(ADD)
    }
    for (int i = 0; i < 8; i++) sum[i] = part[i];
    zero[p->slot] = 0;
  }
}
#undef EACH
#undef SET
#undef ADD
#undef INLINE
#else
static int NAME(unit)(const qk_circuit *c, int64_t u, const REAL *values, const uint8_t *zero,
                      int calm, REAL *target) {
  (void)zero, (void)calm;
  REAL total[BLOCK];
  for (int64_t i = 0; i < BLOCK; i++) total[i] = BIAS(c, u);
  for (int64_t r = c->unit_run[u]; r < c->unit_run[u + 1]; r++) {
    REAL part[2][BLOCK] = {{0}};
    for (int64_t e = c->run_edge[2 * r]; e < c->run_edge[2 * r + 2]; e++) {
      const REAL *source = values + c->edge[e] * BLOCK;
      REAL *into = part[e >= c->run_edge[2 * r + 1]];
      for (int64_t i = 0; i < BLOCK; i++) into[i] += source[i];
    }
    for (int64_t i = 0; i < BLOCK; i++) total[i] += (REAL)c->scale[r] * (part[0][i] - part[1][i]);
  }
  for (int64_t i = 0; i < BLOCK; i++)
    target[i] = c->trait[u] & QK_FLOOR && total[i] < 0 ? 0 : total[i];
  return 0;
}

static void NAME(group)(const qk_circuit *c, const qk_group *g, REAL *values, const uint64_t *live,
                        uint8_t *zero) {
  (void)live, (void)zero;
  for (int64_t p = g->first; p < g->last; p++) {
    REAL *sum = values + c->piece[p].slot * BLOCK;
    for (int64_t i = 0; i < BLOCK && c->piece[p].fresh; i++) sum[i] = 0;
    for (int64_t m = 0; m < QK_CHUNK; m++) {
      if (!(c->piece[p].members >> m & 1)) continue;
      const REAL *source = values + c->place[g->chunk * QK_CHUNK + m] * BLOCK;
      for (int64_t i = 0; i < BLOCK; i++) sum[i] += source[i];
    }
  }
}
#endif

static int NAME(circuit)(const qk_circuit *c, const REAL *x, int64_t points, int64_t ldx, REAL *y,
                         int64_t ldy, void *scratch) {
  REAL *values = scratch;
  uint64_t *live = (uint64_t *)(void *)(values + c->slots * BLOCK);
  uint8_t *zero = (uint8_t *)(live + (c->inputs + c->units) / QK_CHUNK + 1);
  const REAL most = (REAL)(sizeof(REAL) == 4 ? FLT_MAX : DBL_MAX) / 4;
  const REAL limit = c->reach <= most ? most / (REAL)c->reach : -1;
  for (int64_t start = 0; start < points; start += BLOCK) {
    const int64_t count = points - start < BLOCK ? points - start : BLOCK;
    const qk_group *g = c->group, *end = g + c->groups;
    int64_t node = 0;
    int calm = limit >= 0; /* nothing overflows, so nothing that is subtracted is NaN */
    for (; node < c->inputs; node++) {
      for (int64_t i = 0; i < BLOCK; i++) {
        const REAL v = i < count ? x[(start + i) * ldx + node] : 0;
        values[node * BLOCK + i] = v;
        calm &= v <= limit && v >= -limit;
      }
      zero[node] = 0;
      live[node / QK_CHUNK] = UINT64_MAX;
    }
    uint64_t word = UINT64_MAX; /* bits beyond the nodes are asked by nobody */
    for (int64_t u = 0; u < c->units; u++, node++) {
      for (; g < end && g->unit == u; g++) NAME(group)(c, g, values, live, zero);
      const uint32_t slot = c->slot[u];
      const int none = NAME(unit)(c, u, values, zero, calm, values + slot * BLOCK);
      zero[slot] = (uint8_t)none;
      if (node % QK_CHUNK == 0) word = UINT64_MAX;
      word ^= (uint64_t)none << node % QK_CHUNK;
      live[node / QK_CHUNK] = word;
    }
    for (int64_t o = 0; o < c->outputs; o++)
      for (int64_t i = 0; i < count; i++)
        y[(start + i) * ldy + o] = values[c->output[o] * BLOCK + i];
  }
  return QK_OK;
}
#undef BLOCK
#undef BIAS
