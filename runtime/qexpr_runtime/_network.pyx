# cython: language_level=3, boundscheck=False, wraparound=False
"""A packed file as a program in C: checked, and run with one call for the whole network."""

from cpython.buffer cimport (
    PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_SIMPLE, PyBUF_STRIDES, PyBUF_WRITABLE, PyBuffer_Release,
    PyObject_GetBuffer
)
from libc.stdint cimport int64_t, uint64_t, uintptr_t

from qexpr_runtime._core cimport QK_OK, active, check, qk_circuit, qk_table

import numpy

from qexpr_runtime.errors import FormatError, KernelError

cdef object empty = numpy.empty, array = numpy.ndarray
cdef object float64 = numpy.dtype("float64"), float32 = numpy.dtype("float32")

cdef extern from "network.h" nogil:
    ctypedef struct qexpr_error:
        int status
        char section[8]
        uint64_t byte
        char message[160]

    ctypedef struct qk_tensor:
        int64_t channels, height, width

    ctypedef struct qk_layer:
        qk_tensor out

    ctypedef struct qexpr_net:
        int kind
        int64_t layers
        qk_layer *layer
        qk_circuit circuit
        int64_t point_bytes, acc_bytes, extra_bytes, block

    qexpr_net *qk_open(const void *data, uint64_t length, qexpr_error *error)
    void qexpr_free(qexpr_net *net)
    int64_t qexpr_inputs(const qexpr_net *net)
    int64_t qexpr_outputs(const qexpr_net *net)
    int qk_run_f64(const qexpr_net *net, const qk_table *t, const void *x, int width,
                   int64_t points, double *y)
    int qk_run_f32(const qexpr_net *net, const qk_table *t, const void *x, int width,
                   int64_t points, float *y)
    int64_t qk_circuit_scratch(const qk_circuit *c)
    int qk_circuit_bound(const qk_circuit *c, double x_max, int64_t input_bits, int digits,
                         double *bound)


cdef int finish(int status) except -1:
    if status == 4:
        raise ValueError("x holds a value that is not finite")
    return check(status)


cdef class Program:
    """A checked packed file; holds the buffer that it was read from."""

    cdef qexpr_net *net
    cdef Py_buffer file
    cdef bint held
    cdef readonly int64_t inputs, outputs

    def __cinit__(self, data):
        cdef qexpr_error error
        PyObject_GetBuffer(data, &self.file, PyBUF_SIMPLE)
        self.held = True
        with nogil:
            self.net = qk_open(self.file.buf, <uint64_t>self.file.len, &error)
        if self.net == NULL:
            message = error.message.decode("ascii", "replace")
            if error.status == 3:
                raise MemoryError(message)
            raise FormatError(message)
        self.inputs, self.outputs = qexpr_inputs(self.net), qexpr_outputs(self.net)

    def __dealloc__(self):
        qexpr_free(self.net)
        if self.held:
            PyBuffer_Release(&self.file)

    @property
    def is_circuit(self):
        return self.net.kind == 2

    @property
    def scratch(self):
        """Bytes that one call takes beside its arrays."""
        if self.net.kind == 2:
            return int(qk_circuit_scratch(&self.net.circuit))
        each = self.net.point_bytes + self.net.acc_bytes
        return int(each * self.net.block + self.net.extra_bytes)

    @property
    def shapes(self):
        """Channels, height and width of what each layer hands on."""
        cdef int64_t k
        return [(self.net.layer[k].out.channels, self.net.layer[k].out.height,
                 self.net.layer[k].out.width) for k in range(self.net.layers)]

    def simple(self, x):
        """The values at points in C order of a type that is read as it is; None for other points.

        For a small network the checks in Python take longer than its sums.
        """
        cdef Py_buffer given, taken
        cdef int status
        cdef char kind
        cdef bint single
        cdef object shape
        if type(x) is not array:
            return None
        try:
            PyObject_GetBuffer(x, &given, PyBUF_STRIDES | PyBUF_FORMAT)
        except ValueError:
            return None
        try:
            kind = given.format[0] if given.format[0] and not given.format[1] else 0
            if (given.ndim != 2 or kind not in b"dfB" or given.shape[1] != self.inputs
                    or given.strides[1] != given.itemsize
                    or given.strides[0] != self.inputs * given.itemsize
                    or <uintptr_t>given.buf % given.itemsize):
                return None
            single = kind == b"f" and self.net.kind != 2
            shape = given.shape[0]
            y = empty(shape if self.outputs == 1 else (shape, self.outputs),
                      float32 if single else float64)
            PyObject_GetBuffer(y, &taken, PyBUF_SIMPLE | PyBUF_WRITABLE)
            with nogil:
                if single:
                    status = qk_run_f32(self.net, active, given.buf, given.itemsize,
                                        given.shape[0], <float *>taken.buf)
                else:
                    status = qk_run_f64(self.net, active, given.buf, given.itemsize,
                                        given.shape[0], <double *>taken.buf)
            PyBuffer_Release(&taken)
        finally:
            PyBuffer_Release(&given)
        finish(status)
        return y

    def run(self, x, int width, y, bint single):
        """Evaluate points x (items of `width` bytes) into y (float32 if `single`, else float64)."""
        cdef Py_buffer given, taken
        cdef int status = QK_OK
        cdef int64_t points, size = 4 if single else 8
        PyObject_GetBuffer(x, &given, PyBUF_C_CONTIGUOUS)
        try:
            PyObject_GetBuffer(y, &taken, PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE)
            try:
                points = taken.len // (size * self.outputs)
                if (given.itemsize != width or taken.itemsize != size
                        or given.len != points * self.inputs * width
                        or taken.len != points * self.outputs * size):
                    raise KernelError(1)
                with nogil:
                    if single:
                        status = qk_run_f32(self.net, active, given.buf, width, points,
                                            <float *>taken.buf)
                    else:
                        status = qk_run_f64(self.net, active, given.buf, width, points,
                                            <double *>taken.buf)
            finally:
                PyBuffer_Release(&taken)
        finally:
            PyBuffer_Release(&given)
        finish(status)

    def circuit_bound(self, double x_max, int64_t input_bits, int digits):
        cdef double bound = 0
        check(qk_circuit_bound(&self.net.circuit, x_max, input_bits, digits, &bound))
        return bound
