"""Sparse circuits equal a plain evaluation; slots are reused; blocks and threads change no bit."""

from dataclasses import replace

import numpy as np
import pytest
import qexpr_runtime as rt
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kernel_reference import SEEDS, chain, unaligned
from qexpr_runtime import _core


def random_circuit(rng, inputs, units, runs_of_unit=3):
    unit_run, run_edge, source, scale = [0], [0], [], []
    for unit in range(units):
        for _ in range(rng.integers(0, runs_of_unit)):
            for _ in range(2):
                count = rng.integers(0, 4) if inputs + unit else 0
                source += list(rng.integers(0, inputs + unit, count))
                run_edge.append(len(source))
            scale.append(rng.choice([1.0, -0.5, 0.25, 3.0]))
        unit_run.append(len(scale))
    outputs = rng.integers(0, inputs + units, rng.integers(1, 4))
    return rt.SparseCircuit(
        inputs,
        np.array(unit_run, dtype=np.int64),
        np.array(run_edge, dtype=np.int64),
        np.array(source, dtype=np.uint32),
        np.array(scale, dtype=np.float64),
        rng.choice([0.0, -0.0, 1.0, -2.5], units),
        rng.integers(0, 2, units).astype(np.uint8),
        outputs.astype(np.uint32),
    )


def evaluate(c, x, dtype):
    """Node by node, edge by edge, in the stated order."""
    values = [x[:, i].astype(dtype) for i in range(c.inputs)]
    for unit in range(len(c.bias)):
        total = np.full(len(x), dtype(c.bias[unit]) + dtype(0), dtype=dtype)
        for run in range(c.unit_run[unit], c.unit_run[unit + 1]):
            parts = np.zeros((2, len(x)), dtype=dtype)
            for part in (0, 1):
                for edge in range(c.run_edge[2 * run + part], c.run_edge[2 * run + part + 1]):
                    parts[part] += values[c.source[edge]]
            total = total + dtype(c.scale[run]) * (parts[0] - parts[1])
        values.append(np.where(total < 0, dtype(0), total) if c.relu[unit] else total)
    return np.stack([values[o] for o in c.outputs], axis=1)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(1, 3), st.integers(0, 30), st.sampled_from([0, 1, 31, 32, 33, 64, 130]))
def test_circuits(seed, inputs, units, points):
    rng = np.random.default_rng(seed)
    c = random_circuit(rng, inputs, units)
    x = rng.standard_normal((points, inputs))
    before = rt.isa()
    for name in rt.available():
        _core.select(name)
        for dtype in (np.float64, np.float32):
            want = evaluate(c, x, dtype)
            for options in ({}, {"threads": 2}):
                y = c(x, dtype=np.dtype(dtype).name, **options)
                assert y.tobytes() == want.tobytes()
    _core.select(before)


def test_slots_are_reused():
    # A chain of 1000 units needs its input and what is alive beside it, not 1000 slots.
    units = 1000
    chain = rt.SparseCircuit(
        1,
        np.arange(units + 1),
        np.repeat(np.arange(units + 1), 2)[1:],
        np.arange(units, dtype=np.uint32),
        np.ones(units),
        np.ones(units),
        np.ones(units, dtype=np.uint8),
        np.array([units], dtype=np.uint32),
    )
    assert chain.plan.slots <= 2
    np.testing.assert_array_equal(chain(np.array([[0.0], [2.5]])), [[1000.0], [1002.5]])


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.sampled_from([np.float64, np.float32]))
def test_rounding_bound_holds(seed, dtype):
    rng = np.random.default_rng(seed)
    c = random_circuit(rng, 2, 25)
    x = rng.uniform(-1, 1, (40, 2))
    exact = evaluate(c, x.astype(np.longdouble), np.longdouble)
    bound = rt.rounding_bound(c, 1.0, dtype=np.dtype(dtype).name)
    assert np.abs(c(x, dtype=np.dtype(dtype).name) - exact).max() <= bound


