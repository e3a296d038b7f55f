r"""Ding et al.'s optimal bit width: the integer lambda >= 2 with the fewest bits.

The bits of their Theorem 1 have the factor lambda log(lambda) T^(1/(lambda-1)+1) with
T = log2(3 n 2^d / eps). As a function of real lambda its logarithm has the derivative
(h(lambda) - ln T)/(lambda-1)^2 with h = (lambda-1)^2/lambda (1 + 1/ln lambda), which increases:
so the cost falls and then rises, and the first lambda that is not beaten by its successor is the
best. Every comparison is made by balls, or exactly.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from qexpr.bounds.calculators.calculator import Calculator, Line, Parameter
from qexpr.bounds.calculators.values import explicit, order
from qexpr.bounds.references import reference
from qexpr.core.claim import Side
from qexpr.core.source import Source, Trust
from qexpr.errors import InvalidInput, QexprError

__all__ = [
    "CALCULATOR",
    "best_lambda",
    "best_power_of_two",
    "cost",
    "digits",
    "threshold",
    "threshold_of_bits",
]

SOURCE = Source(
    reference("ding2019universal"),
    "optimal bit width",
    Trust("RECALLED", 0.75),
    "t = log2(3 n 2^d/eps) is recalled; for d > 1 a rigorous version takes C(n-1+d, d) "
    "monomials in place of n",
)
MINIMUM = Source(
    reference("qexpr"), "minimum of lambda log(lambda) T^(1/(lambda-1)+1)", Trust("DERIVED")
)

COST = "lam*log(lam)*T**(1/(lam-1)+1)"
DIGITS = "log(3*n*2**d/eps)"

_NEEDS = "calculator bitwidth needs either T or all of d, n and eps"

Digits = Any  # a Fraction, or a function that gives a ball at the working precision


def digits(d: int, n: int, eps: Fraction) -> Digits:
    """T = log2(3 n 2^d / eps): a Fraction where it is an integer, else a ball on demand."""
    from qexpr.rigor import balls

    argument = 3 * n * 2**d / eps
    exact = balls.log2(argument)
    if exact.is_exact():
        return balls.lower_end(exact)
    return lambda: balls.log2(argument)


def _cheaper(lam: int, other: int, T: Digits) -> bool:
    """Whether `lam` costs at most as much as `other`, certainly."""
    from qexpr.rigor import balls

    if isinstance(T, Fraction) and _exactly_equal(lam, other, T):
        return True
    for bits in balls.PRECISIONS:
        with balls.precision(bits):
            t = balls.ball(T) if isinstance(T, Fraction) else T()
            gap = _log_cost(lam, t) - _log_cost(other, t)
            if gap < 0:
                return True
            if gap > 0:
                return False
    raise QexprError(f"the costs of lambda = {lam} and {other} could not be told apart")


def _log_cost(lam: int, t: Any) -> Any:
    from qexpr.rigor import balls

    return (lam * balls.log2(lam)).log() + (1 + balls.ball(Fraction(1, lam - 1))) * t.log()


def _exactly_equal(lam: int, other: int, T: Fraction) -> bool:
    """Equality for powers of two and rational T, where it can happen: at T = 8, for 2 and 4."""
    if lam & (lam - 1) or other & (other - 1):
        return False
    costs = (lam * (lam.bit_length() - 1), other * (other.bit_length() - 1))
    power = (lam - 1) * (other - 1)
    left, right = costs[0] ** power * T ** (other - 1), costs[1] ** power * T ** (lam - 1)
    return bool(left == right)


def best_lambda(T: Digits) -> int:
    """The least minimizer over the integers lambda >= 2; T > 1."""
    lam = 2
    while not _cheaper(lam, lam + 1, T):
        lam += 1
    return lam


def best_power_of_two(T: Digits) -> int:
    """The least minimizer over lambda = 2, 4, 8, ...: whole bits."""
    lam = 2
    while not _cheaper(lam, 2 * lam, T):
        lam *= 2
    return lam


def cost(lam: int, T: Fraction) -> float:
    """lambda log2(lambda) T^(1/(lambda-1)+1) as a double: for drawings and lines."""
    return order(COST, lam=lam, T=T).value


def threshold(lam: int) -> float:
    """The T at which lam and lam + 1 cost the same, as a double: for drawings."""
    ratio = (lam + 1) * math.log(lam + 1) / (lam * math.log(lam))
    return float(ratio ** (lam * (lam - 1)))


def threshold_of_bits(bits: int) -> float:
    """The T at which 2^bits and 2^(bits + 1) cost the same, as a double: for drawings."""
    low, high = 2**bits - 1, 2 ** (bits + 1) - 1
    return float((2 * (bits + 1) / bits) ** (low * high / 2**bits))


def _near(d: int | None, n: int | None, eps: Fraction | None, T: Fraction | None) -> Fraction:
    """T as a rational from above, given itself or by d, n and eps."""
    if T is not None and (d, n, eps) == (None, None, None):
        return T
    if T is None and d is not None and n is not None and eps is not None:
        return explicit(DIGITS, Side.UPPER, d=d, n=n, eps=eps).upper
    raise InvalidInput(_NEEDS)


def _curves(**given: Any) -> dict[str, Any]:
    """The costs at the given T, and the steps of both minimizers over T."""
    T = _near(**given)
    best, power = best_lambda(T), best_power_of_two(T)
    last = 4.0 * max(float(T), 100.0)
    steps = [(2, 1.5)]
    while (after := threshold(steps[-1][0])) < last:
        steps.append((steps[-1][0] + 1, after))
    whole = [(1, 1.5)]
    while (after := threshold_of_bits(whole[-1][0])) < last:
        whole.append((whole[-1][0] + 1, after))
    sizes = range(2, max(16, 2 * max(best, power)) + 1)
    return {
        "T": float(T),
        "last": last,
        "best": best,
        "power": power,
        "trust": str(SOURCE.trust),
        "costs": [(lam, cost(lam, T)) for lam in sizes],
        "steps": steps,
        "steps_of_bits": whole,
    }


def _lines(d: int | None, n: int | None, eps: Fraction | None, T: Fraction | None) -> list[Line]:
    near = _near(d, n, eps, T)
    lines = []
    given: Digits = near
    if d is not None and n is not None and eps is not None:
        given = digits(d, n, eps)
        value = explicit(DIGITS, Side.UPPER, d=d, n=n, eps=eps)
        lines.append(Line("T", value, "log2(3 n 2^d / eps)", SOURCE))
    best, power = best_lambda(given), best_power_of_two(given)
    lines += [
        Line("lambda", best, "over all integers lambda >= 2", MINIMUM),
        Line("cost", order(COST, lam=best, T=near), COST, SOURCE),
        Line("bits", power.bit_length() - 1, f"over powers of two, lambda = {power}", MINIMUM),
        Line("cost with whole bits", order(COST, lam=power, T=near), COST, SOURCE),
    ]
    return lines


CALCULATOR = Calculator(
    "bitwidth",
    "Ding et al.'s optimal bit width",
    r"$\arg\min_{\lambda \ge 2} \lambda \log(\lambda)\, T^{1/(\lambda-1)+1}$ over the integers, "
    r"and over the powers of two, with $T = \log_2(3 n 2^d/\varepsilon)$.",
    (
        Parameter("d", "integer", 1, 1000, "input dimension", required=False),
        Parameter("n", "integer", 1, 1000, "number of bounded derivatives", required=False),
        Parameter(
            "eps",
            "rational",
            Fraction(1, 10**300),
            Fraction(999, 1000),
            "accuracy",
            required=False,
        ),
        Parameter("T", "rational", Fraction(3, 2), Fraction(10**6), "T itself", required=False),
    ),
    _lines,
    (SOURCE, MINIMUM),
    _curves,
)
