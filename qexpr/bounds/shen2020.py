r"""Shen, Yang, Zhang: approximation characterized by the number of neurons (CiCP 2020).

Theorems with explicit width and depth take N and L: they are the calculator ``shen``. Here they
stand at N = 1, where the width is least, with L as large as eps needs; F(d, n) has
:math:`\omega_f(r) \le \sqrt{d}\, r`. L is rounded up by adding 1, and the hidden layers are
fully connected.
"""

from __future__ import annotations

from qexpr.bounds.bound import Bound, Condition, Rate, Statement
from qexpr.bounds.references import reference
from qexpr.core.claim import Kind, Quantifier, Side
from qexpr.core.source import Source, Trust

__all__ = ["BOUNDS", "fully_connected"]

_NOTE = "constants recalled; the weights need many bits each, so that no entropy floor is beaten"


def fully_connected(
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
    """A bound by width w and H hidden layers, fully connected; `digits` bounds its bits."""
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


UNIFORM = fully_connected(
    "shen2020.uniform",
    "real weights, explicit, modulus of continuity (N = 1)",
    r"For $f \in C([0,1]^d)$ and all $N, L \ge 1$ a ReLU network of width "
    r"$3^{d+3} \max\{d \lfloor N^{1/d} \rfloor, N+1\}$ with $12 L + 14 + 2d$ hidden layers is "
    r"within $19 \sqrt{d}\, \omega_f(N^{-2/d} L^{-2/d})$ of $f$ in sup norm. Here $N = 1$ and "
    r"$L \le K = (19 d/\varepsilon)^{d/2} + 1$.",
    "shen2020",
    "main theorem, p = infinity",
    0.9,
    (
        ("K", "(19*d/eps)**(d/2) + 1"),
        ("H", "12*K + 14 + 2*d"),
        ("w", "3**(d+3)*max(d, 2)"),
    ),
    Rate("d/2"),
    "d*log(19*d/eps)",
)

BOUNDS = (UNIFORM,)
