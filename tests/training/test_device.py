"""Training on every device there is: what is drawn is the same, what is computed agrees.

Quantized activations jump. Where a sum lies on a threshold but for its rounding, another device,
or a stack, may see the other value, and from that step on the two are different runs. So for them
only what comes before the first step must agree over whole runs, and a rerun must give the same
digest; their gradients are compared where no sum is near a threshold.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch

from qexpr import quantizers, targets, training
from qexpr.errors import InvalidInput, Unsupported
from qexpr.training.fleet import Alone, Stack
from qexpr.training.members import begin

TARGET = targets.get("waves")
WHOLE = training.sample_target(TARGET, 64)
DATA = replace(WHOLE, test_x=WHOLE.test_x[::99], test_y=WHOLE.test_y[::99])
CUDA = pytest.param(
    "cuda",
    marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here"),
)
DEVICES = ["cpu", CUDA]


def short(method, **changes):
    return training.get_recipe(method, **{"steps": 8, "batch": 16, **changes})


def noisy():
    return {
        "twn": {"weights": quantizers.get("binaryconnect", stochastic=True), "norm": "shift"},
        "dorefa": {"gradients": quantizers.get("dorefa", role="gradient", bits=4)},
        "bnn": {"optimiser": "shift-adamax"},
    }


def options():
    return [*((m, {}) for m in training.methods()), *noisy().items()]


def assert_agree(a, b, same_sums):
    """Equal histories; of runs with steps and other roundings only the first row is asked for."""
    rows = None if same_sums or a.recipe.activations is None else 1
    for x, y in zip(a.history[:rows], b.history[:rows], strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("method", "changes"), options())
def test_a_run_is_the_same_on_every_device(device, method, changes):
    recipe = short(method, **changes)
    there = training.train(DATA, recipe, [4, 4], 1, device=device)
    here = training.train(DATA, recipe, [4, 4], 1)
    assert all(value.device.type == "cpu" for value in there.model.state_dict().values())
    assert len(there.history) == len(here.history)
    assert_agree(there, here, device == "cpu")
    if device == "cpu" or recipe.activations is None:
        x = DATA.test_x[::7]
        assert np.allclose(there.freeze()(x), here.freeze()(x), atol=1e-6)
    again = training.train(DATA, recipe, [4, 4], 1, device=device)
    assert again.freeze().digest() == there.freeze().digest()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("method", "changes"), options())
def test_ensembles_too(device, method, changes):
    recipe = short(method, **changes)
    many = training.train_ensemble(DATA, recipe, [4, 4], [1, 2], device=device)
    again = training.train_ensemble(DATA, recipe, [4, 4], [1, 2], device=device)
    for run, same in zip(many, again, strict=True):
        alone = training.train(DATA, recipe, [4, 4], run.seed)
        assert len(run.history) == len(alone.history)
        assert_agree(run, alone, False)
        assert run.freeze().digest() == same.freeze().digest()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("method", "changes"), options())
def test_gradients_of_a_stack_are_those_of_its_members(device, method, changes):
    """Steps included, of seeds whose sums lie on no threshold (of 1, hwgq has one that does)."""
    recipe, seeds = short(method, **changes), (2, 3)
    x = torch.rand(2, 16, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    begun = [begin(DATA, recipe, [4, 4], seed, False, torch.float64) for seed in seeds]
    stack = Stack([m for m, _ in begun], [model for _, model in begun], torch.device(device))
    stack.start([0.1, 0.1])
    outputs = stack.forward([0, 1], x.to(device), 1.0)
    outputs.square().sum().backward()
    for k, seed in enumerate(seeds):
        member, model = begin(DATA, recipe, [4, 4], seed, False, torch.float64)
        alone = Alone(member, model, torch.device("cpu"))
        alone.start([0.1])
        (expected,) = alone.forward([0], x[k : k + 1], 1.0)
        expected.square().sum().backward()
        torch.testing.assert_close(outputs[k].cpu(), expected, rtol=1e-9, atol=1e-9)
        gradients = {key: w.grad for key, w in model.named_parameters() if w.grad is not None}
        assert sum(float(g.abs().max()) > 0 for g in gradients.values()) >= 3
        for key, gradient in gradients.items():
            found = stack.parts[0][key].grad[k].cpu()
            torch.testing.assert_close(found, gradient, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("device", DEVICES)
def test_images_and_checkpoints(device, tmp_path):
    data = training.digits(image=True)
    recipe = training.get_recipe("dorefa", "classes", steps=4, batch=32)
    whole = training.train(data, recipe, [4, 4], 0, device=device)
    path = tmp_path / "run.pt"
    done = []

    def stop():
        done.append(1)
        return len(done) == 2

    training.train(data, recipe, [4, 4], 0, device=device, checkpoint=path, stop=stop)
    resumed = training.train(data, recipe, [4, 4], 0, device=device, checkpoint=path)
    assert resumed.freeze().digest() == whole.freeze().digest()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", quantizers.names())
def test_quantizers_are_the_same_on_every_device(device, name):
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(6, 40, dtype=torch.float64, generator=generator)
    upstream = torch.randn(6, 40, dtype=torch.float64, generator=generator)
    q = quantizers.get(name)
    results = []
    for place in ("cpu", device):
        given = x.detach().clone().to(place).requires_grad_(True)
        y = q.torch()(given)
        y.backward(upstream.to(place))
        assert y.device.type == torch.device(place).type
        results.append((y.detach().cpu(), given.grad.cpu()))
    for here, there in zip(*results, strict=True):
        torch.testing.assert_close(here, there, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("device", DEVICES)
def test_noise_of_the_cpu_is_the_same_everywhere(device):
    q = quantizers.get("binaryconnect", stochastic=True)
    x = torch.linspace(-1, 1, 1000, dtype=torch.float64)
    here, there = (
        q.torch()(x.to(place), generator=torch.Generator().manual_seed(5)).cpu()
        for place in ("cpu", device)
    )
    assert torch.equal(here, there)


def test_a_device_that_is_not_there_is_said(monkeypatch):
    for given in ("gpu", "meta", 3.5, ""):
        with pytest.raises(InvalidInput, match="device must be"):
            training.train(DATA, short("twn"), [4], device=given)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(Unsupported, match="no CUDA device"):
        training.train(DATA, short("twn"), [4], device="cuda")
    with pytest.raises(Unsupported, match="no CUDA device"):
        training.train_ensemble(DATA, short("twn"), [4], [0, 1], device="cuda:0")
