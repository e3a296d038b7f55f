"""Layers as records of a packed file, and back: FORMAT.md, section "Networks"."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qexpr_runtime import _core
from qexpr_runtime.data import OPERATIONS, LayerData
from qexpr_runtime.digit_records import pack_digits, read_book
from qexpr_runtime.kinds import BINARY, BOOK, INT8, ODD, SIGNED, TERNARY, WIDE, Weights
from qexpr_runtime.planning import Plan

__all__ = ["RECORD", "constants", "layer_codes", "pack_codes", "pack_layer"]

FIELDS = (
    "op", "source", "other", "activation", "kernel_h", "kernel_w", "stride_h", "stride_w", "pad_h",
    "pad_w", "pad_value", "pad_code", "groups", "channels", "inputs", "kind", "bits", "layout",
    "code_section", "constant_section", "alphas", "betas", "levels", "threshold_rows", "integer",
    "emits", "digit_section",
)  # fmt: skip
RECORD = np.dtype([(name, "<i4") for name in FIELDS] + [("reserved", "V20")])
WINDOWED = ("conv2d", "max_pool2d", "avg_pool2d", "mean_abs")
ACTIVATIONS = ("", "relu", "clip", "steps")
_SPARE = 1.03  # panels may cost 3 per cent more than rows of bits


def _planes(values: NDArray[Any], w: Weights) -> NDArray[np.uint8]:
    """Rows of bits of a matrix of codes, one plane for each bit."""
    if w.kind == BOOK:
        index, bits = np.searchsorted(np.array(w.book), values), w.bits
    elif w.kind == TERNARY:
        index, bits = (values > 0) + 2 * (values < 0), 2
    elif w.kind == BINARY:
        index, bits = values < 0, 1
    else:
        index, bits = ((values + w.hi) // 2 if w.kind == ODD else values), w.bits
    bytes_ = np.ascontiguousarray(index.astype(np.int64).astype(np.uint8)).view(np.int8)
    rows, cols = values.shape
    out = np.empty((bits, rows, -(-cols // 8)), np.uint8)
    for bit in range(bits):
        _core.codes_to_rows(bytes_, bit, out[bit])
    return out


def pack_codes(codes: NDArray[Any], groups: int, w: Weights) -> tuple[int, NDArray[Any]]:
    """The codes of a layer as packed bytes: the layout (1: panels) and the bytes."""
    if codes.ndim == 4:
        codes = codes.transpose(0, 2, 3, 1)
    matrices = codes.reshape(groups, len(codes) // groups, -1)
    rows, cols = matrices.shape[1:]
    if w.kind == WIDE:
        return 0, np.array([float(c) for c in matrices.ravel().tolist()], f"<f{w.bits // 8}")
    if w.kind == INT8:
        layout = int(-(-rows // 16) * 16 * (-(-cols // 4) * 4) <= _SPARE * rows * cols)
        parts = []
        for matrix in matrices.astype(np.int8):
            if layout:
                panels = np.empty(-(-rows // 16) * 16 * (-(-cols // 4) * 4), np.int8)
                _core.bytes_to_panels(
                    np.ascontiguousarray(matrix), panels, np.zeros(rows, np.int32)
                )
                parts.append(panels)
            else:
                parts.append(matrix.ravel())
        return layout, np.concatenate(parts)
    layout = int(w.kind != BOOK and -(-rows // 32) * 32 <= _SPARE * rows)
    parts = []
    for matrix in matrices:
        planes = _planes(matrix, w)
        if layout:
            panels = np.empty(len(planes) * (-(-rows // 32) * 32) * planes.shape[2], np.uint8)
            _core.rows_to_panels(planes, cols, panels)
            parts.append(panels)
        else:
            parts.append(planes.ravel())
    return layout, np.concatenate(parts)


def layer_codes(r: Any, data: NDArray[np.uint8], digits: Any = None) -> NDArray[Any]:
    """The integer codes of a record's layer, in the shape that users know.

    `digits` is the section that holds the book of kind BOOK.
    """
    groups, kind, bits = int(r["groups"]), int(r["kind"]), int(r["bits"])
    rows, taps = int(r["channels"]) // groups, int(r["kernel_h"]) * int(r["kernel_w"])
    conv = int(r["op"]) == 2
    cols = int(r["inputs"]) * (taps if conv else 1)
    parts = np.split(data, groups)
    if kind == INT8:
        out = np.stack([_bytes_of(p.view(np.int8), rows, cols, bool(r["layout"])) for p in parts])
    else:
        planes = 2 if kind == TERNARY else bits
        coef, constant = _coefficients(kind, planes)
        out = np.empty((groups, rows, cols), np.int32)
        for part, into in zip(parts, out, strict=True):
            _core.rows_to_codes(
                _rows_of(part, planes, rows, bool(r["layout"])), coef, constant, into
            )
    if kind == BOOK:
        return _shaped(r, read_book(digits)[out])
    return _shaped(r, out.astype(np.int64))


def _shaped(r: Any, out: NDArray[Any]) -> NDArray[Any]:
    if int(r["op"]) != 2:
        return out.reshape(int(r["channels"]), int(r["inputs"]))
    shape = int(r["channels"]), int(r["kernel_h"]), int(r["kernel_w"]), int(r["inputs"])
    return np.ascontiguousarray(out.reshape(shape).transpose(0, 3, 1, 2))


def wide_codes(r: Any, values: list[int]) -> NDArray[Any]:
    """The same for codes of any size."""
    big = max(map(abs, values)) >= 2**62
    return _shaped(r, np.array(values, object if big else np.int64))


def _coefficients(kind: int, planes: int) -> tuple[NDArray[np.int32], int]:
    if kind == BINARY:
        return np.array([-2], np.int32), 1
    if kind == TERNARY:
        return np.array([1, -1], np.int32), 0
    coef = np.left_shift(1, np.arange(planes, dtype=np.int32)).astype(np.int32)
    if kind == SIGNED:
        coef[-1] = -coef[-1]
    return (2 * coef, 1 - 2**planes) if kind == ODD else (coef, 0)


def _rows_of(part: NDArray[np.uint8], planes: int, rows: int, panels: bool) -> NDArray[np.uint8]:
    if not panels:
        return np.ascontiguousarray(part.reshape(planes, rows, -1))
    shaped = part.reshape(planes, -(-rows // 32), -1, 32).transpose(0, 1, 3, 2)
    return np.ascontiguousarray(shaped.reshape(planes, -(-rows // 32) * 32, -1)[:, :rows])


def _bytes_of(part: NDArray[np.int8], rows: int, cols: int, panels: bool) -> NDArray[np.int8]:
    if not panels:
        return part.reshape(rows, cols)
    shaped = part.reshape(-(-rows // 16), -1, 16, 4).transpose(0, 2, 1, 3)
    return shaped.reshape(-(-rows // 16) * 16, -1)[:rows, :cols]


def _doubles(values: tuple[Fraction, ...], what: str) -> NDArray[np.float64]:
    try:
        return np.array([float(v) for v in values], "<f8")
    except OverflowError:
        raise ValueError(f"{what} beyond the range of doubles cannot be packed") from None


def _eight(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 8)


def _thresholds(levels: NDArray[Any], integer: int) -> bytes:
    if integer < 3:
        return levels.astype(("<f8", "<i4", "<i8")[integer]).tobytes()
    return b"".join(int(v).to_bytes(16, "little", signed=True) for v in levels.ravel().tolist())


def constants(layer: LayerData, plan: Plan) -> tuple[bytes, int, int, tuple[float, ...]]:
    """The constants of a layer as bytes, how many scales and biases, and these themselves."""
    act = layer.activation
    if act is not None and act.kind == "steps":
        alpha, beta = (Fraction(1),), ()  # folded into the thresholds
    else:
        same = len(set(plan.sums.scale)) == 1
        alpha, beta = (plan.sums.scale[:1] if same else plan.sums.scale), plan.sums.bias
        if not any(beta):
            beta = ()
    numbers = np.concatenate([_doubles(alpha, "a scale"), _doubles(beta, "a bias")])
    out = numbers.tobytes()
    if act is not None and act.kind == "clip":
        out += _doubles((act.lower, act.upper), "an end of a clip").tobytes()
    if act is not None and act.kind == "steps":
        assert plan.levels is not None
        assert plan.direction is not None
        out += _eight(plan.direction.astype("i1").tobytes())
        out += _eight(_thresholds(plan.levels, plan.sums.integer))
        out += _doubles(act.values, "a value").tobytes()
        if plan.emitted is not None:
            out += _eight(np.array(plan.emitted.codes, "<i2").tobytes())
    return out, len(alpha), len(beta), tuple(numbers.tolist())


def pack_layer(
    layer: LayerData, plan: Plan, k: int, section: int
) -> tuple[Any, list[tuple[str, Any]], tuple[float, ...]]:
    """One record, its sections (numbered from `section`), and its scales and biases."""
    r = np.zeros((), RECORD)
    parts: list[tuple[str, Any]] = []
    weights = plan.weights
    if layer.codes is not None and weights is not None:
        layout, data = pack_codes(np.asarray(layer.codes), layer.groups, weights)
        if weights.kind == WIDE and not np.isfinite(data).all():
            raise ValueError("codes beyond the range of doubles cannot be packed")
        parts.append(("CODE", data))
        r["kind"], r["bits"], r["layout"], r["code_section"] = (
            weights.kind, weights.bits, layout, section)  # fmt: skip
        r["channels"] = layer.channels
        r["inputs"] = layer.codes.shape[1]
        r["groups"] = layer.groups
        if plan.sums.digits is not None or weights.digits is not None:
            r["digit_section"] = section + len(parts)
            parts.append(("DGTS", pack_digits(plan.sums.digits, plan.reads, weights)))
    blob, alphas, betas, stored = constants(layer, plan)
    r["constant_section"] = section + len(parts)
    parts.append(("CNST", blob))
    kernel = (
        layer.codes.shape[2:] if layer.op == "conv2d" and layer.codes is not None else layer.kernel
    )
    if layer.op in WINDOWED:
        r["kernel_h"], r["kernel_w"] = kernel
        r["stride_h"], r["stride_w"] = layer.stride
    if layer.op in ("conv2d", "mean_abs"):
        r["pad_h"], r["pad_w"] = layer.padding
    if layer.op == "conv2d":
        r["pad_value"], r["pad_code"] = layer.padding_value, plan.sums.pad_code
    r["op"] = OPERATIONS.index(layer.op) + 1
    r["source"] = k - 1 if layer.source is None else layer.source
    r["other"] = -2 if layer.other is None else layer.other
    r["activation"] = 0 if layer.activation is None else ACTIVATIONS.index(layer.activation.kind)
    r["alphas"], r["betas"], r["integer"] = alphas, betas, plan.sums.integer
    r["emits"] = 0 if plan.emitted is None else plan.emitted.emits
    if plan.levels is not None:
        r["threshold_rows"], r["levels"] = plan.levels.shape
    return r, parts, stored
