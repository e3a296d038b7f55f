"""The constants of bubbles: proven above the kernel's norm, close to it, and the norm itself."""

import itertools
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qexpr.errors import OutOfRegime
from qexpr.rigor.balls import ball, lower_end, upper_end
from qexpr.rigor.bubble_kernel import is_below, kernel_norm
from qexpr.rigor.bubbles import COARSENINGS, bubble_kappa

# where the norm is largest, and what is known of the largest value from a fine grid
PEAKS = {
    1: ((0, 0), Fraction(1, 2), "0.33333"),
    2: ((1, 1), Fraction(163, 400), "0.64521"),
    4: ((2, 2), Fraction(477, 1000), "1.72036"),
}


@pytest.mark.parametrize("M", [1, 2, 4])
def test_the_constant_is_above_the_norm_and_close_to_it(M):
    assert is_below(M, bubble_kappa(2, M))
    cell, u, least = PEAKS[M]
    lower = lower_end(kernel_norm(M, cell, ball(u), ball(u)))
    assert Fraction(least) < lower < bubble_kappa(2, M) < lower * Fraction(10003, 10000)
    assert not is_below(M, Fraction(least) * Fraction(999, 1000))


@pytest.mark.parametrize("M", [1, 2, 4])
def test_functions_of_one_sum_attain_the_constant(M):
    """The error of (x_1 + x_2 - t)_+^2 / 2, integrated over t, is that of the worst such function.

    Its third derivatives are all +-1, and its sign at t is that of the error.
    """
    cell, u, _ = PEAKS[M]
    x = cell[0] + float(u)
    G, steps = float(u * (1 - u)), 20_000

    def error(t):
        def f(a):
            return max(0.0, 2 * a - t) ** 2 / 2

        fine = (1 - float(u)) * f(cell[0]) + float(u) * f(cell[0] + 1) - f(x)
        second = x / M  # interpolated: it is 0 at (0, 0) and 1 at (M, M)
        return fine - 2 * second * G  # (w_1 G_1 + w_2 G_2)/2, w_1 = w_2 = 2 f''; G_12 is 0

    width = 2 * M / steps
    attained = width * sum(abs(error((k + 0.5) * width)) for k in range(steps))
    norm = float(upper_end(kernel_norm(M, cell, ball(u), ball(u))))
    assert attained == pytest.approx(norm, rel=1e-3)


@given(st.sampled_from([1, 2, 4]), st.data())
def test_cells_turned_by_half_a_circle_have_the_same_norm(M, data):
    i, j = (data.draw(st.integers(0, M - 1)) for _ in range(2))
    y, x = sorted(data.draw(st.fractions(0, 1, max_denominator=60)) for _ in range(2))
    turned = kernel_norm(M, (M - 1 - j, M - 1 - i), ball(1 - y), ball(1 - x))
    assert kernel_norm(M, (i, j), ball(x), ball(y)).overlaps(turned)


def test_one_dimension_is_exact():
    """u (1-u) ((1-2u)/3 + 4/3 u^(3/2) (1-u)^(1/2)) / 2 <= u (1-u) / 6 <= 1/24 for u <= 1/2."""
    assert bubble_kappa(1, 1) == Fraction(1, 24)
    for k in range(501):
        u = k / 1000
        norm = u * (1 - u) * ((1 - 2 * u) / 3 + 4 / 3 * u**1.5 * (1 - u) ** 0.5) / 2
        assert norm <= u * (1 - u) / 6 + 1e-15 <= 1 / 24 + 2e-15


def test_other_constants_are_refused():
    for d, M in [(2, 3), (2, 8), (3, 1), (1, 2)]:
        assert M not in COARSENINGS.get(d, ())
        with pytest.raises(OutOfRegime, match="M = 1, 2, 4"):
            bubble_kappa(d, M)


def _interpolant(f, corner, place, size):
    """The Kuhn interpolant on the cell of that corner and size at a place, f at points."""
    u = [(p - c) / size for p, c in zip(place, corner, strict=True)]
    order = sorted(range(2), key=lambda k: -u[k])
    vertex, value, before = list(corner), Fraction(0), Fraction(1)
    for k in order:
        value += (before - u[k]) * f(vertex)
        vertex[k] += size
        before = u[k]
    return value + before * f(vertex)


@given(st.sampled_from([1, 2, 4]), st.data())
def test_cubics_are_within_the_norm_at_every_point(M, data):
    """Exactly, with h = 1 and third derivatives +-1: the formula's error is at most the norm."""
    signs = data.draw(st.tuples(*[st.sampled_from([-1, 1])] * 4))
    cell = data.draw(st.tuples(st.integers(0, M - 1), st.integers(0, M - 1)))
    u = sorted(data.draw(st.tuples(*[st.fractions(0, 1, max_denominator=60)] * 2)), reverse=True)
    orders = [(3, 0), (2, 1), (1, 2), (0, 3)]

    def derivative(a, point):
        return sum(
            sign
            * math.prod(
                point[k] ** (e[k] - a[k]) / Fraction(math.factorial(e[k] - a[k])) for k in (0, 1)
            )
            for sign, e in zip(signs, orders, strict=True)
            if all(x >= y for x, y in zip(e, a, strict=True))
        )

    x = [c + v for c, v in zip(cell, u, strict=True)]
    fine = _interpolant(lambda p: derivative((0, 0), p), cell, x, 1)
    second = [
        _interpolant(lambda p, a=a: derivative(a, p), (0, 0), x, M)
        for a in [(2, 0), (1, 1), (0, 2)]
    ]
    G = [v * (1 - v) for v in (u[0], u[1], u[0] - u[1])]
    bubbles = (second[0] + second[1]) * G[0] + (second[1] + second[2]) * G[1] - second[1] * G[2]
    error = abs(fine - bubbles / 2 - derivative((0, 0), x))
    assert error <= upper_end(kernel_norm(M, cell, ball(u[0]), ball(u[1])))


def test_the_covariances_are_bubbles():
    """G_1 + G_2 + G_12 is at most 2/3, with equality at (2/3, 1/3)."""
    grid = [Fraction(k, 60) for k in range(61)]
    sums = {
        (x, y): x * (1 - x) + y * (1 - y) + (x - y) * (1 - x + y)
        for x, y in itertools.product(grid, grid)
        if x >= y
    }
    assert max(sums, key=sums.get) == (Fraction(2, 3), Fraction(1, 3))
    assert max(sums.values()) == Fraction(2, 3)
