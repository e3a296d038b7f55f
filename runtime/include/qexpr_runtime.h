/* Evaluate packed networks and circuits (.qxr, see FORMAT.md) without Python. C99.
 *
 *   qexpr_error error;
 *   qexpr_net *net = qexpr_load("net.qxr", &error);
 *   if (net == NULL) { fprintf(stderr, "%s\n", error.message); return 1; }
 *   qexpr_eval_f64(net, x, points, y, &error);   x[points][inputs], y[points][outputs]
 *   qexpr_free(net);
 *
 * A network is never changed once loaded: threads may evaluate the same one at the same time, and
 * a point's result depends neither on its neighbours nor on how points are shared among threads.
 */
#ifndef QEXPR_RUNTIME_H
#define QEXPR_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define QEXPR_API __attribute__((visibility("default")))
#else
#define QEXPR_API
#endif

typedef struct qexpr_net qexpr_net;

enum {
  QEXPR_OK = 0,
  QEXPR_BAD_FILE = 1,  /* malformed: section, byte and message say where and why */
  QEXPR_CANNOT_READ = 2,
  QEXPR_NO_MEMORY = 3,
  QEXPR_BAD_INPUT = 4  /* a point that is not finite, a negative number of points */
};

typedef struct {
  int status;
  char section[8]; /* the section at fault, "header" or "table" */
  uint64_t byte;   /* its place in the file */
  char message[160];
} qexpr_error;

/* Maps a file and checks all of it. NULL on failure; `error` may be NULL. */
QEXPR_API qexpr_net *qexpr_load(const char *path, qexpr_error *error);

/* The same for bytes in memory, aligned to 8, which have to outlive the network. */
QEXPR_API qexpr_net *qexpr_load_memory(const void *data, size_t length, qexpr_error *error);

QEXPR_API void qexpr_free(qexpr_net *net);

QEXPR_API int64_t qexpr_inputs(const qexpr_net *net);
QEXPR_API int64_t qexpr_outputs(const qexpr_net *net);

/* Values in row-major order, points * inputs in and points * outputs out. f64 and f32 evaluate in
 * that type; u8 takes bytes (the codes of the file's input rule, or else the numbers 0..255) and
 * evaluates in double. */
QEXPR_API int qexpr_eval_f64(const qexpr_net *net, const double *x, int64_t points, double *y,
                             qexpr_error *error);
QEXPR_API int qexpr_eval_f32(const qexpr_net *net, const float *x, int64_t points, float *y,
                             qexpr_error *error);
QEXPR_API int qexpr_eval_u8(const qexpr_net *net, const uint8_t *x, int64_t points, double *y,
                            qexpr_error *error);

/* The instruction set whose kernels run: "avx2" or "scalar" (QEXPR_ISA forces one). */
QEXPR_API const char *qexpr_isa(void);

#ifdef __cplusplus
}
#endif
#endif
