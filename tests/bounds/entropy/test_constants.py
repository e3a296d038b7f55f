"""Constants of eps^(-d/n) against the floors and codes themselves, and a table of first studies."""

import pytest

from qexpr.bounds.entropy import best_floor
from qexpr.bounds.entropy.limits import code_constant, floor_constant
from qexpr.bounds.registry import get

# (d, n): best floor, code; each to the digits given
TABLE = {
    (1, 2): (0.7506, 2.965),
    (1, 3): (0.8762, 4.475),
    (1, 4): (0.9592, 6.043),
    (2, 1): (0.6226, 3.566),
    (2, 2): (0.0704, 7.132),
    (2, 3): (0.1057, 12.00),
    (2, 4): (0.1393, 18.59),
    (3, 1): (0.5, 12.68),
    (3, 2): (0.01563, 23.2),
    (3, 3): (0.01597, 37.6),
    (4, 2): (0.00391, 97.1),
}


@pytest.mark.parametrize(("d", "n"), list(TABLE))
def test_the_table(d, n):
    floor, code = TABLE[d, n]
    assert float(floor_constant(d, n)) == pytest.approx(floor, rel=2e-3)
    assert float(code_constant(d, n)) == pytest.approx(code, rel=2e-3)


@pytest.mark.parametrize(("d", "n"), [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3), (3, 2)])
def test_floors_and_codes_tend_to_them(d, n):
    places = (1e6 ** (n / d), 1.7e6 ** (n / d))
    eps = [f"1/{round(place)}" for place in places]
    scale = [round(place) ** -(d / n) for place in places]
    floors = [float(best_floor(d, n, e)[0]) * s for e, s in zip(eps, scale, strict=True)]
    id = "entropy.code_lipschitz" if d == n == 1 else "entropy.code"
    codes = [float(get(id).evaluate(d, n, eps=e)["bits"]) for e in eps]
    assert floors == pytest.approx([float(floor_constant(d, n))] * 2, rel=0.06)
    assert [c * s for c, s in zip(codes, scale, strict=True)] == pytest.approx(
        [float(code_constant(d, n))] * 2, rel=0.06
    )


def test_ends_enclose():
    for value in (floor_constant(2, 3), code_constant(2, 3)):
        assert 0 < value.upper - value.lower < value.upper / 2**50
    assert floor_constant(1, 1).value == code_constant(1, 1).value == 1
