"""The tables of the entropy floors: constants, values at finite eps, and the lists in the text.

Source: qexpr's own derivations of the entropy floors, as their tables were first typed; each
figure is reproduced to its last digit.
"""

import itertools
import math
from decimal import Decimal
from fractions import Fraction

import pytest
from perfect_spline import PerfectSpline

from qexpr import bounds
from qexpr.bounds.entropy import best_floor, floor_bits, lattice
from qexpr.rigor import balls
from qexpr.rigor.constants import a_constant, g_constant, ice_constant, kappa


def agrees(value, printed):
    """Whether a number rounds to the printed digits: within half a unit of the last one."""
    decimal = Decimal(printed)
    return abs(Decimal(repr(float(value))) - decimal) <= (
        Decimal(1).scaleb(decimal.as_tuple().exponent) * Decimal("0.5000001")
    )


def constant(id, d, n):
    """The value times eps^(d/n) at eps = 10^-200."""
    bits = bounds.get(id).evaluate(d, n, eps="1e-200")["bits"].guarantee
    shift = bits.numerator.bit_length() - bits.denominator.bit_length()
    mantissa = float(bits / Fraction(2) ** shift)
    return mantissa * 2 ** (shift - 200 * math.log2(10) * d / n)


CONSTANTS = {  # the table of constants: d, n: c_bump, c_V2, c_V1, upper
    (1, 1): ("0.5", "0.2654", "0.5307", "1.585"),
    (1, 2): ("0.2902", "0.4530", "0.7506", "2.965"),
    (1, 3): ("0.2964", "0.6796", "0.8762", "4.475"),
    (1, 4): ("0.3055", "0.9036", "0.9592", "6.043"),
    (2, 1): ("0.25", "0.0663", None, "3.566"),
    (2, 2): ("0.0625", "0.0704", None, "7.132"),
    (2, 3): ("0.0334", "0.1057", None, "12.00"),
    (2, 4): ("0.0238", "0.1393", None, "18.59"),
    (3, 1): ("0.125", "0.0221", None, "12.68"),
    (3, 2): ("0.01563", "0.01064", None, "23.2"),
    (3, 3): ("0.00610", "0.01597", None, "37.6"),
    (4, 2): ("0.00391", "0.00132", None, "97.1"),
}


@pytest.mark.parametrize(("d", "n"), CONSTANTS)
def test_constants_of_the_rate(d, n):
    names = ("entropy.bump", "entropy.volume_spline", "entropy.volume1", "entropy.code")
    for id, printed in zip(names, CONSTANTS[d, n], strict=True):
        if printed is not None:
            assert agrees(constant(id, d, n), printed), id


@pytest.mark.parametrize(
    ("id", "d", "printed"),
    [
        ("entropy.zigzag", 1, "1"),
        ("entropy.dp", 1, "1"),
        ("entropy.code_lipschitz", 1, "1"),
        ("entropy.ice", 2, "0.6226"),
        ("entropy.checkerboard", 2, "0.5"),
        ("entropy.checkerboard", 3, "0.5"),
    ],
)
def test_constants_for_one_derivative(id, d, printed):
    assert agrees(constant(id, d, 1), printed)


FINITE = [  # the table of finite eps: d, n, eps, floor, code
    (1, 2, "1e-2", "8.4", "40.5"),
    (1, 2, "1e-3", "23.7", "108.6"),
    (1, 2, "1e-4", "75.1", "316.5"),
    (1, 2, "1e-6", "750.6", "2995"),
    (1, 3, "1e-6", "87.6", "489"),
    (2, 1, "1e-1", "50", "360"),
    (2, 1, "1e-2", "6100", "35668"),
    (2, 1, "1e-3", "621310", "3.57e6"),
    (2, 2, "1e-2", "15.6", "817"),
    (2, 2, "1e-3", "92.2", "7252"),
    (2, 2, "1e-4", "769.7", "71963"),
    (2, 3, "1e-4", "72.9", "5987"),
    (2, 3, "1e-6", "1155", "1.2e5"),
    (3, 2, "1e-3", "512", "7.5e5"),
]


@pytest.mark.parametrize(("d", "n", "eps", "floor", "code"), FINITE)
def test_values_at_finite_eps(d, n, eps, floor, code):
    assert agrees(floor_bits(d, n, eps), floor)
    assert agrees(bounds.get("entropy.code").evaluate(d, n, eps=eps)["bits"], code)


STRIP = [  # F(1,1): eps, lower by the plain programme, upper
    ("0.1", "11.91", "13.32"),
    ("0.05", "23.04", "24.32"),
    ("0.01", "105.52", "106.64"),
    ("0.003", "341.32", "342.38"),
    ("0.001", "1008.93", "1009.97"),
]


@pytest.mark.parametrize(("eps", "lower", "upper"), STRIP)
def test_walks_in_the_strip(eps, lower, upper):
    m = math.ceil(1 / Fraction(eps)) - 1
    # The plain programme: starts 2h apart in [-1, 1], so 2m + 1 positions.
    share = lattice.walk_share(m, 2 * m + 1)
    plain = m + math.log2(share if isinstance(share, Fraction) else share[0])
    assert agrees(plain, lower)
    sharper = bounds.get("entropy.dp").evaluate(1, 1, eps=eps)["bits"]
    assert float(sharper) >= plain - 1e-9
    assert agrees(bounds.get("entropy.code_lipschitz").evaluate(1, 1, eps=eps)["bits"], upper)


def test_the_sharper_programme():
    assert agrees(bounds.get("entropy.dp").evaluate(1, 1, eps="0.1")["bits"], "12.01")


