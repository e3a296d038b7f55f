"""The reconstruction of Ding et al.: stated counts against the construction's."""

from math import log2

import numpy as np
import pytest

from qexpr import circuits
from qexpr.bounds.registry import get
from qexpr.bounds.witness.hats import _bits_set
from qexpr.core.query import Query
from qexpr.errors import OutOfRegime

ID = "ding2018.reconstruction"
QUANTITIES = ("depth", "weights", "bits", "free_bits")
ALPHABETS = [f"nonlinear:{lam}" for lam in (2, 3, 16)] + [f"linear:{b}" for b in (1, 2, 5)]


@pytest.mark.parametrize("alphabet", ALPHABETS)
@pytest.mark.parametrize("eps", ["0.9", "1e-2", "3e-4"])
@pytest.mark.parametrize(("d", "n"), [(1, 1), (1, 3), (2, 2), (3, 1)])
def test_parameters_and_counts_are_the_planners(d, n, eps, alphabet):
    planned = circuits.plan("ding2018", d, n, eps, alphabet=alphabet)
    found = get(ID).find(Query(d, n, eps=eps, alphabet=alphabet))
    bits = Query(d, n, eps=eps, alphabet=alphabet).alphabet
    digit = bits.size if bits.kind == "linear" else 1
    given = planned.parameters
    assert (found["N"], found["r"], found["p"] * digit) == (given["N"], given["r"], given["t"])
    values = get(ID).evaluate(d, n, eps=eps, alphabet=alphabet)
    counts = [getattr(planned.counts, quantity) for quantity in QUANTITIES]
    assert [values[quantity].guarantee for quantity in QUANTITIES] == counts


@pytest.mark.parametrize(
    ("d", "n", "eps", "alphabet"),
    [(1, 2, "1e-1", "nonlinear:2"), (2, 1, "0.9", "nonlinear:3"), (1, 1, "0.2", "linear:2")],
)
def test_built_networks_have_these_counts(d, n, eps, alphabet):
    built = circuits.ding2018(None, n=n, eps=eps, alphabet=alphabet, d=d)
    values = get(ID).evaluate(d, n, eps=eps, alphabet=alphabet)
    for quantity in QUANTITIES:
        assert values[quantity].guarantee == getattr(built, quantity)


@pytest.mark.parametrize("times", [1, 3, 5])
def test_bits_of_multiples(times):
    for end in range(1, 70):
        for place in range(9):
            expected = int(np.count_nonzero(times * np.arange(end) >> place & 1))
            assert _bits_set(end, place, times) == expected


@pytest.mark.parametrize(("d", "n"), [(1, 1), (1, 2), (2, 2)])
def test_it_has_the_theorems_growth_at_two_values(d, n):
    """Order eps^(-d/n) log(1/eps)^2 and no less than log(1/eps): digits each have a product."""

    def weights(k):
        return float(get(ID).evaluate(d, n, lam=2, eps=f"1e-{k}").weights.guarantee)

    per_node = [weights(k) / 10 ** (k * d / n) for k in (2, 4, 8)]
    assert per_node[2] / per_node[1] <= 2.2**2
    shared = get("witness.shared_bitplane").evaluate(d, n, lam=2, eps="1e-8").weights.guarantee
    assert weights(8) > 10 * shared
    assert per_node[2] > log2(10**8)


def test_it_says_where_it_ends():
    with pytest.raises(OutOfRegime, match="nodes"):
        get(ID).evaluate(4, 1, eps="1e-9")
    with pytest.raises(OutOfRegime, match="coefficients"):
        get(ID).evaluate(9, 3, eps="0.1")
