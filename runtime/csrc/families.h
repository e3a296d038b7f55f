/* The kernels of each family, one set per instruction set; tables are assembled from them. */
#ifndef QEXPR_FAMILIES_H
#define QEXPR_FAMILIES_H

#include "kernels.h"

#define QK_DECLARE(isa)                                                                         \
  int qk_gemm_signs_##isa(const qk_planes *w, const qk_signs *x, int32_t *y, int64_t ldy);      \
  int qk_conv_signs_##isa(const qk_planes *w, const qk_signs *x, const qk_window *g, int ones,  \
                          int64_t from, int64_t to, int32_t *y, int64_t ldy);                   \
  int qk_gemm_codes_##isa(const qk_planes *w, const qk_codes *x, int32_t *y, int64_t ldy);      \
  int qk_gemm_bytes_##isa(const qk_bytes *w, const qk_codes *x, int32_t *y, int64_t ldy);       \
  int qk_gemm_f32_##isa(const qk_planes *w, const float *x, int64_t m, int64_t ldx, float *y,   \
                        int64_t ldy);                                                           \
  int qk_gemm_f64_##isa(const qk_planes *w, const double *x, int64_t m, int64_t ldx, double *y, \
                        int64_t ldy);                                                           \
  int qk_pack_signs_f32_##isa(const float *x, int64_t rows, int64_t cols, int64_t ldx,          \
                              uint8_t *out, int64_t stride);                                    \
  int qk_pack_pixels_f32_##isa(const float *x, int64_t channels, int64_t pixels, uint8_t *out,   \
                               int64_t stride);                                                 \
  int qk_circuit_f64_##isa(const qk_circuit *c, const double *x, int64_t points, int64_t ldx,   \
                           double *y, int64_t ldy, void *scratch);                               \
  int qk_circuit_f32_##isa(const qk_circuit *c, const float *x, int64_t points, int64_t ldx,    \
                           float *y, int64_t ldy, void *scratch);                                \
  int qk_shift_dot_##isa(const int8_t *w, const int8_t *exponent, const int8_t *sign,           \
                         int64_t m, int64_t n, int64_t k, int64_t *y);

QK_DECLARE(scalar)
QK_DECLARE(avx2)

/* Rows from..from+count of a plane matrix (from a multiple of 32, values within -128..127) as a
 * panel matrix of bytes, and the sums of the rows. A padding row of the last panel may be left as it
 * is: no output reads it. */
void qk_expand_avx2(const qk_planes *w, int64_t from, int64_t count, int8_t *out, int32_t *sums);

#define QK_TABLE(isa)                                                                        \
  const qk_table qk_##isa = {#isa,                                                           \
                             qk_gemm_signs_##isa,                                            \
                             qk_conv_signs_##isa,                                            \
                             qk_gemm_codes_##isa,                                            \
                             qk_gemm_bytes_##isa,                                            \
                             qk_gemm_f32_##isa,                                              \
                             qk_gemm_f64_##isa,                                              \
                             qk_pack_signs_f32_##isa,                                        \
                             qk_pack_pixels_f32_##isa,                                       \
                             qk_circuit_f64_##isa,                                           \
                             qk_circuit_f32_##isa,                                           \
                             qk_shift_dot_##isa};

#endif
