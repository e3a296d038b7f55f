"""Several levels, rule by rule: each test fails when its rule is left out."""

import itertools

import pytest
import torch
from torch import nn

from qexpr import quantizers, targets, training
from qexpr.errors import InvalidInput


def dense(weight, bias=None, **options):
    weight = torch.tensor(weight, dtype=torch.float64)
    made = training.QuantLinear(
        *weight.shape[::-1], bias is not None, dtype=weight.dtype, **options
    )
    with torch.no_grad():
        made.weight.copy_(weight)
        if bias is not None:
            made.bias.copy_(torch.tensor(bias))
    return made


def doubles(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


# ---- residual (Ghasemzadeh et al. 2017) ----


def test_levels_are_trained_by_backpropagation():
    act = training.QuantActivation(quantizers.get("residual", levels=2)).double()
    assert act.scales.gamma.tolist() == pytest.approx([2 / 3, 1 / 3])
    x = torch.tensor([0.9, -0.2], dtype=torch.float64, requires_grad=True)
    y = act(x)
    # 0.9: +2/3, rest 0.2333: +1/3. -0.2: -2/3, rest 0.4667: +1/3
    assert torch.allclose(y, torch.tensor([1.0, -1 / 3]).double())
    y.sum().backward()
    g1, g2 = 2 / 3, 1 / 3
    assert torch.allclose(x.grad, torch.full((2,), g1 + g2 * (1 - g1)).double())
    # d/dg1 = s1 (1 - g2) each, d/dg2 = s2
    assert torch.allclose(act.scales.gamma.grad, torch.tensor([0.0, 2.0]).double())


def test_the_scale_of_residual_weights_is_trained_and_starts_at_one():
    layer = dense([[0.3, -0.1]], weights="residual")
    assert layer.weight_scales.gamma.tolist() == [1.0]
    layer(torch.tensor([[2.0, 5.0]]).double()).sum().backward()
    assert layer.weight_scales.gamma.grad.tolist() == [2.0 - 5.0]


def test_gradual_binarization_ends_in_signs():
    """|gamma| tanh(w/T), T falling from its start to 0 over the annealing; no mixture."""
    gradual = quantizers.get("residual", role="weight", temperature=0.4)
    layer = dense([[0.3, -0.1]], weights=gradual)
    for share in (0.25, 0.75):
        training.set_blend(layer, share)
        t = 0.4 * (1 - share)
        expected = torch.tanh(layer.weight.detach() / t)
        assert torch.allclose(layer.used_weight(), expected)
        layer.weight.grad = None
        layer(torch.ones(1, 2).double()).sum().backward()
        assert torch.allclose(layer.weight.grad, (1 - expected**2) / t)
        with pytest.raises(InvalidInput, match="end the annealing"):
            training.freeze(layer, (2,))
    training.set_blend(layer, 1.0)
    assert layer.used_weight().tolist() == [[1.0, -1.0]]
    assert training.freeze(layer, (2,)).layers[0].codes.tolist() == [[1, -1]]
    recipe = training.get_recipe("residual", weights=gradual, steps=20, batch=16)
    data = training.sample_target(targets.get("waves"), 32)
    run = training.train(data, recipe, [4, 4, 4], 0)
    assert set(run.freeze().layers[1].codes.ravel().tolist()) == {-1, 1}


# ---- dorefa (Zhou et al. 2016) ----


def quantized_rows(g, bits):
    """DoReFa's gradient quantizer without noise, one maximum a sample."""
    top = 2**bits - 1
    out = torch.empty_like(g)
    for row, given in zip(out, g, strict=True):
        m = given.abs().max()
        row.copy_(2 * m * (torch.round(top * (given / (2 * m) + 0.5)) / top - 0.5))
    return out


@pytest.mark.parametrize("image", [False, True])
def test_gradients_are_quantized_on_the_output_before_both_products(image):
    gradients = quantizers.get("dorefa", role="gradient", bits=3, deterministic=True)
    if image:
        made = training.QuantConv2d(2, 3, 3, padding=1, weights="twn", gradients=gradients)
        x, plain = doubles(4, 2, 5, 5), training.QuantConv2d(2, 3, 3, padding=1, weights="twn")
    else:
        made = training.QuantLinear(5, 3, weights="twn", gradients=gradients)
        x, plain = doubles(4, 5), training.QuantLinear(5, 3, weights="twn")
    made, plain = made.double(), plain.double()
    plain.load_state_dict(made.state_dict())
    x, x2 = x.clone().requires_grad_(True), x.clone().requires_grad_(True)
    y = made(x)
    g = doubles(*y.shape, seed=2)
    y.backward(g)
    plain(x2).backward(quantized_rows(g, 3))
    assert torch.allclose(x.grad, x2.grad, rtol=1e-12)
    assert torch.allclose(made.weight.grad, plain.weight.grad, rtol=1e-12)
    assert not torch.allclose(made.weight.grad, 1.01 * plain.weight.grad)
    assert (made(x) == plain(x)).all()


def test_noise_makes_the_gradients_unbiased_and_its_absence_does_not():
    x = torch.ones(1, 1, dtype=torch.float64)
    g = torch.tensor([[1.0, 0.21, -0.4]], dtype=torch.float64)

    def mean(draws, **options):
        gradients = quantizers.get("dorefa", role="gradient", bits=2, **options)
        layer = dense([[0.5], [0.5], [0.5]], weights=None, gradients=gradients)
        training.set_generator(layer, torch.Generator().manual_seed(0))
        layer(x.expand(draws, 1)).backward(g.expand(draws, 3))
        return layer.weight.grad[:, 0] / draws

    assert torch.allclose(mean(20000), g[0], atol=0.02)
    assert torch.allclose(mean(1, deterministic=True), torch.tensor([1.0, 1 / 3, -1 / 3]).double())


def test_bits_of_weights_activations_and_gradients_are_chosen_apart():
    gradients = quantizers.get("dorefa", role="gradient", bits=6)
    activations = quantizers.get("dorefa", role="activation", bits=4)
    recipe = training.get_recipe("dorefa", bits=1, activations=activations, gradients=gradients)
    model = training.dense(recipe, 2, [4, 4, 4], generator=torch.Generator())
    layers = [m for m in model if isinstance(m, training.QuantLinear)]
    # the first and the last layer are real, and their gradients too
    assert [m.weights and m.weights.bits for m in layers] == [None, 1, 1, None]
    assert [m.gradients and m.gradients.bits for m in layers] == [None, 6, 6, None]
    assert {m.activations.bits for m in model if isinstance(m, training.QuantActivation)} == {4}
    assert training.rules_of(recipe.weights) == training.Rules()  # no clipping
    assert recipe.cancel is None  # no cancelling
    with pytest.raises(InvalidInput, match="32 means off"):
        quantizers.get("dorefa", bits=32)


# ---- hwgq (Cai et al. 2017) ----


def test_the_three_backward_forms_reach_the_layer():
    x = torch.tensor([-1.0, 0.0, 0.5, 1.6, 3.0], dtype=torch.float64)
    top = 3 * 0.5388119234
    for form, last in (("vanilla", 1.0), ("clipped", 0.0), ("log-tailed", 1 / (3.0 - top + 1))):
        act = training.QuantActivation(quantizers.get("hwgq", backward=form))
        given = x.clone().requires_grad_(True)
        act(given).sum().backward()
        assert given.grad.tolist() == pytest.approx([0, 0, 1, 1, last], rel=1e-9)


def test_half_waves_read_a_normalisation_without_affine_part():
    """Their levels are optimal for N(0, 1) only."""
    for method, affine in (("hwgq", False), ("dorefa", True)):
        recipe = training.get_recipe(method)
        image = training.get_recipe(method, "classes")
        for model in (
            training.dense(recipe, 2, [3, 3], generator=torch.Generator()),
            training.convolutional(image, (1, 8, 8), [2, 2], 3, generator=torch.Generator()),
        ):
            norms = [m for m in model if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
            assert norms
            assert all(norm.affine == affine for norm in norms)
    assert training.get_recipe("hwgq").weights.options["gradient"] == "plain"


# ---- log (Miyashita et al. 2016) ----


def test_logarithmic_gradients_of_five_bits_in_base_sqrt_2():
    gradients = quantizers.get("log", role="gradient", bits=5, base="sqrt2")
    layer = dense([[2.0, 0.0], [0.0, 2.0], [1.0, 1.0]], weights=None, gradients=gradients)
    x = torch.tensor([[1.0, 3.0]], dtype=torch.float64, requires_grad=True)
    # window: sqrt(2)^e, -32 < e <= -1; round(2 log2 .3) = -3, above full scale: -1, too small: 0
    layer(x).backward(torch.tensor([[0.3, -5.0, 1e-6]]).double())
    sent = torch.tensor([2**-1.5, -(2**-0.5), 0.0], dtype=torch.float64)
    assert torch.allclose(layer.weight.grad, sent[:, None] * x.detach(), rtol=1e-12)
    assert torch.allclose(x.grad, (2 * sent[:2])[None], rtol=1e-12)


# ---- around them ----


def test_ends_are_real_or_of_eight_bits_on_request():
    for kind, bits in (("real", None), ("8bit", 8), ("quantized", 1)):
        recipe = training.get_recipe("bnn", first=kind, last=kind, norm="none")
        for model in (
            training.dense(recipe, 2, [3, 3], generator=torch.Generator()),
            training.convolutional(recipe, (1, 4, 4), [2, 2], 3, generator=torch.Generator()),
        ):
            found = [m.weights for m in model if hasattr(m, "weights")]
            assert [q and q.bits for q in found] == [bits, 1, bits]
            assert bits != 8 or found[0].options["per"] == "channel"


@pytest.mark.parametrize("method", training.methods())
def test_normalisation_comes_before_what_binarizes(method):
    """A clip before the batch norm would cancel gradients at the wrong place."""
    recipe = training.get_recipe(method, norm="ordinary")
    image = training.get_recipe(method, "classes")
    for model in (
        training.dense(recipe, 2, [3, 3], generator=torch.Generator()),
        training.convolutional(image, (1, 8, 8), [2, 2], 3, generator=torch.Generator()),
    ):
        skipped = training.Affine | nn.Flatten | nn.MaxPool2d
        parts = [m for m in model if not isinstance(m, skipped)]
        for before, part in itertools.pairwise(parts):
            binary = isinstance(part, training.QuantActivation | nn.ReLU)
            if binary or getattr(part, "inputs", None) is not None:
                assert isinstance(before, nn.BatchNorm1d | nn.BatchNorm2d)


def test_a_scale_for_the_layer_or_for_each_channel():
    weight = [[1.0, 1.0], [4.0, 4.0]]
    one = dense(weight, weights=quantizers.get("twn"))
    each = dense(weight, weights=quantizers.get("twn", per="channel"))
    assert one.used_weight().tolist() == [[0.0, 0.0], [4.0, 4.0]]  # D = 0.7 * 2.5
    assert each.used_weight().tolist() == weight
    assert training.collapsed(one) == {"": (1, 2)}
    assert training.collapsed(each) == {}
