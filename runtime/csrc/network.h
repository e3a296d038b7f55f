/* A network or circuit read from a packed file (qexpr_runtime/FORMAT.md), ready to run. */
#ifndef QEXPR_NETWORK_H
#define QEXPR_NETWORK_H

#include "../include/qexpr_runtime.h"
#include "kernels.h"
#include "lanes.h"

enum { QK_NETWORK = 1, QK_CIRCUIT = 2 };
enum { QK_DENSE = 1, QK_CONV, QK_FLATTEN, QK_ACTIVATE, QK_MAXPOOL, QK_AVGPOOL, QK_ADD, QK_MULTIPLY,
       QK_MEAN_ABS };
enum { QK_LINEAR = 0, QK_RELU, QK_CLIP, QK_STEPS };
enum { QK_BINARY = 1, QK_TERNARY, QK_UNSIGNED, QK_SIGNED, QK_ODD, QK_INT8, QK_WIDE, QK_BOOK };
/* What a layer accumulates: reals, or integers of 32, 64 or 128 bits. */
enum { QK_REAL = 0, QK_I32, QK_I64, QK_I128 };
#define QK_MAX_DIGITS 16
#define QK_MAX_BOOK 8

__extension__ typedef __int128 qk_i128;

/* container.c: a file as checked sections. */
typedef struct {
  const uint8_t *data;
  uint64_t length;
  uint32_t kind, sections;
  qexpr_error *error;
} qk_file;

typedef struct {
  const char *tag;
  const uint8_t *data;
  uint64_t offset, length;
} qk_section;

int qk_fail(qexpr_error *error, int status, const char *section, uint64_t byte, const char *why);
int qk_file_open(qk_file *file, const void *data, uint64_t length, qexpr_error *error);
/* Section `index`, which has to carry the tag. */
int qk_file_section(const qk_file *file, uint32_t index, const char *tag, qk_section *out);
uint32_t qk_u32(const uint8_t *at);
uint64_t qk_u64(const uint8_t *at);

/* What a layer hands on: real numbers, or codes of one byte that stand for lut[byte]. */
typedef struct {
  int64_t channels, height, width, size;
  int codes;    /* 0: real, 1: signed codes, 2: unsigned codes */
  int signs;    /* the codes are -1 and +1 only */
  int32_t lo, hi;
  const double *lut;
  int64_t slot; /* bytes from the start of the scratch, for one point */
} qk_tensor;

/* One digit of the bytes that a layer reads: table[byte], in lo..hi, -1 and +1 only if `signs`. */
typedef struct {
  int64_t factor;
  const uint8_t *table; /* 256 of them, signed if lo < 0 */
  int32_t lo, hi, pad;
  int signs;
} qk_digit;

typedef struct {
  int op, activation, kind, bits, panels, integer;
  int32_t source, other, pad_value, pad_code;
  qk_window window;
  int64_t groups, channels, inputs; /* weights: channels x inputs x kh x kw, inputs per group */
  int64_t rows, cols;               /* of one group's matrix */
  qk_planes *planes;                /* one for each group (panel layout of planes) */
  qk_bytes *bytes; /* one for each group (panel layout of bytes), and for each digit of a book */
  const uint8_t *weights;           /* as in the file */
  uint64_t group_bytes;
  double *small64; /* the weights of a small matrix as numbers, column by column, else NULL */
  float *small32;
  qk_sparse sparse; /* those that are not 0, where the network is a stack of such layers */
  double *alpha64, *beta64; /* for each channel, or one */
  float *alpha32, *beta32;
  double clip[2];
  int64_t levels, threshold_rows;
  const int8_t *direction;
  const double *real_thresholds, *values;
  const int32_t *integer_thresholds;
  const uint8_t *wide_thresholds; /* of 64 or 128 bits */
  const int16_t *codes;
  int digits, book; /* of the bytes that are read; of the codes (kind QK_BOOK) */
  qk_digit *digit;
  int64_t *book_factor;
  const int8_t *book_digit; /* [digit][256] */
  const double *book_value; /* 256 of them */
  qk_planes *taps; /* of a convolution of signs: the channels of each tap in whole bytes */
  qk_tensor out;
} qk_layer;

struct qexpr_net {
  int kind;
  const qk_table *table; /* NULL: whatever QEXPR_ISA or the machine says */
  void *mapped;
  uint64_t mapped_length;
  qk_tensor input;
  double input_scale, input_offset;
  uint32_t next_section;
  int64_t expanded; /* weights kept as numbers */
  int64_t layers;
  qk_layer *layer;
  int64_t point_bytes, block; /* scratch of one point, points in a block */
  int64_t lanes; /* the widest layer of a stack of small ternary ones, else 0 */
  int64_t acc_bytes, extra_bytes; /* of one point; of one image or block row */
  qk_circuit circuit;
  void **owned;
  int64_t owned_count, owned_room;
};

/* A threshold of 64 or 128 bits. */
static inline qk_i128 qk_wide_threshold(const qk_layer *l, int64_t row, int64_t level) {
  const uint8_t *at = l->wide_thresholds + (row * l->levels + level) * (l->integer == QK_I64 ? 8 : 16);
  if (l->integer == QK_I64) return (int64_t)qk_u64(at);
  __extension__ typedef unsigned __int128 wide;
  return (qk_i128)((wide)qk_u64(at + 8) << 64 | qk_u64(at));
}

/* Memory that lives as long as the network; NULL (and an error) when there is none. */
void *qk_own(qexpr_net *net, uint64_t count, uint64_t size, qexpr_error *error);

int qk_read_network(qexpr_net *net, const qk_file *file);
int qk_read_constants(qexpr_net *net, const qk_file *file, qk_layer *layer, const uint8_t *record,
                      uint64_t at);
int qk_read_weights(qexpr_net *net, const qk_file *file, qk_layer *layer, const uint8_t *record,
                    uint64_t at);
/* lanes_read.c */
int qk_read_lanes(qexpr_net *net, const qk_file *file);
/* digits_read.c: section DGTS, what it says of the codes and of the sums. */
int qk_read_digits(qexpr_net *net, const qk_file *file, qk_layer *layer, const uint8_t *record,
                   uint64_t at);
int qk_digits_fit(const qk_layer *layer, int64_t weight);
int qk_book_panels(qexpr_net *net, const qk_file *file, qk_layer *layer);
int qk_read_circuit(qexpr_net *net, const qk_file *file);

qexpr_net *qk_open(const void *data, uint64_t length, qexpr_error *error);

/* Evaluate; `input` says what x holds (8: double, 4: float, 1: uint8). */
int qk_run_f64(const qexpr_net *net, const qk_table *t, const void *x, int input, int64_t points,
               double *y);
int qk_run_f32(const qexpr_net *net, const qk_table *t, const void *x, int input, int64_t points,
               float *y);

/* weights.c: one row of weights as numbers; `whole` is scratch of `cols` integers. */
void qk_unpack_f64(const qk_layer *l, int64_t group, int64_t row, int32_t *whole, double *out);
void qk_unpack_f32(const qk_layer *l, int64_t group, int64_t row, int32_t *whole, float *out);
void qk_unpack_i32(const qk_layer *l, int64_t group, int64_t row, int32_t *out);
/* The planes of a group with the channels of each tap in whole bytes. */
int qk_tap_planes(const qk_layer *l, int64_t group, uint8_t *rows, uint8_t *panels);

#endif
