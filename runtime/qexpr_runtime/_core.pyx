# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The C kernels as functions of NumPy arrays; shapes are checked by the callers and in C."""

import os

from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t
from libc.stdlib cimport free, malloc

from qexpr_runtime.errors import KernelError

active = NULL

KNOWN = ("scalar", "avx2")


def select(str name):
    """Use the kernels of one instruction set ("" chooses the best) from now on."""
    global active
    if name and name not in KNOWN:
        raise ValueError(
            f"QEXPR_ISA names the kernels to run: one of {', '.join(KNOWN)}, got {name!r}"
        )
    cdef bytes wanted = name.encode()
    cdef const qk_table *table = qk_select(wanted)
    if table == NULL:
        raise ValueError(
            f"QEXPR_ISA names kernels that this machine cannot run, {name!r}; it can run "
            f"{', '.join(available())}"
        )
    active = table


def isa():
    return active.name.decode()


def available():
    return tuple(name for name in KNOWN if qk_supported(name.encode()))


cdef int check(int status) except -1:
    if status == QK_OK:
        return 0
    raise KernelError(status)


cdef void fill_planes(qk_planes *w, const uint8_t[::1] panels, int64_t rows, int64_t cols,
                      const int32_t[::1] coef, int32_t constant) noexcept:
    cdef int p
    w.data = &panels[0] if panels.shape[0] else NULL
    w.rows, w.cols = rows, cols
    w.nplanes = <int>min(coef.shape[0], QK_MAX_PLANES + 1)
    for p in range(min(w.nplanes, QK_MAX_PLANES)):
        w.coef[p] = coef[p]
    w.constant = constant


cdef int enough(int64_t have, int64_t need) except -1:
    if need < 0 or have < need:
        raise KernelError(QK_BAD_SIZE)
    return 0


def sum_fits(int64_t weight, int64_t activation, int64_t cols):
    return bool(qk_sum_fits(weight, activation, cols))


def gemm_signs(const uint8_t[::1] panels, int64_t rows, int64_t cols, const int32_t[::1] coef,
               int32_t constant, const uint8_t[:, ::1] sign, mask, int32_t[:, ::1] y):
    cdef qk_planes w
    cdef qk_signs x
    cdef const uint8_t[:, ::1] zeros
    cdef int status
    fill_planes(&w, panels, rows, cols, coef, constant)
    enough(panels.shape[0], qk_panel_bytes(rows, cols, w.nplanes))
    enough(y.shape[0], sign.shape[0])
    x.sign = &sign[0, 0] if sign.shape[0] and sign.shape[1] else NULL
    x.mask = NULL
    if mask is not None:
        zeros = mask
        enough(zeros.shape[0], sign.shape[0])
        enough(zeros.shape[1], sign.shape[1])
        enough(sign.shape[1], zeros.shape[1])
        x.mask = &zeros[0, 0] if zeros.shape[0] and zeros.shape[1] else NULL
    x.rows, x.cols, x.stride = sign.shape[0], cols, sign.shape[1]
    cdef int32_t *to = &y[0, 0] if y.shape[0] and y.shape[1] else NULL
    with nogil:
        status = qk_gemm_signs(active, &w, &x, to, y.shape[1])
    check(status)


