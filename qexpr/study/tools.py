"""What a cell is handed besides itself: generators that depend on the cell alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qexpr.core.canonical import sha256

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Tools"]


@dataclass(frozen=True)
class Tools:
    """Draws for one cell: the same wherever, whenever and beside whatever it is run.

    Two cells that differ in anything draw independently. Where cells are to share what they draw
    (the same start for every method), use ``cell["seed"]`` itself, or `shared`.
    """

    kind: str
    cell: Mapping[str, Any]

    def rng(self, *key: int) -> np.random.Generator:
        """A generator of this cell's own; other integers give other, independent ones."""
        return _generator(int(self.cell.get("seed", 0)), sha256([self.kind, dict(self.cell)]), key)

    def shared(self, names: tuple[str, ...], *key: int) -> np.random.Generator:
        """A generator that all cells of one seed share which agree in the parameters named."""
        part = {name: self.cell[name] for name in names}
        return _generator(int(self.cell.get("seed", 0)), sha256([self.kind, part]), key)

    def seed(self, *key: int) -> int:
        """An integer below 2^63 from `rng(*key)`, for what takes a seed."""
        return int(self.rng(*key).integers(2**63))


def _generator(seed: int, digest: str, key: tuple[int, ...]) -> np.random.Generator:
    import numpy as np

    words = tuple(int(digest[i : i + 8], 16) for i in range(0, 32, 8))
    sequence = np.random.SeedSequence(seed, spawn_key=(*words, *key))
    return np.random.Generator(np.random.Philox(sequence))
