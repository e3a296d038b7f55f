"""The partition of unity on the Kuhn mesh, recognised node by node (theory, G3).

With y = N x - m every hat has to be relu(c (1 - max(0, y) - max(0, -y))), max over coordinates:

    d = 1    relu(c min(1 + y, 1 - y))
    d = 2    c - c relu(-y_1) - c relu(y_2) - c relu(y_1 - y_2)
    d >= 3   c - M - M' - relu(y_d c - M) - relu(-y_d c - M'),   M = c max(0, y_1, .., y_(d-1))

and M' of -y. A hat reads one unit that carries c and its first terms: relu(relu(a) - b) is
relu(a - b) for b >= 0. Terms that are 0 on the whole cube may be missing.
"""

from __future__ import annotations

import numpy as np

from qexpr.certificates.merged import Merged, Run
from qexpr.certificates.templates.rules import ABOVE, AFFINE, BELOW, HAT, Rules, lengths_of
from qexpr.errors import CertificateError

__all__ = ["recognise_hats"]

_BITS = 52  # differences of rows are summed over d + 1 <= 2^8 numbers
_NAMES = "the hats"


def _dominated(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Whether every row of lower (m, r, d+1) is on the cube at most some row of upper (m, s, ..).

    Rows that are all 0 stand for the function 0.
    """
    gap = lower[:, :, None, :] - upper[:, None, :, :]
    most = gap[..., -1] + np.maximum(gap[..., :-1], 0).sum(axis=-1)
    return np.asarray((most <= 0).any(axis=2).all(axis=1))


def _with_zero(rows: np.ndarray) -> np.ndarray:
    return np.concatenate([rows, np.zeros_like(rows[:, :1])], axis=1)


def _same_maximum(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """max(0, rows of a) = max(0, rows of b), by domination both ways."""
    a, b = _with_zero(a), _with_zero(b)
    return _dominated(a, b) & _dominated(b, a)


def _same_minimum(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """relu(min(rows of a)) = relu(min(rows of b)), the same way."""
    return _dominated(-a, -b) & _dominated(-b, -a)


class _Node:
    """All hats of a run at once: y = N x - m for every node m, rows over N-free integers."""

    def __init__(self, d: int, N: int, size: int) -> None:
        self.m = np.indices((N + 1,) * d).reshape(d, -1).T
        self.y = np.zeros((size, d, d + 1), np.int64)
        self.y[:, np.arange(d), np.arange(d)] = N
        self.y[:, :, -1] = -self.m
        self.one = np.zeros((size, 1, d + 1), np.int64)
        self.one[..., -1] = 1


def _actual(
    rules: Rules, unit: np.ndarray, number: np.ndarray, exponent: np.ndarray, place: np.ndarray
) -> np.ndarray:
    """The rows of weight * unit over 2^place; missing rows repeat the first."""
    rows = rules.rows[unit].copy()
    spare = np.arange(rows.shape[1])[None, :] >= rules.count[unit][:, None]
    rows = np.where(spare[:, :, None], rows[:, :1], rows)
    shift = place - rules.exponent[unit] - exponent
    size = np.abs(rows).max(axis=(1, 2), initial=1)
    if (shift < 0).any() or (lengths_of(size) + lengths_of(number) + shift > _BITS).any():
        raise CertificateError(f"the numbers of {_NAMES} are beyond this checker")
    return np.asarray(rows * number[:, None, None] << shift[:, None, None])


def recognise_hats(rules: Rules, run: Run, N: int) -> None:
    """Prove that a run's unit i is c times the hat of the i-th node in raster order.

    Raises
    ------
    CertificateError
        If one is not.
    """
    d = rules.net.d
    if run.size != (N + 1) ** d:
        raise CertificateError(f"there are {run.size} hats, a mesh of {N} cells has {(N + 1) ** d}")
    node = _Node(d, N, run.size)
    if d == 1:
        number, exponent = _line(rules, run, node)
    else:
        number, exponent = _flattened(rules, run, node, N)
    units = np.arange(run.first, run.first + run.size)
    rules.rows[units] = 0
    rules.rows[units, 0, :-1] = node.m
    rules.rows[units, 0, -1] = number
    rules.kind[units], rules.count[units], rules.exponent[units] = HAT, 1, exponent


def _line(rules: Rules, run: Run, node: _Node) -> tuple[int, int]:
    if not rules.recognise(run):
        raise CertificateError(f"{_NAMES} follow no rule")
    units = np.arange(run.first, run.first + run.size)
    # the scale is that of the first: relu(c (1 - N x))
    number, exponent = int(rules.rows[run.first, 0, -1]), int(rules.exponent[run.first])
    place = np.full(run.size, max(int(rules.exponent[units].max()), exponent))
    one = np.ones(run.size, np.int64)
    rows = _actual(rules, units, one, np.zeros(run.size, np.int64), place)
    scale = _scale(number, exponent, place, node)
    expected = np.concatenate([node.one + node.y, node.one - node.y], axis=1) * scale
    good = np.isin(rules.kind[units], (ABOVE, AFFINE)) & (rules.count[units] == 1)
    good |= rules.kind[units] == BELOW
    _require(good & _same_minimum(rows, expected), run)
    return number, exponent


def _scale(number: int, exponent: int, place: np.ndarray, node: _Node) -> np.ndarray:
    shift = place - exponent
    size = int(np.abs(node.y).max()).bit_length() + abs(number).bit_length()
    if number <= 0 or (shift < 0).any() or int(shift.max()) + size > _BITS:
        raise CertificateError(f"the scale of {_NAMES} is beyond this checker")
    return (number << shift)[:, None, None]


class _Slots:
    """The negative terms of every hat, by the run of units that they come from."""

    def __init__(self, net: Merged, size: int) -> None:
        self.net, self.size = net, size
        self.of_unit = np.zeros(net.units, np.int64)
        for i, run in enumerate(net.runs, start=1):
            self.of_unit[run.first : run.first + run.size] = i
        self.unit: dict[int, np.ndarray] = {}
        self.number: dict[int, np.ndarray] = {}
        self.exponent: dict[int, np.ndarray] = {}

    def add(
        self, hat: np.ndarray, unit: np.ndarray, number: np.ndarray, exponent: np.ndarray
    ) -> None:
        for slot in np.unique(self.of_unit[unit]).tolist():
            now = self.of_unit[unit] == slot
            if slot not in self.unit:
                self.unit[slot] = np.full(self.size, -1)
                self.number[slot] = np.zeros(self.size, np.int64)
                self.exponent[slot] = np.zeros(self.size, np.int64)
            if (self.unit[slot][hat[now]] >= 0).any() or len(np.unique(hat[now])) < now.sum():
                raise CertificateError(f"two terms of one of {_NAMES} are of one kind")
            self.unit[slot][hat[now]] = unit[now]
            self.number[slot][hat[now]] = number[now]
            self.exponent[slot][hat[now]] = exponent[now]


def _flattened(rules: Rules, run: Run, node: _Node, N: int) -> tuple[int, int]:
    """d >= 2: c and the terms that are subtracted from it, each compared with its template."""
    net = rules.net
    edges = slice(int(net.starts[run.first]), int(net.starts[run.first + run.size]))
    source, number, exponent = net.sources[edges], net.numbers[edges], net.exponents[edges]
    hat = np.repeat(np.arange(run.size), np.diff(net.starts[run.first : run.first + run.size + 1]))
    up = number > 0
    if not np.array_equal(hat[up], np.arange(run.size)):
        raise CertificateError(f"each of {_NAMES} must read one unit with a positive weight")
    slots = _Slots(net, run.size)
    slots.add(hat[~up], source[~up], -number[~up], exponent[~up])
    near, w, e = source[up], number[up], exponent[up]
    lengths = net.starts[near + 1] - net.starts[near]
    ends = np.cumsum(lengths)
    inner = np.arange(int(ends[-1])) - np.repeat(ends - lengths - net.starts[near], lengths)
    owner = np.repeat(np.arange(run.size), lengths)
    total, place = net.numbers[inner] * w[owner], net.exponents[inner] + e[owner]
    if (lengths_of(net.numbers[inner]) + lengths_of(w[owner]) > _BITS).any():
        raise CertificateError(f"the numbers of {_NAMES} are beyond this checker")
    first = total > 0
    constant = net.sources[inner][first]
    flat = (rules.kind[constant] == AFFINE) & (rules.rows[constant, 0, :-1] == 0).all(axis=1)
    if not flat.all() or not np.array_equal(owner[first], np.arange(run.size)):
        raise CertificateError(f"each of {_NAMES} must begin with a constant")
    if (lengths_of(rules.rows[constant, 0, -1]) + lengths_of(total[first]) > _BITS).any():
        raise CertificateError(f"the numbers of {_NAMES} are beyond this checker")
    heights = rules.rows[constant, 0, -1] * total[first]
    powers = rules.exponent[constant] + place[first]
    height, power = int(heights[0]), int(powers[0])
    if (heights != height).any() or (powers != power).any():
        raise CertificateError(f"{_NAMES} are not all of one height")
    rest = ~first
    slots.add(owner[rest], net.sources[inner][rest], -total[rest], place[rest])
    _compare(rules, slots, node, height, power, run)
    return height, power


def _templates(node: _Node, d: int) -> list[tuple[str, np.ndarray]]:
    """("maximum", rows) or ("excess", rows) of every term, over c."""
    y = node.y
    if d == 2:
        return [
            ("maximum", -y[:, :1]),
            ("maximum", y[:, 1:]),
            ("maximum", y[:, :1] - y[:, 1:]),
        ]
    out = []
    for signed in (y, -y):
        before, last = signed[:, :-1], signed[:, -1:]
        out.append(("maximum", before))
        out.append(("excess", np.concatenate([last, last - before], axis=1)))
    return out


def _compare(rules: Rules, slots: _Slots, node: _Node, height: int, power: int, run: Run) -> None:
    d = rules.net.d
    left = _templates(node, d)
    for slot, units in slots.unit.items():
        some = np.flatnonzero(units >= 0)
        unit, number = units[some], slots.number[slot][some]
        exponent = slots.exponent[slot][some]
        place = np.maximum(rules.exponent[unit] + exponent, power)
        actual = _actual(rules, unit, number, exponent, place)
        kind, count = rules.kind[unit], rules.count[unit]
        single = np.isin(kind, (AFFINE, ABOVE)) & (count == 1)
        for i, (name, rows) in enumerate(left):
            expected = rows[some] * _scale(height, power, place, node)
            if name == "maximum":
                good = np.isin(kind, (AFFINE, ABOVE)) & _same_maximum(actual, expected)
            else:
                good = (single | (kind == BELOW)) & _same_minimum(actual, expected)
            if good.all():
                _require(_vanishes(name, np.delete(rows, some, axis=0)), run)
                del left[i]
                break
        else:
            raise CertificateError(
                f"what is subtracted from {_NAMES} from node {run.node} on is no term of theirs"
            )
    for name, rows in left:
        _require(_vanishes(name, rows), run)


def _vanishes(name: str, rows: np.ndarray) -> np.ndarray:
    """Which terms are 0 on the whole cube."""
    most = rows[..., -1] + np.maximum(rows[..., :-1], 0).sum(axis=-1)
    return np.asarray((most <= 0).all(axis=1) if name == "maximum" else (most <= 0).any(axis=1))


def _require(good: np.ndarray, run: Run) -> None:
    if not good.all():
        raise CertificateError(f"a unit of {_NAMES} from node {run.node} on is no hat of its node")
