"""Derivatives against sympy; points, lattices and boxes against balls of many bits."""

import itertools
import pickle
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import expressions, rationals

from qexpr.errors import InvalidInput
from qexpr.targets import Target

X = sympy.symbols("x0:3", real=True)
UNIT = rationals(0, 1, 48)


def oracle(text, order, point):
    """A derivative's value by sympy's own parser and differentiation, to 50 digits."""
    names = {f"x{k}": X[k] for k in range(3)} | {"max": sympy.Max, "min": sympy.Min}
    names |= {"relu": lambda u: sympy.Max(u, 0), "abs": sympy.Abs}
    value = sympy.sympify(text.replace("^", "**"), locals=names, rational=True)
    for symbol, times in zip(X, order, strict=False):
        value = sympy.diff(value, symbol, times) if times else value
    return value.subs(
        {s: sympy.Rational(q.numerator, q.denominator) for s, q in zip(X, point, strict=False)}
    )


def as_fraction(value):
    return Fraction(int(sympy.floor(value.evalf(60) * 10**40)), 10**40)


ORDERS = st.sampled_from([(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 3), (2, 1)])


@given(text=expressions(2), order=ORDERS, point=st.tuples(UNIT, UNIT))
@settings(max_examples=40, deadline=None)
def test_derivatives_agree_with_sympy(text, order, point):
    low, high = Target(text, d=2).value(point, order)
    assert high - low < Fraction(1, 10**20) * max(1, abs(high))
    value = as_fraction(oracle(text, order, point))
    slack = Fraction(1, 10**30) * max(1, abs(value))
    assert low - slack <= value <= high + slack


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("abs(x0-1/3)*x0", 1),
        ("relu(x0^2-1/4)^3", 2),
        ("max(x0^2,1/2-x0)*x0", 1),
        ("min(sin(3*x0),1/2)^2", 1),
        ("abs(x0-1/2)^3*exp(x0)", 3),
        ("abs(abs(x0-1/2)-1/4)", 1),
        ("relu(relu(x0-1/4)-1/4)^2", 2),
    ],
)
def test_derivatives_beside_kinks_agree_with_differences(text, order):
    """Divided differences of exact values: no rule of differentiation of ours or of sympy."""
    target, h = Target(text), Fraction(1, 2**40)
    for point in (Fraction(1, 7), Fraction(3, 7), Fraction(5, 7), Fraction(13, 14)):
        values = [target.value([point + k * h], bits=400)[0] for k in range(order + 1)]
        for _ in range(order):
            values = [(b - a) / h for a, b in itertools.pairwise(values)]
        low, high = target.value([point], (order,))
        assert low - Fraction(1, 10**6) <= values[0] <= high + Fraction(1, 10**6)


@given(
    text=expressions(2, kinks=True),
    order=st.sampled_from([(0, 0), (1, 0), (1, 1)]),
    denominator=st.sampled_from([7, 8, 64, 100]),
    bits=st.sampled_from([10, 36, 60, 90]),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_lattice_enclosures_contain_precise_values(text, order, denominator, bits, data):
    numerator = st.integers(0, denominator)
    points = data.draw(st.lists(st.tuples(numerator, numerator), min_size=1, max_size=5))
    target = Target(text, d=2)
    lower, upper = target.enclose(order, points, denominator, bits)
    scale = 2 ** (bits + 2)
    for low, high, point in zip(lower, upper, points, strict=True):
        exact = target.value([Fraction(k, denominator) for k in point], order, bits=400)
        assert isinstance(low, int)
        assert Fraction(low, scale) <= exact[1]
        assert exact[0] <= Fraction(high, scale)
        if exact[1] - exact[0] < Fraction(1, 2 ** (bits + 20)):  # not on a jump
            assert high - low <= 4


def test_all_routes_of_the_lattice_agree():
    target = Target("sin(3*x0)*cos(2*x1)/27+exp(x0*x1)/9")
    points = [(i, j) for i in range(12) for j in range(12)]
    few = target.enclose((1, 1), points, 11, 30)
    many = target.enclose((1, 1), points, 11, 80)
    for a, b, c, e in zip(*few, *many, strict=True):
        assert a <= c / 2**50
        assert e / 2**50 <= b
        assert e - c <= 4
    assert target.enclose((1, 1), np.array(points), 11, 30) == few
    assert target.enclose((0, 0), [], 11, 30) == ([], [])


def test_derivative_at_a_kink_contains_both_sides():
    target = Target("abs(x0-1/2)+relu(x0-1/4)")
    lower, upper = target.enclose((1,), [(1,), (2,), (3,)], 4, 20)
    ends = [(-1, 0), (0, 2), (2, 2)]
    for low, high, (a, b) in zip(lower, upper, ends, strict=True):
        assert low <= a * 2**22 <= low + 4
        assert high - 4 <= b * 2**22 <= high


@given(
    text=expressions(2, kinks=True),
    order=st.sampled_from([(0, 0), (0, 1), (1, 0), (2, 0)]),
    corner=st.tuples(UNIT, UNIT),
    size=st.sampled_from([1, Fraction(1, 4), Fraction(1, 64)]),
    inside=st.lists(st.tuples(UNIT, UNIT), min_size=4, max_size=4),
)
@settings(max_examples=80, deadline=None)
def test_boxes_contain_sampled_values(text, order, corner, size, inside):
    target = Target(text, d=2)
    lower = np.array([[float(c) * (1 - float(size)) for c in corner]])
    upper = np.minimum(lower + float(size), 1.0)
    box = [(Fraction(a), Fraction(b)) for a, b in zip(lower[0], upper[0], strict=True)]
    fast, ball = target.enclose_boxes(order, lower, upper), target.ball(order, box)
    for share in [*inside, (0, 0), (1, 1)]:
        point = [a + (b - a) * s for (a, b), s in zip(box, share, strict=True)]
        low, high = target.value(point, order)
        if high - low > Fraction(1, 2**40):
            continue  # on a kink
        assert fast.lower[0] <= high
        assert low <= fast.upper[0]
        assert ball[0] <= high
        assert low <= ball[1]


def test_refined_boxes_are_second_order():
    """The mean-value form of a smooth function: overestimation falls like the square."""
    target = Target("sin(5*x0)*exp(x0*x1)/(1+x1)")
    excess = []
    for k in (5, 6, 7, 8):
        width = 2.0**-k
        lower, upper = np.array([[0.3, 0.6]]), np.array([[0.3 + width, 0.6 + width]])
        result = target.enclose_boxes((1, 0), lower, upper)
        side = np.linspace(0, 1, 33)
        grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2) * width + lower
        seen = target.enclose_boxes((1, 0), grid, grid)
        sampled = float(np.max(seen.upper) - np.min(seen.lower))
        excess.append(float(result.upper[0] - result.lower[0]) - sampled)
    assert all(b < a / 2.5 + 1e-9 for a, b in itertools.pairwise(excess))


