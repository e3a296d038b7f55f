/* Stacks of small ternary layers on reals, points side by side: see kernel_lanes_template.h. */
#ifndef QEXPR_LANES_H
#define QEXPR_LANES_H

#include <stdint.h>

#define QK_LANES 256 /* bytes: 64 floats or 32 doubles side by side */

/* One layer. Its weights that are not 0, row by row: 2 column + (1 where it is -1); then a scale
 * and an offset for each row (doubles or floats, as the kernel), and at most `low`, `high`. */
typedef struct {
  int64_t rows, cols;
  const int32_t *first; /* rows + 1 */
  const uint16_t *entry;
  const void *alpha, *beta;
  int relu, clip;
  double low, high;
} qk_sparse;

/* y[row][point] from x[column][point]; 0 if a value is not finite. */
#define QK_LANES_DECLARE(isa)                                          \
  int qk_lanes_f32_##isa(const qk_sparse *w, const float *x, float *y); \
  int qk_lanes_f64_##isa(const qk_sparse *w, const double *x, double *y);

QK_LANES_DECLARE(scalar)
#ifdef QK_HAVE_AVX2
QK_LANES_DECLARE(avx2)
#endif

#endif
