r"""The error of rounding the weights of a ReLU network to multiples of 2^-b, with constants.

Derived for this project, in place of the Lipschitz constants of Gonon et al. (2023): for two
networks with sup|x| <= X_0 whose weights differ by at most eta, fan-ins k_l and E_0 = 0,

.. math:: E_l = \|A_l\|_{\infty} E_{l-1} + \eta (k_l X_{l-1} + 1), \qquad
          X_l = \|A'_l\|_{\infty} X_{l-1} + \|b'_l\|_{\infty},

sup|f - f'| <= E_L; A' and X belong to the rounded network. Rounding to nearest has
eta = 2^-(b+1). ReLU is 1-Lipschitz and maps 0 to 0, so it changes neither recursion.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from qexpr.bounds.calculators.calculator import Calculator, Line, Parameter
from qexpr.bounds.calculators.layers import WIDTHS
from qexpr.bounds.calculators.values import order
from qexpr.bounds.references import reference
from qexpr.core.claim import Explicit, Side
from qexpr.core.source import Source, Trust
from qexpr.errors import InvalidInput

__all__ = ["CALCULATOR", "a_posteriori", "a_priori", "least_bits", "round_to_bits"]

OWN = Source(reference("qexpr"), "rounding errors by layers", Trust("DERIVED"))
GONON = Source(
    reference("gonon2023"),
    "Lipschitz constant of the realization map",
    Trust("RECALLED", 0.7),
    "for layers with norm at most r; entries up to B have r = W B",
)
_MAX_BITS = 4096

Layer = tuple[Sequence[Sequence[Fraction]], Sequence[Fraction]]


def a_priori(widths: Sequence[int], largest: Fraction, bits: int) -> Fraction:
    """E_L for every network of these widths with entries at most `largest`, on [0,1]^d."""
    eta = Fraction(1, 2 ** (bits + 1))
    on_grid = (largest * 2**bits).denominator == 1
    rounded = largest if on_grid else largest + eta  # rounding keeps the order of numbers
    error, size = Fraction(0), Fraction(1)
    for fan_in in widths[:-1]:
        error = fan_in * largest * error + eta * (fan_in * size + 1)
        size = fan_in * rounded * size + rounded
    return error


def least_bits(widths: Sequence[int], largest: Fraction, eps: Fraction) -> int:
    """The fewest bits b >= 0 with a_priori <= eps, which falls as b grows: by bisection."""
    if a_priori(widths, largest, 0) <= eps:
        return 0
    low, high = 0, 1
    while a_priori(widths, largest, high) > eps:
        low, high = high, 2 * high
        if high > _MAX_BITS:
            raise InvalidInput(f"more than {_MAX_BITS} bits are needed: fewer layers, larger eps")
    while high - low > 1:
        middle = (low + high) // 2
        if a_priori(widths, largest, middle) <= eps:
            high = middle
        else:
            low = middle
    return high


def round_to_bits(value: Fraction, bits: int) -> Fraction:
    """The nearest multiple of 2^-bits (ties to even)."""
    return Fraction(round(value * 2**bits), 2**bits)


def a_posteriori(layers: Sequence[Layer], bits: int, domain: Fraction = Fraction(1)) -> Fraction:
    """E_L for given exact layers (matrix rows, biases), each rounded to multiples of 2^-bits.

    The matrices' own norms and their own rounding errors take the place of k B and of eta k, so
    it is never above `a_priori` for the same widths and largest entry.
    """
    error, size = Fraction(0), domain
    for rows, biases in layers:
        if len(rows) != len(biases):
            raise InvalidInput("every layer needs one bias for each row")
        near = [[round_to_bits(entry, bits) for entry in row] for row in rows]
        near_biases = [round_to_bits(entry, bits) for entry in biases]
        moved = max(
            sum(abs(a - b) for a, b in zip(row, other, strict=True))
            for row, other in zip(rows, near, strict=True)
        )
        moved_bias = max(abs(a - b) for a, b in zip(biases, near_biases, strict=True))
        error = _norm(rows) * error + moved * size + moved_bias
        size = _norm(near) * size + max(abs(entry) for entry in near_biases)
    return error


def _norm(rows: Sequence[Sequence[Fraction]]) -> Fraction:
    """The norm from sup to sup: the largest row sum."""
    return max(sum((abs(entry) for entry in row), Fraction(0)) for row in rows)


def _lines(
    widths: tuple[int, ...], largest: Fraction, bits: int | None, eps: Fraction | None
) -> list[Line]:
    if bits is None and eps is None:
        raise InvalidInput("calculator rounding needs bits, eps or both")
    lines = []
    if bits is not None:
        lines.append(
            Line(
                "sup error, at most",
                Explicit.exact(a_priori(widths, largest, bits), Side.UPPER),
                f"every weight and bias rounded to the nearest multiple of 2^-{bits}",
                OWN,
            )
        )
    if eps is not None:
        lines.append(
            Line(
                "bits after the point",
                Explicit.exact(least_bits(widths, largest, eps), Side.UPPER),
                "enough for that eps, whatever the weights",
                OWN,
            )
        )
    layers, width = len(widths) - 1, max(widths)
    norm = max(Fraction(1), width * largest)
    lines.append(
        Line(
            "Lipschitz constant of weights -> function, upper",
            order("W*L**2*r**(L-1)", W=width, L=layers, r=norm),
            "W L^2 r^(L-1), and at least r^(L-1) up to a factor L",
            GONON,
        )
    )
    if eps is not None:
        lines.append(
            Line(
                "step of the weights",
                order("eps/(W*L**2*r**(L-1))", eps=eps, W=width, L=layers, r=norm),
                "eps/(W L^2 r^(L-1)) is enough",
                GONON,
            )
        )
    return lines


CALCULATOR = Calculator(
    "rounding",
    "error of rounding all weights to multiples of 2^-bits",
    r"$E_l = k_l B E_{l-1} + \eta (k_l X_{l-1} + 1)$ with $\eta = 2^{-b-1}$, for all networks of "
    r"these widths on $[0,1]^d$ with entries at most $B$, and the fewest bits $b$ for an "
    r"$\varepsilon$.",
    (
        WIDTHS,
        Parameter(
            "largest",
            "rational",
            Fraction(0),
            Fraction(10**9),
            "largest entry B of the weights and biases",
            required=False,
            default=Fraction(1),
        ),
        Parameter("bits", "integer", 0, 1024, "bits after the point", required=False),
        Parameter(
            "eps", "rational", Fraction(1, 10**300), Fraction(1), "allowed error", required=False
        ),
    ),
    _lines,
    (OWN, GONON),
)
