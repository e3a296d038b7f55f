/* Products of reals with small matrices of any weights: see kernel_dense_template.h. */
#ifndef QEXPR_DENSE_H
#define QEXPR_DENSE_H

#include <stdint.h>

#define QK_DENSE_DECLARE(isa)                                                                   \
  void qk_dense_f32_##isa(const float *w, int64_t rows, int64_t cols, const float *x, int64_t m, \
                          int64_t ldx, float *y, int64_t ldy);                                  \
  void qk_dense_f64_##isa(const double *w, int64_t rows, int64_t cols, const double *x,         \
                          int64_t m, int64_t ldx, double *y, int64_t ldy);

QK_DENSE_DECLARE(scalar)
#ifdef QK_HAVE_AVX2
QK_DENSE_DECLARE(avx2)
QK_DENSE_DECLARE(fma)
#endif

#endif
