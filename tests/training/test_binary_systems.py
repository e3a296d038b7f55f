"""Binary methods, rule by rule: each test fails when its rule is left out."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn

from qexpr import quantizers, training
from qexpr.errors import InvalidInput, Unsupported
from qexpr.networks import mean_of

STOCHASTIC = quantizers.get("binaryconnect", stochastic=True)


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


# ---- continuous-discrete (Fiesler et al. 1990) ----


def test_real_weights_gather_updates_until_a_level_changes():
    """w = 0.4 reads as 0; each step adds 0.1 * 2 * (y - 0): at 0.4 + 2 * 0.1 >= 1/2 it reads 1."""
    layer = dense([[0.4]], weights="continuous-discrete")  # -1, 0, 1: ties at +-1/2
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.05)
    training.attach(optimiser, layer)
    x, target = torch.ones(1, 1).double(), 1.0
    seen = []
    for _ in range(5):
        optimiser.zero_grad()
        y = layer(x)
        seen.append((layer.weight.item(), y.item()))
        ((y - target) ** 2).sum().backward()
        optimiser.step()
    # gradient 2 (0 - 1) = -2: the weight moves by 0.1 while it reads as 0; then the loss is 0
    expected = [(0.4, 0), (0.5, 1), (0.5, 1), (0.5, 1), (0.5, 1)]
    assert [(pytest.approx(a), b) for a, b in expected] == seen


def test_even_numbers_of_levels_have_no_zero_and_only_levels_are_saved():
    layer = dense([[0.0, 0.01, -0.8]], weights=quantizers.get("continuous-discrete", levels=4))
    network = training.freeze(layer, (3,))
    values = [network.layers[0].scales()[0] * c for c in network.layers[0].codes[0].tolist()]
    assert values == [Fraction(1, 3), Fraction(1, 3), -1]


# ---- binaryconnect (Courbariaux et al. 2015) ----


def test_stochastic_weights_draw_in_training_and_are_signs_in_evaluation():
    layer = dense([[0.5, -1.5, 0.0, 0.9]], weights=STOCHASTIC)
    training.set_generator(layer, torch.Generator().manual_seed(0))
    draws = torch.cat([layer.used_weight() for _ in range(4000)]).detach()
    assert set(draws.unique().tolist()) == {-1.0, 1.0}
    share = (draws > 0).double().mean(0)
    assert torch.allclose(share, torch.tensor([0.75, 0, 0.5, 0.95]).double(), atol=0.03)
    layer.eval()
    assert layer.used_weight().tolist() == [[1, -1, 1, 1]]


def test_draws_are_exported_alone_and_as_the_mean_of_an_ensemble():
    model = nn.Sequential(
        dense([[0.1, -0.2], [0.3, 0.0]], [0.5, 0.25], weights=STOCHASTIC),
        nn.BatchNorm1d(2, dtype=torch.float64),
        training.QuantActivation("bnn"),
        dense([[0.2, -0.1]], [0.0], weights=STOCHASTIC),
    ).eval()
    signs = training.freeze(model, (2,))
    assert signs.layers[0].codes.tolist() == [[1, -1], [1, 1]]
    rng = np.random.default_rng(4)
    alone = [training.freeze(model, (2,), draw=rng) for _ in range(5)]
    assert len({str(net.layers[0].codes.tolist()) for net in alone}) > 1
    together = training.freeze_ensemble(model, (2,), 5, np.random.default_rng(4))
    points = [(Fraction(1, 3), Fraction(-2, 7)), (Fraction(5), Fraction(1, 2))]
    parts = [net.evaluate_exact(points) for net in alone]
    assert together.evaluate_exact(points) == [sum(p) / 5 for p in zip(*parts, strict=True)]
    assert all(
        (abs(layer.codes) == 1).all() for layer in together.layers if hasattr(layer, "codes")
    )
    with pytest.raises(InvalidInput, match="stochastic weights"):
        training.freeze_ensemble(dense([[1.0]], weights="twn"), (1,), 3, rng)
    with pytest.raises(InvalidInput, match="draws"):
        training.freeze_ensemble(model, (2,), 0, rng)
    for call in (
        lambda g: training.freeze(model, (2,), draw=g),
        lambda g: training.freeze_ensemble(model, (2,), 2, g),
    ):
        with pytest.raises(InvalidInput, match=r"numpy\.random\.Generator"):
            call(torch.Generator())
    with pytest.raises(Unsupported, match="linear layer"):
        mean_of([training.freeze(model[:3], (2,))])
    with pytest.raises(InvalidInput, match="equal shapes"):
        mean_of(
            [signs, training.freeze(model[3], (2,))] * 2
            + [training.freeze(dense([[1.0]], weights="twn"), (1,))]
        )


# ---- bnn (Courbariaux et al. 2016) ----


def test_stochastic_activations_in_training_only():
    act = training.QuantActivation(quantizers.get("bnn", role="activation", stochastic=True))
    training.set_generator(act, torch.Generator().manual_seed(0))
    x = torch.tensor([0.5, -0.5, 3.0, -3.0, 0.0]).repeat(4000, 1)
    share = (act(x) > 0).double().mean(0)
    assert torch.allclose(share, torch.tensor([0.75, 0.25, 1, 0, 0.5]).double(), atol=0.03)
    act.eval()
    assert act(x)[0].tolist() == [1, -1, 1, -1, 1]


def test_bytes_enter_the_first_layer_as_bit_planes():
    """w . q = sum_k 2^(k-1) (2 popcount(q^k & w) - popcount(q^k)), w in bits, then the unit."""
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((3, 70))
    layer = dense(weight, [0.5, -1.0, 0.0], weights="bnn")
    network = training.freeze(nn.Sequential(training.Affine(2 / 255, -1.0), layer), (70,))
    q = rng.integers(0, 256, 70)
    bits = weight >= 0
    planes = [(q >> k) & 1 for k in range(8)]
    sums = [
        sum(
            2**k * (2 * int((plane & row).sum()) - int(plane.sum()))
            for k, plane in enumerate(planes)
        )
        for row in bits
    ]
    assert sums == (np.where(bits, 1, -1) @ q).tolist()
    unit, offset = Fraction(2 / 255), Fraction(-1)
    signs = np.where(bits, 1, -1).sum(1).tolist()
    expected = [
        unit * s + offset * n + b
        for s, n, b in zip(sums, signs, (Fraction(1, 2), Fraction(-1), 0), strict=True)
    ]
    assert network.evaluate_exact([q.tolist()]) == [expected]


def test_shift_based_adamax_is_followed_by_the_factor_and_the_clip():
    """First step: m = g/8, v = |g|, AP2(lr/(1 - b1)) = 2^-7, so w moves by 2^-10 g/AP2(g)."""
    layer = dense([[0.5, -0.9999]], weights="bnn")
    optimiser = training.ShiftAdaMax(layer.parameters())
    training.attach(optimiser, layer)
    layer.weight.grad = torch.tensor([[0.25, 3.0]]).double()
    optimiser.step()
    factor = 1 / math.sqrt(1.5 / 3)  # fans 2 and 1
    move = 2.0**-7 * 0.25 / 8 / (0.25 + 2.0**-27)
    assert layer.weight[0, 0].item() == pytest.approx(0.5 - factor * move, rel=1e-14)
    assert layer.weight[0, 1].item() == -1.0


@pytest.mark.parametrize("norm", [training.ShiftBatchNorm, nn.BatchNorm1d])
def test_normalisation_folds_into_thresholds_of_integers(norm):
    """gamma < 0 turns the comparison round, gamma = 0 leaves the sign of beta."""
    made = norm(4).double()
    with torch.no_grad():
        made.weight.copy_(torch.tensor([0.7, -0.7, 0.0, 0.0]))
        made.bias.copy_(torch.tensor([0.1, 0.1, -0.3, 0.0]))
        made.running_mean.fill_(0.37)
    sign = training.QuantActivation("bnn")
    model = nn.Sequential(sign, dense([[1.0, 1.0, 1.0]] * 4, weights="bnn"), made, sign).eval()
    network = training.freeze(model, (3,))
    assert [type(layer).__name__ for layer in network.layers] == ["Activate", "Dense"]
    for x in itertools.product((-1.0, 1.0), repeat=3):
        found = network.evaluate_exact([x])[0]
        # sums are odd, so that they are never near 0.37 - 0.1/0.7
        up = sum(x) > 0.37
        assert found == [1 if up else -1, -1 if up else 1, -1, 1]
        assert model(torch.tensor([x]).double())[0].tolist() == found


# ---- bwn and xnor (Rastegari et al. 2016) ----


def test_the_scale_of_a_channel_and_the_papers_gradient_reach_the_layer():
    layer = dense([[0.5, -1.5], [2.0, 0.1]], weights="bwn")
    assert layer.used_weight().tolist() == [[1.0, -1.0], [1.05, 1.05]]
    layer(torch.tensor([[1.0, 2.0]]).double()).sum().backward()
    # g = (1, 2); 1/n + alpha 1[|w| <= 1]: (1/2 + 1, 1/2), (1/2, 1/2 + 1.05)
    assert torch.allclose(layer.weight.grad, torch.tensor([[1.5, 1.0], [0.5, 3.1]]).double())


def xnor_by_hand(x, w, stride, padding):
    """(sign x conv sign w) K alpha, tap by tap; a padded tap is 0, the divisor always kh kw."""
    _, c, height, width = x.shape
    outputs, _, size, _ = w.shape
    rows = (height + 2 * padding - size) // stride + 1
    columns = (width + 2 * padding - size) // stride + 1
    y = np.zeros((len(x), outputs, rows, columns))
    for n, o, i, j in np.ndindex(y.shape):
        total, k = 0.0, 0.0
        for a, b in np.ndindex(size, size):
            p, q = i * stride + a - padding, j * stride + b - padding
            if not (0 <= p < height and 0 <= q < width):
                continue
            k += np.abs(x[n, :, p, q]).mean() / size**2
            for m in range(c):
                total += (1 if x[n, m, p, q] >= 0 else -1) * (1 if w[o, m, a, b] >= 0 else -1)
        y[n, o, i, j] = total * k * np.abs(w[o]).mean()
    return y


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (1, 1), (2, 1), (2, 0)])
def test_xnor_convolutions_tap_by_tap(stride, padding):
    layer = training.QuantConv2d(
        2, 3, 3, stride, padding, weights="bwn", inputs="xnor", bias=False, dtype=torch.float64
    )
    with torch.no_grad():
        layer.weight.copy_(doubles(3, 2, 3, 3, seed=1))
    x = doubles(2, 2, 5, 4)
    expected = xnor_by_hand(x.numpy(), layer.weight.detach().numpy(), stride, padding)
    assert np.allclose(layer(x).detach().numpy(), expected, rtol=1e-12)


def test_the_gradient_through_k_is_a_choice():
    x = torch.tensor([[0.2, -0.6, 1.4]], dtype=torch.float64)
    found = {}
    for flows in (False, True):
        inputs = quantizers.get("xnor", k_gradient=flows)
        layer = dense([[1.0, 1.0, 1.0]], weights="bnn", inputs=inputs)
        given = x.clone().requires_grad_(True)
        layer(given).sum().backward()
        found[flows] = given.grad
    k = (0.2 + 0.6 + 1.4) / 3
    # y = K (s1 + s2 + s3), the sum 1: K 1[|x| <= 1], and through K sign(x)/3
    without = torch.tensor([[k, k, 0.0]]).double()
    assert torch.allclose(found[False], without)
    through = torch.tensor([[1.0, -1.0, 1.0]]).double() / 3
    assert torch.allclose(found[True], without + through)


def xnor_network():
    torch.manual_seed(0)
    return nn.Sequential(
        training.QuantConv2d(1, 4, 3, weights=None),
        nn.BatchNorm2d(4),
        nn.Dropout(0.9),  # stays out of it: all but the normalisation runs as in evaluation
        training.QuantConv2d(4, 4, 3, padding=1, weights="bwn", inputs="xnor"),
        training.ShiftBatchNorm(4),
        nn.Flatten(),
        nn.Linear(64, 2),
    ).double()


def test_k_can_be_left_out_and_the_statistics_measured_anew():
    model, x = xnor_network(), doubles(64, 1, 6, 6)
    model(3 * x)
    weights = {k: v.detach().clone() for k, v in model.named_parameters()}
    modes = [True, False, True, True, False, True, False]
    for part, mode in zip(model, modes, strict=True):
        part.train(mode)
    training.drop_output_scale(model)
    training.recalibrate(model, x.split(16))
    assert [part.training for part in model] == modes
    assert model[1].momentum == 0.1
    assert model[4].momentum == 0.125
    assert all(torch.equal(v, weights[k]) for k, v in model.named_parameters())
    model.eval()
    first = model[0](x)
    parts = [first[k : k + 16] for k in range(0, 64, 16)]
    assert torch.allclose(
        model[1].running_mean, torch.stack([p.mean((0, 2, 3)) for p in parts]).mean(0)
    )
    assert torch.allclose(
        model[1].running_var,
        torch.stack([p.transpose(0, 1).flatten(1).var(1) for p in parts]).mean(0),
    )
    # the second layer sees the first normalised by its batch, and no K
    seen = [
        model[3](
            (p - p.mean((0, 2, 3), True)) / (p.var((0, 2, 3), False, keepdim=True) + 1e-5).sqrt()
        )
        for p in parts
    ]
    assert torch.allclose(
        model[4].running_mean, torch.stack([s.mean((0, 2, 3)) for s in seen]).mean(0)
    )
    assert model[3].inputs.fixed_scale
    with pytest.raises(InvalidInput, match="no layer multiplies by K"):
        training.drop_output_scale(model)
    with pytest.raises(InvalidInput, match="at least one batch"):
        training.recalibrate(model, [])
    with pytest.raises(InvalidInput, match="no batch normalisation"):
        training.recalibrate(nn.Linear(1, 1), [x])
