"""From the unit that sums everything to the output: positive multiples of one unit."""

from __future__ import annotations

from fractions import Fraction

from qexpr.certificates.templates.rules import OTHER, Rules
from qexpr.errors import CertificateError

__all__ = ["Amplification"]


class Amplification:
    """The multiples of one unit, and the output as gain * unit + offset."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.unit = -1
        self.multiples: dict[int, Fraction] = {}

    def begin(self, unit: int) -> None:
        """All that follows multiplies this unit."""
        self.unit = unit
        self.multiples[unit] = Fraction(1)
        self.rules.kind[unit] = OTHER

    def follows(self, unit: int) -> bool:
        """Whether a unit is a sum of multiples; it is one then.

        Raises
        ------
        CertificateError
            If it takes a difference, which relu might cut off.
        """
        terms = self.rules.net.terms(unit)
        if not set(terms) <= set(self.multiples):
            return False
        if min(terms.values()) <= 0:
            raise CertificateError("amplification takes a difference")
        self.multiples[unit] = sum((w * self.multiples[s] for s, w in terms.items()), Fraction(0))
        self.rules.kind[unit] = OTHER
        return True

    def output(self, unit: int) -> tuple[Fraction, Fraction]:
        """gain and offset of the output.

        Raises
        ------
        CertificateError
            If it reads anything but multiples and constants.
        """
        gain, offset = Fraction(0), Fraction(0)
        for source, weight in self.rules.net.terms(unit).items():
            constant = self.rules.constant_of(source)
            if source in self.multiples:
                gain += weight * self.multiples[source]
            elif constant is not None:
                offset += weight * constant
            else:
                raise CertificateError("the output reads more than the sum of all terms")
        if gain <= 0:
            raise CertificateError("the output does not amplify the sum of all terms")
        return gain, offset
