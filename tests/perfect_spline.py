"""The perfect B-spline by direct integration of its signs, for the tests of the bumps."""

import math
from fractions import Fraction

from flint import arb, fmpq

__all__ = ["PerfectSpline"]


class PerfectSpline:
    """phi_n on [0, 1] with phi_n^(n) = +-1 and sign changes at (1 + cos(k pi/(n+1)))/2.

    Each piece holds the derivatives 0..n at its left end; knots are rational for n <= 2, where
    all values are exact, and balls beyond.
    """

    def __init__(self, n):
        self.n = n
        if n <= 2:
            inner = [Fraction(1, 2)] if n == 1 else [Fraction(1, 4), Fraction(3, 4)]
            zero, one = Fraction(0), Fraction(1)
        else:
            inner = [(1 + arb.cos_pi_fmpq(fmpq(k, n + 1))) / 2 for k in range(n, 0, -1)]
            zero, one = arb(0), arb(1)
        self.knots = [zero, *inner, one]
        self.pieces = []
        derivatives = [zero] * n
        for i in range(n + 1):
            piece = [*derivatives, (-1) ** i * one]
            self.pieces.append(piece)
            length = self.knots[i + 1] - self.knots[i]
            derivatives = [self.on_piece(i, length, j) for j in range(n)]
        self.end = derivatives

    def on_piece(self, i, x, j):
        """phi^(j) at distance x from the left end of piece i, by Horner."""
        piece = self.pieces[i]
        value = piece[self.n]
        for k in range(self.n - 1, j - 1, -1):
            value = value * x / (k - j + 1) + piece[k]
        return value

    def samples(self, j, per_piece):
        """Values of |phi^(j)| on a grid of every piece, its ends included, and the longest step."""
        values, step = [], 0
        for i in range(self.n + 1):
            length = self.knots[i + 1] - self.knots[i]
            step = max(step, float(length) / per_piece)
            values += [
                abs(self.on_piece(i, length * s / per_piece, j)) for s in range(per_piece + 1)
            ]
        return values, step * (1 + 1e-12)

    def __call__(self, x, j=0):
        """phi^(j) at a rational x, 0 outside [0, 1]."""
        if not 0 <= x <= 1:
            return self.knots[0]
        exact = isinstance(self.knots[0], Fraction)
        place = x if exact else arb(fmpq(x.numerator, x.denominator))
        i = max(k for k in range(self.n + 1) if self.knots[k] <= place or k == 0)
        return self.on_piece(i, place - self.knots[i], j)

    def norms(self, per_piece):
        """Lower and upper bounds of sup |phi^(j)|, j = 0..n, as floats rounded outward.

        On a step of a piece |phi^(j)| is at most its larger end plus step^2/8 sup |phi^(j+2)|.
        """
        result = [(1.0, 1.0)]
        for j in range(self.n - 1, -1, -1):
            values, step = self.samples(j, per_piece)
            low = max(math.nextafter(float(v), 0) * (1 - 1e-12) for v in values)
            high = max(float(v) for v in values) * (1 + 1e-12)
            if j <= self.n - 2:
                high += step**2 / 8 * result[1][1]
            result.insert(0, (low, high))
        return result
