"""The geometric mean g_n of the Euler-Frobenius symbol."""

from __future__ import annotations

from qexpr.core.papers import derived
from qexpr.derivations.checks import Cases, Identity, Numbers
from qexpr.derivations.derivation import Constant, Derivation, Step
from qexpr.derivations.formula import Definition

__all__ = ["DERIVATION"]

DERIVATION = Derivation(
    name="spline",
    title="The geometric mean g_n of the Euler-Frobenius symbol",
    statement="The collocation matrix of the centred cardinal B-spline of degree n at N + 1 "
    "integers has a determinant of at least g_n^(N+1), g_n the geometric mean over the circle of "
    "the symbol, the sum of B_n(k) cos(k t): g_1 = 1, `g_2 = (3 + 2*sqrt(2))/8`, "
    "`g_3 = (2 + sqrt(3))/6`, and so on.",
    source=derived("volume of splines", note="Szego's theorem for every n"),
    definitions=(
        Definition(
            "B(n, x)",
            "sum((-1)**j*binomial(n + 1, j)*relu(x + (n + 1)/2 - j)**n for j in range(n + 2))"
            "/factorial(n)",
        ),
        Definition("large(w)", "(w + sqrt(w**2 - 4))/2"),
        Definition("cubic(w)", "w**3 - 722*w**2 + 10540*w - 22104"),
        Definition("w4", "38 - 8*sqrt(19)"),
        Definition("w5", "13 - sqrt(105)"),
        Definition("g4", "large(w4)*large(38 + 8*sqrt(19))/384"),
        Definition("g5", "large(w5)*large(13 + sqrt(105))/120"),
        Definition(
            "g6",
            "large(root(cubic, 2, 3))*large(root(cubic, 12, 13))*large(root(cubic, 700, 710))"
            "/46080",
        ),
    ),
    steps=(
        Step(
            "The values of the splines at the integers, and their sum 1.",
            "[B(n, k)*[8, 6, 384, 120, 46080][n - 2] for k in range(n//2 + 1)] == "
            "[[6, 1], [4, 1], [230, 76, 1], [66, 26, 1], [23548, 10543, 722, 1]][n - 2] and "
            "B(n, 0) + 2*sum(B(n, k) for k in range(1, n)) == 1",
            "truncated powers, exactly",
            Cases((("n", (2, 3, 4, 5, 6)),)),
        ),
        Step(
            "A factor w + 2 cos t of the symbol with w = r + 1/r > 2 is 1/r times one of modulus "
            "form,",
            "(1 + 2*r*c + r**2)/r == (r + 1/r) + 2*c",
            "divide; c = cos t",
            Identity(real="c", positive="r"),
        ),
        Step(
            "whose product over the M-th roots of unity is known.",
            "product(1 + 2*r*cos(2*pi*j/M) + r**2 for j in range(M)) == (1 - (-r)**M)**2",
            "each factor is |1 + r e^(it)|^2; the roots of z^M = (-r)^M",
            Identity(positive="r", cases=(("M", (1, 2, 3, 4, 6, 8)),)),
        ),
        Step(
            "For r < 1 its M-th root tends to 1, so its geometric mean is 1, and that of the "
            "factor is 1/r: here the logarithm for r = 1/2.",
            "limit((1/2)**M, M, infinity) == 0",
            "r^M vanishes, and with it the logarithm of 1 - (-r)^M",
            Identity(positive="M"),
        ),
        Step(
            "1/r is `large(w)`.",
            "large(w) + 1/large(w) - w == 0",
            "the larger root of r + 1/r = w",
            Identity(positive="w"),
        ),
        Step(
            "n = 2 and 3: one factor, w = 6 and w = 4.",
            "large(6)/8 - (3 + 2*sqrt(2))/8 == large(4)/6 - (2 + sqrt(3))/6 == 0",
            "insert",
            Identity(),
        ),
        Step(
            "n = 4, with c2 = 2 cos t and 2 cos 2t = c2^2 - 2: two factors.",
            "230 + 76*c2 + (c2**2 - 2) == (38 - 8*sqrt(19) + c2)*(38 + 8*sqrt(19) + c2)",
            "solve the quadratic",
            Identity(real="c2"),
        ),
        Step(
            "n = 5: two factors.",
            "66 + 26*c2 + (c2**2 - 2) == (13 - sqrt(105) + c2)*(13 + sqrt(105) + c2)",
            "solve the quadratic",
            Identity(real="c2"),
        ),
        Step(
            "n = 6, with 2 cos 3t = c2^3 - 3 c2: a cubic in w = -c2.",
            "23548 + 10543*c2 + 722*(c2**2 - 2) + (c2**3 - 3*c2) == -cubic(-c2)",
            "insert",
            Identity(real="c2"),
        ),
        Step(
            "All w are above 2, those of the cubic by its changes of sign.",
            "w4 > 2 and w5 > 2 and cubic(2) < 0 < cubic(3) and "
            "cubic(12) > 0 > cubic(13) and cubic(700) < 0 < cubic(710)",
            "evaluate",
            Numbers(),
        ),
        Step(
            "In digits.",
            "abs(large(6)/8 - 0.728553) <= 5e-7 and abs(large(4)/6 - 0.622008) <= 5e-7 and "
            "abs(g4 - 0.525080) <= 5e-7 and abs(g5 - 0.449086) <= 5e-7 and "
            "abs(g6 - 0.384767) <= 5e-7",
            "evaluate",
            Numbers(),
        ),
        Step(
            "The determinant for one factor, R = 1/r: of order N it is "
            "(R^(N+1) - R^-(N+1))/(R - 1/R), since both powers meet the recursion "
            "D_N = (R + 1/R) D_(N-1) - D_(N-2),",
            "(R + 1/R)*R**N - R**(N - 1) == R**(N + 1)",
            "expand by the last row",
            Identity(positive="R", whole="N"),
        ),
        Step(
            "and exceeds R^N by a positive amount: the bound holds for n = 2 and 3, and by "
            "Szego's theorem for every n.",
            "(R**(N + 1) - R**(-N - 1))/(R - 1/R) - R**N == (R**(N - 1) - R**(-N - 1))/(R - 1/R)",
            "subtract; R > 1",
            Identity(positive="R", whole="N"),
        ),
    ),
    constants=(
        Constant("g_1", "degree 1", "1"),
        Constant("g_2", "degree 2", "large(6)/8"),
        Constant("g_3", "degree 3", "large(4)/6"),
        Constant("g_4", "degree 4", "g4"),
        Constant("g_5", "degree 5", "g5"),
        Constant("g_6", "degree 6", "g6"),
    ),
)
