"""``qexpr check``: accepted, refused with the reason, bad input."""

import json
from fractions import Fraction

import circuit_mutations as mutations
import pytest

from qexpr import certificates, circuits
from qexpr.targets import Target

EXPRESSION = "x0*(1-x0)/2"


@pytest.fixture
def files(tmp_path):
    """A circuit and its certificate."""
    f = Target(EXPRESSION)
    w = circuits.cones(f, n=2, eps="1e-2", lam=2)
    net, proof = tmp_path / "net.json", tmp_path / "cert.json"
    net.write_text(json.dumps(w.to_dict()))
    certificates.write(proof, certificates.certify(w, f, "1e-2"))
    return w, net, proof


def test_accepted(qexpr, files):
    _, net, proof = files
    done = qexpr("check", proof, net)
    assert done.code == 0
    assert done.err == ""
    lines = done.out.splitlines()
    assert lines[0].startswith("accepted: ")
    assert " <= sup |f - f~| <= 8.9" in lines[0]
    assert "certified (eps = 1/100); method: construction" in lines[1]
    assert any(line.strip().startswith("interpolation: ") for line in lines)
    assert qexpr("check", proof, net, "--target", EXPRESSION).code == 0


def test_refused_with_the_reason(qexpr, files, tmp_path):
    w, net, proof = files
    edges = mutations.marked_edges(w)
    s, t, value, free = edges[-1]
    changed = mutations.rebuilt(w, [*edges[:-1], (s, t, -value, free)])
    other = tmp_path / "other.json"
    other.write_text(json.dumps(changed.to_dict()))
    done = qexpr("check", proof, other)
    assert done.code == 1
    assert done.out.startswith("refused: the certificate is about the")
    value = mutations.moved_to(json.loads(proof.read_text()), changed)
    moved = tmp_path / "moved.json"
    moved.write_text(json.dumps(value))
    done = qexpr("check", moved, other)
    assert done.code == 1
    assert done.out.startswith("refused: ")
    assert "digest" not in done.out
    done = qexpr("check", proof, net, "--target", "x0/2")
    assert done.code == 1
    assert "not about" in done.out
    value = json.loads(proof.read_text())
    proof.write_text(json.dumps({**value, "eps": "1/7"}))
    done = qexpr("check", proof, net)
    assert done.code == 1
    assert "digest" in done.out


def test_bad_input(qexpr, files, tmp_path):
    _, net, proof = files
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    for arguments in (
        (broken, net),
        (tmp_path / "none.json", net),
        (proof, broken),
        (proof, proof),
        (proof,),
        (proof, net, "--target", "x0 +"),
        (proof, net, "--target", "x0*x1"),
    ):
        done = qexpr("check", *arguments)
        assert done.code == 2, arguments
        assert done.out == ""
        assert done.err.startswith("qexpr: ")
        assert done.err.count("\n") == 1


def test_a_rescaled_target_is_reported_in_its_units(qexpr, tmp_path):
    """sin on [-3, 5] over 64: f on the unit cube is 64 times smaller than what is reported."""
    net, proof = tmp_path / "net.json", tmp_path / "cert.json"
    units = ("--domain=-3:5", "--norm", "64")
    made = ("-o", net, "--certificate", proof)
    done = qexpr("witness", "--target", "sin(x)", *units, "--n", 2, "--eps", "1/2", *made)
    assert done.code == 0
    value = json.loads(proof.read_text())
    assert value["eps"] == "1/128"
    done = qexpr("check", proof, net)
    upper = float(done.out.splitlines()[0].split("<=")[-1])
    assert upper == pytest.approx(64 * float(Fraction(value["upper"])), rel=1e-5)
    assert "(eps = 1/2)" in done.out
    assert "[-3, 5], norm 64" in done.out
    terms = [line.split(": ")[1] for line in done.out.splitlines() if line.startswith("  coding")]
    assert [Fraction(t) / 64 for t in terms] == [Fraction(value["evidence"]["terms"]["coding"])]
    assert qexpr("check", proof, net, "--target", "sin(x)", *units).code == 0
    done = qexpr("check", proof, net, "--target", "sin(x)")
    assert done.code == 1
    assert "is about sin(x) on [-3, 5], norm 64, not about sin(x)" in done.out
    done = qexpr("certify", net, "--target", "sin(x)", *units, "--eps", "1/2")
    assert done.code == 0
    assert done.out.startswith("certified (eps = 1/2)")
    for command in (("check", proof, net), ("certify", net, "--range")):
        done = qexpr(*command, "--norm", 64)
        assert done.code == 2
        assert "need --target" in done.err
