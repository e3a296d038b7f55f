"""Every single change of a certificate or of its circuit: refused, or recognised as true."""

import re
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise, product

import circuit_mutations as mutations
import numpy as np
import pytest
from small_trees import small_tree

from qexpr import certificates, circuits, targets
from qexpr.certificates.document import read_target
from qexpr.certificates.error_bounds import error_at
from qexpr.certificates.plans import read_plan
from qexpr.certificates.templates import template_of
from qexpr.certificates.templates.local_taylor import promised
from qexpr.circuits import Circuit
from qexpr.circuits.registry import build
from qexpr.errors import CertificateError

PAIRS = {
    "cones 1": ("cones", "x*(1-x)/2", 2, "2e-2", {"lam": 2}),
    "cones 2": ("cones", "telegraph2d", 2, "5e-2", {"lam": 4, "graph": "any"}),
    "cones 3": ("cones", "x0*x1*x2/6", 2, "4e-1", {"alphabet": "linear:2"}),
    "bubbles 1": ("bubbles", "x*(1-x)/4", 3, "1e-1", {"lam": 2}),
    "bubbles 2": ("bubbles", "x0*x1*(1-x0)/8", 3, "2e-1", {"lam": 3}),
    "levels 1": ("small tree", "sine", 3, ("nonlinear:2", 2, 2), {"j": 3}),
    "levels 2": ("small tree", "x0*x1/4", 2, ("linear:2", 2, 1), {"folds": 1}),
    "sigma-delta": ("sigma_delta", "abs(x-1/3)", 1, "6e-2", {"lam": 2}),
    "bit-planes 1": ("shared_bitplane", "x*(1-x)/4", 3, "1e-1", {"lam": 2}),
    "bit-planes 2": ("shared_bitplane", "x0*x1/4", 2, "2e-1", {"lam": 3}),
    "Ding 1": ("ding2018", "x*(1-x)/4", 2, "9e-1", {"lam": 3}),
    "Ding 2": ("ding2018", "x0*x1/32", 2, "9e-1", {"alphabet": "linear:2"}),
    "Yarotsky 1": ("yarotsky2017", "x*(1-x)/4", 2, "9e-1", {"lam": 2}),
    "Yarotsky 2": ("yarotsky2017", "x0*x1/32", 2, "9e-1", {"lam": 2}),
}
# In two variables these two start at 25,000 edges; with fewer parameters they promise more than 1
COARSE = {"Ding 2": {"N": 1, "r": 1, "t": 6}, "Yarotsky 2": {"N": 1, "r": 1, "bits": 12}}
# What may be accepted with new hashes: true statements that say as much or less
DOCUMENT = re.compile(
    r"eps = "  # another accuracy to be compared with
    r"|lower = |point\.|point = "  # a lower end that another point reaches as well
    r"|evidence\.membership\.bounds"  # a weaker bound of a derivative that is not the largest
    r"|target\."  # another function, proven anew
)
CIRCUIT = re.compile(
    r"rewire|add"  # another copy of the same unit, or two kinks that cancel: the same function
    r"|flip|swap"  # digits at a tie: either sign is as good
    r"|plan eps|plan norm"  # weaker promises
    r"|(name|params|size and copies|plane) of role"  # hints, or copies taken as units
)


@pytest.fixture(scope="module", params=list(PAIRS))
def pair(request):
    """A small circuit, its target, its certificate."""
    name, target, n, eps, options = PAIRS[request.param]
    f = targets.find(target)
    if request.param in COARSE:
        w = _coarse(name, f, n, eps, options, COARSE[request.param])
    elif name == "small tree":
        w = small_tree(f, n, *eps, **options)
        eps = w.plan["eps"]
    else:
        w = getattr(circuits, name)(f, n=n, eps=eps, **options)
    certificate = certificates.certify(w, f, eps)
    assert certificate.method == "construction"
    assert certificate.verdict == "certified"
    return w, f, certificate


def _coarse(name, f, n, eps, options, parameters):
    """A circuit of these parameters, its plan for the eps that they promise."""
    made = circuits.plan(name, f.d, n, eps, norm=f.norm(n), **options)
    w = build(replace(made, parameters={**made.parameters, **parameters}), f)
    plan = read_plan(w.plan)
    promise = str(promised(plan, template_of(name).digit_of(plan, plan["norm"])))
    return mutations.rebuilt(w, plan={**w.plan, "eps": promise, "error": promise})


def _accepted(value, w):
    try:
        return certificates.check(value, w)
    except CertificateError:
        return None


