"""Shen, Yang, Zhang: optimal rate in terms of width and depth (JMPA 2022)."""

from __future__ import annotations

from qexpr.bounds.bound import Rate
from qexpr.bounds.shen2020 import fully_connected

__all__ = ["BOUNDS"]

UNIFORM = fully_connected(
    "shen2022.uniform",
    "real weights, explicit, optimal in width and depth (N = 1)",
    r"For $f \in C([0,1]^d)$ and all $N, L \ge 1$ a ReLU network of width "
    r"$3^{d+3} \max\{d \lfloor N^{1/d} \rfloor, N+2\}$ with $11 L + 18 + 2d$ hidden layers is "
    r"within $131 \sqrt{d}\, \omega_f((N^2 L^2 \log_3(N+2))^{-1/d})$ of $f$ in sup norm. Here "
    r"$N = 1$ and $L \le K = (131 d/\varepsilon)^{d/2} + 1$.",
    "shen2022",
    "main theorem, p = infinity",
    0.8,
    (
        ("K", "(131*d/eps)**(d/2) + 1"),
        ("H", "11*K + 18 + 2*d"),
        ("w", "3**(d+3)*max(d, 3)"),
    ),
    Rate("d/2"),
    "d*log(131*d/eps)",
)

BOUNDS = (UNIFORM,)
