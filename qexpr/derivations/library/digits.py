"""Gadget G4: signed digits, and Horner's scheme over them."""

from __future__ import annotations

from qexpr.core.papers import derived
from qexpr.derivations.checks import Cases, Identity
from qexpr.derivations.derivation import Derivation, Step
from qexpr.derivations.formula import Definition

__all__ = ["DERIVATION"]

DERIVATION = Derivation(
    name="digits",
    title="Signed digits and their shared evaluation (gadget G4)",
    statement="Every z in [-1, 1] has digits s_1..s_t in -1, 1 with `abs(z - sum s_k 2^-k) <= "
    "2^-t`. The planes `H_k = S_k + H_(k+1)/2`, S_k half the sum of the k-th digits times hats, "
    "give the sum over all nodes at once and stay in [-1, 1].",
    source=derived("gadget G4"),
    definitions=(
        Definition("next(z)", "2*z - sign(z)"),
        Definition("rest(z, k)", "z if k == 0 else next(rest(z, k - 1))"),
        Definition("digit(z, k)", "sign(rest(z, k - 1))"),
        Definition("nearest(x, B)", "max([1 - B, min([B - 1, 2*floor(x/2) + 1])])"),
        Definition("H(S, k)", "0 if k > len(S) else S[k - 1] + H(S, k + 1)/2"),
    ),
    steps=(
        Step(
            "With s = sign(z), the rest is 2 z - s:",
            "z == s/2 + (2*z - s)/2",
            "solve",
            Identity(real="z s"),
        ),
        Step(
            "it is at most 1 for 0 <= z <= 1,",
            "1 - (2*z - 1) == 2*(1 - z)",
            "both factors are at least 0",
            Identity(real="z"),
        ),
        Step(
            "and at least -1; z < 0 mirrors it. So the rest is in [-1, 1] again.",
            "(2*z - 1) + 1 == 2*z",
            "z >= 0",
            Identity(real="z"),
        ),
        Step(
            "After t digits the error is 2^-t times the rest.",
            "z - sum(digit(z, k)*2**(-k) for k in range(1, t + 1)) == 2**(-t)*rest(z, t) and "
            "-1 <= rest(z, t) <= 1",
            "by induction; here in all cases",
            Cases((("t", (0, 1, 2, 5)), ("z", "[k/9 for k in range(-9, 10)]"))),
        ),
        Step(
            "Horner's scheme gives the sum of all planes.",
            "H(S, 1) == sum(S[k]*2**(-k) for k in range(len(S)))",
            "by induction; here for all planes in -1/2, 0, 1/2",
            Cases((("S", "vectors([-1/2, 0, 1/2], 5)"),)),
        ),
        Step(
            "Since the hats add up to at most 1, a plane S is at most 1/2 in magnitude, and H at "
            "most 1 if the next is.",
            "1 - (1/2 + b/2) == (1 - b)/2",
            "add",
            Identity(real="b"),
        ),
        Step(
            "Kept as H + 1, which is at least 0, a plane is one unit with bias 1/2.",
            "S + (H + 1)/2 + 1/2 == (S + H/2) + 1",
            "collect",
            Identity(real="S H"),
        ),
        Step(
            "In base B = 2^b the digits are the odd numbers of -(B - 1)..(B - 1), one of them "
            "within 1 of B z.",
            "abs(2**b*z - nearest(2**b*z, 2**b)) <= 1",
            "the odd numbers are 2 apart and reach from 1 - B to B - 1",
            Cases((("b", (1, 2, 3)), ("z", "[k/24 for k in range(-24, 25)]"))),
        ),
        Step(
            "The rest is B z - s, the planes are divided by B, and the bias is 1 - 1/B.",
            "S + (H + 1)/B + (1 - 1/B) == (S + H/B) + 1",
            "collect",
            Identity(real="S H", positive="B"),
        ),
        Step(
            "Blocks of planes combined by a smaller power q = 2^-c carry the offset o = 1 + q o' "
            "of the next block's o', which is removed once at the end.",
            "(S + 1) + q*(H + o) == (S + q*H) + (1 + q*o)",
            "collect",
            Identity(real="S H q o"),
        ),
    ),
)
