"""Products of families out of three squares, recognised run by run.

p q is 2 (v_r((p+q)/2) - v_r(p/2) - v_r(q/2)), v_r(u) = u^2 interpolated at the multiples of 2^-r,
out of three chains of folds

    a_0 = S v_0,   a_i = |a_(i-1)|/2 - S 4^-i,
    sum_(i<=r) |a_i| = S (v_r(v_0) + (1 - 4^-r)/3).

It is within 6 * 4^-(r+1) of p q, and at most |p| and |q|: for r >= 1 it interpolates p q on a mesh
that the lines p = 0 and q = 0 belong to. (Yarotsky 2017, Prop. 3; Ding et al. 2019, Prop. 2.)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from qexpr.certificates.merged import Run
from qexpr.certificates.templates.families import Families, Family, Signal
from qexpr.errors import CertificateError

__all__ = ["Squares"]

HALF = Fraction(1, 2)
Form = dict[Signal, Fraction]


@dataclass(eq=False, slots=True)
class _Half:
    """A run of a fold's stage: relu of a form (stage 0), or of one side of its chain's a_i."""

    run: Run
    form: Form | None
    chain: _Chain | None = None


@dataclass(eq=False, slots=True)
class _Chain:
    """A square under way: a_0 = scale * form, and the halves of every stage by their sides."""

    form: Form
    scale: Fraction
    stages: list[dict[int, _Half]]


@dataclass(slots=True)
class _Product:
    signal: Signal
    weight: Fraction
    sides: set[int] = field(default_factory=set)


class Squares:
    """The squares and products among a circuit's families.

    Parameters
    ----------
    families : Families
    stages : int
        r + 1, of every product.
    """

    def __init__(self, families: Families, stages: int) -> None:
        self.families, self.stages = families, stages
        self._halves: dict[int, _Half] = {}
        self._products: dict[frozenset[int], _Product] = {}

    def fold(self, run: Run) -> None:
        """A run of a fold's stage at every node.

        Raises
        ------
        CertificateError
            If it folds neither a sum of signals nor the stage before it.
        """
        constant, found = self.families.bundles(run)
        before = [self._halves[first] for first in found if first in self._halves]
        if before and len(before) == len(found):
            weights = {weight for weight, _ in found.values()}
            whole = np.arange(run.size)
            if len(weights) != 1 or any(
                half.run.size != run.size or not np.array_equal(found[half.run.first][1], whole)
                for half in before
            ):
                raise CertificateError("a stage of a square does not fold the one before it")
            made = self._next(run, before, weights.pop(), constant)
        elif before or constant:
            raise CertificateError("a square does not begin with a sum of signals")
        else:
            made = _Half(run, self._form(run, found))
        self._halves[run.first] = made
        self.families.mark(run)

    def _form(self, run: Run, found: dict[int, tuple[Fraction, np.ndarray]]) -> Form:
        """The sum of signals that a run reads, both sides of each."""
        sides: dict[Signal, dict[int, Fraction]] = {}
        for first, (weight, positions) in found.items():
            family = self.families.family_at(first)
            if family is None or not self.families.is_aligned(run, family, positions):
                raise CertificateError(
                    f"the units from node {run.node} on read what is no signal of their nodes"
                )
            of = sides.setdefault(family.signal, {})
            of[family.side] = of.get(family.side, Fraction(0)) + weight * family.scale
        return {signal: _both(signal, of) for signal, of in sides.items()}

    def _next(self, run: Run, before: list[_Half], weight: Fraction, constant: Fraction) -> _Half:
        """Stage i >= 1: weight * (halves of stage i - 1) + constant, weight = +-1/2."""
        side = 1 if weight > 0 else -1
        chain = before[0].chain or self._begin(before, -4 * side * constant)
        place = next(
            (i for i, halves in enumerate(chain.stages) if set(halves.values()) == set(before)), -1
        )
        stage = place + 1
        if len(chain.stages) == stage:
            chain.stages.append({})
        if (
            place < 0
            or weight != side * HALF
            or constant != -side * chain.scale / 4**stage
            or side in chain.stages[stage]
            or (place and len(before) != 2)
        ):
            raise CertificateError("a stage of a square does not fold the one before it")
        made = _Half(run, None, chain)
        chain.stages[stage][side] = made
        return made

    def _begin(self, halves: list[_Half], scale: Fraction) -> _Chain:
        """A chain behind relu(A) and relu(-A), or behind one A >= 0."""
        form = halves[0].form
        if form is None or any(half.form is None or half.chain for half in halves):
            raise CertificateError("a stage of a square does not fold the one before it")
        if len(halves) == 1:
            good = all(c > 0 and not signal.signed for signal, c in form.items())
        else:
            good = len(halves) == 2 and halves[1].form == {s: -c for s, c in form.items()}
        if not good:
            raise CertificateError("a square does not begin with both signs of a sum")
        if scale <= 0 or sum(map(abs, form.values())) > scale:
            raise CertificateError("a square is taken of a sum that exceeds 1")
        first = dict(zip((1, -1), halves, strict=False))
        made = _Chain({s: c / scale for s, c in form.items()}, scale, [first])
        for half in halves:
            half.chain = made
        return made

    # Products ----------------------------------------------------------------------------------

    def product(self, run: Run) -> None:
        """One side of a product at every node: three chains in full, and their constant.

        Raises
        ------
        CertificateError
            If it is none.
        """
        constant, found = self.families.bundles(run)
        chains: dict[_Chain, Fraction] = {}
        whole = np.arange(run.size)
        for first, (weight, positions) in found.items():
            half = self._halves.get(first)
            if half is None or half.chain is None or not np.array_equal(positions, whole):
                raise CertificateError("a product is not made of squares")
            if chains.setdefault(half.chain, weight) != weight:
                raise CertificateError("a product does not take every stage of a square alike")
        number = sum(len(halves) for chain in chains for halves in chain.stages)
        complete = all(
            len(chain.stages) == self.stages and all(len(h) == 2 for h in chain.stages[1:])
            for chain in chains
        )
        if number != len(found) or not complete:
            raise CertificateError("a product does not take every stage of its squares")
        side, weight, signal = self._factors(chains)
        scale = next(iter(chains)).scale
        if constant != side * weight * scale * (1 - Fraction(1, 4 ** (self.stages - 1))) / 3:
            raise CertificateError("a product's constant does not make it 0 where a factor is")
        key = frozenset(map(id, chains))
        known = self._products.setdefault(key, _Product(signal, weight))
        if known.weight != weight or side in known.sides:
            raise CertificateError("the two sides of a product differ")
        known.sides.add(side)
        self.families.known[run.first] = Family(known.signal, side, weight * scale / 2, None)
        self.families.mark(run)

    def _factors(self, chains: dict[_Chain, Fraction]) -> tuple[int, Fraction, Signal]:
        """The side, the weight and the signal p q of squares of (p+q)/2, p/2 and q/2."""
        up = [chain for chain, weight in chains.items() if weight > 0]
        down = [chain for chain, weight in chains.items() if weight < 0]
        side = 1 if len(up) == 1 else -1
        of_sum, of_factors = (up, down) if side > 0 else (down, up)
        sizes = {abs(weight) for weight in chains.values()}
        scales = {chain.scale for chain in chains}
        if len(of_sum) != 1 or len(of_factors) != 2 or len(sizes) != 1 or len(scales) != 1:
            raise CertificateError("a product is not one square less two")
        total: Form = {}
        factors = []
        for chain in of_factors:
            (signal, share), *more = chain.form.items()
            if more or abs(share) != HALF:
                raise CertificateError("a product takes off what is no square of half a factor")
            # which sign a square's chain began with is immaterial
            factors.append(signal)
            total[signal] = total.get(signal, Fraction(0)) + HALF
        if of_sum[0].form not in (total, {signal: -c for signal, c in total.items()}):
            raise CertificateError("a product's first square is not that of the factors' sum")
        p, q = factors
        made = Signal(
            tuple(a + b for a, b in zip(p.hats, q.hats, strict=True)),
            tuple(a + b for a, b in zip(p.powers, q.powers, strict=True)),
            True,
            p.products + q.products + 1,
        )
        return side, sizes.pop(), made


def _both(signal: Signal, sides: dict[int, Fraction]) -> Fraction:
    """The weight of a signal, read by its sides."""
    if not signal.signed:
        return sides[1]
    if set(sides) != {1, -1} or sides[1] != -sides[-1]:
        raise CertificateError("the two sides of a signal are not read alike")
    return sides[1]
