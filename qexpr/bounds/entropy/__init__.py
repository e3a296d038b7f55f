"""Entropy floors: what no network, whatever its graph, can do without; and what a code needs.

Principle P: P members of F(d, n) pairwise more than 2 eps apart need log2 P bits. Principle V: an
image of volume V under sampling at K points needs M bits with 2^M (2 eps)^K >= V.
"""

from qexpr.bounds.entropy import (
    bumps,
    codes,
    floors,
    lattice,
    real_weights,
    volumes,
    weights,
)
from qexpr.bounds.entropy.floors import best_floor, code_bits, floor_bits

__all__ = ["BOUNDS", "best_floor", "code_bits", "floor_bits"]

BOUNDS = (
    *lattice.BOUNDS,
    *bumps.BOUNDS,
    *volumes.BOUNDS,
    *floors.BOUNDS,
    *codes.BOUNDS,
    *weights.BOUNDS,
    *real_weights.BOUNDS,
)
