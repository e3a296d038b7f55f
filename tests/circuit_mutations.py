"""Single changes of a certified circuit and of its document, with and without new hashes."""

import copy
from fractions import Fraction

import numpy as np

from qexpr.certificates.construction import run_lengths
from qexpr.certificates.document import subject
from qexpr.certificates.plans import part_hashes, runs_of
from qexpr.circuits import Circuit, Role
from qexpr.core.canonical import sha256
from qexpr.core.units import Units
from qexpr.errors import InvalidInput


def rebuilt(w, edges=None, free=None, **changes):
    """The circuit with other edges (source, target, value), free ones marked by a fourth entry."""
    parts = {
        "inputs": w.inputs,
        "output": w.output,
        "alphabet": w.alphabet,
        "plan": w.plan,
        "roles": w.roles,
        "frame": w.frame,
        "sources": w.sources,
        "targets": w.targets,
        "codes": w.codes,
        "free": w.free if free is None else free,
    }
    if edges is not None:
        edges = sorted(edges, key=lambda e: (e[1], e[0]))
        code = {value: i for i, value in enumerate(w.alphabet)}
        parts["sources"] = np.array([e[0] for e in edges], w.sources.dtype)
        parts["targets"] = np.array([e[1] for e in edges], w.targets.dtype)
        parts["codes"] = np.array([code[e[2]] for e in edges], w.codes.dtype)
        parts["free"] = np.array([i for i, e in enumerate(edges) if e[3]], np.int64)
    return Circuit(**{**parts, **changes})


def marked_edges(w):
    """(source, target, value, is free) of every edge."""
    free = set(w.free.tolist())
    return [(*edge, i in free) for i, edge in enumerate(w.edges())]


def _others(w, value):
    return [v for v in w.alphabet if v != value]


def changed_circuits(w, rng, each):
    """(name, changed circuit or the error that refuses it at reading)."""
    edges = marked_edges(w)
    pairs = {(s, t) for s, t, _, _ in edges}

    def attempt(name, *arguments, **changes):
        try:
            return name, rebuilt(w, *arguments, **changes)
        except InvalidInput as error:
            return name, error

    picked = rng.choice(len(edges), min(each, len(edges)), replace=False).tolist()
    ends = [i for i, e in enumerate(edges) if e[1] == w.output]
    for i in dict.fromkeys([*picked, *ends[:2]]):
        s, t, value, is_free = edges[i]
        rest = edges[:i] + edges[i + 1 :]
        other = -value if -value in w.alphabet else _others(w, value)[0]
        yield attempt(f"flip {i}", [*rest, (s, t, other, is_free)])
        yield attempt(f"drop {i}", rest)
        free_to = [k for k in range(t) if (k, t) not in pairs]
        if free_to:
            k = int(rng.choice(free_to))
            yield attempt(f"rewire {i} to {k}", [*rest, (k, t, value, is_free)])
            k = int(rng.choice(free_to))
            yield attempt(f"add {k} to {t}", [*edges, (k, t, w.alphabet[-1], False)])
        yield attempt(f"freedom of {i}", [*rest, (s, t, value, not is_free)])
    free = [i for i, e in enumerate(edges) if e[3]]
    for _ in range(each):
        i, j = (int(k) for k in rng.choice(free, 2))
        if edges[i][2] != edges[j][2]:
            swapped = list(edges)
            swapped[i] = (*edges[i][:2], edges[j][2], True)
            swapped[j] = (*edges[j][:2], edges[i][2], True)
            yield attempt(f"swap {i} and {j}", swapped)


