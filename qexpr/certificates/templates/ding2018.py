"""Ding et al.'s construction: every coefficient is t digits out of halvings of its product.

Source: Ding et al. (2019), arXiv:1802.03646, Theorem 1 and Prop. 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from qexpr.certificates.alphabets import digit_bits_of
from qexpr.certificates.derivation import Case, Derivation
from qexpr.certificates.plans import Reader, power
from qexpr.certificates.templates.local_taylor import Coded, derivation
from qexpr.certificates.templates.taylor import Index
from qexpr.errors import CertificateError

__all__ = ["PLAN", "derive", "digit_of", "digits_of"]

PLAN: Mapping[str, Reader] = {"r": power, "t": power}
SLACK = Fraction(1, 2**20)  # a coefficient is within (1 + SLACK) of its last digit


def digits_of(plan: Mapping[str, Any]) -> int:
    """The parameter t that the alphabet of a circuit of this plan was made with."""
    return max(1, plan["t"] // digit_bits_of(plan["alphabet"]))


def digit_of(plan: Mapping[str, Any], norm: Fraction) -> Fraction:
    """What a coefficient may be off by: its last digit, and what a norm above 1 adds."""
    return (1 + SLACK) / 2 ** plan["t"] + max(norm - 1, Fraction(0))


def derive(case: Case) -> Derivation:
    """Constants and error terms of the circuit, from its edges."""
    bits, t = digit_bits_of(case.plan["alphabet"]), case.plan["t"]

    def require_digits(a: Index, coefficient: Coded) -> None:
        if coefficient.families * bits != t:
            raise CertificateError(f"the coefficients of order {a} have not {t} digits")

    return derivation(case, "digits", digit_of, require_digits)
