"""Laws of every bound of the registry: a new bound is tested by being listed."""

import math
from fractions import Fraction
from importlib import import_module
from pathlib import Path

import pytest
from flint import arb
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import epsilons

from qexpr.bounds.formula import parse
from qexpr.bounds.readings import FLOATS, balls
from qexpr.bounds.registry import MODULES, all_bounds, get, ids
from qexpr.bounds.rows import rows_of
from qexpr.core.claim import QUANTITIES, Explicit, Kind, Order, Side, comparable
from qexpr.core.descent import finer
from qexpr.core.query import Query
from qexpr.errors import InvalidInput, OutOfRegime
from qexpr.rigor.balls import precision

TESTS = Path(__file__).parents[1]
each = pytest.mark.parametrize("id", ids())
few = settings(max_examples=25, deadline=None)
STATED = [(b.id, s.quantity) for b in all_bounds() for s in b.statements]


def is_smooth(bound):
    """A closed formula without roundings: it can be read at any eps, however small."""
    texts = [s.text for s in bound.statements] + [text for _, text in bound.definitions]
    return bound.search is None and not any(
        word in text for text in texts for word in ("ceil(1", "ceil((", "ceil(d", "floor(")
    )


RATED = [
    (b.id, s.quantity)
    for b in all_bounds()
    for s in b.statements
    if b.kind is Kind.ORDER or is_smooth(b)
]

# Networks found by a planner, and the parameters that say what its nodes share.
PLANNED = {
    "witness.shared_bitplane": ("H", "O"),
    "witness.cones": ("C", "S", "O"),
    "witness.bubbles": ("C", "S"),
    "witness.multiresolution": ("C", "H", "T", "O"),
    "witness.sigma_delta": ("P", "S"),
}
# Those that are searched for at finer accuracies too, the same for all eps.
SEARCHED_FINER = ("witness.cones", "witness.sigma_delta")

alphabets = st.one_of(
    st.integers(2, 70).map(lambda size: f"nonlinear:{size}"),
    st.integers(1, 6).map(lambda bits: f"linear:{bits}"),
)
percents = st.integers(1, 99).map(lambda k: Fraction(k, 100))
smoothness = st.integers(1, 5)
dimensions = st.integers(1, 4)


def query_for(bound, d, n, alphabet, eps):
    """A query the bound may say something about: few variables where it asks for that."""
    texts = {condition.text for condition in bound.regime}
    kind = bound.alphabet
    if kind is not None and not alphabet.startswith(kind):
        alphabet = "nonlinear:3" if kind == "nonlinear" else "linear:2"
    d = 1 if "d == 1" in texts else 2 - d % 2 if "d <= 2" in texts else d
    n = 1 if "n == 1" in texts else 3 if "n == 3" in texts else n
    return Query(d, n, eps=eps, alphabet=alphabet)


# --- documentation -------------------------------------------------------------------------------


@each
def test_it_is_documented_and_sourced(id):
    bound = get(id)
    assert bound.id == id
    assert len(bound.statement) > 40
    assert bound.title
    assert bound.setting
    assert bound.source.statement
    assert bound.bibtex.startswith("@")
    assert all(condition.reason for condition in bound.regime)
    assert all(statement.quantity in QUANTITIES for statement in bound.statements)
    assert len(set(bound.quantities)) == len(bound.statements)
    if bound.search is not None:
        assert bound.parameters
    assert bound.latex()


@each
def test_its_module_says_what_it_encodes(id):
    bound = get(id)
    homes = [import_module(f"qexpr.bounds.{m}") for m in MODULES]
    (home,) = [m for m in homes if bound in m.BOUNDS]
    assert home.__doc__


@each
def test_a_test_names_it(id):
    """Numbers of a paper stand in tests/papers; a derived bound may be tested elsewhere."""
    folder = TESTS if get(id).source.trust.level == "DERIVED" else TESTS / "papers"
    here = Path(__file__)
    files = [file for file in folder.rglob("test_*.py") if file != here]
    assert any(f'"{id}"' in file.read_text("utf-8") for file in files), f"no test names {id}"


def test_orders_and_asymptotic_bounds_state_their_rate():
    missing = [
        f"{bound.id} {s.quantity}" for bound in all_bounds() for s in bound.statements if not s.rate
    ]
    assert missing == []


# --- values --------------------------------------------------------------------------------------


