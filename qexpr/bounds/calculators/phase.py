"""The phase diagram of rates W^-p (Yarotsky 2018; Yarotsky, Zhevnerchuk 2020)."""

from __future__ import annotations

from fractions import Fraction

from qexpr.bounds.calculators.calculator import Calculator, Line, Parameter
from qexpr.bounds.calculators.values import order
from qexpr.bounds.references import reference
from qexpr.core.source import Source, Trust

__all__ = ["CALCULATOR", "phase_of"]

ONE = Source(reference("yarotsky2018"), "rates for the modulus of continuity", Trust("CONFIRMED"))
ANY = Source(reference("yarotsky2020phase"), "phase diagram", Trust("CONFIRMED"))


def phase_of(d: int, r: Fraction, p: Fraction) -> str:
    """Which kind of networks reach the error W^-p on smoothness r in d variables."""
    if p <= r / d:
        return "continuous"
    return "discontinuous" if p <= 2 * r / d else "impossible"


_MEANING = {
    "continuous": "constant or slowly growing depth, weights can depend continuously on f",
    "discontinuous": "deep networks, weights that do not depend continuously on f",
    "impossible": "no ReLU networks have such a rate",
}


def _lines(d: int, r: Fraction, p: Fraction, weights: int) -> list[Line]:
    phase = phase_of(d, r, p)
    source = ONE if r == 1 else ANY
    lines = [Line("phase", phase, _MEANING[phase], source)]
    if phase == "impossible":
        return lines
    lines.append(Line("error", order("W**(-p)", W=weights, p=p), "W^-p", source))
    if phase == "discontinuous" and r == 1:
        lines.append(
            Line(
                "depth, lower",
                order("W**(p*d-1)/log(W)", W=weights, p=p, d=d),
                "W^(pd-1)/log W: necessary and sufficient up to the constant",
                ONE,
            )
        )
    return lines


CALCULATOR = Calculator(
    "phase",
    "phase diagram of the rates W^-p (Yarotsky; Yarotsky, Zhevnerchuk)",
    r"With $W$ weights the error $W^{-p}$ on smoothness $r$ in $d$ variables is reached with "
    r"weights continuous in $f$ for $p \le r/d$, by deep networks for $r/d < p \le 2r/d$, and not "
    r"beyond; for $r = 1$ depth $\Omega(W^{pd-1}/\log W)$ is needed.",
    (
        Parameter("d", "integer", 1, 1000, "input dimension"),
        Parameter(
            "r",
            "rational",
            Fraction(1, 1000),
            Fraction(1000),
            "smoothness",
            required=False,
            default=Fraction(1),
        ),
        Parameter("p", "rational", Fraction(1, 10**6), Fraction(2000), "rate"),
        Parameter("weights", "integer", 2, 10**18, "W"),
    ),
    _lines,
    (ONE, ANY),
)
