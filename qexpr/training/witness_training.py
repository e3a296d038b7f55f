"""Training from the certificate: the free signs of a built circuit, its structure fixed."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from qexpr.circuits import Circuit
from qexpr.core.numbers import read_integer
from qexpr.core.progress import Progress
from qexpr.errors import InvalidInput, shorten
from qexpr.quantizers.options import check_real
from qexpr.training.losses import annealed_power, p_norm
from qexpr.training.polishing import Improved, improved, sampled
from qexpr.training.sampled_circuit import SampledCircuit

_PROBES = 8
_LEAST = 0.02  # the smallest share of its value that a latent weight starts at

__all__ = ["circuit_outputs", "nearest", "train_witness"]


class _Outputs(torch.autograd.Function):
    """The outputs of a circuit as a function of the weights of its free edges."""

    @staticmethod
    def forward(ctx: Any, free: torch.Tensor, state: SampledCircuit) -> torch.Tensor:
        ctx.state = state
        state.set_weights(free.detach().numpy())
        return torch.from_numpy(state.outputs.copy())

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> Any:  # type: ignore[override]
        return torch.from_numpy(ctx.state.gradient(upstream.numpy())), None


def circuit_outputs(state: SampledCircuit, free: torch.Tensor) -> torch.Tensor:
    """What a circuit computes at its sample points with these weights on its free edges.

    Differentiable once, right after it was computed: the state holds the values of one pass.
    """
    return _Outputs.apply(free, state)  # type: ignore[no-any-return,no-untyped-call]


def nearest(table: torch.Tensor, latent: torch.Tensor) -> torch.Tensor:
    """The index of the nearest value of an ascending table; the upper one on a tie."""
    middles = (table[1:] + table[:-1]) / 2
    return torch.bucketize(latent, middles, right=True)


def train_witness(
    circuit: Circuit,
    f: Any,
    *,
    steps: int = 300,
    rate: float = 0.002,
    power: float = 16.0,
    samples: int = 1024,
    gap: str = "1e-2",
    budget: float | None = 60.0,
    progress: Progress | None = None,
) -> Improved:
    """Train the free weights of a built circuit, its graph and all other weights fixed.

    Each free edge has a real latent weight, of which the nearest value of the alphabet is used (the
    sign, over two values), the gradient straight through. Adam lowers a p-norm of the error that
    goes from 2 to `power`, starting from the weights that the construction chose: a latent weight
    starts the further from turning the more its turning would change, measured in the error there
    is, since a coarse digit that turns alone does nothing but harm. The best at the
    sample points is kept, and enclosed beside the circuit given: the result is never the one with
    the larger proven upper end.

    Parameters
    ----------
    circuit : with free edges
    f : a target of its dimension
    steps, rate : of Adam, the rate in units of the largest value of the alphabet
    power, samples, gap, budget : of the loss, of a grid, and as for `polish`
    progress : told (step, steps)

    Raises
    ------
    InvalidInput
        For another dimension, or a circuit without free edges.
    """
    if not isinstance(circuit, Circuit):
        raise InvalidInput(f"a Circuit's free weights are trained, got {shorten(circuit)}")
    read_integer(steps, "steps", 0, 10**7)
    if check_real(power, "power") < 2:
        raise InvalidInput(f"power must be at least 2, got {power:g}")
    check_real(rate, "rate", above=0)
    state, values = sampled(circuit, f, samples)
    wanted = torch.from_numpy(values)
    table = torch.from_numpy(state.table)
    limit = float(table.abs().max())
    seen = float(np.abs(state.outputs - values).max())
    first = torch.from_numpy(state.codes.copy())
    shares = torch.from_numpy(_effects(state) / max(seen, 1e-300)).clamp(_LEAST, 1.0)
    latent = (shares * table[first]).requires_grad_(True)
    optimiser = torch.optim.Adam([latent], lr=rate * limit)
    best, least = first, seen
    scale = float(np.abs(values).max()) or 1.0
    for step in range(steps):
        codes = nearest(table, latent.detach())
        used = latent + (table[codes] - latent).detach()
        outputs = circuit_outputs(state, used)
        error = float((outputs.detach() - wanted).abs().max())
        if error < least:
            best, least = codes, error
        optimiser.zero_grad()
        loss = p_norm((outputs - wanted) / scale, annealed_power(step / steps, power))
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        with torch.no_grad():
            latent.clamp_(-limit, limit)
        if progress is not None:
            progress(step + 1, steps)
    state.codes = best.numpy()
    state.set_weights(state.table[state.codes])
    changed = int((best != first).sum())
    residual = state.outputs - values
    return improved(circuit, state.network, f, values, seen, residual, changed, steps, gap, budget)


def _effects(state: SampledCircuit) -> np.ndarray:
    """About the root mean square of what turning each weight changes, from random directions."""
    draw = np.random.Generator(np.random.Philox(0))
    m = len(state.outputs)
    found = [state.gradient(draw.choice((-1.0, 1.0), m)) ** 2 for _ in range(_PROBES)]
    return np.asarray(np.sqrt(np.mean(found, axis=0) / m) * 2 * np.abs(state.table[state.codes]))
