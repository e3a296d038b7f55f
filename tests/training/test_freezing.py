"""The exact network computes what the module computes in evaluation."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn

from qexpr import quantizers, training
from qexpr.errors import InvalidInput, Unsupported
from qexpr.networks import Conv2d, Dense
from qexpr.training.steps import as_steps

WEIGHTS = [
    "twn",
    quantizers.get("twn", threshold="exact", per="channel"),
    "continuous-discrete",
    "binaryconnect",
    "bnn",
    "bwn",
    quantizers.get("dorefa", bits=1),
    quantizers.get("dorefa", bits=3),
    "log",
    quantizers.get("log", base="sqrt2"),
    quantizers.get("uniform", symmetric=False, bits=5),
    "residual",
    None,
]
ACTIVATIONS = [
    "bnn",
    quantizers.get("dorefa", role="activation", bits=2),
    quantizers.get("dorefa", role="activation", bits=2, rounding="away"),
    "hwgq",
    quantizers.get("hwgq", uniform=False),
    "residual",
    quantizers.get("residual", gamma=(0.375, 0.5, 0.125)),  # steps that go down too
    quantizers.get("log", role="activation", signed=False),
    quantizers.get("log", role="activation", base="sqrt2"),
    quantizers.get("linear", role="activation"),
]


def lively(model, shape, seed=0):
    """A module with random parameters and running statistics, in evaluation."""
    g = torch.Generator().manual_seed(seed)
    model = model.double()
    with torch.no_grad():
        for name, w in model.named_parameters():
            if "scales" not in name:
                w.uniform_(-0.9, 0.9, generator=g)
    x = torch.rand(40, *shape, dtype=torch.float64, generator=g)
    for _ in range(2):
        model(x)
    return model.eval(), x


def agree(model, x):
    network = training.freeze(model, tuple(x.shape[1:]))
    expected = model(x).detach().numpy().reshape(len(x), -1)
    points = x.reshape(len(x), -1)
    assert np.allclose(network(points.numpy()).reshape(expected.shape), expected, atol=1e-11)
    exact = np.array(network.evaluate_exact(points[:2].tolist()), dtype=float)
    assert np.allclose(exact.reshape(2, -1), expected[:2], atol=1e-11)
    return network


@pytest.mark.parametrize("weights", WEIGHTS, ids=str)
def test_dense_networks_with_every_weight_quantizer(weights):
    model = nn.Sequential(
        training.Affine(2.0, -1.0),
        training.QuantLinear(2, 6, weights=weights),
        nn.BatchNorm1d(6),
        nn.ReLU(),
        training.Skip(training.QuantLinear(6, 6, weights=weights), nn.BatchNorm1d(6), nn.ReLU()),
        training.ShiftBatchNorm(6),
        training.QuantLinear(6, 1, weights=weights),
        training.Affine(1 / 3, 0.25),
    )
    network = agree(*lively(model, (2,)))
    assert len(network.layers) == 5  # the first normalisation and both Affine are folded


@pytest.mark.parametrize("activations", ACTIVATIONS, ids=str)
def test_images_with_every_activation_quantizer(activations):
    model = nn.Sequential(
        training.QuantConv2d(1, 3, 3, padding=1, weights="twn", padding_value=1),
        nn.BatchNorm2d(3),
        training.QuantActivation(activations),
        training.QuantConv2d(3, 4, 3, 2, 1, weights="bwn"),
        nn.MaxPool2d(2),
        training.ShiftBatchNorm(4),
        training.QuantActivation(activations),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(4, 3),
    )
    agree(*lively(model, (1, 4, 4)))


@pytest.mark.parametrize("fixed", [True, False])
def test_xnor_blocks_with_and_without_their_output_factor(fixed):
    inputs = quantizers.get("xnor", fixed_scale=fixed)
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3),
        nn.BatchNorm2d(3),
        training.QuantConv2d(3, 4, 3, padding=1, weights="bwn", inputs=inputs),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.BatchNorm1d(16),
        training.QuantLinear(16, 5, weights="bwn", inputs=inputs),
        nn.Linear(5, 2),
    )
    agree(*lively(model, (1, 6, 6)))


@pytest.mark.parametrize("activations", ACTIVATIONS, ids=str)
def test_steps_equal_the_quantizer_on_and_around_thresholds(activations):
    made = training.QuantActivation(activations, dtype=torch.float64)
    learned = {k: v.detach().numpy() for k, v in made.scales.items()}
    steps = as_steps(made.activations, learned)
    at = np.array([float(t) for t in steps.thresholds])
    if made.activations.name == "dorefa":
        at = at[at == 0.5]  # the others are no doubles: 3 x is rounded before the code is
    x = np.concatenate([np.nextafter(at, -9), at, np.nextafter(at, 9), np.linspace(-3, 3, 61)])
    if not getattr(made.activations, "signed", True):
        x = x[x >= 0]
    expected = made(torch.from_numpy(x)).detach().numpy()
    index = sum(
        (x >= float(t)) if closed else (x > float(t))
        for t, closed in zip(steps.thresholds, steps.closed, strict=True)
    )
    found = np.array([float(v) for v in steps.values])[index]
    assert np.allclose(found, expected, rtol=1e-14, atol=1e-15)


def test_scales_are_exact_and_codes_are_integers():
    layer = training.QuantLinear(2, 1, weights=quantizers.get("dorefa", bits=2), bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.3, -1.0]]))
    network = training.freeze(layer, (2,))
    # 2 q_2(tanh(w)/(2 tanh 1) + 1/2) - 1: codes 1 and -3 over 3, thirds and not doubles
    assert network.layers[0].codes.tolist() == [[1, -3]]
    assert network.layers[0].scales() == (Fraction(1, 3),)


def test_a_negative_or_zero_gamma_is_folded_too():
    norm = nn.BatchNorm1d(3)
    model = nn.Sequential(
        training.QuantLinear(2, 3, weights="bnn"), norm, training.QuantActivation("bnn")
    )
    model, x = lively(model, (2,))
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([-0.7, 0.0, 0.4]))
    network = agree(model, x)
    assert len(network.layers) == 1
    assert network.layers[0].scales()[1] == 0


def test_a_normalisation_that_stands_alone_becomes_a_layer():
    for shape, norm, kind in (
        ((3,), nn.BatchNorm1d(3), Dense),
        ((2, 3, 3), nn.BatchNorm2d(2), Conv2d),
    ):
        network = agree(*lively(nn.Sequential(norm), shape))
        assert [type(layer) for layer in network.layers] == [kind]


def test_what_has_no_exact_form_is_named():
    for module, said in (
        (nn.Sequential(nn.Linear(2, 2), nn.Tanh()), "Tanh"),
        (nn.Sequential(nn.BatchNorm1d(2, track_running_stats=False)), "running"),
        (nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular"), "padding_mode"),
        (nn.Sequential(nn.Conv2d(1, 1, 1), nn.MaxPool2d(2, padding=1)), "padding"),
    ):
        shape = (2,) if "Linear" in repr(module) or "1d" in repr(module) else (1, 4, 4)
        with pytest.raises(Unsupported, match=said):
            training.freeze(module, shape)
    broken = nn.Linear(2, 1)
    with torch.no_grad():
        broken.weight.fill_(float("nan"))
    with pytest.raises(InvalidInput, match="weight holds NaN"):
        training.freeze(broken, (2,))


def test_layers_of_zeros_are_said():
    layer = training.QuantLinear(2, 1, weights=quantizers.get("log", fsr=4))
    with torch.no_grad():
        layer.weight.fill_(1e-9)
    with pytest.warns(quantizers.CollapseWarning, match="shape"):
        training.freeze(layer, (2,))
