"""The mesh search, which leaves out what cannot be among the best, against one that does not."""

from fractions import Fraction
from math import inf

import pytest

from qexpr.bounds.witness import bubbles_mesh
from qexpr.circuits.constructions import bubbles_plan
from qexpr.core.bubbles import Mesh, meshes
from qexpr.core.search import least_root

ODD, CHOICES, KEPT = (1, 3, 5, 7), 8, 4


def multiple(N, M):
    return max(2, M, -(-N // M) * M)


def around(x):
    k = -20
    while Fraction(2) ** -k > x:
        k += 1
    return k - 1, k, k + 1


def folds(left, x, y):
    r = 0
    while y / 4 ** (r + 1) >= left:
        r += 1
    for more in (r, r + 1, r + 2):
        s = 0
        while x / 4 ** (s + 1) > left - y / 4 ** (more + 1):
            s += 1
        yield s, more


def every_mesh(rules, choice, eps):
    x, y = rules.least(choice)
    kappa, products = rules.kappa(choice.M), rules.d * (rules.d + 1) // 2
    size = kappa + rules.slack * (x + rules.weight * y)
    for odd in ODD:
        for i in around(eps * x / size / odd):
            for j in around(eps * y / size / odd):
                q, q_w = odd / Fraction(2) ** i, odd / Fraction(2) ** j
                room = eps - rules.slack * (q + rules.weight * q_w)
                if room <= 0:
                    continue
                first = least_root(3, max(x / q, y / q_w, kappa / room))
                for N in {multiple(first + more, choice.M) for more in (0, 1, first // 32)}:
                    left = room - kappa / N**3
                    free = rules.digits(choice, N, q, q_w, inf)
                    if left > 0 and free is not None:
                        for s, r in folds(left, *rules.squares(N, q_w)):
                            cost = free + 2 * N**rules.d + products * (16 * r + 9 * s)
                            yield cost, N, q, q_w, s, r, choice


def exhaustive(rules, choices, eps):
    ranked = []
    for choice in choices:
        x, y = rules.least(choice)
        size = rules.kappa(choice.M) + rules.slack * (x + rules.weight * y)
        N = multiple(least_root(3, size / eps), choice.M)
        free = rules.digits(choice, N, x / N**3, y / N**3, inf)
        if free is not None:
            ranked.append((free + 2 * N**rules.d, choice))
    ranked.sort(key=lambda pair: pair[0])
    found = {}
    for _, choice in ranked[:CHOICES]:
        for cost, *mesh, of in every_mesh(rules, choice, eps):
            found.setdefault(Mesh(of, *mesh), cost)
    best = sorted(found, key=lambda mesh: (found[mesh], *mesh[1:]))
    return best[:KEPT]


@pytest.mark.parametrize(
    ("d", "b", "eps"),
    [
        *((1, 1, "0.9"), (1, 1, "3e-4"), (1, 2, "1e-7"), (1, 4, "1/7")),
        *((2, 1, "0.3"), (2, 1, "1e-3"), (2, 1, "2e-9"), (2, 2, "1e-2"), (2, 8, "1e-5")),
    ],
)
def test_nothing_is_left_out_that_is_among_the_best(d, b, eps):
    rules = bubbles_plan.rules(d, b, Fraction(1))  # these count all digits whatever the limit
    best = exhaustive(rules, bubbles_plan.choices(d, b), Fraction(eps))
    assert len(best) == KEPT
    assert meshes(rules, bubbles_plan.choices(d, b), Fraction(eps)) == best
    ours = bubbles_mesh.rules(d, b)
    assert meshes(ours, bubbles_mesh.all_choices(d, b), Fraction(eps)) == best


@pytest.mark.parametrize(("d", "b"), [(1, 1), (1, 3), (2, 1), (2, 2)])
def test_a_limit_only_hides_numbers_above_it(d, b):
    rules = bubbles_mesh.rules(d, b)
    for choice in list(bubbles_mesh.all_choices(d, b))[::7]:
        for N in (4, 8, 12, 64):
            steps = Fraction(3, 8 * N**3), Fraction(3, N**3)
            free = rules.digits(choice, N, *steps, inf)
            if free is None:
                continue
            assert rules.digits(choice, N, *steps, free) == free
            for most in (0, free // 2, free - 1):
                assert rules.digits(choice, N, *steps, most) in (None, free)
