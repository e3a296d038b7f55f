"""XNOR-Net's K: the box filter with the convolution's stride and padding, and its gradient."""

import itertools

import numpy as np
import pytest
import torch

from qexpr import quantizers
from qexpr.errors import InvalidInput

GEOMETRIES = [(1, 1, 0), (3, 1, 1), (3, 2, 0), (2, 3, 1), (5, 2, 2)]


def by_hand(x, kernel, stride, padding):
    """K by its definition, one output at a time; a padded tap counts 0 and is counted."""
    n, _, h, w = x.shape
    a = np.abs(x).mean(axis=1)
    rows, columns = ((s + 2 * padding - kernel) // stride + 1 for s in (h, w))
    out = np.zeros((n, 1, rows, columns))
    for k, i, j in itertools.product(range(n), range(rows), range(columns)):
        for di, dj in itertools.product(range(kernel), repeat=2):
            r, c = i * stride + di - padding, j * stride + dj - padding
            if 0 <= r < h and 0 <= c < w:
                out[k, 0, i, j] += a[k, r, c]
    return out / kernel**2


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=(2, 3, 7, 6))


@pytest.mark.parametrize(("kernel", "stride", "padding"), GEOMETRIES)
def test_k(x, kernel, stride, padding):
    q = quantizers.get("xnor", kernel_size=kernel, stride=stride, padding=padding)
    expected = by_hand(x, kernel, stride, padding)
    assert q.output_scale(x) == pytest.approx(expected, rel=1e-13)
    codes, scale = q.encode(x)
    assert np.array_equal(scale.output, q.output_scale(x))
    assert np.array_equal(codes, np.where(x >= 0, 1, -1))
    assert np.array_equal(q.decode(codes, scale), codes)
    found = q.torch_output_scale()(torch.tensor(x)).numpy()
    assert found == pytest.approx(expected, rel=1e-13)
    convolution = torch.nn.functional.conv2d(
        torch.tensor(x),
        torch.ones(1, 3, kernel, kernel, dtype=torch.float64),
        None,
        stride,
        padding,
    )
    assert convolution.shape == expected.shape


@pytest.mark.parametrize(("kernel", "stride", "padding"), GEOMETRIES)
def test_gradient_through_k(x, kernel, stride, padding):
    geometry = {"kernel_size": kernel, "stride": stride, "padding": padding}
    q = quantizers.get("xnor", k_gradient=True, **geometry)
    upstream = np.random.default_rng(1).normal(size=q.output_scale(x).shape)
    gradient = q.output_scale_gradient(x, upstream)
    direction = np.random.default_rng(2).normal(size=x.shape) * (np.abs(x) > 1e-3)
    step = 1e-6
    ahead, behind = (np.sum(upstream * q.output_scale(x + s * direction)) for s in (step, -step))
    assert np.sum(gradient * direction) == pytest.approx((ahead - behind) / (2 * step), rel=1e-6)
    tensor = torch.tensor(x, requires_grad=True)
    q.torch_output_scale()(tensor).backward(torch.tensor(upstream))
    assert tensor.grad.numpy() == pytest.approx(gradient, abs=1e-14)
    detached = quantizers.get("xnor", **geometry)
    assert not detached.output_scale_gradient(x, upstream).any()
    assert not detached.torch_output_scale()(tensor).requires_grad


def test_fully_connected():
    x = np.array([[1.0, -2.0, 3.0], [0.0, 0.0, 0.0]])
    q = quantizers.get("xnor")
    assert q.output_scale(x).tolist() == [[2], [0]]
    assert q.encode(x)[0].tolist() == [[1, -1, 1], [1, 1, 1]]
    assert q.output_scale(x[0]).tolist() == [2]
    assert q.output_scale(x.astype(np.float32)).dtype == np.float32


def test_fixed_scale_leaves_k_out(x):
    q = quantizers.get("xnor", fixed_scale=True)
    codes, scale = q.encode(x)
    assert np.array_equal(codes * scale, np.where(x >= 0, 1, -1))
    assert np.all(q.output_scale(x) == 1)
    assert torch.all(q.torch_output_scale()(torch.tensor(x)) == 1)


def test_padding_dilutes_k():
    q = quantizers.get("xnor", kernel_size=3, padding=1)
    k = q.output_scale(np.ones((1, 2, 3, 3)))[0, 0]
    assert k == pytest.approx(np.array([[4, 6, 4], [6, 9, 6], [4, 6, 4]]) / 9)


def test_bad_geometry():
    with pytest.raises(InvalidInput, match="kernel_size 5 is larger than the padded image"):
        quantizers.get("xnor", kernel_size=5).output_scale(np.ones((1, 1, 3, 3)))
    with pytest.raises(InvalidInput, match="fully connected layer has kernel_size 1"):
        quantizers.get("xnor", kernel_size=3).output_scale(np.ones((2, 3)))
    with pytest.raises(InvalidInput, match="or one sample of these"):
        quantizers.get("xnor").output_scale(np.ones((1, 1, 1, 1, 1)))
    with pytest.raises(InvalidInput, match="k_gradient needs K"):
        quantizers.get("xnor", fixed_scale=True, k_gradient=True)
    q = quantizers.get("xnor", k_gradient=True)
    with pytest.raises(InvalidInput, match=r"shape of K, \(1, 1, 2, 2\)"):
        q.output_scale_gradient(np.ones((1, 3, 2, 2)), np.ones((1, 3, 2, 2)))
