"""Calculators: reading of arguments, and each one against brute force or an independent count."""

import itertools
import math
import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qexpr.bounds import calculators
from qexpr.bounds.calculators import block, regimes, regions, rounding, vc
from qexpr.core.claim import Explicit, Order
from qexpr.core.source import Source
from qexpr.errors import InvalidInput, OutOfRegime

EXAMPLES = {
    "regions": {"widths": "2,64,64,1"},
    "vc": {"widths": "1,10,10,1", "bits": 4},
    "rounding": {"widths": "2,64,64,1", "bits": 4, "eps": "1e-3"},
    "bitwidth": {"d": 2, "n": 3, "eps": "1e-3"},
    "overhead": {"d": 2, "n": 3, "eps": "1e-3"},
    "block": {"t": 20, "lam": 3},
    "regimes": {"width": 16, "depth": 4, "bits": 4},
    "shen": {"d": 2, "N": 10, "L": 10, "n": 3},
    "square": {"digits": 5, "widths": "1,8,8,1", "depth": 5, "eps": "1e-3"},
    "phase": {"d": 2, "p": "1", "weights": 1000},
    "petersen": {"d": 2, "beta": "3/2", "eps": "1e-3"},
    "elbraechter": {"eps": "1e-3", "D": "2.5"},
    "bernstein": {"n": 100},
}


def lines(name, **given):
    return {line.label: line for line in calculators.get(name)(**given)}


@pytest.mark.parametrize("name", calculators.names())
def test_every_calculator_answers_and_names_its_sources(name):
    calculator = calculators.get(name)
    assert calculator.name == name
    assert calculator.title
    assert calculator.text
    answer = calculator(**EXAMPLES[name])
    assert answer
    for line in answer:
        assert isinstance(line.value, int | Fraction | Explicit | Order | str)
        assert line.note
        assert isinstance(line.source, Source)
        assert line.source in calculator.sources


def test_explicit_lines_of_recalled_sources_keep_their_flag():
    for line in calculators.get("shen")(**EXAMPLES["shen"]):
        assert str(line.source.trust).startswith("RECALLED")


@pytest.mark.parametrize("name", calculators.names())
def test_numbers_and_text_are_read_alike(name):
    given = EXAMPLES[name]
    as_text = {key: str(value) for key, value in given.items()}
    labels = [(line.label, str(line.value)) for line in calculators.get(name)(**given)]
    assert labels == [(x.label, str(x.value)) for x in calculators.get(name)(**as_text)]


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("vc", {}, "needs widths"),
        ("vc", {"widths": "1,10,10,1", "lambda": 3}, "takes widths"),
        ("vc", {"widths": "1,10,10,2"}, "last of widths"),
        ("vc", {"widths": "1"}, "2 to 64 entries"),
        ("vc", {"widths": "1,0,1"}, "each of widths must be an integer from 1"),
        ("vc", {"widths": "1," * 300 + "1"}, "at most 400 characters"),
        ("vc", {"widths": 5}, "must be integers such as"),
        ("vc", {"widths": "1,2,1", "lam": 3, "bits": 2}, "must agree"),
        ("rounding", {"widths": "1,2,1"}, "needs bits, eps or both"),
        ("rounding", {"widths": "1,2,1", "eps": "nan"}, "eps must be a number"),
        ("rounding", {"widths": "1,2,1", "eps": 2}, "from 1e-300 to 1"),
        ("bitwidth", {"d": 1, "n": 1}, "either T or all"),
        ("bitwidth", {"d": 1, "n": 1, "eps": "1e-3", "T": 5}, "either T or all"),
        ("square", {}, "needs digits, widths"),
        ("square", {"depth": 5}, "needs digits, widths"),
        ("square", {"widths": "2,3,1"}, "the one input"),
    ],
)
def test_bad_arguments_are_refused(name, given, message):
    with pytest.raises(InvalidInput, match=message):
        calculators.get(name)(**given)


def test_orders_beyond_doubles_are_out_of_regime():
    with pytest.raises(OutOfRegime, match="beyond the range of a double"):
        calculators.get("petersen")(d=1000, beta=1, eps="1e-300")


def test_unknown_calculators_are_refused_with_the_nearest_name():
    with pytest.raises(InvalidInput, match="did you mean regions"):
        calculators.get("region")


