"""Generic certificates: verdicts, re-verification, and what every change does to them."""

import copy
import json
from fractions import Fraction

import certified_networks
import numpy as np
import pytest

from qexpr import certificates
from qexpr import networks as nets
from qexpr.certificates.document import Certificate
from qexpr.certificates.error_bounds import error_at
from qexpr.core.canonical import sha256
from qexpr.errors import CertificateError, InvalidInput
from qexpr.targets import Target

EXPRESSION = {1: "sin(3*x0)/9", 2: "sin(3*x0)*cos(2*x1)/27"}


def _network(d, seed=0):
    return certified_networks.fitted(Target(EXPRESSION[d], d), "ternary", d, (8, 8), seed=seed)


@pytest.fixture(scope="module", params=[1, 2])
def pair(request):
    """A network and a certificate that says certified with a little room."""
    f, w = Target(EXPRESSION[request.param], request.param), _network(request.param)
    found = certificates.enclose(w, f, "1e-3")
    certificate = certificates.certify(w, f, found.upper * Fraction(101, 100))
    assert certificate.verdict == "certified"
    return w, f, certificate


def test_verdicts(pair):
    w, f, certificate = pair
    assert certificates.check(certificate, w) == certificate
    refuted = certificates.certify(w, f, certificate.lower / 2)
    assert refuted.verdict == "refuted"
    assert refuted.lower > refuted.eps
    assert error_at(w, f, refuted.point)[1] > refuted.eps
    certificates.check(refuted, w)
    between = (certificate.lower + certificate.upper) / 2
    undecided = certificates.certify(w, f, between, budget=1e-6, method="branch-and-bound")
    assert undecided.verdict == "open"
    assert undecided.lower <= undecided.eps < undecided.upper
    certificates.check(undecided, w)


def test_a_budget_that_ends_leaves_it_open():
    f = Target("sin(50*x0)*sin(40*x1)*sin(30*x2)/4", 3)
    w = certified_networks.fitted(f, "4-bit", 3, (32, 32))
    found = certificates.certify(
        w, f, certificates.enclose(w, f, "0.5", budget=2).lower * 2, budget=1e-6
    )
    assert found.verdict == "open"
    assert found.lower <= found.eps < found.upper
    certificates.check(found, w)


def test_files_round_trip(pair, tmp_path):
    w, _, certificate = pair
    path = tmp_path / "c.json"
    certificates.write(path, certificate)
    assert certificates.read(path) == certificate
    assert certificates.check(json.loads(path.read_text()), w) == certificate
    path.write_text("{")
    with pytest.raises(InvalidInput, match="not JSON"):
        certificates.read(path)
    with pytest.raises(InvalidInput, match="cannot read"):
        certificates.read(tmp_path / "none.json")


def test_writing_is_deterministic(pair):
    w, f, certificate = pair
    assert certificates.certify(w, f, certificate.eps).to_dict() == certificate.to_dict()


