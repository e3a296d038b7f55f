/* How far a circuit's output may be from the exact one: a running error analysis (Higham 2002,
 * section 3.3), unit by unit, in the slots that evaluation uses. */
#include "kernels.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* The least p with v a multiple of 2^-p; 0 is a multiple of everything. */
static int64_t lattice(double v) {
  int exponent;
  double m = frexp(fabs(v), &exponent);
  if (v == 0) return INT32_MIN;
  int64_t bits = 0;
  for (; m != floor(m); m *= 2) bits++;
  return bits - exponent;
}

typedef struct {
  double size, error; /* |value| <= size + error, |computed - exact| <= error */
  int64_t lattice;    /* the value is a multiple of 2^-lattice; INT32_MAX: nothing is known */
  double terms;       /* how many sources a sum in pieces has so far; 0 for a value */
} node;

/* What a group adds to its sums; the sources count where the sum is complete. */
static void add_pieces(const qk_circuit *c, const qk_group *g, node *nodes) {
  for (int64_t p = g->first; p < g->last; p++) {
    node *sum = &nodes[c->piece[p].slot];
    if (c->piece[p].fresh) *sum = (node){0, 0, INT32_MIN, 0};
    for (uint64_t m = c->piece[p].members; m; m &= m - 1) {
      const node *from = &nodes[c->place[g->chunk * QK_CHUNK + __builtin_ctzll(m)]];
      sum->size += from->size + from->error, sum->error += from->error, sum->terms++;
      if (from->lattice > sum->lattice) sum->lattice = from->lattice;
    }
  }
}

/* Inputs lie in [-x_max, x_max] and are multiples of 2^-input_bits (input_bits < 0: anything).
 * `digits` is 53 or 24. Sums are exact where every partial sum fits `digits` bits. */
int qk_circuit_bound(const qk_circuit *c, double x_max, int64_t input_bits, int digits,
                     double *bound) {
  const int single = digits < 53;
  const double u = ldexp(1, -digits), up = 1 + ldexp(1, -20), most = single ? FLT_MAX : DBL_MAX;
  /* of what is rounded below the normal numbers; in double the bound itself is, too */
  const double least = ldexp(1, single ? -149 : -1060);
  const int64_t finest = single ? 149 : 1074; /* every number is a multiple of 2^-finest */
  const int known = input_bits >= 0 && input_bits <= finest &&
                    ldexp(x_max, (int)input_bits) <= ldexp(1, digits);
  node *nodes = calloc((size_t)c->slots + 1, sizeof *nodes);
  if (nodes == NULL) return QK_NO_MEMORY;
  for (int64_t i = 0; i < c->inputs; i++)
    nodes[i] = known ? (node){x_max, 0, input_bits, 0} : (node){x_max, u * x_max + least, INT32_MAX, 0};
  const qk_group *g = c->group, *end = g + c->groups;
  for (int64_t n = 0; n < c->units; n++) {
    for (; g < end && g->unit == n; g++) add_pieces(c, g, nodes);
    const double bias = fabs(c->bias[n]);
    double total = bias, carried = 0, rounded = least, largest = bias;
    int64_t fine = lattice(bias);
    if (single && (double)(float)bias != bias) fine = INT32_MAX;
    for (int64_t r = c->unit_run[n]; r < c->unit_run[n + 1]; r++) {
      double size = 0, error = 0, terms = 0;
      int64_t grid = INT32_MIN;
      for (int64_t e = c->run_edge[2 * r]; e < c->run_edge[2 * r + 2]; e++) {
        const node *from = &nodes[c->edge[e]];
        size += from->terms > 0 ? from->size : from->size + from->error, error += from->error;
        terms += from->terms > 0 ? from->terms : 1;
        if (from->lattice > grid) grid = from->lattice;
      }
      const double scale = fabs(c->scale[r]);
      total += scale * size, carried += scale * error;
      rounded += (terms + 3) * u * scale * size + least * (size + 1);
      largest = fmax(largest, fmax(scale, size));
      if (grid == INT32_MAX || (single && (double)(float)scale != scale) ||
          (grid != INT32_MIN && !(ldexp(size * up, (int)grid) <= ldexp(1, digits))))
        fine = INT32_MAX;
      else if (grid != INT32_MIN && fine != INT32_MAX && grid + lattice(scale) > fine)
        fine = grid + lattice(scale);
    }
    const double runs = (double)(c->unit_run[n + 1] - c->unit_run[n]);
    const int exact = carried == 0 && fine <= finest && fine > -100000 &&
                      ldexp(total * up, (int)fine) <= ldexp(1, digits);
    node *to = &nodes[c->slot[n]];
    to->terms = 0;
    to->size = total * up;
    to->error = exact ? 0 : (carried + rounded + u * bias + (runs + 1) * u * total) * up;
    to->lattice = exact ? fine : INT32_MAX;
    if (fine == INT32_MIN && carried == 0) to->error = 0, to->lattice = INT32_MIN; /* it is 0 */
    largest = fmax(largest, total) * up + to->error; /* may overflow, or is NaN: 0 times infinity */
    if (!(largest <= most)) to->error = INFINITY, to->lattice = INT32_MAX;
  }
  *bound = 0;
  for (int64_t o = 0; o < c->outputs; o++)
    if (!(nodes[c->output[o]].error <= *bound)) *bound = nodes[c->output[o]].error;
  free(nodes);
  return QK_OK;
}
