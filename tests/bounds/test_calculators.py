"""Calculators: reading of arguments, and each one against brute force or an independent count."""

import itertools
import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qexpr.bounds import calculators
from qexpr.bounds.calculators import block, vc
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
    "constants": {"d": 2, "n": 2},
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


# --- VC dimension -----------------------------------------------------------------------------


def test_vc_of_two_hidden_layers_of_ten():
    """[10, 10, 1], one input: 2907 from the growth product, 3318 from the closed form."""
    assert vc.vc_of_widths((1, 10, 10, 1)) == 2907
    assert math.ceil(vc.closed_form((1, 10, 10, 1)).guarantee) == 3318
    found = lines("vc", widths="1,10,10,1", bits=4)
    assert found["upper, quantized"].value == 4 * 141
    assert found["least of the upper bounds"].value == 564
    assert lines("vc", widths="1,10,10,1")["least of the upper bounds"].value == 2907


def test_orders_and_operations_of_a_small_network():
    """[1, 3, 1]: W = 6 + 4 weights in L = 2 layers; W L log2(W/L) = 20 log2 5, no floor of W/L.

    A unit with k inputs takes k products, k sums (the bias's among them) and a comparison, and
    the bit is output once: t = 3 * 3 + 7 + 1 = 17, so 4 W (t + 2) = 760 (Anthony, Bartlett 1999).
    """
    found = lines("vc", widths="1,3,1")
    assert found["order, lower"].value.value == pytest.approx(20 * math.log2(5), rel=1e-14)
    assert found["order, upper"].value.value == pytest.approx(20 * math.log2(10), rel=1e-14)
    assert found["upper, any depth"].value == 760
    wide = lines("vc", widths="2,64,64,1")  # W = 4417, W/L = 1472.33..
    assert wide["order, lower"].value.value == pytest.approx(
        3 * 4417 * math.log2(4417 / 3), rel=1e-14
    )


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


# --- blocks for one weight --------------------------------------------------------------------


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


# --- explicit and order statements of papers --------------------------------------------------


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
