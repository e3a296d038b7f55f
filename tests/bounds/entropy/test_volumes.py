"""The volume floors: members, determinants, and small packings that attain the volume."""

import itertools
import math
import random
from fractions import Fraction

import pytest
from flint import fmpq, fmpq_mat

from qexpr import Query, bounds
from qexpr.bounds.entropy import volumes
from qexpr.errors import OutOfRegime
from qexpr.rigor.constants import g_constant, spline_value


def determinant(rows):
    return Fraction(
        str(fmpq_mat([[fmpq(x.numerator, x.denominator) for x in row] for row in rows]).det())
    )


def one_variable(n, N):
    """Node values k/N, k = 1..N, of the function whose n-th derivative is 1 on one cell i."""

    def column(i):
        power = [Fraction(max(k - i, 0), N) ** n for k in range(N + 1)]
        after = [Fraction(max(k - i - 1, 0), N) ** n for k in range(N + 1)]
        return [(a - b) / math.factorial(n) for a, b in zip(power, after, strict=True)][1:]

    return list(zip(*(column(i) for i in range(N)), strict=True))


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("N", [1, 2, 3, 5])
def test_the_knot_map_has_the_determinant(n, N):
    assert determinant(one_variable(n, N)) == (Fraction(1, N**n) / math.factorial(n)) ** N


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("N", [1, 2, 3])
def test_functions_with_piecewise_constant_derivative_are_members(n, N):
    # By integration from 0 the extreme data are the worst: |f^(j)| <= x^(n-j)/(n-j)! <= 1.
    for signs in itertools.product((1, -1), repeat=N):
        for j in range(n + 1):
            for step in range(6 * N + 1):
                x = Fraction(step, 6 * N)
                total = sum(
                    s
                    * (
                        max(x - Fraction(i, N), 0) ** (n - j)
                        - max(x - Fraction(i + 1, N), 0) ** (n - j)
                    )
                    / math.factorial(n - j)
                    for i, s in enumerate(signs)
                )
                assert abs(total) <= 1


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("eps", ["1e-2", "1e-3", "3e-4"])
def test_the_searches_find_the_best_number_of_cells(n, eps):
    eps = Fraction(eps)
    y = 1 / (math.factorial(n) * float(eps))
    if y > 1:
        best = max(N * math.log2(y / N**n) for N in range(1, 2 + int(y ** (1 / n))))
        assert float(bounds.get("entropy.volume1").evaluate(1, n, eps=eps)["bits"]) == (
            pytest.approx(best, rel=1e-12)
        )
    for d in (1, 2, 3, 5):
        g = float(g_constant(n)[0])
        best = max(
            (N + 1) ** k * math.log2(g**k / (2**n * N**n * float(eps)))
            for N in range(1, 2 + int(float(eps) ** (-1 / n)))
            for k in range(1, d + 1)
        )
        if best > 0:
            found = bounds.get("entropy.volume_spline").evaluate(d, n, eps=eps)["bits"]
            assert float(found) == pytest.approx(best, rel=1e-12)


def spline_derivative(n, j, x):
    """B_n^(j) by differences of B_(n-j)."""
    return sum(
        (-1) ** i * math.comb(j, i) * spline_value(n - j, x + Fraction(j, 2) - i)
        for i in range(j + 1)
    )


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("N", [1, 2, 3])
def test_spline_sums_are_members(n, N):
    largest = Fraction(0)
    bound = Fraction(1, (2 * N) ** n)
    points = [Fraction(8 * i + 1, 8 * 8 * N) for i in range(8 * N)]  # no knot: B_0 jumps there
    for j in range(n + 1):
        basis = [[spline_derivative(n, j, N * x - k) * N**j for k in range(N + 1)] for x in points]
        for signs in itertools.product((1, -1), repeat=N + 1):
            for row in basis:
                size = abs(sum(s * b for s, b in zip(signs, row, strict=True))) * bound
                assert size <= 1
                largest = max(largest, size)
    # Sharp as soon as the sum of all 2^n differences fits.
    assert largest == 1 or n > N


