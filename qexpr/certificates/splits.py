"""Boxes as a forest of halvings, and its compact text.

In preorder a leaf is "." and a box halved across coordinate k is the k-th letter; the trees of
several root boxes follow each other. The middle is ``a + (b - a) / 2`` in doubles, the same on
every machine, and exact where the roots are unit cubes.
"""

from __future__ import annotations

import string
from dataclasses import dataclass

import numpy as np

from qexpr.errors import CertificateError

__all__ = ["MOST_DIMENSIONS", "SMALLEST", "Boxes", "Forest", "leaves", "unit_cube"]

_LETTERS = string.ascii_letters
MOST_DIMENSIONS = len(_LETTERS)
SMALLEST = 2.0**-43  # a side that is not halved any more
_MOST_LEAVES = 5_000_000


@dataclass(frozen=True, eq=False)
class Boxes:
    """Boxes [lower, upper], arrays (m, d), and the root that each lies in."""

    lower: np.ndarray
    upper: np.ndarray
    root: np.ndarray

    def __len__(self) -> int:
        return len(self.lower)

    def __getitem__(self, chosen: np.ndarray | slice) -> Boxes:
        return Boxes(self.lower[chosen], self.upper[chosen], self.root[chosen])

    def joined(self, other: Boxes) -> Boxes:
        """These boxes, then the others."""
        pairs = zip(
            (self.lower, self.upper, self.root), (other.lower, other.upper, other.root), strict=True
        )
        return Boxes(*(np.concatenate(pair) for pair in pairs))

    def middles(self) -> tuple[np.ndarray, np.ndarray]:
        """Points c of the boxes, and radii r such that [c - r, c + r] contains each box."""
        centre = self.lower + (self.upper - self.lower) / 2
        centre = np.clip(centre, self.lower, self.upper)
        radius = np.maximum(self.upper - centre, centre - self.lower)
        return centre, np.nextafter(radius, np.inf)

    def divisible(self) -> np.ndarray:
        """Which sides may still be halved."""
        return self.upper - self.lower > SMALLEST

    def halved(self, axes: np.ndarray) -> Boxes:
        """All lower halves, then all upper halves."""
        rows = np.arange(len(self))
        middle = self.lower[rows, axes]
        middle = middle + (self.upper[rows, axes] - middle) / 2
        first, second = self.upper.copy(), self.lower.copy()
        first[rows, axes] = middle
        second[rows, axes] = middle
        return Boxes(
            np.concatenate([self.lower, second]),
            np.concatenate([first, self.upper]),
            np.concatenate([self.root, self.root]),
        )


def unit_cube(d: int) -> Boxes:
    """[0, 1]^d."""
    return Boxes(np.zeros((1, d)), np.ones((1, d)), np.zeros(1, dtype=np.int64))


class Forest:
    """Which box was halved across which coordinate; boxes are numbered as they appear."""

    def __init__(self, roots: int) -> None:
        self.roots = roots
        self.child = [0] * roots  # the lower half; the upper half is the next; 0: a leaf
        self.axis = [-1] * roots

    def split(self, numbers: np.ndarray, axes: np.ndarray) -> np.ndarray:
        """Halve boxes; returns the numbers of all lower halves, then of all upper halves."""
        first = len(self.child)
        for i, (number, axis) in enumerate(zip(numbers.tolist(), axes.tolist(), strict=True)):
            self.child[number] = first + 2 * i
            self.axis[number] = axis
        self.child += [0] * (2 * len(numbers))
        self.axis += [-1] * (2 * len(numbers))
        low = first + 2 * np.arange(len(numbers))
        return np.concatenate([low, low + 1])

    def text(self) -> str:
        """Preorder, root by root."""
        out, stack = [], list(range(self.roots - 1, -1, -1))
        while stack:
            number = stack.pop()
            child = self.child[number]
            if child:
                out.append(_LETTERS[self.axis[number]])
                stack += (child + 1, child)
            else:
                out.append(".")
        return "".join(out)


def leaves(text: str, roots: Boxes) -> Boxes:
    """The leaves of a forest.

    Raises
    ------
    CertificateError
        If the text is not the preorder of halvings of these roots.
    """
    axes = {letter: k for k, letter in enumerate(_LETTERS[: roots.lower.shape[1]])}
    stack = [
        (tuple(low), tuple(high), k)
        for k, (low, high) in enumerate(
            zip(roots.lower.tolist(), roots.upper.tolist(), strict=True)
        )
    ][::-1]
    found = []
    for letter in text:
        if not stack:
            raise CertificateError("the tree of splits goes on after its end")
        box = stack.pop()
        if letter == ".":
            found.append(box)
            if len(found) > _MOST_LEAVES:
                raise CertificateError(f"the tree of splits has more than {_MOST_LEAVES} leaves")
            continue
        if letter not in axes:
            raise CertificateError(f"the tree of splits holds {letter!r}")
        k = axes[letter]
        low, high, root = box
        if not high[k] - low[k] > SMALLEST:
            raise CertificateError("the tree of splits goes below the smallest box")
        middle = low[k] + (high[k] - low[k]) / 2
        stack.append(((*low[:k], middle, *low[k + 1 :]), high, root))
        stack.append((low, (*high[:k], middle, *high[k + 1 :]), root))
    if stack:
        raise CertificateError("the tree of splits ends too early")
    lower, upper, root = zip(*found, strict=True)
    return Boxes(np.array(lower), np.array(upper), np.array(root, dtype=np.int64))
