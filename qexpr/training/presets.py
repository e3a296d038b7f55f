"""Which quantizers a method trains with, and how many bits it leaves open."""

from __future__ import annotations

from typing import Any

from qexpr import quantizers
from qexpr.errors import InvalidInput
from qexpr.quantizers import Quantizer

__all__ = ["activations_of", "gradients_of", "weights_of"]

Bits = int | None


def weights_of(method: str, bits: Bits) -> Quantizer | None:
    """The quantizer of weights; None for float and post-training, whose training is real.

    Raises
    ------
    InvalidInput
        For bits where the method fixes them.
    """
    if method == "continuous-discrete":
        levels = 3 if bits is None else 2**bits - 1
        return quantizers.get(method, levels=max(levels, 2))
    if method in ("dorefa", "log"):
        return quantizers.get(method, role="weight", **({} if bits is None else {"bits": bits}))
    if method == "post-training":
        return None
    if bits is not None:
        raise InvalidInput(f"{method} has a fixed number of bits: leave out bits = {bits}")
    if method == "float":
        return None
    name = {"xnor": "bwn", "hwgq": "bwn"}.get(method, method)
    options: dict[str, Any] = {
        "twn": {"per": "channel", "threshold": "exact"},
        "hwgq": {"gradient": "plain"},
        "residual": {"role": "weight"},
    }
    return quantizers.get(name, **options.get(method, {}))


def activations_of(method: str, task: str, bits: Bits) -> Quantizer | None:
    """The quantizer of activations; None leaves a ReLU.

    Raises
    ------
    InvalidInput
        For bits where the method fixes them, or has real activations.
    """
    options: dict[str, dict[str, Any]] = {
        "bnn": {"role": "activation"},
        # K is certified like all else, at the price of products in every box
        "xnor": {"fixed_scale": task == "target"},
        "residual": {"role": "activation"},
        "dorefa": {"role": "activation"},
        "hwgq": {},
        "log": {"role": "activation", "signed": False, "fsr": 1},
    }
    given = {} if bits is None else {"levels" if method == "residual" else "bits": bits}
    if given and method not in ("residual", "dorefa", "hwgq", "log", "post-training"):
        what = "binary" if method in options else "real"
        raise InvalidInput(f"{method} has {what} activations: leave out activation_bits = {bits}")
    return quantizers.get(method, **options[method], **given) if method in options else None


def gradients_of(method: str, bits: Bits) -> Quantizer | None:
    """The quantizer of gradients; None leaves them real, which is every method's default.

    Raises
    ------
    InvalidInput
        For bits where the method's paper says nothing of them.
    """
    if bits is None:
        return None
    if method == "dorefa":
        return quantizers.get(method, role="gradient", bits=bits)
    if method == "log":
        return quantizers.get(method, role="gradient", bits=bits, base="sqrt2")
    raise InvalidInput(
        f"only dorefa and log quantize gradients, {method} does not: leave out "
        f"gradient_bits = {bits}"
    )
