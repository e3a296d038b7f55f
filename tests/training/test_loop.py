"""The loop: schedule and losses by hand, runs that are functions of their seed, resumption."""

import math

import numpy as np
import pytest
import torch

from qexpr import quantizers, targets, training
from qexpr.certificates import enclose
from qexpr.errors import InvalidInput
from qexpr.training import losses
from qexpr.training.schedule import stage

TARGET = targets.get("waves")
DATA = training.sample_target(TARGET, 64)


def short(method="twn", **changes):
    options = {"steps": 30, "batch": 16, "norm": "none", **changes}
    return training.get_recipe(method, **options)


def same(a, b):
    first, second = a.model.state_dict(), b.model.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


# ---- schedule and losses ----


def test_schedule_by_hand():
    recipe = short(steps=10, warm=0.4, ramp=0.2, rate=0.5, last_rate=0.2, power=32.0)
    found = [stage(recipe, k) for k in range(10)]
    assert [s.blend for s in found] == pytest.approx([0] * 4 + [1 / 3, 2 / 3] + [1] * 4)
    assert found[0].rate == found[4].rate == 0.5
    assert found[2].rate == pytest.approx(0.5 * (0.2 + 0.8 * 0.5))  # half of the cosine
    assert found[7].rate == pytest.approx(0.5 * (0.2 + 0.8 * 0.5))
    assert found[0].power == found[4].power == 2
    assert found[7].power == pytest.approx(8)  # half way from 2 to 32, geometrically


def test_losses_by_hand():
    r = torch.tensor([3.0, -4.0, 0.0, 0.0], dtype=torch.float64)
    assert losses.p_norm(r, 2).item() == pytest.approx(2.5)
    assert losses.p_norm(r, 4).item() == pytest.approx(((81 + 256) / 4) ** 0.25)
    assert losses.p_norm(1e200 * r, 64).item() == pytest.approx(4e200, rel=0.03)
    assert math.isnan(losses.p_norm(torch.tensor([1.0, math.nan]), 4).item())
    z = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    losses.p_norm(z, 8).backward()
    assert z.grad.tolist() == [0, 0, 0]
    x = r.clone().requires_grad_(True)
    losses.p_norm(x, 4).backward()
    expected = r**3 * ((81 + 256) / 4) ** (0.25 - 1) / 4
    assert torch.allclose(x.grad, expected)
    outputs = torch.tensor([[0.5, -2.0], [2.0, 0.0]], dtype=torch.float64)
    # class 0: (1 - 0.5)^2, (1 + -2 < 0); class 1: (1 + 2)^2, 1
    assert losses.square_hinge(outputs, torch.tensor([0, 1])).item() == (0.25 + 0 + 9 + 1) / 4
    entropy = (math.log(1 + math.exp(-2.5)) + math.log(1 + math.exp(2))) / 2
    assert losses.cross_entropy(outputs, torch.tensor([0, 1])).item() == pytest.approx(entropy)


def test_the_sobolev_loss_sees_slopes_and_reaches_the_weights():
    layer = training.QuantLinear(2, 1, weights=None, dtype=torch.float64)
    x = torch.rand(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x.requires_grad_(True)
    found = losses.slopes_of(x, layer(x))
    assert torch.equal(found, layer.weight.detach().expand(5, 2))
    loss = losses.p_norm((found - (layer.weight.detach() - 0.5)).reshape(-1), 2)
    assert loss.item() == pytest.approx(0.5)
    loss.backward()
    assert layer.weight.grad.abs().min() > 0


# ---- runs ----


def test_a_run_is_a_function_of_its_seed_and_leaves_no_trace():
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    noisy = short(weights=quantizers.get("binaryconnect", stochastic=True))
    first, second = (training.train(DATA, noisy, [4, 4], 5) for _ in range(2))
    assert same(first, second)
    assert np.array_equal(first.history, second.history, equal_nan=True)
    assert not same(first, training.train(DATA, noisy, [4, 4], 6))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"weights": quantizers.get("binaryconnect", stochastic=True), "norm": "shift"},
        {"optimiser": "shift-adamax", "norm": "ordinary"},
        {"optimiser": "sgd", "rate": 0.01},
    ],
)
def test_a_resumed_run_ends_with_the_same_bits(tmp_path, changes):
    recipe = short(**changes)
    whole = training.train(DATA, recipe, [4], 3)
    path = tmp_path / "run.pt"
    done = []

    def stop():
        done.append(1)
        return len(done) in (7, 19)

    options = {"checkpoint": path, "stop": stop}
    assert training.train(DATA, recipe, [4], 3, **options).steps == 7
    assert training.train(DATA, recipe, [4], 3, **options).steps == 19
    resumed = training.train(DATA, recipe, [4], 3, **options)
    assert resumed.finished
    assert len(done) == 30
    assert same(whole, resumed)
    assert np.array_equal(whole.history, resumed.history, equal_nan=True)
    assert resumed.freeze().digest() == whole.freeze().digest()
    assert [p.name for p in tmp_path.iterdir()] == ["run.pt"]


