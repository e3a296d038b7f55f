"""Quantization after training: the float network as it is, folded, rounded, calibrated."""

import numpy as np
import pytest
import torch
from torch import nn

from qexpr import quantizers, targets, training
from qexpr.errors import InvalidInput

DATA = training.sample_target(targets.get("waves"), 64)
DIGITS = training.digits(image=True)
POINTS = torch.from_numpy(DATA.x)


def short(method, **changes):
    return training.get_recipe(method, **{"steps": 20, "batch": 16, **changes})


def images(method, **changes):
    recipe = training.get_recipe(method, "classes", steps=12, batch=32, **changes)
    return training.train(DIGITS, recipe, [4, 6], 1)


def test_the_network_that_is_quantized_is_the_float_one():
    real = training.train(DATA, short("float"), [6, 6], 3)
    run = training.train(DATA, short("post-training", bits=5), [6, 6], 3)
    assert np.array_equal(real.history, run.history, equal_nan=True)
    made = training.post_training(real.model, POINTS, training.PostTraining(bits=5))
    x = torch.from_numpy(DATA.test_x)
    assert torch.equal(made(x), run.model(x))
    assert run.error == (run.model(x)[:, 0] - torch.from_numpy(DATA.test_y)).abs().max().item()
    assert run.error > real.error


def test_more_bits_come_closer_and_the_float_network_stays_as_it_was():
    real = training.train(DATA, short("float", norm="ordinary"), [6, 6], 0, residual=True).model
    before = {key: value.clone() for key, value in real.state_dict().items()}
    away = []
    for bits in (2, 4, 8, 16):
        how = training.PostTraining(bits=bits)
        made = training.post_training(real, POINTS, how)
        away.append((made(POINTS) - real(POINTS)).abs().max().item())
        codes = training.freeze(made, (2,)).layers[1].codes
        assert abs(codes).max() <= 2 ** (bits - 1) - 1
    assert away[0] > away[1] > away[2] > away[3]
    assert away[3] < 1e-5
    fine = training.PostTraining(bits=12, activation_bits=8)
    made = training.post_training(real, POINTS, fine)
    assert 0 < (made(POINTS) - real(POINTS)).abs().max() < 1e-3
    found = training.freeze(made, (2,))(DATA.x)
    assert np.allclose(found, made(POINTS)[:, 0].detach().numpy(), atol=1e-9)
    assert all(torch.equal(before[key], value) for key, value in real.state_dict().items())


def test_normalisation_is_folded_before_the_weights_are_rounded():
    layer = training.QuantLinear(2, 2, weights=None, dtype=torch.float64)
    normal = nn.BatchNorm1d(2, eps=0.0).double()
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 0.4], [1.0, 0.4]]))
        layer.bias.copy_(torch.tensor([0.5, 0.5]))
        normal.weight.copy_(torch.tensor([1.0, -20.0]))
        normal.bias.copy_(torch.tensor([0.0, 3.0]))
        normal.running_mean.copy_(torch.tensor([0.0, 0.25]))
        normal.running_var.copy_(torch.tensor([1.0, 4.0]))
    model = nn.Sequential(layer, normal).eval()
    how = training.PostTraining(bits=3, per="layer", scale="min-max")
    made = training.post_training(model, POINTS, how)
    # folded: rows (1, 0.4) and (-10, -4), bias 0.5 and 3 - 10 * 0.25; codes -3 .. 3 of step 10/3
    network = training.freeze(made, (2,))
    assert network.layers[0].codes.tolist() == [[0, 0], [-3, -1]]
    assert [float(b) for b in network.layers[0].biases()] == [0.5, 0.5]
    assert float(network.layers[0].scales()[1]) == pytest.approx(10 / 3)
    each = training.post_training(model, POINTS, training.PostTraining(bits=3, scale="min-max"))
    assert training.freeze(each, (2,)).layers[0].codes.tolist() == [[3, 1], [-3, -1]]


def test_activations_are_calibrated_to_the_least_squared_error():
    model = nn.Sequential(nn.Identity(), nn.ReLU())
    x = torch.cat([torch.linspace(-1, 1, 1000), torch.tensor([4.0])]).double()[:, None]
    made = training.post_training(model, x, training.PostTraining(activation_bits=2))
    (alpha,) = made.parameters()
    assert alpha.item() in [4 * k / 64 for k in range(1, 65)]

    def loss(alpha):
        q = quantizers.get("pact", bits=2, alpha=alpha).quantize(x.numpy())
        return ((q - x.relu().numpy()) ** 2).sum()

    assert all(loss(alpha.item()) <= loss(4 * k / 64) for k in range(1, 65))
    assert alpha.item() < 2  # one point out of range does not decide
    assert torch.equal(model(x), x.relu())


def test_images_with_calibrated_activations_freeze_to_what_torch_computes():
    run = images("post-training", bits=6, activation_bits=3)
    kinds = [m.activations.bits for m in run.model if isinstance(m, training.QuantActivation)]
    assert kinds == [3, 3]
    x = DIGITS.test_x[:40]
    expected = run.model(torch.from_numpy(x)).detach().numpy()
    found = run.freeze()(x.reshape(40, -1))
    assert np.allclose(found, expected, atol=1e-9)
    first, second = (m for m in run.model if isinstance(m, training.QuantConv2d))
    assert first.weights is None  # real, as the recipe for images has it
    assert second.weights.bits == 6


def test_layers_that_see_nothing_positive_are_quantized_too():
    model = nn.Sequential(nn.Identity(), nn.ReLU())
    x = -torch.ones(5, 2, dtype=torch.float64)
    made = training.post_training(model, x, training.PostTraining(activation_bits=1))
    assert torch.equal(made(x), torch.zeros_like(x))


def test_what_is_not_allowed():
    discrete = training.dense(short("bnn"), 2, [4, 4], generator=torch.Generator())
    with pytest.raises(InvalidInput, match="real numbers"):
        training.post_training(discrete, POINTS, training.PostTraining())
    with pytest.raises(InvalidInput, match="first"):
        training.post_training(discrete, POINTS, training.PostTraining(), first="4bit")
    for options in ({"bits": 1}, {"activation_bits": 9}, {"per": "row"}, {"scale": "max"}):
        with pytest.raises(InvalidInput, match=next(iter(options))):
            training.PostTraining(**options)
