"""Yarotsky's network with real weights, which are dyadic rationals: the unquantized comparison.

Source: Yarotsky (2017), arXiv:1610.01145, Theorem 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from qexpr.certificates.derivation import Case, Derivation
from qexpr.certificates.plans import Reader, power
from qexpr.certificates.templates.local_taylor import Coded, derivation
from qexpr.certificates.templates.taylor import Index
from qexpr.errors import CertificateError, shorten

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


def derive(case: Case) -> Derivation:
    """Constants and error terms of the circuit, from its edges."""
    bits = case.plan["bits"]

    def require_digits(a: Index, coefficient: Coded) -> None:
        odd = coefficient.numbers * 2**bits % (2 * coefficient.denominator)
        if coefficient.families != 1 or not (odd == coefficient.denominator).all():
            raise CertificateError(
                f"the coefficients of order {a} are no odd multiples of 2^-{bits}"
            )

    return derivation(case, "rounding", digit_of, require_digits)
