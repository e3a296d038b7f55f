"""Statements without a formula to evaluate: what they say, and why they give no number."""

from __future__ import annotations

from dataclasses import dataclass

from qexpr.bounds.references import reference
from qexpr.core.source import Source, Trust
from qexpr.core.suggest import suggest
from qexpr.errors import InvalidInput, shorten

__all__ = ["REMARKS", "Remark", "remark"]


@dataclass(frozen=True, slots=True)
class Remark:
    """A citable statement that has no value at a query.

    Parameters
    ----------
    id, statement : str
    reason : str
        Why it gives no number.
    source : Source
    """

    id: str
    statement: str
    reason: str
    source: Source


_CONFIRMED = Trust("CONFIRMED")


def _remark(id: str, key: str, place: str, trust: Trust, statement: str, reason: str) -> Remark:
    return Remark(id, statement, reason, Source(reference(key), place, trust))


REMARKS = (
    _remark(
        "yarotsky2017.proposition3",
        "yarotsky2017",
        "Proposition 3",
        Trust("RECALLED", 0.95),
        r"The product of $|x|, |y| \le M$ is computed within $\varepsilon$ with depth and units "
        r"$c_1 \ln(1/\varepsilon) + c_2(M)$.",
        "a building block; the constants are not named",
    ),
    _remark(
        "beknazaryan2022b.binary",
        "beknazaryan2022b",
        "binary theorems",
        _CONFIRMED,
        r"ReLU networks with weights in $\{\pm 1\}$ approximate the Hoelder functions on "
        r"$[0,1]^d$; networks of depth 2 with the activation $1_{[a,b)}$ approximate the "
        r"continuous ones.",
        "no rate is known to this collection",
    ),
    _remark(
        "gonon2023.encoding",
        "gonon2023",
        "abstract",
        _CONFIRMED,
        "A number of bits per coordinate is enough to keep polynomial rates under uniform "
        "quantization, and for classes that are infinitely encodable the speed of approximation "
        "is at most the speed of encoding.",
        "the explicit replacement is the calculator rounding",
    ),
    _remark(
        "park2024.fixed",
        "park2024fixed",
        "main theorems",
        _CONFIRMED,
        r"Necessary and sufficient conditions on a fixed-point format and an activation under "
        r"which networks with fixed-point weights and rounded operations represent all "
        r"fixed-point functions; ReLU, sigmoid, ELU, SoftPlus, SiLU, Mish and GELU meet them, and "
        r"weights in $\{-1, 1\}$ are enough.",
        "a predicate, without rates",
    ),
    _remark(
        "he2024.precision",
        "he2024precision",
        "first two results",
        _CONFIRMED,
        "With exponential preprocessing the precision of the weights replaces neurons, up to "
        "exponentially many of them; where precision counts in the size, no such exchange is "
        "possible in general.",
        "order only, about hard functions of Boolean inputs",
    ),
    _remark(
        "hinz2019.histograms",
        "hinz2019",
        "main theorem",
        _CONFIRMED,
        "Products of histogram matrices bound the number of linear regions, more tightly than "
        "the sum over dimensions of the calculator regions.",
        "the matrices are not reproduced here",
    ),
    _remark(
        "nakahara2025.ternary",
        "nakahara2025",
        "abstract, versions 1 and 2",
        _CONFIRMED,
        r"Ternary networks, weights in $\{-1, 0, 1\}$, reach numbers of linear regions polynomial "
        r"in the width and exponential in the depth; squaring the width or doubling the depth "
        r"(after doubling the width) matches the bound for general weights.",
        "the formula was not seen",
    ),
    _remark(
        "ou2024.covering",
        "ou2024covering",
        "abstract",
        _CONFIRMED,
        "Two-sided bounds on the metric entropy of fully connected networks with bounded, sparse "
        "and quantized weights, and the limits of compression that follow.",
        "the constants were not seen; the entropy floors here are derived independently",
    ),
    _remark(
        "vardi2021.memorization",
        "vardi2021",
        "abstract",
        _CONFIRMED,
        r"Of the order of $\sqrt{N}$ parameters memorize $N$ points and are needed, with a large "
        r"bit complexity of the weights.",
        "about N points and not about a class of functions",
    ),
)


def remark(id: str) -> Remark:
    """The remark of that id; raises InvalidInput with the nearest ids if there is none."""
    for one in REMARKS:
        if one.id == id:
            return one
    near = suggest(id, (one.id for one in REMARKS))
    raise InvalidInput(f"there is no remark {shorten(id)}{near}")
