"""Scaled copies, shared constants, kinks and amplification: exact values and exact edge counts."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qexpr.circuits import Builder, count, realise, values_of
from qexpr.circuits.constructions.ladder import (
    Constants,
    Ladder,
    amplify,
    coin_count,
    least_power,
    low_places,
    thresholds,
)

ALPHABETS = ["nonlinear:2", "nonlinear:5", "linear:2", "linear:3", "linear:8"]
UNITS = [Fraction(1, 2), Fraction(1, 4), Fraction(1, 8)]


def _net(alphabet="nonlinear:2"):
    net = Builder(1, values_of(alphabet))
    return net, net.values.unit


def _read(net, units, x):
    """u times each unit's value at x: one circuit of one edge for each."""
    out = []
    for group, i in units:
        fresh = Builder(net.d, net.values)
        fresh.groups, fresh.bundles = list(net.groups), list(net.bundles)
        pair = (np.array([i]), np.array([0]))
        fresh.connect(group, fresh.finish(), net.values.unit, lambda p=pair: p, 1)
        out.append(realise(fresh).evaluate_exact([[x]])[0] / net.values.unit)
    return out


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_steps_of_a_ladder(alphabet):
    net, u = _net(alphabet)
    ladder = Ladder(net, net.inputs[0], "x0")
    steps = [3, -2, 1, 0]
    groups = [ladder[k] for k in steps]
    x = Fraction(5, 7)
    assert _read(net, [(g, 0) for g in groups], x) == [u**k * x for k in steps]
    assert sorted(ladder.steps) == [-2, -1, 0, 1, 2, 3]
    assert len(net.bundles) == 5  # every step is made once, however often it is asked for
    assert ladder[3] is groups[0]


def test_deep_ladders_are_made_without_recursion():
    net, _ = _net()
    assert Ladder(net, net.one, "one")[5000].params == (("source", "one"), ("power", 5000))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ALPHABETS), st.integers(1, 10**6), st.integers(0, 20))
def test_digits(alphabet, number, shift):
    net, u = _net(alphabet)
    value = Fraction(number, 2**shift)
    parts = Ladder(net, net.one, "one").digits(value)
    assert sum(a * u ** (k + 1) for k, a in parts) == value
    assert all(0 < a < 1 / u for _, a in parts)
    assert [k for k, _ in parts] == sorted({k for k, _ in parts}, reverse=True)


@pytest.mark.parametrize("alphabet", ALPHABETS)
@pytest.mark.parametrize("value", [Fraction(1), Fraction(13), Fraction(5, 64), Fraction(3, 2)])
def test_multiples_and_constants(alphabet, value):
    net, u = _net(alphabet)
    scaled = Ladder(net, net.inputs[0], "x0").multiple(value, "line")
    constants = Constants(Ladder(net, net.one, "one"))
    held = constants[value]
    assert constants[value] is held
    x = Fraction(3, 11)
    assert _read(net, [(scaled, 0), (held, 0)], x) == [value * x, value]
    # a power of u is the ladder's own unit; everything else is a unit of its own
    assert (held.role == "constant") == (u ** least_power(u, value) != value)


@pytest.mark.parametrize("alphabet", ALPHABETS)
@pytest.mark.parametrize("number", [1, 2, 7, 8, 21])
def test_a_run_of_constants(alphabet, number):
    net, u = _net(alphabet)
    constants = Constants(Ladder(net, net.one, "one"))
    run = constants.run(u**2, number)
    assert run.size == number
    values = _read(net, [(run, i) for i in range(number)], Fraction(1, 2))
    assert values == [(i + 1) * u**2 for i in range(number)]
    assert constants.run(u**2, number) is run
    assert constants.run(u**2, max(1, number - 1)) is run  # the longest first, then shared
    assert constants.run(u**2, number + 1) is not run
    into = sum(bundle.count for bundle in net.bundles if bundle.target == run.index)
    base = int(1 / u)
    digits = sum(1 for i in range(1, number + 1) for k in range(64) if i // base**k % base)
    assert into == digits  # one merged edge for each digit that is not 0


@pytest.mark.parametrize("alphabet", ALPHABETS)
@pytest.mark.parametrize(("number", "places"), [(1, None), (2, None), (5, 1), (13, None), (64, 2)])
def test_thresholds(alphabet, number, places):
    """u^(E+1) relu(y - i), by at most two edges a kink and about 2 sqrt(number) shared units."""
    net, u = _net(alphabet)
    exponent, x = 2, Fraction(2, 3)
    top = Fraction(2) ** 6  # y = 64 x
    axis = Ladder(net, net.inputs[0], "x0")
    line = axis.multiple(top * u ** (exponent - 1), "line")
    constants = Constants(Ladder(net, net.one, "one"))
    kinks = thresholds(net, line, constants, exponent, number, "kink", places)
    wanted = [u ** (exponent + 1) * max(Fraction(0), top * x - i) for i in range(number)]
    probes = sorted({0, 1, number // 2, number - 1} & set(range(number)))
    assert _read(net, [(kinks, i) for i in probes], x) == [wanted[i] for i in probes]
    into = sum(bundle.count for bundle in net.bundles if bundle.target == kinks.index)
    low = int(1 / u) ** (places or low_places(number, u))
    assert into == 2 * number - -(-number // low)
    sizes = sum(g.size for g in net.groups if g.role in ("residual", "constants"))
    if places is None:
        assert sizes <= 2 * int(1 / u) * (number**0.5 + 1)


@pytest.mark.parametrize("u", UNITS)
@pytest.mark.parametrize("number", [*range(1, 40), 127, 1000])
def test_coin_count_is_what_the_alphabet_takes(u, number):
    alphabet = "nonlinear:2" if u == Fraction(1, 2) else f"linear:{u.denominator.bit_length() - 1}"
    assert coin_count(number * u, u) == len(values_of(alphabet).coins(number * u))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ALPHABETS), st.integers(1, 4000), st.integers(-8, 8), st.data())
def test_amplify_is_exact(alphabet, odd, shift, data):
    """gain (x/4 + 1/8), or the difference of two sources, for gains of few and many digits."""
    net, u = _net(alphabet)
    gain = (2 * odd - 1) * Fraction(2) ** shift
    wide = net.group("wide", 1)
    net.connect(net.inputs[0], wide, u)
    net.connect(net.one, wide, u)
    less = net.group("less", 1)
    net.connect(net.one, less, u)
    terms = [(wide, 1), (less, -1)] if data.draw(st.booleans()) else [(wide, 1)]
    pieces = amplify(net, terms, gain)
    out = net.finish()
    for unit, weight in pieces:
        net.connect(unit, out, weight)
    x = data.draw(st.fractions(0, 1, max_denominator=20))
    circuit = realise(net)
    wanted = gain * (u * x + (u if len(terms) == 1 else 0))
    assert circuit.evaluate_exact([[x]]) == [wanted]
    assert count(net).weights == circuit.weights
    role = next(r for r in circuit.roles if r.name == "wide")
    assert role.copies == 1  # it has many edges in the networks: never copied


@given(st.sampled_from(UNITS), st.fractions(Fraction(1, 10**6), 10**6))
def test_least_power(u, value):
    k = least_power(u, value)
    assert u ** (k + 1) < value <= u**k


@pytest.mark.parametrize("u", UNITS)
def test_low_places_is_about_half(u):
    for number in (1, 2, 3, 16, 17, 1000):
        places, base = low_places(number, u), int(1 / u)
        assert base ** (2 * places) >= number
        assert places == 1 or base ** (2 * places - 2) < number