@each
@given(
    d=st.one_of(dimensions, st.integers(1, 1000)),
    n=st.one_of(smoothness, st.integers(1, 1000)),
    alphabet=alphabets,
    eps=st.one_of(epsilons(), epsilons(-300)),
)
@settings(max_examples=20, deadline=None)
def test_a_query_has_a_value_or_a_reason(id, d, n, alphabet, eps):
    bound = get(id)
    query = Query(d, n, eps=eps, alphabet=alphabet)
    rows = rows_of(bound, query, QUANTITIES)
    assert [row.quantity for row in rows] == list(bound.quantities)
    for row in rows:
        record = row.to_dict()
        assert record["applies"] is (row.reason is None)
        if row.applies:
            value = row.claim.value
            assert isinstance(value, Order if bound.kind is Kind.ORDER else Explicit)
            assert not math.isnan(float(value))
            if isinstance(value, Explicit):
                assert value.side is bound.side
                assert (record["lower"], record["upper"]) != (None, None)
        else:
            assert row.reason
            assert (record["value"], record["lower"], record["upper"]) == (None, None, None)


@each
@given(
    d=dimensions,
    n=smoothness,
    alphabet=alphabets,
    pair=st.one_of(st.tuples(epsilons(), epsilons()), st.tuples(percents, percents)),
)
@few
def test_it_does_not_fall_as_eps_falls(id, d, n, alphabet, pair):
    bound = get(id)
    small, large = sorted(pair)
    if id in SEARCHED_FINER:
        small = next(finer(small))
    try:
        at_small, at_large = (
            bound.claims(query_for(bound, d, n, alphabet, eps)) for eps in (small, large)
        )
    except OutOfRegime:
        return
    for fine, coarse in zip(at_small, at_large, strict=True):
        if id in PLANNED:
            # The smallest network that a search finds: what all nodes share may fall, and depth
            # is what it pays for fewer weights.
            found = bound.find(query_for(bound, d, n, alphabet, large))
            shared = 0 if id in SEARCHED_FINER else sum(found[key] for key in PLANNED[id])
            if coarse.quantity == "weights":
                assert fine.value.guarantee >= coarse.value.guarantee - shared
        elif bound.kind is Kind.ORDER:
            assert float(fine.value) >= float(coarse.value) * (1 - 1e-12)
        else:
            slack = abs(coarse.value.guarantee) / 2**50
            assert fine.value.guarantee >= coarse.value.guarantee - slack


@given(d=dimensions, n=smoothness, alphabet=alphabets, eps=epsilons())
@settings(max_examples=40, deadline=None)
def test_lower_bounds_stay_below_explicit_upper_bounds(d, n, alphabet, eps):
    query = Query(d, n, eps=eps, alphabet=alphabet)
    claims = []
    for bound in all_bounds():
        if bound.kind is Kind.EXPLICIT:
            try:
                claims += [(bound, claim) for claim in bound.claims(query)]
            except OutOfRegime:
                continue
    for below, low in claims:
        for above, high in claims:
            if low.side is high.side or low.side is Side.UPPER:
                continue
            try:
                comparable(low, high)
            except InvalidInput:
                # Recalled constants decide nothing, but about real weights they still agree.
                same = low.quantity == high.quantity and low.quantifier is high.quantifier
                if not (same and below.setting[:12] == above.setting[:12] == "real weights"):
                    continue
            assert low.value <= high.value, f"{low.id} exceeds {high.id} at {query}"


# --- rates ---------------------------------------------------------------------------------------


def log_of_value(bound, quantity, d, n, lam, digits):
    """log2 of the expression, and L, at eps = 2^-digits: exact, whatever the size."""
    eps = arb(2) ** arb(-digits)
    names = {"d": Fraction(d), "n": Fraction(n), "lam": Fraction(lam), "eps": eps}
    for name, text in bound.definitions:
        names[name] = parse(text).evaluate(balls(), names)
    value = parse(bound.stated(quantity).text).evaluate(balls(), names)
    value = arb(value.numerator) / value.denominator if isinstance(value, Fraction) else value
    return value.log() / arb.const_log2()


def rate_of(bound, quantity, d, n, lam):
    rate = bound.stated(quantity).rate
    names = {"d": float(d), "n": float(n), "lam": float(lam)}
    return tuple(float(parse(text).evaluate(FLOATS, names)) for text in (rate.power, rate.logs))


