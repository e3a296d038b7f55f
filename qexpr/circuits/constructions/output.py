"""From the last accumulator to the output: lifted sums, amplification, the bias taken off."""

from __future__ import annotations

from fractions import Fraction

from qexpr.circuits.builder import Builder, Group
from qexpr.circuits.constructions.ladder import Ladder, amplify, least_power

__all__ = ["bias_unit", "close", "constant_terms"]


def bias_unit(net: Builder, ones: Ladder, power: int) -> Group:
    """A unit of its own for u^power: the ladder's may already feed an accumulator a digit."""
    u = net.values.unit
    below, weight = (ones[power - 1], u) if power > 0 else (ones[power], Fraction(1))
    unit = net.group("bias", power=power)
    net.connect(below, unit, weight)
    return unit


def close(
    net: Builder,
    ones: Ladder,
    last: Group,
    lift: tuple[Group, int],
    gain: Fraction,
    reach: Fraction,
) -> None:
    """Output = gain * (last - u^power), where `lift` is the bias unit and its power.

    Parameters
    ----------
    reach : Fraction
        More than |output| can be for a target of the class: what of the bias is kept while
        amplifying outweighs it.
    """
    u = net.values.unit
    unit, power = lift
    keep = max(power, least_power(u, reach / gain))
    terms = [(last, 1)]
    if keep > power:
        terms += [(unit, -1), (ones[keep], 1)]
    pieces = amplify(net, terms, gain)
    constants = constant_terms(ones, gain * u**keep)
    out = net.finish()
    for source, weight in pieces:
        net.connect(source, out, weight)
    for source, weight in constants:
        net.connect(source, out, -weight)


def constant_terms(ones: Ladder, value: Fraction) -> list[tuple[Group, Fraction]]:
    """value as a sum of the ladder's units with weights: digits, and the rest on the largest."""
    u = ones.u
    top = min(ones.steps)
    digits = [(k, a) for k, a in ones.digits(value) if k > top]
    rest = value - sum(a * u ** (k + 1) for k, a in digits)
    terms = [(ones[k], a * u) for k, a in digits]
    return terms + ([(ones[top], rest / u**top)] if rest else [])
