"""Exact members of F(d, n) with derivatives +-1 of order n: integrated signs, as ridges."""

import math
from fractions import Fraction

__all__ = ["Integrated", "packed"]


class Integrated:
    """f(x) = g(x_1 + .. + x_d), g^(n) = signs on equal cells of [0, d], g = g' = .. = 0 at 0.

    A member of F(d, n) for d = 1, and wherever no derivative of g leaves [-1, 1].
    """

    def __init__(self, d, n, signs):
        self.d, self.n, self.signs = d, n, list(signs)
        self.cell = Fraction(d, len(self.signs))
        values = [Fraction(0)] * n
        self.knots = []
        for sign in self.signs:
            self.knots.append([*values, Fraction(sign)])
            values = [self._on(self.knots[-1], self.cell, j) for j in range(n)]

    def _on(self, knot, x, j):
        return sum(
            (knot[i] * x ** (i - j) / math.factorial(i - j) for i in range(j, self.n + 1)),
            Fraction(0),
        )

    def at(self, x, j):
        """The derivative of order j of g at x."""
        place = min(x // self.cell, len(self.signs) - 1)
        return self._on(self.knots[place], x - place * self.cell, j)

    def enclose(self, order, numerators, denominator, bits):
        """To the last place."""
        lower, upper = [], []
        for point in numerators:
            value = self.at(Fraction(sum(map(int, point)), denominator), sum(order)) * 2 ** (
                bits + 2
            )
            lower.append(math.floor(value))
            upper.append(math.ceil(value))
        return lower, upper

    def norm(self, n):
        """1: on [0, 1] integrals of signs are at most 1, and packed bumps are small."""
        assert n == self.n
        assert all(abs(v) <= 1 for knot in self.knots for v in knot)
        return Fraction(1)

    def __call__(self, point):
        """The exact value."""
        return self.at(Fraction(sum(point)), 0)


def packed(d, n, signs):
    """One perfect bump (n = 1, 2) for each sign, side by side: a member of the floor's packing."""
    pattern = {1: (1, -1), 2: (1, -1, -1, 1)}[n]
    return Integrated(d, n, [s * p for s in signs for p in pattern])