def _changes(value):
    """Every field of the document, changed in several ways."""
    for key in list(value):
        if key == "digest":
            continue
        for new in (None, 5, "x", [], {}, -1):
            if new != value[key]:
                yield f"{key} = {new!r}", {**value, key: new}
        yield f"without {key}", {k: v for k, v in value.items() if k != key}
    yield "extra", {**value, "extra": 1}
    yield "version 2", {**value, "version": 2}
    yield "version true", {**value, "version": True}
    for key in ("eps", "lower", "upper"):
        number = Fraction(value[key])
        for factor in (Fraction(1, 2), 1 - Fraction(1, 2**30), 1 + Fraction(1, 2**30), 2, -1):
            yield f"{key} * {factor}", {**value, key: str(number * factor)}
        yield f"{key} spelled", {**value, key: f"{2 * number.numerator}/{2 * number.denominator}"}
    for verdict in ("certified", "refuted", "open"):
        if verdict != value["verdict"]:
            yield verdict, {**value, "verdict": verdict}
    point = value["point"]
    for k in range(len(point)):
        for moved in ("2", "-1", "0", "1/2", "1", str(Fraction(point[k]) + Fraction(1, 2**30))):
            changed = [*point[:k], moved, *point[k + 1 :]]
            if changed != point:
                yield f"point[{k}] = {moved}", {**value, "point": changed}
    yield "longer point", {**value, "point": [*point, "0"]}
    tree = value["evidence"]["tree"]
    places = [k for k, c in enumerate(tree) if c != "."]
    for k in places[:: max(1, len(places) // 25)]:
        for letter in "abc.":
            if letter != tree[k]:
                changed = tree[:k] + letter + tree[k + 1 :]
                yield f"tree[{k}] = {letter}", _evidence(value, tree=changed)
        yield f"tree without {k}", _evidence(value, tree=tree[:k] + tree[k + 1 :])
    # a subtree cut off: the tree is well formed, but says less
    for k in places[:: max(1, len(places) // 25)]:
        yield f"tree cut at {k}", _evidence(value, tree=tree[:k] + "." + tree[_end(tree, k) :])
    yield "tree split on", _evidence(value, tree=tree.replace(".", "a..", 1))
    yield "tree twice", _evidence(value, tree=tree + tree)
    yield "no evidence", {**value, "evidence": {}}
    if "pieces" in value["evidence"]:
        yield "pieces", _evidence(value, pieces=value["evidence"]["pieces"] + 1)
        yield "pieces true", _evidence(value, pieces=True)
    for key in value["target"]:
        yield (
            f"target without {key}",
            {
                **value,
                "target": {k: v for k, v in value["target"].items() if k != key},
            },
        )
        yield f"target {key}", {**value, "target": {**value["target"], key: "7"}}
    other = Target("x0/7", len(point)).to_dict()
    yield "another target", {**value, "target": other}
    yield (
        "method",
        {
            **value,
            "method": {"piecewise": "branch-and-bound", "branch-and-bound": "piecewise"}[
                value["method"]
            ],
        },
    )
    yield "construction", {**value, "method": "construction"}
    for key in ("kind", "digest"):
        yield f"subject {key}", {**value, "subject": {**value["subject"], key: "circuit"}}


def _evidence(value, **changes):
    return {**value, "evidence": {**value["evidence"], **changes}}


def _end(tree, start):
    """The place behind the subtree that starts here."""
    need = 1
    for k in range(start, len(tree)):
        need += 1 if tree[k] != "." else -1
        if need == 0:
            return k + 1
    raise AssertionError("not a tree")


def _accepts(value, w):
    try:
        certificates.check(copy.deepcopy(value), w)
    except CertificateError:
        return False
    return True


def _rehashed(value):
    rest = {k: v for k, v in value.items() if k != "digest"}
    return {**rest, "digest": sha256(rest)}


def test_every_change_is_refused_while_the_digest_is_left(pair):
    w, _, certificate = pair
    value = certificate.to_dict()
    changes = list(_changes(value))
    assert len(changes) > 150
    assert [name for name, changed in changes if _accepts(changed, w)] == []


def test_rehashed_changes_are_refused_unless_they_are_true(pair):
    """What is accepted is recognised as valid: its ends hold, by a closer enclosure."""
    w, f, certificate = pair
    sharp = certificates.enclose(w, f, "1e-6")
    accepted = []
    for name, changed in _changes(certificate.to_dict()):
        try:
            read = certificates.check(_rehashed(copy.deepcopy(changed)), w)
        except CertificateError:
            continue
        accepted.append(name)
        assert read.lower <= sharp.upper
        assert read.upper >= sharp.lower
        assert error_at(w, f, read.point)[0] >= read.lower
        assert read.target == certificate.target
        assert read.verdict == ("certified" if read.upper <= read.eps else read.verdict)
    # true statements that say less, finer trees, and points where the error is as large
    allowed = ("eps", "lower", "upper", "tree", "point")
    assert all(name.startswith(allowed) for name in accepted), accepted
    assert "upper * 1/2" not in accepted
    assert "lower * 2" not in accepted
    assert "tree split on" in accepted


def test_a_smaller_upper_end_is_refused(pair):
    w, _, certificate = pair
    assert certificate.upper > certificate.lower
    value = {**certificate.to_dict(), "upper": str(certificate.lower)}
    with pytest.raises(CertificateError, match="allows an error of"):
        certificates.check(_rehashed(value), w)


def test_every_change_of_the_network_is_refused(pair):
    w, _, certificate = pair
    rng = np.random.default_rng(0)
    value = w.to_dict()
    for k, layer in enumerate(value["layers"]):
        rows, columns = np.shape(layer["codes"])
        for _ in range(8):
            changed = copy.deepcopy(value)
            i, j = int(rng.integers(rows)), int(rng.integers(columns))
            changed["layers"][k]["codes"][i][j] += int(rng.choice([-1, 1]))
            with pytest.raises(CertificateError, match="digest"):
                certificates.check(certificate, nets.from_dict(changed))


def test_a_certificate_moved_to_another_network_is_refused_on_its_merits(pair):
    """Digest of another network, re-hashed: the statement itself is wrong for it."""
    w, _, certificate = pair
    worse = nets.QuantizedNetwork(w.input_shape, (*w.layers, nets.Dense([[1]], 1, [1])))
    value = certificate.to_dict()
    value["subject"] = {"kind": "network", "digest": worse.digest()}
    with pytest.raises(CertificateError, match=r"allows an error|not proven|pieces"):
        certificates.check(_rehashed(value), worse)


@pytest.mark.parametrize("value", [None, 5, [], {}, "x", {"kind": "circuit"}])
def test_what_is_no_certificate_is_refused(value):
    with pytest.raises(CertificateError, match="must be a JSON object"):
        certificates.check(value, _network(1))


def test_evidence_of_a_method_that_does_not_apply_is_refused(pair):
    w, _, certificate = pair
    if w.d == 1:
        value = {**certificate.to_dict(), "method": "branch-and-bound"}
        value["evidence"] = {"tree": "."}
    else:
        value = {**certificate.to_dict(), "method": "piecewise"}
        value["evidence"] = {"pieces": 1, "tree": "."}
    assert not _accepts(_rehashed(value), w)


def test_nan_in_a_document_is_refused(pair):
    w, _, certificate = pair
    value = {**certificate.to_dict(), "eps": float("nan")}
    with pytest.raises(CertificateError, match="not JSON"):
        certificates.check(value, w)


def test_contradicting_ends_are_an_error():
    from qexpr.certificates.error_bounds import Proof

    with pytest.raises(CertificateError, match="exceeds the upper end"):
        Proof("m", Fraction(2), Fraction(1), (Fraction(0),), {}, 1, True)


def test_circuits_are_certified_like_networks():
    w = _network(2)
    f = Target(EXPRESSION[2], 2)
    c = nets.from_dict(w.to_dict()).to_circuit()
    eps = certificates.enclose(w, f).upper * 2
    certificate = certificates.certify(c, f, eps)
    assert isinstance(certificate, Certificate)
    assert certificate.subject["kind"] == "circuit"
    assert certificates.check(certificate, c).verdict == "certified"
    with pytest.raises(CertificateError, match="is about the"):
        certificates.check(certificate, w)


def test_the_certificate_of_a_construction_comes_first():
    from qexpr import circuits

    f = Target("sin(x0)", 1)
    w = circuits.sigma_delta(f, eps="1/16")
    by_plan = certificates.certify(w, f, "1/16")
    assert by_plan.method == "construction"
    assert by_plan.verdict == "certified"
    general = certificates.certify(w, f, "1/16", method="piecewise")
    assert (general.method, general.verdict) == ("piecewise", "certified")
    assert general.lower <= by_plan.upper
    # the plan's bound is not enough for less; the search goes on from there
    closer = certificates.certify(w, f, general.lower / 2)
    assert closer.verdict == "refuted"
