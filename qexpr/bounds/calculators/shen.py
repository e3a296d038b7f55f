"""Shen, Yang, Zhang (2020, 2022) and Lu et al. (2021): width, depth and error for given N and L."""

from __future__ import annotations

from qexpr.bounds.calculators.calculator import Calculator, Line, Parameter
from qexpr.bounds.calculators.values import explicit
from qexpr.bounds.references import reference
from qexpr.core.claim import Side
from qexpr.core.source import Source, Trust

__all__ = ["CALCULATOR"]

_NOTE = "the weights need many bits each"
SHEN_2020 = Source(reference("shen2020"), "main theorem", Trust("RECALLED", 0.9), _NOTE)
SHEN_2022 = Source(reference("shen2022"), "main theorem", Trust("RECALLED", 0.8), _NOTE)
LU_2021 = Source(reference("lu2021"), "main theorem", Trust("RECALLED", 0.9), _NOTE)

_LIPSCHITZ = "for functions with Lipschitz constant 1 in the Euclidean norm"
_IN_NORM = {
    True: "sup norm",
    False: "L^p norm, p < infinity",
}


def _root(N: int, d: int) -> int:
    """floor(N^(1/d)), in integers."""
    low, high = 1, N + 1
    while high - low > 1:
        middle = (low + high) // 2
        if middle**d <= N:
            low = middle
        else:
            high = middle
    return low


def _modulus(
    name: str, source: Source, d: int, N: int, L: int, width: int, hidden: str, error: str
) -> list[Line]:
    lines = []
    for uniform, factor, depth in (
        (False, 12 if name == "2020" else 16, hidden),
        (True, 3 ** (d + 3), f"{hidden} + 2*d"),
    ):
        norm = _IN_NORM[uniform]
        lines += [
            Line(f"{name}: width", factor * width, norm, source),
            Line(f"{name}: hidden layers", explicit(depth, Side.UPPER, L=L, d=d), norm, source),
        ]
    value = explicit(error, Side.UPPER, d=d, N=N, L=L)
    lines.append(Line(f"{name}: error", value, _LIPSCHITZ, source))
    return lines


def _lines(d: int, N: int, L: int, n: int) -> list[Line]:
    root = d * _root(N, d)
    lines = _modulus(
        "2020",
        SHEN_2020,
        d,
        N,
        L,
        max(root, N + 1),
        "12*L + 14",
        "19*sqrt(d)*(N*L)**(-2/d)",
    )
    lines += _modulus(
        "2022",
        SHEN_2022,
        d,
        N,
        L,
        max(root, N + 2),
        "11*L + 18",
        "131*sqrt(d)*(N**2*L**2*ln(N+2)/ln(3))**(-1/d)",
    )
    note = f"unit ball of C^{n}, sup norm"
    for label, text in (
        ("width", "17*n**(d+1)*3**d*d*(N+2)*log(8*N)"),
        ("hidden layers", "18*n**2*(L+2)*log(4*L) + 2*d"),
        ("error", "85*(n+1)**d*8**n*(N*L)**(-2*n/d)"),
    ):
        value = explicit(text, Side.UPPER, d=d, n=n, N=N, L=L)
        lines.append(Line(f"2021: {label}", value, note, LU_2021))
    return lines


CALCULATOR = Calculator(
    "shen",
    "networks of given width and depth, real weights (Shen, Yang, Zhang; Lu et al.)",
    r"For $N, L \ge 1$: width $C_1 \max\{d \lfloor N^{1/d} \rfloor, N+1\}$, $12 L + C_2$ hidden "
    r"layers, error $19 \sqrt{d}\, \omega_f(N^{-2/d} L^{-2/d})$ (2020); "
    r"$131 \sqrt{d}\, \omega_f((N^2 L^2 \log_3(N+2))^{-1/d})$ (2022); and for the unit ball of "
    r"$C^n$ the error $85 (n+1)^d 8^n (N L)^{-2n/d}$ (2021).",
    (
        Parameter("d", "integer", 1, 100, "input dimension"),
        Parameter("N", "integer", 1, 10**9, "width parameter"),
        Parameter("L", "integer", 1, 10**9, "depth parameter"),
        Parameter("n", "integer", 1, 100, "smoothness, for Lu et al.", required=False, default=1),
    ),
    _lines,
    (SHEN_2020, SHEN_2022, LU_2021),
)
