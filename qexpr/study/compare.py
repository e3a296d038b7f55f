"""A claim beside what was measured, as columns: consistent, violates, or incomparable and why.

A claim about a class is never refuted by one function: a network that is good for this function
may be smaller than any that serves them all. So a verdict other than incomparable needs a claim
and a measurement with the same quantifier, of the same scope, from a firm source, and not an
order.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from qexpr.core.claim import Claim, Explicit, Kind, Quantifier, Scope, Side
from qexpr.study.kind import Column

__all__ = ["compare", "comparison_columns"]


def comparison_columns(prefix: str, about: str) -> tuple[Column, ...]:
    """The eight columns of one comparison, ``<prefix>_claim`` to ``<prefix>_why``.

    Parameters
    ----------
    prefix : str
    about : str
        What is compared, with its unit, for the report: "free bits".
    """

    def column(name: str, type: str, help: str) -> Column:
        return Column(name=f"{prefix}_{name}", type=type, help=help)

    return (
        column("claim", "text", f"the bound that speaks of {about}, and its side"),
        column("kind", "text", "explicit (a guarantee) or order (at unit constant)"),
        column("claimed_lower", "lower", f"the claim's {about}, lower end"),
        column("claimed_upper", "upper", f"the claim's {about}, upper end"),
        column("measured_lower", "lower", f"{about} of this cell, lower end"),
        column("measured_upper", "upper", f"{about} of this cell, upper end"),
        column("verdict", "verdict", "consistent, violates or incomparable"),
        column("why", "text", "why the two cannot be compared, or do not agree"),
    )


def compare(
    prefix: str,
    claim: Claim,
    measured: tuple[Fraction | int, Fraction | int] | None,
    quantifier: Quantifier,
    scope: Scope = Scope.NETWORK,
    incomparable: str = "",
) -> dict[str, Any]:
    """The values of `comparison_columns(prefix, ...)`.

    Parameters
    ----------
    prefix : str
    claim : Claim
    measured : (lower, upper)
        An enclosure of what was measured; twice the same where it is exact; None for nothing.
    quantifier : Quantifier
        For which functions the measured thing serves, and with which freedom of structure.
    scope : Scope
        What was counted.
    incomparable : str
        A reason of the caller's own why no verdict can be given.
    """
    low, high = (None, None) if measured is None else (Fraction(measured[0]), Fraction(measured[1]))
    explicit = claim.value if isinstance(claim.value, Explicit) else None
    verdict, why = "incomparable", incomparable or _reason(claim, quantifier, scope)
    if low is None or high is None:
        why = why or "nothing was measured"
    elif not why and explicit is not None:
        verdict, why = _verdict(claim, explicit, low, high)
    values = {
        "claim": f"{claim.id}: {claim.quantity} {'<=' if claim.side is Side.UPPER else '>='}",
        "kind": str(claim.kind),
        "claimed_lower": None if explicit is None else explicit.lower,
        "claimed_upper": None if explicit is None else explicit.upper,
        "measured_lower": low,
        "measured_upper": high,
        "verdict": verdict,
        "why": why,
    }
    return {f"{prefix}_{name}": value for name, value in values.items()}


def _reason(claim: Claim, quantifier: Quantifier, scope: Scope) -> str:
    """Why the claim and the measurement are not about the same; empty where they are."""
    if claim.kind is Kind.ORDER:
        return "an order holds up to a constant that nobody named"
    if not claim.source.trust.is_firm:
        return f"the claim is {claim.source.trust}, not a firm value"
    if claim.quantifier is not quantifier:
        of_class = claim.quantifier in (Quantifier.CLASS_FIXED, Quantifier.CLASS_ANY)
        of_one = quantifier in (Quantifier.FUNCTION_FIXED, Quantifier.FUNCTION_ANY)
        if of_class and of_one:
            return "the claim is about the class, which one function does not refute"
        return f"the claim is about '{claim.quantifier}', the measurement about '{quantifier}'"
    if claim.scope is not scope:
        return f"the claim counts a {claim.scope}, the measurement a {scope}"
    return ""


def _verdict(claim: Claim, explicit: Explicit, low: Fraction, high: Fraction) -> tuple[str, str]:
    bound = explicit.guarantee
    if claim.side is Side.LOWER:
        holds, fails = low >= bound, high < bound
    else:
        holds, fails = high <= bound, low > bound
    if holds:
        return "consistent", ""
    if fails:
        return "violates", "the measurement lies on the wrong side of an explicit bound"
    return "incomparable", "the enclosure of the measurement holds the bound"
