import itertools
import math
from fractions import Fraction

import pytest
from flint import arb, fmpq

from qexpr.errors import InvalidInput
from qexpr.rigor import balls, constants
from qexpr.rigor.constants import a_constant, g_constant, ice_constant, k_constant, kappa

ORDERS = (1, 2, 3, 4, 5, 8, 12, 33, 100, 1000)


@pytest.mark.parametrize("constant", [kappa, a_constant, g_constant])
@pytest.mark.parametrize("n", ORDERS)
def test_enclosures_are_narrow(constant, n):
    lower, upper = constant(n)
    assert 0 < lower <= upper
    if constant is g_constant and n > constants.SHARP_G:
        assert upper / lower < 1 + Fraction(1, n)
    else:
        assert upper - lower <= upper / 2**60


@pytest.mark.parametrize("constant", [kappa, a_constant, g_constant])
@pytest.mark.parametrize("n", [0, -1, 1001, "x", 2.0])
def test_orders_outside_the_range_are_refused(constant, n):
    with pytest.raises(InvalidInput, match="n must be an integer from 1 to 1000"):
        constant(n)


def test_dimensions_outside_the_range_are_refused():
    with pytest.raises(InvalidInput, match="d must be"):
        k_constant(0, 2)


def contains(enclosure, value):
    return enclosure[0] <= value <= enclosure[1]


def contains_root(enclosure, polynomial):
    """Whether an exact polynomial changes sign over the enclosure."""
    return polynomial(enclosure[0]) * polynomial(enclosure[1]) <= 0


def test_closed_forms():
    assert [kappa(n)[0] for n in (1, 2, 3)] == [Fraction(1, k) for k in (2, 4, 8)]
    assert contains(kappa(4), Fraction(1, 12))
    assert a_constant(1)[0] == a_constant(1)[1] == Fraction(1, 2)
    assert contains(a_constant(2), Fraction(1, 16))
    assert contains_root(a_constant(3), lambda x: (2 - 96 * x) ** 2 - 2)
    assert contains_root(a_constant(4), lambda x: (Fraction(1, 384) - x) ** 2 * 2**20 - 5)
    a5 = Fraction(17, 61440)
    assert contains_root(a_constant(5), lambda x: (a5 - x) ** 2 * 20480**2 - 27)
    assert g_constant(1) == (1, 1)
    assert contains_root(g_constant(2), lambda x: (8 * x - 3) ** 2 - 8)
    assert contains_root(g_constant(3), lambda x: (6 * x - 2) ** 2 - 3)
    low, high = ice_constant()
    assert high - low < Fraction(1, 2**60)
    # 2^(2 v) = (4/3)^3 at v = ice / 1 for one vertex: bracket by integers at v = p/64.
    p = math.floor(128 * low)
    assert Fraction(2) ** p < Fraction(4, 3) ** 192 < Fraction(2) ** (p + 1)


def s_polynomial(n, p):
    """p s_{n-1}(p) by the recursion."""
    before, now = Fraction(2), Fraction(1)
    for _ in range(n - 1):
        before, now = now, now - p * before
    return p * before


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 7, 20])
def test_kappa_is_the_maximum_of_its_polynomial(n):
    lower, upper = kappa(n)
    values = [s_polynomial(n, Fraction(k, 4 * 256)) for k in range(257)]
    # |d/dp p s_{n-1}| <= 1 + p (n-1) <= n on [0, 1/4], so a grid of step h misses at most n h / 2.
    assert max(values) <= upper
    assert lower <= max(values) + n * Fraction(1, 4 * 256)


def simplex_mean(u, n):
    """E||u - V||_1^n at a point of the simplex, V its random vertex."""
    d = len(u)
    corners = [(1,) * j + (0,) * (d - j) for j in range(d + 1)]
    edges = (1, *u, 0)
    return sum(
        (edges[j] - edges[j + 1]) * sum(abs(a - b) for a, b in zip(u, v, strict=True)) ** n
        for j, v in enumerate(corners)
    )


def ordered_grid(d, cells):
    return itertools.combinations_with_replacement(
        [Fraction(k, cells) for k in range(cells, -1, -1)], d
    )


@pytest.mark.parametrize(("d", "cells"), [(1, 64), (2, 32), (3, 14)])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_the_closed_form_is_the_maximum_over_the_simplex(d, n, cells):
    upper = k_constant(d, n)[1]
    grid = max(simplex_mean(u, n) for u in ordered_grid(d, cells))
    assert grid <= upper
    # E||u - V||^n moves by at most (2 n d^n + 2 d^n) per unit of the largest coordinate change.
    assert upper <= grid + (n + 1) * Fraction(2 * d**n, cells)


