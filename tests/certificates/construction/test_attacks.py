"""Circuits made to be believed: what they compute is not what they say."""

from fractions import Fraction

import circuit_mutations as mutations
import numpy as np
import pytest
from certified_circuits import PAIRS, Oracle, certified

from qexpr import certificates
from qexpr.certificates import merged
from qexpr.certificates.alphabets import members_of
from qexpr.certificates.derivation import derive
from qexpr.certificates.merged import merge
from qexpr.certificates.plans import read_plan, runs_of
from qexpr.certificates.templates import bubbles
from qexpr.certificates.templates.hats import recognise_hats
from qexpr.certificates.templates.lattice import Lattice
from qexpr.certificates.templates.rules import Rules
from qexpr.circuits import Circuit, Role, values_of
from qexpr.errors import CertificateError

# One of each construction, with every kind of its units: bit-planes of n = 2 have no monomials
ONE_EACH = [
    "cones 2", "bubbles 2", "levels 2", "sigma-delta", "bit-planes 1", "Ding 1", "Yarotsky 1",
]  # fmt: skip


@pytest.fixture(scope="module", params=ONE_EACH)
def pair(request):
    """A small circuit, its target, its certificate."""
    return certified(request.param)


def _derived(w, f, certificate):
    """The proven error, None where the templates refuse."""
    norm = Fraction(certificate.evidence["membership"]["norm"])
    try:
        return derive(w, f, [tuple(run) for run in runs_of(w)], norm).total
    except CertificateError:
        return None


def _more_edges(w):
    """By name: the circuit with one edge more, between units of every two kinds that allow it."""
    edges = mutations.marked_edges(w)
    present = {(s, t) for s, t, *_ in edges}
    first, last = {}, {}
    for role in w.roles:
        first.setdefault(role.name, role)
        last[role.name] = role
    for source in first.values():
        for target in last.values():
            added = [(source.first, target.first + j) for j in range(target.copies)]
            if source.first < target.first and not present & set(added):
                more = [(s, t, w.alphabet[-1], False) for s, t in added]
                yield f"{source.name} to {target.name}", mutations.rebuilt(w, edges + more)


def test_an_edge_between_any_two_kinds_of_units_is_refused_or_changes_nothing(pair):
    w, f, certificate = pair
    oracle, tried = Oracle(w), 0
    for name, changed in _more_edges(w):
        tried += 1
        total = _derived(changed, f, certificate)
        if total is not None:
            assert total == certificate.upper, name
            assert oracle.values(changed) == oracle.values(w), name
    assert tried > 25


