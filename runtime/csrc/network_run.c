/* Evaluation in double and in float: one call for a whole network, scratch taken once. */
#include "dense.h"
#include "network_run.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FEW_STEPS 16 /* thresholds that are counted instead of searched */

#define CIRCUIT(name, run, type, largest)                                                      \
  static int name(const qexpr_net *net, const qk_table *t, const void *x, int width,           \
                  int64_t points, type *y) {                                                   \
    const qk_circuit *c = &net->circuit;                                                       \
    enum { BLOCK = 256 };                                                                      \
    const uint8_t *bytes = x;                                                                  \
    const double *d = x;                                                                       \
    const float *f = x;                                                                        \
    const int64_t count = points < BLOCK ? points : BLOCK, room = count * c->inputs;           \
    type *block = malloc((size_t)room * sizeof(type));                                         \
    if (block == NULL) return QK_NO_MEMORY;                                                    \
    int status = QK_OK;                                                                        \
    for (int64_t start = 0; start < points && status == QK_OK; start += count) {               \
      const int64_t n = points - start < count ? points - start : count;                       \
      const int64_t first = start * c->inputs;                                                 \
      int fine = 1;                                                                            \
      for (int64_t i = 0; i < n * c->inputs; i++) {                                            \
        const double v = width == 1   ? bytes[first + i]                                       \
                         : width == 4 ? (double)f[first + i]                                   \
                                      : d[first + i];                                          \
        fine &= fabs(v) <= largest;                                                            \
        block[i] = fine ? (type)v : 0;                                                         \
      }                                                                                        \
      status = fine ? run(t, c, block, n, c->inputs, y + start, 1) : QK_NAN;                   \
    }                                                                                          \
    free(block);                                                                               \
    return status;                                                                             \
  }

CIRCUIT(circuit_f64, qk_circuit_run_f64, double, DBL_MAX)
CIRCUIT(circuit_f32, qk_circuit_run_f32, float, FLT_MAX)

/* By name: every library that links the kernels has a table of its own. */
static int fast_kernels(const qk_table *t) {
#ifdef QK_HAVE_AVX2
  if (strcmp(t->name, "avx2") == 0) return __builtin_cpu_supports("fma") ? 2 : 1;
#endif
  (void)t;
  return 0;
}

#define REAL double
#define NAME(x) x##_f64
#define GEMM qk_gemm_f64
#define UNPACK qk_unpack_f64
#define DENSE(isa) qk_dense_f64_##isa
#define LANES(isa) qk_lanes_f64_##isa
#define SMALL_WEIGHTS small64
#define ALPHA alpha64
#define BETA beta64
#define LARGEST DBL_MAX
#define ABSOLUTE fabs
#define RUN qk_run_f64
#include "network_run_template.h"
#undef REAL
#undef NAME
#undef GEMM
#undef UNPACK
#undef DENSE
#undef SMALL_WEIGHTS
#undef LANES
#undef ALPHA
#undef BETA
#undef LARGEST
#undef ABSOLUTE
#undef RUN
#define REAL float
#define NAME(x) x##_f32
#define GEMM qk_gemm_f32
#define UNPACK qk_unpack_f32
#define DENSE(isa) qk_dense_f32_##isa
#define LANES(isa) qk_lanes_f32_##isa
#define SMALL_WEIGHTS small32
#define ALPHA alpha32
#define BETA beta32
#define LARGEST FLT_MAX
#define ABSOLUTE fabsf
#define RUN qk_run_f32
#include "network_run_template.h"
