"""The packings behind the floors for one derivative are built, and their members compared."""

import itertools
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qexpr import bounds
from qexpr.bounds.entropy import lattice
from qexpr.errors import OutOfRegime
from qexpr.rigor.constants import ice_constant


def value(id, d, eps):
    return bounds.get(id).evaluate(d, 1, eps=eps)["bits"]


def polygon(values, x):
    """Through (k/m, values[k])."""
    m = len(values) - 1
    k = min(int(x * m), m - 1)
    return values[k] + (values[k + 1] - values[k]) * (x * m - k)


def check_polygons(family, eps):
    """Members of F(1,1), pairwise more than 2 eps apart."""
    for values in family:
        m = len(values) - 1
        assert all(abs(v) <= 1 for v in values)
        assert all(abs(b - a) * m <= 1 for a, b in itertools.pairwise(values))
    for f, g in itertools.combinations(family, 2):
        points = [Fraction(k, 3 * (len(f) - 1)) for k in range(3 * len(f) - 2)]
        assert max(abs(polygon(f, x) - polygon(g, x)) for x in points) > 2 * eps


@pytest.mark.parametrize("eps", ["0.9", "1/2", "0.3", "1/4", "0.17", "1/7"])
def test_zigzags_are_a_packing(eps):
    eps = Fraction(eps)
    bits = value("entropy.zigzag", 1, eps).value
    family = [
        [Fraction(sum(signs[:k]), bits) for k in range(bits + 1)]
        for signs in itertools.product((1, -1), repeat=bits)
    ]
    assert len(set(map(tuple, family))) == 2**bits
    check_polygons(family, eps)


def all_walks(m, positions):
    for start in range(1, positions + 1, 2):
        for steps in itertools.product((1, -1), repeat=m):
            path = list(itertools.accumulate(steps, initial=start))
            if min(path) >= 1 and max(path) <= positions:
                yield path


@pytest.mark.parametrize("eps", ["0.9", "0.6", "1/2", "0.45", "1/3", "0.3", "1/4", "0.22"])
def test_walks_are_a_packing(eps):
    eps = Fraction(eps)
    m, positions = math.ceil(1 / eps) - 1, math.ceil(2 / eps)
    step = Fraction(2, positions - 1)
    family = [[(k - 1) * step - 1 for k in path] for path in all_walks(m, positions)]
    bits = value("entropy.dp", 1, eps)
    # 2^bits is the number of members: bracketed by integer powers at 64 bits^-1.
    low = math.floor(64 * bits.lower)
    assert 2**low <= len(family) ** 64 <= 2 ** (low + 1)
    check_polygons(family, eps)


@pytest.mark.parametrize(("m", "positions"), list(itertools.product(range(6), range(1, 12))))
def test_the_dynamic_programme_counts_the_walks(m, positions):
    assert lattice.walks(m, positions) == len(list(all_walks(m, positions)))


@pytest.mark.parametrize("m", [1, 2, 3, 7, 8, 20, 63, 64, 65, 66, 100, 151])
def test_the_closed_form_is_the_dynamic_programme(m, monkeypatch):
    monkeypatch.setattr(lattice, "HANDOVER", 0)
    for positions in (2 * m + 1, 2 * m + 2):  # all that ceil(2/eps) can be
        share = Fraction(lattice.walks(m, positions), 2**m)
        low, high = lattice.walk_share(m, positions)
        assert low <= share <= high
        assert high - low <= high / 2**60


def test_the_floor_says_from_where_its_closed_form_takes_over():
    assert f"m = {lattice.HANDOVER}" in bounds.get("entropy.dp").statement
    assert isinstance(lattice.walk_share(lattice.HANDOVER, 130), Fraction)
    assert isinstance(lattice.walk_share(lattice.HANDOVER + 1, 132), tuple)


@given(st.integers(2, 10**40))
def test_walks_never_say_less_than_zigzags(steps):
    eps = Fraction(1, steps)
    walks, zigzags = value("entropy.dp", 1, eps), value("entropy.zigzag", 1, eps)
    assert walks.upper >= zigzags.lower
    # By the gap to the code: less than two bits.
    code = bounds.get("entropy.code_lipschitz").evaluate(1, 1, eps=eps)["bits"]
    assert walks.lower <= code.upper
    assert code.lower - walks.upper < 2


def mcshane(data, x):
    """The largest extension that is 1-Lipschitz in l_1, cut off at +-1."""
    best = min(v + sum(abs(a - b) for a, b in zip(p, x, strict=True)) for p, v in data.items())
    return max(min(best, 1), -1)


