"""Witnesses: networks that the library builds, and how many weights each of them takes.

Every count stands here a second time, as closed forms over the parameters of the plan: how often a
number is halved, how many digits it has, how many edges a weight costs. Nothing here sees a
network; tests hold these numbers against built ones.
"""

from qexpr.bounds.witness import (
    bubbles,
    cones,
    ding2018,
    multiresolution,
    shared_bitplane,
    sigma_delta,
)

__all__ = ["BOUNDS"]

BOUNDS = (
    *shared_bitplane.BOUNDS,
    *cones.BOUNDS,
    *bubbles.BOUNDS,
    *multiresolution.BOUNDS,
    *sigma_delta.BOUNDS,
    *ding2018.BOUNDS,
)
