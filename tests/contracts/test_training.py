"""Every method ends in a packed file whose values are the exact network's, and torch's."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import qexpr_runtime as rt
import torch
from torch import nn

from qexpr import quantizers, targets, training
from qexpr.export import read_packed, write_packed

DATA = training.sample_target(targets.get("waves"), 64)
DIGITS = training.digits(image=True)


def packed(network, path, **options):
    write_packed(path, network, **options)
    assert read_packed(path).digest() == network.digest()
    return rt.load(path)


def exactly(network, points):
    rows = network.evaluate_exact(points.reshape(len(points), -1).tolist())
    return [row if isinstance(row, list) else [row] for row in rows]


def three_ways(model, x, path, largest=1.0):
    """Packed, exact and torch's values at inputs that are multiples of 2^-8; the exact ones."""
    network = training.freeze(model, tuple(x.shape[1:]))
    run = packed(network, path)
    points = x.reshape(len(x), -1)
    exact = exactly(network, points)
    wanted = np.array([[float(v) for v in row] for row in exact])
    found = run(points).reshape(wanted.shape)
    bound = run.rounding_bound(largest, input_bits=8)
    # infinite where steps read rounded numbers: then what is left is that none of these points
    # lies within a rounding of a threshold
    slack = bound if np.isfinite(bound) else 1e-11
    for row, values in zip(exact, found, strict=True):
        for want, value in zip(row, values, strict=True):
            assert abs(Fraction(float(value)) - want) <= Fraction(slack) + abs(want) / 2**50
    with torch.no_grad():
        there = model(torch.from_numpy(x)).numpy().reshape(wanted.shape)
    assert np.allclose(there, wanted, rtol=1e-10, atol=1e-11)
    if wanted.shape[1] > 1:
        assert (there.argmax(1) == found.argmax(1)).all()
        assert (run.classes(points) == found.argmax(1)).all()
    return run, found, exact


@pytest.mark.parametrize("method", training.methods())
def test_a_trained_target_network(method, tmp_path):
    run = training.train(DATA, training.get_recipe(method, steps=15, batch=32), [9, 7], 1)
    x = np.random.default_rng(0).integers(0, 257, (25, 2)) / 256
    _, found, _ = three_ways(run.model, x, tmp_path / "net.qxr")
    assert len(np.unique(found)) > 1


@pytest.mark.parametrize("method", training.methods())
def test_trained_convolutions(method, tmp_path):
    recipe = training.get_recipe(method, "classes", steps=6, batch=64)
    run = training.train(DIGITS, recipe, [5, 6], 1)
    _, found, _ = three_ways(run.model, DIGITS.test_x[:12], tmp_path / "net.qxr")
    assert len(np.unique(found)) > 12


STEPS = {
    "bnn": ("bnn", "bnn"),
    "xnor": ("bwn", "bnn"),
    "residual": ("residual", "residual"),
    "residual of three levels": ("residual", quantizers.get("residual", levels=3)),
    "dorefa 1/2": (quantizers.get("dorefa", bits=1), quantizers.get("dorefa", role="activation")),
    "dorefa 3/4": (
        quantizers.get("dorefa", bits=3),
        quantizers.get("dorefa", role="activation", bits=4),
    ),
    "hwgq": (quantizers.get("bwn", gradient="plain"), "hwgq"),
    "log": ("log", quantizers.get("log", role="activation", signed=False)),
    "twn and bnn": ("twn", "bnn"),
    "continuous-discrete and linear": (
        quantizers.get("continuous-discrete", levels=5),
        quantizers.get("linear", role="activation", signed=False, bits=3),
    ),
}


def lively(model, x):
    """Random parameters and statistics; then evaluation."""
    g = torch.Generator().manual_seed(1)
    model = model.double()
    with torch.no_grad():
        for name, w in model.named_parameters():
            if "scales" not in name:
                w.uniform_(-0.9, 0.9, generator=g)
        for _ in range(3):
            model(torch.from_numpy(x))
    return model.eval()


@pytest.mark.parametrize("image", [False, True])
@pytest.mark.parametrize("name", STEPS)
def test_step_values_are_met_exactly(name, image, tmp_path):
    """Products of step values are integers: nothing is rounded, thresholds are folded."""
    weights, activations = STEPS[name]
    act, options = training.QuantActivation, {"weights": weights}
    if image:
        shape = (3, 6, 5)
        value = list(STEPS).index(name) % 2  # of padded taps
        options |= {"padding": 1, "padding_value": value}
        first = training.QuantConv2d(3, 9, 3, **options)
        last = training.QuantConv2d(9, 4, 3, 2, **options)
        norms = training.ShiftBatchNorm(9), training.ShiftBatchNorm(4)
    else:
        shape = (67,)
        first = training.QuantLinear(67, 33, **options)
        last = training.QuantLinear(33, 5, **options)
        norms = nn.BatchNorm1d(33), nn.BatchNorm1d(5)
    parts = (act(activations), first, norms[0], act(activations), last, norms[1], act(activations))
    x = np.random.default_rng(2).integers(-256, 257, (9, *shape)) / 256
    model = lively(nn.Sequential(*parts), x)
    _, found, exact = three_ways(model, x, tmp_path / "net.qxr")
    assert len({v for row in exact for v in row}) > 1
    # a step value is stored as the double next to it
    assert found.tolist() == [[float(v) for v in row] for row in exact]


