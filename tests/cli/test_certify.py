"""``qexpr certify``: reports, exit codes, bad input."""

import json
from fractions import Fraction

import certified_networks
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from qexpr import certificates, circuits
from qexpr import networks as nets
from qexpr.targets import Target

EXPRESSION = "sin(3*x)*cos(2*y)/27"


@pytest.fixture
def net(tmp_path):
    """A network in two variables, as a file."""
    w = certified_networks.fitted(Target(EXPRESSION), "ternary", 2, (8, 8))
    path = tmp_path / "net.json"
    path.write_text(json.dumps(w.to_dict()))
    return path


def _report(outcome):
    return json.loads(outcome.out)


def test_both_ends_are_reported(qexpr, net):
    done = qexpr("certify", net, "--target", EXPRESSION, "--format", "json")
    assert done.code == 0
    report = _report(done)
    assert report["verdict"] == "enclosed"
    w = nets.from_dict(json.loads(net.read_text()))
    lower, upper = Fraction(report["lower"]), Fraction(report["upper"])
    assert upper - lower <= upper / 100
    found = certificates.enclose(w, Target(EXPRESSION))
    assert (found.lower, found.upper) == (lower, upper)
    assert report["digest"] == w.digest()


def test_certified_refuted_and_open(qexpr, net, tmp_path):
    first = _report(qexpr("certify", net, "--target", EXPRESSION, "--format", "json"))
    proof = tmp_path / "proof.json"
    done = qexpr("certify", net, "--target", EXPRESSION, "--eps", "0.5", "--certificate", proof)
    assert done.code == 0
    assert done.out.startswith("certified (eps = 1/2): ")
    assert " <= sup |f - f~| <= " in done.out
    w = nets.from_dict(json.loads(net.read_text()))
    assert certificates.check(certificates.read(proof), w).eps == Fraction(1, 2)
    done = qexpr("certify", net, "--target", EXPRESSION, "--eps", "1e-6")
    assert done.code == 1
    assert done.out.startswith("refuted")
    assert "reaches the lower end at (" in done.out
    middle = (Fraction(first["lower"]) + Fraction(first["upper"])) / 2
    done = qexpr("certify", net, "--target", EXPRESSION, "--eps", str(middle), "--budget", "1e-6")
    assert done.code == 1
    assert done.out.startswith("open")


def test_one_input_reports_its_pieces(qexpr, tmp_path):
    path = tmp_path / "net.json"
    path.write_text(json.dumps(certified_networks.tents(5).to_dict()))
    done = qexpr("certify", path, "--target", "x", "--format", "json")
    report = _report(done)
    assert report["method"] == "piecewise"
    assert report["pieces"] == 32
    assert report["pieces_most"] == 3**5
    text = qexpr("certify", path, "--target", "x").out
    assert "linear pieces: 32 (" in text
    assert "recalled" in text


def test_range_and_lipschitz(qexpr, tmp_path):
    path = tmp_path / "net.json"
    path.write_text(json.dumps(nets.from_arrays([[[0.75, -0.5]]]).to_dict()))
    done = qexpr("certify", path, "--range", "--lipschitz", "--format", "json")
    assert done.code == 0
    report = _report(done)
    for key, value in (("least", -0.5), ("greatest", 0.75), ("lipschitz", 1.25)):
        assert Fraction(report[key]["lower"]) <= Fraction(value) <= Fraction(report[key]["upper"])
    assert "Lipschitz constant (maximum norm)" in qexpr("certify", path, "--lipschitz").out


def test_values_are_in_the_units_of_the_network(qexpr, tmp_path):
    """x^2/2 on [0, 3], whose largest value is 4.5 at 3; the cube's constant is called its own."""
    f = Target("x^2/2", domain=[(0, 3)], norm=9)
    path = tmp_path / "net.json"
    path.write_text(json.dumps(circuits.cones(f, n=2, eps="1e-2", lam=2).to_dict()))
    report = _report(qexpr("certify", path, "--range", "--lipschitz", "--format", "json"))
    assert report["greatest"]["point"] == ["3"]
    assert abs(Fraction(report["greatest"]["lower"]) - Fraction(9, 2)) <= Fraction(9, 100)
    assert Fraction(report["lipschitz"]["upper"]) < Fraction(3, 2)
    assert report["lipschitz"]["of"] == "the unit cube, over the norm"
    assert "(on the unit cube, over the norm)" in qexpr("certify", path, "--lipschitz").out


