"""Each gadget's stated error and exact properties, in exact arithmetic."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qexpr.circuits import Builder, count, realise, values_of
from qexpr.circuits.gadgets import Kit, Shifted, log2_of
from qexpr.circuits.monomials import Monomials, split
from qexpr.circuits.partition import hats
from qexpr.circuits.realisation import Counts

ALPHABETS = [f"nonlinear:{lam}" for lam in (2, 3, 4, 7, 12, 16)] + [
    f"linear:{b}" for b in (1, 2, 3, 5, 8)
]
HALF = Fraction(1, 2)


def _agrees(net, circuit):
    counts = count(net)
    assert isinstance(counts, Counts)
    assert (counts.weights, counts.depth, counts.units, counts.free_bits) == (
        circuit.weights,
        circuit.depth,
        circuit.units,
        circuit.free_bits,
    )
    assert {w for _, _, w in circuit.edges()} <= set(net.values.members)


def _product(alphabet, r):
    """A circuit for prod_r(2x-1, 2y-1), and the builder."""
    net = Builder(2, values_of(alphabet, 12))
    kit = Kit(net)
    p, q = (Shifted(net.inputs[k], HALF) for k in range(2))
    terms, scale = kit.product(p, q, r)
    total = kit.shifted_sum(terms, scale, Fraction(1))
    output = net.finish()
    kit.amplify(
        total.unit,
        output,
        -log2_of(total.scale),
    )
    net.connect(net.one, output, -1)
    return net, realise(net)


UNIT = st.fractions(0, 1, max_denominator=64)


@pytest.mark.parametrize("alphabet", ALPHABETS)
@pytest.mark.parametrize("r", [1, 4])
def test_product(alphabet, r):
    net, circuit = _product(alphabet, r)
    _agrees(net, circuit)

    @settings(max_examples=15, deadline=None)
    @given(UNIT, UNIT)
    def check(x, y):
        p, q = 2 * x - 1, 2 * y - 1
        points = [[x, y], [HALF, y], [x, HALF], [1, y], [0, y], [x, 1]]
        value, zero, zero2, one, minus, one2 = circuit.evaluate_exact(points)
        assert abs(value - p * q) <= Fraction(1, 4 ** (r + 1))
        assert abs(value) <= min(abs(p), abs(q))
        assert zero == zero2 == 0
        assert one == q
        assert minus == -q
        assert one2 == p

    check()


@pytest.mark.parametrize("r", [1, 2, 3, 6])
def test_the_square_s_error_is_sharp_and_its_knots_exact(r):
    net = Builder(1, values_of(2))
    kit = Kit(net)
    terms, scale, zero = kit.square(Shifted(net.inputs[0], HALF), r)
    total = kit.shifted_sum(terms, scale, 1 - zero)
    output = net.finish()
    kit.amplify(total.unit, output, 4)
    net.connect(net.one, output, -(2**4) * total.scale)
    circuit = realise(net)
    factor = 2**4 * total.scale
    grid = [Fraction(i, 2 ** (r + 2)) for i in range(2 ** (r + 2) + 1)]
    for x, value in zip(grid, circuit.evaluate_exact([[x] for x in grid]), strict=True):
        u = abs(2 * x - 1)
        error = value / factor - u * u
        assert 0 <= error <= Fraction(1, 4 ** (r + 1))
        if (u * 2**r).denominator == 1:
            assert error == 0
        if (u * 2 ** (r + 1)).denominator == 1 and (u * 2 ** (r + 1)) % 2 == 1:
            assert error == Fraction(1, 4 ** (r + 1))


@pytest.mark.parametrize(
    ("alphabet", "a", "r"),
    [
        ("nonlinear:2", (2,), 4),
        ("nonlinear:2", (5,), 5),
        ("nonlinear:2", (2, 1), 4),
        ("nonlinear:2", (1, 1, 1), 4),
        ("nonlinear:5", (3, 1), 4),
        ("linear:3", (2, 2), 3),
    ],
)
def test_monomials(alphabet, a, r):
    d = len(a)
    net = Builder(d, values_of(alphabet, 12))
    kit = Kit(net)
    powers = Monomials(kit, r, [a])
    scale = Fraction(1, 2**40)
    assert powers.fits({a: scale})
    made = powers.at(a, scale)
    assert made.scale == scale
    output = net.finish()
    kit.amplify(made.unit, output, 40)
    net.connect(net.one, output, -1)
    circuit = realise(net)
    _agrees(net, circuit)
    axis = [Fraction(i, 9) for i in range(10)]
    points = [p for i, p in enumerate(itertools.product(axis, repeat=d)) if i % 7 == 0]
    for point, value in zip(points, circuit.evaluate_exact(points), strict=True):
        exact = Fraction(1)
        for x, k in zip(point, a, strict=True):
            exact *= (2 * x - 1) ** k
        assert abs(value) <= 1
        assert abs(value - exact) <= (sum(a) - 1) * Fraction(1, 4 ** (r + 1))


def test_split():
    assert split((2, 4)) == ((1, 2), (1, 2))
    assert split((1, 1)) == ((1, 0), (0, 1))
    assert split((3, 0)) == ((2, 0), (1, 0))


def _kuhn(point, node, N):
    y = [N * x - m for x, m in zip(point, node, strict=True)]
    return max(Fraction(0), 1 - max(0, *y, 0) - max(0, *(-t for t in y), 0))


@pytest.mark.parametrize("alphabet", ["nonlinear:2", "nonlinear:5", "linear:2", "linear:8"])
@pytest.mark.parametrize(
    ("d", "N"),
    [
        (1, 1),
        (1, 2),
        (1, 7),
        (1, 16),
        (1, 3000),
        (2, 1),
        (2, 3),
        (2, 8),
        (2, 70),
        (3, 1),
        (3, 3),
        (4, 2),
    ],
)
def test_partition_of_unity(alphabet, d, N):
    net = Builder(d, values_of(alphabet, 12))
    kit = Kit(net)
    phi, scale = hats(kit, N)
    nodes = list(itertools.product(range(N + 1), repeat=d))
    probes = [0, len(nodes) // 2, len(nodes) - 1]
    output = net.finish()
    net.connect_free(phi, output, kit.u, None)
    circuit = realise(net)
    _agrees(net, circuit)
    rng = np.random.default_rng(d * 100 + N)
    points = [[Fraction(int(v), 60) for v in rng.integers(0, 61, d)] for _ in range(12)]
    assert circuit.evaluate_exact(points) == [kit.u * scale] * 12  # the sum of all is 1
    for probe in probes:  # one hat alone
        one = Builder(d, values_of(alphabet, 12))
        kit = Kit(one)
        phi, scale = hats(kit, N)
        one.connect(phi, one.finish(), kit.u, lambda p=probe: (np.array([p]), np.array([0])), 1)
        wanted = [kit.u * scale * _kuhn(point, nodes[probe], N) for point in points]
        assert realise(one).evaluate_exact(points) == wanted


@pytest.mark.parametrize("alphabet", ALPHABETS)
@pytest.mark.parametrize("t", [1, 5, 12])
def test_planes_hold_the_shifted_sum_of_digits(alphabet, t):
    """One hat of value x/4 in place of a partition: H_1 = z x with z out of t digits."""
    values = values_of(alphabet, 12)
    base = 2 ** int(alphabet.split(":")[1]) if alphabet.startswith("linear") else 2
    planes = t if base == 2 else -(-t // (base.bit_length() - 1))
    rng = np.random.default_rng(t)
    digits = rng.integers(0, base, planes) * 2 - (base - 1)
    scale = Fraction(1, 2**24)
    net = Builder(1, values)
    kit = Kit(net)
    hat = kit.scaled(net.inputs[0], 24)
    held = kit.planes(hat, scale, [lambda k=k: digits[k : k + 1] for k in range(planes)])
    net.connect(held.unit, net.finish(), kit.u)
    circuit = realise(net)
    _agrees(net, circuit)
    z = sum((Fraction(int(s), base ** (k + 1)) for k, s in enumerate(digits)), Fraction(0))
    points = [[Fraction(i, 5)] for i in range(6)]
    assert circuit.evaluate_exact(points) == [kit.u * scale * (z * x + 1) for (x,) in points]
    assert len(circuit.free) == planes  # one edge a digit


def test_smaller_values_shorten_the_planes():
    """Depth lam t^(1/(lam-1)) in place of t."""
    depths = []
    for lam in (2, 3, 4):
        net = Builder(1, values_of(lam, 64))
        kit = Kit(net)
        feeds = kit.plane_weights(64)
        depth = [1] * 64
        for k in range(63, -1, -1):
            depth[k] = 1 + max((depth[j] for j, _ in feeds[k]), default=0)
        depths.append(depth[0])
    assert depths == [64, 15, 10]
    assert all(d <= lam * 64 ** (1 / (lam - 1)) for d, lam in zip(depths, (2, 3, 4), strict=True))
