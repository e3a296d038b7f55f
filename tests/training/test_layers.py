"""Layers: which weights the product takes, whose gradient is whose, what padding contributes."""

import copy
import io

import numpy as np
import pytest
import torch
from torch import nn

from qexpr import quantizers, training
from qexpr.errors import InvalidInput

WEIGHTS = torch.tensor([[0.9, -0.2], [-0.6, 0.05]], dtype=torch.float64)


def layer(**options):
    made = training.QuantLinear(2, 2, dtype=torch.float64, **{"weights": "twn", **options})
    with torch.no_grad():
        made.weight.copy_(WEIGHTS)
        made.bias.copy_(torch.tensor([0.5, -0.25]))
    return made


def test_the_product_takes_the_discrete_weights_and_the_gradient_goes_to_the_real_ones():
    made = layer()
    # mean|w| = 0.4375, D = 0.30625, alpha = (0.9 + 0.6) / 2
    discrete = torch.tensor([[0.75, 0.0], [-0.75, 0.0]], dtype=torch.float64)
    x = torch.tensor([[2.0, 3.0]], dtype=torch.float64)
    y = made(x)
    assert torch.allclose(y, x @ discrete.T + made.bias)
    y.sum().backward()
    assert torch.equal(made.weight.grad, torch.tensor([[2.0, 3.0], [2.0, 3.0]]).double())


def test_real_weights_and_annealing_mix_as_said():
    x = torch.tensor([[1.0, -1.0]], dtype=torch.float64)
    real = layer(weights=None)(x)
    made = layer()
    discrete = made(x)
    training.set_blend(made, 0.25)
    assert torch.allclose(made(x), 0.75 * real + 0.25 * discrete)
    training.set_blend(made, 0.0)
    assert torch.allclose(made(x), real)


def test_cancelling_is_a_choice():
    x = torch.ones(1, 2, dtype=torch.float64)
    for cancel, expected in ((None, [[1.0, 1.0], [1.0, 1.0]]), (0.5, [[0.0, 1.0], [0.0, 1.0]])):
        made = layer(cancel=cancel)
        made(x).sum().backward()
        assert made.weight.grad.tolist() == expected
    x = torch.tensor([[0.3, 1.7]], dtype=torch.float64)
    for name, cancel, expected in (
        ("bnn", None, [[1.0, 0.0]]),
        ("binaryconnect", None, [[1.0, 1.0]]),
        ("binaryconnect", 1.0, [[1.0, 0.0]]),
    ):
        given = x.clone().requires_grad_(True)
        training.QuantActivation(name, cancel=cancel)(given).sum().backward()
        assert given.grad.tolist() == expected


@pytest.mark.parametrize("value", [0, 1])
def test_a_padded_tap_contributes_its_value(value):
    made = training.QuantConv2d(
        1, 1, 3, padding=1, weights="bnn", inputs="bnn", bias=False, padding_value=value
    )
    with torch.no_grad():
        made.weight.fill_(1.0)
    y = made(-torch.ones(1, 1, 2, 2))  # four signs are -1, five taps of each window are padded
    assert y.flatten().tolist() == [-4.0 + 5 * value] * 4


def test_the_output_factor_of_xnor_networks():
    made = training.QuantLinear(2, 1, weights="bwn", inputs="xnor", dtype=torch.float64)
    with torch.no_grad():
        made.weight.copy_(torch.tensor([[0.5, -1.5]]))
        made.bias.fill_(0.25)
    x = torch.tensor([[0.2, -0.6]], dtype=torch.float64)
    # alpha = 1, signs (1, -1) against (1, -1): 2; K = mean|x| = 0.4
    assert made(x).item() == pytest.approx(2 * 0.4 + 0.25)
    bare = quantizers.get("xnor", fixed_scale=True)
    made.inputs = bare
    assert made(x).item() == pytest.approx(2 + 0.25)


def test_gradients_of_the_output_are_quantized_before_both_products():
    gradients = quantizers.get("dorefa", role="gradient", bits=1, deterministic=True)
    made = layer(weights=None, gradients=gradients)
    x = torch.tensor([[1.0, 2.0]], dtype=torch.float64, requires_grad=True)
    (made(x) * torch.tensor([[0.3, -1.0]])).sum().backward()
    # one bit and m = 1: the gradients 0.3 and -1 become +1 and -1
    assert torch.allclose(made.weight.grad, torch.tensor([[1.0, 2.0], [-1.0, -2.0]]).double())
    assert torch.allclose(x.grad, (WEIGHTS[0] - WEIGHTS[1])[None])


def test_learned_scales_are_parameters_and_get_gradients():
    made = training.QuantActivation("residual", dtype=torch.float64)
    assert dict(made.named_parameters()).keys() == {"scales.gamma"}
    made(torch.linspace(-1, 1, 7, dtype=torch.float64)).sum().backward()
    assert made.scales.gamma.grad.abs().sum() > 0


