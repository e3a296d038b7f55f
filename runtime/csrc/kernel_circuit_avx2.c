/* Sparse circuits, AVX2: lanes are points, so no sum changes its order. */
#include "families.h"

#include <float.h>
#include <immintrin.h>
#include <math.h>

#define MAXIMUM(a, b) _mm256_max_ps(a, b)

#define REAL float
#define NAME(x) x##_f32
#include "kernel_circuit_template.h"
#undef REAL
#undef NAME
#undef MAXIMUM
#define MAXIMUM(a, b) _mm256_max_pd(a, b)
#define REAL double
#define NAME(x) x##_f64
#include "kernel_circuit_template.h"

int qk_circuit_f32_avx2(const qk_circuit *c, const float *x, int64_t points, int64_t ldx, float *y,
                        int64_t ldy, void *scratch) {
  return circuit_f32(c, x, points, ldx, y, ldy, scratch);
}

int qk_circuit_f64_avx2(const qk_circuit *c, const double *x, int64_t points, int64_t ldx,
                        double *y, int64_t ldy, void *scratch) {
  return circuit_f64(c, x, points, ldx, y, ldy, scratch);
}
