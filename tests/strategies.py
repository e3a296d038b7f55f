"""Hypothesis strategies shared by the suites."""

from fractions import Fraction

from hypothesis import strategies as st

__all__ = ["epsilons", "rationals"]


def rationals(lower=-4, upper=4, max_denominator=64):
    """Exact rationals in [lower, upper]."""
    return st.fractions(min_value=lower, max_value=upper, max_denominator=max_denominator)


def epsilons(smallest_exponent=-12):
    """Accuracies m * 10^-k below 1, the way people write them."""
    return st.builds(
        lambda mantissa, exponent: Fraction(mantissa) / 10 ** (exponent + 1),
        st.integers(1, 9),
        st.integers(0, -smallest_exponent - 1),
    )
