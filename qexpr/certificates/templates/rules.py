"""What one merged unit computes, as affine rows: the rules that every gadget is made of.

With A, B_j affine on the cube and relu(x) = max(0, x):

    AFFINE   A, where A >= 0 on the cube (the sources among them)
    ABOVE    max(0, B_1, .., B_r)
    BELOW    relu(min(B_1, .., B_r))
    LATTICE  piecewise linear on the Kuhn mesh, held by its values at the nodes
    HAT      the partition of unity's function of one node (`qexpr.certificates.templates.hats`)
    OTHER    what another template keeps account of (`qexpr.certificates.templates.products`)

New units are recognised by identities that hold for every A and B_j:

    1. relu(A) is AFFINE, or ABOVE with one row.
    2. relu(w F + A) for A <= 0 on the cube, w > 0: F with the rows w B_j + A.
    3. relu(A - max(0, B_1, ..)) = relu(relu(A) - max(0, B_1, ..)) = relu(min(A, A - B_1, ..)).
    4. max(0, B_1, ..) + relu(min(b, b - B_1, ..)) = max(0, B_1, .., b).
    5. A + max(0, B_1, ..) = max(0, A, A + B_1, ..) for A >= 0 on the cube.

Whatever no rule covers has to be a sum of functions on the mesh (`qexpr.certificates.templates.
lattice`). Integers of 56 bits, or a refusal; no float takes part.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from qexpr.certificates.merged import Merged, Run, dyadic
from qexpr.errors import CertificateError

__all__ = [
    "ABOVE",
    "AFFINE",
    "BELOW",
    "HAT",
    "LATTICE",
    "OTHER",
    "UNKNOWN",
    "Rules",
    "lengths_of",
    "require_mesh",
]

UNKNOWN, AFFINE, ABOVE, BELOW, LATTICE, HAT, OTHER = range(7)
_NODES = 64  # of a mesh, for each unit
_SMALLEST = 2**16
_BITS = 56  # room for the sums and differences that are taken without asking


def lengths_of(numbers: np.ndarray) -> np.ndarray:
    """An upper bound of the bit lengths of int64 numbers."""
    # the conversion may round up to the next power of two, which only adds one
    return np.frexp(np.abs(numbers).astype(np.float64))[1].astype(np.int64)


def require_mesh(net: Merged, N: int) -> None:
    """Refuse a mesh that no circuit of this size can be about, before any array of its size."""
    if (N + 1) ** net.d > _NODES * net.units:
        raise CertificateError(f"a mesh of {N} cells an axis is beyond this circuit")


class Rules:
    """The form of every merged unit; unit v has ``count[v]`` rows over 2^exponent[v].

    A row is (a_1, .., a_d, c): a . x + c.
    """

    def __init__(self, net: Merged) -> None:
        d, units = net.d, net.units
        self.net = net
        self.width = max(d, 2)
        self.kind = np.zeros(units, np.int8)
        self.count = np.zeros(units, np.int64)
        self.rows = np.zeros((units, self.width, d + 1), np.int64)
        self.exponent = np.zeros(units, np.int64)
        self.kind[: d + 1], self.count[: d + 1] = AFFINE, 1
        self.rows[: d + 1, 0] = np.eye(d + 1, dtype=np.int64)

    def recognise(self, run: Run) -> bool:
        """Give every unit of a run its form; False if some unit follows no rule.

        Raises
        ------
        CertificateError
            If numbers leave 56 bits, or are smaller than 2^-65536.
        """
        net = self.net
        low, high = run.first, run.first + run.size
        begin, end = int(net.starts[low]), int(net.starts[high])
        source = net.sources[begin:end]
        target = np.repeat(np.arange(run.size), np.diff(net.starts[low : high + 1]))
        kinds = self.kind[source]
        if not np.isin(kinds, (AFFINE, ABOVE, BELOW)).all():
            return False
        number, exponent = net.numbers[begin:end], net.exponents[begin:end]
        affine = kinds == AFFINE
        rest, place = self._affine_part(
            run.size, source[affine], target[affine], number[affine], exponent[affine]
        )
        others = np.flatnonzero(~affine)
        per_unit = np.bincount(target[others], minlength=run.size)
        if per_unit.max(initial=0) > 2:
            return False
        done = np.zeros(run.size, bool)
        nothing = np.flatnonzero(per_unit == 0)
        self._plain(low, nothing, rest, place)
        done[nothing] = True
        heads = np.cumsum(per_unit) - per_unit
        one = np.flatnonzero(per_unit == 1)
        edge = others[heads[one]]
        w, e, s = number[edge], exponent[edge], source[edge]
        up = (w > 0) & (self._largest(rest[one]) <= 0)
        self._shifted(low, one[up], s[up], w[up], e[up], rest, place)
        done[one[up]] = True
        over = ~up & (w > 0) & (self.kind[s] == ABOVE) & (self._least(rest[one]) >= 0)
        down = (w < 0) & (self.kind[s] == ABOVE)
        for kind, now in ((ABOVE, over), (BELOW, down)):
            index = one[now]
            self._joined(low, index, kind, rest[index], place[index], s[now], w[now], e[now])
            done[index] = True
        two = np.flatnonzero(per_unit == 2)
        first, second = others[heads[two]], others[heads[two] + 1]
        done[two] = self._pairs(
            low, two, (source, number, exponent), first, second, (rest[two] == 0).all(axis=1)
        )
        return bool(done.all())

    def constant_of(self, unit: int) -> Fraction | None:
        """The value of a constant unit, None for any other."""
        if self.kind[unit] != AFFINE or self.rows[unit, 0, :-1].any():
            return None
        return dyadic(self.rows[unit, 0, -1], self.exponent[unit])

    # Sums of affine functions --------------------------------------------------------------

    def _affine_part(
        self,
        size: int,
        source: np.ndarray,
        target: np.ndarray,
        number: np.ndarray,
        exponent: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The sum of the affine sources of every unit: rows (size, d+1) over 2^place."""
        d = self.net.d
        rows, place = np.zeros((size, d + 1), np.int64), np.zeros(size, np.int64)
        if not len(source):
            return rows, place
        at = exponent + self.exponent[source]
        units, heads, counts = np.unique(target, return_index=True, return_counts=True)
        place[units] = np.maximum.reduceat(at, heads)
        shift = place[target] - at
        values = self.rows[source, 0]
        bits = lengths_of(np.abs(values).max(axis=1)) + lengths_of(number) + shift
        _require(np.maximum.reduceat(bits, heads) + lengths_of(counts))
        terms = (values * number[:, None]) << shift[:, None]
        rows[units] = np.add.reduceat(terms, heads, axis=0)
        return rows, place

    @staticmethod
    def _largest(rows: np.ndarray) -> np.ndarray:
        """The largest value of affine rows on the cube."""
        return rows[..., -1] + np.maximum(rows[..., :-1], 0).sum(axis=-1)

    @staticmethod
    def _least(rows: np.ndarray) -> np.ndarray:
        return rows[..., -1] + np.minimum(rows[..., :-1], 0).sum(axis=-1)

    # Rules ---------------------------------------------------------------------------------

    def _set(
        self, units: np.ndarray, kind: np.ndarray | int, rows: np.ndarray, place: np.ndarray
    ) -> None:
        """Store rows (m, r, d+1) in lowest terms."""
        if not len(units):
            return
        union = np.bitwise_or.reduce(rows.reshape(len(units), -1), axis=1)
        low = np.where(union == 0, 0, lengths_of(union & -union) - 1)
        if int((place - low).max()) > _SMALLEST:
            raise CertificateError(f"a unit's function takes numbers below 2^-{_SMALLEST}")
        self.kind[units] = kind
        self.count[units] = rows.shape[1]
        self.rows[units, : rows.shape[1]] = rows >> low[:, None, None]
        self.exponent[units] = place - low

    def _plain(self, low: int, index: np.ndarray, rest: np.ndarray, place: np.ndarray) -> None:
        rows = rest[index]
        kind = np.where(self._least(rows) >= 0, AFFINE, ABOVE)
        self._set(low + index, kind, rows[:, None], place[index])

    def _scaled(
        self, source: np.ndarray, w: np.ndarray, e: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        _require(lengths_of(np.abs(self.rows[source]).max(axis=(1, 2))) + lengths_of(w))
        return self.rows[source] * w[:, None, None], self.exponent[source] + e

    @staticmethod
    def _aligned(
        a: np.ndarray, at: np.ndarray, b: np.ndarray, bt: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Two stacks of rows over one power of two."""
        place = np.maximum(at, bt)
        for rows, own in ((a, at), (b, bt)):
            size = np.abs(rows).max(axis=(1, 2), initial=0)
            _require(np.where(size == 0, 0, lengths_of(size) + place - own + 1))

        def moved(rows: np.ndarray, own: np.ndarray) -> np.ndarray:
            return rows << np.minimum(place - own, 62)[:, None, None]

        return moved(a, at), moved(b, bt), place

    def _shifted(
        self,
        low: int,
        index: np.ndarray,
        s: np.ndarray,
        w: np.ndarray,
        e: np.ndarray,
        rest: np.ndarray,
        place: np.ndarray,
    ) -> None:
        """Rule 2."""
        for count in np.unique(self.count[s]):
            now = self.count[s] == count
            rows, at = self._scaled(s[now], w[now], e[now])
            more = rest[index[now]][:, None]
            rows, more, at = self._aligned(rows[:, :count], at, more, place[index[now]])
            self._set(low + index[now], self.kind[s[now]], rows + more, at)

    def _joined(
        self,
        low: int,
        index: np.ndarray,
        kind: int,
        row: np.ndarray,
        place: np.ndarray,
        s: np.ndarray,
        w: np.ndarray,
        e: np.ndarray,
    ) -> None:
        """Rules 3 (w < 0) and 5: the rows A, A + w B_1, .. for a row A and the rows B_j of s."""
        for count in np.unique(self.count[s]):
            now = self.count[s] == count
            if count >= self.width:
                raise CertificateError("more functions are compared than there are variables")
            rows, at = self._scaled(s[now], w[now], e[now])
            plus, rows, at = self._aligned(row[now][:, None], place[now], rows[:, :count], at)
            made = np.concatenate([plus, plus + rows], axis=1)
            self._set(low + index[now], kind, made, at)

    def _pairs(
        self,
        low: int,
        index: np.ndarray,
        edges: tuple[np.ndarray, np.ndarray, np.ndarray],
        first: np.ndarray,
        second: np.ndarray,
        bare: np.ndarray,
    ) -> np.ndarray:
        """Rules 3 and 4 for units of two sources that are not affine, and no others."""
        source, number, exponent = edges
        done = np.zeros(len(index), bool)
        for a, b in ((first, second), (second, first)):
            s, t = source[a], source[b]
            cut = bare & ~done & (number[a] > 0) & (number[b] < 0)
            cut &= (self.kind[s] == ABOVE) & (self.count[s] == 1) & (self.kind[t] == ABOVE)
            if cut.any():
                row, at = self._scaled(s[cut], number[a][cut], exponent[a][cut])
                self._joined(
                    low, index[cut], BELOW, row[:, 0], at, t[cut], number[b][cut], exponent[b][cut]
                )
                done |= cut
            join = bare & ~done & (number[a] > 0) & (number[b] > 0)
            join &= (self.kind[s] == ABOVE) & (self.kind[t] == BELOW)
            join &= self.count[t] == self.count[s] + 1
            for count in np.unique(self.count[s[join]]):
                now = join & (self.count[s] == count)
                largest, at = self._scaled(s[now], number[a][now], exponent[a][now])
                least, bt = self._scaled(t[now], number[b][now], exponent[b][now])
                largest, least, at = self._aligned(
                    largest[:, :count], at, least[:, : count + 1], bt
                )
                top = least[:, :1]
                fits = (top - least[:, 1:] == largest).all(axis=(1, 2))
                rows = np.concatenate([largest, top], axis=1)
                which = np.flatnonzero(now)[fits]
                self._set(low + index[which], ABOVE, rows[fits], at[fits])
                done[which] = True
        return done


def _require(bits: np.ndarray) -> None:
    if len(bits) and int(bits.max()) > _BITS:
        raise CertificateError("a unit's function needs numbers of more than 56 bits")
