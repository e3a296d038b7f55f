"""Networks as data: shapes that fit, names, digests, JSON."""

import dataclasses
import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import dense_networks, image_networks

from qexpr import networks as nets
from qexpr.errors import InvalidInput


@settings(deadline=None, max_examples=40)
@given(dense_networks(d=2) | image_networks())
def test_json_round_trip_keeps_the_digest(network):
    text = json.dumps(network.to_dict())
    again = nets.from_dict(json.loads(text))
    assert again.digest() == network.digest()
    assert json.dumps(again.to_dict()) == text


def test_the_digest_names_every_part():
    layers = (
        nets.Dense([[1, 2], [0, -1]], "1/2", [1, 0], activation=nets.Relu(), name="a"),
        nets.Dense([[1, 1], [1, 0]], [1, 2], activation=nets.Clip(0, 1)),
        nets.Add(other="a", activation=nets.sign()),
        nets.Dense([[1, 1]]),
    )
    changes = {
        0: [{"codes": [[1, 2], [0, 1]]}, {"scale": "1/3"}, {"bias": [1, 1]}, {"activation": None}],
        1: [{"scale": [2, 1]}, {"activation": nets.Clip(0, 2)}],
        2: [{"other": "input"}, {"activation": nets.Steps((0,), (-1, 1), (False,))}],
    }
    digests = {nets.QuantizedNetwork((2,), layers).digest()}
    for k, options in changes.items():
        for change in options:
            layer = dataclasses.replace(layers[k], **change)
            changed = (*layers[:k], layer, *layers[k + 1 :])
            digests.add(nets.QuantizedNetwork((2,), changed).digest())
    assert len(digests) == 1 + sum(map(len, changes.values()))


def test_equal_networks_written_differently_have_one_digest():
    one = nets.QuantizedNetwork((1,), (nets.Dense([[1]], 0.5, [0]),))
    other = nets.QuantizedNetwork([1], [nets.Dense(np.array([[1]], np.int8), "1/2")])
    assert one.digest() == other.digest()


def test_layers_are_frozen():
    layer = nets.Dense([[1, 2]])
    with pytest.raises(dataclasses.FrozenInstanceError):
        layer.scale = 2
    with pytest.raises(ValueError, match="read-only"):
        layer.codes[0, 0] = 5


def test_a_float_scale_is_the_double():
    assert nets.Dense([[1]], 0.1).scale == Fraction(0.1) != Fraction(1, 10)
    assert nets.Dense([[1]], "0.1").scale == Fraction(1, 10)
    assert nets.Dense([[1]], np.float32(0.1)).scale == Fraction(float(np.float32(0.1)))


BAD_NETWORKS = [
    ((2,), (nets.Dense([[1, 2, 3]]),), r"needs an input of shape \(3,\), got \(2,\)"),
    ((2, 2), (nets.Flatten(),), "input_shape must be"),
    ((0,), (nets.Flatten(),), "input_shape must be"),
    ((2,), (), "at least one layer"),
    ((2,), ("dense",), "must be a layer"),
    ((2,), (nets.Activate(source="nowhere"),), "no earlier layer named 'nowhere'"),
    ((2,), (nets.Dense([[1, 1]], name="a"), nets.Add(other="a", source="input")), "equal shapes"),
    ((2,), (nets.Activate(name="a"), nets.Activate(name="a")), "name 'a' is taken"),
    ((2,), (nets.Activate(name="input"),), "name 'input' is taken"),
    ((2,), (nets.MaxPool2d(),), "pooling needs"),
    ((1, 2, 2), (nets.Conv2d([[[[1] * 3] * 3]]),), "does not fit"),
    ((3, 4, 4), (nets.Conv2d([[[[1]]]]),), r"needs an input of shape \(1, height, width\)"),
]


@pytest.mark.parametrize(("shape", "layers", "message"), BAD_NETWORKS)
def test_networks_that_do_not_fit_are_refused(shape, layers, message):
    with pytest.raises(InvalidInput, match=message):
        nets.QuantizedNetwork(shape, layers)


