/* Bit-plane weights against floats, AVX2: four Russians over several rows of the batch.
 *
 * For eight (binary) or four (ternary) columns a table holds what each pattern of weights makes of
 * LANES activation rows side by side, so one load and one add do 64 (or 32) products. Tables are
 * built in the order of the specification, hence equal results. */
#include "families.h"

#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

#define REAL float
#define VECTOR __m256
#define LANES 8
#define NAME(x) x##_f32
#define V(x) _mm256_##x##_ps
#include "kernel_float_avx2.h"
#undef REAL
#undef VECTOR
#undef LANES
#undef NAME
#undef V
#define REAL double
#define VECTOR __m256d
#define LANES 4
#define NAME(x) x##_f64
#define V(x) _mm256_##x##_pd
#include "kernel_float_avx2.h"

int qk_gemm_f32_avx2(const qk_planes *w, const float *x, int64_t m, int64_t ldx, float *y,
                     int64_t ldy) {
  return gemm_f32(w, x, m, ldx, y, ldy);
}

int qk_gemm_f64_avx2(const qk_planes *w, const double *x, int64_t m, int64_t ldx, double *y,
                     int64_t ldy) {
  return gemm_f64(w, x, m, ldx, y, ldy);
}
