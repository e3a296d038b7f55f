"""Trapezoids, clamps and products of every node: recognised where they are, and only there."""

from fractions import Fraction
from itertools import product

import circuit_mutations as mutations
import numpy as np
import pytest

from qexpr.certificates.merged import merge
from qexpr.certificates.plans import runs_of
from qexpr.certificates.templates.families import Families
from qexpr.certificates.templates.rules import Rules
from qexpr.certificates.templates.squares import Squares
from qexpr.circuits.alphabet import REAL, values_of
from qexpr.circuits.builder import Builder
from qexpr.circuits.constructions.local_taylor import products
from qexpr.circuits.evaluation import evaluate_nodes
from qexpr.circuits.realisation import realise
from qexpr.errors import CertificateError

SHAPES = [
    (1, 1, 3, 2, values_of("nonlinear:2")),
    (1, 3, 1, 1, values_of("linear:2")),
    (1, 3, 4, 2, REAL),
    (2, 2, 1, 2, values_of("nonlinear:3", 5)),
    (2, 2, 2, 1, REAL),
    (3, 1, 1, 1, values_of("nonlinear:2")),
]


def _net(d, n, N, r, values):
    """All terms of the network, summed with equal weights."""
    net = Builder(d, values)
    _, terms, _ = products(net, n, N, r)
    total = net.finish()
    for made in terms.values():
        for group, side in made.sides:
            net.connect(group, total, side * values.unit)
    return realise(net)


def _families_of(w, N, r):
    net = merge(w, [tuple(run) for run in runs_of(w)])
    rules = Rules(net)
    families = Families(rules, N)
    squares = Squares(families, r + 1)
    for run in net.runs[:-1]:
        if run.role in ("trapezoid", "fold", "product"):
            made = {"trapezoid": families.trapezoid, "fold": squares.fold}
            made.get(run.role, squares.product)(run)
        elif not (rules.recognise(run) or families.scaled(run)):
            raise CertificateError("no rule")
    for source in net.terms(net.runs[-1].first):  # a clamp is recognised when it is read
        families.family_at(net.runs[int(families.run_of[source])].first)
    return net, families


def _psi(y):
    return max(Fraction(0), 1 - max(Fraction(0), abs(y) - 1))


def _w(y):
    return max(Fraction(-1), min(Fraction(1), y / 2))


def _points(d):
    rng = np.random.default_rng(0)
    corners = [*product([Fraction(0), Fraction(1, 3), Fraction(1)], repeat=d)]
    return corners + [
        tuple(Fraction(int(k), 29) for k in row) for row in rng.integers(0, 30, (9, d))
    ]


def _require_true(w, net, families, r):
    """What is recognised, held against exact values of every unit."""
    N, d = families.N, net.d
    points = _points(d)
    numerators = [[int(x * 87) for x in point] for point in points]
    values, places = evaluate_nodes(w, numerators, 87)
    for first, family in families.known.items():
        run = net.runs[int(families.run_of[first])]
        signal = family.signal
        for i in range(run.size):
            node = families.nodes[:, i] if family.axis is None else [i] * d
            at = run.node + i * run.copies
            for x, value in zip(points, values[at], strict=True):
                y = [3 * (N * x[k] - int(node[k])) for k in range(d)]
                factors = [_psi(y[k]) for k in range(d) for _ in range(signal.hats[k])]
                factors += [_w(y[k]) for k in range(d) for _ in range(signal.powers[k])]
                exact = Fraction(np.prod(np.array(factors, object)))
                held = Fraction(int(value), 87 << int(places[at])) / family.scale
                error = Fraction(6 * signal.products, 4 ** (r + 1))
                assert abs(held - max(Fraction(0), family.side * exact)) <= error
                assert held <= min(map(abs, factors))  # at most 1, and 0 where a factor is


@pytest.mark.parametrize(("d", "n", "N", "r", "values"), SHAPES)
def test_families_are_what_they_are_taken_for(d, n, N, r, values):
    w = _net(d, n, N, r, values)
    net, families = _families_of(w, N, r)
    read = {int(families.run_of[s]) for s in net.terms(net.runs[-1].first)}
    assert all(families.family_at(net.runs[i].first) is not None for i in read)
    found = [families.known[net.runs[i].first].signal for i in read]
    expected = [a for a in product(range(n), repeat=d) if sum(a) < n]
    assert sorted({s.powers for s in found if s.hats == (1,) * d}) == sorted(expected)
    assert {s.products for s in found} == {d + k - 1 for k in range(n)}
    _require_true(w, net, families, r)


@pytest.mark.parametrize(("d", "n", "N", "r", "values"), SHAPES[1:4])
def test_one_changed_edge_is_refused_or_changes_nothing(d, n, N, r, values):
    w = _net(d, n, N, r, values)
    edges = mutations.marked_edges(w)
    pairs = {(e[0], e[1]) for e in edges}
    rng = np.random.default_rng(d + n)
    inner = [i for i, e in enumerate(edges) if e[1] < w.output]
    refused = kept = 0
    for i in rng.choice(inner, min(30, len(inner)), replace=False).tolist():
        s, t, value, free = edges[i]
        rest = edges[:i] + edges[i + 1 :]
        other = -value if -value in w.alphabet else next(v for v in w.alphabet if v != value)
        changes = [[*rest, (s, t, other, free)]]
        if (s + 1, t) not in pairs and s + 1 < t:
            changes.append([*rest, (s + 1, t, value, free)])
        if sum(e[1] == t for e in rest):
            changes.append(rest)
        for change in changes:
            changed = mutations.rebuilt(w, change)
            try:
                net, families = _families_of(changed, N, r)
            except CertificateError:
                refused += 1
                continue
            kept += 1
            _require_true(changed, net, families, r)
    assert refused > 40
    assert kept < 8
