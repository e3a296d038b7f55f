#include "dense.h"

#define REAL float
#define NAME(x) x##_f32
#include "kernel_dense_template.h"
#undef REAL
#undef NAME
#define REAL double
#define NAME(x) x##_f64
#include "kernel_dense_template.h"

void qk_dense_f32_avx2(const float *w, int64_t rows, int64_t cols, const float *x, int64_t m,
                       int64_t ldx, float *y, int64_t ldy) {
  dense_f32(w, rows, cols, x, m, ldx, y, ldy);
}

void qk_dense_f64_avx2(const double *w, int64_t rows, int64_t cols, const double *x, int64_t m,
                       int64_t ldx, double *y, int64_t ldy) {
  dense_f64(w, rows, cols, x, m, ldx, y, ldy);
}
