"""Multiresolution bit-planes: the tree's predictions, their digits, the waves, the error."""

from __future__ import annotations

from qexpr.core.papers import derived
from qexpr.derivations.checks import Cases, Everywhere, Identity
from qexpr.derivations.derivation import Derivation, Step
from qexpr.derivations.formula import Definition

__all__ = ["DERIVATION"]

_WAVES = "[[M, c] for M in [1, 2, 3, 4] for c in range(1 - 2**M, 2**M, 2)]"

DERIVATION = Derivation(
    name="multiresolution",
    title="Taylor polynomials coded along a tree of blocks, and the waves that decode them",
    statement="On a grid of `N_0*2^L` nodes an axis, a block's polynomial predicts those of its "
    "2^d children; `n - i + 1` sign digits of steps O(h^n) store what is left of order i, at every "
    "level. On the blocks of one residue class mod 2 the local coordinate is a triangle wave.",
    source=derived("multiresolution bit-planes"),
    definitions=(
        Definition("centre(s, k)", "2**s*k + (2**s - 1)/2"),
        Definition("chosen(m, k)", "product([binomial(a, b) for a, b in zip(m, k)])"),
        Definition("together(j, k)", "binomial(j + len(k) - 1, sum(k) + len(k) - 1)"),
        Definition(
            "bang(d, i)",
            "min([product([factorial(a) for a in v]) for v in vectors([0, 1, 2], d) "
            "if sum(v) == i])",
        ),
        Definition(
            "least(d, n, i, q)",
            "((d/2)**(n - i)/(bang(d, i)*factorial(n - i)) + sum(binomial(m + d - 1, i + d - 1)"
            "*2**(n - 2*m + i)*q[m] for m in range(i + 1, n))/2)/2**(n - i - 1)",
        ),
        Definition(
            "near(x, K)", "max([1/2 - 2**(K - 1), min([2**(K - 1) - 1/2, floor(x) + 1/2])])"
        ),
        Definition("v(t, M, i)", "t if i == 0 else abs(v(t, M, i - 1)) - 2**(M - i)"),
        Definition("wave(t, M)", "abs(v(t, M, M - 1)) - 1"),
        Definition(
            "mean(p, q, a, b)",
            "(1 - a)*a**p*b**q + (a - b)*(1 - a)**p*b**q + b*(1 - a)**p*(1 - b)**q",
        ),
    ),
    steps=(
        Step(
            "Block k of 2^s nodes reaches (2^s - 1)/2 cells to both sides of its centre; a hat "
            "adds one more.",
            "2**s*(k + 1) - 1 - centre(s, k) == centre(s, k) - 2**s*k == (2**s - 1)/2 == "
            "(2**s + 1)/2 - 1",
            "insert",
            Cases((("s", (0, 1, 2, 5)), ("k", (0, 1, 2, 7)))),
        ),
        Step(
            "Centres of the same class are two blocks apart, and supports at most one to each "
            "side: what the hats of the class reach does not overlap.",
            "centre(s, k + 2) - centre(s, k) == 2*2**s",
            "insert",
            Cases((("s", (0, 1, 2, 5)), ("k", (0, 1, 2, 7)))),
        ),
        Step(
            "A child's centre is half of its own side off the parent's.",
            "centre(s, 2*k + e) - centre(s + 1, k) == 2**s*(e - 1/2)",
            "insert",
            Cases((("s", (0, 1, 2, 5)), ("k", (0, 1, 2, 7)), ("e", (0, 1)))),
        ),
        Step(
            "So the parent's coordinate is half of the child's, moved by v = e - 1/2.",
            "(centre(s, 2*k + e) + 2**s*t - centre(s + 1, k))/2**(s + 1) == (t + e - 1/2)/2",
            "divide by the parent's side",
            Cases((("s", (0, 1, 3)), ("k", (0, 1, 4)), ("e", (0, 1)), ("t", "[-1, -1/3, 0, 1]"))),
        ),
        Step(
            "A power of it, around the child's centre.",
            "((y + v)/2)**a == sum(binomial(a, b)*v**(a - b)*2**(-a)*y**b for b in range(a + 1))",
            "the binomial theorem",
            Identity(real="y v", cases=(("a", (0, 1, 2, 3, 4)),)),
        ),
        Step(
            "The binomials of all orders j over an index k add up to one binomial.",
            "sum(chosen(m, k) for m in vectors([0, 1, 2, 3, 4], len(k)) if sum(m) == j) == "
            "together(j, k)",
            "they are the coefficients of the product of x^k/(1 - x)^(k + 1)",
            Cases(
                (
                    ("j", (0, 1, 2, 3, 4)),
                    ("k", "[v for d in [1, 2, 3] for v in vectors([0, 1, 2], d)]"),
                )
            ),
        ),
        Step(
            "With K = n - i + 1 digits order i keeps 2^(n - i - 1) steps for everything else.",
            "2**(n - i + 1 - 1) - 2**(n - i)/2 == 2**(n - i - 1)",
            "subtract its own weight",
            Cases((("n", (3, 4, 6)), ("i", (0, 1, 2)))),
        ),
        Step(
            "The least steps over h^n, from the highest order down: (1, 2), (2, 2) and (2, 3).",
            "least(1, z + 2, 1, [0, 0]) == 1/2 and least(1, z + 2, 0, [0, 1/2]) == 3/16 and "
            "least(2, z + 2, 1, [0, 0]) == 1 and least(2, z + 2, 0, [0, 1]) == 3/4 and "
            "least(2, z + 3, 2, [0, 0, 0]) == 1 and least(2, z + 3, 1, [0, 0, 1]) == 1 and "
            "least(2, 3, 0, [0, 1, 1]) == 35/48",
            "insert",
            Cases((("z", (0,)),)),
        ),
        Step(
            "What is at most 2^(K - 1) steps has a member of +-1/2, +-3/2, .. within half a step.",
            "abs(2**(K - 1)*t - near(2**(K - 1)*t, K)) <= 1/2",
            "the members are 1 apart and reach to 1/2 from both ends",
            Cases((("K", (1, 2, 3, 4)), ("t", "[k/24 for k in range(-24, 25)]"))),
        ),
        Step(
            "Within 2^M of the first fold the wave stays within 1.",
            "abs(wave(2**p[0]*t, p[0])) <= 1",
            "by induction: v_i is at most 2^(M - i) in magnitude",
            Cases((("p", _WAVES), ("t", "[k/24 for k in range(-24, 25)]"))),
        ),
        Step(
            "Around every odd c the wave is t - c or its negative, as far as 1 to both sides:",
            "wave(p[1] + y, p[0]) == y*wave(p[1] + 1, p[0])",
            "it turns at even numbers only",
            Cases((("p", _WAVES), ("y", "[k/6 for k in range(-6, 7)]"))),
        ),
        Step(
            "its slope there is 1 or -1.",
            "wave(p[1] + 1, p[0])*wave(p[1] - 1, p[0]) == -1",
            "insert",
            Cases((("p", _WAVES),)),
        ),
        Step(
            "With m = 3 - 2 p mod 4 the centres of the blocks k = p mod 2 are such odd numbers.",
            "(2*k + 1 - (4*j + 3 - 2*p))/2 - 1 == 2*((k + p)/2 - 1 - j)",
            "k + p is even",
            Identity(real="k j p"),
        ),
        Step(
            "For d = 2 the mean of |u - V|^b over the random vertex, on the diagonal.",
            "mean(p, q, a, a) == a*(1 - a)*(a**(p + q - 1) + (1 - a)**(p + q - 1))",
            "the middle vertex has weight 0",
            Identity(positive="a", cases=(("p", (1, 2)), ("q", (1, 2)))),
        ),
        Step(
            "Its maximum there is kappa, and nothing in the triangle exceeds it (Hoelder).",
            "mean(1, 1, a, a*c) <= 1/4 + 1/20 and mean(2, 1, a, a*c) <= 1/8 + 1/20",
            "by subdivision",
            Everywhere((("a", "0", "1"), ("c", "0", "1"))),
        ),
    ),
)
