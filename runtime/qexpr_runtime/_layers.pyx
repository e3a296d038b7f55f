# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""What stands around the products: images, pooling, thresholds, powers of two, circuits."""

from libc.stdlib cimport free
from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint32_t

from qexpr_runtime._core cimport *


cdef void fill_window(qk_window *g, tuple window) except *:
    g.height, g.width, g.kh, g.kw, g.stride_h, g.stride_w, g.pad_h, g.pad_w = window


cdef int64_t pixels_out(const qk_window *g) except -1:
    cdef int64_t oh = qk_output_size(g.height, g.kh, g.stride_h, g.pad_h)
    cdef int64_t ow = qk_output_size(g.width, g.kw, g.stride_w, g.pad_w)
    if oh < 0 or ow < 0:
        check(QK_BAD_SIZE)
    return oh * ow


def pack_pixels(const float[:, ::1] image, uint8_t[:, ::1] out):
    """Sign bits of a (channels, pixels) image, pixel by pixel."""
    cdef int status = QK_OK
    enough(out.shape[0], image.shape[1])
    enough(out.shape[1], (image.shape[0] + 7) // 8)
    if out.shape[0] and out.shape[1] and image.shape[0]:
        with nogil:
            status = active.pack_pixels_f32(&image[0, 0], image.shape[0], image.shape[1],
                                            &out[0, 0], out.shape[1])
    check(status)


def channels_last(const uint8_t[:, ::1] image, uint8_t[:, ::1] out):
    enough(out.shape[0], image.shape[1])
    enough(out.shape[1], image.shape[0])
    if image.shape[0] and image.shape[1]:
        check(qk_channels_last(&image[0, 0], image.shape[0], image.shape[1], &out[0, 0],
                               out.shape[1]))


def gather_taps(const uint8_t[:, ::1] image, tuple window, const uint8_t[::1] fill,
                uint8_t[:, ::1] out):
    cdef qk_window g
    cdef int status
    fill_window(&g, window)
    enough(out.shape[0], pixels_out(&g))
    enough(out.shape[1], g.kh * g.kw * image.shape[1])
    enough(g.kh * g.kw * image.shape[1], out.shape[1])
    enough(image.shape[0], g.height * g.width)
    enough(fill.shape[0], image.shape[1])
    if image.shape[1] and out.shape[0]:
        with nogil:
            status = qk_gather_taps(&image[0, 0] if image.shape[0] else NULL, &g, image.shape[1],
                                    &fill[0], &out[0, 0])
        check(status)


def conv_signs(const uint8_t[::1] panels, int64_t rows, const int32_t[::1] coef, int32_t constant,
               const uint8_t[:, ::1] pixels, int64_t channels, tuple window, bint ones,
               int64_t start, int64_t stop, int32_t[:, ::1] y, int64_t column):
    """Output rows start..stop of one image, into columns column..column + rows of its pixels."""
    cdef qk_planes w
    cdef qk_signs x
    cdef qk_window g
    cdef int status
    fill_window(&g, window)
    cdef int64_t outputs = pixels_out(&g), width = (channels + 7) // 8
    cdef int64_t per_row = qk_output_size(g.width, g.kw, g.stride_w, g.pad_w)
    fill_planes(&w, panels, rows, g.kh * g.kw * width * 8, coef, constant)
    enough(panels.shape[0], qk_panel_bytes(rows, w.cols, w.nplanes))
    enough(pixels.shape[0], g.height * g.width)
    enough(pixels.shape[1], width)
    enough(y.shape[0], outputs)
    enough(column, 0)
    enough(y.shape[1] - column, rows)
    x.sign = &pixels[0, 0] if pixels.shape[0] and pixels.shape[1] else NULL
    x.mask = NULL
    x.rows, x.cols, x.stride = g.height * g.width, channels, pixels.shape[1]
    if start < stop and rows:
        enough(start, 0)
        enough(outputs, stop * per_row)
        with nogil:
            status = qk_conv_signs(active, &w, &x, &g, ones, start, stop,
                                   &y[start * per_row, column], y.shape[1])
        check(status)


def xnor_scale(const float[:, ::1] image, tuple window, float[::1] mean, float[::1] out):
    cdef qk_window g
    fill_window(&g, window)
    enough(image.shape[1], g.height * g.width)
    enough(g.height * g.width, image.shape[1])
    enough(mean.shape[0], image.shape[1])
    enough(out.shape[0], pixels_out(&g))
    if image.shape[0] and image.shape[1] and out.shape[0]:
        check(qk_xnor_scale(&image[0, 0], image.shape[0], &g, &mean[0], &out[0]))


def pool_i32(const int32_t[:, ::1] image, tuple window, bint maximum, int32_t[:, ::1] out):
    cdef qk_window g
    fill_window(&g, window)
    enough(image.shape[0], g.height * g.width)
    enough(out.shape[0], pixels_out(&g))
    enough(image.shape[1], out.shape[1])
    enough(out.shape[1], image.shape[1])
    if image.shape[0] and image.shape[1] and out.shape[0]:
        check(qk_pool_i32(&image[0, 0], &g, image.shape[1], maximum, &out[0, 0]))


def pool_f32(const float[:, ::1] image, tuple window, bint maximum, float[:, ::1] out):
    cdef qk_window g
    fill_window(&g, window)
    enough(image.shape[0], g.height * g.width)
    enough(out.shape[0], pixels_out(&g))
    enough(image.shape[1], out.shape[1])
    enough(out.shape[1], image.shape[1])
    if image.shape[0] and image.shape[1] and out.shape[0]:
        check(qk_pool_f32(&image[0, 0], &g, image.shape[1], maximum, &out[0, 0]))


def thresholds(const int32_t[:, ::1] y, const int32_t[:, ::1] levels, const int8_t[::1] direction,
               uint8_t[:, ::1] codes):
    cdef int status
    enough(levels.shape[0], y.shape[1])
    enough(direction.shape[0], y.shape[1])
    enough(codes.shape[0], y.shape[0])
    enough(codes.shape[1], y.shape[1])
    enough(y.shape[1], codes.shape[1])
    if y.shape[0] and y.shape[1]:
        enough(levels.shape[1], 1)
        with nogil:
            status = qk_thresholds(&y[0, 0], y.shape[0], y.shape[1], &levels[0, 0], &direction[0],
                                   levels.shape[1], &codes[0, 0])
        check(status)


def residual(const float[:, ::1] x, const float[::1] gamma, uint8_t[:, :, ::1] out):
    enough(out.shape[0], gamma.shape[0])
    enough(gamma.shape[0], out.shape[0])
    enough(out.shape[1], x.shape[0])
    enough(x.shape[0], out.shape[1])
    enough(out.shape[2], (x.shape[1] + 7) // 8)
    enough((x.shape[1] + 7) // 8, out.shape[2])
    if x.shape[0] and x.shape[1] and gamma.shape[0]:
        check(qk_residual_f32(&x[0, 0], x.shape[0], x.shape[1], &gamma[0], <int>gamma.shape[0],
                              &out[0, 0, 0]))


def shift_dot(const int8_t[:, ::1] w, const int8_t[:, ::1] exponent, const int8_t[:, ::1] sign,
              int64_t[:, ::1] y):
    """Exponents must lie in 0..62 and the sums in 64 bits: the caller checks."""
    cdef int status = QK_OK
    cdef int64_t m = exponent.shape[0], n = w.shape[0], k = w.shape[1]
    enough(exponent.shape[1], k)
    enough(k, exponent.shape[1])
    enough(sign.shape[0], m)
    enough(sign.shape[1], k)
    enough(k, sign.shape[1])
    enough(y.shape[0], m)
    enough(y.shape[1], n)
    enough(n, y.shape[1])
    if m and n and k:
        with nogil:
            status = active.shift_dot(&w[0, 0], &exponent[0, 0], &sign[0, 0], m, n, k, &y[0, 0])
    check(status)


def log_dot(const int8_t[:, ::1] wexp, const int8_t[:, ::1] wsign, const int8_t[:, ::1] xexp,
            const int8_t[:, ::1] xsign, int64_t[:, ::1] y):
    cdef int status = QK_OK
    cdef int64_t m = xexp.shape[0], n = wexp.shape[0], k = wexp.shape[1]
    for have in (wsign.shape[1], xexp.shape[1], xsign.shape[1]):
        enough(have, k)
        enough(k, have)
    enough(wsign.shape[0], n)
    enough(xsign.shape[0], m)
    enough(y.shape[0], m)
    enough(y.shape[1], n)
    enough(n, y.shape[1])
    if m and n and k:
        with nogil:
            status = qk_log_dot(&wexp[0, 0], &wsign[0, 0], &xexp[0, 0], &xsign[0, 0], m, n, k,
                                &y[0, 0])
    check(status)


def log_sum(const int32_t[:, ::1] p, int fraction, const int32_t[::1] table, int32_t[::1] out):
    """An empty table stands for the shift."""
    enough(out.shape[0], p.shape[0])
    if p.shape[0] and p.shape[1]:
        check(qk_log_sum(&p[0, 0], p.shape[0], p.shape[1], fraction,
                         &table[0] if table.shape[0] else NULL, table.shape[0], &out[0]))


cdef class CircuitPlan:
    """A checked circuit, laid out for evaluation, with its scratch slots."""

    cdef qk_circuit c
    cdef void *memory
    cdef readonly int64_t slots

    def __cinit__(self, int64_t inputs, const int64_t[::1] unit_run, const int64_t[::1] run_edge,
                  const uint32_t[::1] source, const uint32_t[::1] output,
                  const uint8_t[::1] relu, const double[::1] scale, const double[::1] bias):
        cdef int64_t units = bias.shape[0], runs = scale.shape[0]
        cdef qk_circuit given
        enough(unit_run.shape[0], units + 1)
        enough(run_edge.shape[0], 2 * runs + 1)
        enough(relu.shape[0], units)
        given.inputs, given.units, given.runs = inputs, units, runs
        given.edges, given.slots, given.outputs = source.shape[0], 0, output.shape[0]
        given.groups = 0
        given.unit_run, given.run_edge = &unit_run[0], &run_edge[0]
        given.edge = &source[0] if source.shape[0] else NULL
        given.slot = NULL
        given.output = &output[0] if output.shape[0] else NULL
        given.trait = &relu[0] if units else NULL
        given.scale = &scale[0] if runs else NULL
        given.bias = &bias[0] if units else NULL
        check(qk_circuit_build(&given, &self.c, &self.memory))
        self.slots = self.c.slots

    def __dealloc__(self):
        free(self.memory)

    def run_f64(self, const double[:, ::1] x, double[:, ::1] y):
        cdef int status = QK_OK
        cdef int64_t points = y.shape[0]
        enough(x.shape[0], points)
        if points and y.shape[1]:
            with nogil:
                status = qk_circuit_run_f64(active, &self.c, &x[0, 0] if x.shape[1] else NULL,
                                            points, x.shape[1], &y[0, 0], y.shape[1])
        check(status)

    def run_f32(self, const float[:, ::1] x, float[:, ::1] y):
        cdef int status = QK_OK
        cdef int64_t points = y.shape[0]
        enough(x.shape[0], points)
        if points and y.shape[1]:
            with nogil:
                status = qk_circuit_run_f32(active, &self.c, &x[0, 0] if x.shape[1] else NULL,
                                            points, x.shape[1], &y[0, 0], y.shape[1])
        check(status)

    def bound(self, double x_max, int64_t input_bits, int digits):
        """How far outputs may be from the exact ones; input_bits < 0: inputs are rounded."""
        cdef double bound = 0
        cdef int status
        with nogil:
            status = qk_circuit_bound(&self.c, x_max, input_bits, digits, &bound)
        check(status)
        return bound
