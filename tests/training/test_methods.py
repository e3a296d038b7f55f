"""Every method: resumed to the same bits, with slopes, and with the bits that it leaves open."""

import math

import pytest
import torch

from qexpr import targets, training
from qexpr.errors import InvalidInput

TARGET = targets.get("waves")
DATA = training.sample_target(TARGET, 64)
SLOPED = training.sample_target(TARGET, 64, derivatives=True)


def short(method, **changes):
    return training.get_recipe(method, **{"steps": 8, "batch": 16, **changes})


@pytest.mark.parametrize("method", training.methods())
def test_a_resumed_run_ends_with_the_same_bits(method, tmp_path):
    recipe = short(method, warm=0.25, ramp=0.25)
    asked = []

    def stop():
        asked.append(1)
        return len(asked) in (3, 6)  # within the annealing, and after

    path = tmp_path / "run"
    runs = [training.train(DATA, recipe, [4, 4], 1, checkpoint=path, stop=stop) for _ in range(3)]
    assert [run.steps for run in runs] == [3, 6, 8]
    whole = training.train(DATA, recipe, [4, 4], 1)
    assert runs[-1].freeze().digest() == whole.freeze().digest()
    assert runs[-1].history[1:] == whole.history[1:]


@pytest.mark.parametrize("method", training.methods())
def test_slopes_are_learned_from(method):
    recipe = short(method)
    plain, sloped = (training.train(data, recipe, [4, 4], 1) for data in (DATA, SLOPED))
    losses = [[loss for _, loss, _ in run.history[1:]] for run in (plain, sloped)]
    assert all(math.isfinite(b) for _, b in zip(*losses, strict=True))
    assert losses[1][0] > losses[0][0]  # the slopes' error comes on top


def test_slopes_make_the_float_network_steeper_where_it_has_to_be():
    recipe = short("float", steps=150, batch=64, rate=0.01)
    x = torch.from_numpy(SLOPED.x).requires_grad_(True)
    wrong = []
    for data in (DATA, SLOPED):
        model = training.train(data, recipe, [16, 16], 0).model
        (found,) = torch.autograd.grad(model(x).sum(), x)
        wrong.append((found - torch.from_numpy(SLOPED.slopes)).square().mean().item())
    assert wrong[1] < wrong[0]


def test_bits_are_those_asked_for():
    recipe = training.get_recipe("dorefa", bits=3, activation_bits=4, gradient_bits=6)
    assert (recipe.weights.bits, recipe.activations.bits, recipe.gradients.bits) == (3, 4, 6)
    assert recipe.gradients.role == "gradient"
    recipe = training.get_recipe("log", bits=3, activation_bits=5, gradient_bits=5)
    assert (recipe.weights.bits, recipe.activations.bits, recipe.gradients.bits) == (3, 5, 5)
    assert recipe.gradients.base == "sqrt2"  # the paper's for training
    assert len(training.get_recipe("residual", activation_bits=3).activations.codes) == 8
    assert len(training.get_recipe("hwgq", activation_bits=3).activations.codes) == 8
    after = training.get_recipe("post-training", bits=5, activation_bits=3).after
    assert (after.bits, after.activation_bits) == (5, 3)
    for method, bits in (("dorefa", 4), ("log", 5)):
        options = {"steps": 3, "warm": 0.0, "ramp": 0.0}
        run = training.train(DATA, short(method, gradient_bits=bits, **options), [4, 4], 0)
        exact = training.train(DATA, short(method, **options), [4, 4], 0)
        assert run.history[-1] != exact.history[-1]  # the first step of Adam sees signs only


def test_rates_are_those_of_the_optimiser():
    assert training.get_recipe("bnn").rate == 0.03
    assert training.get_recipe("bnn", "classes").rate == 0.003
    assert training.get_recipe("bnn", optimiser="shift-adamax").rate == 2**-10
    assert training.get_recipe("bnn", optimiser="shift-adamax", rate=0.5).rate == 0.5


@pytest.mark.parametrize(
    ("method", "given", "said"),
    [
        ("twn", {"bits": 2}, "fixed number of bits"),
        ("float", {"bits": 2}, "fixed number of bits"),
        ("twn", {"activation_bits": 2}, "real activations"),
        ("bnn", {"activation_bits": 2}, "binary activations"),
        ("xnor", {"gradient_bits": 2}, "only dorefa and log"),
        ("dorefa", {"bits": 0}, "bits"),
        ("residual", {"activation_bits": 17}, "levels"),
        ("post-training", {"bits": 1}, "bits"),
    ],
)
def test_bits_that_a_method_has_not_are_refused(method, given, said):
    with pytest.raises(InvalidInput, match=said):
        training.get_recipe(method, **given)


def test_a_network_without_a_discrete_layer_is_refused():
    data = training.digits()
    for method in ("twn", "bnn", "post-training"):
        recipe = training.get_recipe(method, "classes", steps=1)
        with pytest.raises(InvalidInput, match="no weight would be quantized"):
            training.train(data, recipe, [8], 0)
    recipe = training.get_recipe("twn", "classes", steps=1, first="quantized")
    assert training.train(data, recipe, [8], 0).finished
