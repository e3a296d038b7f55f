"""What is asked: the class F(d, n), the alphabet of weights and the accuracy eps."""

from __future__ import annotations

from fractions import Fraction

from qexpr.core.numbers import read_integer, read_rational
from qexpr.core.record import Record
from qexpr.errors import InvalidInput, shorten

__all__ = ["Alphabet", "Query", "read_alphabet"]

MAX_DIMENSION = 1000
MAX_LAMBDA = 2**64
MIN_EPS = Fraction(1, 10**300)


class Alphabet(Record):
    """A family of weight values by name: ``nonlinear:lam`` or ``linear:bits``.

    ``nonlinear:lam`` is -1/2 and lam - 1 powers of two; ``linear:b`` the 2^b odd multiples
    of 2^-b in [-1, 1].
    """

    kind: str
    size: int  # lam for nonlinear, bits for linear

    @property
    def lam(self) -> int:
        """The number of distinct weight values."""
        return self.size if self.kind == "nonlinear" else 2**self.size

    @property
    def bits_per_weight(self) -> int:
        """ceil(log2 lam), in integers."""
        return (self.lam - 1).bit_length()

    def __str__(self) -> str:
        return f"{self.kind}:{self.size}"


def read_alphabet(value: object) -> Alphabet:
    """Read ``"nonlinear:4"``, ``"linear:2"`` or a bare lam, which means nonlinear.

    Raises
    ------
    InvalidInput
        For another kind, or a size outside its range.
    """
    if isinstance(value, Alphabet):
        return value
    if isinstance(value, str) and ":" in value:
        kind, _, size = value.strip().partition(":")
        if kind == "nonlinear":
            lam = read_integer(size, "the size of alphabet nonlinear", 2, MAX_LAMBDA, "2^64")
            return Alphabet(kind, lam)
        if kind == "linear":
            return Alphabet(kind, read_integer(size, "the bits of alphabet linear", 1, 64))
        raise InvalidInput(
            f"alphabet must be nonlinear:LAMBDA or linear:BITS, got {shorten(value)}"
        )
    return Alphabet("nonlinear", read_integer(value, "lam", 2, MAX_LAMBDA, "2^64"))


class Query(Record):
    """A question to a bound: F(d, n), alphabet, eps.

    Parameters
    ----------
    d, n : int
        Input dimension and number of bounded derivatives, from 1 to 1000.
    lam : int
        Number of distinct weight values, from 2 to 2^64; short for ``alphabet="nonlinear:lam"``.
    eps : str, int, Fraction, Decimal or float
        Accuracy in sup norm, 1e-300 <= eps < 1, held as an exact Fraction: ``"1e-3"`` is 1/1000.
        A float stands for its shortest decimal, so 0.001 is 1/1000 and not the double next to it.
    alphabet : str or Alphabet
        ``"nonlinear:4"`` or ``"linear:2"`` (bits). With `lam` given too, the two must agree.

    Raises
    ------
    InvalidInput
        If anything is outside its range.
    """

    d: int
    n: int
    alphabet: Alphabet
    eps: Fraction

    def __init__(
        self,
        d: object = 1,
        n: object = 1,
        lam: object = None,
        eps: object = None,
        *,
        alphabet: object = None,
    ) -> None:
        if eps is None:
            raise InvalidInput("eps must be given, a number with 1e-300 <= eps < 1")
        exact_eps = read_rational(eps, "eps", "1e-300 <= eps < 1")
        if not MIN_EPS <= exact_eps < 1:
            raise InvalidInput(f"eps must satisfy 1e-300 <= eps < 1, got {shorten(eps)}")
        if alphabet is None:
            values = read_alphabet(2 if lam is None else lam)
        else:
            values = read_alphabet(alphabet)
            if lam is not None and read_alphabet(lam).lam != values.lam:
                raise InvalidInput(
                    f"lam and alphabet must agree: {values} has {values.lam} values, "
                    f"got lam {shorten(lam)}"
                )
        object.__setattr__(self, "d", read_integer(d, "d", 1, MAX_DIMENSION))
        object.__setattr__(self, "n", read_integer(n, "n", 1, MAX_DIMENSION))
        object.__setattr__(self, "alphabet", values)
        object.__setattr__(self, "eps", exact_eps)

    def __hash__(self) -> int:
        # of integers alone: searches and tables ask often, and a Fraction's own takes long
        values, eps = self.alphabet, self.eps
        return hash((self.d, self.n, values.kind, values.size, eps.numerator, eps.denominator))

    @property
    def lam(self) -> int:
        """The number of distinct weight values."""
        return self.alphabet.lam