def test_the_gap_to_the_code_for_one_derivative():
    # "< 1.5 for 7 <= ceil(1/eps) <= 200": at eps = 1/k and just below 1/(k-1).
    for k in range(7, 201):
        for eps in (Fraction(1, k), Fraction(1, k - 1) * (1 - Fraction(1, 10**9))):
            code = bounds.get("entropy.code_lipschitz").evaluate(1, 1, eps=eps)["bits"]
            gap = code.upper - floor_bits(1, 1, eps).lower
            assert gap < Fraction(3, 2), (k, eps)


ICE = {  # m: log2 of the count of height functions, bound
    2: ("2.58", "0.91"),
    3: ("6.36", "4.02"),
    4: ("11.35", "8.38"),
    5: ("17.56", "13.98"),
    6: ("25.01", "20.83"),
    7: ("33.70", "28.92"),
    8: ("43.63", "38.26"),
}


@pytest.mark.parametrize("m", ICE)
def test_colourings_by_transfer_matrix(m):
    rows = [
        row
        for row in itertools.product(range(3), repeat=m)
        if row[0] == 0 and all(a != b for a, b in itertools.pairwise(row))
    ]
    # Rows up to a cyclic shift of the colours: a row starting with 0, the shift to the next one.
    ways = dict.fromkeys(rows, 1)
    for _ in range(m - 1):
        following = dict.fromkeys(rows, 0)
        for row, count in ways.items():
            for shift in (1, 2):
                for nxt in successors(row, shift):
                    following[nxt] += count
        ways = following
    count, bound = ICE[m]
    assert agrees(math.log2(sum(ways.values())), count)
    assert agrees(float(ice_constant()[0]) * m * m - math.log2(3), bound)


def successors(row, shift):
    """Rows starting with 0 that may stand below `row` once shifted by `shift`."""
    partial = [(0,)] if row[0] != shift else []
    for above in row[1:]:
        partial = [
            (*head, c)
            for head in partial
            for c in range(3)
            if c != head[-1] and (c + shift) % 3 != above
        ]
    return partial


@pytest.mark.parametrize(
    ("enclosure", "printed"),
    [
        (a_constant(3), "6.10194e-3"),
        (a_constant(4), "4.20507e-4"),
        (a_constant(5), "2.29743e-5"),
        (a_constant(6), "1.03044e-6"),
        (a_constant(7), "3.92591e-8"),
        (a_constant(8), "1.29898e-9"),
        (g_constant(2), "0.728553"),
        (g_constant(3), "0.622008"),
        (g_constant(4), "0.525080"),
        (g_constant(5), "0.449086"),
        (g_constant(6), "0.384767"),
        (kappa(5), "0.0670885"),
        (kappa(6), "0.0566601"),
        (ice_constant(), "0.6225562"),
    ],
)
def test_printed_constants(enclosure, printed):
    assert agrees(enclosure[0], printed)
    assert agrees(enclosure[1], printed)


NORMS = {  # n: b_j = |phi^(j)| / A_n, j = 0..n
    2: ("1", "4", "16"),
    3: ("1", "3.5147", "33.941", "163.882"),
    4: ("1", "4.0230", "35.087", "367.43", "2378.08"),
}


@pytest.mark.parametrize("n", NORMS)
def test_norms_of_the_derivatives_of_the_bump(n):
    with balls.precision(120):
        norms = PerfectSpline(n).norms(2000)
    for j, printed in enumerate(NORMS[n]):
        ratios = (norms[j][0] / norms[0][1], norms[j][1] / norms[0][0])
        assert agrees(sum(ratios) / 2, printed)


@pytest.mark.parametrize(
    ("d", "eps", "lam", "fixed", "free"),
    [
        (1, "1e-3", 2, 1009, 121),
        (1, "1e-3", 16, 253, None),
        (2, "1e-2", 2, 6101, 575),
        (2, "1e-2", 16, 1526, None),
    ],
)
def test_bits_to_weights(d, eps, lam, fixed, free):
    evaluate = {
        id: bounds.get(f"entropy.{id}").evaluate(d, 1, lam, eps)["weights"].value
        for id in ("weights_fixed", "weights_any")
    }
    assert evaluate["weights_fixed"] == fixed
    assert free is None or evaluate["weights_any"] == free


@pytest.mark.parametrize(("d", "n", "eps"), [(1, 1, "1e-3"), (2, 2, "1e-5"), (1, 3, "1e-9")])
def test_real_weights_by_the_growth_product(d, n, eps):
    # Bartlett et al. 2019: 2^V <= prod_i 2 (2 e V i k_i / W_i)^W_i, at W_i = W, k_i = 1, L = W.
    bound = bounds.get("entropy.weights_real")
    V = math.ceil((float(a_constant(n)[0]) / float(eps)) ** (1 / n)) ** d

    def log_growth(W):
        return sum(1 + W * math.log2(2 * math.e * V * i / W) for i in range(1, W + 1))

    W = next(W for W in itertools.count(1) if log_growth(W) >= V)
    assert bound.evaluate(d, n, eps=eps)["weights"] == W


def test_the_two_level_corollary():
    # M >= ceil((A_n/eps)^(1/n))^d >= A_n^(d/n) eps^(-d/n) for eps < A_n.
    for d, n, eps in itertools.product((1, 2, 3), (1, 2, 3), ("1e-4", "1e-5")):
        corollary = math.ceil((float(a_constant(n)[0]) / float(eps)) ** (1 / n) - 1e-9) ** d
        assert float(best_floor(d, n, eps)[0]) >= corollary * (1 - 1e-12)
