"""From bits to weights."""

import itertools
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qexpr import Query, bounds
from qexpr.bounds.calculators.vc import vc_of_size
from qexpr.bounds.entropy.floors import best_floor
from qexpr.bounds.entropy.real_weights import real_weights, shattered
from qexpr.bounds.entropy.weights import free_graph_weights, log_circuits
from qexpr.errors import OutOfRegime
from qexpr.rigor import balls


@pytest.mark.parametrize(("d", "n", "eps"), [(1, 1, "1e-3"), (2, 3, "1e-4"), (1, 2, "1e-2")])
@pytest.mark.parametrize("lam", [2, 3, 4, 7, 16, 2**64])
def test_fixed_graphs_need_lam_to_the_w_functions(d, n, eps, lam):
    W = bounds.get("entropy.weights_fixed").evaluate(d, n, lam, eps)["weights"].value
    M = best_floor(d, n, eps)[0].guarantee
    # lam^W >= 2^M > lam^(W-1), in integers at M = p/64 rounded inward.
    assert lam ** (64 * W) >= 2 ** math.ceil(64 * M) // 2
    assert lam ** (64 * (W - 1)) <= 2 ** math.ceil(64 * M)


def circuits(W, d, lam):
    """The sum that counts them, exactly."""
    return sum(math.comb(w * (d + 1) + w * (w - 1) // 2, w) * lam**w for w in range(W + 1))


@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize("lam", [2, 3, 16])
@pytest.mark.parametrize("W", [0, 1, 2, 3, 10, 100])
def test_the_logarithm_of_the_count_of_circuits(W, d, lam):
    with balls.precision(200):
        x = log_circuits(W, d, lam)
    low, high = balls.lower_end(x), balls.upper_end(x)
    exact = math.log2(circuits(W, d, lam))
    assert low <= exact + 1e-9
    assert exact <= high + 1e-9
    assert high - low < 0.6


@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize("lam", [2, 3, 16])
@pytest.mark.parametrize("M", [1, 2, 3, 5, 10, 37, 100, 575, 1009, 4000])
def test_free_graphs_need_as_many_weights_as_the_exact_sum_says(M, d, lam):
    found = free_graph_weights(Fraction(M), d, lam)
    terms = (math.comb(w * (d + 1) + w * (w - 1) // 2, w) * lam**w for w in itertools.count())
    exact = next(W for W, total in enumerate(itertools.accumulate(terms)) if total >= 2**M)
    assert exact - 1 <= found <= exact
    assert circuits(found - 1, d, lam) < 2**M


def test_one_edge_of_one_bit_is_five_functions():
    # x/2, -x/2, 1/2, -1/2 and 0: no floor on weights * ceil(log2 lam) with a free graph.
    assert circuits(1, 1, 2) == 5
    assert free_graph_weights(Fraction(2), 1, 2) == 1


def networks(W):
    """All circuits with at most W edges over {-1/2, 1/2}, d = 1, as values at four points."""
    points = [Fraction(0), Fraction(1, 3), Fraction(2, 3), Fraction(1)]
    pairs = [("x", u) for u in range(W)] + [("1", u) for u in range(W)]
    pairs += [(v, u) for u in range(W) for v in range(u)]
    found = set()
    for count in range(W + 1):
        for edges in itertools.combinations(pairs, count):
            for weights in itertools.product((Fraction(1, 2), Fraction(-1, 2)), repeat=count):
                outputs = []
                for x in points:
                    values = {"x": x, "1": Fraction(1)}
                    for u in range(W):
                        total = sum(
                            w * values[v]
                            for (v, t), w in zip(edges, weights, strict=True)
                            if t == u
                        )
                        values[u] = total if u == W - 1 else max(total, Fraction(0))
                    outputs.append(values[W - 1])
                found.add(tuple(outputs))
    return found


@pytest.mark.parametrize("W", [1, 2, 3])
def test_the_count_of_circuits_bounds_their_functions(W):
    functions = len(networks(W))
    assert 5 <= functions <= circuits(W, 1, 2)
    assert W > 1 or functions == 5


@given(st.integers(1, 200))
def test_weights_of_free_graphs_grow_with_the_bits(exponent):
    small = free_graph_weights(Fraction(2**exponent), 2, 3)
    large = free_graph_weights(Fraction(2 ** (exponent + 1)), 2, 3)
    assert small <= large <= 2**exponent * 2


def test_bits_beyond_reason_are_refused():
    with pytest.raises(OutOfRegime, match="binary digits"):
        bounds.get("entropy.weights_any").evaluate(20, 1, eps="1e-200")


@pytest.mark.parametrize(("d", "n", "eps"), [(1, 1, "0.3"), (1, 2, "1e-4"), (2, 2, "1e-5")])
def test_shattered_points_are_the_two_level_bumps(d, n, eps):
    from qexpr.rigor.constants import a_constant

    side = round(shattered(d, n, Fraction(eps)) ** (1 / d))
    lower, upper = a_constant(n)
    # side - 1 cells an axis carry bumps higher than eps; one more would not.
    assert side == 1 or lower / (side - 1) ** n > Fraction(eps)
    assert upper / side**n <= Fraction(eps)


def test_a_large_eps_shatters_nothing():
    with pytest.raises(OutOfRegime, match="A_n"):
        bounds.get("entropy.weights_real").evaluate(2, 2, eps="0.1")


@pytest.mark.parametrize("points", [2, 100, 5000, 10**6])
@pytest.mark.parametrize("depth", [1, 2, 5, 11])
def test_real_weights_invert_the_vc_bound(points, depth):
    W = real_weights(points, depth)
    if depth <= W:
        assert vc_of_size(W, depth) >= points
    if depth < W:
        assert vc_of_size(W - 1, depth) < points
    assert real_weights(points) <= W


@pytest.mark.parametrize("points", [50, 3000])
def test_real_weights_of_any_depth_invert_the_vc_bound(points):
    W = real_weights(points)
    assert vc_of_size(W, W) >= points
    assert W == 1 or vc_of_size(W - 1, W - 1) < points


def test_the_real_weight_bound_carries_its_doubt():
    claim = bounds.get("entropy.weights_real").claims(Query(2, 2, eps="1e-6"))[0]
    assert str(claim.source.trust) == "RECALLED 0.93"
    assert not claim.source.trust.is_firm
    assert claim.value.value > 10
