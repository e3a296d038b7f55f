#include "families.h"

#include <float.h>

#define REAL float
#define NAME(x) x##_f32
#include "kernel_circuit_template.h"
#undef REAL
#undef NAME
#define REAL double
#define NAME(x) x##_f64
#include "kernel_circuit_template.h"

int qk_circuit_f32_scalar(const qk_circuit *c, const float *x, int64_t points, int64_t ldx,
                          float *y, int64_t ldy, void *scratch) {
  return circuit_f32(c, x, points, ldx, y, ldy, scratch);
}

int qk_circuit_f64_scalar(const qk_circuit *c, const double *x, int64_t points, int64_t ldx,
                          double *y, int64_t ldy, void *scratch) {
  return circuit_f64(c, x, points, ldx, y, ldy, scratch);
}
