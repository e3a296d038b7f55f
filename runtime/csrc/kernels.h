/* Kernels of the runtime: plain C11, no Python.
 *
 * A weight matrix of bit planes holds, for each row n and column k, the integer
 *     w[n][k] = constant + sum_p coef[p] * bit[p][n][k].
 * Binary weights are 1 - 2 b, ternary ones p - q, k-bit codes sum 2^i b_i (the top plane of a
 * signed code counts -2^(k-1)). Planes are stored in panels of 32 rows, so that one 32-byte load
 * brings the same eight columns of 32 rows: data[plane][panel][column / 8][row % 32], bit
 * (column % 8), least significant first, padding zero.
 *
 * Every kernel of an instruction set equals the one of kernel_*_scalar.c bit for bit.
 */
#ifndef QEXPR_KERNELS_H
#define QEXPR_KERNELS_H

#include <stdint.h>

#define QK_PANEL 32      /* rows in a panel of bit planes */
#define QK_BYTE_PANEL 16 /* rows in a panel of bytes */
#define QK_MAX_PLANES 8

enum qk_status {
  QK_OK = 0,
  QK_BAD_SIZE = 1, /* a size is negative or too large to address */
  QK_OVERFLOW = 2, /* the sum may leave the int32 (or int64) range */
  QK_NO_MEMORY = 3,
  QK_NAN = 4,     /* a NaN where a code is wanted */
  QK_BAD_CODE = 5 /* a code outside its alphabet */
};

typedef struct {
  const uint8_t *data; /* nplanes * panels * ceil(cols / 8) * 32 bytes */
  int64_t rows, cols;
  int nplanes;
  int32_t coef[QK_MAX_PLANES];
  int32_t constant;
} qk_planes;

/* Activations in {-1, 0, +1}: row-major bits, `stride` bytes from row to row. A bit of `sign` set
 * means -1. A bit of `mask` clear means 0; mask == NULL means no zeros. Bits beyond the columns
 * are ignored. */
typedef struct {
  const uint8_t *sign, *mask;
  int64_t rows, cols, stride;
} qk_signs;

/* Activations that are integers lo..hi in one byte each (signed when lo < 0). */
typedef struct {
  const uint8_t *data;
  int64_t rows, cols, stride;
  int32_t lo, hi;
} qk_codes;

/* Weights of one byte each: panels of 16 rows, data[panel][col / 4][row % 16][col % 4], padding
 * zero; lo..hi bounds the values and sums[row] is the sum of the row. */
typedef struct {
  const int8_t *data;
  const int32_t *sums;
  int64_t rows, cols;
  int32_t lo, hi;
} qk_bytes;

/* The geometry of a convolution or a pooling window. */
typedef struct {
  int64_t height, width, kh, kw, stride_h, stride_w, pad_h, pad_w;
} qk_window;

/* A circuit: unit u computes
 *     bias[u] + sum_r scale[r] * (sum of the sources of r's first part - those of its second)
 * over its runs r in [unit_run[u], unit_run[u + 1]), then max(., 0) for a ReLU unit. Run r adds the
 * edges [run_edge[2r], run_edge[2r + 1]) and subtracts the sum of [run_edge[2r + 1], run_edge[2r + 2]).
 * An edge is the number of a scratch slot; units write slot[u]; inputs fill slots 0..inputs-1.
 *
 * Sums of many sources are added up in pieces: nodes (inputs, then units) make chunks of 64, and
 * before unit `unit` a group adds nodes of one chunk to some sums. Node v lies in slot place[v]. */
#define QK_CHUNK 64

enum qk_trait {
  QK_FLOOR = 1, /* a ReLU unit */
  QK_SUMS = 2,  /* each part has at most one source, a sum in pieces */
  QK_MORTAL = 4 /* 0 wherever all that it adds is 0 */
};

