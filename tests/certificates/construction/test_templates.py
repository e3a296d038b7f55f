"""What the templates say of a unit is what the unit computes, by exact evaluation."""

from fractions import Fraction
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qexpr import circuits, targets
from qexpr.certificates.merged import merge
from qexpr.certificates.plans import runs_of
from qexpr.certificates.templates import planes
from qexpr.certificates.templates.hats import recognise_hats
from qexpr.certificates.templates.lattice import Lattice, NodeValues
from qexpr.certificates.templates.products import Products
from qexpr.certificates.templates.rules import ABOVE, AFFINE, BELOW, HAT, LATTICE, Rules
from qexpr.circuits import Builder, realise, values_of
from qexpr.circuits.evaluation import evaluate_nodes
from qexpr.circuits.gadgets import Kit
from qexpr.circuits.partition import hats
from qexpr.errors import CertificateError

HALF = Fraction(1, 2)
VALUES = values_of("nonlinear:2")


def _merged(w):
    return merge(w, [tuple(run) for run in runs_of(w)])


def _values(w, net, points):
    """Exact values of every merged unit, shape (units, points)."""
    denominator = int(np.lcm.reduce([x.denominator for p in points for x in p]))
    numerators = [[int(x * denominator) for x in p] for p in points]
    values, exponents = evaluate_nodes(w, numerators, denominator)
    first = [0] * net.units
    for node in range(w.output, -1, -1):
        first[int(net.of_node[node])] = node
    return [
        [Fraction(int(v), denominator << int(exponents[node])) for v in values[node]]
        for node in first
    ]


def _rows(rules, unit, point):
    scale = Fraction(2) ** int(rules.exponent[unit])
    return [
        (sum(int(a) * x for a, x in zip(row[:-1], point, strict=True)) + int(row[-1])) / scale
        for row in rules.rows[unit, : int(rules.count[unit])]
    ]


def _form(rules, unit, point):
    """The function that the form states, at a point."""
    found = _rows(rules, unit, point)
    kind = rules.kind[unit]
    if kind == ABOVE:
        return max(Fraction(0), *found)
    return found[0] if kind == AFFINE else max(Fraction(0), min(found))


def _random_points(d, number, seed=0):
    rng = np.random.default_rng(seed)
    return [tuple(Fraction(int(k), 30) for k in rng.integers(0, 31, d)) for _ in range(number)]


@st.composite
def networks(draw):
    """Small networks in two variables, whose units read one to four earlier ones."""
    net = Builder(2, VALUES)
    groups = [*net.inputs, net.one]
    for _ in range(draw(st.integers(1, 8))):
        made = net.group("unit")
        some = draw(st.lists(st.sampled_from(groups), min_size=1, max_size=3, unique=True))
        for source in some:
            weights = st.sampled_from([HALF, -HALF, Fraction(1), Fraction(-1)])
            net.connect(source, made, draw(weights))
        groups.append(made)
    net.connect(groups[-1], net.finish(), HALF)
    return realise(net)


@settings(max_examples=150, deadline=None)
@given(networks())
def test_every_form_is_the_function(w):
    net = _merged(w)
    rules = Rules(net)
    points = [*product([Fraction(0), HALF, Fraction(1)], repeat=2), *_random_points(2, 12)]
    values = _values(w, net, points)
    for run in net.runs[:-1]:
        try:
            known = rules.recognise(run)
        except CertificateError:
            known = False
        for unit in range(run.first, run.first + run.size):
            if known:
                stated = [_form(rules, unit, point) for point in points]
                assert stated == values[unit]
            else:
                rules.kind[unit] = 0


