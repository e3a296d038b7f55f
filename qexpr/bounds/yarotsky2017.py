"""Yarotsky: error bounds for approximations with deep ReLU networks (Neural Networks 94, 2017).

Real weights: the unquantized comparison.
"""

from __future__ import annotations

from qexpr.bounds.bound import Bound, Condition, Rate, Statement
from qexpr.bounds.references import reference
from qexpr.core.claim import Kind, Quantifier, Side
from qexpr.core.numbers import read_integer
from qexpr.core.source import Source, Trust

__all__ = ["BOUNDS", "REFERENCE"]

REFERENCE = reference("yarotsky2017")

_REAL = "real weights"
_L = (("L", "log(1/eps)"),)

THEOREM_1 = Bound(
    id="yarotsky2017.theorem1",
    title="real weights, upper",
    statement=r"One ReLU architecture with real weights expresses every $f \in F_{d,n}$ within "
    r"$\varepsilon$, with depth and weights of the stated orders; the constants depend on "
    r"$d$ and $n$.",
    kind=Kind.ORDER,
    side=Side.UPPER,
    quantifier=Quantifier.CLASS_FIXED,
    statements=(
        Statement("depth", "L", Rate("0", "1")),
        Statement("weights", "L*(1/eps)**(d/n)", Rate("d/n", "1")),
    ),
    source=Source(REFERENCE, "Theorem 1", Trust("RECALLED", 0.95)),
    definitions=_L,
    setting=_REAL,
)

THEOREM_2 = Bound(
    id="yarotsky2017.theorem2",
    title="real weights, structure depends on f, depth 6, F(1,1)",
    statement=r"Every $f \in F_{1,1}$ is expressed within $\varepsilon < 1/2$ by a depth-6 ReLU "
    r"network with real weights whose structure may depend on $f$, with weights of the stated "
    r"order.",
    kind=Kind.ORDER,
    side=Side.UPPER,
    quantifier=Quantifier.CLASS_ANY,
    statements=(
        Statement("depth", "6", Rate("0")),
        Statement("weights", "1/(eps*L)", Rate("1", "-1")),
    ),
    source=Source(REFERENCE, "Theorem 2", Trust("RECALLED", 0.95)),
    regime=(
        Condition("d == 1", "the theorem is about one variable"),
        Condition("n == 1", "the theorem is about one bounded derivative"),
        Condition("eps < 1/2", "the theorem assumes it"),
        Condition(
            "ln(1/eps) >= 1",
            "for larger eps the expression falls while eps falls, and says nothing",
        ),
    ),
    definitions=_L,
    setting=_REAL,
)

THEOREM_3 = Bound(
    id="yarotsky2017.theorem3",
    title="real weights chosen continuously, lower",
    statement=r"A ReLU architecture with real weights that expresses every $f \in F_{d,n}$ within "
    r"$\varepsilon$, its weights depending continuously on $f$, has at least the stated order of "
    r"weights.",
    kind=Kind.ORDER,
    side=Side.LOWER,
    quantifier=Quantifier.CLASS_FIXED,
    statements=(Statement("weights", "(1/eps)**(d/n)", Rate("d/n")),),
    source=Source(REFERENCE, "Theorem 3", Trust("CONFIRMED")),
    setting="real weights that depend continuously on f",
)

THEOREM_4A = Bound(
    id="yarotsky2017.theorem4a",
    title="real weights, lower, any depth",
    statement=r"A ReLU architecture with real weights that expresses every $f \in F_{d,n}$ within "
    r"$\varepsilon$ has at least the stated order of weights, whatever its depth.",
    kind=Kind.ORDER,
    side=Side.LOWER,
    quantifier=Quantifier.CLASS_FIXED,
    statements=(Statement("weights", "(1/eps)**(d/(2*n))", Rate("d/(2*n)")),),
    source=Source(REFERENCE, "Theorem 4a", Trust("CONFIRMED")),
    setting=_REAL,
)


def theorem_4b(p: int = 1) -> Bound:
    """Theorem 4b for depth at most c log^p(1/eps): weights of order (1/eps)^(d/n) L^(-2p-1).

    The registered bound is the case p = 1, the depth of the known constructions.
    """
    p = read_integer(p, "p", 1, 100)
    return Bound(
        id="yarotsky2017.theorem4b" + (f"[p={p}]" if p > 1 else ""),
        title=f"real weights, lower, depth at most of order log{f'^{p}' if p > 1 else ''}(1/eps)",
        statement=r"A ReLU architecture with real weights and depth at most "
        rf"$c \log^{{{p}}}(1/\varepsilon)$ that expresses every $f \in F_{{d,n}}$ within "
        r"$\varepsilon$ has at least the stated order of weights.",
        kind=Kind.ORDER,
        side=Side.LOWER,
        quantifier=Quantifier.CLASS_FIXED,
        statements=(
            Statement("weights", f"(1/eps)**(d/n)*L**(-{2 * p + 1})", Rate("d/n", f"-{2 * p + 1}")),
        ),
        source=Source(REFERENCE, "Theorem 4b", Trust("CONFIRMED")),
        regime=(
            Condition(
                f"ln(1/eps) >= {2 * p + 1}*n/d",
                "for larger eps the expression falls while eps falls, and says nothing",
            ),
        ),
        definitions=_L,
        setting=_REAL,
    )


THEOREM_4B = theorem_4b()

THEOREM_5 = Bound(
    id="yarotsky2017.theorem5",
    title="real weights, structure depends on f, lower along a sequence of eps",
    statement=r"There is one $f \in W^{n,\infty}([0,1]^d)$ such that the least number of weights "
    r"$N(f, \varepsilon)$, over all structures, is not of smaller order than stated: it is reached "
    r"along some sequence $\varepsilon \to 0$.",
    kind=Kind.ORDER,
    side=Side.LOWER,
    quantifier=Quantifier.CLASS_ANY,
    statements=(Statement("weights", "(1/eps)**(d/(9*n))", Rate("d/(9*n)")),),
    source=Source(
        REFERENCE, "Theorem 5", Trust("RECALLED", 0.95), "for infinitely many eps, not for all"
    ),
    setting=_REAL,
)

BOUNDS = (THEOREM_1, THEOREM_2, THEOREM_3, THEOREM_4A, THEOREM_4B, THEOREM_5)