@pytest.mark.parametrize("n", [1, 2, 3])
def test_spline_sums_of_two_variables_are_members(n):
    N, rng = 2, random.Random(n)
    bound = Fraction(1, (2 * N) ** n)
    points = [Fraction(8 * i + 3, 8 * 4 * N) for i in range(4 * N)]
    tables = {
        j: [[spline_derivative(n, j, N * x - k) * N**j for k in range(N + 1)] for x in points]
        for j in range(n + 1)
    }
    patterns = [
        [[rng.choice((1, -1)) for _ in range(N + 1)] for _ in range(N + 1)] for _ in range(6)
    ]
    patterns.append([[(-1) ** (i + k) for k in range(N + 1)] for i in range(N + 1)])
    for signs, a, b in itertools.product(patterns, range(n + 1), range(n + 1)):
        if a + b <= n:
            for u, v in itertools.product(tables[a], tables[b]):
                total = sum(signs[i][k] * u[i] * v[k] for i in range(N + 1) for k in range(N + 1))
                assert abs(total) * bound <= 1


def collocation(n, N):
    return [[spline_value(n, Fraction(i - k)) for k in range(N + 1)] for i in range(N + 1)]


@pytest.mark.parametrize("n", range(1, 9))
@pytest.mark.parametrize("N", [1, 2, 5, 9])
def test_szego_bounds_the_collocation_determinant(n, N):
    assert determinant(collocation(n, N)) >= g_constant(n)[1] ** (N + 1)


def test_the_determinant_over_two_variables_is_a_power():
    one = collocation(3, 2)
    both = [
        [one[i][k] * one[j][m] for k, m in itertools.product(range(3), repeat=2)]
        for i, j in itertools.product(range(3), repeat=2)
    ]
    assert determinant(both) == determinant(one) ** (2 * 3)


@pytest.mark.parametrize(("n", "N", "eps"), [(1, 1, "1/40"), (2, 1, "1/150"), (2, 2, "1/110")])
def test_spline_packings_attain_the_volume(n, N, eps):
    """Node values on a lattice of step > 2 eps: on average over shifts as many as the volume."""
    eps, K = Fraction(eps), N + 1
    bound = Fraction(1, (2 * N) ** n)
    inverse = fmpq_mat([[fmpq(x.numerator, x.denominator) for x in r] for r in collocation(n, N)])
    inverse = inverse.inv()
    rows = [[Fraction(str(inverse[i, k])) for k in range(K)] for i in range(K)]
    step = 2 * eps * (1 + Fraction(1, 10**6))
    reach = math.ceil(bound / step) + 1
    rng = random.Random(1)

    def packing(shift):
        found = []
        for multiple in itertools.product(range(-reach, reach + 1), repeat=K):
            values = [m * step + s for m, s in zip(multiple, shift, strict=True)]
            c = [sum(a * v for a, v in zip(row, values, strict=True)) for row in rows]
            if all(abs(x) <= bound for x in c):
                found.append(tuple(values))
        return found

    shifts = [[Fraction(rng.randrange(1000), 1000) * step for _ in range(K)] for _ in range(6)]
    best = max((packing(shift) for shift in shifts), key=len)
    bits = K * math.log2(float(g_constant(n)[0]) / (2**n * N**n * float(eps)))
    assert bits > 4
    # Pairwise more than 2 eps apart at a node, and at least as many as the floor says.
    assert all(
        max(abs(a - b) for a, b in zip(f, g, strict=True)) > 2 * eps
        for f, g in itertools.combinations(best[:200], 2)
    )
    assert len(set(best)) >= 2**bits * (1 - 1e-12)


def test_volumes_say_nothing_for_a_large_eps():
    with pytest.raises(OutOfRegime, match="g_n"):
        bounds.get("entropy.volume_spline").evaluate(2, 3, eps="0.2")
    with pytest.raises(OutOfRegime, match="volume says nothing"):
        bounds.get("entropy.volume1").evaluate(1, 3, eps="0.2")


def test_fewer_variables_are_used_where_that_says_more():
    spline = bounds.get("entropy.volume_spline")
    found = spline.find(Query(6, 3, eps="1e-2"))
    assert found["k"] < 6
    assert spline.find(Query(2, 3, eps="1e-3"))["k"] == 2
    values = [float(spline.evaluate(d, 3, eps="1e-2")["bits"]) for d in range(1, 8)]
    assert values == sorted(values)


def test_the_search_looks_around_the_optimum():
    assert {1, 9, 10, 11, 12} == volumes._around(10.4)
