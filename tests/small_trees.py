"""Multiresolution networks of several levels that are small: with parameters no search ends in."""

from dataclasses import replace
from fractions import Fraction
from itertools import zip_longest

from qexpr.circuits.constructions import multiresolution
from qexpr.circuits.constructions.multiresolution_plan import errors
from qexpr.circuits.realisation import count
from qexpr.circuits.registry import Plan, build
from qexpr.core.levels import Tree
from qexpr.core.query import Query

__all__ = ["planned_tree", "small_tree"]


def planned_tree(query, norm, first, levels, j=1, extra=0, folds=2, more=()):
    """The plan with so many blocks and levels; its eps is its error, rounded up (and below 1).

    `more` planes of each order than the fewest.
    """
    terms = errors(query, norm)
    planes = tuple(P + e for P, e in zip_longest(terms.planes, more, fillvalue=0))
    terms = replace(terms, planes=planes)
    N = (first << levels) - 1
    k = terms.steps(N, j)
    tree = Tree(
        first, levels, j, k, terms.planes, terms.top(N, levels, j, k), (extra,) * query.n,
        (folds,) * (levels + 1),
    )  # fmt: skip
    error = terms.total(tree)
    eps = min(Fraction(-(-error * 2**10 // 1), 2**10), 1 - Fraction(1, 2**10))
    query = Query(query.d, query.n, eps=eps, alphabet=query.alphabet)
    net = multiresolution._write(query, norm, tree, None)
    return Plan(
        "multiresolution", query, norm, multiresolution._parameters(tree), error, count(net)
    ), tree


def small_tree(f, n, alphabet, *shape, **more):
    """The circuit of such a plan for a target."""
    query = Query(f.d, n, eps="1/2", alphabet=alphabet)
    made, _ = planned_tree(query, f.norm(n), *shape, **more)
    return build(made, f)
