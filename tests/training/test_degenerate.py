"""Few bits, constant inputs, vanishing weights: no NaN, and what has collapsed is said."""

import pytest
import torch
from torch import nn

from qexpr import quantizers, training

DEGENERATE = [
    *(quantizers.get("dorefa", bits=b) for b in (1, 2)),
    *(quantizers.get("uniform", bits=2, scale=s) for s in ("min-max", "mse")),
    quantizers.get("uniform", bits=1, symmetric=False),
    *(quantizers.get("log", bits=b, base=base) for b in (1, 2) for base in ("2", "sqrt2")),
    *(quantizers.get("twn", threshold=t) for t in ("approx", "exact")),
    *(quantizers.get("twn", threshold=t, per="channel") for t in ("approx", "exact")),
    *(quantizers.get("bwn", gradient=g) for g in ("paper", "exact", "plain")),
    quantizers.get("binaryconnect"),
    quantizers.get("continuous-discrete", levels=2),
    quantizers.get("residual", role="weight"),
]  # fmt: skip
ONE_BIT = [
    "bnn",
    *(quantizers.get("dorefa", role="activation", bits=b) for b in (1, 2)),
    *(quantizers.get("hwgq", bits=b) for b in (1, 2)),
    *(quantizers.get("log", role="activation", signed=False, bits=b) for b in (1, 2)),
    "residual",
]


@pytest.mark.filterwarnings("ignore::qexpr.quantizers.CollapseWarning")
@pytest.mark.parametrize("value", [0.0, 1e-30, 1e30, "one"])
@pytest.mark.parametrize("weights", DEGENERATE, ids=repr)
def test_few_bits_give_no_nan_on_degenerate_weights(weights, value):
    layer = training.QuantLinear(3, 2, weights=weights)
    with torch.no_grad():
        layer.weight.fill_(0.0 if value == "one" else value)
        layer.weight[0, 0] = 1.0 if value == "one" else layer.weight[0, 0]
    x = torch.rand(4, 3, requires_grad=True)
    layer(x).sum().backward()
    assert layer.weight.grad.isfinite().all()
    assert x.grad.isfinite().all()
    training.freeze(layer, (3,))


@pytest.mark.parametrize("activations", ONE_BIT, ids=repr)
def test_few_bits_give_no_nan_on_constant_batches(activations):
    gradients = quantizers.get("dorefa", role="gradient", bits=1)
    model = nn.Sequential(
        training.QuantLinear(2, 3, weights="twn", gradients=gradients),
        training.ShiftBatchNorm(3),
        nn.BatchNorm1d(3),
        training.QuantActivation(activations),
        training.QuantLinear(3, 1, weights="bwn", gradients=gradients),
    )
    x = torch.zeros(4, 2)
    for scale in (1.0, 0.0):  # a gradient of zeros too
        (scale * model(x)).sum().backward()
        assert all(w.grad.isfinite().all() for w in model.parameters())


def test_layers_that_collapse_are_named():
    model = nn.Sequential(
        training.QuantLinear(2, 2, weights="twn"),
        nn.Sequential(training.QuantLinear(2, 3, weights=quantizers.get("log", fsr=20))),
    )
    with torch.no_grad():
        model[0].weight.fill_(0.0)
    assert training.collapsed(model) == {"0": (2, 2), "1.0": (3, 3)}
    with pytest.warns(quantizers.CollapseWarning, match=r"layer 1\.0 of shape \(3, 2\)"):
        training.freeze(model, (2,))
