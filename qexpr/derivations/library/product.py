"""Gadget G2: products from two squares, with the error of one."""

from __future__ import annotations

from qexpr.core.papers import derived
from qexpr.derivations.checks import Cases, Identity
from qexpr.derivations.derivation import Derivation, Step
from qexpr.derivations.formula import Definition
from qexpr.derivations.library.square import SQUARE

__all__ = ["DERIVATION"]

_GRID = "[k/6 for k in range(-6, 7)]"

DERIVATION = Derivation(
    name="product",
    title="Products from two squares (gadget G2)",
    statement="For p, q in [-1, 1], `prod(r, p, q) = sq(r, abs(p + q)/2) - sq(r, abs(p - q)/2)` is "
    "within `4**(-r - 1)` of p*q, exact where p or q is 0 or +-1, and at most min(abs(p), abs(q)).",
    source=derived("gadget G2"),
    definitions=(
        *SQUARE,
        Definition("prod(r, p, q)", "sq(r, abs(p + q)/2) - sq(r, abs(p - q)/2)"),
    ),
    steps=(
        Step(
            "With exact squares it is the product.",
            "((p + q)/2)**2 - ((p - q)/2)**2 == p*q",
            "expand; both halves lie in [0, 1]",
            Identity(real="p q"),
        ),
        Step(
            "Both errors lie in [0, 4^-(r + 1)], so their difference is at most that: here in "
            "units of it.",
            "abs(e - f) <= 1",
            "a convex function on a square is largest at a corner",
            Cases((("e", (0, 1)), ("f", (0, 1)))),
        ),
        Step(
            "If q = 0 both squares are equal; if p = 1 their arguments are v and 1 - v, at which "
            "all folds agree,",
            "2*(1 - v) == 2 - 2*v",
            "the tent map is symmetric",
            Identity(real="v"),
        ),
        Step(
            "so that only v - (1 - v) remains, which is q.",
            "(1 + q)/2 - (1 - (1 + q)/2) == q",
            "v = (1 + q)/2; p = -1 is the same with the squares exchanged",
            Identity(real="q"),
        ),
        Step(
            "`sq` joins the points (k/M, (k/M)^2), M = 2^r, by lines, with these slopes, which "
            "rise with k: it is convex and increasing.",
            "((k + 1)**2/M**2 - k**2/M**2)/(1/M) == (2*k + 1)/M",
            "divide differences",
            Identity(real="k", positive="M"),
        ),
        Step(
            "For 0 <= q <= p the product is an increment of `sq` over the length q, so it rises "
            "with its place: it is at most its value q at p = 1, and at least 0. By symmetry of "
            "p and q and of signs, its magnitude is at most the smaller of both.",
            "(p + q)/2 - (p - q)/2 == q",
            "the length of the increment",
            Identity(real="p q"),
        ),
        Step(
            "All of it, on a grid.",
            "abs(prod(r, p, q) - p*q) <= delta(r) and "
            "abs(prod(r, p, q)) <= min([abs(p), abs(q)]) and prod(r, p, 1) == p == -prod(r, p, -1)",
            "evaluate",
            Cases((("r", (1, 2, 3)), ("p", _GRID), ("q", _GRID))),
        ),
        Step(
            "With factors a, b in place of p, q the error grows by at most abs(a - p) and "
            "abs(b - q).",
            "a*b - p*q == (a - p)*b + p*(b - q)",
            "b and p are at most 1 in magnitude",
            Identity(real="a b p q"),
        ),
        Step(
            "Ding's product takes three squares,",
            "2*((p + q)/2)**2 - 2*(p/2)**2 - 2*(q/2)**2 == p*q",
            "expand: by the triangle inequality its error is 6 times that of a square",
            Identity(real="p q"),
        ),
        Step(
            "and since all errors have one sign, it is 4 times: still 4 times that of G2.",
            "-4 <= 2*(e - f - g) <= 2",
            "try the corners, in units of 4^-(r + 1)",
            Cases((("e", (0, 1)), ("f", (0, 1)), ("g", (0, 1)))),
        ),
    ),
)
