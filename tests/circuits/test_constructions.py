"""What every construction promises, over a dozen classes and all alphabets between them."""

import importlib
import itertools
import random
from fractions import Fraction

import numpy as np
import pytest
from networks_by_unit import unit_values
from polynomials import Polynomial

from qexpr import certificates, circuits, targets
from qexpr.circuits.constructions.cones_code import odd_near_zero
from qexpr.errors import InvalidInput

ALPHABETS = [f"nonlinear:{k}" for k in range(2, 17)] + [f"linear:{b}" for b in range(1, 9)]
CLASSES = {
    "shared_bitplane": [
        (1, 1, "1/20"), (1, 2, "1e-2"), (1, 3, "1e-3"), (1, 4, "1e-2"), (1, 6, "1e-1"),
        (2, 1, "1/3"), (2, 2, "1/10"), (2, 3, "1/10"), (2, 4, "1/5"), (3, 1, "1/2"),
        (3, 2, "1/2"), (4, 1, "9/10"),
    ],
    "cones": [
        (1, 1, "9/10"), (1, 1, "1/30"), (1, 2, "1e-1"), (1, 2, "1e-3"), (1, 2, "1/7000"),
        (2, 1, "1/2"), (2, 1, "1/5"), (2, 2, "1/10"), (2, 2, "1/70"), (3, 1, "9/10"),
        (3, 2, "1/3"), (4, 2, "9/10"),
    ],
    "multiresolution": [
        (1, 1, "1/30"), (1, 2, "1e-2"), (1, 2, "1e-4"), (1, 3, "1e-5"), (1, 5, "1e-3"),
        (2, 1, "1/5"), (2, 2, "9/10"), (2, 2, "5e-3"), (2, 3, "1/10"), (2, 3, "1/50"),
        (3, 2, "1/3"), (4, 1, "9/10"),
    ],
    "sigma_delta": [
        (1, 1, eps) for eps in
        ("9/10", "1/2", "1/3", "1/4", "1/5", "1/7", "1/10", "1/16", "1/30", "1/64", "1e-2", "1/300")
    ],
    "ding2018": [
        (1, 1, "9/10"), (1, 1, "1/2"), (1, 1, "1/10"), (1, 2, "1/2"), (1, 2, "1/10"),
        (1, 2, "1/40"), (1, 3, "1/2"), (1, 3, "1/20"), (1, 4, "1/3"), (1, 5, "1/2"),
        (1, 6, "1/2"), (2, 2, "9/10"),
    ],
    "yarotsky2017": [
        (1, 1, "9/10"), (1, 1, "1/4"), (1, 1, "1/10"), (1, 2, "1/2"), (1, 2, "1/10"),
        (1, 2, "1/40"), (1, 3, "1/2"), (1, 3, "1/20"), (1, 4, "1/3"), (1, 5, "1/2"),
        (1, 6, "1/2"), (2, 2, "9/10"),
    ],
    "bubbles": [
        (1, 3, "9/10"), (1, 3, "1/10"), (1, 3, "1e-2"), (1, 3, "1/3000"), (1, 3, "1e-5"),
        (1, 3, "1/7"), (2, 3, "9/10"), (2, 3, "1/3"), (2, 3, "1/10"), (2, 3, "1/30"),
        (2, 3, "1/70"), (2, 3, "1e-2"),
    ],
}  # fmt: skip
CASES = [
    (name, *case, ALPHABETS[(12 * shift + i) % len(ALPHABETS)])
    for shift, (name, cases) in enumerate(CLASSES.items())
    for i, case in enumerate(cases)
]
SIDES = {1: 1000, 2: 40, 3: 6, 4: 3}


def _target(d, n):
    rng = random.Random(10 * d + n)
    exponents = itertools.product(range(4 if d < 3 else 3), repeat=d)
    return Polynomial(d, {e: Fraction(rng.randint(-9, 9)) for e in exponents}).scaled(n)