@pytest.mark.parametrize(
    ("d", "n", "slack"),
    [(2, 1, "1/50"), (2, 2, "1/50"), (2, 3, "1/50"), (3, 1, "1/12"), (3, 2, "1/12")],
)
def test_nothing_on_the_simplex_exceeds_k(d, n, slack):
    """Proven by subdivision: every box that meets the simplex is bounded, or cut again."""
    limit = k_constant(d, n)[1] * (1 + Fraction(slack))
    boxes, done = [[(Fraction(0), Fraction(1))] * d], 0
    while boxes:
        box = boxes.pop()
        if any(a[1] < b[0] for a, b in itertools.pairwise(box)):
            continue  # u_1 >= u_2 >= .. nowhere
        done += 1
        assert done < 20000
        u = [balls.interval(*side) for side in box]
        total = arb(0)
        for j in range(d + 1):
            share = (u[j - 1] if j else arb(1)) - (u[j] if j < d else arb(0))
            distance = sum((1 - x for x in u[:j]), arb(0)) + sum(u[j:], arb(0))
            total += share.nonnegative_part() * balls.power(distance, n)
        if balls.upper_end(total) > limit:
            widest = max(range(d), key=lambda i: box[i][1] - box[i][0])
            low, high = box[widest]
            middle = (low + high) / 2
            before, after = box[:widest], box[widest + 1 :]
            boxes += [[*before, (low, middle), *after], [*before, (middle, high), *after]]
    assert done > 10


@pytest.mark.parametrize("k", [1, 2, 3, 6, 11])
def test_the_polynomial_is_a_product_over_zeros_above_a_quarter(k):
    # s_k(p) = prod (1 - 4 p cos^2((2j-1) pi/2k)): what makes its logarithm concave.
    for p in (Fraction(1, 7), Fraction(1, 4), Fraction(2)):
        product = arb(1)
        for j in range(1, k // 2 + 1):
            cosine = arb.cos_pi_fmpq(fmpq(2 * j - 1, 2 * k))
            product *= 1 - 4 * balls.ball(p) * balls.power(cosine, 2)
        exact = s_polynomial(k + 1, p) / p
        assert balls.lower_end(product) <= exact <= balls.upper_end(product)


@pytest.mark.parametrize("d", [1, 2, 3, 5])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6])
def test_the_diagonal_attains_k(d, n):
    # At p = u(1-u) with u near the maximiser, the mean on the diagonal is d^n p s_{n-1}(p).
    best = max(simplex_mean((Fraction(k, 200),) * d, n) for k in range(201))
    lower, upper = k_constant(d, n)
    assert best <= upper
    assert best >= lower * (1 - Fraction(n * n, 200**2) * 4)


def perfect_spline_height(n):
    """phi_n(1/2) by integrating the signs: sum of 2 (-1)^k (1/2 - t_k)_+^n / n!."""
    half = arb(1) / 2
    total = half**n
    for k in range(n, 0, -1):
        knot = (1 + arb.cos_pi_fmpq(fmpq(k, n + 1))) / 2
        if 2 * k > n + 1:  # the knot is left of 1/2
            total += 2 * (-1) ** (n + 1 - k) * (half - knot) ** n
    return abs(total) / math.factorial(n)


@pytest.mark.parametrize("n", range(1, 21))
def test_a_constant_is_the_integrated_perfect_spline(n):
    low, high = balls.enclosure(lambda: perfect_spline_height(n))
    lower, upper = a_constant(n)
    assert lower <= high
    assert low <= upper
    assert abs(high - lower) < lower / 2**50


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7])
def test_spline_values_sum_to_one_and_integrate(n):
    for place in (Fraction(0), Fraction(1, 3), Fraction(1, 2)):
        assert sum(constants.spline_value(n, place + k) for k in range(-n - 1, n + 2)) == 1
    assert constants.spline_value(n, Fraction(n + 1, 2)) == 0
    assert constants.spline_value(n, Fraction(-n, 2) - 1) == 0
    assert constants.spline_value(n, Fraction(1, 3)) == constants.spline_value(n, Fraction(-1, 3))


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6, 9])
def test_g_constant_is_the_product_over_the_zeros(n):
    # Jensen: the leading value times the zeros outside the circle.
    from flint import fmpz_poly

    half = n // 2
    values = [constants.spline_value(n, Fraction(k)) for k in range(-half, half + 1)]
    scale = math.lcm(*(v.denominator for v in values))
    roots = fmpz_poly([int(v * scale) for v in values]).complex_roots()
    product = arb(int(values[-1] * scale)) / scale
    for root, multiplicity in roots:
        assert balls.upper_end(root.real) < 0
        if balls.lower_end(abs(root.real)) > 1:
            product *= abs(root.real) ** multiplicity
    lower, upper = g_constant(n)
    assert balls.lower_end(product) <= upper
    assert lower <= balls.upper_end(product)
    assert abs(float(product) - float(lower)) < 1e-13


@pytest.mark.parametrize("n", [2, 3, 10, 40, 64])
def test_the_asymptotic_enclosure_contains_the_sharp_one(n):
    low, high = constants._asymptotic(n)
    assert low <= g_constant(n)[0]
    assert g_constant(n)[1] <= high


def test_each_constant_is_computed_once(monkeypatch):
    first = a_constant(77)
    monkeypatch.setattr(constants, "enclosure", lambda *_: pytest.fail("computed again"))
    assert a_constant(77) is first
