"""The codes are run: encoder, decoder, and the count of what they can say."""

import itertools
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qexpr import Query, bounds
from qexpr.bounds.entropy.codes import taylor_error

CODE = bounds.get("entropy.code")


def multi_indices(d, below):
    return [a for a in itertools.product(range(below), repeat=d) if sum(a) < below]


def factorial(a):
    return math.prod(math.factorial(k) for k in a)


def power(x, a):
    return math.prod(b**k for b, k in zip(x, a, strict=True))


@pytest.mark.parametrize("d", [1, 2, 3, 5])
@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_the_constant_is_its_sum(d, n):
    half = Fraction(d, 2)
    total = sum(half**j / math.factorial(j) for j in range(n)) / 2
    assert taylor_error(d, n) == total + half**n / math.factorial(n)


@pytest.mark.parametrize("d", [1, 2, 3, 5])
@pytest.mark.parametrize("n", [1, 2, 3, 6])
@pytest.mark.parametrize("eps", ["0.9", "0.1", "1e-3"])
def test_the_formula_is_the_sum_over_orders(d, n, eps):
    K = CODE.find(Query(d, n, eps=eps))["K"]
    C = taylor_error(d, n)
    assert C / K**n <= Fraction(eps)
    assert K == 1 or C / (K - 1) ** n > Fraction(eps)
    bits = math.log2(3) * math.comb(n + d - 1, d) * (K**d - 1) + sum(
        math.comb(j + d - 1, d - 1) * math.log2(2 * K ** (n - j)) for j in range(n)
    )
    assert float(CODE.evaluate(d, n, eps=eps)["bits"]) == pytest.approx(bits, rel=1e-12)


def snake(K, d):
    """All cells, each one step from the one before."""
    if d == 1:
        return [(k,) for k in range(K)]
    path = []
    for k in range(K):
        layer = snake(K, d - 1)
        path += [(k, *rest) for rest in (layer if k % 2 == 0 else reversed(layer))]
    return path


def member(d, direction, phase):
    """sin(w x + phase) with |w_i| <= 1, and its derivatives."""

    def derivative(a, x):
        angle = phase + sum(w * b for w, b in zip(direction, x, strict=True))
        turn = sum(a) * math.pi / 2
        return math.sin(angle + turn) * power(direction, a)

    return derivative


@pytest.mark.parametrize(
    ("d", "n", "eps"),
    [(1, 1, 0.1), (1, 2, 0.003), (1, 4, 1e-5), (2, 1, 0.2), (2, 3, 0.01), (3, 2, 0.1)],
)
@pytest.mark.parametrize("phase", [0.0, 1.3])
def test_the_code_describes_members_within_eps(d, n, eps, phase):
    f = member(d, (1.0, -0.9, 1.0)[:d], phase)
    K = CODE.find(Query(d, n, eps=repr(eps)))["K"]
    h = 1 / K
    orders = multi_indices(d, n)
    steps = {a: h ** (n - sum(a)) for a in orders}
    path, coded, before = snake(K, d), {}, None
    for cell in path:
        centre = [(k + 0.5) * h for k in cell]
        if before is None:
            coded[cell] = {
                a: (math.floor(f(a, centre) / steps[a]) + 0.5) * steps[a] for a in orders
            }
            for a in orders:  # the middle of one of 2 K^(n-j) intervals of [-1, 1]
                assert abs(coded[cell][a] - f(a, centre)) <= steps[a] / 2 + 1e-12
        else:
            assert sum(abs(k - m) for k, m in zip(cell, before, strict=True)) == 1
            move = [(k - m) * h for k, m in zip(cell, before, strict=True)]
            coded[cell] = {}
            for a in orders:
                prediction = sum(
                    coded[before][tuple(k + m for k, m in zip(a, b, strict=True))]
                    * power(move, b)
                    / factorial(b)
                    for b in orders
                    if sum(a) + sum(b) < n
                )
                digit = round((f(a, centre) - prediction) / steps[a])
                assert digit in (-1, 0, 1)
                coded[cell][a] = prediction + digit * steps[a]
        before = cell
        for corner in itertools.product((-0.5, -0.1, 0.2, 0.5), repeat=d):
            shift = [c * h for c in corner]
            value = sum(coded[cell][a] * power(shift, a) / factorial(a) for a in orders)
            point = [c + s for c, s in zip(centre, shift, strict=True)]
            assert abs(value - f((0,) * d, point)) <= eps
    assert len(coded) == K**d


@given(st.integers(2, 60), st.lists(st.sampled_from((-1, 1)), min_size=8, max_size=8), st.data())
def test_the_code_of_slopes_describes_polygons_within_eps(steps, slopes, data):
    eps = Fraction(1, steps) if steps % 3 else Fraction(3, 3 * steps - 1)
    N = math.ceil(1 / eps)
    start = data.draw(st.fractions(Fraction(-1, 2), Fraction(1, 2), max_denominator=97))
    scale = data.draw(st.fractions(0, Fraction(1, 2), max_denominator=7))

    def f(x):
        total = start
        for i, s in enumerate(slopes):
            total += s * scale * min(max(x - Fraction(i, 8), 0), Fraction(1, 8))
        return total

    # One of ceil(1/eps) starts, 2 eps apart in the middle of their intervals, is within eps.
    starts = [-1 + (2 * k + 1) * Fraction(1, N) for k in range(N)]
    v = min(starts, key=lambda s: abs(s - f(0)))
    assert abs(v - f(0)) <= eps
    for m in range(N):
        sign = 1 if f(Fraction(m + 1, N)) >= v else -1
        for part in range(5):
            x = Fraction(4 * m + part, 4 * N)
            assert abs(f(x) - (v + sign * eps * Fraction(part, 4))) <= eps
        v += sign * eps
    bits = bounds.get("entropy.code_lipschitz").evaluate(1, 1, eps=eps)["bits"]
    assert float(bits) == pytest.approx(N + math.log2(N), rel=1e-12)


def test_codes_do_not_claim_networks():
    for id in ("entropy.code", "entropy.code_lipschitz"):
        assert "network" in bounds.get(id).statement
        assert bounds.get(id).quantities == ("bits",)
