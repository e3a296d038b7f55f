"""Polishing and training from the certificate: single changes by hand, brute force, never worse."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import torch

from qexpr import circuits, targets, training
from qexpr.certificates import enclose
from qexpr.circuits import Circuit
from qexpr.errors import InvalidInput, Unsupported
from qexpr.networks import Clip, Dense, MaxPool2d, QuantizedNetwork, Relu, Steps
from qexpr.training import polishing, witness_training
from qexpr.training.sampled_circuit import SampledCircuit
from qexpr.training.sampled_network import SampledNetwork

SINE = targets.Target("sin(3*x0)/9", d=1)
BUILT = circuits.shared_bitplane(SINE, n=2, eps="1e-2", lam=2)
HALF = Fraction(1, 2)


def fan(signs):
    """f~ = sum of s_k relu(x/2) + s_3/2 over a linear output: what is free shows directly."""
    codes = [1, 1, *((s + 1) // 2 for s in signs)]
    return Circuit(
        inputs=1,
        sources=np.array([0, 0, 1, 2, 3]),
        targets=np.array([2, 3, 4, 4, 4]),
        codes=np.array(codes, np.uint8),
        output=4,
        alphabet=(-HALF, HALF),
        free=np.array([2, 3, 4]),
    )


def small_network(activation):
    draw = np.random.Generator(np.random.Philox(3))
    first = Dense(
        codes=draw.integers(-1, 2, (6, 1)),
        scale=Fraction(3, 4),
        activation=activation,
        bias=tuple(Fraction(int(k), 8) for k in draw.integers(-4, 5, 6)),
    )
    second = Dense(
        codes=draw.integers(-1, 2, (5, 6)),
        activation=activation,
        scale=tuple(Fraction(int(k), 16) for k in draw.integers(2, 9, 5)),
    )
    third = Dense(codes=draw.integers(-1, 2, (1, 5)), scale=Fraction(1, 8))
    return QuantizedNetwork((1,), (first, second, third))


ACTIVATIONS = [
    Relu(),
    Clip(Fraction(-1, 4), Fraction(1, 2)),
    Steps(
        (Fraction(0), Fraction(1, 4)), (Fraction(-1), Fraction(0), Fraction(1, 2)), (True, False)
    ),
]
X = np.linspace(0, 1, 33)[:, None]


# ---- at sample points ----


def test_a_circuits_values_changes_and_derivatives():
    state = SampledCircuit(BUILT, X)
    assert np.allclose(state.outputs, BUILT(X), atol=1e-14)
    upstream = np.sin(np.arange(len(X)))
    slopes = state.scores(upstream)
    for k in range(0, len(state.codes), 13):
        code = 1 - state.codes[k]
        outputs, token = state.tried(k, code)
        codes = BUILT.codes.copy()
        codes[BUILT.free[k]] = code
        other = Circuit(
            BUILT.inputs, BUILT.sources, BUILT.targets, codes, BUILT.output, BUILT.alphabet
        )
        assert np.allclose(outputs, other(X), atol=1e-14)
        assert np.allclose(state.outputs, BUILT(X), atol=1e-14)  # trying leaves no trace
        h = 1e-7
        state.weights[BUILT.free[k]] += h
        state.refresh()
        shifted = state.outputs.copy()
        state.weights[BUILT.free[k]] -= h
        state.refresh()
        wanted = upstream @ (shifted - state.outputs) / h
        assert slopes[k] == pytest.approx(wanted, abs=1e-5)
    state.accept(k, code, token)
    assert np.allclose(state.outputs, other(X), atol=1e-14)
    assert state.network().digest() == other.digest()
    again = SampledCircuit(state.network(), X)
    assert np.allclose(state.values, again.values, atol=1e-14)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_networks_values_and_changes(activation):
    network = small_network(activation)
    state = SampledNetwork(network, X)
    assert np.allclose(state.outputs, network(X), atol=1e-14)
    for k in range(len(state.codes)):
        for code in state.choices[k]:
            if code == state.codes[k]:
                continue
            outputs, _ = state.tried(k, code)
            fresh = SampledNetwork(network, X)
            fresh.accept(k, code, fresh.tried(k, code)[1])
            assert fresh.network().digest() != network.digest()
            assert np.allclose(outputs, fresh.network()(X), atol=1e-14)
            assert np.allclose(fresh.outputs, outputs, atol=1e-14)
            assert np.array_equal(state.outputs, SampledNetwork(network, X).outputs)
    code = next(c for c in state.choices[7] if c != state.codes[7])
    state.accept(7, code, state.tried(7, code)[1])
    assert state.network().digest() != network.digest()
    assert np.allclose(state.outputs, state.network()(X), atol=1e-14)


def test_a_networks_derivatives_by_hand():
    """y = (1/2) relu(2 x) at x = 1 and 3/4: dy/da = x, dy/db = 2 x, codes times scales."""
    network = QuantizedNetwork(
        (1,),
        (
            Dense(codes=np.array([[1]]), scale=Fraction(2), activation=Relu()),
            Dense(codes=np.array([[1]]), scale=HALF),
        ),
    )
    state = SampledNetwork(network, np.array([[1.0], [0.75]]))
    assert state.scores(np.array([1.0, 0.0])).tolist() == [1.0, 1.0]  # (1/2) 2 x; (1/2) 2 x
    assert state.scores(np.array([0.0, 2.0])).tolist() == [1.5, 1.5]


# ---- polishing ----


def test_flips_by_hand():
    """From -x/2 - 1/2 over 0: each of two flips halves what is there, and 0 is reached."""
    zero = targets.Target("x0/2 + 1/2", d=1)
    found = training.polish(fan((-1, -1, -1)), zero, samples=16)
    assert found.net.codes.tolist() == [1, 1, 1, 1, 1]
    assert float(found.before.upper) == pytest.approx(2)
    assert found.after.upper < 1e-9
    assert (found.changed, found.seen_before) == (3, 2.0)
    assert found.seen_after < 1e-15
    assert not found.net.plan


def test_no_single_change_is_left_that_helps():
    f = targets.Target("sin(3*x0)/4", d=1)
    network = small_network(Relu())
    found = training.polish(network, f, samples=64)
    state, wanted = polishing.sampled(found.net, f, 64)
    assert found.seen_after == pytest.approx(np.abs(state.outputs - wanted).max())
    assert found.seen_after < found.seen_before
    for k, choices in enumerate(state.choices):
        for code in choices:
            outputs, _ = state.tried(k, code)
            assert np.abs(outputs - wanted).max() >= found.seen_after * (1 - 1e-12)
    assert found.after.upper < found.before.upper
    assert found.after.upper == enclose(found.net, f, "1e-2").upper
    for old, new in zip(network.layers, found.net.layers, strict=True):
        assert set(np.unique(new.codes)) <= set(np.unique(old.codes))
        assert (old.scale, old.bias) == (new.scale, new.bias)


def test_a_small_circuit_is_as_good_as_the_best_of_all():
    f = targets.Target("x0/8 + 1/4", d=1)
    every = [fan(signs) for signs in product((-1, 1), repeat=3)]
    best = min(enclose(c, f, "1e-2").upper for c in every)
    for circuit in every:
        assert training.polish(circuit, f, samples=16).after.upper == best


def test_what_is_proven_never_gets_worse(monkeypatch):
    """Two points do not show what a change does between them: the network given is kept."""
    for samples in (2, 3, 64):
        found = training.polish(BUILT, SINE, samples=samples)
        assert found.after.upper <= found.before.upper
        if found.changed == 0:
            assert found.net is BUILT
    monkeypatch.setattr(polishing, "_better", lambda new, old: True)  # makes any change
    found = training.polish(BUILT, SINE, samples=16, evaluations=3)
    assert found.net is BUILT
    assert found.changed == 0
    assert found.seen_after > found.seen_before


def test_built_circuits_gain():
    found = training.polish(BUILT, SINE, samples=256)
    assert found.after.upper < Fraction(2, 3) * found.before.upper
    assert found.net.free_bits == BUILT.free_bits
    assert np.array_equal(found.net.sources, BUILT.sources)
    fixed = np.setdiff1d(np.arange(BUILT.weights), BUILT.free)
    assert np.array_equal(found.net.codes[fixed], BUILT.codes[fixed])
    assert training.polish(BUILT, SINE, samples=256).net.digest() == found.net.digest()


def test_evaluations_are_a_limit_and_progress_is_told():
    told = []
    found = training.polish(
        BUILT,
        SINE,
        samples=64,
        evaluations=5,
        progress=lambda done, most: told.append((done, most)),
    )
    assert found.evaluations == 5
    assert told == [(k, 5) for k in range(1, 6)]


# ---- training from the certificate ----


def test_a_circuit_as_a_torch_function():
    state = SampledCircuit(BUILT, X)
    free = torch.from_numpy(state.table[state.codes]).requires_grad_(True)
    outputs = witness_training.circuit_outputs(state, free)
    assert np.allclose(outputs.detach().numpy(), BUILT(X), atol=1e-14)
    (outputs**2).sum().backward()
    assert np.allclose(free.grad.numpy(), state.gradient(2 * state.outputs))
    # real weights, too: the gradient is that of the function near them
    inner = (0.9 * free.detach()).requires_grad_(True)
    assert torch.autograd.gradcheck(
        lambda w: witness_training.circuit_outputs(state, w)[::8], inner, eps=1e-7, atol=1e-4
    )


def test_nearest_values_and_ties():
    table = torch.tensor([-0.5, 0.5], dtype=torch.float64)
    latent = torch.tensor([-0.1, 0.0, 0.3], dtype=torch.float64)
    assert witness_training.nearest(table, latent).tolist() == [0, 1, 1]
    wide = torch.tensor([-1.0, -0.25, 0.25, 1.0], dtype=torch.float64)
    latent = torch.tensor([-0.7, -0.6, 0.6, 0.7], dtype=torch.float64)
    assert witness_training.nearest(wide, latent).tolist() == [0, 1, 2, 3]


def test_a_step_of_training_by_hand():
    """Adam's first step is the rate, against the gradient: at 1/2 every latent turns."""
    f = targets.Target("x0/2 + 1/2", d=1)
    options = {"rate": 1.0, "samples": 9}  # of the largest value, 1/2, above which no latent is
    found = training.train_witness(fan((-1, -1, -1)), f, steps=1, **options)
    assert found.changed == 0  # the step is made, and its result not looked at
    found = training.train_witness(fan((-1, -1, -1)), f, steps=2, **options)
    assert found.net.codes.tolist() == [1, 1, 1, 1, 1]
    assert float(found.before.upper) == pytest.approx(2)
    assert found.after.upper < 1e-9


