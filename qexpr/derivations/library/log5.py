"""Ding et al.'s headline: the overhead of quantization is of the order log^5(1/eps)."""

from __future__ import annotations

from qexpr.core.papers import cite
from qexpr.derivations.checks import Identity
from qexpr.derivations.derivation import Derivation, Step

__all__ = ["DERIVATION"]

DERIVATION = Derivation(
    name="log5",
    title="The overhead log^5(1/eps) of quantization",
    statement="Theorem 1 of Ding et al. at lambda = 2, divided by Yarotsky's lower bound for real "
    "weights at depth O(L), L = log(1/eps), is of the order L^5. Without a limit on the depth of "
    "the real network the quotient is not a power of L.",
    source=cite(
        "ding2019universal",
        "overhead of quantization",
        note="against unquantized networks of depth O(log(1/eps))",
    ),
    steps=(
        Step(
            "Theorem 1 at lambda = 2, with `E = eps**(-d/n)`.",
            "2*L**(1/(2 - 1) + 1)*E == 2*L**2*E",
            "insert lambda = 2",
            Identity(positive="L E"),
        ),
        Step(
            "Yarotsky's theorem 4b for depth at most c L^p, at p = 1.",
            "E*L**(-2*1 - 1) == E/L**3",
            "insert p = 1",
            Identity(positive="L E"),
        ),
        Step(
            "The quotient: the powers of eps cancel, the exponents of L subtract.",
            "(2*L**2*E)/(E/L**3) == 2*L**5",
            "divide",
            Identity(positive="L E"),
        ),
        Step(
            "For any lambda and p.",
            "lam*L**(1/(lam - 1) + 1)*E/(E*L**(-2*p - 1)) == lam*L**(1/(lam - 1) + 2*p + 2)",
            "divide",
            Identity(positive="L E lam p"),
        ),
        Step(
            "The exponent at lambda = 2 and p = 1 is 5,",
            "1/(2 - 1) + 2*1 + 2 == 5",
            "insert",
            Identity(),
        ),
        Step(
            "and falls towards 4 for larger lambda.",
            "derivative(1/(lam - 1), lam) == -1/(lam - 1)**2",
            "differentiate; 1/(lambda - 1) vanishes at infinity",
            Identity(positive="lam"),
        ),
        Step(
            "Against Yarotsky's theorem 4a, for any depth, the quotient grows like a power of "
            "1/eps.",
            "2*L**2*E/E**(1/2) == 2*L**2*E**(1/2)",
            "divide by eps^(-d/(2n))",
            Identity(positive="L E"),
        ),
    ),
)
