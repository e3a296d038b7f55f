r"""VC dimension of ReLU networks (Bartlett, Harvey, Liaw, Mehrabian 2019).

With k_i units in layer i, W_i weights in the layers up to i, W = W_L and m >= sum_i W_i points,
the growth function is at most

.. math:: \Pi(m) \le \prod_{i=1}^{L} 2 \left(\frac{2 e m i k_i}{W_i}\right)^{W_i} .

m shattered points need 2^m <= Pi(m), so the largest m with
m <= L + sum_i W_i log2(2 e m i k_i / W_i) bounds the VC dimension. The product follows from
Warren's lemma and was derived again for this project; it allows connections that skip layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from qexpr.bounds.calculators.calculator import Calculator, Line, Parameter
from qexpr.bounds.calculators.layers import (
    WIDTHS,
    cumulative_weights,
    one_output,
)
from qexpr.bounds.calculators.values import order
from qexpr.bounds.references import reference
from qexpr.core.claim import Explicit, Side
from qexpr.core.source import Source, Trust
from qexpr.errors import InvalidInput

__all__ = [
    "CALCULATOR",
    "SOURCE",
    "closed_form",
    "largest_shattered",
    "quantized_upper",
    "vc_of_size",
    "vc_of_widths",
]

SOURCE = Source(
    reference("bartlett2019"),
    "explicit upper bound and its growth product",
    Trust("RECALLED", 0.93),
    "the growth product was derived again from Warren's lemma",
)
FREE = Source(reference("anthony1999"), "Theorem 8.4", Trust("RECALLED", 0.9))
QUANTIZED = Source(reference("qexpr"), "counts of fully connected networks", Trust("DERIVED"))


def largest_shattered(constant: int, terms: Sequence[tuple[int, Fraction]]) -> int:
    r"""The largest m with m <= constant + sum_j a_j log2(2 e c_j m), rounded up if in doubt.

    Parameters
    ----------
    constant : int
    terms : sequence of (a, c)
        Positive integers a and positive rationals c with m c >= 1 at m = sum a.

    Returns
    -------
    int
        An upper bound on every such m. It is at least sum_j a_j, so a growth product that holds
        from there on bounds the VC dimension by it.
    """
    start = sum(a for a, _ in terms)

    def exceeds(m: int) -> bool:
        return _excess_is_positive(m, constant, terms)

    # m - right side is convex with its minimum at start / ln 2; beyond that it only grows.
    low = 2 * max(start, 1)
    if exceeds(low):
        low = start
    high = 2 * low
    while not exceeds(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if exceeds(middle):
            high = middle
        else:
            low = middle
    return low


def _excess_is_positive(m: int, constant: int, terms: Sequence[tuple[int, Fraction]]) -> bool:
    """Whether m certainly exceeds the right side; a doubt that remains counts as no."""
    from qexpr.rigor import balls

    for bits in balls.PRECISIONS:
        with balls.precision(bits):
            right: Any = balls.ball(constant)
            for a, c in terms:
                right += a * (1 + balls.log2(c * m) + 1 / balls.arb.const_log2())
            excess = m - right
            if excess > 0:
                return True
            if excess < 0:
                return False
    return False


def vc_of_widths(widths: Sequence[int]) -> int:
    """An upper bound on the VC dimension of the fully connected network: the solved product."""
    weights = cumulative_weights(widths)
    terms = [
        (total, Fraction(i * units, total))
        for i, (units, total) in enumerate(zip(widths[1:], weights, strict=True), start=1)
    ]
    return largest_shattered(len(weights), terms)


def vc_of_size(weights: int, depth: int) -> int:
    r"""An upper bound for every architecture with at most so many weights and layers.

    Each W_i is at most W, and the units add up to at most W (each has a weight). Since
    (2 e m i k/V)^V grows with V for V <= 2 m i k, and the sum of log2 k_i is largest for equal
    k_i = W/L, the growth product gives m <= L + L W log2(2 e m/L) + W log2(L!).
    """
    if weights < 1 or depth < 1:
        raise InvalidInput("weights and depth must be at least 1")
    terms = [(weights, Fraction(i, depth)) for i in range(1, depth + 1)]
    return largest_shattered(depth, terms)


def closed_form(widths: Sequence[int]) -> Explicit:
    r"""L + sum_i W_i log2(4 e R log2(2 e R)) with R = sum_i i k_i: the published closed form."""
    from qexpr.rigor import balls

    total = sum(cumulative_weights(widths))
    layers = len(widths) - 1
    R = sum(i * units for i, units in enumerate(widths[1:], start=1))

    def value() -> Any:
        e = balls.ball(1).exp()
        return layers + total * balls.log2(4 * e * R * balls.log2(2 * e * R))

    return Explicit(*balls.enclosure(value), Side.UPPER)


def quantized_upper(weights: int, lam: int) -> int:
    """floor(W log2 lambda), exactly: a fixed graph has at most lambda^W functions."""
    from qexpr.rigor import balls

    if lam & (lam - 1) == 0:
        return weights * (lam.bit_length() - 1)
    return balls.certain_floor(lambda: weights * balls.log2(lam))


def _operations(widths: Sequence[int]) -> int:
    """A product and a sum for each weight, a comparison for each unit, and the output of a bit."""
    return sum(2 * before * units + units for before, units in pairwise(widths)) + 1


def _lines(widths: tuple[int, ...], lam: int | None, bits: int | None) -> list[Line]:
    one_output(widths)
    if lam is not None and bits is not None and lam != 2**bits:
        raise InvalidInput(f"lam and bits must agree: {bits} bits are {2**bits} values, got {lam}")
    weights, layers = cumulative_weights(widths)[-1], len(widths) - 1
    solved = vc_of_widths(widths)
    lines = [
        Line("weights and biases", weights, "of the fully connected network", QUANTIZED),
        Line(
            "upper, solved",
            Explicit.exact(solved, Side.UPPER),
            "the largest m that the growth product allows",
            SOURCE,
        ),
        Line("upper, closed form", closed_form(widths), "L + sum W_i log2(4eR log2(2eR))", SOURCE),
        Line(
            "upper, any depth",
            Explicit.exact(4 * weights * (_operations(widths) + 2), Side.UPPER),
            f"4 W (t + 2), t = {_operations(widths)} operations",
            FREE,
        ),
        Line("order, upper", order("W*L*log(W)", W=weights, L=layers), "W L log W", _CONFIRMED),
        Line(
            "order, lower",
            order("W*L*log(W/L)", W=weights, L=layers),
            "W L log(W/L), for the best networks of that size, L and W/L large",
            _CONFIRMED,
        ),
    ]
    least, source = solved, SOURCE
    values = lam if lam is not None else 2**bits if bits is not None else None
    if values is not None:
        counted = quantized_upper(weights, values)
        note = f"floor(W log2 {values}): a fixed graph, every weight one of {values} values"
        lines.append(Line("upper, quantized", Explicit.exact(counted, Side.UPPER), note, QUANTIZED))
        if counted < least:
            least, source = counted, QUANTIZED
    lines.append(
        Line(
            "least of the upper bounds",
            Explicit.exact(least, Side.UPPER),
            f"its trust: {source.trust}",
            source,
        )
    )
    return lines


_CONFIRMED = Source(
    reference("bartlett2019"), "orders of the upper and lower bounds", Trust("CONFIRMED")
)


CALCULATOR = Calculator(
    "vc",
    "VC dimension of fully connected ReLU networks",
    r"Upper bounds on the VC dimension of the network's sign patterns: the growth product "
    r"$\Pi(m) \le \prod_i 2 (2 e m i k_i / W_i)^{W_i}$ solved for $m$, its closed form, "
    r"$4 W (t+2)$, and for quantized weights $\lfloor W \log_2 \lambda \rfloor$.",
    (
        WIDTHS,
        Parameter("lam", "integer", 2, 2**64, "number of weight values", required=False),
        Parameter("bits", "integer", 1, 64, "bits of each weight", required=False),
    ),
    _lines,
    (SOURCE, FREE, _CONFIRMED, QUANTIZED),
)
