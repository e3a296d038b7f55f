"""One recipe for each method: quantizers, normalisation, rules, optimiser and schedule, as data."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from qexpr.core.suggest import suggest
from qexpr.errors import InvalidInput, shorten
from qexpr.quantizers import Quantizer
from qexpr.quantizers.options import check_choice, check_integer, check_real
from qexpr.training.baseline import PostTraining
from qexpr.training.presets import activations_of, gradients_of, weights_of
from qexpr.training.rules import Rules

__all__ = ["Recipe", "get_recipe", "methods"]

_ENDS = ("quantized", "real", "8bit")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that training needs besides the data, the widths and the seed.

    Parameters
    ----------
    method : str
    weights, activations, gradients : Quantizer or None
        None: real weights, ReLU, real gradients.
    order : {"after", "before"}
        Product, normalisation, activation; or XNOR-Net's block, in which normalisation and
        binarization come before the product.
    norm : {"none", "ordinary", "plain", "shift"}
        Batch normalisation; plain has no affine part.
    first, last : {"quantized", "real", "8bit"}
        The weights of the first and last layer.
    start : {"glorot", "uniform"}
        Of the real weights; uniform on (-1, 1).
    rules : Rules or None
        None: those of the weight quantizer's paper.
    cancel : float, optional
        The gradient of real weights is cancelled beyond it; None is straight through.
    optimiser : {"adam", "sgd", "shift-adamax"}
    rate, last_rate : float
        The learning rate, and the share of it that is left at the end (cosine).
    steps, batch : int
    warm, ramp : float
        The shares of the steps for the float network that training starts from, and for the
        annealing from it to the discrete one.
    loss : {"p-norm", "square-hinge", "cross-entropy"}
    power : float
        The p-norm goes from 2 to this power.
    after : PostTraining or None
        The float network is quantized so when its training has ended.
    judge : {"dense", "certified"}
        What the best network is chosen by: the largest error on the dense points (of classes: the
        share of wrong ones on the validation set), or the proven upper end of the error.
    """

    method: str
    weights: Quantizer | None = None
    activations: Quantizer | None = None
    gradients: Quantizer | None = None
    order: str = "after"
    norm: str = "none"
    first: str = "quantized"
    last: str = "quantized"
    start: str = "glorot"
    rules: Rules | None = None
    cancel: float | None = None
    optimiser: str = "adam"
    rate: float = 3e-3
    last_rate: float = 1e-3
    steps: int = 3000
    batch: int = 512
    warm: float = 0.3
    ramp: float = 0.2
    loss: str = "p-norm"
    power: float = 8.0
    after: PostTraining | None = None
    judge: str = "dense"

    def __post_init__(self) -> None:
        check_choice(self.order, "order", ("after", "before"))
        check_choice(self.norm, "norm", ("none", "ordinary", "plain", "shift"))
        check_choice(self.first, "first", _ENDS)
        check_choice(self.last, "last", _ENDS)
        check_choice(self.start, "start", ("glorot", "uniform"))
        check_choice(self.optimiser, "optimiser", ("adam", "sgd", "shift-adamax"))
        check_choice(self.loss, "loss", ("p-norm", "square-hinge", "cross-entropy"))
        check_choice(self.judge, "judge", ("dense", "certified"))
        check_integer(self.steps, "steps", 0, 10**9)
        check_integer(self.batch, "batch", 1, 10**9)
        if check_real(self.rate, "rate", above=0) > 1e30:  # single precision has to hold it
            raise InvalidInput(f"rate must be at most 1e30, got {self.rate:g}")
        for name in ("warm", "ramp", "last_rate"):
            if not 0 <= check_real(getattr(self, name), name) <= 1:
                raise InvalidInput(f"{name} must lie in [0, 1], got {getattr(self, name):g}")
        if self.warm + self.ramp > 1:
            raise InvalidInput(
                f"warm and ramp must leave steps for the discrete network: their sum is at most "
                f"1, got {self.warm + self.ramp:g}"
            )
        if check_real(self.power, "power") < 2:
            raise InvalidInput(f"power must be at least 2, got {self.power:g}")


