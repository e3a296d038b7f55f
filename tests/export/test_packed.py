"""Circuits and networks as packed files: digests unchanged, values the exact ones."""

from dataclasses import replace
from fractions import Fraction
from itertools import chain

import numpy as np
import pytest
import qexpr_runtime as rt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import dense_networks, image_networks, small_circuits

from qexpr.circuits import construct
from qexpr.errors import InvalidInput, Unsupported
from qexpr.export import read_packed, write_packed
from qexpr.networks import Activate, Dense, QuantizedNetwork, Steps


@settings(deadline=None, max_examples=80, suppress_health_check=list(HealthCheck))
@given(st.one_of(dense_networks(2), image_networks(), small_circuits(3)), st.integers(0, 2**32 - 1))
def test_digest_and_values(tmp_path_factory, net, seed):
    path = tmp_path_factory.mktemp("q") / "n.qxr"
    write_packed(path, net)
    assert read_packed(path).digest() == net.digest()
    assert read_packed(path).to_dict() == net.to_dict()
    packed = rt.load(path)
    x = np.random.default_rng(seed).integers(-64, 65, (4, net.d)) / 32
    exact = [row if isinstance(row, list) else [row] for row in net.evaluate_exact(x.tolist())]
    wanted = np.array([[float(v) for v in row] for row in exact])
    for dtype, unit in (("float64", 2.0**-52), ("float32", 2.0**-23)):
        got = packed(x, dtype=dtype).reshape(wanted.shape)
        bound = packed.rounding_bound(2.0, dtype=dtype, input_bits=5)
        if bound < np.inf:
            assert (np.abs(got - wanted) <= bound + unit * np.abs(wanted)).all()
        if bound == 0:
            assert all(
                Fraction(float(a)) == b for a, b in zip(got.ravel(), chain(*exact), strict=True)
            )


WITNESSES = [("shared_bitplane", 1, 1, "1/8", "nonlinear:3"), ("cones", 2, 1, "1/4", "linear:1"),
             ("sigma_delta", 1, 1, "1/20", "linear:1"), ("bubbles", 1, 3, "1e-2", "nonlinear:2"),
             ("bubbles", 2, 3, "1/10", "linear:2"),
             ("multiresolution", 1, 2, "1e-5", "nonlinear:2"),
             ("multiresolution", 2, 3, "1/20", "linear:2")]  # fmt: skip


@pytest.mark.parametrize(("name", "d", "n", "eps", "alphabet"), WITNESSES)
def test_a_witness_equals_its_oracle(tmp_path, name, d, n, eps, alphabet):
    circuit = construct(name, None, n, eps, alphabet=alphabet, d=d)
    path = tmp_path / "w.qxr"
    write_packed(path, circuit, provenance="a test")
    back = read_packed(path)
    assert back.digest() == circuit.digest()
    assert back.to_dict() == circuit.to_dict()
    net = rt.load(path)
    x = np.random.default_rng(0).integers(0, 257, (40, d)) / 256
    exact = circuit.evaluate_exact([[Fraction(v) for v in row] for row in x.tolist()])
    bound = net.rounding_bound(1.0, input_bits=8)
    got = net(x)
    assert all(
        abs(Fraction(float(g)) - e) <= Fraction(bound) for g, e in zip(got, exact, strict=True)
    )
    # the sum of all levels is amplified by far more than that of one
    assert bound < (1e-5 if name == "multiresolution" else 1e-9)
    info = net.info()
    assert (info["weights"], info["bits"]) == (circuit.weights, circuit.bits)
    assert info["notes"]["provenance"] == "a test"
    assert info["notes"]["digest"] == circuit.digest()
    np.testing.assert_array_equal(net(x, threads=3), got)


def circuit():
    return construct("shared_bitplane", None, 1, "1/4", alphabet="nonlinear:3", d=1)


def network():
    act = Steps((Fraction(0),), (Fraction(-1), Fraction(1)))
    first = Dense(np.array([[1, -1, 1], [1, 1, -1]]), activation=act)
    return QuantizedNetwork((3,), (Activate(activation=act), first, Dense(np.array([[2, 3]]))))


def test_the_input_rule_is_kept(tmp_path):
    net = QuantizedNetwork((2,), (Dense(np.array([[1, -2]]), Fraction(1, 3)),))
    write_packed(tmp_path / "n.qxr", net, input_rule=("1/255", 0))
    packed = rt.load(tmp_path / "n.qxr")
    assert packed.data().input_rule == (Fraction(1, 255), 0)
    q = np.array([[255, 0], [0, 255]], np.uint8)
    np.testing.assert_allclose(packed(q), [1 / 3, -2 / 3], rtol=1e-15)
    assert read_packed(tmp_path / "n.qxr").digest() == net.digest()


def test_a_stated_digest_must_fit(tmp_path):
    path = tmp_path / "n.qxr"
    write_packed(path, network())
    data = rt.load(path).data()
    forged = rt.NetworkData(data.input_shape, data.layers, None, {"digest": "0" * 64})
    rt.save(path, forged)
    with pytest.raises(InvalidInput, match="states the digest"):
        read_packed(path)


def test_names_must_fit_the_graph(tmp_path):
    path = tmp_path / "n.qxr"
    sign = network().layers[0]
    write_packed(path, QuantizedNetwork((3,), (sign, Activate(activation=sign.activation))))
    data = rt.load(path).data()
    layers = (data.layers[0], replace(data.layers[1], source=-1))
    rt.save(path, rt.NetworkData((3,), layers, None, {}))
    with pytest.raises(InvalidInput, match="at inference"):
        read_packed(path)


def test_what_cannot_be_packed_is_said(tmp_path):
    huge = QuantizedNetwork((1,), (Dense(np.array([[1]]), Fraction(10) ** 400),))
    with pytest.raises(Unsupported, match="range of doubles"):
        write_packed(tmp_path / "h.qxr", huge)
    with pytest.raises(InvalidInput, match="cannot write"):
        write_packed(tmp_path / "none" / "h.qxr", network())
    with pytest.raises(InvalidInput, match="can be packed"):
        write_packed(tmp_path / "h.qxr", "net")
    with pytest.raises(InvalidInput, match="circuits read real"):
        write_packed(tmp_path / "h.qxr", circuit(), input_rule=(1, 0))
    with pytest.raises(InvalidInput, match="cannot read"):
        read_packed(tmp_path / "missing.qxr")
