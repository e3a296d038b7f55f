r"""Shen, Yang, Zhang (2020, 2022) and Lu, Shen, Yang, Zhang (2021): explicit width and depth.

The theorems take N and L: they are the calculator ``shen``. Here they stand at N = 1, where the
width is least, with L as large as eps needs; F(d, n) has :math:`\omega_f(r) \le \sqrt{d}\, r`.
L is rounded up by adding 1, and the hidden layers are fully connected.
"""

from __future__ import annotations

from qexpr.bounds.bound import Bound, Condition, Rate, Statement
from qexpr.bounds.references import reference
from qexpr.core.claim import Kind, Quantifier, Side
from qexpr.core.source import Source, Trust

__all__ = ["BOUNDS"]

_NOTE = "constants recalled; the weights need many bits each, so that no entropy floor is beaten"


def _explicit(
    id: str,
    title: str,
    statement: str,
    key: str,
    place: str,
    probability: float,
    definitions: tuple[tuple[str, str], ...],
    rate: Rate,
    digits: str,
) -> Bound:
    return Bound(
        id=id,
        title=title,
        statement=statement,
        kind=Kind.EXPLICIT,
        side=Side.UPPER,
        quantifier=Quantifier.CLASS_FIXED,
        statements=(
            Statement("depth", "H + 1", rate),
            Statement("weights", "(d+1)*w + (H-1)*(w+1)*w + w + 1", rate),
            Statement("width", "w", Rate("0")),
        ),
        source=Source(reference(key), place, Trust("RECALLED", probability), _NOTE),
        regime=(Condition(f"{digits} <= 10000", "larger numbers are not written out"),),
        definitions=definitions,
        setting="real weights of unbounded precision, fully connected",
    )


SHEN_2020 = _explicit(
    "shen2020.uniform",
    "real weights, explicit, modulus of continuity (N = 1)",
    r"For $f \in C([0,1]^d)$ and all $N, L \ge 1$ a ReLU network of width "
    r"$3^{d+3} \max\{d \lfloor N^{1/d} \rfloor, N+1\}$ with $12 L + 14 + 2d$ hidden layers is "
    r"within $19 \sqrt{d}\, \omega_f(N^{-2/d} L^{-2/d})$ of $f$ in sup norm. Here $N = 1$ and "
    r"$L \le K = (19 d/\varepsilon)^{d/2} + 1$.",
    "shen2020",
    "Theorem 1, p = infinity",
    0.9,
    (
        ("K", "(19*d/eps)**(d/2) + 1"),
        ("H", "12*K + 14 + 2*d"),
        ("w", "3**(d+3)*max(d, 2)"),
    ),
    Rate("d/2"),
    "d*log(19*d/eps)",
)

SHEN_2022 = _explicit(
    "shen2022.uniform",
    "real weights, explicit, optimal in width and depth (N = 1)",
    r"For $f \in C([0,1]^d)$ and all $N, L \ge 1$ a ReLU network of width "
    r"$3^{d+3} \max\{d \lfloor N^{1/d} \rfloor, N+2\}$ with $11 L + 18 + 2d$ hidden layers is "
    r"within $131 \sqrt{d}\, \omega_f((N^2 L^2 \log_3(N+2))^{-1/d})$ of $f$ in sup norm. Here "
    r"$N = 1$ and $L \le K = (131 d/\varepsilon)^{d/2} + 1$.",
    "shen2022",
    "Theorem 1, p = infinity",
    0.8,
    (
        ("K", "(131*d/eps)**(d/2) + 1"),
        ("H", "11*K + 18 + 2*d"),
        ("w", "3**(d+3)*max(d, 3)"),
    ),
    Rate("d/2"),
    "d*log(131*d/eps)",
)

LU_2021 = _explicit(
    "lu2021.smooth",
    "real weights, explicit, smooth functions (N = 1)",
    r"For $f$ in the unit ball of $C^n([0,1]^d)$, of whose members every $f \in F_{d,n}$ is a "
    r"uniform limit, and all $N, L \ge 1$ a ReLU network of width "
    r"$17 n^{d+1} 3^d d (N+2) \log_2(8N)$ with $18 n^2 (L+2) \log_2(4L) + 2d$ hidden layers is "
    r"within $85 (n+1)^d 8^n N^{-2n/d} L^{-2n/d}$ of $f$ in sup norm. Here $N = 1$ and "
    r"$L \le K = (85 (n+1)^d 8^n/\varepsilon)^{d/(2n)} + 1$.",
    "lu2021",
    "Theorem 1.1",
    0.9,
    (
        ("K", "(85*(n+1)**d*8**n/eps)**(d/(2*n)) + 1"),
        ("H", "18*n**2*(K+2)*log(4*K) + 2*d"),
        ("w", "153*n**(d+1)*3**d*d"),
    ),
    Rate("d/(2*n)", "1"),
    "d*log(85*(n+1)**d*8**n/eps)/n + 2*(d+1)*log(3*n)",
)

BOUNDS = (SHEN_2020, SHEN_2022, LU_2021)
