"""The highest bump of a given smoothness: the perfect B-spline and its height A_n."""

from __future__ import annotations

from qexpr.core.papers import derived
from qexpr.derivations.checks import Cases, Identity, Numbers
from qexpr.derivations.derivation import Constant, Derivation, Step
from qexpr.derivations.formula import Definition

__all__ = ["DERIVATION"]

_ORDERS = tuple(range(1, 9))

DERIVATION = Derivation(
    name="bump",
    title="The highest bump: perfect B-splines and A_n",
    statement="Among functions supported in [0, 1] with |f^(n)| <= 1 none is higher at 1/2 than "
    "the perfect B-spline, whose n-th derivative has the sign of U_n(2 t - 1); its height is A_n.",
    source=derived("bump packing", note="U_n is Chebyshev's polynomial of the second kind"),
    definitions=(
        Definition(
            "height(n)",
            "abs(1 + 2*sum((-1)**k*cos(k*pi/(n + 1))**n for k in range(1, n//2 + 1)))"
            "/(2**n*factorial(n))",
        ),
        Definition(
            "split(P, x, n)",
            "relu(x - P[0])**(n - 1) if len(P) == 1 else "
            "(split(P[1:], x, n) - split(P[:-1], x, n))/(P[-1] - P[0])",
        ),
    ),
    steps=(
        Step(
            "sin(k t)/sin t = U_(k-1)(cos t) is a polynomial in cos t of degree k - 1.",
            "sin((k + 1)*t) + sin((k - 1)*t) == 2*cos(t)*sin(k*t)",
            "addition theorem: a recursion in k",
            Identity(real="k t"),
        ),
        Step(
            "An alternating sum of cosines telescopes when multiplied by 2 cos(a/2).",
            "2*cos(a/2)*cos(j*a) == cos((j + 1/2)*a) + cos((j - 1/2)*a)",
            "addition theorem",
            Identity(real="a j"),
        ),
        Step(
            "At a = k pi/(n + 1) the last cosine is that of x - a/2 with x = k pi,",
            "cos(x - a/2) == cos(x)*cos(a/2) + sin(x)*sin(a/2)",
            "addition theorem",
            Identity(real="x a"),
        ),
        Step(
            "which is (-1)^k cos(a/2). With e = (-1)^(n + k), twice the sum of (-1)^j cos(j a) "
            "over j = 0..n is 1 + e.",
            "cos(k*pi) - (-1)**k == sin(k*pi) == 0",
            "k is an integer; divide by cos(a/2)",
            Identity(cases=(("k", _ORDERS),)),
        ),
        Step(
            "So the integral of the sign of sin((n + 1) t) times sin(k t) over [0, pi], which is "
            "1/k times the alternating sum of the differences of cos(j a), vanishes for k <= n.",
            "2*((1 + e)/2) - 1 - e == 0",
            "sum by parts; in x = cos t: the sign of U_n is orthogonal to all polynomials of "
            "degree below n, so the n-fold integral from 0 has n zero derivatives at 1 too",
            Identity(real="e"),
        ),
        Step(
            "Its value at 1/2 is the integral of (1/2 - t)^(n-1)/(n-1)! with these signs.",
            "derivative(-(1/2 - t)**n/factorial(n), t) == (1/2 - t)**(n - 1)/factorial(n - 1)",
            "differentiate the antiderivative",
            Identity(real="t", cases=(("n", _ORDERS),)),
        ),
        Step(
            "Over the cells of alternating sign the antiderivative y telescopes (three cells; the "
            "last y is that of 1/2, which is 0).",
            "(y_0 - y_1) - (y_1 - y_2) + y_2 == y_0 - 2*y_1 + 2*y_2",
            "collect; at the zeros t_k = (1 - cos(k pi/(n + 1)))/2 of U_n(2 t - 1) it is "
            "(cos(k pi/(n + 1))/2)^n/n!: this is A_n",
            Identity(real="y_0 y_1 y_2"),
        ),
        Step(
            "The first heights.",
            "height(1) - 1/2 == height(2) - 1/16 == height(3) - (2 - sqrt(2))/96 == "
            "height(4) - (1/384 - sqrt(5)/1024) == "
            "height(5) - (17/61440 - 3*sqrt(3)/20480) == 0",
            "the cosines of multiples of pi/2 to pi/6",
            Identity(),
        ),
        Step(
            "No f is higher: f(1/2) is the integral of g f^(n), where g is the truncated power "
            "(1/2 - t)^(n-1)/(n-1)! less any polynomial of degree below n. Take the one that "
            "meets it at the zeros of U_n. By Newton's formula g is the product of all t - t_k by "
            "a divided difference of the truncated power, which is a B-spline and has one sign. "
            "So g has the signs of U_n, and the integral is largest for f^(n) = these signs.",
            "(-1)**n*split(P[:n + 1], x, n) >= 0 and (x < P[n] or split(P[:n + 1], x, n) == 0)",
            "divided differences of truncated powers at uneven points, x off the points",
            Cases(
                (
                    ("n", (1, 2, 3, 4)),
                    ("x", "[k/7 for k in range(-1, 16)]"),
                    ("P", "[[0, 1/5, 3/5, 4/5, 3/2], [1/10, 1/3, 1/2, 6/5, 2]]"),
                )
            ),
        ),
        Step(
            "The heights from 6 on, in digits.",
            "abs(height(6) - 1.03044e-6) <= 5e-12 and abs(height(7) - 3.92591e-8) <= 5e-14 and "
            "abs(height(8) - 1.29898e-9) <= 5e-15",
            "evaluate",
            Numbers(),
        ),
    ),
    constants=tuple(Constant(f"A_{n}", f"the height for n = {n}", f"height({n})") for n in _ORDERS),
)
