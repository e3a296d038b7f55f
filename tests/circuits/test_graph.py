"""Circuits as data: JSON, digest, counts, evaluation, and what is refused."""

import copy
import hashlib
import json
import re
from fractions import Fraction

import numpy as np
import pytest

from qexpr.circuits import Circuit
from qexpr.errors import InvalidInput

# relu(x/2 - 1/4) by way of a quarter, and the output 2 copies of it minus x/2
DOCUMENT = {
    "kind": "circuit",
    "version": 1,
    "inputs": 1,
    "edges": [
        [1, 2, "1/2"],
        [2, 3, "-1/2"],
        [0, 3, "1/2"],
        [0, 4, "1/2"],
        [2, 4, "-1/2"],
        [3, 5, "1/2"],
        [4, 5, "1/2"],
        [0, 5, "-1/2"],
    ],
    "output": 5,
}


def _value(x):
    return max(Fraction(x) / 2 - Fraction(1, 4), 0) - Fraction(x) / 2


def test_counts_and_values():
    c = Circuit.from_dict(DOCUMENT)
    assert (c.weights, c.depth, c.width, c.units, c.bits, c.free_bits) == (8, 3, 2, 4, 8, 0)
    points = [[Fraction(i, 7)] for i in range(8)]
    assert c.evaluate_exact(points) == [_value(p[0]) for p in points]
    np.testing.assert_allclose(
        c(np.linspace(0, 1, 9)[:, None]), [float(_value(Fraction(i, 8))) for i in range(9)]
    )


def test_edges_may_come_in_any_order():
    turned = copy.deepcopy(DOCUMENT)
    turned["edges"].reverse()
    turned["free"] = [0, 7]  # the last and the first edge of the list above
    c = Circuit.from_dict(turned)
    assert c.digest() == Circuit.from_dict(DOCUMENT).digest()
    listed = [[s, t, str(w)] for s, t, w in c.edges()]
    assert [listed[i] for i in c.free] == [[1, 2, "1/2"], [0, 5, "-1/2"]]


def test_json_round_trip_and_digest():
    c = Circuit.from_dict({**DOCUMENT, "free": [3], "plan": {"N": 4}})
    text = json.dumps(c.to_dict())
    again = Circuit.from_dict(json.loads(text))
    assert again.to_dict() == c.to_dict()
    canonical = json.dumps(
        {key: c.to_dict()[key] for key in ("edges", "inputs", "output")},
        sort_keys=True,
        separators=(",", ":"),
    )
    assert c.digest() == hashlib.sha256(canonical.encode()).hexdigest()


def test_arrays_are_read_only():
    c = Circuit.from_dict(DOCUMENT)
    with pytest.raises(ValueError, match="read-only"):
        c.codes[0] = 0


def _changed(**changes):
    return {**copy.deepcopy(DOCUMENT), **changes}


def _with_edge(edge):
    return _changed(edges=[*DOCUMENT["edges"], edge])


def _nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def _role(first, **changes):
    return {"first": first, "size": 1, "copies": 1, "name": "unit", "params": {}, **changes}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "JSON object"),
        ({k: v for k, v in DOCUMENT.items() if k != "output"}, "output is missing"),
        (_changed(colour=1), "colour"),
        (_changed(kind="network"), "kind"),
        (_changed(version=2), "version"),
        (_changed(inputs=0), "inputs"),
        (_changed(inputs=True), "inputs"),
        (_changed(output=1), "output"),
        (_changed(output=7), "no incoming edge"),
        (_changed(edges={}), "must be a list"),
        (_with_edge([0, 3, "1/2"]), "two edges join 0 -> 3"),
        (_with_edge([4, 3, "1/2"]), "goes backwards"),
        (_with_edge([3, 3, "1/2"]), "goes backwards"),
        (_with_edge([0, 1, "1/2"]), "must lead from a node to a unit"),
        (_with_edge([0, 6, "1/2"]), "after the output"),
        (_with_edge([-1, 5, "1/2"]), "from 0"),
        (_with_edge([1, 5, "1/3"]), "power of two"),
        (_with_edge([1, 5, "0"]), "other than 0"),
        (_with_edge([1, 5, "nan"]), "must be a number"),
        (_with_edge([1, 5, float("nan")]), "must be \\[source"),
        (_with_edge([1, 5, 0.5]), "must be \\[source"),
        (_with_edge([1.0, 5, "1/2"]), "must be \\[source"),
        (_with_edge([1, 5]), "must be \\[source"),
        (_changed(alphabet=["1/2"]), "not in the alphabet"),
        (_changed(alphabet=["1/2", "1/2", "-1/2"]), "twice"),
        (_changed(free=[8]), "below 8"),
        (_changed(free=[1, 1]), "without repetition"),
        (_changed(free=["1"]), "index in free"),
        (_changed(plan=[]), "plan"),
        (_changed(roles=[{"first": 2}]), "role"),
        (_changed(version=True), "version must be 1"),
        (_changed(version=1.0), "version must be 1"),
        (_changed(output=2**31 - 1), "no incoming edge"),
        (_changed(output=2**31), "output must be an integer"),
        (_changed(inputs=2**31 - 3, output=2**31 - 1), "inputs must be an integer"),
        (_with_edge([10**400, 5, "1/2"]), "from 0 to"),
        (_with_edge([1, 5, "1" * 5000]), "at most 400 characters"),
        (_with_edge([1, 5, "1e-999999"]), "exponent"),
        (_changed(alphabet=[f"{i}/2" for i in range(1, 2**16 + 2)]), "at most 65536 values"),
        (_changed(plan={"a": float("nan")}), "plan must hold finite"),
        (_changed(plan={"a": [[{"b": float("inf")}]]}), "plan must hold finite"),
        (_changed(plan={"a": 2**5000}), "shorter numbers"),
        (_changed(plan={"a": _nested(100_000)}), "nested at most 16"),
        (_changed(roles=[_role(2, params={"a": _nested(17)})]), "nested at most 16"),
        (_changed(roles=[_role(1)]), "ascending runs of units within 2..5"),
        (_changed(roles=[_role(2), _role(2)]), "ascending runs"),
        (_changed(roles=[_role(3), _role(2)]), "ascending runs"),
        (_changed(roles=[_role(2, size=2**30, copies=2**30)]), "ascending runs"),
        (_changed(roles=[_role(2, size=0)]), "size must be an integer from 1"),
    ],
)
def test_refused_documents(document, message):
    with pytest.raises(InvalidInput, match=message) as caught:
        Circuit.from_dict(document)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([[float("nan")]], "finite"),
        ([[0.5, 0.5]], "shape"),
        ([0.5], "shape"),
        ([["a"]], "numbers"),
    ],
)
def test_refused_points(points, message):
    with pytest.raises(InvalidInput, match=message):
        Circuit.from_dict(DOCUMENT)(points)


