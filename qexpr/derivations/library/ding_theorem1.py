"""Ding et al.'s theorem 1: the count of weights from its parts."""

from __future__ import annotations

from qexpr.core.papers import cite
from qexpr.derivations.checks import Cases, Identity
from qexpr.derivations.derivation import Derivation, Step
from qexpr.derivations.formula import Definition

__all__ = ["DERIVATION"]

DERIVATION = Derivation(
    name="ding-theorem1",
    title="Ding et al., theorem 1: the count of weights from its parts",
    statement="A network of fixed structure over lam weight values takes the order of "
    "`lam*L**(1/(lam - 1) + 1)*eps**(-d/n)` weights, L = log(1/eps): that many nodes, each with a "
    "block for every coefficient.",
    source=cite("ding2019universal", "Theorem 1 and Proposition 3", recalled=0.9),
    definitions=(
        Definition("cells(F, d, n, eps)", "(F/(2**d*d**n)*eps/3)**(-1/n)"),
        Definition("base(t, k)", "least_root(t + 1, k)"),
        Definition("most(t, k)", "k*(base(t, k) - 1)"),
    ),
    steps=(
        Step(
            "The Taylor term `2**d/F*(d/N)**n`, F = n!, is a third of eps for this number of "
            "cells an axis.",
            "2**d/F*(d/cells(F, d, n, eps))**n == eps/3",
            "solve for N",
            Identity(positive="F d n eps"),
        ),
        Step(
            "So the nodes are a constant times `eps**(-d/n)`.",
            "cells(F, d, n, eps)**d == (3*2**d*d**n/F)**(d/n)*eps**(-d/n)",
            "take the power",
            Identity(positive="F d n eps"),
        ),
        Step(
            "A coefficient of t binary digits takes the powers 2^-i, i <= t. With the base s, the "
            "least with s^(lam - 1) > t, every i is written with lam - 1 digits, so 2^-i is a "
            "chain of at most (lam - 1) (s - 1) factors 2^-(s^j): values of the alphabet.",
            "all(sum(digits(i, base(t, k))) <= most(t, k) for i in range(1, t + 1))",
            "k = lam - 1 digits of at most s - 1 each; in all cases",
            Cases((("k", (1, 2, 3, 4, 5)), ("t", "range(1, 33)"))),
        ),
        Step(
            "s - 1 is below the root of t + 1, because s is the least.",
            "(base(t, k) - 1)**k < t + 1 <= base(t, k)**k",
            "k = lam - 1; in all cases",
            Cases((("k", (1, 2, 3, 4, 5)), ("t", "range(1, 33)"))),
        ),
        Step(
            "So a block of t chains has at most the order of lam t^(1/(lam - 1) + 1) connections",
            "t*(lam - 1)*t**(1/(lam - 1)) == (lam - 1)*t**(1/(lam - 1) + 1)",
            "t chains; t + 1 <= 2 t costs a constant, as 1/(lam - 1) <= 1",
            Identity(positive="t lam"),
        ),
        Step(
            "and, with t = c L digits, the order of lam L^(1/(lam - 1) + 1):",
            "(c*L)**(1/(lam - 1) + 1) == c**(1/(lam - 1) + 1)*L**(1/(lam - 1) + 1)",
            "the constant is at most max(1, c)^2 for every lam",
            Identity(positive="c L lam"),
        ),
        Step(
            "the products and hats of a node take the order of L connections, which is less by "
            "this factor of at least 1.",
            "lam*L**(1/(lam - 1) + 1)/L == lam*L**(1/(lam - 1))",
            "divide; L >= 1",
            Identity(positive="L lam"),
        ),
        Step(
            "The number of coefficients at a node does not depend on eps or lam; nodes times "
            "blocks is the theorem. At lam = 2 it is 2 L^2 eps^(-d/n).",
            "(2*L**(1/(2 - 1) + 1))*E == 2*L**2*E",
            "multiply; E = eps^(-d/n)",
            Identity(positive="L E"),
        ),
        Step(
            "With the shared signs of gadget G4 a coefficient takes t edges in place of a block: "
            "at lam = 2 that is the factor t less.",
            "t**(1/(2 - 1) + 1)/t == t",
            "divide",
            Identity(positive="t"),
        ),
    ),
)