@pytest.mark.parametrize("same", [True, False])
def test_a_maximum_is_one_only_with_its_own_excess(same):
    """a + relu(b - a) is max(a, b); with another unit in place of a it is nothing known."""
    net = Builder(3, VALUES)
    a, b, c = (net.group("kink") for _ in range(3))
    for kink, (i, j) in zip((a, b, c), ((0, 1), (0, 2), (1, 2)), strict=True):
        net.connect(net.inputs[i], kink, HALF)
        net.connect(net.inputs[j], kink, -HALF)
    excess, largest = net.group("excess"), net.group("largest")
    net.connect(b, excess, HALF)
    net.connect(a if same else c, excess, -HALF)
    net.connect(a, largest, HALF)
    net.connect(excess, largest, Fraction(1))
    net.connect(largest, net.finish(), HALF)
    w = realise(net)
    merged = _merged(w)
    rules = Rules(merged)
    known = [rules.recognise(run) for run in merged.runs[:-1]]
    assert known == [True] * (len(known) - 1) + [same]
    if same:
        unit, points = merged.runs[-2].first, _random_points(3, 20)
        assert [_form(rules, unit, p) for p in points] == _values(w, merged, points)[unit]


@pytest.mark.parametrize("base", [HALF, -HALF])
def test_a_maximum_with_a_base_needs_a_base_of_one_sign(base):
    """A + max(0, B) is max(A, A + B) for A >= 0, and relu(max(0, B) + A) shifts for A <= 0."""
    net = Builder(2, VALUES)
    kink = net.group("kink")
    net.connect(net.inputs[0], kink, HALF)
    net.connect(net.inputs[1], kink, -HALF)
    made, mixed = net.group("made"), net.group("mixed")
    net.connect(kink, made, Fraction(1))
    net.connect(net.inputs[1], made, base)
    net.connect(kink, mixed, Fraction(1))
    net.connect(net.inputs[1], mixed, base)
    net.connect(net.inputs[0], mixed, -base)
    out = net.finish()
    net.connect(made, out, HALF)
    net.connect(mixed, out, HALF)
    w = realise(net)
    merged = _merged(w)
    rules = Rules(merged)
    known = {run.role: rules.recognise(run) for run in merged.runs[:-1]}
    assert known["made"]
    assert not known["mixed"]
    unit = next(run.first for run in merged.runs if run.role == "made")
    points = _random_points(2, 20)
    assert [_form(rules, unit, p) for p in points] == _values(w, merged, points)[unit]


def test_the_rules_are_met():
    """The strategy above reaches every kind, so that it can fail on each."""
    seen = set()
    for name, target, n, eps, options in [
        ("cones", "x0*x1*x2/6", 2, "4e-1", {"lam": 2}),
        ("sigma_delta", "x/2", 1, "1e-1", {"lam": 2}),
    ]:
        w = getattr(circuits, name)(targets.find(target), n=n, eps=eps, **options)
        rules = planes.walk(_merged(w), w.plan).rules
        seen |= set(rules.kind.tolist())
    assert {AFFINE, ABOVE, BELOW, LATTICE} <= seen


@pytest.mark.parametrize(
    ("name", "target", "n", "eps", "options"),
    [
        ("cones", "sin(x0)", 2, "1e-3", {"lam": 2}),
        ("cones", "x0*x1/4", 2, "5e-2", {"lam": 4, "graph": "any"}),
        ("cones", "x0*x1*x2/6", 2, "4e-1", {"alphabet": "linear:2"}),
        ("sigma_delta", "folds", 1, "1e-2", {"lam": 2}),
    ],
)
def test_every_unit_of_a_construction_is_what_its_form_says(name, target, n, eps, options):
    w = getattr(circuits, name)(targets.find(target), n=n, eps=eps, **options)
    net, N, d = _merged(w), w.plan["N"], w.d
    seen = planes.walk(net, w.plan)
    points = _random_points(d, 8)
    nodes = [tuple(Fraction(k, N) for k in m) for m in product(range(N + 1), repeat=d)]
    values, at_nodes = _values(w, net, points), _values(w, net, nodes)
    for unit in range(net.units):
        if seen.rules.kind[unit] == LATTICE:
            held = seen.lattice.known[unit]
            scale = N * Fraction(2) ** held.exponent
            assert [int(v) / scale for v in held.numbers.ravel()] == at_nodes[unit]
        else:
            assert [_form(seen.rules, unit, point) for point in points] == values[unit]


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("N", [1, 2, 3, 5])
@pytest.mark.parametrize("alphabet", ["nonlinear:2", "linear:3"])
def test_hats_are_recognised_with_their_scale(d, N, alphabet):
    net = Builder(d, values_of(alphabet))
    made, scale = hats(Kit(net), N)
    net.connect_free(made, net.finish(), net.values.unit, None)
    rules, run = _hats_of(realise(net), N)
    index = np.arange(run.first, run.first + run.size)
    assert set(rules.kind[index]) == {HAT}
    nodes = [list(m) for m in product(range(N + 1), repeat=d)]
    assert rules.rows[index, 0, :-1].tolist() == nodes
    number, exponent = rules.rows[run.first, 0, -1], rules.exponent[run.first]
    assert Fraction(int(number)) / Fraction(2) ** int(exponent) == scale


