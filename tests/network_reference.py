"""A network evaluated value by value in Fractions: slow, and written without NumPy's help."""

from fractions import Fraction
from itertools import product
from math import prod

from qexpr.networks import (
    Activate,
    Add,
    AvgPool2d,
    Clip,
    Conv2d,
    Dense,
    Flatten,
    MaxPool2d,
    Multiply,
    Relu,
    Steps,
)


def activate(activation, x):
    match activation:
        case None:
            return x
        case Relu():
            return x if x > 0 else Fraction(0)
        case Clip(lower, upper):
            return lower if x < lower else upper if x > upper else x
        case Steps(thresholds, values, closed):
            passed = [x > t or (x == t and c) for t, c in zip(thresholds, closed, strict=True)]
            return values[sum(passed)]


def _window(values, shape, c, i, j, layer):
    _, height, width = shape
    for a, b in product(range(layer.kernel[0]), range(layer.kernel[1])):
        pads = getattr(layer, "padding", (0, 0))
        y, x = i * layer.stride[0] + a - pads[0], j * layer.stride[1] + b - pads[1]
        inside = 0 <= y < height and 0 <= x < width
        yield a, b, values[(c, y, x)] if inside else Fraction(layer.padding_value)


def _apply(layer, out_shape, shape, x, y):
    places = list(product(*map(range, out_shape)))
    match layer:
        case Dense():
            return {
                (o,): layer.scales()[o]
                * sum(int(c) * x[(i,)] for i, c in enumerate(layer.codes[o]))
                + layer.biases()[o]
                for (o,) in places
            }
        case Conv2d():
            inputs, outputs = layer.codes.shape[1], layer.channels // layer.groups
            return {
                (o, i, j): layer.scales()[o]
                * sum(
                    int(layer.codes[o, c, a, b]) * value
                    for c in range(inputs)
                    for a, b, value in _window(x, shape, o // outputs * inputs + c, i, j, layer)
                )
                + layer.biases()[o]
                for o, i, j in places
            }
        case MaxPool2d():
            return {p: max(v for *_, v in _window(x, shape, *p, layer)) for p in places}
        case AvgPool2d():
            count = prod(layer.kernel)
            return {p: sum(v for *_, v in _window(x, shape, *p, layer)) / count for p in places}
        case Flatten():
            return {(k,): x[p] for k, p in enumerate(product(*map(range, shape)))}
        case Activate():
            return x
        case Add():
            return {p: x[p] + y[p] for p in places}
        case Multiply():
            one = y.get((1, *places[-1][1:])) is None
            return {p: x[p] * y[(0, *p[1:]) if one else p] for p in places}


def evaluate(network, point):
    """The outputs at one point, in order."""
    places = list(product(*map(range, network.input_shape)))
    values = {-1: dict(zip(places, map(Fraction, point), strict=True))}
    shapes = {-1: network.input_shape, **dict(enumerate(network.shapes))}
    for k, layer in enumerate(network.layers):
        reads = network.sources[k]
        x, y = values[reads[0]], values[reads[-1]]
        out = _apply(layer, network.shapes[k], shapes[reads[0]], x, y)
        values[k] = {p: activate(layer.activation, v) for p, v in out.items()}
    last = values[len(network.layers) - 1]
    return [last[p] for p in product(*map(range, network.shapes[-1]))]