@pytest.mark.parametrize(("name", "d", "n", "eps", "alphabet"), CASES)
def test_promises(monkeypatch, name, d, n, eps, alphabet):
    module = importlib.import_module(f"qexpr.circuits.constructions.{name}")
    nets = []
    realise = module.realise
    monkeypatch.setattr(
        module, "realise", lambda net, *more: nets.append(net) or realise(net, *more)
    )
    f = _target(d, n)
    w = getattr(circuits, name)(f, n=n, eps=eps, alphabet=alphabet)
    plan = circuits.plan(name, d, n, eps, alphabet=alphabet, norm=f.norm(n))
    counts = plan.counts
    assert (counts.weights, counts.units) == (w.weights, w.units)
    # the kinks of one group differ in depth there: see Counts
    if name == "bubbles":
        assert 0 <= counts.depth - w.depth <= 3
    else:
        assert counts.depth - w.depth == ((name, alphabet) == ("ding2018", "linear:2"))
    assert counts.free_edges == len(w.free)
    # the alphabet, edge by edge, and no parallel edges
    edges = list(w.edges())
    allowed = set(nets[0].values.members) if name != "yarotsky2017" else set(w.alphabet)
    assert {value for _, _, value in edges} <= allowed
    assert len({(s, t) for s, t, _ in edges}) == len(edges) == w.weights
    # exact evaluation before and after realisation
    rng = random.Random(w.weights)
    points = [[Fraction(rng.randint(0, 90), 90) for _ in range(d)] for _ in range(2)]
    exact = w.evaluate_exact(points)
    assert exact == unit_values(nets[0], points)[nets[0].output][0].tolist()
    for value, point in zip(exact, points, strict=True):
        assert abs(value - f(point)) <= plan.error <= Fraction(eps)
    # the error on a dense grid
    side = SIDES[d]
    grid = list(itertools.product(range(side + 1), repeat=d))
    lower, upper = f.enclose((0,) * d, grid, side, 40)
    middle = (np.array(lower, float) + np.array(upper, float)) / 2**43
    assert np.abs(w(np.array(grid) / side) - middle).max() <= float(plan.error) + 1e-9


def test_every_construction_and_alphabet_is_in_the_table():
    assert set(CLASSES) == set(circuits.registry.CONSTRUCTIONS)
    assert all(len(cases) == 12 for cases in CLASSES.values())
    assert {alphabet for *_, alphabet in CASES} == set(ALPHABETS)


def test_what_is_no_target_is_named():
    from qexpr import certificates

    with pytest.raises(InvalidInput, match="f must be a target, such as"):
        circuits.cones("x0/2", n=2, eps="1e-1", lam=2)
    w = circuits.cones(None, d=1, n=2, eps="1e-1", lam=2)
    for prove in (certificates.certify, certificates.enclose):
        with pytest.raises(InvalidInput, match="f must be a target, such as"):
            prove(w, "x0/2", "1e-1")


@pytest.mark.parametrize(
    ("name", "n", "eps", "alphabet", "text"),
    [
        ("sigma_delta", 1, "16379/250000", "linear:4", "cos(x)"),
        ("cones", 1, "51/80", "nonlinear:2", "cos(x)"),
        ("cones", 2, "18457/125000", "nonlinear:2", "exp(-x)"),
        ("bubbles", 3, "607/40000", "nonlinear:2", "cos(x)"),  # the start of f
        ("bubbles", 3, "16379/250000", "nonlinear:2", "-cos(x)"),  # the start of f''
        ("bubbles", 3, "18457/125000", "nonlinear:2", "x*x/2-1/2"),  # f'' of all blocks
    ],
)
def test_a_member_that_is_largest_where_nothing_is_predicted_fits(name, n, eps, alphabet, text):
    """f(0) = 1 over a step of 2^-P lies between 2^P - 1, which has P digits, and 2^P + 1."""
    target = targets.Target(text, d=1)
    net = getattr(circuits, name)(target, n=n, eps=eps, alphabet=alphabet)
    certificate = certificates.certify(net, target, eps=eps)
    assert str(certificate.verdict) == "certified"
    assert certificates.check(certificate, net) == certificate


def test_ties_of_odd_numbers_go_to_0_where_that_is_in_play():
    for unit, play in itertools.product((1, 3, 8), (0, 1)):
        for middle in range(-6 * unit, 6 * unit + 1):
            odd = odd_near_zero(middle, unit, play)
            near = [j for j in range(-7, 8, 2) if abs(middle - j * unit) <= unit + play]
            assert odd in near
            assert abs(odd) == min(map(abs, near))
