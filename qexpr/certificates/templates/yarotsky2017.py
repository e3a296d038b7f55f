"""Yarotsky's network with real weights, which are dyadic rationals: the unquantized comparison.

Source: Yarotsky (2017), arXiv:1610.01145, Theorem 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from qexpr.certificates.derivation import Derivation
from qexpr.certificates.merged import Merged
from qexpr.certificates.plans import Reader, power
from qexpr.certificates.templates.local_taylor import Walk, error_terms, promised, require_free
from qexpr.errors import CertificateError, shorten

if TYPE_CHECKING:
    from qexpr.core.function import Function

__all__ = ["PLAN", "derive", "digit_of", "digits_of"]

_REAL = "real, kept as dyadics"


def _real(key: str, value: Any) -> str:
    if value != _REAL:
        raise CertificateError(f"the plan's weights must be {_REAL}, got {shorten(value)}")
    return _REAL


PLAN: Mapping[str, Reader] = {"r": power, "bits": power, "weights are": _real}


def digits_of(plan: Mapping[str, Any]) -> None:
    """None: every dyadic rational is a weight."""


def digit_of(plan: Mapping[str, Any], norm: Fraction) -> Fraction:
    """What a coefficient may be off by: the next odd multiple of its last bit."""
    return Fraction(2, 2 ** plan["bits"])


def derive(
    plan: Mapping[str, Any],
    net: Merged,
    free: tuple[np.ndarray, np.ndarray],
    f: Function,
    norm: Fraction,
) -> Derivation:
    """Constants and error terms of a circuit of this plan, from its edges."""
    if plan["graph"] != "fixed":
        raise CertificateError("the plan must have a fixed graph")
    seen = Walk(net, plan["N"], plan["r"])
    require_free(seen, free)
    coded = seen.coded()
    for a, coefficient in coded.items():
        scaled = coefficient.numbers * 2 ** plan["bits"]
        odd = scaled % (2 * coefficient.denominator) == coefficient.denominator
        if coefficient.families != 1 or not odd.all():
            raise CertificateError(
                f"the coefficients of order {a} are no odd multiples of 2^-{plan['bits']}"
            )
    digit = digit_of(plan, norm)
    taylor, rounding, products = error_terms(plan, seen, coded, f, norm, digit)
    return Derivation(
        {},
        {"taylor": taylor, "rounding": rounding, "products": products},
        promised(plan, digit),
    )
