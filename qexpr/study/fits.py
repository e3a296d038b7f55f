"""Numbers out of many rows: groups, medians, slopes with confidence intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from qexpr.study.kind import Row

__all__ = ["Slope", "fit_slope", "group_by", "proportion"]


@dataclass(frozen=True)
class Slope:
    """The exponent k of y ~ x^k by least squares of logarithms, with its 95 % interval."""

    value: float
    low: float
    high: float
    points: int

    def text(self, digits: int = 2) -> str:
        """``1.02 [0.99, 1.05]``."""
        return f"{self.value:.{digits}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]"


def group_by(rows: Iterable[Row], names: Sequence[str]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """(values of `names`, rows with them), in the order in which they first occur."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    yield from groups.items()


def fit_slope(x: Sequence[float], y: Sequence[float]) -> Slope | None:
    """The slope of log y over log x; None for fewer than three different x or values <= 0.

    The interval is Student's for independent errors of equal size in the logarithms. For exact
    counts it says how far they are from a power, not how sure they are.
    """
    pairs = [(math.log(a), math.log(b)) for a, b in zip(x, y, strict=True) if a > 0 and b > 0]
    if len({a for a, _ in pairs}) < 3:
        return None
    from scipy.stats import linregress, t

    found = linregress(*zip(*pairs, strict=True))
    spread = float(t.ppf(0.975, len(pairs) - 2) * found.stderr)
    slope = float(found.slope)
    return Slope(slope, slope - spread, slope + spread, len(pairs))


def proportion(hits: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of Clopper and Pearson (1934) for a share of `hits` among `trials`.

    Four digits, rounded outward: the last ones of the quantiles differ between versions of SciPy.
    """
    from scipy.stats import binomtest

    found = binomtest(hits, trials).proportion_ci(0.95, method="exact")
    return math.floor(found.low * 10**4) / 10**4, math.ceil(found.high * 10**4) / 10**4
