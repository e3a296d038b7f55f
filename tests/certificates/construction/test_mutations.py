"""Every single change of a certificate or of its circuit: refused, or recognised as true."""

import re
from fractions import Fraction
from itertools import pairwise

import circuit_mutations as mutations
import numpy as np
import pytest
from certified_circuits import PAIRS, Oracle, certified

from qexpr import certificates
from qexpr.circuits import Circuit
from qexpr.errors import CertificateError

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
    return certified(request.param)


def _accepted(value, w):
    try:
        return certificates.check(value, w)
    except CertificateError:
        return None


@pytest.fixture(scope="module")
def oracle(pair):
    """Of the pair's mesh."""
    return Oracle(pair[0])


def test_an_untouched_pair_is_accepted(pair, oracle):
    w, _, certificate = pair
    assert certificates.check(certificate, w) == certificate
    assert certificates.check(certificate.to_dict(), Circuit.from_dict(w.to_dict())) == certificate
    assert oracle.holds(certificate, w)
    assert certificate.upper <= Fraction(w.plan["error"])


def test_every_change_of_the_document_is_refused_while_its_digest_is_left(pair):
    w, _, certificate = pair
    changes = list(mutations.changed_documents(certificate.to_dict()))
    assert len(changes) > 500
    assert [name for name, value in changes if _accepted(value, w)] == []


def test_rehashed_changes_of_the_document_are_refused_or_true(pair, oracle):
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
    assert all(oracle.holds(found, w) for found in read.values())


def _changed(w, seed):
    rng = np.random.default_rng(seed)
    return [*mutations.changed_circuits(w, rng, 9), *mutations.changed_statements(w, rng, 4)]


def test_every_change_of_the_circuit_is_refused_while_the_hashes_are_left(pair):
    w, _, certificate = pair
    changes = _changed(w, 3)
    assert len(changes) > 90
    value = certificate.to_dict()
    read = [(name, w2) for name, w2 in changes if isinstance(w2, Circuit)]
    assert len(read) > 60
    assert [name for name, changed in read if _accepted(value, changed)] == []


def test_rehashed_changes_of_the_circuit_are_refused_or_true(pair, oracle):
    w, _, certificate = pair
    value, accepted = certificate.to_dict(), {}
    for name, changed in _changed(w, 4):
        if isinstance(changed, Circuit):
            found = _accepted(mutations.moved_to(value, changed), changed)
            if found:
                accepted[name] = found, changed
    assert [name for name in accepted if not CIRCUIT.match(name)] == []
    assert all(oracle.holds(found, changed) for found, changed in accepted.values())
    edges = [name for name in accepted if name.startswith(("rewire", "add", "flip", "swap"))]
    assert len(edges) <= 4
    for name in edges:
        if name.startswith(("rewire", "add")):
            assert oracle.values(accepted[name][1]) == oracle.values(w)


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
