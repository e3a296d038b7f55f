"""How fast is sup |f - f~| of a trained quantized network certified, and how does it grow?

Target: a ternary 2-64-64-64-1 network to 1 % in under 1 s (stretch 0.2 s). The networks are
trained here, straight through, on sin(3 x0) cos(2 x1) / 27. Beside the time of the search stand
the boxes, the time to check the certificate, and the growth with width, depth and dimension.
auto_LiRPA bounds the range of the same networks in the time that ours takes, where it installs.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from record import alternate, one_thread, write

one_thread()

import numpy as np  # noqa: E402 - after the threads are set

from qexpr import certificates, networks  # noqa: E402
from qexpr.targets import Target  # noqa: E402

TARGETS = {
    1: "sin(3*x0)/27",
    2: "sin(3*x0)*cos(2*x1)/27",
    3: "sin(3*x0)*cos(2*x1+x2)/27",
    4: "sin(3*x0)*cos(2*x1+x2-x3)/27",
}
LEVELS = {"ternary": 3, "binary": 2, "2-bit": 4, "4-bit": 16}
GAP = {1: "1e-2", 2: "1e-2", 3: "1e-1", 4: "1e-1"}
STEPS = 1500
SEED = 0


def _codes(weight: Any, kind: str) -> Any:
    """Codes and scale of a tensor: sign; ternary at 0.7 of the mean; 2^k odd levels else."""
    import torch

    size = weight.abs().mean()
    if kind == "binary":
        return torch.where(weight >= 0, 1.0, -1.0), size
    if kind == "ternary":
        kept = weight.abs() > 0.7 * size
        alpha = weight.abs()[kept].mean() if kept.any() else size
        return torch.sign(weight) * kept, alpha
    most = LEVELS[kind] - 1
    step = weight.abs().max() / most
    odd = 2 * torch.floor(weight / (2 * step)) + 1
    return odd.clamp(-most, most), step


def trained(kind: str, d: int, widths: tuple[int, ...]) -> networks.QuantizedNetwork:
    """Train d-widths-1 with weights of `kind`, gradients handed straight through."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    f = Target(TARGETS[d], d)
    sizes = (d, *widths, 1)
    layers = [torch.nn.Linear(a, b) for a, b in itertools.pairwise(sizes)]
    parameters = [p for layer in layers for p in layer.parameters()]
    optimiser = torch.optim.Adam(parameters, lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    x = np.random.default_rng(SEED).random((8192, d))
    inputs = torch.tensor(x, dtype=torch.float32)
    wanted = torch.tensor(f(x), dtype=torch.float32)[:, None] * 27
    for step in range(STEPS):
        part = slice(512 * step % 8192, 512 * step % 8192 + 512)
        h = inputs[part]
        for k, layer in enumerate(layers):
            codes, scale = _codes(layer.weight, kind)
            weight = layer.weight + (codes * scale - layer.weight).detach()
            h = torch.nn.functional.linear(h, weight, layer.bias)
            h = torch.relu(h) if k < len(layers) - 1 else h
        loss = ((h - wanted[part]) ** 2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    frozen = []
    for k, layer in enumerate(layers):
        codes, scale = _codes(layer.weight.detach(), kind)
        last = k == len(layers) - 1
        divisor = 27 if last else 1
        frozen.append(
            networks.Dense(
                codes.numpy().astype(np.int64),
                float(scale) / divisor,
                layer.bias.detach().numpy().astype(np.float64) / divisor,
                activation=None if last else networks.Relu(),
            )
        )
    return networks.QuantizedNetwork((d,), tuple(frozen))


def _row(kind: str, d: int, widths: tuple[int, ...], method: str, rounds: int) -> dict[str, Any]:
    w, f = trained(kind, d, widths), Target(TARGETS[d], d)
    found = certificates.enclose(w, f, GAP[d], method=method, budget=120)
    certificate = certificates.certify(w, f, found.upper, method=method, budget=120)
    contestants: dict[str, Callable[[], Any]] = {
        "search": lambda: certificates.enclose(w, f, GAP[d], method=method, budget=120),
        "certify": lambda: certificates.certify(w, f, found.upper, method=method, budget=120),
        "check": lambda: certificates.check(certificate, w),
    }
    times = alternate(contestants, rounds=rounds)
    return {
        "network": "-".join(map(str, (d, *widths, 1))),
        "weights": kind,
        "method": method,
        "status": "ok" if found.closed else "open",
        "reason": "" if found.closed else "budget of 120 s ended",
        "error_lower": repr(float(found.lower)),
        "error_upper": repr(float(found.upper)),
        "gap": GAP[d],
        "boxes": found.boxes,
        **times["search"].row("search_"),
        "certify_median_s": round(times["certify"].median, 6),
        "check_median_s": round(times["check"].median, 6),
    }


def _peer() -> dict[str, Any]:
    """auto_LiRPA on the range of the ternary network, or a row that says why not."""
    try:
        import auto_LiRPA  # noqa: F401
    except Exception as error:
        return {
            "network": "2-64-64-64-1",
            "weights": "ternary",
            "method": "auto_LiRPA",
            "status": "not run",
            "reason": f"{type(error).__name__}: {error}; PyPI has 0.3, which asks for torch < 1.13",
        }
    return _peer_row()


def _peer_row() -> dict[str, Any]:
    import time

    import torch
    from auto_LiRPA import BoundedModule, BoundedTensor, PerturbationLpNorm

    w = trained("ternary", 2, (64, 64, 64))
    start = time.perf_counter()
    _, greatest = certificates.output_range(w, gap="1e-2")
    budget = time.perf_counter() - start
    modules: list[Any] = []
    for layer in w.layers:
        linear = torch.nn.Linear(layer.codes.shape[1], layer.channels)
        linear.weight.data = torch.tensor(layer.codes * float(layer.scale)).float()
        linear.bias.data = torch.tensor([float(b) for b in layer.biases()])
        modules += [linear, torch.nn.ReLU()] if layer.activation else [linear]
    bounded = BoundedModule(torch.nn.Sequential(*modules), torch.zeros(1, 2))
    best, parts, spent = np.inf, 1, 0.0
    while spent < budget:  # finer and finer grids, all boxes of a grid in one batch
        side = (torch.arange(parts) + 0.5) / parts
        centre = torch.cartesian_prod(side, side)
        box = PerturbationLpNorm(x_L=centre - 0.5 / parts, x_U=centre + 0.5 / parts)
        start = time.perf_counter()
        _, upper = bounded.compute_bounds(x=(BoundedTensor(centre, box),), method="CROWN")
        spent = time.perf_counter() - start
        best = min(best, float(upper.max()))
        parts *= 2
    return {
        "network": "2-64-64-64-1",
        "weights": "ternary",
        "method": "auto_LiRPA",
        "status": "ok",
        "reason": f"greatest value <= {best!r} where ours is <= {float(greatest.upper)!r}",
        "search_median_s": round(budget, 6),
    }


def main() -> None:
    """Measure all networks and write the CSV."""
    cells = [(kind, 2, (64, 64, 64), "branch-and-bound", 7) for kind in LEVELS]
    cells += [("ternary", 3, (64, 64), "branch-and-bound", 7)]
    cells += [("ternary", 2, (n, n, n), "branch-and-bound", 7) for n in (16, 32, 128)]
    cells += [("ternary", 2, (32,) * k, "branch-and-bound", 7) for k in (1, 2, 4, 6)]
    cells += [("ternary", 4, (16, 16), "branch-and-bound", 3)]
    cells += [("ternary", 1, (64, 64, 64), "piecewise", 7)]
    cells += [("ternary", 1, (64, 64, 64), "branch-and-bound", 7)]
    rows = [_row(*cell) for cell in cells]
    peer = dict.fromkeys(rows[0], "") | _peer()
    write("certify", [*rows, peer], packages=("numpy", "torch", "python-flint"))


if __name__ == "__main__":
    main()