def test_a_checkpoint_belongs_to_one_run(tmp_path):
    path = tmp_path / "run.pt"
    training.train(DATA, short(steps=2), [4], 3, checkpoint=path)
    with pytest.raises(InvalidInput, match="other seed"):
        training.train(DATA, short(steps=2), [4], 4, checkpoint=path)
    with pytest.raises(InvalidInput, match="other recipe, widths"):
        training.train(DATA, short(steps=3), [5], 3, checkpoint=path)
    other = training.sample_target(TARGET, 32)
    with pytest.raises(InvalidInput, match="other data"):
        training.train(other, short(steps=2), [4], 3, checkpoint=path)
    path.write_bytes(b"nonsense")
    with pytest.raises(InvalidInput, match="no checkpoint"):
        training.train(DATA, short(steps=2), [4], 3, checkpoint=path)


def test_the_best_discrete_network_is_kept_and_its_error_is_that_of_the_exact_one():
    run = training.train(DATA, short(steps=60, rate=0.02), [8, 8], 1)
    errors = [error for _, _, error in run.history]
    assert run.error == min(errors) < errors[-1]
    found = np.abs(run.freeze()(DATA.test_x) - DATA.test_y).max()
    assert found == pytest.approx(run.error, rel=1e-9)


def latent(recipe, path):
    """The real weights at the end of a run."""
    training.train(DATA, recipe, [4, 4], 0, checkpoint=path)
    return torch.load(path, weights_only=True)["state"]["model"]


def test_the_warm_start_is_the_float_network_and_the_rest_is_not(tmp_path):
    float_ = latent(short("float", warm=1.0, ramp=0.0), tmp_path / "a")
    warm = latent(short("twn", warm=1.0, ramp=0.0), tmp_path / "b")
    discrete = latent(short("twn", warm=0.5, ramp=0.0), tmp_path / "c")
    assert all(torch.equal(float_[key], warm[key]) for key in float_)
    assert not torch.equal(float_["1.weight"], discrete["1.weight"])


def test_runs_follow_the_rules_of_their_method(tmp_path):
    free = latent(short("bnn", rate=0.5, first="quantized", rules=training.Rules()), tmp_path / "a")
    ruled = latent(short("bnn", rate=0.5, first="quantized"), tmp_path / "b")
    assert free["1.weight"].abs().max() > 1 >= ruled["1.weight"].abs().max()


def test_the_start_is_the_recipes():
    draw = {"generator": torch.Generator().manual_seed(0)}
    uniform, glorot = (
        training.dense(training.get_recipe("binaryconnect", start=start), 64, [64], **draw)
        for start in ("uniform", "glorot")
    )
    assert 0.9 < uniform[1].weight.abs().max() <= 1
    assert 0.2 < glorot[1].weight.abs().max() <= (6 / 128) ** 0.5


def test_divergence_is_said_with_step_and_advice():
    assert issubclass(training.Divergence, InvalidInput)
    with pytest.raises(training.Divergence, match=r"diverged at step \d+.*lower the rate"):
        training.train(DATA, short(rate=1e30, weights=None), [4, 4], 0, dtype="float32")
    for norm, more in (("none", True), ("ordinary", False)):
        recipe = short("float", rate=1e30, norm=norm)
        with pytest.raises(training.Divergence) as found:
            training.train(DATA, recipe, [4, 4], 0, dtype="float32")
        assert ("norm='ordinary'" in str(found.value)) is more
    bad = training.from_arrays(DATA.x, DATA.y, DATA.test_x, DATA.test_y)
    bad.x[0, 0] = np.nan  # signs would hide it: the loss of a binary network stays finite
    recipe = short("bnn", norm="none", first="quantized", warm=0.0, ramp=0.0, batch=64)
    with pytest.raises(training.Divergence, match="step 1"):
        training.train(bad, recipe, [4], 0)


