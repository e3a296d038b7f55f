"""Declarations of the C kernels (csrc/kernels.h)."""

from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint32_t

cdef extern from "kernels.h" nogil:
    enum: QK_OK, QK_BAD_SIZE, QK_OVERFLOW, QK_NO_MEMORY, QK_NAN, QK_BAD_CODE, QK_MAX_PLANES

    ctypedef struct qk_planes:
        const uint8_t *data
        int64_t rows, cols
        int nplanes
        int32_t coef[8]
        int32_t constant

    ctypedef struct qk_signs:
        const uint8_t *sign
        const uint8_t *mask
        int64_t rows, cols, stride

    ctypedef struct qk_window:
        int64_t height, width, kh, kw, stride_h, stride_w, pad_h, pad_w

    ctypedef struct qk_codes:
        const uint8_t *data
        int64_t rows, cols, stride
        int32_t lo, hi

    ctypedef struct qk_bytes:
        const int8_t *data
        const int32_t *sums
        int64_t rows, cols
        int32_t lo, hi

    ctypedef struct qk_table:
        const char *name
        int (*pack_signs_f32)(const float *, int64_t, int64_t, int64_t, uint8_t *,
                              int64_t) noexcept nogil

        int (*pack_pixels_f32)(const float *, int64_t, int64_t, uint8_t *,
                               int64_t) noexcept nogil
        int (*shift_dot)(const int8_t *, const int8_t *, const int8_t *, int64_t, int64_t, int64_t,
                         int64_t *) noexcept nogil

    ctypedef struct qk_circuit:
        int64_t inputs, units, runs, edges, slots, outputs, groups
        const int64_t *unit_run
        const int64_t *run_edge
        const uint32_t *edge
        const uint32_t *slot
        const uint32_t *output
        const uint8_t *trait
        const double *scale
        const double *bias

    const qk_table *qk_select(const char *wanted)
    int qk_supported(const char *name)
    int qk_sum_fits(int64_t weight, int64_t activation, int64_t cols)

    int qk_gemm_signs(const qk_table *, const qk_planes *, const qk_signs *, int32_t *, int64_t)
    int qk_conv_signs(const qk_table *, const qk_planes *, const qk_signs *, const qk_window *,
                      int, int64_t, int64_t, int32_t *, int64_t)
    int qk_gemm_codes(const qk_table *, const qk_planes *, const qk_codes *, int32_t *, int64_t)
    int qk_gemm_bytes(const qk_table *, const qk_bytes *, const qk_codes *, int32_t *, int64_t)
    int qk_gemm_f32(const qk_table *, const qk_planes *, const float *, int64_t, int64_t, float *,
                    int64_t)
    int qk_gemm_f64(const qk_table *, const qk_planes *, const double *, int64_t, int64_t,
                    double *, int64_t)

    int64_t qk_panel_bytes(int64_t rows, int64_t cols, int nplanes)
    int64_t qk_byte_panel_bytes(int64_t rows, int64_t cols)
    int qk_rows_to_panels(const uint8_t *, int64_t, int64_t, int, uint8_t *)
    int qk_bytes_to_panels(const int8_t *, int64_t, int64_t, int8_t *, int32_t *)
    int qk_codes_to_rows(const int8_t *, int64_t, int64_t, int, uint8_t *)
    int qk_rows_to_codes(const uint8_t *, int64_t, int64_t, int, const int32_t *, int32_t,
                         int32_t *)

    int qk_circuit_build(const qk_circuit *, qk_circuit *, void **)
    int qk_circuit_run_f64(const qk_table *, const qk_circuit *, const double *, int64_t, int64_t,
                           double *, int64_t)
    int qk_circuit_run_f32(const qk_table *, const qk_circuit *, const float *, int64_t, int64_t,
                           float *, int64_t)

    int qk_circuit_bound(const qk_circuit *, double, int64_t, int, double *)

    int64_t qk_output_size(int64_t, int64_t, int64_t, int64_t)
    int qk_gather_taps(const uint8_t *, const qk_window *, int64_t, const uint8_t *, uint8_t *)
    int qk_channels_last(const uint8_t *, int64_t, int64_t, uint8_t *, int64_t)
    int qk_xnor_scale(const float *, int64_t, const qk_window *, float *, float *)
    int qk_pool_i32(const int32_t *, const qk_window *, int64_t, int, int32_t *)
    int qk_pool_f32(const float *, const qk_window *, int64_t, int, float *)

    int qk_thresholds(const int32_t *, int64_t, int64_t, const int32_t *, const int8_t *, int64_t,
                      uint8_t *)
    int qk_residual_f32(const float *, int64_t, int64_t, const float *, int, uint8_t *)
    int qk_log_dot(const int8_t *, const int8_t *, const int8_t *, const int8_t *, int64_t,
                   int64_t, int64_t, int64_t *)
    int qk_log_sum(const int32_t *, int64_t, int64_t, int, const int32_t *, int64_t, int32_t *)

cdef const qk_table *active
cdef void fill_planes(qk_planes *w, const uint8_t[::1] panels, int64_t rows, int64_t cols,
                      const int32_t[::1] coef, int32_t constant) noexcept
cdef int check(int status) except -1
cdef int enough(int64_t have, int64_t need) except -1
