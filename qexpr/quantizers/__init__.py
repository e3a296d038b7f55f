"""Quantizers: real arrays to integer codes and scales, exactly as the papers define them.

>>> from qexpr import quantizers
>>> q = quantizers.get("twn", threshold="exact")
>>> codes, scale = q.encode([0.9, -1.1, 0.1])
>>> codes.tolist(), float(scale)
([1, -1, 0], 1.0)
"""

from __future__ import annotations

from qexpr.quantizers.base import Quantizer
from qexpr.quantizers.description import CollapseWarning, Description, Measure
from qexpr.quantizers.power import ap2, ap2_torch
from qexpr.quantizers.registry import get, kinds, names
from qexpr.quantizers.scales import Scales

__all__ = [
    "CollapseWarning",
    "Description",
    "Measure",
    "Quantizer",
    "Scales",
    "ap2",
    "ap2_torch",
    "get",
    "kinds",
    "names",
]