@pytest.mark.parametrize(("id", "quantity"), RATED)
@given(d=dimensions, n=smoothness, lam=st.sampled_from([2, 3, 4, 7, 16]))
@settings(max_examples=10, deadline=None)
def test_it_grows_as_its_rate_says(id, quantity, d, n, lam):
    """Slopes of log(value) against log(1/eps), and of what is left against log log(1/eps)."""
    bound = get(id)
    query = query_for(bound, d, n, f"nonlinear:{lam}", "1e-300")
    d, n = query.d, query.n
    try:
        bound.evaluate(d=d, n=n, lam=lam, eps="1e-300")
    except OutOfRegime as error:
        assume("beyond the range" in str(error) or "written out" in str(error))
    power, logs = rate_of(bound, quantity, d, n, lam)
    with precision(1200):
        sizes = [2**400, 2**800]  # L: eps = 2^-L is far beyond any double
        logarithms = [log_of_value(bound, quantity, d, n, lam, size) for size in sizes]
        slope = (logarithms[1] - logarithms[0] - logs * 400) / (sizes[1] - sizes[0])
        assert abs(float(slope.mid()) - power) < 1e-12
        exact = Fraction(power).limit_denominator(10**6)
        left = [
            value - arb(exact.numerator) * size / exact.denominator
            for value, size in zip(logarithms, sizes, strict=True)
        ]
        assert abs(float(((left[1] - left[0]) / 400).mid()) - logs) < 1e-9


# --- readings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("id", "quantity"), STATED)
@given(d=dimensions, n=smoothness, alphabet=alphabets, eps=epsilons(-9))
# a bound of a small regime leaves out most draws; that some are left is still required
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_the_readings_of_a_text_agree(id, quantity, d, n, alphabet, eps):
    import sympy as sp

    bound = get(id)
    query = query_for(bound, d, n, alphabet, eps)
    try:
        bound.check(query)
        found = bound.find(query)
        value = bound.evaluate(d=query.d, n=query.n, eps=query.eps, alphabet=str(query.alphabet))[
            quantity
        ]
    except OutOfRegime:
        assume(False)
    exact = {"d": query.d, "n": query.n, "lam": query.lam, "eps": query.eps}
    middle = {
        k: (v[0] + v[1]) / 2 if isinstance(v, tuple) else Fraction(v) for k, v in found.items()
    }
    names = {k: Fraction(v) for k, v in (exact | middle).items()}
    assume(all(abs(v) < 2**900 for v in names.values()))
    floats = {k: float(v) for k, v in names.items()}
    symbols = {k: sp.Rational(v.numerator, v.denominator) for k, v in names.items()}
    for name, text in bound.definitions:
        floats[name] = parse(text).evaluate(FLOATS, floats)
    by_floats = float(parse(bound.stated(quantity).text).evaluate(FLOATS, floats))
    symbolic = getattr(bound, quantity)
    by_symbols = float(sp.N(symbolic.subs({sp.Symbol(k): v for k, v in symbols.items()}), 30))
    by_balls = balls_at(bound, quantity, names)
    assert by_floats == pytest.approx(by_balls, rel=1e-9, abs=1e-9)
    assert by_symbols == pytest.approx(by_balls, rel=1e-9, abs=1e-9)
    assert float(value) == pytest.approx(by_balls, rel=1e-9, abs=1e-9)


def balls_at(bound, quantity, names):
    names = dict(names)
    with precision(512):
        for name, text in bound.definitions:
            names[name] = parse(text).evaluate(balls(), names)
        value = parse(bound.stated(quantity).text).evaluate(balls(), names)
    return float(value) if isinstance(value, Fraction) else float(value.mid())


@pytest.mark.parametrize(("id", "quantity"), STATED)
def test_vectorised_values_are_the_scalar_ones(id, quantity):
    import numpy as np

    bound = get(id)
    if bound.search is not None:
        from qexpr.errors import Unsupported

        with pytest.raises(Unsupported, match="search"):
            bound.lambdify(quantity)
        return
    lam = 4
    query = query_for(bound, 2, 3, f"nonlinear:{lam}", "1e-3")
    grid = ["1e-2", "1e-3", "1e-5"]
    found = bound.lambdify(quantity)(
        d=query.d, n=query.n, lam=lam, eps=np.array([float(eps) for eps in grid])
    )
    assert found.shape == (3,)
    for eps, value in zip(grid, found, strict=True):
        try:
            scalar = bound.evaluate(d=query.d, n=query.n, lam=lam, eps=eps)[quantity]
        except OutOfRegime:
            continue
        assert float(value) == pytest.approx(float(scalar), rel=1e-12)
