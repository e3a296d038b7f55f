"""The monomials z^a, z = 2x - 1, by repeated products, each at the scale where it is used."""

from __future__ import annotations

from fractions import Fraction

from qexpr.circuits.gadgets import Kit, Shifted, log2_of
from qexpr.core.function import MultiIndex

__all__ = ["Monomials", "split"]


def split(a: MultiIndex) -> tuple[MultiIndex, MultiIndex]:
    """Two factors of about half the degree; equal ones where all exponents are even."""
    if all(k % 2 == 0 for k in a):
        half = tuple(k // 2 for k in a)
        return half, half
    need, first = (sum(a) + 1) // 2, []
    for k in a:
        take = min(k, need)
        first.append(take)
        need -= take
    return tuple(first), tuple(k - j for k, j in zip(a, first, strict=True))


class Monomials:
    """Shifted monomials on one kit: error of z^a at most (|a| - 1) 4^-(r+1).

    Parameters
    ----------
    kit : Kit
    r : int
    indices : list of multi-indices
        Those that will be asked for, none of them 0.
    """

    def __init__(self, kit: Kit, r: int, indices: list[MultiIndex]) -> None:
        self.kit = kit
        self.r = r
        self.indices = indices
        self._held: dict[MultiIndex, Shifted] = {}
        self._scales: dict[MultiIndex, Fraction] = {}

    def fits(self, wanted: dict[MultiIndex, Fraction]) -> bool:
        """Whether no scale above the sources' own would be needed; keeps the scales if so."""
        u = self.kit.u
        scales = dict(wanted)
        for degree in range(max(map(sum, wanted), default=0), 1, -1):
            for a in [a for a in scales if sum(a) == degree]:
                left, right = split(a)
                need = scales[a] / (u**2 if left == right else 2 * u**2)
                for part in (left, right):
                    scales[part] = max(need, scales.get(part, need))
        self._scales = scales
        return all(2 * s <= 1 for s in scales.values())

    def at(self, a: MultiIndex, scale: Fraction) -> Shifted:
        """z^a at a scale not above the one that `fits` settled."""
        kit = self.kit
        if sum(a) == 1:  # scale (z + 1) = 2 scale x
            return Shifted(kit.scaled(kit.net.inputs[a.index(1)], -log2_of(2 * scale)), scale)
        if a not in self._held:
            left, right = split(a)
            top = self._scales[a]
            if left == right:
                terms, held, zero = kit.square(self.at(left, top / kit.u**2), self.r)
                self._held[a] = kit.shifted_sum(terms, held, 1 - zero)
            else:
                factor = top / (2 * kit.u**2)
                terms, held = kit.product(self.at(left, factor), self.at(right, factor), self.r)
                self._held[a] = kit.shifted_sum(terms, held, Fraction(1))
        made = self._held[a]
        return Shifted(kit.scaled(made.unit, log2_of(made.scale) - log2_of(scale)), scale)
