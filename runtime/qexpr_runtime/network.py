"""A packed network, loaded: evaluated with one call in C."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qexpr_runtime.container import VERSION
from qexpr_runtime.data import OPERATIONS, CircuitData, NetworkData
from qexpr_runtime.format import File, open_file, write
from qexpr_runtime.packing import array_of
from qexpr_runtime.records import ACTIVATIONS
from qexpr_runtime.rounding import network_bound
from qexpr_runtime.threads import check_threads, share

__all__ = ["Network", "load", "save"]

_F64, _F32, _U8 = np.dtype(np.float64), np.dtype(np.float32), np.dtype(np.uint8)
_KINDS = ("", "binary", "ternary", "unsigned", "signed", "odd", "int8", "wide", "book")
_BLOCK = 256  # points: threads begin at multiples of it


class Network:
    """A network or circuit out of a packed file; made by `load`.

    ``net(x)`` takes points of shape (m, inputs) (or (m, channels, height, width)), float64,
    float32 or uint8, in any layout, and returns (m,), or (m, outputs) if there are several.
    """

    def __init__(self, file: File) -> None:
        self._file = file
        self._run = file.program.run
        self._simple = file.program.simple
        self.inputs: int = file.program.inputs
        self.outputs: int = file.program.outputs
        self.is_circuit: bool = file.program.is_circuit

    def __call__(
        self, x: ArrayLike, *, dtype: str | None = None, threads: int = 1
    ) -> NDArray[np.floating[Any]]:
        """Evaluate.

        Parameters
        ----------
        x : array_like
            uint8 are the codes of the file's input rule, or else the numbers 0..255.
        dtype : {"float64", "float32"}, optional
            What to compute in. Circuits: float64 unless it is said; layer stacks: float32 for
            float32 points, else float64. Sums of codes are integers, exact, in both.
        threads : int
            Python threads that share the points; the result does not depend on it, bit for bit.
        """
        if dtype is None and threads == 1 and type(threads) is int:
            values = self._simple(x)
            if values is not None:
                return values
        return self._general(x, dtype, threads)

    def _general(self, x: ArrayLike, dtype: str | None, threads: int) -> NDArray[Any]:
        points = array_of(x, "x")
        kind = points.dtype
        if kind is not _F64 and kind is not _F32 and kind is not _U8:
            points, kind = _numbers(points)
        single = kind is _F32 and not self.is_circuit if dtype is None else _single(dtype)
        shape = points.shape
        if len(shape) != 2 or shape[1] != self.inputs:
            points = self._flat(points)
        points = np.ascontiguousarray(points)
        size = shape[0] if self.outputs == 1 else (shape[0], self.outputs)
        y = np.empty(size, _F32 if single else _F64)
        if single and kind is _F64:  # rounded once, here
            with np.errstate(over="ignore"):
                points, kind = points.astype(_F32), _F32
        width, run = kind.itemsize, self._run
        share(
            shape[0],
            check_threads(threads),
            lambda a, b: run(points[a:b], width, y[a:b], single),
            unit=_BLOCK,
        )
        return y

    def _flat(self, points: NDArray[Any]) -> NDArray[Any]:
        wanted = self.input_shape
        if points.ndim == len(wanted) + 1 and points.shape[1:] == wanted:
            return points.reshape(len(points), self.inputs)
        shapes = f"(m, {self.inputs})"
        if len(wanted) == 3:
            shapes += f" or (m, {', '.join(map(str, wanted))})"
        raise ValueError(f"x must have shape {shapes}, got {points.shape}")

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(inputs,), or (channels, height, width)."""
        if self.is_circuit:
            return (self.inputs,)
        head = np.frombuffer(self._file.parts[1].data, "<u4", 5)
        return tuple(int(n) for n in head[2 : 2 + int(head[1])])

    def classes(self, x: ArrayLike, *, threads: int = 1) -> NDArray[np.int64]:
        """The index of each point's largest output (the first of equal ones)."""
        if self.outputs == 1:
            raise ValueError("classes need a network of at least two outputs, this one has one")
        return np.argmax(self(x, threads=threads), axis=1)

    @property
    def notes(self) -> Mapping[str, Any]:
        """What the file says of itself: digest, counts, provenance."""
        return dict(self._file.meta["notes"])

    def data(self) -> NetworkData | CircuitData:
        """Everything that was written, exactly."""
        return self._file.data()

    def rounding_bound(
        self, x_max: float = 1.0, *, dtype: str = "float64", input_bits: int | None = None
    ) -> float:
        """Bound how far outputs may be from the exact ones, for inputs in [-x_max, x_max].

        Running error analysis (Higham 2002, section 3.3). With `input_bits`, inputs are multiples
        of 2^-input_bits, and the bound is 0.0 where every sum fits the type. It is infinite where
        a step function reads a number that may have been rounded, or a value may overflow.
        """
        single = _single(dtype)
        if not 0 <= x_max < np.inf:
            raise ValueError(f"x_max must be finite and not negative, got {x_max!r}")
        if input_bits is not None and not 0 <= input_bits <= 1000:
            raise ValueError(f"input_bits must be in 0..1000, got {input_bits!r}")
        bits = -1 if input_bits is None else int(input_bits)
        digits = 24 if single else 53
        if self.is_circuit:
            return float(self._file.program.circuit_bound(float(x_max), bits, digits))
        data = self.data()
        assert isinstance(data, NetworkData)
        return network_bound(data, float(x_max), bits, digits)

    def info(self) -> dict[str, Any]:
        """Layers, bits, operations of one point (padding counted) and the packed size."""
        file = self._file
        codes = [len(p.data) for p in file.parts if p.tag in ("CODE", "EDGE")]
        out: dict[str, Any] = {
            "kind": "circuit" if self.is_circuit else "network",
            "version": VERSION,
            "inputs": self.inputs,
            "outputs": self.outputs,
            "file_bytes": file.size,
            "code_bytes": sum(codes),
            "scratch_bytes": file.program.scratch,
        }
        if self.is_circuit:
            graph = np.frombuffer(file.parts[1].data, np.uint8)
            lam, bits = (int(v) for v in graph[4:12].view("<u4"))
            units, edges, free = (int(v) for v in graph[16:40].view("<u8"))
            out |= {"weights": edges, "units": units, "alphabet": lam, "bits_per_weight": bits,
                    "bits": edges * bits, "free_weights": free, "additions": edges}  # fmt: skip
        else:
            out["input_shape"] = list(self.input_shape)
            shapes = file.program.shapes
            layers = [_layer_info(r, s) for r, s in zip(file.records, shapes, strict=True)]
            out["layers"] = layers
            for total in ("weights", "multiply_accumulates"):
                out[total] = sum(layer.get(total, 0) for layer in layers)
        return out | {"notes": self.notes}

    def __repr__(self) -> str:
        kind = "circuit" if self.is_circuit else "network"
        return f"<packed {kind} {self._file.path}: {self.inputs} -> {self.outputs}>"