cdef class Planes:
    """Weights' panels, described to C once: what small products would spend their time on."""

    cdef qk_planes w
    cdef const uint8_t[::1] panels
    cdef tuple made_of

    def __cinit__(self, const uint8_t[::1] panels, int64_t rows, int64_t cols,
                  const int32_t[::1] coef, int32_t constant):
        fill_planes(&self.w, panels, rows, cols, coef, constant)
        enough(panels.shape[0], qk_panel_bytes(rows, cols, self.w.nplanes))
        self.panels = panels

    def __init__(self, *arguments):
        self.made_of = arguments

    def __reduce__(self):
        return Planes, self.made_of

    def gemm_floats(self, const float[:, ::1] x, int32_t[:, ::1] y):
        """y = sign(x) W^T; NaN is refused."""
        cdef qk_signs s
        cdef int status = QK_NO_MEMORY
        cdef int64_t rows = x.shape[0], stride = (self.w.cols + 7) // 8
        if x.shape[1] != self.w.cols or y.shape[1] != self.w.rows:
            raise KernelError(QK_BAD_SIZE)
        enough(y.shape[0], rows)
        cdef int32_t *to = &y[0, 0] if y.shape[0] and y.shape[1] else NULL
        cdef uint8_t *bits
        with nogil:
            bits = <uint8_t *>malloc(<size_t>(rows * stride + 1))
            if bits != NULL:
                s.sign, s.mask = bits, NULL
                s.rows, s.cols, s.stride = rows, self.w.cols, stride
                status = QK_OK
                if rows and s.cols:
                    status = active.pack_signs_f32(&x[0, 0], rows, s.cols, s.cols, bits, stride)
                if status == QK_OK:
                    status = qk_gemm_signs(active, &self.w, &s, to, y.shape[1])
                free(bits)
        if status == QK_NAN:
            raise KernelError("X holds a NaN where a sign is expected")
        check(status)


def gemm_codes(const uint8_t[::1] panels, int64_t rows, int64_t cols, const int32_t[::1] coef,
               int32_t constant, const uint8_t[:, ::1] codes, int32_t lo, int32_t hi,
               int32_t[:, ::1] y):
    cdef qk_planes w
    cdef qk_codes x
    cdef int status
    fill_planes(&w, panels, rows, cols, coef, constant)
    enough(panels.shape[0], qk_panel_bytes(rows, cols, w.nplanes))
    enough(y.shape[0], codes.shape[0])
    x.data = &codes[0, 0] if codes.shape[0] and codes.shape[1] else NULL
    x.rows, x.cols, x.stride, x.lo, x.hi = codes.shape[0], cols, codes.shape[1], lo, hi
    cdef int32_t *to = &y[0, 0] if y.shape[0] and y.shape[1] else NULL
    with nogil:
        status = qk_gemm_codes(active, &w, &x, to, y.shape[1])
    check(status)


def gemm_bytes(const int8_t[::1] panels, const int32_t[::1] sums, int64_t rows, int64_t cols,
               int32_t wlo, int32_t whi, const uint8_t[:, ::1] codes, int32_t lo, int32_t hi,
               int32_t[:, ::1] y):
    cdef qk_bytes w
    cdef qk_codes x
    cdef int status
    enough(panels.shape[0], qk_byte_panel_bytes(rows, cols))
    enough(sums.shape[0], rows)
    enough(y.shape[0], codes.shape[0])
    w.data = &panels[0] if panels.shape[0] else NULL
    w.sums = &sums[0] if sums.shape[0] else NULL
    w.rows, w.cols, w.lo, w.hi = rows, cols, wlo, whi
    x.data = &codes[0, 0] if codes.shape[0] and codes.shape[1] else NULL
    x.rows, x.cols, x.stride, x.lo, x.hi = codes.shape[0], cols, codes.shape[1], lo, hi
    cdef int32_t *to = &y[0, 0] if y.shape[0] and y.shape[1] else NULL
    with nogil:
        status = qk_gemm_bytes(active, &w, &x, to, y.shape[1])
    check(status)


def gemm_f32(const uint8_t[::1] panels, int64_t rows, int64_t cols, const int32_t[::1] coef,
             int32_t constant, const float[:, ::1] x, float[:, ::1] y):
    cdef qk_planes w
    cdef int status
    fill_planes(&w, panels, rows, cols, coef, constant)
    enough(panels.shape[0], qk_panel_bytes(rows, cols, w.nplanes))
    enough(y.shape[0], x.shape[0])
    cdef const float *at = &x[0, 0] if x.shape[0] and x.shape[1] else NULL
    cdef float *to = &y[0, 0] if y.shape[0] and y.shape[1] else NULL
    with nogil:
        status = qk_gemm_f32(active, &w, at, x.shape[0], x.shape[1], to, y.shape[1])
    check(status)


