#include "families.h"

#define REAL float
#define NAME gemm_f32
#include "kernel_float_template.h"
#undef REAL
#undef NAME
#define REAL double
#define NAME gemm_f64
#include "kernel_float_template.h"

int qk_gemm_f32_scalar(const qk_planes *w, const float *x, int64_t m, int64_t ldx, float *y,
                       int64_t ldy) {
  return gemm_f32(w, x, m, ldx, y, ldy);
}

int qk_gemm_f64_scalar(const qk_planes *w, const double *x, int64_t m, int64_t ldx, double *y,
                       int64_t ldy) {
  return gemm_f64(w, x, m, ldx, y, ldy);
}
