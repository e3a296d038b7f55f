"""What is learned from: samples of targets, scikit-learn's digits, a user's arrays."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qexpr.core.numbers import read_integer
from qexpr.errors import InvalidInput, Unsupported, shorten
from qexpr.quantizers.options import check_choice, check_real

if TYPE_CHECKING:
    from qexpr.targets import Target

__all__ = ["ClassData", "TargetData", "digits", "from_arrays", "sample_target"]

_SPLIT = 20231  # of the digits, once and for all
_TEST, _VALID = 360, 288
_DENSE = 20_000


@dataclass(frozen=True, eq=False)
class TargetData:
    """Samples of a function on the unit cube, and the points at which the error is judged.

    Attributes
    ----------
    x, y : arrays of shape (m, d) and (m,)
    slopes : array of shape (m, d) or None; the first derivatives, for a Sobolev loss
    test_x, test_y : a denser set, on which the largest error is taken
    target : the function, where the samples are of one
    """

    x: np.ndarray
    y: np.ndarray
    slopes: np.ndarray | None
    test_x: np.ndarray
    test_y: np.ndarray
    target: Target | None = None

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(d,)."""
        return (self.x.shape[1],)

    @property
    def judged(self) -> tuple[np.ndarray, np.ndarray]:
        """What the best network is chosen by: the dense points."""
        return self.test_x, self.test_y