def check_lipschitz(data, d, fine):
    """Values kept, at most 1 in size, and 1-Lipschitz along the axes of a finer grid."""
    assert all(mcshane(data, p) == v for p, v in data.items())
    cache = {
        p: mcshane(data, tuple(Fraction(k, fine) for k in p))
        for p in itertools.product(range(fine + 1), repeat=d)
    }
    for p, v in cache.items():
        assert abs(v) <= 1
        for i in range(d):
            q = (*p[:i], p[i] + 1, *p[i + 1 :])
            assert q not in cache or abs(cache[q] - v) * fine <= 1


@pytest.mark.parametrize(("d", "eps"), [(1, "0.2"), (1, "1/2"), (2, "1/2"), (2, "0.4"), (3, "0.6")])
def test_signs_on_a_checkerboard_are_a_packing(d, eps):
    eps = Fraction(eps)
    N = math.ceil(1 / eps) - 1
    nodes = [k for k in itertools.product(range(N + 1), repeat=d) if sum(k) % 2 == 0]
    points = [tuple(Fraction(i, N) for i in k) for k in nodes]
    assert value("entropy.checkerboard", d, eps).value == len(points)
    assert 2 * Fraction(1, N) > 2 * eps  # any two differ by this at a point
    for number, signs in enumerate(itertools.product((1, -1), repeat=len(points))):
        if number % 5 == 0:
            data = {p: Fraction(s, N) for p, s in zip(points, signs, strict=True)}
            check_lipschitz(data, d, 3 * N if d < 3 else 2 * N)


def colourings(m):
    """Colourings of the m x m grid with three colours, by transfer matrix over rows."""
    rows = [
        row
        for row in itertools.product(range(3), repeat=m)
        if all(a != b for a, b in itertools.pairwise(row))
    ]
    fits = [
        [j for j, b in enumerate(rows) if all(x != y for x, y in zip(a, b, strict=True))]
        for a in rows
    ]
    ways = [1] * len(rows)
    for _ in range(m - 1):
        ways = [sum(ways[j] for j in fits[i]) for i in range(len(rows))]
    return sum(ways)


@pytest.mark.parametrize("m", range(2, 8))
def test_colourings_exceed_the_ice_bound(m):
    count = Fraction(colourings(m), 3)
    assert count.denominator == 1
    bound = ice_constant()[1] * m * m - math.log2(3)
    assert bound < math.log2(count)


def heights(K):
    """Functions on the K x K grid, neighbours differing by 1, 0 at the centre."""
    centre = K // 2
    cells = sorted(
        itertools.product(range(K), repeat=2),
        key=lambda p: abs(p[0] - centre) + abs(p[1] - centre),
    )

    def extend(known, rest):
        if not rest:
            yield dict(known)
            return
        i, j = rest[0]
        near = [known[q] for q in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)) if q in known]
        for v in {near[0] - 1, near[0] + 1}:
            if all(abs(v - w) == 1 for w in near):
                yield from extend({**known, rest[0]: v}, rest[1:])

    return list(extend({(centre, centre): 0}, cells[1:]))


def test_height_functions_are_a_packing():
    family = heights(3)
    assert 3 * len(family) == colourings(3)
    bits = value("entropy.ice", 2, "0.4")
    assert bounds.get("entropy.ice").find(query(2, 1, "0.4")) == {"K": 3}
    assert bits.upper < math.log2(len(family))
    h = Fraction(1, 2)
    assert h > Fraction("0.4")
    for f, g in itertools.combinations(family, 2):
        assert max(abs(f[p] - g[p]) for p in f) * h >= 2 * h
    for f in family[::7]:
        check_lipschitz({(i * h, j * h): v * h for (i, j), v in f.items()}, 2, 6)


def query(d, n, eps):
    from qexpr import Query

    return Query(d, n, eps=eps)


def test_ice_needs_three_nodes():
    assert bounds.get("entropy.ice").find(query(2, 1, "0.49")) == {"K": 3}
    with pytest.raises(OutOfRegime, match="three nodes"):
        value("entropy.ice", 2, "1/2")


@pytest.mark.parametrize(
    ("id", "d", "n"),
    [
        ("entropy.zigzag", 2, 1),
        ("entropy.zigzag", 1, 2),
        ("entropy.dp", 1, 2),
        ("entropy.checkerboard", 2, 2),
        ("entropy.ice", 3, 1),
    ],
)
def test_floors_of_one_derivative_refuse_other_classes(id, d, n):
    with pytest.raises(OutOfRegime, match="it is about functions"):
        bounds.get(id).evaluate(d, n, eps="1e-3")


def test_values_with_too_many_digits_are_refused():
    with pytest.raises(OutOfRegime, match="12288 binary digits"):
        value("entropy.checkerboard", 1000, "1e-300")
