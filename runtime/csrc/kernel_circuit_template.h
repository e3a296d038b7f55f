/* A sparse circuit on blocks of points (included once for each float type).
 *
 * Every slot of the scratch holds BLOCK points side by side. A unit adds and subtracts its sources
 * in the order given, one after the other, for all points of the block at once: the result of a
 * point depends neither on its neighbours nor on the number of threads. Sums start at +0, so no
 * value is ever -0, and leaving out a source that is zero changes no bit.
 *
 * Scratch: slots * 256 bytes of values, then one byte for each slot (1: zero on the whole block). */

#define BLOCK (256 / (int64_t)sizeof(REAL))

static inline void NAME(unit)(const qk_circuit *c, int64_t u, const REAL *values,
                              const uint8_t *zero, int skip_zero, REAL *restrict total) {
  const REAL bias = (REAL)c->bias[u];
  for (int64_t i = 0; i < BLOCK; i++) total[i] = bias;
  for (int64_t r = c->unit_run[u]; r < c->unit_run[u + 1]; r++) {
    REAL part[BLOCK] = {0};
    for (int64_t e = c->run_edge[2 * r]; e < c->run_edge[2 * r + 1]; e++) {
      if (skip_zero && zero[c->edge[e]]) continue;
      const REAL *source = values + c->edge[e] * BLOCK;
      for (int64_t i = 0; i < BLOCK; i++) part[i] += source[i];
    }
    for (int64_t e = c->run_edge[2 * r + 1]; e < c->run_edge[2 * r + 2]; e++) {
      if (skip_zero && zero[c->edge[e]]) continue;
      const REAL *source = values + c->edge[e] * BLOCK;
      for (int64_t i = 0; i < BLOCK; i++) part[i] -= source[i];
    }
    const REAL scale = (REAL)c->scale[r];
    for (int64_t i = 0; i < BLOCK; i++) total[i] += scale * part[i];
  }
}

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
    for (int64_t u = 0; u < c->units; u++) {
      REAL total[BLOCK];
      REAL *target = values + c->slot[u] * BLOCK;
      NAME(unit)(c, u, values, zero, skip_zero, total);
      unsigned any = 0;
      for (int64_t i = 0; i < BLOCK; i++) {
        if (c->relu[u] && total[i] < 0) total[i] = 0;
        any |= total[i] != 0;
        target[i] = total[i];
      }
      zero[c->slot[u]] = !any;
    }
    for (int64_t o = 0; o < c->outputs; o++)
      for (int64_t i = 0; i < live; i++)
        y[(start + i) * ldy + o] = values[c->output[o] * BLOCK + i];
  }
  return QK_OK;
}
#undef BLOCK
