"""Linear regions of fully connected ReLU networks, in exact integers.

Montufar, Pascanu, Cho, Bengio (2014) and Serra, Tjandraatmadja, Ramalingam (2018). The output
layer is linear and makes no regions; widths are inputs n_0, hidden layers n_1..n_L, outputs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

from qexpr.bounds.calculators.calculator import Calculator, Line, Parameter
from qexpr.bounds.references import reference
from qexpr.core.claim import Explicit, Side
from qexpr.core.source import Source, Trust
from qexpr.errors import OutOfRegime

__all__ = ["CALCULATOR", "montufar_lower", "serra_lower", "serra_upper"]

MONTUFAR = Source(
    reference("montufar2014"), "lower bound on the number of regions", Trust("RECALLED", 0.97)
)
SERRA = Source(reference("serra2018"), "upper and lower bound", Trust("RECALLED", 0.92))
ONE_INPUT = Source(
    reference("serra2018"),
    "the exact number for one input",
    Trust("RECALLED", 0.92),
    "that it is exact for one input is confirmed, the formula is recalled",
)

_MAX_STEPS = 200_000
_MAX_DIGITS = 12288


def _cells(units: int, dimension: int) -> int:
    """sum_{j <= n_0} C(n, j): the regions of `units` hyperplanes in general position."""
    return sum(math.comb(units, j) for j in range(min(units, dimension) + 1))


def montufar_lower(inputs: int, hidden: Sequence[int]) -> int:
    """prod_{l<L} floor(n_l/n_0)^n_0 times sum_{j<=n_0} C(n_L, j), for n_l >= n_0."""
    if min(hidden) < inputs:
        raise OutOfRegime(f"every hidden layer must have at least n_0 = {inputs} units")
    folds: int = math.prod((units // inputs) ** inputs for units in hidden[:-1])
    return folds * _cells(hidden[-1], inputs)


def serra_lower(inputs: int, hidden: Sequence[int]) -> int:
    """prod_{l<L} (floor(n_l/n_0) + 1)^n_0 times sum_{j<=n_0} C(n_L, j), for n_l >= 3 n_0."""
    if min(hidden) < 3 * inputs:
        raise OutOfRegime(f"every hidden layer must have at least 3 n_0 = {3 * inputs} units")
    folds: int = math.prod((units // inputs + 1) ** inputs for units in hidden[:-1])
    return folds * _cells(hidden[-1], inputs)


def serra_upper(inputs: int, hidden: Sequence[int]) -> int:
    """sum over J of prod_l C(n_l, j_l), by a dynamic programme over layer and dimension left.

    J holds 0 <= j_l <= min(n_0, n_1 - j_1, ..., n_{l-1} - j_{l-1}, n_l): a region keeps at most
    the dimension that the layers before left it.
    """
    widest = min(inputs, max(hidden))
    if len(hidden) * (widest + 1) ** 2 > _MAX_STEPS:
        raise OutOfRegime(f"the programme takes more than {_MAX_STEPS} steps: fewer inputs")
    if len(hidden) * min(widest * max(hidden).bit_length(), max(hidden)) > 4 * _MAX_DIGITS:
        raise OutOfRegime("the count has too many digits: smaller or fewer layers")

    @cache
    def regions(layer: int, dimension: int) -> int:
        if layer == len(hidden):
            return 1
        units = hidden[layer]
        return sum(
            math.comb(units, j) * regions(layer + 1, min(dimension, units - j))
            for j in range(min(dimension, units) + 1)
        )

    count = regions(0, inputs)
    if count.bit_length() > _MAX_DIGITS:
        raise OutOfRegime(f"the count has more than {_MAX_DIGITS} binary digits")
    return count


def _lower(label: str, source: Source, inputs: int, hidden: Sequence[int]) -> Line:
    bound = montufar_lower if source is MONTUFAR else serra_lower
    note = "the best weights have at least so many"
    try:
        return Line(label, Explicit.exact(bound(inputs, hidden), Side.LOWER), note, source)
    except OutOfRegime as error:
        return Line(label, "does not apply", str(error), source)


def _lines(widths: tuple[int, ...]) -> list[Line]:
    inputs, hidden = widths[0], widths[1:-1]
    upper = serra_upper(inputs, hidden)
    lines = [
        Line(
            "upper (Serra et al.)",
            Explicit.exact(upper, Side.UPPER),
            "no weights have more",
            SERRA,
        ),
        _lower("lower (Montufar et al.)", MONTUFAR, inputs, hidden),
        _lower("lower (Serra et al.)", SERRA, inputs, hidden),
    ]
    if inputs == 1:
        note = "prod (n_l + 1): the most that any weights have"
        if min(hidden[:-1], default=3) < 3:
            note = "prod (n_l + 1); reached where all hidden layers but the last have 3 units"
        lines.append(Line("one input", math.prod(n + 1 for n in hidden), note, ONE_INPUT))
    return lines


CALCULATOR = Calculator(
    "regions",
    "linear regions of fully connected ReLU networks",
    r"The most linear regions that networks of these widths have: at most "
    r"$\sum_{(j_1..j_L) \in J} \prod_l \binom{n_l}{j_l}$, at least "
    r"$\prod_{l<L} (\lfloor n_l/n_0 \rfloor + 1)^{n_0} \sum_{j \le n_0} \binom{n_L}{j}$.",
    (
        Parameter(
            "widths",
            "integers",
            1,
            4096,
            "inputs, units of each hidden layer, outputs: 2,64,64,1",
            length=3,
        ),
    ),
    _lines,
    (SERRA, MONTUFAR, ONE_INPUT),
)
