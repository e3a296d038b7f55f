"""Local search over discrete weights: single changes, each tried exactly as it would be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from qexpr.certificates import Enclosure, enclose
from qexpr.circuits import Circuit
from qexpr.core.numbers import read_integer
from qexpr.core.progress import Progress
from qexpr.errors import InvalidInput, shorten
from qexpr.networks import QuantizedNetwork
from qexpr.training.data import sample_target

__all__ = ["Improved", "improved", "polish", "sampled"]

_CELLS = 1 << 24  # values of all nodes at all points
_POWER = 16  # of the norm that says which changes to try first


class Sampled(Protocol):
    """A network at sample points, whose codes are changed one at a time."""

    choices: list[np.ndarray]
    codes: np.ndarray

    @property
    def outputs(self) -> np.ndarray: ...

    def scores(self, upstream: np.ndarray) -> np.ndarray: ...

    def step(self, coordinate: int, code: int) -> float: ...

    def tried(self, coordinate: int, code: int) -> tuple[np.ndarray, Any]: ...

    def accept(self, coordinate: int, code: int, token: Any) -> None: ...

    def network(self) -> Any: ...


@dataclass(frozen=True, eq=False)
class Improved:
    """A network with other discrete weights, and what is proven of it and of the one before.

    Attributes
    ----------
    net : the better of the two by the proven upper end of the error; the one given, on a tie
    before, after : the enclosures of both errors (the same if nothing was gained)
    seen_before, seen_after : the largest errors at the sample points, of the one given and of the
        one found; not proven
    changed : how many weights differ
    evaluations : how many changes were tried, or steps were done
    """

    net: Circuit | QuantizedNetwork
    before: Enclosure
    after: Enclosure
    seen_before: float
    seen_after: float
    changed: int
    evaluations: int


def polish(
    net: Circuit | QuantizedNetwork,
    f: Any,
    *,
    samples: int = 2048,
    evaluations: int = 20_000,
    gap: str = "1e-2",
    budget: float | None = 60.0,
    progress: Progress | None = None,
) -> Improved:
    """Change one discrete weight at a time for as long as that lowers the error.

    A change is made if it lowers the largest error at the sample points, or leaves it and lowers
    their 16-norm. Those that the derivative speaks for are tried first; a search ends when none
    of all changes is made. In the end both networks' errors are enclosed, and the
    result is never the one with the larger proven upper end.

    Parameters
    ----------
    net : a circuit, of which the free edges may change, or a network of dense layers, of which
        every code may become another one that its layer holds already (so it packs as it did)
    f : a target of the dimension of `net`
    samples : points of a grid at which errors are compared; fewer if the network is large
    evaluations : the most changes that are tried
    gap, budget : of each enclosure, as for `certificates.enclose`
    progress : told (tried, most)

    Raises
    ------
    InvalidInput, Unsupported
        For another dimension, a circuit without free edges, layers that are not dense.
    """
    read_integer(evaluations, "evaluations", 0, 10**9)
    state, wanted = sampled(net, f, samples)
    first = state.codes.copy()
    residual = state.outputs - wanted
    seen = float(np.abs(residual).max())
    done = 0
    while done < evaluations:
        made = False
        for coordinate, code in _candidates(state, residual):
            if done == evaluations:
                break
            done += 1
            if progress is not None:
                progress(done, evaluations)
            outputs, token = state.tried(coordinate, code)
            if _better(outputs - wanted, residual):
                state.accept(coordinate, code, token)
                residual = state.outputs - wanted
                made = True
                break
        if not made:
            break
    changed = int((state.codes != first).sum())
    return improved(net, state.network, f, wanted, seen, residual, changed, done, gap, budget)


def improved(
    net: Circuit | QuantizedNetwork,
    found: Callable[[], Any],
    f: Any,
    wanted: np.ndarray,
    seen: float,
    residual: np.ndarray,
    changed: int,
    done: int,
    gap: str,
    budget: float | None,
) -> Improved:
    """Enclose both errors and keep the better network."""
    before = enclose(net, f, gap, budget=budget)
    last = float(np.abs(residual).max())
    if not changed:
        return Improved(net, before, before, seen, last, 0, done)
    other = found()
    after = enclose(other, f, gap, budget=budget)
    if after.upper < before.upper:
        return Improved(other, before, after, seen, last, changed, done)
    return Improved(net, before, before, seen, last, 0, done)


def sampled(net: Circuit | QuantizedNetwork, f: Any, samples: int) -> tuple[Any, np.ndarray]:
    """A network at points of a grid, and the target's values there."""
    if not isinstance(net, Circuit | QuantizedNetwork):
        raise InvalidInput(f"a Circuit or a QuantizedNetwork is polished, got {shorten(net)}")
    if net.d != f.d:
        raise InvalidInput(f"the network has {net.d} inputs, the target {f.d}")
    read_integer(samples, "samples", 2**f.d, 10**7)
    if isinstance(net, Circuit):
        from qexpr.training.sampled_circuit import SampledCircuit as Kind

        if not len(net.free):
            raise InvalidInput("the circuit has no free edges: none of its weights may change")
        nodes = net.output + 1
    else:
        from qexpr.training.sampled_network import SampledNetwork as Kind  # type: ignore[assignment]

        nodes = sum(int(np.prod(shape)) for shape in net.shapes)
    most = max(2**f.d, min(samples, _CELLS // nodes))
    data = sample_target(f, most, method="grid")
    return Kind(net, data.x), data.y  # type: ignore[arg-type]


def _better(new: np.ndarray, old: np.ndarray) -> bool:
    first, second = np.abs(new).max(), np.abs(old).max()
    if first != second:
        return bool(first < second)
    return (
        bool(((new / first) ** _POWER).sum() < ((old / first) ** _POWER).sum()) if first else False
    )


def _candidates(state: Sampled, residual: np.ndarray) -> list[tuple[int, int]]:
    """All single changes, those first that the derivative of the norm speaks for most."""
    largest = np.abs(residual).max()
    if not largest:
        return []
    slopes = state.scores((residual / largest) ** (_POWER - 1))
    moves = [
        (float(slopes[k]) * state.step(k, int(code)), k, int(code))
        for k, choices in enumerate(state.choices)
        for code in choices
        if code != state.codes[k]
    ]
    return [(k, code) for _, k, code in sorted(moves)]
