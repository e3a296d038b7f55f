"""The bound's counts of sigma-delta tracking against the construction's."""

from fractions import Fraction
from math import log2

import pytest

from qexpr import circuits
from qexpr.bounds.registry import get
from qexpr.core.query import Query
from qexpr.errors import InvalidInput, OutOfRegime

ID = "witness.sigma_delta"
QUANTITIES = ("depth", "weights", "bits", "free_bits")
ALPHABETS = [f"nonlinear:{lam}" for lam in (2, 3, 4, 7, 16)] + [f"linear:{b}" for b in range(1, 9)]


@pytest.mark.parametrize("alphabet", ALPHABETS)
@pytest.mark.parametrize("eps", ["0.99", "1/2", "1/3", "1e-1", "1/64", "3e-3", "1e-5"])
def test_parameters_and_counts_are_the_planners(eps, alphabet):
    planned = circuits.plan("sigma_delta", 1, 1, eps, alphabet=alphabet)
    found = get(ID).find(Query(1, 1, eps=eps, alphabet=alphabet))
    given = planned.parameters
    assert [found[k] for k in ("N", "P", "E", "b")] == [given[k] for k in ("N", "P", "E", "b")]
    assert Fraction(found["j"], 2 ** found["k"]) == Fraction(given["h"])
    values = get(ID).evaluate(1, 1, eps=eps, alphabet=alphabet)
    counts = [getattr(planned.counts, quantity) for quantity in QUANTITIES]
    assert [values[quantity].guarantee for quantity in QUANTITIES] == counts


@pytest.mark.parametrize("alphabet", ["nonlinear:2", "nonlinear:5", "linear:3"])
def test_built_networks_have_these_counts(alphabet):
    built = circuits.sigma_delta(None, n=1, eps="1/50", alphabet=alphabet, d=1)
    values = get(ID).evaluate(1, 1, eps="1/50", alphabet=alphabet)
    for quantity in QUANTITIES:
        assert values[quantity].guarantee == getattr(built, quantity)


@pytest.mark.parametrize("k", [1, 2, 5, 9, 12, 40, 100])
def test_free_bits_are_optimal_up_to_a_logarithm(k):
    eps = Fraction(3, 10**k) if k > 1 else Fraction(3, 10)
    found = get(ID).find(Query(1, 1, eps=eps))
    N, h = found["N"], Fraction(found["j"], 2 ** found["k"])
    assert Fraction(1, N) <= h <= eps
    assert -(-1 // eps) == N or N == 2
    free = get(ID).evaluate(1, 1, eps=eps).free_bits.guarantee
    assert 0 < free - N <= log2(2 * eps.denominator) - log2(eps.numerator) + 4


def test_it_ends_where_circuits_end():
    assert circuits.plan("sigma_delta", 1, 1, "0.1", alphabet="nonlinear:21")
    assert get(ID).evaluate(1, 1, eps="0.1", alphabet="nonlinear:21")
    with pytest.raises(InvalidInput, match="at most 21 values"):
        circuits.plan("sigma_delta", 1, 1, "0.1", alphabet="nonlinear:22")
    with pytest.raises(OutOfRegime, match="alphabets nonlinear are built up to 21 values"):
        get(ID).evaluate(1, 1, eps="0.1", alphabet="nonlinear:22")