def test_training_repairs_fine_signs_and_never_makes_worse():
    state = SampledCircuit(BUILT, X)
    effects = np.abs([state.tried(k, 1 - c)[0] - BUILT(X) for k, c in enumerate(state.codes)])
    fine = np.flatnonzero(effects.max(1) < 0.01)[::2]
    codes = BUILT.codes.copy()
    codes[BUILT.free[fine]] ^= 1
    worse = Circuit(
        BUILT.inputs, BUILT.sources, BUILT.targets, codes, BUILT.output, BUILT.alphabet, BUILT.free
    )
    first, second = (training.train_witness(worse, SINE, samples=128) for _ in range(2))
    assert first.after.upper < first.before.upper
    assert first.net.digest() == second.net.digest()
    kept = training.train_witness(BUILT, SINE, steps=3, samples=64)
    assert kept.after.upper <= kept.before.upper


def test_bad_input_is_one_clear_line():
    plain = Circuit(1, np.array([0]), np.array([2]), np.array([0], np.uint8), 2, (-HALF, HALF))
    two = QuantizedNetwork((1,), (Dense(codes=np.ones((2, 1), int)),))
    pooled = QuantizedNetwork((1, 2, 2), (MaxPool2d(kernel=2),))
    plane = targets.get("waves")
    deep = targets.Target("x0+x1+x2+x3", d=4)
    for call, kind, said in (
        (lambda: training.polish(plain, SINE), InvalidInput, "no free edges"),
        (lambda: training.polish(BUILT, plane), InvalidInput, "1 inputs, the target 2"),
        (lambda: training.polish(two, SINE), Unsupported, "one output"),
        (lambda: training.polish(pooled, deep), Unsupported, "dense layers"),
        (lambda: training.polish("net", SINE), InvalidInput, "Circuit or"),
        (lambda: training.polish(BUILT, SINE, samples=1), InvalidInput, "samples"),
        (lambda: training.polish(BUILT, SINE, evaluations=-1), InvalidInput, "evaluations"),
        (lambda: training.train_witness(two, SINE), InvalidInput, "Circuit"),
        (lambda: training.train_witness(BUILT, SINE, power=1), InvalidInput, "power"),
        (lambda: training.train_witness(BUILT, SINE, rate=0), InvalidInput, "rate"),
    ):
        with pytest.raises(kind, match=said):
            call()