# --- VC dimension --------------------------------------------------------------------------------


def test_vc_of_two_hidden_layers_of_ten():
    """[10, 10, 1], one input: 2907 from the growth product, 3318 from the closed form."""
    assert vc.vc_of_widths((1, 10, 10, 1)) == 2907
    assert math.ceil(vc.closed_form((1, 10, 10, 1)).guarantee) == 3318
    found = lines("vc", widths="1,10,10,1", bits=4)
    assert found["upper, quantized"].value == 4 * 141
    assert found["least of the upper bounds"].value == 564
    assert lines("vc", widths="1,10,10,1")["least of the upper bounds"].value == 2907


def test_the_largest_m_is_where_the_inequality_changes():
    for widths in [(1, 3, 1), (2, 5, 5, 1), (3, 40, 1)]:
        weights = vc.cumulative_weights(widths)
        m = vc.vc_of_widths(widths)

        def right(m, widths=widths, weights=weights):
            return len(weights) + sum(
                W * math.log2(2 * math.e * m * i * k / W)
                for i, (k, W) in enumerate(zip(widths[1:], weights, strict=True), start=1)
            )

        assert m <= right(m)
        assert m + 1 > right(m + 1)


@given(st.lists(st.integers(1, 12), min_size=1, max_size=4), st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_the_bound_by_size_covers_every_architecture(hidden, inputs):
    widths = (inputs, *hidden, 1)
    weights = vc.cumulative_weights(widths)[-1]
    assert vc.vc_of_widths(widths) <= vc.vc_of_size(weights, len(widths) - 1)
    assert vc.vc_of_size(weights, len(hidden)) <= vc.vc_of_size(weights, len(hidden) + 1)


@pytest.mark.parametrize(("weights", "depth"), [(10, 1), (141, 3), (1000, 7)])
def test_the_bound_by_size_solves_its_inequality(weights, depth):
    """m <= L + L W log2(2 e m / L) + W log2(L!)."""
    m = vc.vc_of_size(weights, depth)

    def right(m):
        layers = depth * weights * math.log2(2 * math.e * m / depth)
        return depth + layers + weights * math.log2(math.factorial(depth))

    assert m <= right(m)
    assert m + 1 > right(m + 1)


@pytest.mark.parametrize(("weights", "lam"), [(7, 3), (100, 10), (5, 8), (41, 6)])
def test_quantized_networks_are_counted_exactly(weights, lam):
    assert vc.quantized_upper(weights, lam) == (lam**weights).bit_length() - 1


# --- linear regions ------------------------------------------------------------------------------


def serra_by_enumeration(inputs, hidden):
    total = 0
    for choice in itertools.product(*(range(units + 1) for units in hidden)):
        room, product = inputs, 1
        for units, j in zip(hidden, choice, strict=True):
            product *= math.comb(units, j) if j <= min(room, units) else 0
            room = min(room, units - j)
        total += product
    return total


@given(st.integers(1, 4), st.lists(st.integers(1, 5), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_the_dynamic_programme_sums_over_the_stated_set(inputs, hidden):
    assert regions.serra_upper(inputs, hidden) == serra_by_enumeration(inputs, hidden)


@given(st.integers(1, 4), st.lists(st.integers(1, 20), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_lower_numbers_of_regions_stay_below_the_upper_one(inputs, hidden):
    upper = regions.serra_upper(inputs, hidden)
    for lower in (regions.montufar_lower, regions.serra_lower):
        try:
            assert lower(inputs, hidden) <= upper
        except OutOfRegime:
            assert min(hidden) < 3 * inputs


def test_one_layer_is_an_arrangement_of_lines():
    """n lines in general position cut the plane into 1 + n + n(n-1)/2 regions."""
    for n in range(1, 9):
        assert regions.serra_upper(2, (n,)) == 1 + n + n * (n - 1) // 2


def affine_pieces(layers):
    """The affine pieces on the real line of a network with one input, by exact breakpoints.

    A function is a list of (left end, slope, intercept); every unit breaks pieces at its zeros.
    """
    infinite = Fraction(-(10**9))
    values = [[(infinite, Fraction(1), Fraction(0))]]  # the input itself
    for number, (rows, biases) in enumerate(layers):
        cuts = sorted({left for function in values for left, _, _ in function})
        result = []
        for row, bias in zip(rows, biases, strict=True):
            pieces = []
            for left in cuts:
                slope, intercept = Fraction(0), bias
                for weight, function in zip(row, values, strict=True):
                    _, a, b = [piece for piece in function if piece[0] <= left][-1]
                    slope, intercept = slope + weight * a, intercept + weight * b
                pieces.append((left, slope, intercept))
            if number < len(layers) - 1:
                pieces = rectify(pieces, cuts)
            result.append(pieces)
        values = result
    (output,) = values
    return 1 + sum(a[1:] != b[1:] for a, b in itertools.pairwise(output))


def rectify(pieces, cuts):
    result = []
    for (left, slope, intercept), right in zip(pieces, [*cuts[1:], Fraction(10**9)], strict=True):
        ends = [left]
        if slope and left < -intercept / slope < right:
            ends.append(-intercept / slope)
        for end, stop in zip(ends, [*ends[1:], right], strict=True):
            middle = (end + stop) / 2
            on = slope * middle + intercept > 0
            result.append((end, slope, intercept) if on else (end, Fraction(0), Fraction(0)))
    return result


def test_one_input_reaches_the_product():
    """Three units fold the line four times over (-4, -3); every unit after cuts each fold.

    One of those looks down, the others up, so that at no point all of them are off.
    """
    F = Fraction
    first = ([[F(1)], [F(1)], [F(-1)]], [F(0), F(-1), F(3)])  # relu(x), relu(x-1), relu(3-x)
    folds = [F(-2), F(3, 2), F(-1)]
    for units in (2, 3, 5):
        thresholds = [-4 + F(j + 1, units + 1) for j in range(units)]
        *others, top = thresholds
        second = ([*([folds] * (units - 1)), [-w for w in folds]], [*(-t for t in others), top])
        last = ([[F(2**j) for j in range(units)]], [F(0)])
        pieces = affine_pieces([first, second, last])
        assert pieces == 4 * (units + 1)
        assert lines("regions", widths=(1, 3, units, 1))["one input"].value == pieces
        assert regions.serra_upper(1, (3, units)) == pieces


def test_random_networks_have_no_more_pieces():
    generator = random.Random(3)
    for _ in range(20):
        widths = [1, *(generator.randint(1, 4) for _ in range(2)), 1]
        layers = [
            (
                [[Fraction(generator.randint(-9, 9)) for _ in range(a)] for _ in range(b)],
                [Fraction(generator.randint(-9, 9)) for _ in range(b)],
            )
            for a, b in itertools.pairwise(widths)
        ]
        assert affine_pieces(layers) <= regions.serra_upper(1, widths[1:-1])


def test_numbers_of_regions_too_large_are_refused():
    with pytest.raises(OutOfRegime, match="fewer inputs"):
        calculators.get("regions")(widths="4096,4096,4096,1")


# --- rounding ------------------------------------------------------------------------------------


def random_layers(generator, widths, largest):
    return [
        (
            [
                [Fraction(generator.randint(-997, 997), 997) * largest for _ in range(a)]
                for _ in range(b)
            ],
            [Fraction(generator.randint(-997, 997), 997) * largest for _ in range(b)],
        )
        for a, b in itertools.pairwise(widths)
    ]


def value_at(layers, x):
    for number, (rows, biases) in enumerate(layers):
        x = [
            sum((a * b for a, b in zip(row, x, strict=True)), bias)
            for row, bias in zip(rows, biases, strict=True)
        ]
        if number < len(layers) - 1:
            x = [max(entry, Fraction(0)) for entry in x]
    return x[0]


@given(
    st.integers(0, 10**6),
    st.lists(st.integers(1, 5), min_size=1, max_size=3),
    st.integers(0, 8),
    st.sampled_from([Fraction(1, 3), Fraction(1), Fraction(5, 2)]),
)
@settings(max_examples=60, deadline=None)
def test_rounded_networks_stay_within_the_bounds(seed, hidden, bits, largest):
    generator = random.Random(seed)
    widths = (2, *hidden, 1)
    layers = random_layers(generator, widths, largest)
    near = [
        (
            [[rounding.round_to_bits(entry, bits) for entry in row] for row in rows],
            [rounding.round_to_bits(entry, bits) for entry in biases],
        )
        for rows, biases in layers
    ]
    posterior = rounding.a_posteriori(layers, bits)
    assert posterior <= rounding.a_priori(widths, largest, bits)
    for _ in range(10):
        x = [Fraction(generator.randint(0, 64), 64) for _ in range(2)]
        assert abs(value_at(layers, x) - value_at(near, x)) <= posterior


def test_one_rounded_weight_attains_the_bound():
    """f = w x + b on [0, 1] with both errors 2^-(b+1): the bound is the error at x = 1."""
    half = Fraction(1, 2)
    layers = [([[Fraction(1, 2)]], [Fraction(1, 2)])]
    assert rounding.a_posteriori(layers, 0) == 2 * half
    assert rounding.a_priori((1, 1), Fraction(1), 0) == 2 * half


def test_entries_that_round_upward_are_covered():
    """0.51 rounds to 1: the signal of the rounded network grows where the other's does not."""
    largest = Fraction(51, 100)
    layers = [([[largest]], [largest])] * 5
    near = [([[Fraction(1)]], [Fraction(1)])] * 5
    error = abs(value_at(layers, [Fraction(1)]) - value_at(near, [Fraction(1)]))
    assert error <= rounding.a_posteriori(layers, 0) <= rounding.a_priori((1,) * 6, largest, 0)


@pytest.mark.parametrize("eps", ["1/2", "1e-3", "1e-30"])
@pytest.mark.parametrize("largest", [Fraction(1), Fraction(1, 3), Fraction(7)])
def test_the_least_number_of_bits_is_the_least(eps, largest):
    eps = Fraction(eps)
    bits = rounding.least_bits((2, 16, 16, 1), largest, eps)
    assert rounding.a_priori((2, 16, 16, 1), largest, bits) <= eps
    assert bits > 0
    assert rounding.a_priori((2, 16, 16, 1), largest, bits - 1) > eps


# --- the three regimes ---------------------------------------------------------------------------


def test_the_precision_floor_is_the_distance_to_the_grid():
    """A network of L layers on the grid 2^-b has f(0) in 2^-(bL) Z."""
    generator = random.Random(5)
    bits, widths = 2, (1, 3, 3, 1)
    for _ in range(20):
        layers = [
            (
                [[rounding.round_to_bits(entry, bits) for entry in row] for row in rows],
                [rounding.round_to_bits(entry, bits) for entry in biases],
            )
            for rows, biases in random_layers(generator, widths, Fraction(1))
        ]
        assert (value_at(layers, [Fraction(0)]) * 2 ** (bits * 3)).denominator == 1
    assert regimes.precision_floor(3, bits) == Fraction(1, 2 * 2**6)


@pytest.mark.parametrize(
    ("width", "depth", "bits", "name"),
    [(256, 4, 2, "under"), (256, 4, 3, "proper"), (4, 4, 8, "proper"), (4, 4, 9, "over")],
)
def test_regimes_change_at_log_w_over_l_and_l_log_w(width, depth, bits, name):
    assert regimes.regime(width, depth, bits) == name


def test_the_floors_of_the_regimes():
    found = lines("regimes", width=2, depth=2, bits=1)
    # 1 -> 2 -> 1 has 7 weights with 2^3 - 1 values: floor(7 log2 7) = 19 bits.
    assert found["floor by memory"].value.guarantee == Fraction(1, 20)
    assert found["floor by precision"].value.guarantee == Fraction(1, 8)
    assert found["eps at least"].value.guarantee == Fraction(1, 8)
    v = vc.vc_of_widths((1, 2, 1))
    assert found["floor by VC dimension"].value.guarantee == Fraction(1, 2 * v)


# --- blocks for one weight -----------------------------------------------------------------------


@given(st.integers(1, 300), st.integers(2, 12))
@settings(max_examples=80, deadline=None)
def test_the_base_is_the_least_that_holds_all_exponents(t, lam):
    s = block.base(t, lam)
    assert s ** (lam - 1) >= t + 1
    assert (s - 1) ** (lam - 1) < t + 1


def digit_sums(lam, s):
    """Every i < s^(lambda-1) with its digit sum, by counting through all digits."""
    return {
        sum(digit * s**k for k, digit in enumerate(digits)): sum(digits)
        for digits in itertools.product(range(s), repeat=lam - 1)
    }


@pytest.mark.parametrize(("t", "lam"), [(5, 2), (20, 3), (26, 4), (15, 5)])
def test_connections_of_shared_powers(t, lam):
    sums = digit_sums(lam, block.base(t, lam))
    assert block.ding_connections(t, lam) == sum(sums[i] for i in range(1, t + 1))
    found = lines("block", t=t, lam=lam)
    assert found["Ding et al.: depth"].value.value >= max(sums[i] for i in range(t + 1))


def test_a_block_of_shared_halves_has_a_quadratic_number_of_connections():
    """lambda = 2: s = t + 1, so 2^-i takes i connections; strict layers take 7t + 6, skips 3t."""
    found = lines("block", t=20)
    assert found["Ding et al.: connections"].value == 20 * 21 // 2
    assert found["Ding et al.: depth"].value == 20
    assert found["strict layers: connections"].value == 146
    assert found["strict layers: depth"].value == 21
    assert found["skips: connections"].value == 60


@given(st.integers(1, 12), st.integers(-(2**12), 2**12))
@settings(max_examples=60, deadline=None)
def test_halving_steps_store_a_weight(t, numerator):
    """z <- z/2 + x/2 + (s_i/2) x, and x taken off once: within 2^-t of w x, z never negative."""
    w, x = Fraction(numerator, 2**12), Fraction(1)
    signs, left = [], w
    for k in range(1, t + 1):
        signs.append(1 if left >= 0 else -1)
        left -= Fraction(signs[-1], 2**k)
    z = Fraction(0)
    for sign in reversed(signs):
        z = z / 2 + x / 2 + Fraction(sign, 2) * x
        assert z >= 0
    assert abs(z - (1 - Fraction(1, 2**t)) * x - w * x) <= Fraction(1, 2**t)


# --- explicit and order statements of papers ------------------------------------------------------


def test_shen_yang_zhang():
    """d = 2, N = L = 10: width C_1 max(2 floor(sqrt 10), 11), depth 12 L + 14, 19 sqrt(2)/10."""
    answer = calculators.get("shen")(d=2, N=10, L=10, n=1)
    found = [(line.label, line.value) for line in answer]
    assert found[0] == ("2020: width", 12 * 11)
    assert found[1][1] == 134
    assert found[2] == ("2020: width", 3**5 * 11)
    assert found[3][1] == 12 * 10 + 14 + 4
    assert float(found[4][1]) == pytest.approx(19 * math.sqrt(2) / 100)
    assert found[5] == ("2022: width", 16 * 12)
    error = 131 * math.sqrt(2) * (10**4 * math.log(12, 3)) ** -0.5
    assert float(found[9][1]) == pytest.approx(error)
    by_label = lines("shen", d=2, N=10, L=10, n=2)
    assert float(by_label["2021: error"].value) == pytest.approx(85 * 9 * 64 * 100 ** (-2))
    assert float(by_label["2021: width"].value) == pytest.approx(
        17 * 2**3 * 9 * 2 * 12 * math.log2(80)
    )


def test_petersen_voigtlaender():
    found = lines("petersen", d=3, beta=2, p=1, eps="1e-3")
    assert found["piecewise: layers"].value.guarantee == 4 * (11 + Fraction(4, 3))
    assert float(found["piecewise: nonzero weights"].value) == pytest.approx(1000)
    assert float(found["C^beta ball: nonzero weights"].value) == pytest.approx(1000**1.5)


def test_elbraechter_et_al():
    found = lines("elbraechter", eps="1/8", D=3, k=2, layers=5, d=4, weights=16)
    assert float(found["product on [-D,D]^2: depth"].value) == pytest.approx(math.log2(3) + 3)
    assert float(found["quantization: m"].value) == pytest.approx(32)
    assert float(found["memory in bits"].value) == pytest.approx(16 * 4 * 3)


def test_bernstein_polynomials():
    found = lines("bernstein", n=400, x="1/2", lipschitz=3, s=2)
    assert float(found["error at x"].value) == pytest.approx(4 / 11)
    assert float(found["error for smooth f"].value) == pytest.approx(1 / 400)
    assert found["bits"].value == 401