_CHANGES: dict[str, dict[str, Any]] = {
    "continuous-discrete": {"norm": "ordinary", "start": "uniform"},
    "twn": {},
    "binaryconnect": {"norm": "ordinary", "start": "uniform"},
    "bnn": {"norm": "ordinary", "start": "uniform", "first": "real", "last": "real"},
    "dorefa": {"norm": "ordinary", "first": "real", "last": "real"},
    "bwn": {"norm": "ordinary"},
    "xnor": {"norm": "ordinary", "order": "before", "first": "real", "last": "real"},
    "residual": {"norm": "ordinary", "first": "real", "last": "real"},
    "hwgq": {"norm": "plain", "first": "real", "last": "real"},
    "log": {"norm": "ordinary"},
    "post-training": {"warm": 1.0, "ramp": 0.0},  # trains as float does, to the bit
    "float": {"warm": 1.0, "ramp": 0.0},
}
# tuned on a target, see docs/decisions/training-recipes.md
_FAST = {"warm": 0.0, "ramp": 0.0, "rate": 3e-2}
_TARGETS: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("bnn", "dorefa", "bwn", "xnor", "residual", "hwgq", "log"), _FAST),
    "continuous-discrete": {"warm": 0.0, "ramp": 0.0, "rate": 1e-2},
    "binaryconnect": {"rate": 1e-2},
}
_CLASSES: dict[str, Any] = {
    "loss": "cross-entropy",
    "norm": "ordinary",
    "steps": 400,
    "batch": 128,
    "first": "real",
    "last": "real",
}


def methods() -> tuple[str, ...]:
    """The names of all methods."""
    return tuple(_CHANGES)


def get_recipe(
    method: str,
    task: str = "target",
    *,
    bits: int | None = None,
    activation_bits: int | None = None,
    gradient_bits: int | None = None,
    **changes: Any,
) -> Recipe:
    """The default recipe of a method, with fields of `Recipe` changed.

    Parameters
    ----------
    method : one of `methods()`
    task : {"target", "classes"}
    bits : of the weights, where the method leaves them open (continuous-discrete takes the
        2^bits - 1 levels around 0); of log, those of the magnitude
    activation_bits : of the activations, where the method quantizes them and leaves this open;
        the levels M of residual
    gradient_bits : of dorefa's and log's gradients, which are real by default

    Rates are those of Adam; shift-adamax comes with its own, 2^-10.

    Raises
    ------
    InvalidInput
        For an unknown method or field, and for values not allowed.
    """
    if not isinstance(method, str) or method not in _CHANGES:
        raise InvalidInput(
            f"no method is called {shorten(method)}{suggest(str(method), methods())}; "
            f"the methods are {', '.join(methods())}"
        )
    check_choice(task, "task", ("target", "classes"))
    known = [field.name for field in fields(Recipe)]
    for name in changes:
        if name not in known:
            raise InvalidInput(
                f"a recipe has no field {shorten(name)}{suggest(name, known)}; "
                f"it has {', '.join(known)}"
            )
    options = {**_CHANGES[method], **(_CLASSES if task == "classes" else _TARGETS.get(method, {}))}
    if method == "hwgq":  # its levels are those of N(0, 1), on images too
        options["norm"] = "plain"
    if task == "classes" and method == "bnn":
        options["loss"] = "square-hinge"
    if changes.get("optimiser") == "shift-adamax":
        options["rate"] = 2.0**-10  # its paper's; changes come last
    options["weights"] = weights_of(method, bits)
    options["activations"] = activations_of(method, task, activation_bits)
    options["gradients"] = gradients_of(method, gradient_bits)
    if method == "post-training":
        width = {} if bits is None else {"bits": bits}
        options["after"] = PostTraining(activation_bits=activation_bits, **width)
    return replace(Recipe(method=method, **options), **changes)
