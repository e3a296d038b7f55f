"""Bad input is refused with one clear sentence."""

import copy
import pickle

import numpy as np
import pytest
import qexpr_runtime as rt
from qexpr_runtime import _core

W = np.ones((3, 5))
P = rt.pack(W, "binary")
X = np.ones((2, 5), dtype=np.float32)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: rt.pack(np.ones(3), "binary"), "two axes"),
        (lambda: rt.pack(np.array([["a"]]), "binary"), "numbers"),
        (lambda: rt.pack(W, "octal"), "kind must be one of"),
        (lambda: rt.pack(W, "binary", bits=2), "bits goes with"),
        (lambda: rt.pack(W, "k-bit"), "needs bits"),
        (lambda: rt.pack(W, "k-bit", bits=8), r"1\.\.7"),
        (lambda: rt.pack(W, "k-bit", bits=2, grid="log"), "grid must be"),
        (lambda: rt.pack(4 * W, "k-bit", bits=2), r"codes in 0\.\.3"),
        (lambda: rt.pack(2 * W, "k-bit", bits=2, grid="odd"), "odd codes"),
        (lambda: rt.pack(2 * W, "ternary"), r"-1\.\.1"),
        (lambda: rt.pack(W / 2, "ternary"), "fraction"),
        (lambda: rt.pack(W * np.nan, "ternary"), "NaN"),
        (lambda: rt.pack(W * np.nan, "binary"), "NaN"),
        (lambda: rt.pack((W * np.nan).astype(np.float32), "binary"), "NaN"),
        (lambda: rt.pack(W.astype(np.uint8), "binary"), "no signs"),
        (lambda: rt.pack(300 * W, "int8"), r"-128\.\.127"),
        (lambda: rt.pack(W * np.inf, "int8"), r"-128\.\.127"),
        (lambda: rt.gemm(X, W, "binary"), "must come from pack"),
        (lambda: rt.gemm(X[0], P, "binary"), "two axes"),
        (lambda: rt.gemm(X[:, :4], P, "binary"), "X has 4 columns, the weights have 5"),
        (lambda: rt.gemm(rt.pack(X[:, :4], "binary"), P), "X has 4 columns"),
        (lambda: rt.gemm(rt.pack(X, "binary"), P, "int8"), "packed as binary .* contradict"),
        (lambda: rt.gemm(rt.pack(X, "k-bit", bits=2), P, bits=3), "contradict"),
        (lambda: rt.gemm([[1, 1], [1]], P, "int8"), "rows of the same length"),
        (lambda: rt.unpack(W), "must come from pack"),
        (lambda: rt.gemm(X, P, "int4"), "activations must be one of"),
        (lambda: rt.gemm(X, P, "k-bit"), r"1\.\.8"),
        (lambda: rt.gemm(X, P, "int8", bits=3), "bits goes with"),
        (lambda: rt.gemm(X * np.nan, P, "binary"), "NaN"),
        (lambda: rt.gemm(X * np.nan, P, "int8"), "NaN"),
        (lambda: rt.gemm(X + 0.5, P, "int8"), "fraction"),
        (lambda: rt.gemm(X.astype(np.uint8), P, "binary"), "no signs"),
        (lambda: rt.gemm(X, P, "binary", threads=0), "threads"),
        (lambda: rt.gemm(X, P, "binary", threads=True), "threads"),
        (lambda: rt.gemm(X, rt.pack(W, "int8"), "float32"), "floats meet"),
        (lambda: rt.gemm(X * np.nan, rt.pack(W, "int8"), "binary"), "NaN"),
        (lambda: rt.gemm(X.astype(np.uint8), rt.pack(W, "int8"), "binary"), "no signs"),
        (lambda: rt.from_planes(np.zeros((1, 2, 3), np.uint8), 99, "binary"), "99 columns"),
        (lambda: rt.from_planes(np.zeros((2, 3), np.uint8), 9, "binary"), "three axes"),
    ],
)  # fmt: skip
def test_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_a_failure_in_a_thread_is_raised():
    x = np.ones((64, 5), dtype=np.float32)
    x[-1, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        rt.gemm(x, P, "binary", threads=2)


@pytest.mark.parametrize(
    ("weight", "activation", "cols", "fits"),
    [
        (1, 1, 2**31 - 1, True),
        (1, 1, 2**31, False),
        (128, 255, 65793, True),  # 128 * 255 * 65793 = 2147483520
        (128, 255, 65794, False),
        (15, 15, 9544371, True),  # 225 * 9544371 = 2147483475
        (15, 15, 9544372, False),
        (0, 255, 2**62, True),
        (2**31, 1, 1, False),
        (2**31 - 1, 2**31 - 1, 2**62, False),
        (-1, 1, 1, False),
    ],
)
def test_range_of_sums_is_proven_from_the_size(weight, activation, cols, fits):
    assert _core.sum_fits(weight, activation, cols) is fits


def test_a_sum_that_might_not_fit_is_refused(isa):
    cols = 65794
    packed = rt.pack(np.full((1, cols), -128, dtype=np.int8), "int8")
    x = np.full((1, cols), 255, dtype=np.uint8)
    with pytest.raises(ValueError, match="32-bit range"):
        rt.gemm(x, packed, "uint8")
    shorter = rt.pack(np.full((1, cols - 1), -128, dtype=np.int8), "int8")
    assert rt.gemm(x[:, 1:], shorter, "uint8")[0, 0] == -128 * 255 * (cols - 1)


def test_kernels_check_what_they_are_handed():
    coef, panels = np.array([-2], dtype=np.int32), np.zeros(31, dtype=np.uint8)
    sign, y = np.zeros((2, 1), dtype=np.uint8), np.zeros((2, 3), dtype=np.int32)
    with pytest.raises(ValueError, match="sizes"):
        _core.gemm_signs(panels, 3, 5, coef, 1, sign, None, y)
    with pytest.raises(ValueError, match="sizes"):
        _core.gemm_signs(np.zeros(32, np.uint8), 3, 5, coef, 1, sign, None, y[:1])
    with pytest.raises(ValueError, match="sizes"):
        _core.gemm_signs(np.zeros(32, np.uint8), 2**40, 2**40, coef, 1, sign, None, y)
    with pytest.raises(ValueError, match="sizes"):
        _core.gemm_signs(np.zeros(320, np.uint8), 3, 5, np.ones(9, np.int32), 1, sign, None, y)
    with pytest.raises(ValueError, match="sizes"):
        _core.Planes(panels, 3, 5, coef, 1)
    planes, x = _core.Planes(np.zeros(32, np.uint8), 3, 5, coef, 1), np.ones((2, 5), np.float32)
    for a, b in ((x[:, 1:].copy(), y), (x, y[:1]), (x, y[:, 1:].copy())):
        with pytest.raises(ValueError, match="sizes"):
            planes.gemm_floats(a, b)
    with pytest.raises(ValueError, match="alphabet"):
        _core.gemm_f32(
            np.zeros(32, np.uint8), 3, 5, np.array([7], np.int32), 1,
            np.zeros((2, 5), np.float32), np.zeros((2, 3), np.float32),
        )  # fmt: skip


def test_packed_activations_may_be_named():
    x = rt.pack(X, "k-bit", bits=2)
    for name, bits in ((None, None), ("k-bit", None), ("k-bit", 2), (None, 2)):
        np.testing.assert_array_equal(rt.gemm(x, P, name, bits=bits), X.astype(int) @ W.T)
    np.testing.assert_array_equal(rt.gemm(rt.pack(X, "binary"), P, "binary"), X @ W.T)


def test_doubles_beyond_float32_are_infinite_and_not_a_warning():
    with np.errstate(all="raise"):
        assert np.isinf(rt.gemm(np.full((1, 5), 1e300), P, "float32")).all()


def test_packed_weights_that_were_used_can_be_sent_to_another_process():
    again = pickle.loads(pickle.dumps(P if rt.gemm(X, P, "binary").size else None))
    np.testing.assert_array_equal(rt.gemm(X, again, "binary"), rt.gemm(X, P, "binary"))
    np.testing.assert_array_equal(
        rt.gemm(X, copy.deepcopy(again), "binary"), X.astype(int) @ W.T.astype(int)
    )
