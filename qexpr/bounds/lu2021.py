"""Lu, Shen, Yang, Zhang: deep network approximation for smooth functions (SIMA 2021)."""

from __future__ import annotations

from qexpr.bounds.bound import Rate
from qexpr.bounds.shen2020 import fully_connected

__all__ = ["BOUNDS"]

SMOOTH = fully_connected(
    "lu2021.smooth",
    "real weights, explicit, smooth functions (N = 1)",
    r"For $f$ in the unit ball of $C^n([0,1]^d)$, of whose members every $f \in F_{d,n}$ is a "
    r"uniform limit, and all $N, L \ge 1$ a ReLU network of width "
    r"$17 n^{d+1} 3^d d (N+2) \log_2(8N)$ with $18 n^2 (L+2) \log_2(4L) + 2d$ hidden layers is "
    r"within $85 (n+1)^d 8^n N^{-2n/d} L^{-2n/d}$ of $f$ in sup norm. Here $N = 1$ and "
    r"$L \le K = (85 (n+1)^d 8^n/\varepsilon)^{d/(2n)} + 1$.",
    "lu2021",
    "main theorem",
    0.9,
    (
        ("K", "(85*(n+1)**d*8**n/eps)**(d/(2*n)) + 1"),
        ("H", "18*n**2*(K+2)*log(4*K) + 2*d"),
        ("w", "153*n**(d+1)*3**d*d"),
    ),
    Rate("d/(2*n)", "1"),
    "d*log(85*(n+1)**d*8**n/eps)/n + 2*(d+1)*log(3*n)",
)

BOUNDS = (SMOOTH,)