def changed_statements(w, rng, each):
    """Changes of what a circuit says of itself: plan, roles, alphabet."""

    def attempt(name, **changes):
        try:
            return name, rebuilt(w, **changes)
        except InvalidInput as error:
            return name, error

    for key, value in w.plan.items():
        rest = {k: v for k, v in w.plan.items() if k != key}
        yield attempt(f"plan without {key}", plan=rest)
        for new in _other_values(value):
            if new != value or type(new) is not type(value):
                yield attempt(f"plan {key} = {new!r}", plan={**w.plan, key: new})
    yield attempt("plan with more", plan={**w.plan, "more": 1})
    yield attempt("no plan", plan={})
    for i in rng.choice(len(w.roles), min(each, len(w.roles)), replace=False).tolist():
        r = w.roles[i]
        for name, role in (
            ("first", Role(r.first + 1, r.size, r.copies, r.name, r.params)),
            ("size", Role(r.first, r.size + 1, r.copies, r.name, r.params)),
            ("size and copies", Role(r.first, r.size * r.copies, 1, r.name, r.params)),
            ("copies", Role(r.first, 1, r.size * r.copies, r.name, r.params)),
            ("name", Role(r.first, r.size, r.copies, "other", r.params)),
            ("plane", Role(r.first, r.size, r.copies, "plane", r.params)),
            ("params", Role(r.first, r.size, r.copies, r.name, (("other", 1),))),
        ):
            if role != r:
                yield attempt(f"{name} of role {i}", roles=(*w.roles[:i], role, *w.roles[i + 1 :]))
        yield attempt(f"without role {i}", roles=w.roles[:i] + w.roles[i + 1 :])
    yield attempt("another domain", frame=Units.read([(0, 2)] * w.d, 1, w.d))
    yield attempt("another norm", frame=Units.read(None, 2, w.d))
    yield attempt("another alphabet", alphabet=tuple(v * 2 for v in w.alphabet))
    yield attempt("a larger alphabet", alphabet=(*w.alphabet, Fraction(2)))


def _other_values(value):
    if isinstance(value, bool) or value is None:
        return [1]
    if isinstance(value, int):
        return [value + 1, max(value - 1, 0), 2 * value, True, str(value)]
    if isinstance(value, dict):
        more = [{**value, k: v + 1} for k, v in value.items() if type(v) is int]
        return more + [{k: v for k, v in value.items() if k != gone} for gone in value]
    if isinstance(value, list):
        more = [[*value[:i], v + 1, *value[i + 1 :]] for i, v in enumerate(value) if type(v) is int]
        return [*more[:3], value[:-1], value[::-1], [*value, *value[-1:]]]
    try:
        number = Fraction(value)
    except ValueError:
        return ["", "other", value + " "]
    return [str(number * 2), str(number / 2), str(number * (1 + Fraction(1, 2**30))), 1, "x"]


def changed_documents(value):
    """Every field of the document, at any depth, changed in several ways."""
    for path, leaf in _leaves(value):
        if path == ("digest",):
            continue
        name = ".".join(map(str, path))
        for new in (None, 5, "x", [], {}, *_other_values(leaf)):
            if new != leaf or type(new) is not type(leaf):
                yield f"{name} = {new!r}", _with(value, path, new)
        yield f"{name} gone", _without(value, path)
    for path in [(), ("evidence",), ("subject",), ("evidence", "membership")]:
        yield f"more in {'.'.join(path)}", _with(value, (*path, "more"), 1)


def _leaves(value, path=(), most=6):
    """Paths of all fields; of long lists the ends and some in between."""
    if path:
        yield path, value
    if isinstance(value, dict):
        for key in value:
            yield from _leaves(value[key], (*path, key))
    elif isinstance(value, list):
        for i in sorted({0, len(value) - 1, *range(0, len(value), max(1, len(value) // most))}):
            if 0 <= i < len(value):
                yield from _leaves(value[i], (*path, i))


def _with(value, path, new):
    out = copy.deepcopy(value)
    place = out
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = new
    return out


def _without(value, path):
    out = copy.deepcopy(value)
    place = out
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return out


def rehashed(value):
    """The document with its own digest recomputed."""
    rest = {k: v for k, v in value.items() if k != "digest"}
    return {**rest, "digest": sha256(rest)}


def moved_to(value, w):
    """The document moved to another circuit: all hashes and all that merely copies it."""
    evidence = {
        **value["evidence"],
        "alphabet": [str(v) for v in w.alphabet],
        "free": run_lengths(w.free),
        "hashes": part_hashes(w),
        "plan": dict(w.plan),
        "units": runs_of(w),
    }
    return rehashed({**value, "subject": subject(w), "evidence": evidence})
