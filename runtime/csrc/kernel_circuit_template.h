/* A sparse circuit on blocks of points (included once for each float type).
 *
 * Every slot of the scratch holds BLOCK points side by side. A unit adds and subtracts its sources
 * in the order given, one after the other, for all points of the block at once: the result of a
 * point depends neither on its neighbours nor on the number of threads. Sums start at +0, so no
 * value is ever -0, and leaving out a source that is zero changes no bit.
 *
 * Scratch: slots * 256 bytes of values, then one byte for each slot (1: zero on the whole block). */

#define BLOCK (256 / (int64_t)sizeof(REAL))

#ifdef VECTOR
typedef REAL NAME(vector) __attribute__((vector_size(32), may_alias));
typedef int64_t NAME(mask) __attribute__((vector_size(32), may_alias));

/* The same sums with the block in eight registers. */
static inline int NAME(unit)(const qk_circuit *c, int64_t u, const REAL *values,
                             const uint8_t *zero, int skip_zero, REAL *target) {
  const NAME(vector) *blocks = (const NAME(vector) *)values;
  NAME(vector) sum[8], *to = (NAME(vector) *)target;
  for (int i = 0; i < 8; i++) sum[i] = (NAME(vector)){0} + (REAL)c->bias[u];
  for (int64_t r = c->unit_run[u]; r < c->unit_run[u + 1]; r++) {
    NAME(vector) p0 = {0}, p1 = p0, p2 = p0, p3 = p0, p4 = p0, p5 = p0, p6 = p0, p7 = p0;
    const int64_t *at = c->run_edge + 2 * r;
    for (int64_t e = at[0]; e < at[1]; e++) {
      if (skip_zero && zero[c->edge[e]]) continue;
      const NAME(vector) *s = blocks + 8 * (int64_t)c->edge[e];
      p0 += s[0], p1 += s[1], p2 += s[2], p3 += s[3];
      p4 += s[4], p5 += s[5], p6 += s[6], p7 += s[7];
    }
    for (int64_t e = at[1]; e < at[2]; e++) {
      if (skip_zero && zero[c->edge[e]]) continue;
      const NAME(vector) *s = blocks + 8 * (int64_t)c->edge[e];
      p0 -= s[0], p1 -= s[1], p2 -= s[2], p3 -= s[3];
      p4 -= s[4], p5 -= s[5], p6 -= s[6], p7 -= s[7];
    }
    const REAL scale = (REAL)c->scale[r];
    sum[0] += scale * p0, sum[1] += scale * p1, sum[2] += scale * p2, sum[3] += scale * p3;
    sum[4] += scale * p4, sum[5] += scale * p5, sum[6] += scale * p6, sum[7] += scale * p7;
  }
  const NAME(vector) none = {0};
  NAME(vector) any = none;
  for (int i = 0; i < 8; i++) {
    if (c->relu[u])
      sum[i] = (NAME(vector))((NAME(mask))sum[i] & ~(NAME(mask))(sum[i] < none));
    any = (NAME(vector))((NAME(mask))any | (NAME(mask))(sum[i] != none));
    to[i] = sum[i];
  }
  const uint64_t *word = (const uint64_t *)&any;
  return (word[0] | word[1] | word[2] | word[3]) != 0;
}
#else
/* Writes the block of a unit; returns whether any of its values is not zero. */
static inline int NAME(unit)(const qk_circuit *c, int64_t u, const REAL *values,
                             const uint8_t *zero, int skip_zero, REAL *target) {
  REAL total[BLOCK];
  for (int64_t i = 0; i < BLOCK; i++) total[i] = (REAL)c->bias[u];
  for (int64_t r = c->unit_run[u]; r < c->unit_run[u + 1]; r++) {
    REAL part[BLOCK] = {0};
    for (int64_t e = c->run_edge[2 * r]; e < c->run_edge[2 * r + 2]; e++) {
      if (skip_zero && zero[c->edge[e]]) continue;
      const REAL *source = values + c->edge[e] * BLOCK;
      if (e < c->run_edge[2 * r + 1])
        for (int64_t i = 0; i < BLOCK; i++) part[i] += source[i];
      else
        for (int64_t i = 0; i < BLOCK; i++) part[i] -= source[i];
    }
    for (int64_t i = 0; i < BLOCK; i++) total[i] += (REAL)c->scale[r] * part[i];
  }
  int any = 0;
  for (int64_t i = 0; i < BLOCK; i++) {
    if (c->relu[u] && total[i] < 0) total[i] = 0;
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
