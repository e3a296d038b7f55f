"""Sparse circuits: every edge is one addition or subtraction."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qexpr_runtime import _layers
from qexpr_runtime.errors import KernelError
from qexpr_runtime.threads import check_threads, share

__all__ = ["SparseCircuit", "rounding_bound"]

BLOCK = 64  # points in the largest block of a kernel: threads begin at multiples of it


@dataclass(frozen=True, eq=False)
class SparseCircuit:
    """A circuit in topological order.

    Nodes are numbered: the inputs, then the units. Unit u computes ``bias[u] + sum_r scale[r] *
    (sum of the sources that run r adds - sum of those that it subtracts)`` over its runs ``r`` in
    ``unit_run[u]..unit_run[u + 1]``, then max(., 0) where ``relu[u]``. Run r adds the sources
    ``run_edge[2r]..run_edge[2r + 1]`` and subtracts ``run_edge[2r + 1]..run_edge[2r + 2]``.

    Attributes
    ----------
    inputs : int
    unit_run, run_edge : int64 arrays of length units + 1 and 2 runs + 1
    source : uint32 array, the node that each edge reads
    scale, bias : float64 arrays, one entry for each run and each unit
    relu : uint8 array, 1 for a ReLU unit, 0 for a linear one
    outputs : uint32 array of nodes
    """

    inputs: int
    unit_run: NDArray[np.int64]
    run_edge: NDArray[np.int64]
    source: NDArray[np.uint32]
    scale: NDArray[np.float64]
    bias: NDArray[np.float64]
    relu: NDArray[np.uint8]
    outputs: NDArray[np.uint32]

    @cached_property
    def plan(self) -> _layers.CircuitPlan:
        """The circuit with its scratch slots, every index checked."""
        units, runs = len(self.bias), len(self.scale)
        unit_run = np.require(self.unit_run, np.int64, "CAE")
        run_edge = np.require(self.run_edge, np.int64, "CAE")
        if unit_run.shape != (units + 1,) or run_edge.shape != (2 * runs + 1,):
            raise KernelError("a circuit has units + 1 run bounds and 2 runs + 1 edge bounds")
        if (np.diff(unit_run) < 0).any() or (np.diff(run_edge) < 0).any():
            raise KernelError("the bounds of runs and edges must not decrease")
        if unit_run[0] or unit_run[-1] != runs or run_edge[0] or run_edge[-1] != len(self.source):
            raise KernelError("the bounds of runs and edges must cover them all")
        if not (np.isfinite(self.scale).all() and np.isfinite(self.bias).all()):
            raise KernelError("scales and biases must be finite")
        source = np.require(self.source, np.uint32, "CAE")
        outputs = np.require(self.outputs, np.uint32, "CAE")
        try:
            return _layers.CircuitPlan(
                self.inputs,
                unit_run,
                run_edge,
                source,
                outputs,
                np.require(self.relu, np.uint8, "CAE"),
                np.require(self.scale, np.float64, "CAE"),
                np.require(self.bias + 0.0, np.float64, "CAE"),  # no -0: see the kernel
            )
        except KernelError as error:
            raise KernelError(f"the circuit is not in topological order: {error}") from None

    def __call__(
        self,
        x: ArrayLike,
        *,
        dtype: str = "float64",
        threads: int = 1,
    ) -> NDArray[Any]:
        """Evaluate at points x of shape (points, inputs); returns (points, outputs).

        The result does not depend on `threads`, bit for bit. Units that are zero on a whole block
        of points cost little: points that are near each other should stand side by side.
        """
        if dtype not in ("float64", "float32"):
            raise ValueError(f"dtype must be float64 or float32, got {dtype!r}")
        check_threads(threads)
        points = np.require(x, dtype, "CAE")
        if points.ndim != 2 or points.shape[1] != self.inputs:
            raise KernelError(f"x must have shape (points, {self.inputs}), got {points.shape}")
        if not np.isfinite(points).all():
            raise KernelError("x holds a value that is not finite")
        y = np.empty((points.shape[0], len(self.outputs)), dtype=dtype)
        run = self.plan.run_f64 if dtype == "float64" else self.plan.run_f32
        share(
            points.shape[0],
            threads,
            lambda a, b: run(points[a:b], y[a:b]),
            unit=BLOCK,
        )
        return y


def rounding_bound(
    circuit: SparseCircuit,
    x_max: float,
    *,
    dtype: str = "float64",
    input_bits: int | None = None,
) -> float:
    """Bound the rounding error of every output for inputs in [-x_max, x_max].

    Running error analysis over the units (Higham 2002, section 3.3): with unit roundoff u, a sum of
    k terms of magnitude at most A in all errs by at most k u A, scales and biases are rounded
    once to `dtype`, and errors of the sources are carried through with the weights' magnitudes.
    The result is inflated by (1 + 2^-20) for the rounding of this computation itself. With
    `input_bits`, inputs are multiples of 2^-input_bits, and sums that fit the type are exact.
    Below the normal numbers an absolute error is added, and where values may overflow the bound is
    infinite.
    """
    if dtype not in ("float64", "float32"):
        raise ValueError(f"dtype must be float64 or float32, got {dtype!r}")
    if not 0 <= x_max < np.inf:
        raise ValueError(f"x_max must be finite and not negative, got {x_max!r}")
    if input_bits is not None and not 0 <= input_bits <= 1000:
        raise ValueError(f"input_bits must be in 0..1000, got {input_bits!r}")
    bits = -1 if input_bits is None else int(input_bits)
    return float(circuit.plan.bound(float(x_max), bits, 53 if dtype == "float64" else 24))