def bound_by_units(c, x_max, u):
    """The analysis of `rounding_bound`, unit by unit, without exact sums."""
    size, error = [x_max] * c.inputs, [u * x_max] * c.inputs
    for unit, bias in enumerate(np.abs(c.bias)):
        total, carried, rounded = bias, u * bias, 0.0
        for run in range(c.unit_run[unit], c.unit_run[unit + 1]):
            sources = c.source[c.run_edge[2 * run] : c.run_edge[2 * run + 2]]
            scale = abs(c.scale[run])
            part = scale * sum(size[v] + error[v] for v in sources)
            carried += scale * sum(error[v] for v in sources)
            rounded += (len(sources) + 3) * u * part
            total += part
        runs = c.unit_run[unit + 1] - c.unit_run[unit]
        size.append(total)
        error.append(carried + rounded + (runs + 1) * u * total)
    return max((error[v] for v in c.outputs), default=0.0)


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.sampled_from(["float64", "float32"]))
def test_rounding_bound_is_the_analysis(seed, dtype):
    c = random_circuit(np.random.default_rng(seed), 2, 25)
    u = 2.0**-53 if dtype == "float64" else 2.0**-24
    most = bound_by_units(c, 1.5, u) * (1 + 1e-5)
    assert rt.rounding_bound(c, 1.5, dtype=dtype) <= most  # units that are exact err less
    if dtype == "float32":  # numbers that float32 does not hold: nothing is exact
        odd = replace(c, bias=c.bias + 0.1, scale=c.scale * 0.3)
        want = bound_by_units(odd, 1.5, u)
        assert rt.rounding_bound(odd, 1.5, dtype=dtype) == pytest.approx(want, rel=1e-4)


def test_rounding_bound_of_sums_that_fit_is_zero():
    c = rt.SparseCircuit(
        1,
        np.array([0, 1]),
        np.array([0, 1, 1]),
        np.array([0], dtype=np.uint32),
        np.array([0.5]),
        np.array([0.25]),
        np.array([0], dtype=np.uint8),
        np.array([1], dtype=np.uint32),
    )
    assert rt.rounding_bound(c, 1.0) > 0
    assert rt.rounding_bound(c, 1.0, input_bits=10) == 0
    assert rt.rounding_bound(c, 1.0, input_bits=30, dtype="float32") > 0
    for words, options in {
        "dtype": {"dtype": "float16"},
        "x_max": {"x_max": -1.0},
        "input_bits": {"input_bits": -1},
    }.items():
        with pytest.raises(ValueError, match=words):
            rt.rounding_bound(c, **({"x_max": 1.0} | options))


def test_malformed_circuits_are_refused():
    good = random_circuit(np.random.default_rng(1), 2, 12)
    x = np.zeros((3, 2))
    late = good.source.copy()
    late[:] = 13
    changes = [
        ({"source": late}, "topological"),
        ({"outputs": np.array([14], dtype=np.uint32)}, "topological"),
        ({"unit_run": good.unit_run[:-1]}, "bounds"),
        ({"run_edge": good.run_edge[::-1]}, "decrease"),
        ({"source": good.source[:-1]}, "cover"),
        ({"bias": good.bias * np.nan}, "finite"),
        ({"scale": good.scale * np.inf}, "finite"),
        ({"relu": good.relu[:-1]}, "sizes"),
    ]
    for change, words in changes:
        with pytest.raises(ValueError, match=words):
            replace(good, **change)(x)
    for bad in (np.zeros((3, 3)), np.zeros(2)):
        with pytest.raises(ValueError, match="must have shape"):
            good(bad)
    with pytest.raises(ValueError, match="not finite"):
        good(np.full((1, 2), np.inf))
    with pytest.raises(ValueError, match="float64 or float32"):
        good(x, dtype="float16")