def _holds(read, w):
    """By exact evaluation: the error at the nodes, between them, and at the lower end's point."""
    f, N, d = read_target(read), w.plan["N"], w.d
    grid = [Fraction(k, 2 * N) for k in range(2 * N + 1)]
    points = list(product(grid, repeat=d))
    rng = np.random.default_rng(1)
    if len(points) > 60:
        points = [points[i] for i in rng.choice(len(points), 60, replace=False)]
    assert all(error_at(w, f, point)[1] <= read.upper for point in points)
    assert error_at(w, f, read.point)[0] >= read.lower
    assert (read.verdict == "certified") == (read.upper <= read.eps)
    return True


def test_an_untouched_pair_is_accepted(pair):
    w, _, certificate = pair
    assert certificates.check(certificate, w) == certificate
    assert certificates.check(certificate.to_dict(), Circuit.from_dict(w.to_dict())) == certificate
    assert _holds(certificate, w)
    assert certificate.upper <= Fraction(w.plan["error"])


def test_every_change_of_the_document_is_refused_while_its_digest_is_left(pair):
    w, _, certificate = pair
    changes = list(mutations.changed_documents(certificate.to_dict()))
    assert len(changes) > 500
    assert [name for name, value in changes if _accepted(value, w)] == []


def test_rehashed_changes_of_the_document_are_refused_or_true(pair):
    w, _, certificate = pair
    changes = list(mutations.changed_documents(certificate.to_dict()))
    rng = np.random.default_rng(2)
    picked = rng.choice(len(changes), 200, replace=False).tolist()
    read = {
        name: found
        for name, value in (changes[i] for i in picked)
        if (found := _accepted(mutations.rehashed(value), w))
    }
    assert len(read) < 25
    assert [name for name in read if not DOCUMENT.match(name)] == []
    assert all(_holds(found, w) for found in read.values())


def _changed(w, seed):
    rng = np.random.default_rng(seed)
    return [*mutations.changed_circuits(w, rng, 16), *mutations.changed_statements(w, rng, 5)]


def test_every_change_of_the_circuit_is_refused_while_the_hashes_are_left(pair):
    w, _, certificate = pair
    changes = _changed(w, 3)
    assert len(changes) > 120
    value = certificate.to_dict()
    read = [(name, w2) for name, w2 in changes if isinstance(w2, Circuit)]
    assert len(read) > 80
    assert [name for name, changed in read if _accepted(value, changed)] == []


def test_rehashed_changes_of_the_circuit_are_refused_or_true(pair):
    w, _, certificate = pair
    value, accepted = certificate.to_dict(), {}
    for name, changed in _changed(w, 4):
        if isinstance(changed, Circuit):
            found = _accepted(mutations.moved_to(value, changed), changed)
            if found:
                accepted[name] = found, changed
    assert [name for name in accepted if not CIRCUIT.match(name)] == []
    assert all(_holds(found, changed) for found, changed in accepted.values())
    rng = np.random.default_rng(5)
    points = [[Fraction(int(k), 60) for k in row] for row in rng.integers(0, 61, (60, w.d))]
    edges = [name for name in accepted if name.startswith(("rewire", "add", "flip", "swap"))]
    assert len(edges) <= 4
    for name in edges:
        if name.startswith(("rewire", "add")):
            assert accepted[name][1].evaluate_exact(points) == w.evaluate_exact(points)


def _with_another(w, edges, i):
    """The edges with another value of a free one; of both, where a term's two sides carry one."""
    value = edges[i][2]
    other = -value if -value in w.alphabet else -w.alphabet[-1]
    new = {i: other}
    side = _sides_of(w).get(edges[i][0])
    if side is not None:
        new[next(j for j, e in enumerate(edges) if e[0] == side and e[3])] = -other
    return [(s, t, new.get(j, v), is_free) for j, (s, t, v, is_free) in enumerate(edges)]


def _sides_of(w):
    """By node: the node of the same term's other side, where it has one."""
    out = {}
    for r, other in pairwise(w.roles):
        sides = dict(r.params).get("side"), dict(other.params).get("side")
        if r.name != other.name or r.name not in ("product", "power") or sides != (1, -1):
            continue
        for i in range(r.size):
            out[r.first + i * r.copies] = other.first + i * other.copies
            out[other.first + i * other.copies] = r.first + i * r.copies
    return out


def test_a_free_sign_that_matters_is_refused_for_what_it_breaks(pair):
    """Both hashes and what copies the circuit fit: only the templates and f's values can tell."""
    w, _, certificate = pair
    edges = mutations.marked_edges(w)
    free = [i for i, e in enumerate(edges) if e[3]]
    reasons = set()
    for i in free[:: max(1, len(free) // 20)]:
        changed = mutations.rebuilt(w, _with_another(w, edges, i))
        try:
            certificates.check(mutations.moved_to(certificate.to_dict(), changed), changed)
        except CertificateError as error:
            reasons.add(str(error))
    assert reasons
    told = (
        r"away from f|is off by|one step on every cell|negative at a node|no weight has|lower end"
        r"|between -1 and 1"
    )
    assert [reason for reason in reasons if not re.search(told, reason)] == []