def gemm_f64(const uint8_t[::1] panels, int64_t rows, int64_t cols, const int32_t[::1] coef,
             int32_t constant, const double[:, ::1] x, double[:, ::1] y):
    cdef qk_planes w
    cdef int status
    fill_planes(&w, panels, rows, cols, coef, constant)
    enough(panels.shape[0], qk_panel_bytes(rows, cols, w.nplanes))
    enough(y.shape[0], x.shape[0])
    cdef const double *at = &x[0, 0] if x.shape[0] and x.shape[1] else NULL
    cdef double *to = &y[0, 0] if y.shape[0] and y.shape[1] else NULL
    with nogil:
        status = qk_gemm_f64(active, &w, at, x.shape[0], x.shape[1], to, y.shape[1])
    check(status)


def pack_signs(const float[:, ::1] x, uint8_t[:, ::1] out):
    """Bit k % 8 of byte k / 8: whether x < 0; NaN is refused."""
    cdef int status = QK_OK
    enough(out.shape[0], x.shape[0])
    enough(out.shape[1], (x.shape[1] + 7) // 8)
    if x.shape[0] and x.shape[1]:
        with nogil:
            status = active.pack_signs_f32(&x[0, 0], x.shape[0], x.shape[1], x.shape[1],
                                           &out[0, 0], out.shape[1])
    check(status)


def rows_to_panels(const uint8_t[:, :, ::1] bits, int64_t cols, uint8_t[::1] out):
    cdef int64_t need = qk_panel_bytes(bits.shape[1], cols, <int>min(bits.shape[0], 99))
    enough(bits.shape[2], (cols + 7) // 8)
    enough((cols + 7) // 8, bits.shape[2])
    enough(out.shape[0], need)
    if need:
        check(qk_rows_to_panels(&bits[0, 0, 0], bits.shape[1], cols, <int>bits.shape[0], &out[0]))


def bytes_to_panels(const int8_t[:, ::1] values, int8_t[::1] out, int32_t[::1] sums):
    cdef int64_t need = qk_byte_panel_bytes(values.shape[0], values.shape[1])
    enough(out.shape[0], need)
    enough(sums.shape[0], values.shape[0])
    if need:
        check(qk_bytes_to_panels(&values[0, 0], values.shape[0], values.shape[1], &out[0],
                                 &sums[0]))


def codes_to_rows(const int8_t[:, ::1] codes, int bit, uint8_t[:, ::1] out):
    """One bit of every code, as rows of bits."""
    enough(out.shape[0], codes.shape[0])
    enough((codes.shape[1] + 7) // 8, out.shape[1])
    enough(out.shape[1], (codes.shape[1] + 7) // 8)
    if codes.shape[0] and codes.shape[1]:
        check(qk_codes_to_rows(&codes[0, 0], codes.shape[0], codes.shape[1], bit, &out[0, 0]))


def rows_to_codes(const uint8_t[:, :, ::1] bits, const int32_t[::1] coef, int32_t constant,
                  int32_t[:, ::1] out):
    enough(bits.shape[2], (out.shape[1] + 7) // 8)
    enough((out.shape[1] + 7) // 8, bits.shape[2])
    enough(bits.shape[1], out.shape[0])
    enough(out.shape[0], bits.shape[1])
    enough(coef.shape[0], bits.shape[0])
    if out.shape[0] and out.shape[1]:
        check(qk_rows_to_codes(&bits[0, 0, 0], out.shape[0], out.shape[1], <int>bits.shape[0],
                               &coef[0], constant, &out[0, 0]))


select(os.environ.get("QEXPR_ISA", ""))
