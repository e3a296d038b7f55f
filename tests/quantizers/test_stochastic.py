"""Unbiasedness and variance of the stochastic quantizers.

Each check is a mean of N independent draws, bounded by width b, against its expectation. By
Hoeffding's inequality it strays by more than b sqrt(ln(2 K / p) / (2 N)) at one of K points with
probability at most p; p is 1e-8 for each of the checks, so that the whole file gives a false
alarm with probability below 1e-6. The seeds are fixed.
"""

import numpy as np
import pytest
import torch

from qexpr import quantizers
from qexpr.errors import InvalidInput

FALSE_ALARM = 1e-8
DRAWS = 40_000
POINTS = np.array([-3.0, -1.0, -0.99, -0.5, -1e-3, 0.0, 0.3, 0.7, 0.999, 1.0, 2.0])

BINARY = [("binaryconnect", {}), ("bnn", {"role": "activation"})]
BITS = pytest.mark.parametrize("bits", [1, 2, 3, 8])


def slack(width, points, draws=DRAWS):
    """How far a mean of draws may stray."""
    return width * np.sqrt(np.log(2 * points / FALSE_ALARM) / (2 * draws))


def numpy_draws(q, x, draws=DRAWS):
    return q.quantize(np.repeat(x, draws, axis=-1), generator=np.random.default_rng(7))


def torch_draws(q, x, draws=DRAWS):
    generator = torch.Generator().manual_seed(7)
    return q.torch()(torch.tensor(np.repeat(x, draws, axis=-1)), generator=generator).numpy()


ENGINES = pytest.mark.parametrize("draw", [numpy_draws, torch_draws])


@ENGINES
@pytest.mark.parametrize(("name", "options"), BINARY)
def test_binary_mean_is_the_clip(name, options, draw):
    q = quantizers.get(name, stochastic=True, **options)
    values = draw(q, POINTS[:, None])
    assert set(np.unique(values)) == {-1.0, 1.0}
    error = np.abs(values.mean(axis=1) - np.clip(POINTS, -1, 1))
    assert np.max(error) <= slack(2, POINTS.size)


@ENGINES
@pytest.mark.parametrize(("name", "options"), BINARY)
def test_binary_variance(name, options, draw):
    q = quantizers.get(name, stochastic=True, **options)
    mean = np.clip(POINTS, -1, 1)
    square = (draw(q, POINTS[:, None]) - mean[:, None]) ** 2
    assert np.max(np.abs(square.mean(axis=1) - (1 - mean**2))) <= slack(4, POINTS.size)


def test_the_ends_are_certain():
    for name, options in BINARY:
        q = quantizers.get(name, stochastic=True, **options)
        values = numpy_draws(q, np.array([[-1.0], [1.0], [-7.0], [7.0]]))
        assert np.all(values == np.array([[-1], [1], [-1], [1]]))


def gradient_rows(draws=1):
    """One sample a row: equal entries, and last one entry of size m."""
    shares = np.array([-1.0, -0.77, -0.2, -1e-4, 0.0, 1e-4, 0.13, 0.5, 0.999])
    sizes = np.array([3.0, 1e-3, 7.0, 1.0, 2.0, 1.0, 0.5, 1e5, 1.0])
    rows = np.repeat((shares * sizes)[:, None], draws, axis=1)
    return np.concatenate([rows, sizes[:, None]], axis=1), shares, sizes


@BITS
def test_dorefa_gradients_are_unbiased(bits):
    q = quantizers.get("dorefa", role="gradient", bits=bits)
    x, shares, sizes = gradient_rows(DRAWS)
    values = q.quantize(x, generator=np.random.default_rng(11))[:, :-1] / sizes[:, None]
    gap = 2 / (2**bits - 1)  # neighbouring values, in units of m: each draw is one of two
    error = np.abs(values.mean(axis=1) - shares)
    assert np.max(error) <= slack(gap, shares.size)


@BITS
def test_dorefa_gradients_are_unbiased_in_torch(bits):
    q = quantizers.get("dorefa", role="gradient", bits=bits)
    x, shares, sizes = gradient_rows(DRAWS)
    generator = torch.Generator().manual_seed(11)
    values = q.torch()(torch.tensor(x), generator=generator).numpy()[:, :-1] / sizes[:, None]
    assert np.max(np.abs(values.mean(axis=1) - shares)) <= slack(2 / (2**bits - 1), shares.size)


@BITS
def test_dorefa_gradient_variance(bits):
    q = quantizers.get("dorefa", role="gradient", bits=bits)
    x, shares, sizes = gradient_rows(DRAWS)
    values = q.quantize(x, generator=np.random.default_rng(12))[:, :-1] / sizes[:, None]
    gap = 2 / (2**bits - 1)
    place = (2**bits - 1) * (shares / 2 + 0.5)
    part = place - np.floor(place)
    square = (values - shares[:, None]) ** 2
    error = np.abs(square.mean(axis=1) - gap**2 * part * (1 - part))
    assert np.max(error) <= slack(gap**2, shares.size)


def test_without_noise_dorefa_gradients_are_biased():
    q = quantizers.get("dorefa", role="gradient", bits=2, deterministic=True)
    x, shares, sizes = gradient_rows()
    values = q.quantize(x)[:, 0] / sizes
    assert np.max(np.abs(values - shares)) > 0.3
    assert np.max(np.abs(values - shares)) <= 1 / 3 + 1e-12


def test_a_sample_has_its_own_maximum():
    q = quantizers.get("dorefa", role="gradient", bits=1)
    x = np.array([[1.0, -1.0], [0.25, -0.25], [0.0, 0.0]])
    assert np.array_equal(q.quantize(x, generator=np.random.default_rng(0)), x)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("binaryconnect", {"stochastic": True}),
        ("bnn", {"role": "activation", "stochastic": True}),
        ("dorefa", {"role": "gradient"}),
    ],
)
def test_draws_come_from_the_generator(name, options):
    q = quantizers.get(name, **options)
    x = np.linspace(-0.9, 0.9, 500)
    first = q.quantize(x, generator=np.random.default_rng(1))
    assert np.array_equal(first, q.quantize(x, generator=np.random.default_rng(1)))
    assert not np.array_equal(first, q.quantize(x, generator=np.random.default_rng(2)))
    for bad in (None, 5, np.random):
        with pytest.raises(InvalidInput, match=r"numpy\.random\.Generator"):
            q.quantize(x, generator=bad)


def test_a_deterministic_quantizer_takes_no_generator():
    with pytest.raises(InvalidInput, match="deterministic: no generator"):
        quantizers.get("twn").quantize(np.ones(2), generator=np.random.default_rng(0))