typedef struct {
  uint64_t members; /* which nodes of the chunk */
  uint32_t slot;    /* of the sum */
  uint32_t fresh;   /* 1 for the first piece of a sum */
} qk_piece;

typedef struct {
  int64_t unit, chunk, first, last; /* its pieces are first..last - 1 */
} qk_group;

typedef struct {
  int64_t inputs, units, runs, edges, slots, outputs, groups;
  const int64_t *unit_run, *run_edge;
  const uint32_t *edge, *slot, *output, *place;
  const uint8_t *trait;
  const double *scale, *bias;
  double reach; /* no value or sum is beyond reach * max(1, |x|), in either float type */
  const qk_group *group;
  const qk_piece *piece;
} qk_circuit;

typedef struct {
  const char *name;
  int (*gemm_signs)(const qk_planes *w, const qk_signs *x, int32_t *y, int64_t ldy);
  /* Rows from..to of the outputs of one image, whose pixels are the rows of x: y[pixel][channel].
   * A tap outside the image counts +1 where `ones`, else 0. */
  int (*conv_signs)(const qk_planes *w, const qk_signs *x, const qk_window *g, int ones,
                    int64_t from, int64_t to, int32_t *y, int64_t ldy);
  int (*gemm_codes)(const qk_planes *w, const qk_codes *x, int32_t *y, int64_t ldy);
  int (*gemm_bytes)(const qk_bytes *w, const qk_codes *x, int32_t *y, int64_t ldy);
  int (*gemm_f32)(const qk_planes *w, const float *x, int64_t m, int64_t ldx, float *y,
                  int64_t ldy);
  int (*gemm_f64)(const qk_planes *w, const double *x, int64_t m, int64_t ldx, double *y,
                  int64_t ldy);
  int (*pack_signs_f32)(const float *x, int64_t rows, int64_t cols, int64_t ldx, uint8_t *out,
                        int64_t stride);
  /* One image, channels first, to the sign bits of each pixel's channels. */
  int (*pack_pixels_f32)(const float *x, int64_t channels, int64_t pixels, uint8_t *out,
                         int64_t stride);
  int (*circuit_f64)(const qk_circuit *c, const double *x, int64_t points, int64_t ldx, double *y,
                     int64_t ldy, void *scratch);
  int (*circuit_f32)(const qk_circuit *c, const float *x, int64_t points, int64_t ldx, float *y,
                     int64_t ldy, void *scratch);
  int (*shift_dot)(const int8_t *w, const int8_t *exponent, const int8_t *sign, int64_t m,
                   int64_t n, int64_t k, int64_t *y);
} qk_table;

extern const qk_table qk_scalar;
#ifdef QK_HAVE_AVX2
extern const qk_table qk_avx2;
#endif

/* dispatch.c */
const qk_table *qk_select(const char *wanted); /* NULL: unknown or not supported by this machine */
int qk_supported(const char *name);

/* gemm.c: the kernels behind checks of every size and of the range of the sums. y[m][n] is the
 * product of row m of x and row n of w; ldy and ldx count elements from row to row. */
int qk_gemm_signs(const qk_table *t, const qk_planes *w, const qk_signs *x, int32_t *y,
                  int64_t ldy);
int qk_conv_signs(const qk_table *t, const qk_planes *w, const qk_signs *x, const qk_window *g,
                  int ones, int64_t from, int64_t to, int32_t *y, int64_t ldy);
int qk_gemm_codes(const qk_table *t, const qk_planes *w, const qk_codes *x, int32_t *y,
                  int64_t ldy);
int qk_gemm_bytes(const qk_table *t, const qk_bytes *w, const qk_codes *x, int32_t *y,
                  int64_t ldy);
int qk_gemm_f32(const qk_table *t, const qk_planes *w, const float *x, int64_t m, int64_t ldx,
                float *y, int64_t ldy);
int qk_gemm_f64(const qk_table *t, const qk_planes *w, const double *x, int64_t m, int64_t ldx,
                double *y, int64_t ldy);
