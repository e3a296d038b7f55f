"""Hypothesis strategies shared by the suites."""

from fractions import Fraction

from hypothesis import strategies as st

__all__ = ["epsilons", "expressions", "rationals"]


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


def expressions(d, kinks=False):
    """Texts of target expressions in x0 .. x(d-1), defined on all of [0, 1]^d."""
    leaves = st.one_of(
        st.sampled_from([f"x{k}" for k in range(d)]),
        rationals(-2, 2, 8).map(lambda q: f"({q})"),
        st.sampled_from(["0.25", "pi/4", "1e-1"]),
    )

    def grow(parts):
        two = st.tuples(parts, parts)
        grown = [
            st.builds(lambda p, op: f"({p[0]}{op}{p[1]})", two, st.sampled_from("+-*")),
            st.builds(lambda a, k: f"({a})^{k}", parts, st.sampled_from([2, 3])),
            st.builds(lambda a, f: f"{f}({a})", parts, st.sampled_from(["sin", "cos", "tanh"])),
            parts.map(lambda a: f"exp(sin({a}))"),
            parts.map(lambda a: f"sqrt(2+cos({a}))"),
            parts.map(lambda a: f"log(3-sin({a}))"),
            parts.map(lambda a: f"1/(2+tanh({a}))"),
        ]
        if kinks:
            grown += [
                st.builds(lambda a, f: f"{f}({a})", parts, st.sampled_from(["abs", "relu"])),
                st.builds(lambda p, f: f"{f}({p[0]},{p[1]})", two, st.sampled_from(["min", "max"])),
            ]
        return st.one_of(grown)

    return st.recursive(leaves, grow, max_leaves=6).filter(lambda text: len(text) <= 200)