@dataclass(frozen=True, eq=False)
class ClassData:
    """Inputs with classes 0, 1, ..

    Attributes
    ----------
    x, y : arrays of shape (m, d) or (m, channels, height, width), and (m,)
    valid_x, valid_y : kept back from training; the best network is the one with fewest wrong here
    test_x, test_y : never seen by a run, neither to learn from nor to choose by
    classes : how many
    """

    x: np.ndarray
    y: np.ndarray
    valid_x: np.ndarray
    valid_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    classes: int

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one input."""
        return tuple(self.x.shape[1:])

    @property
    def judged(self) -> tuple[np.ndarray, np.ndarray]:
        """What the best network is chosen by: the validation set."""
        return self.valid_x, self.valid_y

    def wrong(self, network: Callable[[np.ndarray], np.ndarray]) -> int:
        """How many of the test set a network gets wrong (its inputs flat, as of a frozen one)."""
        outputs = network(self.test_x.reshape(len(self.test_x), -1))
        return int(np.sum(outputs.argmax(axis=1) != self.test_y))


def sample_target(
    target: Target,
    samples: int = 4096,
    *,
    method: str = "sobol",
    seed: int = 0,
    derivatives: bool = False,
) -> TargetData:
    """Sample a target.

    Parameters
    ----------
    target : a function of `qexpr.targets`
    samples : how many; a grid takes the largest cube of at most so many, corners included
    method : {"sobol", "halton", "grid"}
        Quasi-random points of scipy.stats.qmc, scrambled by the seed.
    derivatives : bool
        Whether the first derivatives are sampled too.
    """
    read_integer(samples, "samples", 2, 10**8)
    check_choice(method, "method", ("sobol", "halton", "grid"))
    x = (
        _grid(target.d, samples)
        if method == "grid"
        else _quasi_random(method, target.d, samples, seed)
    )
    dense = _grid(target.d, max(_DENSE, samples))
    slopes = None
    if derivatives:
        orders = np.eye(target.d, dtype=int).tolist()
        slopes = np.stack([_values(target, x, order) for order in orders], axis=1)
    zero = [0] * target.d
    tested = _values(target, dense, zero)
    return TargetData(x, _values(target, x, zero), slopes, dense, tested, target)


def _values(target: Any, x: np.ndarray, order: Sequence[int]) -> np.ndarray:
    low, high = target.enclose_boxes(tuple(order), x, x)
    values = (low + high) / 2
    if not np.isfinite(values).all():
        raise InvalidInput(f"D^{tuple(order)} of the target is not finite at a sample")
    return np.asarray(values)


def _grid(d: int, most: int) -> np.ndarray:
    side = int(most ** (1 / d) + 1e-9)
    if side < 2:
        raise InvalidInput(f"a grid in {d} dimensions has at least {2**d} points, got {most}")
    return np.array(list(itertools.product(np.linspace(0, 1, side), repeat=d)))


def _quasi_random(method: str, d: int, samples: int, seed: int) -> np.ndarray:
    try:
        from scipy.stats import qmc
    except ModuleNotFoundError:
        raise Unsupported("quasi-random samples need SciPy: pip install 'qexpr[train]'") from None
    kind = qmc.Sobol if method == "sobol" else qmc.Halton
    source = np.random.Generator(np.random.Philox(np.random.SeedSequence(seed)))
    engine = kind(d, scramble=True, seed=source)
    if method == "sobol":
        return np.asarray(engine.random_base2((samples - 1).bit_length())[:samples])
    return np.asarray(engine.random(samples))


def digits(*, image: bool = False) -> ClassData:
    """scikit-learn's 8 x 8 digits in [0, 1], split once and for all.

    1149 to learn from, 288 to choose the best network by, 360 to test it on.

    Parameters
    ----------
    image : whether inputs have the shape (1, 8, 8) instead of (64,)
    """
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError:
        raise Unsupported("the digits need scikit-learn: pip install 'qexpr[train]'") from None
    found = load_digits()
    x = found.images[:, None] / 16.0 if image else found.data / 16.0
    order = np.random.Generator(np.random.Philox(_SPLIT)).permutation(len(x))
    test, valid, rest = np.split(order, [_TEST, _TEST + _VALID])
    y = found.target.astype(np.int64)
    return ClassData(x[rest], y[rest], x[valid], y[valid], x[test], y[test], 10)


def from_arrays(
    x: Any, y: Any, test_x: Any, test_y: Any, *, validation: float = 0.2
) -> TargetData | ClassData:
    """A user's arrays: integers as y are classes, floating numbers are values of a function.

    Parameters
    ----------
    x, y, test_x, test_y : arrays
        Of a function, the best network is the one of least error on the test points.
    validation : float
        The share of the classes' samples that is kept back, drawn once and for all, to choose the
        best network by.

    Raises
    ------
    InvalidInput
        For shapes that do not fit, or numbers that are not finite.
    """
    inputs = [np.array(part, dtype=np.float64) for part in (x, test_x)]
    outputs = [np.array(part) for part in (y, test_y)]
    for part, values in zip(inputs, outputs, strict=True):
        if part.ndim not in (2, 4) or values.shape != part.shape[:1] or not len(part):
            raise InvalidInput(
                "x must have shape (m, d) or (m, channels, height, width) and y shape (m,), got "
                f"{part.shape} and {values.shape}"
            )
        if not np.isfinite(part).all() or not np.isfinite(values).all():
            raise InvalidInput("x and y must be finite, got NaN or infinite entries")
    if inputs[0].shape[1:] != inputs[1].shape[1:]:
        raise InvalidInput(
            f"x and test_x must have inputs of one shape, got {inputs[0].shape[1:]} and "
            f"{inputs[1].shape[1:]}"
        )
    if all(values.dtype.kind in "iu" for values in outputs):
        if min(int(values.min()) for values in outputs) < 0:
            raise InvalidInput("classes must be 0, 1, .., got a negative one")
        classes = 1 + max(int(values.max()) for values in outputs)
        first, second = (values.astype(np.int64) for values in outputs)
        valid, rest = _parted(len(first), validation)
        whole = inputs[0]
        return ClassData(
            whole[rest], first[rest], whole[valid], first[valid], inputs[1], second, classes
        )
    if any(values.dtype.kind != "f" for values in outputs) or inputs[0].ndim != 2:
        raise InvalidInput(f"values of a function must be floats at points, got {shorten(y)}")
    first, second = (values.astype(np.float64) for values in outputs)
    return TargetData(inputs[0], first, None, inputs[1], second)


def _parted(count: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of the samples kept back, and of the others."""
    kept = round(check_real(share, "validation") * count)
    if not 0 < kept < count:
        raise InvalidInput(
            f"validation must leave samples on both sides, got {share:g} of {count} samples"
        )
    order = np.random.Generator(np.random.Philox(_SPLIT)).permutation(count)
    return order[:kept], order[kept:]