def wide_circuit(rng, inputs, wide, readers):
    """A wide layer, and units that read most of it and of each other.

    Those run in pieces, but for the few that read a node twice.
    Every unit reads something, hence depends on an input: none is exact, and the rounding bound
    is the analysis of `bound_by_units` for all of them.
    """
    unit_run, run_edge, source, scale = [0], [0], [], []
    for unit in range(wide + readers):
        nodes = inputs + unit
        many = unit >= wide or unit % 97 == 96
        for _ in range(rng.integers(1, 3)):
            for share in rng.dirichlet([1, 1]) if many else (0.5, 0.5):
                count = int(share * nodes) if many else rng.integers(0, 3)
                count = max(count, int(len(run_edge) == 2 * unit_run[-1] + 1))
                twice = not many or unit % 4 == 3
                source += sorted(rng.choice(nodes, count, replace=twice).tolist())
                run_edge.append(len(source))
            scale.append(rng.choice([1.0, -0.5, 0.3, 3.0]))
        unit_run.append(len(scale))
    units = wide + readers
    return rt.SparseCircuit(
        inputs,
        np.array(unit_run),
        np.array(run_edge),
        np.array(source, dtype=np.uint32),
        np.array(scale) / 64,
        rng.choice([0.0, 1.0, -0.5], units),
        rng.integers(0, 4, units).astype(bool).astype(np.uint8),
        np.array([inputs + units - 1, inputs + units // 2, 0], dtype=np.uint32),
    )


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.integers(1, 70), st.sampled_from([60, 128, 400]), st.integers(1, 6))
@example(68, 1, 60, 1)
def test_wide_sums_in_pieces_change_no_bit(seed, inputs, wide, readers):
    rng = np.random.default_rng(seed)
    c = wide_circuit(rng, inputs, wide, readers)
    x = rng.standard_normal((37, inputs))
    before = rt.isa()
    for name in rt.available():
        _core.select(name)
        for dtype in (np.float64, np.float32):
            want = evaluate(c, x, dtype)
            assert c(x, dtype=np.dtype(dtype).name).tobytes() == want.tobytes()
    _core.select(before)
    for dtype, u in (("float64", 2.0**-53), ("float32", 2.0**-24)):
        np.testing.assert_allclose(rt.rounding_bound(c, 1.0, dtype=dtype),
                                   bound_by_units(c, 1.0, u), rtol=1e-5)  # fmt: skip


def hats(units, readers):
    """Narrow hats in [0, 1], each of three ramps, and sums of random hats with either sign."""
    rng = np.random.default_rng(units)
    steps = np.arange(units + 2)
    ramps = units + 2
    first = 1 + np.arange(units)[:, None] + np.arange(3)  # ramps k, k + 1, k + 2
    signs = rng.integers(0, 2, (readers, units)).astype(bool)
    parts = [[[0], []]] * ramps
    runs = [1] * ramps
    scale = [float(units)] * ramps
    for a, b, c in first.tolist():
        parts += [[[a, c], []], [[], [b]]]
        scale += [1.0, 2.0]
        runs.append(2)
    for sign in signs:
        nodes = 1 + ramps + np.arange(units)
        parts.append([nodes[sign].tolist(), nodes[~sign].tolist()])
        scale.append(1.0)
        runs.append(1)
    lists = [part for run in parts for part in run]
    return rt.SparseCircuit(
        1,
        np.r_[0, np.cumsum(runs)],
        np.r_[0, np.cumsum([len(part) for part in lists])],
        np.array([v for part in lists for v in part], dtype=np.uint32),
        np.array(scale),
        np.r_[-(steps - 1.0), np.zeros(units + readers)],
        np.r_[np.ones(ramps + units), np.zeros(readers)].astype(np.uint8),
        np.arange(1 + ramps + units, 1 + ramps + units + readers, dtype=np.uint32),
    )


@pytest.mark.parametrize("isa", rt.available())
def test_units_that_are_zero_change_no_bit(isa):
    # Sorted points: nearly all hats are zero on a block; shuffled ones: none is.
    c = hats(190, 5)
    numbers = replace(c, source=unaligned(c.source), scale=unaligned(c.scale))
    x = np.random.default_rng(2).uniform(-0.1, 1.1, (200, 1))
    before = rt.isa()
    _core.select(isa)
    try:
        for dtype in (np.float64, np.float32):
            for points in (np.sort(x, axis=0), x):
                want = evaluate(c, points, dtype)
                assert np.abs(want).max() > 0.5
                assert c(points, dtype=np.dtype(dtype).name).tobytes() == want.tobytes()
                odd = numbers(unaligned(points), dtype=np.dtype(dtype).name)
                assert odd.tobytes() == want.tobytes()
    finally:
        _core.select(before)


def test_units_that_overflow_are_not_taken_for_zero():
    # 1e308 + 1e308 overflows; a unit that subtracts it is 0, one that takes 0 times it is NaN, and
    # so is one that subtracts it from itself; a NaN that is subtracted from 0 is NaN.
    huge = [[[0], []], [[1, 1], []], [[], [2]], [[], [2]], [[2], [2]], [[3], [5]]]
    lists = [part for run in huge for part in run]
    c = rt.SparseCircuit(
        1,
        np.arange(7),
        np.r_[0, np.cumsum([len(part) for part in lists])],
        np.array([v for part in lists for v in part], dtype=np.uint32),
        np.array([1.0, 1.0, 1.0, 0.0, 1.0, 1.0]),
        np.zeros(6),
        np.ones(6, dtype=np.uint8),
        np.array([3, 4, 5, 6], dtype=np.uint32),
    )
    before = rt.isa()
    for name in rt.available():
        _core.select(name)
        np.testing.assert_array_equal(c(np.array([[1e308]])), [[0.0, np.nan, np.nan, np.nan]])
        np.testing.assert_array_equal(c(np.array([[1e300]])), [[0.0, 0.0, 0.0, 0.0]])
        single = c(np.array([[3e38]]), dtype="float32")
        np.testing.assert_array_equal(single, [[0.0, np.nan, np.nan, np.nan]])
    _core.select(before)


@pytest.mark.parametrize("isa", rt.available())
def test_values_that_only_rounding_lets_overflow_are_not_taken_for_zero(isa):
    # 0.75 of the least float is the least float: each round of three units gains 4/3 in float32, so
    # that 200 of them and 2^200 are infinite, where the exact value is 2^117.
    rounds = [0.75 * 2.0**-149, 2.0**100, 2.0**49] * 200 + [2.0**100] * 2
    units = [(scale, [k], []) for k, scale in enumerate(rounds)]
    top = len(rounds)
    units += [(1.0, [top], [top]), (1.0, [], []), (1.0, [top + 2], [top + 1])]
    c = chain(1, units, np.zeros(len(units)), top + 3)
    before = rt.isa()
    _core.select(isa)
    try:
        assert np.isnan(c(np.ones((1, 1)), dtype="float32")).all()
        assert c(np.ones((1, 1))) == 0
    finally:
        _core.select(before)


@pytest.mark.parametrize("isa", rt.available())
def test_circuits_without_inputs_may_overflow(isa):
    c = chain(0, [(10.0, [], []), (10.0, [0], []), (1.0, [1], [1]), (1.0, [], []), (1.0, [3], [2])],
              [1e308, 0.0, 0.0, 0.0, 0.0], 4)  # fmt: skip
    before = rt.isa()
    _core.select(isa)
    try:
        assert np.isnan(c(np.empty((3, 0)))).all()
    finally:
        _core.select(before)


@pytest.mark.parametrize("isa", rt.available())
def test_no_unit_is_a_negative_zero(isa):
    # -1e-50 is -0 in float32, and so is 2^-149 times -2^-149
    least = 2.0**-149
    units = [(1.0, [0], []), (least, [1], [1]), (least, [], [0])]
    before = rt.isa()
    _core.select(isa)
    try:
        for x in (-0.0, 0.0, least):
            for node in (1, 2, 3):
                c = chain(1, units, [-1e-50] * 3, node)
                assert not np.signbit(c(np.array([[x]]), dtype="float32")).any()
    finally:
        _core.select(before)


def test_a_wide_layer_is_not_kept_alive():
    wide, readers = 20_000, 3
    units = wide + readers
    edges = [*([0] * wide), *(list(range(1, wide + 1)) * readers)]
    bounds = [*range(wide + 1), *(wide * (k + 2) for k in range(readers))]
    c = rt.SparseCircuit(
        1,
        np.arange(units + 1),
        np.repeat(bounds, 2)[1:],
        np.array(edges, dtype=np.uint32),
        np.ones(units),
        np.ones(units),
        np.ones(units, dtype=np.uint8),
        np.array([wide + readers], dtype=np.uint32),
    )
    assert c.plan.slots < 200
    np.testing.assert_array_equal(c(np.array([[2.0]])), [[3.0 * wide + 1]])