/* The largest |w| * |x| * cols that a sum can reach must be below 2^31. */
int qk_sum_fits(int64_t weight, int64_t activation, int64_t cols);
void qk_planes_range(const qk_planes *w, int64_t *lo, int64_t *hi);

/* layout.c: rows of bits (bit k % 8 of byte k / 8, ceil(cols / 8) bytes a row) and panels. */
int64_t qk_panel_bytes(int64_t rows, int64_t cols, int nplanes);      /* -1: too large */
int64_t qk_byte_panel_bytes(int64_t rows, int64_t cols);              /* -1: too large */
int qk_rows_to_panels(const uint8_t *bits, int64_t rows, int64_t cols, int nplanes, uint8_t *out);
int qk_bytes_to_panels(const int8_t *values, int64_t rows, int64_t cols, int8_t *out,
                       int32_t *sums);
int qk_codes_to_rows(const int8_t *codes, int64_t rows, int64_t cols, int bit, uint8_t *out);
int qk_rows_to_codes(const uint8_t *bits, int64_t rows, int64_t cols, int nplanes,
                     const int32_t *coef, int32_t constant, int32_t *out);

/* circuit.c */
int qk_circuit_order(const qk_circuit *c); /* bounds in order, sources before their units */
int64_t qk_circuit_scratch(const qk_circuit *c); /* bytes, the same for both float types */
int qk_circuit_run_f64(const qk_table *t, const qk_circuit *c, const double *x, int64_t points,
                       int64_t ldx, double *y, int64_t ldy);
int qk_circuit_run_f32(const qk_table *t, const qk_circuit *c, const float *x, int64_t points,
                       int64_t ldx, float *y, int64_t ldy);
/* circuit_split.c: from a circuit whose edges and outputs are node numbers to one that runs, with
 * its slots; it lives in `memory`, which the caller frees. Traits are given as QK_FLOOR or 0. */
int qk_circuit_build(const qk_circuit *in, qk_circuit *out, void **memory);
/* circuit_slots.c: gives out slots. Edges, outputs and the sums of pieces are numbers of nodes and,
 * beyond those, of `sums` sums; on return they are slots. */
int qk_circuit_plan(qk_circuit *c, int64_t sums, uint32_t *edge, uint32_t *slot, uint32_t *output,
                    uint32_t *place, qk_piece *piece);

/* circuit_bound.c */
int qk_circuit_bound(const qk_circuit *c, double x_max, int64_t input_bits, int digits,
                     double *bound);

/* convolution.c */
int64_t qk_output_size(int64_t size, int64_t window, int64_t stride, int64_t pad); /* -1: none */
int qk_gather_taps(const uint8_t *image, const qk_window *g, int64_t width, const uint8_t *fill,
                   uint8_t *out);
int qk_channels_last(const uint8_t *image, int64_t channels, int64_t pixels, uint8_t *out,
                     int64_t stride);
int qk_xnor_scale(const float *x, int64_t channels, const qk_window *g, float *mean, float *out);
int qk_pool_i32(const int32_t *image, const qk_window *g, int64_t channels, int maximum,
                int32_t *out);
int qk_pool_f32(const float *image, const qk_window *g, int64_t channels, int maximum, float *out);

/* elementwise.c */
int qk_thresholds(const int32_t *y, int64_t rows, int64_t cols, const int32_t *thresholds,
                  const int8_t *direction, int64_t levels, uint8_t *codes);
int qk_residual_f32(const float *x, int64_t rows, int64_t cols, const float *gamma, int levels,
                    uint8_t *out);
int qk_log_dot(const int8_t *wexp, const int8_t *wsign, const int8_t *xexp, const int8_t *xsign,
               int64_t m, int64_t n, int64_t k, int64_t *y);
int qk_log_sum(const int32_t *p, int64_t rows, int64_t cols, int fraction, const int32_t *table,
               int64_t entries, int32_t *out);

#endif
