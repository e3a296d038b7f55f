/* The same with fused products, for weights -1, 0, 1 only: there a product is never rounded, so the
 * results are those of the other two, bit for bit. Compiled with -ffp-contract=fast. */
#include "dense.h"

#define REAL float
#define NAME(x) x##_f32
#include "kernel_dense_template.h"
#undef REAL
#undef NAME
#define REAL double
#define NAME(x) x##_f64
#include "kernel_dense_template.h"

void qk_dense_f32_fma(const float *w, int64_t rows, int64_t cols, const float *x, int64_t m,
                      int64_t ldx, float *y, int64_t ldy) {
  dense_f32(w, rows, cols, x, m, ldx, y, ldy);
}

void qk_dense_f64_fma(const double *w, int64_t rows, int64_t cols, const double *x, int64_t m,
                      int64_t ldx, double *y, int64_t ldy) {
  dense_f64(w, rows, cols, x, m, ldx, y, ldy);
}
