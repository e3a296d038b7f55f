"""The bumps are built: their heights, their derivatives, and the packings they make."""

import itertools
import math
from fractions import Fraction

import pytest
from perfect_spline import PerfectSpline

from qexpr import Query, bounds
from qexpr.bounds.entropy import bumps
from qexpr.rigor import balls
from qexpr.rigor.constants import a_constant

BUMP = bounds.get("entropy.bump")
SAFE = 1 - Fraction(1, 2**40)  # the derivatives attain 1 exactly: balls need room


@pytest.mark.parametrize("n", range(1, 13))
def test_the_spline_closes_up_and_has_the_height(n):
    with balls.precision(200):
        spline = PerfectSpline(n)
        for derivative in spline.end:
            assert abs(float(derivative)) < 1e-40
        low, high = a_constant(n)
        top = balls.ball(spline(Fraction(1, 2)))
        assert low <= balls.upper_end(abs(top))
        assert balls.lower_end(abs(top)) <= high


@pytest.mark.parametrize("n", range(3, bumps.TENSOR_LIMIT + 1))
def test_products_of_bumps_are_members(n):
    # b_j = |phi^(j)| / A_n: b_i b_j <= b_(i+j) carries over to products of any length, and
    # b_j <= b_n is one variable.
    with balls.precision(53 + 12 * n):
        norms = PerfectSpline(n).norms(24 if n < 6 else 8)
    height = norms[0]
    for i in range(1, n):
        assert norms[i][1] <= norms[n][0]
        for j in range(i, n + 1 - i):
            assert norms[i][1] * norms[j][1] <= norms[i + j][0] * height[0]


def test_products_of_bumps_are_members_for_two_derivatives():
    # Exactly: b = 1, 4, 16, the product of two first derivatives is as large as the second.
    spline = PerfectSpline(2)
    assert [max(spline.samples(j, 4)[0]) for j in range(3)] == [
        Fraction(1, 16),
        Fraction(1, 4),
        1,
    ]


@pytest.mark.parametrize(
    ("d", "n", "N", "eps"),
    [
        (1, 1, 2, "0.2"),
        (1, 1, 3, "0.03"),
        (1, 2, 1, "0.01"),
        (1, 2, 2, "0.01"),
        (1, 3, 1, "1e-3"),
        (1, 4, 2, "1e-5"),
        (2, 1, 1, "0.3"),
        (2, 2, 1, "0.03"),
        (2, 2, 2, "0.012"),
        (2, 3, 1, "0.0055"),
    ],
)
def test_bumps_are_a_packing(d, n, N, eps):
    eps = Fraction(eps)
    levels = math.ceil(a_constant(n)[0] / (eps * N**n))
    nodes = list(itertools.product(range(N + 1), repeat=d))
    # As many members as the floor says for these N and l, if it chooses them.
    bits = (N + 1) ** d * math.log2(levels)
    assert 0 < bits <= float(BUMP.evaluate(d, n, eps=eps)["bits"]) * (1 + 1e-12)
    assert levels ** len(nodes) >= 2**bits * (1 - 1e-12)
    # Two members differ at a node by a multiple of the spacing of the amplitudes.
    height = a_constant(n)[0] * SAFE / N**n
    amplitudes = [height * (2 * Fraction(k, levels - 1) - 1) for k in range(levels)]
    assert amplitudes[1] - amplitudes[0] > 2 * eps

    with balls.precision(160):
        spline = PerfectSpline(n)
        peak = balls.ball(a_constant(n)[0])

        def factor(k, x, j):
            """d^j/dx^j of phi(N x - k + 1/2) / A_n."""
            return balls.ball(spline(N * x - k + Fraction(1, 2), j)) * N**j / peak

        grid = [Fraction(i, 24) + Fraction(1, 997) for i in range(24)]
        orders = [a for a in itertools.product(range(n + 1), repeat=d) if sum(a) <= n]
        largest = 0
        # The member with all amplitudes at their ends has the largest derivatives: the supports
        # are disjoint, so at each point there is one bump at most.
        for x in itertools.product(grid, repeat=d):
            near = [
                k
                for k in nodes
                if all(abs(N * a - b) < Fraction(1, 2) for a, b in zip(x, k, strict=True))
            ]
            assert len(near) <= 1
            for a in orders:
                size = balls.ball(0)
                for k in near:
                    size = balls.ball(amplitudes[-1])
                    for i in range(d):
                        size = size * balls.ball(factor(k[i], x[i], a[i]))
                assert balls.upper_end(abs(size)) <= 1
                largest = max(largest, float(abs(size)))
        assert largest > 0.9
        # The peak stands at every node, boundary nodes included.
        for k in nodes:
            at_node = balls.ball(1)
            for i in range(d):
                at_node = at_node * balls.ball(factor(k[i], Fraction(k[i], N), 0))
            assert abs(abs(float(at_node)) - 1) < 1e-15


@pytest.mark.parametrize(
    ("d", "n"), [(1, 1), (1, 2), (1, 3), (1, 6), (2, 1), (2, 2), (2, 5), (3, 2), (4, 3)]
)
@pytest.mark.parametrize("exponent", [1, 2, 3, 4, 6])
def test_the_search_finds_the_best_number_of_cells(d, n, exponent):
    eps = Fraction(7, 10**exponent) / 10
    height = a_constant(n)[0] / eps
    most = min(bumps.cells_below(height, n), 3000)
    best = max(
        ((N + 1) ** d * math.log2(math.ceil(height / N**n)) for N in range(1, most + 1)),
        default=0.0,
    )
    best = max(best, math.log2(math.ceil(1 / eps)))
    found = float(BUMP.evaluate(d, n, eps=eps)["bits"])
    assert found <= best * (1 + 1e-12) or most == 3000
    assert found >= best * (1 - 0.002)
    if most <= 64:
        assert found == pytest.approx(best, rel=1e-12)


def test_constants_are_the_floor_where_bumps_are_too_low():
    assert BUMP.find(Query(2, 3, eps="0.9")) == {"k": 2, "N": 0, "l": 2}
    assert BUMP.evaluate(2, 3, eps="0.9")["bits"] == 1
    # 1/eps an integer: eps = 1/4 has constants -1, -1/3, 1/3, 1, 2/3 > 1/2 apart.
    assert BUMP.evaluate(1, 5, eps="1/4")["bits"] == 2


def test_above_the_limit_bumps_use_one_variable():
    n = bumps.TENSOR_LIMIT + 1
    eps = a_constant(n)[0] / 5**n
    several, one = (BUMP.find(Query(d, n, eps=Fraction(1, 2**200))) for d in (3, 1))
    assert eps > Fraction(1, 2**8000)
    assert several["k"] == one["k"] == 1
    assert several == one
    assert BUMP.find(Query(3, n - 1, eps="1e-10"))["k"] == 3