def test_noise_comes_from_the_generator_and_only_in_training():
    made = training.QuantLinear(
        40, 40, weights=quantizers.get("binaryconnect", stochastic=True), dtype=torch.float64
    )
    x = torch.eye(40, dtype=torch.float64)
    training.set_generator(made, torch.Generator().manual_seed(1))
    first, second = made(x), made(x)
    assert not torch.equal(first, second)
    training.set_generator(made, torch.Generator().manual_seed(1))
    assert torch.equal(made(x), first)
    made.eval()
    assert torch.allclose(made(x) - made.bias, 2.0 * (made.weight.T >= 0).double() - 1)


def test_state_dict_round_trips_under_the_names_of_torch():
    made = training.QuantConv2d(2, 3, 3, weights="residual", padding=1)
    assert {"weight", "bias"} < set(made.state_dict())
    other = training.QuantConv2d(2, 3, 3, weights="residual", padding=1)
    buffer = io.BytesIO()
    torch.save(made.state_dict(), buffer)
    buffer.seek(0)
    other.load_state_dict(torch.load(buffer, weights_only=True))
    x = torch.rand(1, 2, 5, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(made(x), other(x))
    assert torch.equal(copy.deepcopy(made)(x), made(x))


def test_vmap_over_weights_equals_each_alone():
    made = layer()
    stack = torch.stack([WEIGHTS, -2 * WEIGHTS, WEIGHTS + 0.3])
    x = torch.rand(4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def loss(w):
        return (torch.func.functional_call(made, {"weight": w}, (x,)) ** 2).sum()

    together = torch.vmap(torch.func.grad(loss))(stack)
    alone = torch.stack([torch.func.grad(loss)(w) for w in stack])
    assert torch.allclose(together, alone, rtol=1e-12)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: training.QuantLinear(2, 2, weights="twm"), "twn"),
        (lambda: training.QuantLinear(2, 2, weights=3), "name"),
        (lambda: training.QuantLinear(2, 2, weights="hwgq"), "role"),
        (lambda: training.QuantActivation(quantizers.get("dorefa")), "role"),
        (lambda: training.QuantActivation(None), "ReLU"),
        (lambda: training.QuantLinear(2, 2, weights="twn", cancel=-1.0), "cancel"),
        (lambda: training.QuantConv2d(1, 1, 3, weights="twn", padding_value=2), "0 or 1"),
        (lambda: training.QuantConv2d(1, 1, (3, 2), weights="bwn", inputs="xnor"), "square"),
        (lambda: training.set_blend(nn.ReLU(), 2), "between 0 and 1"),
    ],
)
def test_bad_arguments_are_refused(make, said):
    with pytest.raises(InvalidInput, match=said):
        make()


def shift(x, **options):
    made = training.ShiftBatchNorm(x.shape[1], dtype=torch.float64, **options)
    return made, made(x)


def ap2(z):
    return np.sign(z) * 2.0 ** np.round(np.log2(np.abs(z)))


def test_shift_based_normalisation_of_a_batch_by_hand():
    x = torch.tensor([[0.3], [1.1], [-2.0], [0.7]], dtype=torch.float64)
    made, y = shift(x)
    c = x.numpy() - x.numpy().mean()
    istd = 1 / np.sqrt(np.mean(c * ap2(c)) + 1e-5)
    assert np.allclose(y.detach().numpy(), c * ap2(istd), rtol=1e-13)
    assert made.running_mean.item() == pytest.approx(0.125 * x.mean().item())
    assert made.running_istd.item() == pytest.approx(1 + 0.125 * (istd - 1))
    with torch.no_grad():
        made.weight.fill_(-0.7)  # AP2: -1/2
        made.bias.fill_(0.1)
    expected = -0.5 * torch.from_numpy(c) * ap2(istd) + 0.1
    assert torch.allclose(copy.deepcopy(made)(x), expected, rtol=1e-13)
    made.eval()
    expected = -0.5 * (x - made.running_mean) * ap2(made.running_istd.item()) + 0.1
    assert torch.allclose(made(x), expected)


@pytest.mark.parametrize("backward", ["real", "shift"])
def test_both_gradients_of_shift_based_normalisation(backward):
    x = torch.tensor([[0.3], [1.1], [-2.0], [0.7]], dtype=torch.float64, requires_grad=True)
    g = np.array([[1.0], [-0.5], [0.25], [2.0]])
    made, _ = shift(x.detach(), backward=backward)
    with torch.no_grad():
        made.weight.fill_(0.7)
    made(x).backward(torch.from_numpy(g))
    c = x.detach().numpy() - x.detach().numpy().mean()
    if backward == "real":
        istd, gamma = 1 / np.sqrt(np.mean(c * c) + 1e-5), 0.7
    else:
        istd, gamma = ap2(1 / np.sqrt(np.mean(c * ap2(c)) + 1e-5)), 0.5
        c = ap2(c)
    expected = gamma * istd * (g - g.mean() - c * istd**2 * np.mean(g * c))
    assert np.allclose(x.grad.numpy(), expected, rtol=1e-12)
    assert made.weight.grad.item() == pytest.approx(np.sum(g * c * istd))
    assert made.bias.grad.item() == pytest.approx(g.sum())
