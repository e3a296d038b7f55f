"""The sum tree: partitions of unity of blocks, coarse to fine, one edge a child.

On a grid of N + 1 = N_0 2^L nodes an axis, block k of level l holds the nodes
2^s k .. 2^s (k + 1) - 1 on each axis, s = L - l. With hats phi_m of sum 1,
    psi_{L,m} = phi_m,   psi_{l,k} = sum of the 2^d children psi_{l+1,2k+e},
is a partition of unity for every l, and psi_{l,k} > 0 only where
|N x_i - 2^s k_i - (2^s - 1)/2| < (2^s + 1)/2. (Docs, Lemma 30.)
"""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from itertools import product

import numpy as np

from qexpr.circuits.builder import Group, Indices
from qexpr.circuits.gadgets import Kit

__all__ = ["block_class", "class_size", "classes", "sum_tree"]


def sum_tree(
    kit: Kit, hats: Group, scale: Fraction, first: int, levels: int
) -> list[tuple[Group, Fraction]]:
    """The psi of every level, coarsest first, with their scales: u^s times the hats'."""
    net, d = kit.net, kit.net.d
    out = [(hats, scale)]
    for level in range(levels - 1, -1, -1):
        side = first << level
        made = net.group("block", side**d, level=level, scale=str(scale * kit.u))
        finer = out[-1][0]
        net.connect(finer, made, kit.u, partial(_to_parents, side, d), finer.size)
        scale *= kit.u
        out.append((made, scale))
    return out[::-1]


def _to_parents(side: int, d: int) -> tuple[Indices, Indices]:
    index = np.arange((2 * side) ** d)
    target, rest, place = np.zeros_like(index), index, 1
    for _ in range(d):
        target += rest % (2 * side) // 2 * place
        rest, place = rest // (2 * side), place * side
    return index, target


def classes(side: int, d: int) -> list[tuple[int, ...]]:
    """The residues p of k mod 2 that `side` blocks an axis have."""
    return list(product(range(min(side, 2)), repeat=d))


def class_size(side: int, p: tuple[int, ...]) -> int:
    """How many blocks k = p mod 2 there are."""
    size = 1
    for residue in p:
        size *= (side + 1 - residue) // 2
    return size


def block_class(side: int, p: tuple[int, ...]) -> Indices:
    """The blocks k = p mod 2 as indices in raster order, ascending."""
    out = np.zeros(1, np.int64)
    for residue in p:
        out = (out[:, None] * side + np.arange(residue, side, 2)).ravel()
    return out
