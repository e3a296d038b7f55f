"""kappa(d, M): how far a function with third derivatives at most 1 is from its bubble interpolant.

With I_1 the interpolant on the Kuhn mesh of step h, I_M the one on the mesh of step M h, and V the
random vertex of the simplex of x whose mean is x,

    |I_1 f(x) - (h^2/2) sum_kl I_M[D_k D_l f](x) Cov(V_k, V_l) - f(x)| <= kappa(d, M) h^3

for every f with |D^a f| <= 1, |a| = 3. Taylor's remainders along paths from x to the vertices of
both meshes: sum_a |D^a f| is integrated against the l1 norm of the kernel's symmetrised
coefficients.
"""

from __future__ import annotations

from fractions import Fraction

from qexpr.errors import OutOfRegime

__all__ = ["COARSENINGS", "bubble_kappa"]

# The largest values found are 1/3 (at the middle of an edge), 0.645212 and 1.720369, on diagonals,
# where functions of x_1 + x_2 attain them; that these are above the maxima is proven by
# `qexpr.rigor.bubble_kernel`, in tests and in a derivation.
_KAPPA = {
    (1, 1): Fraction(1, 24),
    (2, 1): Fraction(3334, 10**4),
    (2, 2): Fraction(6453, 10**4),
    (2, 4): Fraction(17205, 10**4),
}

COARSENINGS = {1: (1,), 2: (1, 2, 4)}
"""The M for which a constant is known, by d."""


def bubble_kappa(d: int, M: int) -> Fraction:
    """An upper bound of kappa(d, M): exact for d = 1, within 2e-4 of it for d = 2.

    Raises
    ------
    OutOfRegime
        If no constant is known.
    """
    if (d, M) not in _KAPPA:
        raise OutOfRegime(f"bubbles are for d = 1 and 2 and M = 1, 2, 4, got d = {d}, M = {M}")
    return _KAPPA[d, M]
