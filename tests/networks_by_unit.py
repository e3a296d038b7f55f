"""A builder's network evaluated unit by unit in Fractions, before any realisation."""

from fractions import Fraction

import numpy as np

from qexpr.circuits.builder import pairs_of

__all__ = ["unit_values"]


def unit_values(net, points):
    """The values of every group's units at the points, shape (size, points) by group index."""
    values = {g.index: np.full((g.size, len(points)), Fraction(0), object) for g in net.groups}
    for k, source in enumerate(net.inputs):
        values[source.index][0] = [point[k] for point in points]
    values[net.one.index][0] = [Fraction(1)] * len(points)
    waiting = {g.index: 0 for g in net.groups}
    for bundle in net.bundles:
        waiting[bundle.target] += 1
    out = {g.index: [b for b in net.bundles if b.source == g.index] for g in net.groups}
    ready = [i for i, number in waiting.items() if not number]
    while ready:
        index = ready.pop()
        if index > net.d and index != net.output:
            values[index] = np.maximum(values[index], Fraction(0))
        for bundle in out[index]:
            source, target = pairs_of(bundle, net.groups)
            weight = np.full(bundle.count, bundle.weight, object)
            if bundle.free and bundle.digits is not None:
                weight = weight * np.array([int(s) for s in bundle.digits()], object)
            terms = values[index][source] * weight[:, None]
            np.add.at(values[bundle.target], target, terms)
            waiting[bundle.target] -= 1
            if not waiting[bundle.target]:
                ready.append(bundle.target)
    return values
