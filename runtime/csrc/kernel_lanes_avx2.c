#include "lanes.h"

#include <float.h>

#define REAL float
#define INTEGER int32_t
#define LARGEST FLT_MAX
#define NAME(x) x##_f32
#include "kernel_lanes_template.h"
#undef REAL
#undef INTEGER
#undef LARGEST
#undef NAME
#define REAL double
#define INTEGER int64_t
#define LARGEST DBL_MAX
#define NAME(x) x##_f64
#include "kernel_lanes_template.h"

int qk_lanes_f32_avx2(const qk_sparse *w, const float *x, float *y) { return lanes_f32(w, x, y); }
int qk_lanes_f64_avx2(const qk_sparse *w, const double *x, double *y) { return lanes_f64(w, x, y); }
