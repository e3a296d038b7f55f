"""The default recipes follow their papers: seen in the networks that they make."""

import pytest
import torch
from torch import nn

from qexpr import quantizers, training
from qexpr.training.rules import rules_of

ENDS_ARE_REAL = ("bnn", "xnor", "residual", "dorefa", "hwgq")
LATENTS_ARE_UNIFORM = ("binaryconnect", "bnn", "continuous-discrete")
EVERY = pytest.mark.parametrize("method", training.methods())


def nets(method, **changes):
    """The network on a target and the one on images."""
    draw = {"generator": torch.Generator().manual_seed(0)}
    dense, image = (training.get_recipe(method, task, **changes) for task in ("target", "classes"))
    return (
        training.dense(dense, 2, [32, 32, 32], **draw),
        training.convolutional(image, (1, 8, 8), [8, 16], 10, **draw),
    )


def weighted(model):
    kinds = training.QuantLinear | training.QuantConv2d
    return [m for m in model.modules() if isinstance(m, kinds)]


@EVERY
def test_ends_are_real_where_the_paper_or_the_task_has_them_so(method):
    real = method in ("float", "post-training")
    for model, ends in zip(nets(method), (method in ENDS_ARE_REAL, True), strict=True):
        first, *inner, last = weighted(model)
        assert [layer.weights is None for layer in inner] == [real] * len(inner)
        assert [layer.weights is None for layer in (first, last)] == [ends or real] * 2


@EVERY
def test_real_weights_start_uniform_or_by_glorot(method):
    for model in nets(method):
        for layer in weighted(model):
            bound = (6 / sum(layer.fans())) ** 0.5
            if method in LATENTS_ARE_UNIFORM and layer.weights is not None:
                bound = 1.0
            assert 0.7 * bound < layer.weight.abs().max() <= bound


@EVERY
def test_the_rules_of_the_step_are_those_of_the_paper(method):
    recipe = training.get_recipe(method)
    assert (recipe.rules, recipe.cancel) == (None, None)
    expected = {
        "binaryconnect": training.Rules(scale_updates=True, clip=1.0),
        "bnn": training.Rules(scale_updates=True, clip=1.0),
        "continuous-discrete": training.Rules(clip=1.0),
    }
    # among the others dorefa, whose parameters are neither clipped nor their gradients cancelled
    assert rules_of(recipe.weights) == expected.get(method, training.Rules())


def test_quantizers_are_those_of_the_paper():
    bwn = quantizers.get("bwn")
    assert training.get_recipe("bwn").weights == training.get_recipe("xnor").weights == bwn
    assert bwn.options == {"per": "channel", "gradient": "paper"}
    hwgq = training.get_recipe("hwgq")
    assert hwgq.weights == quantizers.get("bwn", gradient="plain")
    assert hwgq.activations.backward == "clipped"
    assert training.get_recipe("twn").weights.options["threshold"] == "exact"
    residual = training.get_recipe("residual")
    assert residual.weights.parameters["gamma"].tolist() == [1.0]
    assert residual.activations.parameters["gamma"].tolist() == pytest.approx([2 / 3, 1 / 3])
    dorefa = training.get_recipe("dorefa")
    roles = (dorefa.weights.role, dorefa.activations.role, dorefa.gradients)
    assert roles == ("weight", "activation", None)
    assert (dorefa.weights.maximum, dorefa.weights.rounding) == ("differentiated", "even")
    assert training.get_recipe("continuous-discrete").weights.w_max == 1
    for task, fixed in (("target", True), ("classes", False)):
        assert training.get_recipe("xnor", task).activations.fixed_scale is fixed


def test_normalisation_is_that_of_the_paper():
    for method in training.methods():
        dense, image = (
            [m for m in model if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
            for model in nets(method)
        )
        # normalised outputs are what hwgq's levels are for: no affine part, on images too
        assert all(m.affine is (method != "hwgq") for m in (*dense, *image))
        assert len(image) == 2
        assert len(dense) == (0 if method in ("twn", "float", "post-training") else 3)


def test_xnor_binarizes_what_the_product_reads():
    for model in nets("xnor"):
        first, *inner, last = weighted(model)
        assert (first.inputs, last.inputs) == (None, None)
        assert all(layer.inputs.name == "xnor" for layer in inner)
        assert not any(isinstance(m, training.QuantActivation) for m in model)


def test_losses_are_those_of_the_paper():
    for method in training.methods():
        expected = "square-hinge" if method == "bnn" else "cross-entropy"
        assert training.get_recipe(method, "classes").loss == expected
        assert training.get_recipe(method).loss == "p-norm"


def test_what_a_recipe_asks_for_reaches_the_inner_layers():
    gradients = quantizers.get("dorefa", role="gradient", bits=4)
    for model in nets("dorefa", gradients=gradients, cancel=0.5):
        first, *inner, last = weighted(model)
        assert [layer.gradients for layer in inner] == [gradients] * len(inner)
        assert [layer.cancel for layer in inner] == [0.5] * len(inner)
        assert (first.gradients, last.gradients) == (None, None)
        assert (first.cancel, last.cancel) == (None, None)


def test_shift_based_normalisation_has_the_momentum_of_its_paper():
    layer = training.ShiftBatchNorm(1, dtype=torch.float64)
    assert layer.eps == 1e-5
    layer(torch.tensor([[1.0], [3.0]], dtype=torch.float64))
    assert layer.running_mean.item() == 2 * 0.125