@pytest.mark.parametrize("method", training.methods())
def test_every_method_trains_and_freezes_to_what_torch_predicts(method):
    run = training.train(DATA, training.get_recipe(method, steps=12, batch=32), [4, 4], 2)
    x = DATA.test_x[::97]
    expected = run.model(torch.from_numpy(x))[:, 0].detach().numpy()
    assert np.allclose(run.freeze()(x), expected, atol=1e-12)
    data = training.digits(image=method in ("twn", "xnor", "dorefa"))
    recipe = training.get_recipe(method, "classes", steps=3, batch=32)
    run = training.train(data, recipe, [4, 4], 2)
    x = data.test_x[:40]
    expected = run.model(torch.from_numpy(x)).argmax(1).numpy()
    assert (run.freeze()(x.reshape(40, -1)).argmax(1) == expected).all()


def test_a_short_run_is_certified_three_times_below_the_zero_function():
    data = training.sample_target(TARGET, 1024)
    recipe = training.get_recipe("twn", steps=300, batch=256)
    run = training.train(data, recipe, [64, 64, 64], 0, dtype="float32")
    found = enclose(run.freeze(), TARGET, "1e-1")
    assert found.upper < enclose_of_zero() / 3


def enclose_of_zero():
    low, high = TARGET.enclose_boxes((0, 0), DATA.test_x, DATA.test_x)
    return min(np.abs(low).max(), np.abs(high).max())


def test_images_are_learned():
    data = training.digits()
    recipe = training.get_recipe("twn", "classes", steps=150)
    assert training.train(data, recipe, [32, 32], 0).error < 0.1


# ---- data ----


def test_samples_of_a_target():
    data = training.sample_target(TARGET, 50, derivatives=True)
    x, y = data.x[:, 0], data.x[:, 1]
    assert data.x.shape == (50, 2)
    assert np.allclose(data.y, np.sin(3 * x) * np.cos(2 * y) / 27)
    assert np.allclose(data.slopes[:, 0], np.cos(3 * x) * np.cos(2 * y) / 9)
    assert np.allclose(data.slopes[:, 1], -2 * np.sin(3 * x) * np.sin(2 * y) / 27)
    assert not np.array_equal(data.x, training.sample_target(TARGET, 50, seed=1).x)
    grid = training.sample_target(TARGET, 26, method="grid")
    assert sorted(map(tuple, grid.x.tolist())) == [
        (i / 4, j / 4) for i in range(5) for j in range(5)
    ]
    assert training.sample_target(TARGET, 30, method="halton").x.shape == (30, 2)
    run = training.train(data, short(steps=5), [4], 0)
    assert run.finished


def test_digits_are_split_once_and_for_all():
    data = training.digits()
    assert (data.x.shape, data.test_x.shape, data.classes) == ((1149, 64), (360, 64), 10)
    assert data.valid_x.shape == (288, 64)
    rows = {row.tobytes() for part in (data.x, data.valid_x, data.test_x) for row in part}
    assert len(rows) == 1797  # no image stands on two sides
    assert 0 <= data.x.min() < data.x.max() <= 1
    assert np.bincount(data.test_y).tolist() == [44, 29, 42, 38, 38, 36, 39, 34, 18, 42]
    image = training.digits(image=True)
    assert np.array_equal(image.test_x.reshape(360, 64), data.test_x)


def test_bad_input_is_one_clear_line():
    x, y = np.zeros((4, 2)), np.zeros(4)
    for arguments, said in (
        ((x, y[:3], x, y), "shape"),
        ((x, y, x[:, :1], y), "one shape"),
        ((np.full((4, 2), np.inf), y, x, y), "finite"),
        ((x, np.full(4, -1), x, np.zeros(4, dtype=int)), "negative"),
    ):
        with pytest.raises(InvalidInput, match=said):
            training.from_arrays(*arguments)
    for call, said in (
        (lambda: training.get_recipe("twm"), "did you mean"),
        (lambda: training.get_recipe("twn", bits=3), "fixed number of bits"),
        (lambda: training.get_recipe("twn", stepz=3), "no field"),
        (lambda: training.get_recipe("twn", warm=0.9, ramp=0.2), "at most 1"),
        (lambda: training.train(DATA, short(), []), "widths"),
        (lambda: training.train(DATA, short(), [0]), "width"),
        (lambda: training.train(DATA, training.get_recipe("twn", "classes"), [4]), "classes"),
        (lambda: training.train(DATA, short(), [4], dtype="float16"), "dtype"),
        (lambda: training.sample_target(TARGET, 1), "samples"),
    ):
        with pytest.raises(InvalidInput, match=said):
            call()
