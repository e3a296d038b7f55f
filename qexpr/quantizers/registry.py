"""Every quantizer by name."""

from __future__ import annotations

from typing import Any, Final

from qexpr.core.suggest import suggest
from qexpr.errors import InvalidInput, shorten
from qexpr.quantizers.base import Quantizer
from qexpr.quantizers.binaryconnect import BinaryConnect
from qexpr.quantizers.bnn import Binarized
from qexpr.quantizers.bwn import BinaryWeights
from qexpr.quantizers.continuous_discrete import ContinuousDiscrete
from qexpr.quantizers.dorefa import Dorefa
from qexpr.quantizers.hwgq import HalfWaveGaussian
from qexpr.quantizers.log import LinearQuant, LogQuant
from qexpr.quantizers.lsq import LearnedStep
from qexpr.quantizers.pact import LearnedClip
from qexpr.quantizers.power_of_two import PowerOfTwo
from qexpr.quantizers.residual import Residual
from qexpr.quantizers.ttq import TrainedTernary
from qexpr.quantizers.twn import TernaryWeights
from qexpr.quantizers.uniform import Uniform
from qexpr.quantizers.xnor import XnorActivations

__all__ = ["get", "kinds", "names"]

_KINDS: Final[dict[str, type[Quantizer]]] = {
    kind.name: kind
    for kind in (
        ContinuousDiscrete,
        BinaryConnect,
        TernaryWeights,
        Binarized,
        BinaryWeights,
        XnorActivations,
        Residual,
        Dorefa,
        HalfWaveGaussian,
        LogQuant,
        LinearQuant,
        Uniform,
        PowerOfTwo,
        LearnedStep,
        LearnedClip,
        TrainedTernary,
    )
}


def names() -> tuple[str, ...]:
    """Return the names of all quantizers, the founding papers first."""
    return tuple(_KINDS)


def kinds() -> dict[str, type[Quantizer]]:
    """Return the class of each quantizer, by name."""
    return dict(_KINDS)


def get(name: str, /, **options: Any) -> Quantizer:
    """Return the quantizer called `name` with the options given.

    Raises
    ------
    InvalidInput
        For an unknown name or option (with the nearest known one), and for a value not allowed.
    """
    if not isinstance(name, str) or name not in _KINDS:
        raise InvalidInput(_unknown("quantizer", name, tuple(_KINDS)))
    kind = _KINDS[name]
    known = kind.option_fields()
    for option in options:
        if option not in known:
            raise InvalidInput(_unknown(f"option of {name}", option, tuple(known)))
    return kind(**{known[option]: value for option, value in options.items()})


def _unknown(what: str, given: object, known: tuple[str, ...]) -> str:
    allowed = ", ".join(known)
    return f"no {what} is called {shorten(given)}{suggest(given, known)} (known: {allowed})"
