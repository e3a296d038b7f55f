"""What circuits and certificates know of a target: rational enclosures of its derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Protocol, runtime_checkable

__all__ = ["Function", "MultiIndex"]

MultiIndex = tuple[int, ...]


@runtime_checkable
class Function(Protocol):
    """A real function on [0,1]^d given by enclosures of its partial derivatives.

    Constructions need values at lattice points only, by the million, so the one method is
    batched and speaks integers: the points are ``numerators / denominator``.
    """

    @property
    def d(self) -> int:
        """The number of variables."""

    def enclose(
        self,
        order: MultiIndex,
        numerators: Sequence[Sequence[int]],
        denominator: int,
        bits: int,
    ) -> tuple[Sequence[int], Sequence[int]]:
        """Enclose D^order f at the points ``numerators[i] / denominator`` in [0,1]^d.

        Parameters
        ----------
        order : tuple of int
            The multi-index a, of length d.
        numerators : sequence of integer sequences, shape (m, d)
        denominator : int
            Positive; all points share it.
        bits : int
            Accuracy asked for: each enclosure is at most 2^-bits wide where that is possible.

        Returns
        -------
        lower, upper : sequences of int, length m
            ``lower[i] * 2^-(bits+2) <= D^a f(x_i) <= upper[i] * 2^-(bits+2)``.
        """

    def norm(self, n: int) -> Fraction:
        """A proven upper bound of max over |a| <= n of sup |D^a f| on the unit cube.

        Raises
        ------
        InvalidInput
            If it cannot be proven to be at most 1 + 2^-20.
        """
