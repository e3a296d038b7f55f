"""Two-dimensional convolution and pooling on packed codes.

A convolution is a product of rows of taps with packed weights. Channels are padded to whole bytes;
a padded channel and, by default, a tap outside the image are masked: they contribute 0, which a
packed sign cannot say by itself.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qexpr_runtime import _core, _layers
from qexpr_runtime.errors import KernelError
from qexpr_runtime.packing import Packed, array_of, integer_codes, pack, pack_sign_rows
from qexpr_runtime.products import (
    check_sum,
    code_range,
    multiply_codes,
    multiply_floats,
    sign_codes,
)
from qexpr_runtime.threads import check_threads, share

__all__ = ["PackedConv", "avg_pool2d", "conv2d", "max_pool2d", "pack_conv", "xnor_scale"]

Pair = int | tuple[int, int]


@dataclass(frozen=True, eq=False)
class PackedConv:
    """Packed weights of a convolution: one packed matrix for each group.

    Each has a row for every output channel of the group and `width` columns for every tap, row by
    row: the channels of the group, padded to a multiple of eight.
    """

    groups: tuple[Packed, ...]
    shape: tuple[int, int, int, int]
    width: int

    @property
    def nbytes(self) -> int:
        return sum(P.nbytes for P in self.groups)


def pack_conv(
    W: ArrayLike, kind: str, *, bits: int | None = None, grid: str = "unsigned", groups: int = 1
) -> PackedConv:
    """Pack the weights (out, in / groups, kh, kw) of a convolution; `kind` as in `pack`."""
    array = np.asarray(W)
    if array.ndim != 4 or 0 in array.shape[2:]:
        raise ValueError(f"W must have shape (out, in / groups, kh, kw), got {array.shape}")
    if isinstance(groups, bool) or not isinstance(groups, int) or groups < 1:
        raise ValueError(f"groups must be an integer >= 1, got {groups!r}")
    out, channels, kh, kw = (int(v) for v in array.shape)
    if out % groups:
        raise ValueError(f"{groups} groups do not divide {out} output channels")
    width = -(-channels // 8) * 8
    filler = 1 if kind == "binary" or (kind == "k-bit" and grid == "odd") else 0
    taps = np.full((out, kh, kw, width), filler, dtype=array.dtype)
    taps[..., :channels] = array.transpose(0, 2, 3, 1)
    rows = taps.reshape(groups, out // groups, kh * kw * width)
    packed = tuple(pack(part, kind, bits=bits, grid=grid) for part in rows)
    return PackedConv(packed, (out, channels, kh, kw), width)


def _pair(value: Pair, name: str, least: int) -> tuple[int, int]:
    pair = (value, value) if isinstance(value, int) else tuple(value)
    if len(pair) != 2 or any(isinstance(v, bool) or not isinstance(v, int) for v in pair):
        raise ValueError(f"{name} must be an integer or two of them, got {value!r}")
    if min(pair) < least:
        raise ValueError(f"{name} must be at least {least}, got {value!r}")
    return pair[0], pair[1]


def _window(
    size: tuple[int, int], kernel: tuple[int, int], stride: Pair, padding: Pair
) -> tuple[tuple[int, ...], int, int]:
    sh, sw = _pair(stride, "stride", 1)
    ph, pw = _pair(padding, "padding", 0)
    oh = (size[0] + 2 * ph - kernel[0]) // sh + 1
    ow = (size[1] + 2 * pw - kernel[1]) // sw + 1
    if oh < 1 or ow < 1:
        raise KernelError(
            f"a window of {kernel[0]} x {kernel[1]} does not fit an image of {size[0]} x {size[1]}"
        )
    return (*size, *kernel, sh, sw, ph, pw), oh, ow


def _images(X: ArrayLike, name: str = "X") -> NDArray[Any]:
    array = array_of(X, name)
    if array.ndim != 4:
        raise ValueError(
            f"{name} must have shape (batch, channels, height, width), got {array.shape}"
        )
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold numbers, got dtype {array.dtype}")
    return array


def conv2d(
    X: ArrayLike,
    P: PackedConv,
    activations: str,
    *,
    bits: int | None = None,
    stride: Pair = 1,
    padding: Pair = 0,
    pad_value: int = 0,
    threads: int = 1,
) -> NDArray[Any]:
    """Convolve images X (batch, in, height, width) with packed weights; cross-correlation.

    Parameters
    ----------
    activations, bits, threads
        As in `gemm`; floats are accepted for binary and ternary weights.
    pad_value : {0, 1}
        What a tap outside the image counts: 0 (masked, the default) or the code +1.

    Returns
    -------
    ndarray of shape (batch, out, height', width')
        A view whose channels lie last in memory.
    """
    array = _images(X)
    out, channels, kh, kw = P.shape
    groups = len(P.groups)
    if array.shape[1] != channels * groups:
        raise KernelError(f"X has {array.shape[1]} channels, the weights have {channels * groups}")
    if pad_value not in (0, 1):
        raise ValueError(f"pad_value must be 0 or 1, got {pad_value!r}")
    check_threads(threads)
    window, oh, ow = _window(array.shape[2:], (kh, kw), stride, padding)
    lo, hi = code_range(activations, bits)
    if activations not in ("binary", "float32", "float64"):
        integer_codes(array, lo, hi, "X")
    if activations == "binary" and array.dtype.kind in "bu":
        raise KernelError(f"X has no signs: its dtype is {array.dtype}")
    dtype = activations if activations.startswith("float") else np.int32
    y = np.empty((array.shape[0], oh * ow, out), dtype=dtype)
    per = out // groups
    for image, target in zip(array, y, strict=True):
        for g, weights in enumerate(P.groups):
            part = image[g * channels : (g + 1) * channels].reshape(channels, -1)
            into = target[:, g * per : (g + 1) * per]
            if activations == "binary" and weights.kind != "int8":
                check_sum(weights, -1, 1, weights.cols)
                column = g * per
                _convolve_signs(part, weights, window, pad_value, target, column, oh, threads)
            elif dtype is np.int32:
                if activations == "binary":
                    part = sign_codes(part).view(np.int8)
                codes = _code_pixels(part, P.width, lo)
                fill = _fill(P.width, channels, pad_value)
                rows = _gather(codes, window, oh * ow, fill)
                into[...] = multiply_codes(rows, lo, hi, weights, threads)
            else:
                into[...] = _float_rows(
                    part, P, g, window, oh * ow, pad_value, activations, threads
                )
    return y.reshape(array.shape[0], oh, ow, out).transpose(0, 3, 1, 2)


def _fill(width: int, ones: int, value: int) -> NDArray[np.uint8]:
    fill = np.zeros(max(width, 1), dtype=np.uint8)
    fill[:ones] = value
    return fill


def _gather(
    pixels: NDArray[np.uint8], window: tuple[int, ...], count: int, fill: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    width = pixels.shape[1]
    if fill.size < width:
        fill = np.zeros(width, dtype=np.uint8)
    rows = np.empty((count, window[2] * window[3] * width), dtype=np.uint8)
    _layers.gather_taps(pixels, window, fill, rows)
    return rows


def _convolve_signs(
    part: NDArray[Any],
    weights: Packed,
    window: tuple[int, ...],
    pad_value: int,
    target: NDArray[np.int32],
    column: int,
    oh: int,
    threads: int,
) -> None:
    """One group of one image, straight into its columns of the output; threads share rows."""
    pixels = _sign_pixels(part)
    panels, fixed = weights.panels, (weights.rows, weights.coef, weights.constant)

    def work(start: int, stop: int) -> None:
        _layers.conv_signs(
            panels, *fixed, pixels, part.shape[0], window, bool(pad_value), start, stop, target,
            column,
        )  # fmt: skip

    share(oh, threads, work, unit=1)


def _sign_pixels(part: NDArray[Any]) -> NDArray[np.uint8]:
    if part.dtype == np.float32:
        out = np.empty((part.shape[1], -(-part.shape[0] // 8)), dtype=np.uint8)
        try:
            _layers.pack_pixels(np.ascontiguousarray(part), out)
        except KernelError:
            raise KernelError("X holds a NaN where a sign is expected") from None
        return out
    return pack_sign_rows(part.T, "X")


def _code_pixels(part: NDArray[Any], width: int, lo: int) -> NDArray[np.uint8]:
    codes = np.ascontiguousarray(part, dtype=np.int8 if lo < 0 else np.uint8).view(np.uint8)
    out = np.empty((part.shape[1], width), dtype=np.uint8)
    _layers.channels_last(codes, out)
    return out


def _float_rows(
    part: NDArray[Any],
    P: PackedConv,
    group: int,
    window: tuple[int, ...],
    count: int,
    pad_value: int,
    dtype: str,
    threads: int,
) -> NDArray[Any]:
    pixels = np.zeros((part.shape[1], P.width), dtype=dtype)
    pixels[:, : part.shape[0]] = part.T
    fill = np.zeros(P.width, dtype=dtype)
    fill[: part.shape[0]] = pad_value
    rows = _gather(pixels.view(np.uint8), window, count, fill.view(np.uint8)).view(dtype)
    return multiply_floats(rows, P.groups[group], dtype, threads)


def max_pool2d(
    X: ArrayLike, kernel: Pair, *, stride: Pair | None = None, padding: Pair = 0
) -> NDArray[Any]:
    """Maximum over windows of int32 or float32 images; taps outside do not count."""
    return _pool(X, kernel, stride, padding, maximum=True)


def avg_pool2d(
    X: ArrayLike, kernel: Pair, *, stride: Pair | None = None, padding: Pair = 0
) -> NDArray[Any]:
    """Mean over windows (taps outside count 0, and are counted).

    float32 images give float32 means; int32 images give the integer **sums** over the windows: the
    division is left to the scale that follows, so nothing is rounded.
    """
    return _pool(X, kernel, stride, padding, maximum=False)


def _pool(
    X: ArrayLike, kernel: Pair, stride: Pair | None, padding: Pair, maximum: bool
) -> NDArray[Any]:
    array = _images(X)
    size = _pair(kernel, "kernel", 1)
    pads = _pair(padding, "padding", 0)
    if array.dtype not in (np.int32, np.float32):
        raise KernelError(f"pooling takes int32 or float32 images, got {array.dtype}")
    if maximum and (pads[0] >= size[0] or pads[1] >= size[1]):
        raise KernelError(f"padding {padding} reaches beyond a whole window of {kernel}")
    window, oh, ow = _window(array.shape[2:], size, size if stride is None else stride, pads)
    n, channels = array.shape[:2]
    if not maximum and array.dtype == np.int32 and array.size:
        largest = max(abs(int(array.min())), abs(int(array.max())))
        if not _core.sum_fits(largest, 1, size[0] * size[1]):
            raise KernelError("the sums over the windows may leave the 32-bit range")
    y = np.empty((n, oh * ow, channels), dtype=array.dtype)
    pool = _layers.pool_i32 if array.dtype == np.int32 else _layers.pool_f32
    for image, out in zip(array, y, strict=True):
        pixels = np.ascontiguousarray(image.reshape(channels, -1).T)
        pool(pixels, window, maximum, out)
    if not maximum and array.dtype == np.float32:
        y /= np.float32(size[0] * size[1])
    return y.reshape(n, oh, ow, channels).transpose(0, 3, 1, 2)


def xnor_scale(
    X: ArrayLike, kernel: Pair, *, stride: Pair = 1, padding: Pair = 0
) -> NDArray[np.float32]:
    """K of XNOR-Net (Rastegari et al. 2016, section 3.2): shape (batch, 1, height', width').

    A, the mean of abs(x) over the channels, convolved with the box filter 1/(kh kw), with the
    convolution's stride and padding; the divisor is kh kw at borders too.
    """
    array = np.ascontiguousarray(_images(X), dtype=np.float32)
    if array.shape[1] == 0:
        raise KernelError("X has no channels")
    window, oh, ow = _window(array.shape[2:], _pair(kernel, "kernel", 1), stride, padding)
    out = np.empty((array.shape[0], oh * ow), dtype=np.float32)
    mean = np.empty(window[0] * window[1], dtype=np.float32)
    for image, to in zip(array, out, strict=True):
        _layers.xnor_scale(image.reshape(array.shape[1], -1), window, mean, to)
    return out.reshape(-1, 1, oh, ow)