def test_refused_exact_points():
    c = Circuit.from_dict(DOCUMENT)
    with pytest.raises(InvalidInput, match="1 coordinates"):
        c.evaluate_exact([[0, 1]])
    with pytest.raises(InvalidInput, match="must be a number"):
        c.evaluate_exact([[float("nan")]])
    assert c.evaluate_exact([]) == []


def test_exact_evaluation_leaves_int64_when_it_must():
    c = Circuit.from_dict(DOCUMENT)
    x = Fraction(3**50, 3**50 + 1)
    assert c.evaluate_exact([[x], [Fraction(1, 3)]]) == [_value(x), _value(Fraction(1, 3))]


def test_long_chains_are_exact():
    # 200 halvings, then 200 doublings by four edges each: the identity through 2^-200
    edges, node, last = [], 2, [0]
    for _ in range(200):
        edges.append([last[0], node, "1/2"])
        last, node = [node], node + 1
    last = [last[0]]
    copies = []
    for _ in range(4):
        edges.append([last[0], node, "1/2"])
        copies.append(node)
        node += 1
    for _ in range(200):
        following = []
        for _ in range(4):
            edges += [[s, node, "1/2"] for s in copies]
            following.append(node)
            node += 1
        copies = following
    edges += [[s, node, "1/2"] for s in copies]
    c = Circuit.from_dict(_changed(edges=edges, output=node))
    assert c.evaluate_exact([[Fraction(1, 3)]]) == [Fraction(1, 3)]
    assert c.depth == 402


def test_an_output_without_edges_is_zero():
    c = Circuit.from_dict(_changed(edges=[], output=2))
    assert c.evaluate_exact([[1]]) == [0]
    assert c(np.ones((2, 1))).tolist() == [0.0, 0.0]
    assert (c.weights, c.depth) == (0, 1)


def test_a_drawing_names_every_edge():
    c = Circuit.from_dict(_changed(free=[1]))
    dot = c.to_dot()
    assert len(re.findall("->", dot)) == 8
    assert dot.count("dashed") == 1
    roles = [_role(2, name='say "x"\\'), _role(4, size=2)]
    dot = Circuit.from_dict(_changed(roles=roles)).to_dot()
    assert r'n2 [shape=circle, tooltip="say \"x\"\\"]' in dot
    assert 'n3 [shape=circle, tooltip=""]' in dot
    assert 'n5 [shape=doublecircle, tooltip="unit"]' in dot


def test_evaluation_of_many_points_in_pieces_and_of_none():
    c = Circuit.from_dict(DOCUMENT)
    x = np.linspace(0, 1, 3001)[:, None]
    np.testing.assert_array_equal(c(x), [float(c(p[None])[0]) for p in x])
    assert c(np.zeros((0, 1))).shape == (0,)
    assert c([[0.25], [1]]).shape == (2,)
    assert c(np.array([[0, 1]]).T).dtype == np.float64


def test_the_drawing_of_a_large_circuit_is_refused():
    edges = [[0, k, "1/2"] for k in range(2, 403)]
    with pytest.raises(InvalidInput, match="at most 400 edges"):
        Circuit.from_dict(_changed(edges=edges, output=402)).to_dot()