def _hats_of(w, N):
    """The rules after the hats were recognised."""
    merged = _merged(w)
    rules = Rules(merged)
    for run in merged.runs:
        if run.role == "hat":
            recognise_hats(rules, run, N)
            return rules, run
        if run.role != "complement":
            rules.recognise(run)
    raise AssertionError("no hats")


@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_hat_with_one_edge_changed_is_refused(d):
    """Every edge into a hat, flipped, dropped or moved to the next source of the same kind."""
    import circuit_mutations as mutations

    N = 2
    net = Builder(d, VALUES)
    made, _ = hats(Kit(net), N)
    net.connect_free(made, net.finish(), HALF, None)
    w = realise(net)
    role = next(r for r in w.roles if r.name == "hat")
    edges = mutations.marked_edges(w)
    pairs = {(e[0], e[1]) for e in edges}
    kept = 0
    for i, (s, t, value, free) in enumerate(edges):
        if not role.first <= t < role.first + role.size:
            continue
        rest = edges[:i] + edges[i + 1 :]
        for other in ((s, t, -value, free), None, (s + 1, t, value, free)):
            if other is not None and (other[0] >= t or other[:2] in pairs - {(s, t)}):
                continue
            if other is None and sum(e[1] == t for e in rest) == 0:
                continue
            changed = mutations.rebuilt(w, rest if other is None else [*rest, other])
            with pytest.raises(CertificateError):
                _hats_of(changed, N)
            kept += 1
    assert kept > 10


@pytest.mark.parametrize("d", [2, 3])
def test_a_kind_of_term_may_not_be_missing_everywhere(d):
    """All edges from one run of units into the hats dropped: each hat alone looks complete."""
    import circuit_mutations as mutations

    net = Builder(d, VALUES)
    made, _ = hats(Kit(net), 2)
    net.connect_free(made, net.finish(), HALF, None)
    w = realise(net)
    role = next(r for r in w.roles if r.name == "hat")
    into = range(role.first, role.first + role.size)
    edges = mutations.marked_edges(w)
    dropped = 0
    for run in w.roles:
        units = range(run.first, run.first + run.size * run.copies)
        rest = [e for e in edges if not (e[0] in units and e[1] in into and e[2] < 0)]
        if len(rest) < len(edges):
            changed = mutations.rebuilt(w, rest)
            with pytest.raises(CertificateError, match="no hat of its node"):
                _hats_of(changed, 2)
            dropped += 1
    assert dropped == 2


class _WrongFolds(Kit):
    """Folds whose constants are half of what they should be."""

    def _folds(self, *arguments):
        self.factor = HALF
        made = super()._folds(*arguments)
        self.factor = Fraction(1)
        return made

    def constant(self, value):
        return super().constant(value * getattr(self, "factor", 1))


@pytest.mark.parametrize("square", [False, True])
def test_folds_at_other_places_are_no_square(square):
    w, _ = _product_net(2, square, _WrongFolds)
    with pytest.raises(CertificateError, match="does not fold the one before"):
        _monomial_of(w, 2)


def _product_net(r, square, kind=Kit):
    net = Builder(2, VALUES)
    kit = kind(net)
    from qexpr.circuits.gadgets import Shifted

    # scale (z + 1) = 2 scale x at scale 1/4
    p, q = (Shifted(kit.scaled(x, 1), Fraction(1, 4)) for x in net.inputs)
    if square:
        terms, scale, zero = kit.square(p, r)
        held = kit.shifted_sum(terms, scale, 1 - zero)
    else:
        terms, scale = kit.product(p, q, r)
        held = kit.shifted_sum(terms, scale, Fraction(1))
    net.connect(held.unit, net.finish(), HALF)
    return realise(net), held.scale