def test_many_boxes_at_once_equal_single_ones():
    target = Target("max(sin(3*x0),x1)^2/9+abs(x0-x1)^3")
    rng = np.random.default_rng(1)
    lower = rng.random((70000, 2)) * 0.9
    upper = lower + rng.random((70000, 2)) * 0.1
    batch = target.enclose_boxes((1, 0), lower, upper)
    for k in (0, 1, 40000, 69999):
        one = target.enclose_boxes((1, 0), lower[k : k + 1], upper[k : k + 1])
        assert one.lower[0] == batch.lower[k]
        assert one.upper[0] == batch.upper[k]


@given(text=expressions(2, kinks=True), points=st.lists(st.tuples(UNIT, UNIT), min_size=1))
@settings(max_examples=40, deadline=None)
def test_plain_evaluation_is_close(text, points):
    target = Target(text, d=2)
    values = target(np.array([[float(a), float(b)] for a, b in points]))
    for value, point in zip(values, points, strict=True):
        low, high = target.value(point)
        assert abs(value - float(low)) <= 1e-9 * max(1.0, abs(float(high)))


def test_latex_and_sympy_are_the_derivative():
    target = Target("sin(3*x0)*relu(x1-1/2)^2/6")
    assert sympy.simplify(target.derivative((1, 0)).subs(X[1], 1) - sympy.cos(3 * X[0]) / 8) == 0
    assert "\\cos" in target.latex((1, 0))


def test_pickle_keeps_the_function():
    target = Target("exp(x0)/3", domain=[(0, 2)], norm=4)
    copy = pickle.loads(pickle.dumps(target))
    assert copy.value([Fraction(1, 3)]) == target.value([Fraction(1, 3)])
    assert copy.units == target.units


@pytest.mark.parametrize(
    "call",
    [
        lambda f: f.enclose((1,), [(0, 0)], 1, 10),
        lambda f: f.enclose((1, -1), [(0, 0)], 1, 10),
        lambda f: f.enclose((0, 0), [(0,)], 1, 10),
        lambda f: f.enclose((0, 0), [(0, 2)], 1, 10),
        lambda f: f.enclose((0, 0), [(0, -1)], 1, 10),
        lambda f: f.enclose((0, 0), [(0, 0.5)], 1, 10),
        lambda f: f.enclose((0, 0), [(0, 0)], 0, 10),
        lambda f: f.enclose((0, 0), [(0, 0)], 1, -1),
        lambda f: f.ball((0, 0), [(0, 1)]),
        lambda f: f.ball((0, 0), [(0, 1), (1, 0)]),
        lambda f: f.ball((0, 0), [(0, 1), (0, 2)]),
        lambda f: f.enclose_boxes((0, 0), np.zeros((1, 2)), np.full((1, 2), np.nan)),
        lambda f: f.enclose_boxes((0, 0), np.zeros((1, 3)), np.ones((1, 3))),
        lambda f: f(np.zeros(2)),
        lambda f: f.value([0, 3]),
    ],
)
def test_bad_arguments_are_refused(call):
    with pytest.raises(InvalidInput):
        call(Target("x0*x1"))


def test_a_pole_inside_the_domain_of_a_derivative_is_refused_at_its_point():
    with pytest.raises(InvalidInput, match="not finite"):
        Target("sqrt(x0)").enclose((1,), [(0,)], 4, 20)


@pytest.mark.parametrize("name", ["sin", "cos", "exp", "tanh", "log", "sqrt"])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_each_function_has_the_derivative_of_sympy(name, order):
    text, point = f"{name}(1+3*x0^2)", Fraction(2, 5)
    low, high = Target(text).value([point], (order,))
    value = as_fraction(oracle(text, (order,), (point,)))
    assert low - Fraction(1, 10**30) <= value <= high + Fraction(1, 10**30)


@pytest.mark.parametrize("text", ["abs(x0-1/2)", "relu(x0-1/2)*2-x0", "max(x0,1-x0)"])
def test_boxes_across_a_kink_have_both_slopes_and_boxes_beside_it_one(text):
    lower, upper = np.array([[0.25], [0.5], [0.4375]]), np.array([[0.5], [0.75], [0.53125]])
    result = Target(text).enclose_boxes((1,), lower, upper)
    assert result.lower.tolist() == [-1, 1, -1]
    assert result.upper.tolist() == [-1, 1, 1]