def _layer_info(r: Any, shape: tuple[int, int, int]) -> dict[str, Any]:
    layer: dict[str, Any] = {"op": OPERATIONS[int(r["op"]) - 1]}
    layer["shape"] = list(shape) if shape[1] * shape[2] > 1 else [shape[0]]
    if int(r["activation"]):
        layer["activation"] = ACTIVATIONS[int(r["activation"])]
    layer["sums"] = "integer" if int(r["integer"]) else "real"
    if int(r["integer"]):
        layer["sum_bits"] = (0, 32, 64, 128)[int(r["integer"])]
    layer["emits"] = "codes" if int(r["emits"]) else "reals"
    if int(r["kind"]):
        taps = int(r["kernel_h"]) * int(r["kernel_w"]) or 1
        matrix = (int(r["channels"]), int(r["inputs"]) * taps)
        layer |= {"codes": _KINDS[int(r["kind"])], "bits": int(r["bits"]), "matrix": list(matrix),
                  "weights": matrix[0] * matrix[1],
                  "multiply_accumulates": math.prod(shape) * matrix[1]}  # fmt: skip
    return layer


def _numbers(points: NDArray[Any]) -> tuple[NDArray[Any], np.dtype[Any]]:
    """Other numbers as doubles, exactly or not at all."""
    kind = points.dtype.kind
    if kind not in "biuf" or points.dtype.itemsize > 8:
        raise ValueError(f"x must hold float64, float32 or uint8 numbers, got {points.dtype}")
    if points.dtype.newbyteorder("=") in (_F32, _U8):
        native = points.dtype.newbyteorder("=")
        return points.astype(native), _F32 if native == _F32 else _U8
    if kind in "iu" and points.size and max(abs(int(points.max())), abs(int(points.min()))) > 2**53:
        raise ValueError("x holds integers beyond 2^53, which doubles cannot hold")
    return points.astype(_F64), _F64


def _single(dtype: str) -> bool:
    if dtype not in ("float64", "float32"):
        raise ValueError(f"dtype must be float64 or float32, got {dtype!r}")
    return dtype == "float32"


def load(path: str | os.PathLike[str]) -> Network:
    """Load a packed file: mapped into memory, and checked to its last byte.

    Raises
    ------
    FormatError
        A ValueError that names the section and the byte, if the file is missing, malformed,
        truncated or of another version.
    """
    return Network(open_file(path))


def save(path: str | os.PathLike[str], data: NetworkData | CircuitData) -> None:
    """Pack `NetworkData` or `CircuitData` into a file, which appears whole or not at all.

    Raises
    ------
    ValueError
        If the layers do not fit together or a number leaves the range of doubles.
    """
    write(path, data)
