"""Gadget G3: the partition of unity of the Kuhn triangulation, without a product."""

from __future__ import annotations

from qexpr.core.papers import derived
from qexpr.derivations.checks import Cases, Identity
from qexpr.derivations.derivation import Derivation, Step
from qexpr.derivations.formula import Definition

__all__ = ["DERIVATION"]

_POINTS = (("d", (1, 2, 3)), ("k", "range(7**3)"))

DERIVATION = Derivation(
    name="partition",
    title="A partition of unity without products (gadget G3)",
    statement="The hats `hat(x, m) = kuhn(x - m)` of the Kuhn triangulation are at least 0, add up "
    "to 1, live within 1 of their node in every coordinate, and at most d + 1 of them are positive "
    "at a point. (The mesh has step 1 here; on a grid of step 1/N take N x for x.)",
    source=derived("gadget G3"),
    definitions=(
        Definition("kuhn(y)", "relu(1 - max([0, *y]) - max([0, *[-t for t in y]]))"),
        Definition("hat(x, m)", "kuhn([a - b for a, b in zip(x, m)])"),
        Definition("point(d, k)", "[(k // 7**i % 7)/3 for i in range(d)]"),
        Definition("nodes(d)", "list(vectors([0, 1, 2], d))"),
    ),
    steps=(
        Step(
            "In the cell [0, 1]^d, let A be the largest coordinate u_i with m_i = 0 and B the "
            "least with m_i = 1 (A = 0, B = 1 if there is none). Then the hat of m is "
            "max(0, B - A).",
            "1 - A - (1 - B) == B - A",
            "max(0, u - m) = A and max(0, m - u) = 1 - B; nodes outside the cell give 0",
            Identity(real="A B"),
        ),
        Step(
            "So it is positive only if m marks the j largest coordinates, and then it is the gap "
            "between the j-th and the next: with 1 >= u_1 >= .. >= u_d >= 0 these gaps add up to "
            "1. There are d + 1 of them.",
            "(1 - u_1) + (u_1 - u_2) + (u_2 - u_3) + (u_3 - u_4) + u_4 == 1",
            "the sum telescopes (d = 4)",
            Identity(real="u_1 u_2 u_3 u_4"),
        ),
        Step(
            "On all points of a grid: at least 0, and of sum 1.",
            "all(hat(point(d, k), m) >= 0 for m in nodes(d)) and "
            "sum(hat(point(d, k), m) for m in nodes(d)) == 1",
            "evaluate",
            Cases(_POINTS, where="k < 7**d"),
        ),
        Step(
            "At most d + 1 are positive, and those are within 1 in every coordinate.",
            "sum(1 for m in nodes(d) if hat(point(d, k), m) > 0) <= d + 1 and "
            "all(abs(a - b) <= 1 for m in nodes(d) if hat(point(d, k), m) > 0 "
            "for a, b in zip(point(d, k), m))",
            "evaluate",
            Cases(_POINTS, where="k < 7**d"),
        ),
        Step(
            "Linear functions are reproduced: the hats are the barycentric coordinates.",
            "all(sum(hat(point(d, k), m)*m[i] for m in nodes(d)) - point(d, k)[i] == 0 "
            "for i in range(d))",
            "evaluate",
            Cases(_POINTS, where="k < 7**d"),
        ),
        Step(
            "A maximum takes one unit for each further argument.",
            "M + relu(y - M) == max([M, y])",
            "two points on each side of y = M settle two functions linear on each side",
            Cases((("M", "[0, 1/3, 2]"), ("y", "[-3, -1, 0, 1/3, 1, 2, 5]"))),
        ),
    ),
)