def _monomial_of(w, r):
    """The signal that a product's or a square's sum is recognised as."""
    net = _merged(w)
    rules = Rules(net)
    products = Products(Lattice(rules, 1))
    for run in net.runs[:-1]:
        if run.role == "fold":
            products.fold(run)
        elif run.role == "sum":
            products.monomial(run.first, r + 1)
            return products.signals[run.first], run.first, net
        elif not rules.recognise(run):
            raise CertificateError("no rule")
    raise AssertionError("no sum")


@pytest.mark.parametrize("r", [1, 2, 5])
@pytest.mark.parametrize("square", [False, True])
def test_products_are_recognised_with_their_error(r, square):
    w, scale = _product_net(r, square)
    found, unit, net = _monomial_of(w, r)
    assert found.scale == scale
    assert found.powers == ((2, 0) if square else (1, 1))
    assert found.errors == 1
    points = [*product([Fraction(0), Fraction(1, 3), HALF, Fraction(1)], repeat=2)]
    points += _random_points(2, 40)
    for (x, y), value in zip(points, _values(w, net, points)[unit], strict=True):
        exact = (2 * x - 1) * (2 * (x if square else y) - 1)
        assert abs(value / scale - 1 - exact) <= found.errors * Fraction(1, 4 ** (r + 1))


def test_every_edge_of_a_product_matters():
    import circuit_mutations as mutations

    w, _ = _product_net(2, False)
    edges = mutations.marked_edges(w)
    first = next(r.first for r in w.roles if r.name == "fold")
    for i, (s, t, value, free) in enumerate(edges):
        if not first <= t < w.output or w.output in (s, t):
            continue
        changed = mutations.rebuilt(w, [*edges[:i], *edges[i + 1 :], (s, t, -value, free)])
        with pytest.raises(CertificateError):
            _monomial_of(changed, 2)


def test_a_sum_that_relu_bends_is_refused():
    net = Builder(1, VALUES)
    kink = net.group("kink")
    net.connect(net.inputs[0], kink, HALF)
    net.connect(net.one, kink, -HALF)
    plane = net.group("plane")
    net.connect(net.one, plane, -HALF)
    net.connect(net.inputs[0], plane, Fraction(1))
    net.connect(kink, plane, HALF)
    net.connect(plane, net.finish(), HALF)
    merged = _merged(realise(net))
    with pytest.raises(CertificateError, match="negative at a node"):
        planes.Walk(merged, 1)


@pytest.mark.parametrize(
    ("steps", "norm", "reason"),
    [
        ((1, 2, 1, 2, 1), Fraction(1, 2), None),
        ((1, 2, 1, 2, 1), Fraction(1, 2) + Fraction(1, 2**30), "slopes are smaller"),
        ((1, 2, 1, 1, 2), Fraction(1, 2), "rise or fall by one step"),
        ((2, 1, 2, 1, 2), Fraction(1, 2), "not the one of the code"),
        ((1, 2, 1, 2, 3), Fraction(1, 2), "away from f"),
    ],
)
def test_what_sigma_delta_needs_of_its_node_values(steps, norm, reason):
    """Values of h = 1/8 on 4 cells, f = 3/16: slopes of 1/2."""
    seen = SimpleNamespace(output=NodeValues(np.array(steps), 1))
    plan = {"d": 1, "n": 1, "N": 4, "h": Fraction(1, 8), "norm": norm}
    f = targets.Target("3/16+0*x0")
    if reason is None:
        terms = planes.error_terms("sigma_delta", plan, seen, f, norm)[1]
        assert terms == {"coding": Fraction(1, 8) * (1 + planes.SLACK)}
    else:
        with pytest.raises(CertificateError, match=reason):
            planes.error_terms("sigma_delta", plan, seen, f, norm)
