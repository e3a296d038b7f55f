"""A small certified circuit of every construction, and an exact oracle of what is said of one."""

from dataclasses import replace
from fractions import Fraction
from itertools import product

import circuit_mutations as mutations
import numpy as np
from exact_oracle import circuit_values, error_between
from small_trees import small_tree

from qexpr import certificates, circuits, targets
from qexpr.certificates.plans import read_plan
from qexpr.certificates.templates import template_of
from qexpr.certificates.templates.local_taylor import promised
from qexpr.circuits.registry import build

__all__ = ["PAIRS", "Oracle", "certified"]

PAIRS = {
    "cones 1": ("cones", "x*(1-x)/2", 2, "2e-2", {"lam": 2}),
    "cones 2": ("cones", "telegraph2d", 2, "5e-2", {"lam": 4, "graph": "any"}),
    "cones 3": ("cones", "x0*x1*x2/6", 2, "4e-1", {"alphabet": "linear:2"}),
    "bubbles 1": ("bubbles", "x*(1-x)/4", 3, "1e-1", {"lam": 2}),
    "bubbles 2": ("bubbles", "x0*x1*(1-x0)/8", 3, "2e-1", {"lam": 3}),
    "levels 1": ("small tree", "sine", 3, ("nonlinear:2", 2, 2), {"j": 3}),
    "levels 2": ("small tree", "x0*x1/4", 2, ("linear:2", 2, 1), {"folds": 1}),
    "sigma-delta": ("sigma_delta", "abs(x-1/3)", 1, "6e-2", {"lam": 2}),
    "bit-planes 1": ("shared_bitplane", "x*(1-x)/4", 3, "1e-1", {"lam": 2}),
    "bit-planes 2": ("shared_bitplane", "x0*x1/4", 2, "2e-1", {"lam": 3}),
    "Ding 1": ("ding2018", "x*(1-x)/4", 2, "9e-1", {"lam": 3}),
    "Ding 2": ("ding2018", "x0*x1/32", 2, "9e-1", {"alphabet": "linear:2"}),
    "Yarotsky 1": ("yarotsky2017", "x*(1-x)/4", 2, "9e-1", {"lam": 2}),
    "Yarotsky 2": ("yarotsky2017", "x0*x1/32", 2, "9e-1", {"lam": 2}),
}
# In two variables these two start at 25,000 edges; with fewer parameters they promise more than 1
COARSE = {"Ding 2": {"N": 1, "r": 1, "t": 6}, "Yarotsky 2": {"N": 1, "r": 1, "bits": 12}}


def certified(key):
    """The circuit of that name, its target, its certificate."""
    name, target, n, eps, options = PAIRS[key]
    f = targets.find(target)
    if key in COARSE:
        w = _coarse(name, f, n, eps, options, COARSE[key])
    elif name == "small tree":
        w = small_tree(f, n, *eps, **options)
        eps = w.plan["eps"]
    else:
        w = getattr(circuits, name)(f, n=n, eps=eps, **options)
    certificate = certificates.certify(w, f, eps)
    assert certificate.method == "construction"
    assert certificate.verdict == "certified"
    return w, f, certificate


def _coarse(name, f, n, eps, options, parameters):
    """A circuit of these parameters, its plan for the eps that they promise."""
    made = circuits.plan(name, f.d, n, eps, norm=f.norm(n), **options)
    w = build(replace(made, parameters={**made.parameters, **parameters}), f)
    plan = read_plan(w.plan)
    promise = str(promised(plan, template_of(name).digit_of(plan, plan["norm"])))
    return mutations.rebuilt(w, plan={**w.plan, "eps": promise, "error": promise})


class Oracle:
    """Whether a statement holds at the nodes, between them, and at the lower end's point."""

    def __init__(self, w):
        grid = [Fraction(k, 2 * w.plan["N"]) for k in range(2 * w.plan["N"] + 1)]
        points = list(product(grid, repeat=w.d))
        if len(points) > 60:
            rng = np.random.default_rng(1)
            points = [points[i] for i in rng.choice(len(points), 60, replace=False)]
        self.points, self.known = points, {}

    def values(self, w):
        """The circuit's values at the points."""
        if w.digest() not in self.known:
            self.known[w.digest()] = circuit_values(w.to_dict(), self.points)
        return self.known[w.digest()]

    def holds(self, read, w):
        """Refuses by assertion, with the point."""
        errors = error_between(read.target, self.values(w), self.points)
        assert [x for x, e in zip(self.points, errors, strict=True) if e[0] > read.upper] == []
        there = circuit_values(w.to_dict(), [read.point])
        assert error_between(read.target, there, [read.point])[0][1] >= read.lower
        assert (read.verdict == "certified") == (read.upper <= read.eps)
        return True
