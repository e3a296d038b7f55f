"""The sub-network that stands for one weight: Ding et al.'s, and tighter ones.

A weight w in [-1, 1] is stored by t digits, |w' - w| <= 2^-t. Ding et al. add up shared powers
(Proposition 3): with s the least integer such that s^(lambda-1) >= t + 1, the power 2^-i takes as
many connections as the digits of i in base s add up to, and depth (lambda-1)(s-1) in all. With
weights +-1/2 alone, the steps z <- z/2 + x/2 + (s_i/2) x take depth t + 1 and fewer connections.
"""

from __future__ import annotations

from qexpr.bounds.calculators.calculator import Calculator, Line, Parameter
from qexpr.bounds.references import reference
from qexpr.core.claim import Explicit, Side
from qexpr.core.source import Source, Trust

__all__ = ["CALCULATOR", "base", "ding_connections"]

DING = Source(
    reference("ding2019universal"), "Proposition 3, its connections counted", Trust("DERIVED")
)
OWN = Source(reference("qexpr"), "blocks for one weight", Trust("DERIVED"))


def base(t: int, lam: int) -> int:
    """The least s with s^(lambda-1) >= t + 1: ceil((t+1)^(1/(lambda-1))) in integers."""
    low, high = 1, t + 1  # (t+1)^(lambda-1) >= t + 1; 1 < t + 1
    while high - low > 1:
        middle = (low + high) // 2
        # middle >= 2, so an exponent of t.bit_length() + 1 is already enough
        if middle ** min(lam - 1, (t + 1).bit_length() + 1) >= t + 1:
            high = middle
        else:
            low = middle
    return high


def ding_connections(t: int, lam: int) -> int:
    """sum over i <= t of the digit sum of i in base s."""
    s, total = base(t, lam), 0
    for i in range(1, t + 1):
        while i:
            i, digit = divmod(i, s)
            total += digit
    return total


def _lines(t: int, lam: int) -> list[Line]:
    def most(value: int) -> Explicit:
        return Explicit.exact(value, Side.UPPER)

    s = base(t, lam)
    return [
        Line(
            "Ding et al.: connections",
            most(ding_connections(t, lam)),
            f"sum over i <= t of the digit sum of i in base s = {s}",
            DING,
        ),
        Line("Ding et al.: depth", most((lam - 1) * (s - 1)), "(lambda-1)(s-1)", DING),
        Line(
            "strict layers: connections",
            most(7 * t + 6),
            "with padding, width 3, every weight +-1/2",
            OWN,
        ),
        Line("strict layers: depth", most(t + 1), "every weight +-1/2", OWN),
        Line("skips: connections", most(3 * t), "three for each digit, every weight +-1/2", OWN),
    ]


CALCULATOR = Calculator(
    "block",
    "sub-networks that stand for one weight of t digits",
    r"Connections and depth for $|w' - w| \le 2^{-t}$: Ding et al.'s "
    r"$\sum_{i \le t} \mathrm{digitsum}_s(i)$, $s = \lceil (t+1)^{1/(\lambda-1)} \rceil$, at depth "
    r"$(\lambda-1)(s-1)$; $7t+6$ in strict layers and $3t$ with skips, all weights $\pm 1/2$.",
    (
        Parameter("t", "integer", 1, 10_000, "digits"),
        Parameter("lam", "integer", 2, 2**64, "number of weight values", required=False, default=2),
    ),
    _lines,
    (DING, OWN),
)