def test_circuits_and_onnx_files_are_read(qexpr, tmp_path):
    w = certified_networks.tents(2)
    circuit = tmp_path / "circuit.json"
    circuit.write_text(json.dumps(w.to_circuit().to_dict()))
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "a"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (None, 1))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(certified_networks.np.float32([[0.5]]), "a")],
    )
    packed = tmp_path / "net.onnx"
    onnx.save(helper.make_model(graph, ir_version=9), str(packed))
    for path, exact in ((circuit, 1), (packed, Fraction(1, 2))):
        report = _report(qexpr("certify", path, "--target", "0*x", "--format", "json"))
        assert Fraction(report["lower"]) <= exact <= Fraction(report["upper"])


def _write(tmp_path, value):
    path = tmp_path / "bad.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


GOOD = {
    "kind": "network",
    "version": 1,
    "input_shape": [1],
    "layers": [{"type": "dense", "codes": [[1]], "scale": "1"}],
}
LAYER = GOOD["layers"][0]

BAD_FILES = [
    ("{", "is not JSON"),
    ("[" * 100_000, "is not JSON"),
    ("[1]", '"kind": "network" or "circuit"'),
    (json.dumps({**GOOD, "layers": [{**LAYER, "scale": float("nan")}]}), "NaN"),
    (json.dumps({**GOOD, "layers": [{**LAYER, "scale": float("inf")}]}), "Infinity"),
    ({**GOOD, "layers": [{**LAYER, "codes": [[1, 2]]}]}, "needs an input of shape (2,)"),
    ({**GOOD, "layers": [{**LAYER, "type": "lstm"}]}, "type must be one of"),
    ({**GOOD, "layers": [{**LAYER, "codes": [[1], [2]]}]}, "one output can be certified"),
]


@pytest.mark.parametrize(("value", "message"), BAD_FILES)
def test_bad_files_are_one_line(qexpr, tmp_path, value, message):
    done = qexpr("certify", _write(tmp_path, value), "--target", "x")
    assert done.code == 2
    assert message in done.err
    assert done.err.count("\n") == 1
    assert done.out == ""


BAD_OPTIONS = [
    ((), "--target EXPR is needed"),
    (("--target", "x*y"), "d"),
    (("--target", "x+"), "x+"),
    (("--target", "x", "--budget", "0"), "--budget must be a positive number"),
    (("--target", "x", "--budget", "nan"), "--budget must be a positive number"),
    (("--target", "x", "--gap", "2"), "gap must lie between 0 and 1"),
    (("--target", "x", "--eps", "0"), "eps must be positive"),
    (("--target", "x", "--eps", "tiny"), "eps must be a number"),
    (("--target", "x", "--method", "magic"), "method must be one of"),
    (("--target", "x", "--format", "yaml"), "--format must be text or json"),
    (("--target", "x", "--certificate", "c.json"), "--certificate needs --eps"),
    (("--eps", "0.1", "--range"), "need --target"),
]


@pytest.mark.parametrize(("options", "message"), BAD_OPTIONS)
def test_bad_options_are_one_line(qexpr, tmp_path, options, message):
    done = qexpr("certify", _write(tmp_path, GOOD), *options)
    assert done.code == 2
    assert message in done.err
    assert done.err.count("\n") == 1


def test_unknown_files_are_one_line(qexpr, tmp_path):
    for name, message in (("none.json", "cannot read"), ("net.h5", "must end in .json")):
        done = qexpr("certify", tmp_path / name, "--target", "x")
        assert done.code == 2
        assert message in done.err


def test_an_onnx_operator_is_refused_by_name(qexpr, tmp_path):
    graph = helper.make_graph(
        [helper.make_node("Sigmoid", ["x"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (None, 1))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    onnx.save(helper.make_model(graph, ir_version=9), str(tmp_path / "net.onnx"))
    done = qexpr("certify", tmp_path / "net.onnx", "--target", "x")
    assert done.code == 2
    assert "the ONNX operator Sigmoid is not supported" in done.err
