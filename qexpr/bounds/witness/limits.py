"""What weights * eps^(d/n) and free bits * eps^(d/n) come to: upper ends of their upper limits.

Cones: N^d units of 2 edges and p digits each, and with finer and finer steps
eps N^n -> kappa + s R/(2^(bp) - s nu), s = 1 + 2^-20; the best p.

Bubbles: see `bubbles_limit.py` beside it.

Multiresolution: hats, the sum tree and the digits of all levels for each of (N + 1)^d nodes. Where
eps and h^n double the steps may, so the value only depends on the place of eps between two powers
of two: the octave is cut into parts, each bounded by its ends. Products, waves and level 0 vanish
in the limit, and every N is allowed there.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

from qexpr.bounds.witness.bubbles_limit import limit_power
from qexpr.bounds.witness.multiresolution import errors
from qexpr.bounds.witness.source import digit_bits
from qexpr.core.levels import TreeErrors
from qexpr.core.planes import ENOUGH, hat_price, variants_of
from qexpr.core.query import Query
from qexpr.errors import InvalidInput, shorten

__all__ = ["asymptotic"]

_STEPS = (1, 3, 5, 7)
_PARTS = 256  # of an octave
_ROOT = 10**6  # roots are rounded up to multiples of 1/_ROOT

Piece = tuple[Fraction, Fraction, tuple[Fraction, ...]]


def asymptotic(
    construction: str,
    d: Any,
    n: Any,
    lam: Any = 2,
    alphabet: Any = None,
    quantity: str = "weights",
) -> Fraction:
    """C with limsup weights * eps^(d/n) <= C, for "cones", "bubbles" or "multiresolution".

    Parameters
    ----------
    construction : str
    d, n, lam, alphabet
        As in `Query`.
    quantity : {"weights", "free_bits"}
        Each is made small for itself: the smallest network may have more free bits.

    Raises
    ------
    InvalidInput
        For another construction or quantity, cones beyond n = 2, or bubbles but for n = 3, d <= 2.
    OutOfRegime
        For a nonlinear alphabet over which no circuit is built.
    """
    if quantity not in ("weights", "free_bits"):
        raise InvalidInput(f"quantity must be weights or free_bits, got {shorten(quantity)}")
    lam = None if alphabet is not None else lam
    query = Query(d, n, lam, "1/2", alphabet=alphabet)
    b, free = digit_bits(query.alphabet), quantity == "free_bits"
    if construction == "cones" and query.n <= 2:
        power = _cones(query.d, query.n, b, free)
    elif construction == "bubbles" and query.n == 3 and query.d <= 2:
        power = limit_power(query.d, b, free)
    elif construction == "multiresolution":
        power = _multiresolution(query.d, query.n, b, free)
    else:
        raise InvalidInput(
            "limits are known of cones (n = 1, 2), bubbles (n = 3, d = 1, 2) and "
            f"multiresolution, got {shorten(construction)}, d = {query.d} and n = {query.n}"
        )
    return _root_above(power, query.n) * (query.alphabet.bits_per_weight if free else 1)


def _root_above(value: Fraction, n: int) -> Fraction:
    """The n-th root, rounded up."""
    low, high = 0, 1
    while Fraction(high, _ROOT) ** n < value:
        high *= 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if Fraction(middle, _ROOT) ** n >= value else (middle, high)
    return Fraction(high, _ROOT)


def _cones(d: int, n: int, b: int, free: bool) -> Fraction:
    """The n-th power of the least (edges a node) (eps N^n)^(d/n) over the digits p."""
    slack, more = 1 + Fraction(1, 2**20), 0 if free else 2
    kappa = Fraction(d, 2) if n == 1 else Fraction(d * d, 8)
    reach, nu = 2**d if n == 1 else 2 ** (d - 1), 2 ** (d + 1) - 3 + 2 * (d % 2)
    digits = [p for p in range(1, 16 + d) if 2 ** (b * p) > nu + 1]
    powers = [
        (more + p) ** n * (kappa + slack * reach / (2 ** (b * p) - slack * nu)) ** d for p in digits
    ]
    least: Fraction = min(powers)
    return least


def _pieces(terms: TreeErrors, j: int) -> list[Piece]:
    """The least steps for h^n in (1/2, 1]: (from, to, steps), downwards; they double with h^n."""
    x, found = Fraction(1), []
    while x > Fraction(1, 2):
        q, start = [Fraction(0)] * terms.n, Fraction(1, 2)
        for i in range(terms.n - 1, -1, -1):
            carried = sum((terms.carried[i][m] * q[m] for m in range(i + 1, terms.n)), Fraction(0))
            least = (terms.remainder[i] * x + carried) / terms.reach[i]
            step = Fraction(j)
            while step < least:
                step *= 2
            while step / 2 >= least:
                step /= 2
            q[i] = step
            # the h^n down to which half of the step is too small
            start = max(start, (step / 2 * terms.reach[i] - carried) / terms.remainder[i])
        found.append((start, x, tuple(q)))
        x = start
    return found


def _multiresolution(d: int, n: int, b: int, free: bool) -> Fraction:
    """The largest over the octave of the n-th power of the least (edges a node) (eps/h^n)^(d/n)."""
    plans = [
        (_edges(terms, extra, free), _reachable(terms, _pieces(terms, j), extra))
        for terms in variants_of(errors(d, n, b))
        for j in _STEPS
        for extra in _extras(terms)
    ]
    taylor = errors(d, n, b).taylor
    places = [1 + Fraction(k, _PARTS) for k in range(_PARTS + 1)]
    largest = Fraction(0)
    for low, high in pairwise(places):
        # eps < high, and h^n is at least what low allows
        least = min(edges**n * (high / _most(taylor, ends, low)) ** d for edges, ends in plans)
        largest = max(largest, least)
    return largest


def _edges(terms: TreeErrors, extra: tuple[int, ...], free: bool) -> Fraction:
    """Of a node: its hat, its share of the tree, its digits, and its share of those above."""
    d = terms.d
    above = Fraction(1, 2**d - 1)
    digits = sum(c * p for c, p in zip(terms.number, terms.planes, strict=True))
    more = sum(c * e for c, e in zip(terms.number, extra, strict=True))
    fixed = Fraction(0) if free else hat_price(d) + (1 + above)
    return fixed + (1 + above) * digits + more


def _extras(terms: TreeErrors) -> list[tuple[int, ...]]:
    """Further digits of the last level, each where the error is largest at its price."""
    q = _pieces(terms, 1)[-1][2]
    weights = [w * size for w, size in zip(terms.digit, q, strict=True)]
    extra, found = [0] * terms.n, []
    while True:
        found.append(tuple(extra))
        if sum(weights) * ENOUGH < terms.taylor:
            return found
        i = max(range(terms.n), key=lambda i: (weights[i] / terms.number[i], -i))
        extra[i] += 1
        weights[i] /= 2**terms.bits


def _reachable(
    terms: TreeErrors, pieces: list[Piece], extra: tuple[int, ...]
) -> list[tuple[Fraction, Fraction, Fraction]]:
    """(from, to, digits' error) of every piece."""
    return [
        (
            start,
            end,
            sum(
                (w * size / 2 ** (terms.bits * e)
                 for w, size, e in zip(terms.digit, q, extra, strict=True)),
                Fraction(0),
            ),
        )
        for start, end, q in pieces
    ]  # fmt: skip


def _most(
    taylor: Fraction, pieces: list[tuple[Fraction, Fraction, Fraction]], eps: Fraction
) -> Fraction:
    """The largest h^n with taylor h^n + digits <= eps."""
    scale = Fraction(1)
    while taylor * scale < eps:
        scale *= 2
    while True:
        for start, end, coded in pieces:
            left = eps - scale * coded
            if taylor * scale * start < left:
                return min(scale * end, left / taylor)
        scale /= 2
