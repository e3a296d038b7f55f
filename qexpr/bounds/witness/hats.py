"""The hats of a Kuhn mesh: kinks of lines, and for d >= 3 prefix maxima; their edges and depth."""

from __future__ import annotations

from qexpr.bounds.witness.ledger import Ledger, Unit

__all__ = ["hats", "kinks_of"]

_FEW = 32  # constants that are made one by one


def _bits_set(end: int, place: int, times: int) -> int:
    """How many of 0, times, .., (end - 1) * times have a bit set, for an odd number.

    In a full period of 2^(place+1) numbers it is half of them; of the others those for which
    the multiple lies in every second interval of length 2^place.
    """
    whole, rest = divmod(end, 2 << place)
    total = whole << place
    for k in range(times):
        low, high = ((2 * k + 1) << place, (2 * k + 2) << place)
        total += min(rest, -(-high // times)) - min(rest, -(-low // times))
    return total


def _subtract(
    book: Ledger,
    target: Unit,
    step: tuple[int, int],
    first: int,
    end: int,
    each: list[int] | int,
) -> None:
    """Take i * step, first <= i < end, off so many units for each i (or off all together).

    A step is (odd, power of two).
    """
    times, power = step
    if end <= first:
        return
    if isinstance(each, list):
        for i, number in zip(range(first, end), each, strict=True):
            if number:
                zeros = (i & -i).bit_length() - 1
                odd, exponent = times * i >> zeros, power + zeros
                if exponent > 0:
                    odd, exponent = odd << exponent, 0
                book.join(book.multiple(book.one, odd, exponent), target, number)
        return
    made = book.unit(end - first)
    for place in range((times * (end - 1)).bit_length()):
        if number := _bits_set(end, place, times) - _bits_set(first, place, times):
            book.join(book.constant(place + power + book.b), made, number)
    book.join(made, target, each)


def kinks_of(book: Ledger, line: Unit, power: int, first: int, count: int, times: int = 1) -> Unit:
    """relu(y - i times), i = first .. first+count-1, of a line 2^power y.

    There is a residual for every 2^k of them.
    """
    places = (count.bit_length() + 1) // 2
    length, end = 1 << places, first + count
    low, high = first >> places, end - 1 >> places
    residual, made = book.unit(high - low + 1), book.unit(count)
    book.join(line, residual, residual.size)
    start, number = max(low, 1), high + 1 - max(low, 1)
    _subtract(
        book,
        residual,
        (times, places + power),
        start,
        high + 1,
        [1] * number if number <= _FEW else number,
    )
    each: list[int] | int
    if length - 1 <= _FEW:  # of first .. end-1, how many leave i
        each = [(end - 1 - i) // length - (first - 1 - i) // length for i in range(1, length)]
    else:
        each = count - (-(-end // length) + -first // length)
    _subtract(book, made, (times, power - book.b), 1, length, each)
    book.join(residual, made, count)
    return made


def hats(book: Ledger, N: int) -> tuple[Unit, int]:
    """The (N+1)^d hats, and the power of two that they are scaled by."""
    d, b = len(book.inputs), book.b
    top = -b - (N.bit_length() - 1)
    if d == 1:
        return _one(book, N, top if N & (N - 1) else top + 1)
    return _two(book, N, top) if d == 2 else _many(book, N, top)


def _one(book: Ledger, N: int, top: int) -> tuple[Unit, int]:
    b = book.b
    double = book.multiple(book.inputs[0], N, top)
    rising = kinks_of(book, book.scaled(double, 1), top - 1, 0, N)
    made, power = book.unit(N + 1), -3 * b + top - 1
    book.join(rising, made, N + 1)
    if N > 1:
        falling = kinks_of(book, double, top, 1, N - 1)
        book.join(falling, made, N - 1)
    book.join(book.constant(power + b), made, 1)
    return made, power


def _two(book: Ledger, N: int, top: int) -> tuple[Unit, int]:
    b, (first, second) = book.b, book.inputs
    back = book.combine([(book.one, N), (first, N)], top)
    left = kinks_of(book, back, top, 0, N)
    near, diagonal = book.unit(N + 1), book.unit()
    book.join(book.constant(top - 2 * b), near, N + 1)
    book.join(left, near, N)
    line = book.multiple(second, N, top)
    right = kinks_of(book, book.scaled(line, b), top - b, 0, N)
    for part in (book.multiple(first, N, top), line, book.multiple(book.one, N, top)):
        book.join(part, diagonal, 1)
    slanted = kinks_of(book, diagonal, top - b, 0, 2 * N)
    made = book.unit((N + 1) ** 2)
    # all nodes, all but those of the last column, all but one corner
    for source, number in ((near, 0), (right, N + 1), (slanted, 1)):
        book.join(source, made, made.size - number)
    return made, top - 4 * b


def _many(book: Ledger, N: int, top: int) -> tuple[Unit, int]:
    above, over, power = _prefix_maxima(book, N, top, False)
    below, under, _ = _prefix_maxima(book, N, top, True)
    near, made = book.unit(above.size), book.unit(above.size * (N + 1))
    for source in (book.constant(power), above, below):
        book.join(source, near, near.size)
    book.join(near, made, made.size)
    for source in (over, under):
        book.join(source, made, source.size)
    return made, power - 2 * book.b


def _prefix_maxima(book: Ledger, N: int, top: int, mirrored: bool) -> tuple[Unit, Unit, int]:
    """Largest parts of the first d-1 coordinates, excesses of the last, and the scale's power."""
    b, largest, power = book.b, None, top - 2 * book.b
    for k, x in enumerate(book.inputs, start=1):
        parts = [(book.one, N), (x, N)] if mirrored else [(x, N)]
        lower = 2 * max(k - 2, 0) * b
        line = book.scaled(book.combine(parts, top), lower)
        if largest is None:
            largest = kinks_of(book, line, top, 0, N + 1)
            continue
        side, number = kinks_of(book, line, top - lower, 0, N), largest.size * N
        excess = book.unit(number)
        book.join(side, excess, number)
        book.join(largest, excess, number)
        if k == len(book.inputs):
            return largest, excess, power
        halved, following = book.unit(largest.size), book.unit(largest.size * (N + 1))
        book.join(largest, halved, halved.size)
        book.join(halved, following, following.size)
        book.join(excess, following, number)
        largest, power = following, power - 2 * b
    raise ValueError("prefix maxima need two variables")
