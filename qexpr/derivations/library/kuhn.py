"""The constant of the Taylor term on the Kuhn mesh: K(d, n) = d^n kappa_n."""

from __future__ import annotations

from qexpr.core.papers import derived
from qexpr.derivations.checks import Everywhere, Identity, Numbers
from qexpr.derivations.derivation import Constant, Derivation, Step
from qexpr.derivations.formula import Definition

__all__ = ["DERIVATION"]

_ORDERS = tuple(range(1, 9))

DERIVATION = Derivation(
    name="kuhn",
    title="The Taylor term on the Kuhn mesh: K(d, n) = d^n kappa_n",
    statement="With Taylor polynomials of order n - 1 at the nodes, blended by the Kuhn hats, the "
    "error is at most `K(d, n)/(n! N^n)` with `K(d, n) = d^n kappa_n`, kappa_n the maximum of "
    "`p*s(n - 1, p)` over 0 <= p <= 1/4. The maximum of E |u - V|^n is attained on the diagonal.",
    source=derived("constant of the Taylor term"),
    definitions=(
        Definition("s(k, p)", "2 if k == 0 else 1 if k == 1 else s(k - 1, p) - p*s(k - 2, p)"),
        Definition("p5", "(4 - sqrt(10))/6"),
        Definition("q5", "4/3 - p5"),
        Definition("q6", "2/3 - p6"),
        Definition("p6", "(5 - sqrt(10))/15"),
        Definition(
            "spread(n, a, b)", "(1 - a)*(a + b)**n + (a - b)*(1 - a + b)**n + b*(2 - a - b)**n"
        ),
    ),
    steps=(
        Step(
            "Taylor's remainder at a node at distance x = (x_1, .., x_d) is at most the sum of "
            "|x|^a/a! over |a| = n, which is |x|_1^n/n!: here for two coordinates.",
            "sum(x**a*y**(n - a)/(factorial(a)*factorial(n - a)) for a in range(n + 1)) == "
            "(x + y)**n/factorial(n)",
            "the multinomial theorem",
            Identity(real="x y", cases=(("n", _ORDERS),)),
        ),
        Step(
            "In a simplex 1 >= u_1 >= .. >= u_d >= 0 the hats are u_j - u_(j+1) at the vertex "
            "v_j: probabilities of a random vertex V,",
            "(1 - u_1) + (u_1 - u_2) + (u_2 - u_3) + u_3 == 1",
            "they add up to 1 (d = 3)",
            Identity(real="u_1 u_2 u_3"),
        ),
        Step(
            "whose i-th coordinate is 1 with probability u_i.",
            "(u_2 - u_3) + u_3 == u_2",
            "add the probabilities of the vertices v_j, j >= i (i = 2, d = 3)",
            Identity(real="u_2 u_3"),
        ),
        Step(
            "Minkowski: t^n is convex,",
            "derivative(t**n, t, 2) == n*(n - 1)*t**(n - 2)",
            "the second derivative is at least 0",
            Identity(positive="t", whole="n"),
        ),
        Step(
            "so with norms a, b of X, Y and X/a, Y/b weighted by their shares of a + b, the mean "
            "of (X + Y)^n is at most (a + b)^n: norms add. Summed over coordinates, the norm of "
            "|u - V|_1 is at most d times the largest of one coordinate.",
            "(a/(a + b))*1 + (b/(a + b))*1 == 1",
            "the n-th powers of X/a and Y/b have mean 1",
            Identity(positive="a b"),
        ),
        Step(
            "In one coordinate the mean of |u - V|^n is p times a power sum, p = u (1 - u).",
            "(1 - u)*u**n + u*(1 - u)**n == u*(1 - u)*(u**(n - 1) + (1 - u)**(n - 1))",
            "V is 1 with probability u",
            Identity(real="u", cases=(("n", _ORDERS),)),
        ),
        Step(
            "The power sums follow a recursion in p.",
            "u**k + (1 - u)**k == s(k, u*(1 - u))",
            "Newton's identity for the roots u, 1 - u",
            Identity(real="u", cases=(("k", _ORDERS),)),
        ),
        Step(
            "p runs through [0, 1/4].",
            "1/4 - u*(1 - u) == (u - 1/2)**2",
            "complete the square",
            Identity(real="u"),
        ),
        Step(
            "On the diagonal u_1 = .. = u_d only V = 0 and V = (1, .., 1) have weight, and the "
            "bound is attained.",
            "(1 - u)*(d*u)**n + u*(d - d*u)**n == d**n*((1 - u)*u**n + u*(1 - u)**n)",
            "take d^n out",
            Identity(real="u d", cases=(("n", _ORDERS),)),
        ),
        Step(
            "n = 1, 2, 3: p s(n - 1, p) is 2 p, p and p (1 - 2 p), largest at p = 1/4.",
            "p*s(0, p) - 2*p == p*s(1, p) - p == p*s(2, p) - (1/8 - 2*(p - 1/4)**2) == 0",
            "expand: kappa = 1/2, 1/4, 1/8",
            Identity(real="p"),
        ),
        Step(
            "n = 4: kappa = 1/12, at p = 1/6.",
            "p*s(3, p) == 1/12 - 3*(p - 1/6)**2",
            "complete the square",
            Identity(real="p"),
        ),
        Step(
            "n = 5: the derivative has the roots p5 and q5.",
            "derivative(p*s(4, p), p) == 6*(p - p5)*(p - q5)",
            "differentiate and factor",
            Identity(real="p"),
        ),
        Step(
            "n = 6: the derivative has the roots p6 and q6.",
            "derivative(p*s(5, p), p) == 15*(p - p6)*(p - q6)",
            "differentiate and factor",
            Identity(real="p"),
        ),
        Step(
            "Only the first root of each lies in [0, 1/4], where the derivative turns from "
            "positive to negative: the maximum.",
            "0 < p5 < 1/4 < q5 and 0 < p6 < 1/4 < q6",
            "evaluate",
            Numbers(),
        ),
        Step(
            "In digits.",
            "abs(p5*s(4, p5) - 0.0670885) <= 5e-8 and abs(p6*s(5, p6) - 0.0566601) <= 5e-8",
            "evaluate",
            Numbers(),
        ),
        Step(
            "For d = 2 and u = (a, b) the mean of |u - V|_1^n is `spread(n, a, b)`: at n = 1 the "
            "sum of both coordinates.",
            "spread(1, a, b) == 2*a*(1 - a) + 2*b*(1 - b)",
            "expand",
            Identity(real="a b"),
        ),
        Step(
            "On the diagonal it is the bound for d = 2.",
            "spread(n, u, u) == 2**n*((1 - u)*u**n + u*(1 - u)**n)",
            "expand",
            Identity(real="u", cases=(("n", _ORDERS),)),
        ),
        Step(
            "A second look at d = 2: nothing in the triangle 1 >= a >= b >= 0, b = a c, exceeds "
            "the constant.",
            "spread(2, a, a*c) <= 4*(1/4) + 1/20 and spread(3, a, a*c) <= 8*(1/8) + 1/20",
            "by subdivision",
            Everywhere((("a", "0", "1"), ("c", "0", "1"))),
        ),
    ),
    constants=(
        Constant("kappa_1", "n = 1", "1/2"),
        Constant("kappa_2", "n = 2", "1/4"),
        Constant("kappa_3", "n = 3", "1/8"),
        Constant("kappa_4", "n = 4", "1/12"),
        Constant("kappa_5", "n = 5", "p5*s(4, p5)"),
        Constant("kappa_6", "n = 6", "p6*s(5, p6)"),
    ),
)
