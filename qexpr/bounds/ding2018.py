"""Ding, Liu, Xiong, Shi: universal approximability of quantized ReLU networks (ICLR 2019)."""

from __future__ import annotations

from qexpr.bounds.bound import Bound, Condition, Rate, Statement
from qexpr.bounds.references import reference
from qexpr.core.claim import Kind, Quantifier, Side
from qexpr.core.source import Source, Trust

__all__ = ["BOUNDS", "REFERENCE"]

REFERENCE = reference("ding2019universal")

_L = (("L", "log(1/eps)"),)
_ONE_DIMENSION = (
    Condition("d == 1", "the theorem is about one variable"),
    Condition("n == 1", "the theorem is about one bounded derivative"),
)


def _upper(
    number: int,
    probability: float,
    quantifier: Quantifier,
    title: str,
    statement: str,
    statements: tuple[Statement, ...],
    setting: str,
    alphabet: str,
    regime: tuple[Condition, ...] = (),
    note: str = "",
) -> Bound:
    return Bound(
        id=f"ding2018.theorem{number}",
        title=title,
        statement=statement,
        kind=Kind.ORDER,
        side=Side.UPPER,
        quantifier=quantifier,
        statements=statements,
        source=Source(REFERENCE, f"Theorem {number}", Trust("RECALLED", probability), note),
        regime=regime,
        definitions=_L,
        setting=setting,
        alphabet=alphabet,
    )


THEOREM_1 = _upper(
    1,
    0.9,
    Quantifier.CLASS_FIXED,
    "fixed structure, lambda distinct values",
    r"For every $f \in F_{d,n}$ and $0 < \varepsilon < 1$ one fixed ReLU network structure "
    r"with weights from $\lambda \ge 2$ distinct values approximates $f$ within $\varepsilon$ in "
    r"sup norm, with depth, weights and bits of the stated orders.",
    (
        Statement("depth", "lam*L**(1/(lam-1)) + L", Rate("0", "max(1, 1/(lam-1))")),
        Statement(
            "weights",
            "lam*L**(1/(lam-1)+1)*(1/eps)**(d/n)",
            Rate("d/n", "1/(lam-1)+1"),
        ),
        Statement(
            "bits",
            "log(lam)*lam*L**(1/(lam-1)+1)*(1/eps)**(d/n)",
            Rate("d/n", "1/(lam-1)+1"),
        ),
    ),
    "lambda distinct values",
    "nonlinear",
    note="the case lambda = 2 is confirmed",
)

THEOREM_2 = _upper(
    2,
    0.85,
    Quantifier.CLASS_FIXED,
    "fixed structure, linear quantization",
    r"For every $f \in F_{d,n}$ one fixed ReLU network structure with linearly quantized weights "
    r"of precision $1/\lambda$ approximates $f$ within $\varepsilon$ in sup norm, with depth, "
    r"weights and bits of the stated orders.",
    (
        Statement("depth", "L", Rate("0", "1")),
        Statement("weights", "(L + L**2/log(lam))*(1/eps)**(d/n)", Rate("d/n", "2")),
        Statement("bits", "log(lam)*(L + L**2/log(lam))*(1/eps)**(d/n)", Rate("d/n", "2")),
    ),
    "linear quantization of precision 1/lambda",
    "linear",
    note="the value set {-1, 1/lambda, ..., (lambda-1)/lambda} is recalled with probability 0.8",
)

THEOREM_3 = _upper(
    3,
    0.8,
    Quantifier.CLASS_ANY,
    "structure depends on f, lambda distinct values, F(1,1)",
    r"Every $f \in F_{1,1}$ is approximated within $\varepsilon$ in sup norm by a ReLU network "
    r"whose structure may depend on $f$, with weights from $\lambda$ distinct values, with depth, "
    r"weights and bits of the stated orders.",
    (
        Statement("depth", "lam*log(L)**(1/(lam-1)) + L", Rate("0", "1")),
        Statement("weights", "lam*log(L)**(1/(lam-1)+1) + 1/eps", Rate("1")),
        Statement("bits", "log(lam)*(lam*log(L)**(1/(lam-1)+1) + 1/eps)", Rate("1")),
    ),
    "lambda distinct values",
    "nonlinear",
    (*_ONE_DIMENSION, Condition("eps < 1/2", "log log(1/eps) has to be positive")),
)

THEOREM_4 = _upper(
    4,
    0.7,
    Quantifier.CLASS_ANY,
    "structure depends on f, linear quantization, F(1,1)",
    r"Every $f \in F_{1,1}$ is approximated within $\varepsilon$ in sup norm by a ReLU network "
    r"whose structure may depend on $f$, with linearly quantized weights of precision "
    r"$1/\lambda$, with depth, weights and bits of the stated orders.",
    (
        Statement("depth", "L", Rate("0", "1")),
        Statement("weights", "1/eps", Rate("1")),
        Statement("bits", "log(lam)/eps", Rate("1")),
    ),
    "linear quantization of precision 1/lambda",
    "linear",
    _ONE_DIMENSION,
)

BOUNDS = (THEOREM_1, THEOREM_2, THEOREM_3, THEOREM_4)