def test_every_size_modulo_64(tmp_path):
    for size in (*range(1, 67), 127, 128, 129):
        model = nn.Sequential(
            training.QuantActivation("bnn"),
            training.QuantLinear(size, 3, weights="bnn", bias=False),
        ).double()
        x = np.random.default_rng(size).standard_normal((4, size)).round(2)
        x[0] = 0.0  # sign(0) = +1
        run, found, _ = three_ways(model.eval(), x, tmp_path / "net.qxr")
        signs = np.where(model[1].weight.detach().numpy() >= 0, 1, -1)
        assert (found == np.where(x >= 0, 1, -1) @ signs.T).all()
        assert run.info()["layers"][1]["codes"] in ("binary", "constant") or size == 1


@pytest.mark.parametrize("method", ["bnn", "twn", "dorefa"])
def test_the_file_has_the_packed_size_and_no_real_weight(method, tmp_path):
    """Not that of a checkpoint, which keeps the real weights."""
    bits = {"bnn": 1, "twn": 2, "dorefa": 2}[method]
    layer = training.QuantLinear(512, 256, weights=method)
    packed(training.freeze(layer, (512,)), tmp_path / "net.qxr")
    torch.save(layer.state_dict(), tmp_path / "net.pt")
    wanted = 512 * 256 * bits / 8
    size = (tmp_path / "net.qxr").stat().st_size
    assert wanted <= size <= 1.03 * wanted + 8 * 256 + 2048
    assert (tmp_path / "net.pt").stat().st_size > 512 * 256 * 4
    codes = read_packed(tmp_path / "net.qxr").layers[0].codes
    assert len(np.unique(codes)) <= 2**bits


def test_bytes_are_read_as_integers_by_the_first_layer(tmp_path):
    """The input's unit and offset are folded into scale and bias: only integers are summed."""
    model = nn.Sequential(
        training.QuantConv2d(1, 5, 3, weights="bnn"),
        training.ShiftBatchNorm(5),
        training.QuantActivation("bnn"),
        nn.Flatten(),
        training.QuantLinear(180, 3, weights="bnn", bias=False),
    )
    pixels = np.random.default_rng(0).integers(0, 256, (7, 64))
    model = lively(model, pixels.reshape(7, 1, 8, 8) / 255)
    network = training.freeze(model, (1, 8, 8))
    run = packed(network, tmp_path / "net.qxr", input_rule=("1/255", 0))
    assert [layer["sums"] for layer in run.info()["layers"][:1]] == ["integer"]
    assert run.rounding_bound(255) == 0
    exact = network.evaluate_exact([[Fraction(int(v), 255) for v in row] for row in pixels])
    assert run(pixels.astype(np.uint8)).tolist() == [[float(v) for v in row] for row in exact]


def test_an_ensemble_of_draws_is_one_file(tmp_path):
    weights = quantizers.get("binaryconnect", stochastic=True)
    recipe = training.get_recipe("binaryconnect", weights=weights, steps=20, batch=32)
    run = training.train(DATA, recipe, [8, 8], 0)
    network = training.freeze_ensemble(run.model, (2,), 4, np.random.default_rng(0))
    net = packed(network, tmp_path / "net.qxr")
    x = np.random.default_rng(0).integers(0, 257, (20, 2)) / 256
    draws = np.random.default_rng(0)
    mean = np.mean([training.freeze(run.model, (2,), draw=draws)(x) for _ in range(4)], axis=0)
    assert np.allclose(net(x), mean, rtol=1e-12)
    exact = [row[0] for row in exactly(network, x)]
    bound = Fraction(net.rounding_bound(1.0, input_bits=8))
    assert all(abs(Fraction(float(a)) - b) <= bound for a, b in zip(net(x), exact, strict=True))


def test_evaluation_and_export_alter_no_weight(tmp_path):
    for method, image in itertools.product(training.methods(), (False, True)):
        g = torch.Generator().manual_seed(0)
        if image:
            recipe = training.get_recipe(method, "classes")
            model = training.convolutional(recipe, (1, 8, 8), [3, 3], 4, generator=g)
            x = torch.rand(6, 1, 8, 8, dtype=torch.float64, generator=g)
        else:
            model = training.dense(training.get_recipe(method), 2, [4, 4], generator=g)
            x = torch.rand(6, 2, dtype=torch.float64, generator=g)
        optimiser = torch.optim.Adam(model.parameters())
        training.attach(optimiser, model, training.Rules(centre=image, clip=0.01))
        model(x)
        before = {k: v.clone() for k, v in model.state_dict().items()}
        model.eval()
        first = model(x)
        write_packed(tmp_path / "net.qxr", training.freeze(model, tuple(x.shape[1:])))
        training.collapsed(model)
        assert torch.equal(model(x), first)
        assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
