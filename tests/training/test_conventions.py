"""Layers and rules among the rest of torch: copies, types, groups, schedulers, optimisers."""

import copy
import io
import pickle
import warnings

import pytest
import torch
from torch import nn

from qexpr import quantizers, training

STOCHASTIC = quantizers.get("binaryconnect", stochastic=True)
NOISY = quantizers.get("dorefa", role="gradient", bits=4)
X = torch.rand(6, 1, 4, 4, generator=torch.Generator().manual_seed(0))


def build(seed=0):
    """Every kind of layer, learned scales, noise of weights and of gradients."""
    torch.manual_seed(seed)
    return nn.Sequential(
        training.QuantConv2d(1, 3, 3, padding=1, weights=STOCHASTIC),
        training.ShiftBatchNorm(3),
        training.QuantActivation("residual"),
        training.QuantConv2d(3, 3, 3, padding=1, weights="bwn", inputs="xnor", groups=1),
        nn.Flatten(),
        training.QuantLinear(48, 5, weights="residual", gradients=NOISY),
        training.QuantLinear(5, 2, weights="twn", inputs="hwgq"),
    )


def step(model, optimiser, seed):
    training.set_generator(model, torch.Generator().manual_seed(seed))
    optimiser.zero_grad()
    loss = (model(X.to(next(model.parameters()).dtype)) ** 2).mean()
    loss.backward()
    optimiser.step()
    return loss.item()


def same(a, b):
    first, second = a.state_dict(), b.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def by_file(model):
    buffer = io.BytesIO()
    torch.save(model, buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=False)


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m)), by_file])
def test_copies_compute_the_same_and_are_apart(clone):
    model = build()
    training.set_generator(model, torch.Generator().manual_seed(3))
    twin = clone(model)
    assert torch.equal(model(X), twin(X))  # the generator's state is copied too
    assert same(model, twin)
    with torch.no_grad():
        twin[0].weight.add_(1)
    assert not same(model, twin)


def test_training_goes_on_from_a_state_dict_with_the_same_bits():
    models = [build(0), build(1)]
    optimisers = [torch.optim.Adam(m.parameters(), lr=0.01) for m in models]
    for model, optimiser in zip(models, optimisers, strict=True):
        training.attach(optimiser, model)
    step(models[0], optimisers[0], 0)
    buffer = io.BytesIO()
    torch.save([models[0].state_dict(), optimisers[0].state_dict()], buffer)
    buffer.seek(0)
    saved = torch.load(buffer, weights_only=True)
    models[1].load_state_dict(saved[0])
    optimisers[1].load_state_dict(saved[1])
    assert step(models[0], optimisers[0], 1) == step(models[1], optimisers[1], 1)
    assert same(*models)


def test_types_follow_the_module_and_rules_outlive_the_change():
    model = build()
    optimiser = torch.optim.SGD(model.parameters(), lr=10.0)
    training.attach(optimiser, model, training.Rules(clip=0.5))
    model.double()
    assert {v.dtype for v in model.state_dict().values()} == {torch.float64}
    step(model, optimiser, 0)
    assert model(X.double()).dtype == torch.float64
    assert 0 < model[0].weight.abs().max() <= 0.5
    with pytest.raises(Exception, match=r"float32 or float64"):
        model.half()(X.half())
    with pytest.raises(Exception, match=r"takes float32 and float64"):
        training.freeze(model.eval(), (1, 4, 4))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_a_device_computes_what_the_processor_computes():
    here, there = build(), build().cuda()
    losses = []
    for model, x in ((here, X), (there, X.cuda())):
        training.set_generator(model, torch.Generator().manual_seed(7))
        loss = (model(x) ** 2).mean()
        loss.backward()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)  # noise is drawn where its generator is
    a, b = (training.freeze(m.eval(), (1, 4, 4)) for m in (here, there))
    assert a.shapes == b.shapes
    assert a.layers[0].codes.tolist() == b.layers[0].codes.tolist()


def test_groups_schedulers_and_frozen_weights():
    model = build()
    optimiser = torch.optim.SGD(
        [
            {"params": model[0].parameters(), "lr": 0.5},
            {"params": [p for m in model[1:] for p in m.parameters()]},
        ],
        lr=0.0,
    )
    model[5].weight.requires_grad_(False)
    frozen = model[5].weight.detach().clone()
    halve = torch.optim.lr_scheduler.StepLR(optimiser, 1, 0.5)  # wraps the step: hooks still run
    training.attach(optimiser, model, training.Rules(clip=1e-3))
    start = model[6].bias.detach().clone()
    step(model, optimiser, 0)
    halve.step()
    assert optimiser.param_groups[0]["lr"] == 0.25
    assert 0 < model[0].weight.abs().max() <= 1e-3
    assert torch.equal(model[6].bias, start)
    assert torch.equal(model[5].weight, frozen)


@pytest.mark.parametrize(
    "name",
    ["SGD", "Adam", "AdamW", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam", "RMSprop", "Rprop"],
)
def test_any_optimiser_follows_the_rules(name):
    model = build()
    optimiser = getattr(torch.optim, name)(model.parameters(), lr=0.3)
    training.attach(optimiser, model, training.Rules(scale_updates=True, clip=0.25))
    before = model[0].weight.detach().clone()
    step(model, optimiser, 0)
    assert not torch.equal(before, model[0].weight)
    assert model[0].weight.abs().max() <= 0.25


def test_an_optimiser_with_a_closure_follows_the_rules():
    model = build()
    optimiser = torch.optim.LBFGS(model.parameters(), lr=1.0, max_iter=2)
    training.attach(optimiser, model, training.Rules(clip=0.1))
    training.set_generator(model, torch.Generator().manual_seed(0))

    def closure():
        optimiser.zero_grad()
        loss = (model(X) ** 2).mean()
        loss.backward()
        return loss

    optimiser.step(closure)
    assert 0 < model[0].weight.abs().max() <= 0.1


def test_names_of_parameters_are_those_of_torch_and_scales_stand_beside():
    names = dict(build().named_parameters()).keys()
    assert {"0.weight", "0.bias", "1.weight", "1.bias", "2.scales.gamma"} <= names
    assert {"5.weight", "5.bias", "5.weight_scales.gamma"} <= names


def test_compiled_models_compute_the_same():
    model = nn.Sequential(
        training.QuantLinear(16, 4, weights="twn", gradients=NOISY),
        training.QuantActivation("residual"),
    )
    x = X.reshape(6, 16)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled = torch.compile(copy.deepcopy(model), backend="aot_eager")
        for m in (compiled, model):
            training.set_generator(m, torch.Generator().manual_seed(1))
        found = compiled(x)
        found.sum().backward()
    expected = model(x)
    expected.sum().backward()
    assert torch.equal(found, expected)
    for a, b in zip(compiled.parameters(), model.parameters(), strict=True):
        assert torch.allclose(a.grad, b.grad, rtol=1e-5)
