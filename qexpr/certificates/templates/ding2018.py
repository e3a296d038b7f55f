"""Ding et al.'s construction: every coefficient is t digits out of halvings of its product.

Source: Ding et al. (2019), arXiv:1802.03646, Theorem 1 and Prop. 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from qexpr.certificates.alphabets import digit_bits_of
from qexpr.certificates.derivation import Derivation
from qexpr.certificates.merged import Merged
from qexpr.certificates.plans import Reader, power
from qexpr.certificates.templates.local_taylor import Walk, error_terms, promised, require_free
from qexpr.errors import CertificateError

if TYPE_CHECKING:
    from qexpr.core.function import Function

__all__ = ["PLAN", "derive", "digit_of", "digits_of"]

PLAN: Mapping[str, Reader] = {"r": power, "t": power}
SLACK = Fraction(1, 2**20)  # a coefficient is within (1 + SLACK) of its last digit


def digits_of(plan: Mapping[str, Any]) -> int:
    """The parameter t that the alphabet of a circuit of this plan was made with."""
    return max(1, plan["t"] // digit_bits_of(plan["alphabet"]))


def digit_of(plan: Mapping[str, Any], norm: Fraction) -> Fraction:
    """What a coefficient may be off by: its last digit, and what a norm above 1 adds."""
    return (1 + SLACK) / 2 ** plan["t"] + max(norm - 1, Fraction(0))


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
        if coefficient.families * digit_bits_of(plan["alphabet"]) != plan["t"]:
            raise CertificateError(f"the coefficients of order {a} have not {plan['t']} digits")
    taylor, digits, products = error_terms(plan, seen, coded, f, norm, digit_of(plan, norm))
    return Derivation(
        {},
        {"taylor": taylor, "digits": digits, "products": products},
        promised(plan, digit_of(plan, plan["norm"])),
    )
