"""Functions with exactly known derivatives, for tests of constructions and certificates."""

import itertools
import math
from fractions import Fraction

import numpy as np


class Polynomial:
    """sum of coefficient * x^exponents with rational coefficients, as a `Function`."""

    def __init__(self, d, terms):
        self.d = d
        self.terms = {tuple(k): Fraction(v) for k, v in terms.items() if v}

    def derivative(self, order):
        """The derivative of a multi-index, again a Polynomial."""
        terms = {}
        for exponents, value in self.terms.items():
            if all(e >= a for e, a in zip(exponents, order, strict=True)):
                factor = math.prod(math.perm(e, a) for e, a in zip(exponents, order, strict=True))
                terms[tuple(e - a for e, a in zip(exponents, order, strict=True))] = value * factor
        return Polynomial(self.d, terms)

    def __call__(self, point):
        """The exact value at a rational point."""
        return sum(
            (
                value * math.prod(Fraction(x) ** e for x, e in zip(point, exponents, strict=True))
                for exponents, value in self.terms.items()
            ),
            Fraction(0),
        )

    def enclose(self, order, numerators, denominator, bits):
        """Enclosures of one unit in the last place, where the value is not on the grid."""
        terms = self.derivative(order).terms
        common = math.lcm(*(value.denominator for value in terms.values()))
        degree = max(map(sum, terms), default=0)
        points = np.array(numerators, object).reshape(-1, self.d)
        total = np.zeros(len(points), object)
        for exponents, value in terms.items():
            factor = int(value * common) * int(denominator) ** (degree - sum(exponents))
            total += factor * np.prod(points ** np.array(exponents, object), axis=1)
        total *= 2 ** (bits + 2)
        scale = common * int(denominator) ** degree
        return (total // scale).tolist(), (-(-total // scale)).tolist()

    def norm(self, n):
        """A proven bound: the sum of the coefficients' sizes of every derivative."""
        orders = itertools.product(range(n + 1), repeat=self.d)
        return max(
            sum((abs(v) for v in self.derivative(a).terms.values()), Fraction(0))
            for a in orders
            if sum(a) <= n
        )

    def scaled(self, n):
        """Divided by its bound, so that it lies in F(d, n)."""
        norm = self.norm(n)
        return Polynomial(self.d, {k: v / norm for k, v in self.terms.items()})