def _with_coordinate(w, places):
    """The circuit reading 2 scale x_0 wherever it read a unit; `places`: its run, and scale."""
    run, scale = places
    halvings = (scale.denominator // (2 * scale.numerator)).bit_length() - 1
    assert scale == Fraction(1, 2 ** (halvings + 1))
    low = w.inputs + 1

    def moved(node):
        return node if node < low else node + halvings - 1 + run.copies

    new = [low + i for i in range(halvings - 1)]
    copies = [low + halvings - 1 + j for j in range(run.copies)]
    half = Fraction(1, 2)
    edges = [(s, t, half, False) for s, t in zip([0, *new], new, strict=False)]
    edges += [([0, *new][-1], t, half, False) for t in copies]
    old = {run.node + j: copies[j] for j in range(run.copies)}
    for s, t, value, is_free in mutations.marked_edges(w):
        edges.append((old.get(s, moved(s)), moved(t), value, is_free))
    roles = [Role(node, 1, 1, "scale") for node in new] + [Role(copies[0], 1, run.copies, "scale")]
    roles += [Role(moved(r.first), r.size, r.copies, r.name, r.params) for r in w.roles]
    return mutations.rebuilt(w, edges, output=moved(w.output), roles=tuple(roles))


@pytest.mark.parametrize("name", ["bubbles 1", "bubbles 2"])
def test_a_coordinate_is_no_bubble(name):
    """2 scale x_0 = scale (z + 1) lies between 0 and 2 scale as well, but it is no wave."""
    w, f, certificate = certified(name)
    net = merge(w, [tuple(run) for run in runs_of(w)])
    plan = read_plan(w.plan)
    walk = bubbles._Walk(net, plan["N"], plan)
    reads = {int(s) for s in net.sources}
    unit, signal = next(
        (u, s)
        for u, s in walk.products.signals.items()
        if s.wave is not None and s.wave[0] == 1 and any(s.wave) and u in reads
        and any(u in net.terms(t) and walk.products.product_of.get(t) for t in range(net.units))
    )  # fmt: skip
    run = next(r for r in net.runs if r.first == unit)
    changed = _with_coordinate(w, (run, signal.scale))
    points = [[Fraction(k, 97), Fraction(3 * k % 97, 97)][: w.d] for k in range(97)]
    assert changed.evaluate_exact(points) != w.evaluate_exact(points)
    assert _derived(changed, f, certificate) is None


def test_a_product_of_long_numbers_is_not_taken_for_its_last_64_bits():
    """2^64 + 1 = 274177 * 67280421310721: a height that wraps around to the one expected."""
    numbers = np.array([67280421310721], np.int64) * np.array([274177], np.int64)
    assert numbers[0] == 1  # what int64 makes of it
    w, _, _ = certified("bit-planes 2")
    net = merge(w, [tuple(run) for run in runs_of(w)])
    hat = next(run for run in net.runs if run.role == "hat")
    near = next(run for run in net.runs if run.role == "complement")

    def walked(net):
        rules = Rules(net)
        for run in net.runs:
            if run.first == hat.first:
                recognise_hats(rules, run, w.plan["N"])
                return
            if run.role != "complement":
                assert rules.recognise(run)

    walked(net)
    begin, end = net.starts[near.first], net.starts[near.first + near.size]
    up = [i for i in range(begin, end) if net.numbers[i] > 0]
    constants = {int(net.sources[i]) for i in up}
    assert len(constants) == 1
    (constant,) = constants
    others = np.array(net.numbers)
    others[up] *= 274177
    into = slice(net.starts[constant], net.starts[constant + 1])
    assert into.stop - into.start == 1
    others[into] *= 67280421310721
    with pytest.raises(CertificateError, match="beyond this checker"):
        walked(
            merged.Merged(
                net.d, net.runs, net.sources, net.starts, others, net.exponents, net.of_node
            )
        )


def test_weights_of_many_copies_are_added_in_longer_integers_where_64_bits_might_not_do():
    w = Circuit.from_dict(
        {
            "kind": "circuit",
            "version": 1,
            "inputs": 1,
            "output": 3,
            "edges": [[0, 2, "1"], [1, 2, f"1/{2**39}"], [2, 3, "1"]],
        }
    )
    assert merged._values(w, 2**20)[0].dtype == np.int64
    assert merged._values(w, 2**23)[0].dtype == object


@pytest.mark.parametrize("name", ["nonlinear:22", "nonlinear:64", "nonlinear:65536", "linear:17"])
def test_an_alphabet_that_no_search_ends_for_is_refused(name):
    with pytest.raises(CertificateError, match="beyond any circuit"):
        members_of(name, 1)


def test_values_are_those_of_the_builder():
    for lam in range(2, 22):
        assert members_of(f"nonlinear:{lam}", 9) == values_of(f"nonlinear:{lam}", 9).members


def test_every_construction_is_attacked():
    assert {PAIRS[name][0] for name in ONE_EACH} == {pair[0] for pair in PAIRS.values()}


def test_slopes_carry_the_norm_that_the_plan_states():
    """The error of sigma-delta does not depend on a norm, but whether it holds does."""
    w, f, certificate = certified("sigma-delta")
    assert _derived(w, f, certificate) == certificate.upper
    larger = mutations.rebuilt(w, plan={**w.plan, "norm": "1000"})
    assert _derived(larger, f, certificate) is None


HUGE = (2**31 - 1, 4095, 10**30, -1, "1/" + "9" * 300, "nonlinear:64", "linear:64", [4095])


@pytest.mark.parametrize("name", ["cones 1", "levels 1", "bit-planes 1", "Ding 1", "bubbles 1"])
def test_plans_of_any_size_are_refused_before_anything_of_that_size_is_made(name):
    w, _, certificate = certified(name)
    value = certificate.to_dict()
    for key in set(w.plan) - {"eps"}:  # of which a larger one is a weaker promise
        for new in HUGE:
            changed = mutations.rebuilt(w, plan={**w.plan, key: new})
            with pytest.raises(CertificateError):
                certificates.check(mutations.moved_to(value, changed), changed)


def test_an_accuracy_that_is_none_is_refused():
    _, _, certificate = certified("cones 1")
    value = certificate.to_dict()
    for eps in ("0", "-1/2"):
        with pytest.raises(CertificateError, match="eps > 0"):
            certificates.Certificate.from_dict(
                mutations.rehashed({**value, "eps": eps, "verdict": "refuted"})
            )


def test_sums_on_the_mesh_do_not_wrap_around():
    """x/2 + 2^-61 at 32 cells takes 65 bits: with 64 the slope would turn around on the way."""
    w = Circuit.from_dict(
        {
            "kind": "circuit",
            "version": 1,
            "inputs": 1,
            "output": 2,
            "edges": [[0, 2, "1/2"], [1, 2, f"1/{2**61}"]],
        }
    )
    net = merge(w, [(2, 1, 1, "output")])
    found = Lattice(Rules(net), 32).sum_into(2)
    values = [Fraction(int(v)) / 32 / 2**found.exponent for v in found.numbers]
    assert values == w.evaluate_exact([[Fraction(k, 32)] for k in range(33)])