BAD_LAYERS = [
    (lambda: nets.Dense([[1.5]]), "must be integers"),
    (lambda: nets.Dense([[float("nan")]]), "must be integers"),
    (lambda: nets.Dense([[1], [2, 3]]), "rectangular|integers"),
    (lambda: nets.Dense([1, 2]), "2 dimensions"),
    (lambda: nets.Dense([[]]), "must be"),
    (lambda: nets.Dense([[True]]), "must be integers"),
    (lambda: nets.Dense([[1]], float("inf")), "scale must be finite, got inf"),
    (lambda: nets.Dense([[1]], float("nan")), "scale must be finite, got nan"),
    (lambda: nets.Dense([[1]], [1, 2]), "one for each output channel"),
    (lambda: nets.Dense([[1]], 1, [float("-inf")]), r"bias\[0\] must be finite"),
    (lambda: nets.Dense([[1]], activation="relu"), "activation must be"),
    (lambda: nets.Conv2d([[[[1]]]], stride=0), "stride must be"),
    (lambda: nets.Conv2d([[[[1]]]], padding=-1), "padding must be"),
    (lambda: nets.Conv2d([[[[1]]]], padding_value=2), "padding_value must be 0 or 1"),
    (lambda: nets.Conv2d([[[[1]]]], groups=2), "divided into 2 groups"),
    (lambda: nets.Add(), "other must be"),
    (lambda: nets.Clip(1, 0), "lower <= upper"),
    (lambda: nets.Clip(0, float("nan")), "must be finite"),
    (lambda: nets.Steps((), (1,)), "thresholds must be"),
    (lambda: nets.Steps((1, 0), (1, 2, 3)), "strictly increasing"),
    (lambda: nets.Steps((0,), (1, 2, 3)), "need 2 values"),
    (lambda: nets.Steps((0,), (1, 2), (True, False)), "closed must be"),
]


@pytest.mark.parametrize(("build", "message"), BAD_LAYERS)
def test_bad_layers_are_refused(build, message):
    with pytest.raises(InvalidInput, match=message):
        build()


def _mutations():
    good = nets.QuantizedNetwork(
        (2,), (nets.Dense([[1, 2]], "1/2", activation=nets.sign()), nets.Dense([[1]]))
    ).to_dict()
    yield None, "must be a JSON object"
    yield [good], "must be a JSON object"
    for key, value, message in [
        ("kind", "circuit", "kind"),
        ("version", 2, "version must be 1"),
        ("layers", {}, "layers must be a list"),
        ("layers", [], "at least one layer"),
        ("input_shape", 2, "input_shape must be"),
        ("input_shape", ["2"], "input_shape must be"),
        ("extra", 1, "has no 'extra'"),
    ]:
        yield {**good, key: value}, message
    for key, value, message in [
        ("type", "lstm", "type must be one of"),
        ("codes", None, "codes are missing"),
        ("codes", "12", "must be"),
        ("codes", [[1, "x"]], "must be integers"),
        ("scale", "one", "scale must be"),
        ("scale", {"a": 1}, "scale must be"),
        ("bias", 3, "bias must be"),
        ("stride", 2, "has no 'stride'"),
        ("activation", "relu", "activation type"),
        ("activation", {"type": "steps", "thresholds": ["0"]}, "lacks values"),
        ("activation", {"type": "steps", "thresholds": 0, "values": []}, "must be a sequence"),
        ("activation", {"type": "relu", "x": 1}, "has no 'x'"),
        ("name", 5, "names must be text"),
    ]:
        layer = {**good["layers"][0], key: value}
        yield {**good, "layers": [layer, good["layers"][1]]}, message


@pytest.mark.parametrize(("value", "message"), list(_mutations()))
def test_malformed_documents_are_refused(value, message):
    with pytest.raises(InvalidInput, match=message):
        nets.from_dict(value)
