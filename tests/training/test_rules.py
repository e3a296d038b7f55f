"""Update rules against steps computed by hand; a rule left out gives another step."""

import math

import pytest
import torch
from torch import nn

from qexpr import quantizers, training
from qexpr.errors import InvalidInput
from qexpr.training.rules import glorot

START = [[0.5, -0.9], [0.2, 0.99]]
GRADIENT = [[1.0, 2.0], [-1.0, -0.5]]


def stepped(optimiser, rules=None, weights="twn", **options):
    """The weights after one step, the gradients being given."""
    layer = training.QuantLinear(2, 2, weights=weights, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(START, dtype=torch.float64))
        layer.bias.fill_(0.25)
    made = optimiser(layer.parameters(), **options)
    undo = training.attach(made, layer, rules)
    layer.weight.grad = torch.tensor(GRADIENT, dtype=torch.float64)
    layer.bias.grad = torch.ones(2, dtype=torch.float64)
    made.step()
    undo()
    return layer.weight.detach(), layer.bias.detach(), layer


def near(found, expected):
    assert torch.allclose(found, torch.tensor(expected, dtype=torch.float64), rtol=1e-12)


def test_without_rules_the_step_is_the_optimisers():
    weight, bias, _ = stepped(torch.optim.SGD, lr=0.1)
    near(weight, [[0.4, -1.1], [0.3, 1.04]])
    near(bias, [0.15, 0.15])


def test_weights_are_clipped_after_the_step_and_biases_are_not():
    weight, bias, _ = stepped(torch.optim.SGD, training.Rules(clip=1.0), lr=0.1)
    near(weight, [[0.4, -1.0], [0.3, 1.0]])
    near(bias, [0.15, 0.15])
    wide = quantizers.get("continuous-discrete", w_max=0.35)
    weight, _, _ = stepped(torch.optim.SGD, weights=wide, lr=0.1)
    near(weight, [[0.35, -0.35], [0.3, 0.35]])


def test_updates_are_scaled_by_glorots_coefficient():
    # fans 2 and 2: g^2 = 1.5 / 4, 1/g^2 = 8/3
    rules = training.Rules(scale_updates=True)
    weight, bias, layer = stepped(torch.optim.SGD, rules, lr=0.03)
    assert glorot(layer) == math.sqrt(1.5 / 4)
    near(weight, [[0.5 - 0.08, -0.9 - 0.16], [0.2 + 0.08, 0.99 + 0.04]])
    near(bias, [0.22, 0.22])
    # Adam's first step is lr * sign(gradient), up to its eps
    weight, _, _ = stepped(torch.optim.Adam, rules, lr=0.01, eps=0.0)
    move = 0.01 / math.sqrt(1.5 / 4)
    near(weight, [[0.5 - move, -0.9 - move], [0.2 + move, 0.99 + move]])


def test_the_clip_comes_after_the_scaled_update():
    for name in ("binaryconnect", "bnn"):
        weight, _, _ = stepped(torch.optim.SGD, weights=name, lr=0.03)
        near(weight, [[0.42, -1.0], [0.28, 1.0]])


def test_convolutions_count_their_taps():
    layer = training.QuantConv2d(3, 5, (2, 4), weights="bnn")
    assert glorot(layer) == math.sqrt(1.5 / (3 * 8 + 5 * 8))


def test_means_over_input_channels_are_subtracted_before_the_clip():
    weight, _, _ = stepped(torch.optim.SGD, training.Rules(centre=True), lr=0.1)
    near(weight, [[0.75, -0.75], [-0.37, 0.37]])
    rules = training.Rules(centre=True, clip=0.5)
    near(stepped(torch.optim.SGD, rules, lr=0.1)[0], [[0.5, -0.5], [-0.37, 0.37]])
    layer = training.QuantConv2d(2, 1, (1, 2), weights="bwn", bias=False)
    made = torch.optim.SGD(layer.parameters(), lr=0.0)
    training.attach(made, layer, training.Rules(centre=True))
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[[[1.0, 5.0]], [[3.0, -1.0]]]]))
    layer.weight.grad = torch.zeros_like(layer.weight)
    made.step()
    assert layer.weight.flatten().tolist() == [-1.0, 3.0, 1.0, -3.0]


def test_rules_hold_in_the_optimisers_step_only_and_can_be_undone():
    layer = training.QuantLinear(2, 2, weights="bnn", dtype=torch.float64)
    made = torch.optim.SGD(layer.parameters(), lr=0.1)
    undo = training.attach(made, layer)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[3.0, -2.0], [0.1, 0.2]]))
    layer.train()
    layer(torch.rand(3, 2, dtype=torch.float64))
    assert layer.weight.abs().max() == 3.0
    undo()
    layer.weight.grad = torch.zeros_like(layer.weight)
    made.step()
    assert layer.weight.abs().max() == 3.0


def test_real_layers_have_no_rules():
    model = nn.Sequential(training.QuantLinear(2, 2, weights=None), nn.Linear(2, 2))
    made = torch.optim.SGD(model.parameters(), lr=1.0)
    training.attach(made, model, training.Rules(clip=1e-3))
    for w in model.parameters():
        w.grad = torch.zeros_like(w)
    before = [w.detach().clone() for w in model.parameters()]
    made.step()
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def test_bad_rules_are_refused():
    layer = training.QuantLinear(2, 2, weights="bnn")
    other = torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1)
    with pytest.raises(InvalidInput, match="all parameters"):
        training.attach(other, layer)
    with pytest.raises(InvalidInput, match="clip"):
        training.Rules(clip=0)
    with pytest.raises(InvalidInput, match="Rules"):
        training.attach(other, layer, "clip")


def test_shift_based_adamax_by_hand():
    w = nn.Parameter(torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64))
    made = training.ShiftAdaMax([w])
    m, v, expected = torch.zeros(3).double(), torch.zeros(3).double(), w.detach().clone()
    for t, gradient in enumerate(([0.3, -5.0, 0.0], [0.1, 3.0, 0.0], [-0.7, 1e-3, 0.0]), 1):
        g = torch.tensor(gradient, dtype=torch.float64)
        w.grad = g.clone()
        made.step()
        m = (1 - 2**-3) * m + 2**-3 * g
        v = torch.maximum((1 - 2**-10) * v, g.abs())
        size = 2.0 ** round(math.log2(2**-10 / (1 - (1 - 2**-3) ** t)))
        shifted = torch.where(v > 0, 2.0 ** torch.round(torch.log2(v)), torch.zeros_like(v))
        expected = expected - size * m / (shifted + 2**-27)
        assert torch.allclose(w.detach(), expected, rtol=1e-13)
    assert w[2] == 0.5
    first = 2.0**-10 / (1 - (1 - 2**-3))
    assert first == 2.0**-7  # the first step is a shift as it stands


def test_shift_based_adamax_is_an_optimiser_of_torch():
    w = nn.Parameter(torch.tensor([1.0, -2.0]))
    made = training.ShiftAdaMax([{"params": [w], "lr": 2.0**-6}])
    halve = torch.optim.lr_scheduler.StepLR(made, 1, 0.5)
    for _ in range(3):
        made.zero_grad()
        (w**2).sum().backward()
        made.step()
        halve.step()
    assert made.param_groups[0]["lr"] == 2.0**-9
    again = training.ShiftAdaMax([w])
    again.load_state_dict(made.state_dict())
    assert torch.equal(again.state[w]["v"], made.state[w]["v"])
    with pytest.raises(InvalidInput, match="betas"):
        training.ShiftAdaMax([w], betas=(1.0, 0.5))
