"""A lower bound tested by experiment: how many members of a packing does a structure reach?

The members of the packing are the 2^M zigzags with slopes +-1 on M equal cells, from 0: two of
them are more than 2 eps apart, so one network is within eps of at most one. A structure with B
free bits has 2^B networks, so it reaches at most 2^B members: that is the floor. Here all 2^B
networks of a structure that was built are evaluated and what they reach is counted; or members
are drawn, the structure's signs are trained on each, and the error is enclosed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from qexpr.errors import InvalidInput
from qexpr.study.fits import group_by, proportion
from qexpr.study.kind import Cell, Column, Figure, Finding, Kind, Parameter, Result, Row, Summary
from qexpr.study.tools import Tools

__all__ = ["KIND"]

_MOST_FREE = 16
_BLOCK = 1024

PARAMETERS = (
    Parameter(
        name="networks",
        type="text",
        help="all of a structure, or trained ones",
        choices=("enumerated", "trained"),
    ),
    Parameter(
        name="cells",
        type="int",
        help="cells N of the structure, each with a sign",
        least=1,
        most=64,
    ),
    Parameter(
        name="free",
        type="int",
        help="signs left free, drawn; the others are those of one member. 0: all, trained",
        default=0,
        least=0,
        most=_MOST_FREE,
    ),
    Parameter(
        name="eps",
        type="rational",
        help="accuracy; the packing has M = ceil(1/eps) - 1 cells",
        least=Fraction(1, 17),
        most=Fraction(1, 2),
    ),
    Parameter(name="members", type="int", help="members drawn", default=30, least=1, budget=True),
    Parameter(name="steps", type="int", help="steps", default=600, least=1, budget=True),
    Parameter(name="boxes", type="int", help="boxes", default=4000, least=64, budget=True),
)

COLUMNS = (
    Column(name="packing_bits", type="int", help="M: the packing has 2^M members (the floor)"),
    Column(name="free_bits", type="int", help="B: bits of the networks that depend on f"),
    Column(name="tried", type="int", help="networks evaluated, or members drawn"),
    Column(name="reached", type="int", help="members with a network within eps"),
    Column(name="undecided", type="int", help="drawn members whose enclosure stayed open"),
    Column(name="share", type="rational", help="reached, of the members or of those drawn"),
    Column(name="share_low", type="float", help="95 % interval of the share, or the share"),
    Column(name="share_high", type="float", help="95 % interval of the share, or the share"),
    Column(name="share_most", type="rational", help="2^(B - M) or 1: the floor's (explicit)"),
    Column(name="verdict", type="verdict", help="consistent: no more was reached than 2^B"),
)


def _packing(eps: Fraction) -> int:
    return -(-eps.denominator // eps.numerator) - 1


def _validate(cell: Cell) -> None:
    M, cells = _packing(Fraction(cell["eps"])), cell["cells"]
    if (cell["networks"] == "enumerated") != bool(cell["free"]):
        raise InvalidInput("free is a number of signs for enumerated networks, and 0 for trained")
    if cell["free"]:
        if M & (M - 1) or cells & (cells - 1):
            raise InvalidInput(
                "all values have to be dyadic to be exact: cells and ceil(1/eps) - 1 must be "
                f"powers of two, got {cells} and {M}"
            )
        if cell["free"] > cells:
            raise InvalidInput(f"free = {cell['free']} is more than the {cells} cells have")


def _member(M: int, tools: Tools, *key: int) -> Any:
    """A member of the packing, drawn."""
    from qexpr.targets import Telegraph

    bits = tools.rng(*key).integers(0, 2, M)
    return Telegraph([1 - 2 * int(bit) for bit in bits], 1, 1)


def run(cell: Cell, tools: Tools) -> Result:
    """Count, by enumeration or by training."""
    return _enumerated(cell, tools) if cell["networks"] == "enumerated" else _trained(cell, tools)


def _enumerated(cell: Cell, tools: Tools) -> Result:
    from qexpr import circuits

    eps, M = Fraction(cell["eps"]), _packing(Fraction(cell["eps"]))
    member = _member(M, tools, 0)
    circuit = circuits.sigma_delta(member, n=1, eps=Fraction(1, cell["cells"]), lam=2)
    chosen = tools.rng(1).permutation(len(circuit.free))[: cell["free"]]
    found: set[int] = set()
    for values, points in _all_networks(circuit, chosen, cell["cells"], M):
        found |= _reached(values, points, M, eps)
    return _result(M, cell["free"], 2 ** cell["free"], len(found), 0, 2**M)


def _all_networks(circuit: Any, chosen: Any, cells: int, M: int) -> Iterator[tuple[Any, Any]]:
    """Values (m, p) of all networks at all nodes of both meshes, as exact doubles, in blocks.

    With its planes lifted above 0 the output is affine in the free signs, which is checked on
    the last network of each block; the values are small dyadics, so sums of doubles are exact.
    """
    import numpy as np

    nodes = sorted({Fraction(k, n) for n in (cells, M) for k in range(n + 1)})
    points = np.array([[float(x)] for x in nodes])
    none = np.zeros(len(chosen), np.int64)
    base = _signed(circuit, chosen, none)(points)
    flips = np.eye(len(chosen), dtype=np.int64)
    change = np.array([_signed(circuit, chosen, flip)(points) for flip in flips]) - base
    for low in range(0, 2 ** len(chosen), _BLOCK):
        numbers = np.arange(low, min(low + _BLOCK, 2 ** len(chosen)))
        bits = (numbers[:, None] >> np.arange(len(chosen))) & 1
        values = base + bits @ change
        if not np.array_equal(values[-1], _signed(circuit, chosen, bits[-1])(points)):
            raise InvalidInput("the structure is not affine in its signs, so it is not enumerated")
        yield values, points[:, 0]


def _signed(circuit: Any, chosen: Any, bits: Any) -> Any:
    """The circuit over {-1/2, 1/2} with the chosen free edges set by bits."""
    codes = circuit.codes.copy()
    codes[circuit.free[chosen]] = bits
    return replace(circuit, codes=codes)


def _reached(values: Any, points: Any, M: int, eps: Fraction) -> set[int]:
    """The members, as bit masks of their slopes, that are within eps of some of the networks.

    Between the nodes of both meshes all functions are linear, so the error is largest at one.
    """
    import numpy as np

    h = 1 / M
    nodes = np.searchsorted(points, np.arange(M + 1) / M)
    level = np.zeros((len(values), M + 1), np.int64)
    at = values[:, nodes] / h
    for k in range(M + 1):  # the only candidate: levels of one parity are 2h > 2 eps apart
        level[:, k] = 2 * np.rint((at[:, k] - k % 2) / 2).astype(np.int64) + k % 2
    steps = np.diff(level, axis=1)
    path = (level[:, 0] == 0) & (np.abs(steps) == 1).all(axis=1)
    zigzag = np.array([np.interp(points, np.arange(M + 1) / M, row * h) for row in level[path]])
    if not len(zigzag):
        return set()
    error = np.abs(values[path] - zigzag).max(axis=1)
    # eps is no double: e <= eps exactly, by integers
    good = [Fraction(e) <= eps for e in error]
    masks = ((steps[path] == 1).astype(np.int64) << np.arange(M)).sum(axis=1)
    return {int(mask) for mask, fits in zip(masks, good, strict=True) if fits}


def _trained(cell: Cell, tools: Tools) -> Result:
    """The structure's signs, all +1 at the start, trained on members drawn; each one enclosed."""
    from qexpr import certificates, circuits, training

    eps, M = Fraction(cell["eps"]), _packing(Fraction(cell["eps"]))
    circuit = circuits.sigma_delta(None, n=1, eps=Fraction(1, cell["cells"]), lam=2, d=1)
    reached = undecided = 0
    for k in range(cell["members"]):
        member = _member(M, tools, k)
        found = training.train_witness(
            circuit, member, steps=cell["steps"], rate=0.05, samples=256, budget=None
        )
        proof = certificates.certify(found.net, member, eps, budget=None, boxes=cell["boxes"])
        reached += proof.verdict == "certified"
        undecided += proof.verdict == "open"
    return _result(M, circuit.free_bits, cell["members"], reached, undecided, None)


def _result(
    M: int, free: int, tried: int, reached: int, undecided: int, members: int | None
) -> Result:
    share = Fraction(reached, tried if members is None else members)
    low, high = proportion(reached, tried) if members is None else (float(share), float(share))
    most = min(Fraction(1), Fraction(2) ** (free - M))
    if members is None:  # an estimate: a verdict needs all members
        verdict = "incomparable"
    else:
        verdict = "consistent" if reached <= min(2**free, members) else "violates"
    reason = "" if members is not None else "an estimate from drawn members has no verdict"
    values: dict[str, Any] = {
        "packing_bits": M,
        "free_bits": free,
        "tried": tried,
        "reached": reached,
        "undecided": undecided,
        "share": share,
        "share_low": low,
        "share_high": high,
        "share_most": most,
        "verdict": verdict,
    }
    return Result(values, reason=reason)


def _check(cell: Cell, row: Row, files: Mapping[str, bytes], tools: Tools) -> Iterator[Finding]:
    """The enumeration again; of drawn members what does not need training."""
    from qexpr.study.rows import agree, require_fields

    if cell["networks"] == "enumerated":
        yield from agree(KIND, row, dict(_enumerated(cell, tools).values))
        return
    require_fields(row, ("free_bits", "tried", "reached", "undecided"))
    again = _result(
        _packing(Fraction(cell["eps"])),
        row["free_bits"],
        row["tried"],
        row["reached"],
        row["undecided"],
        None,
    )
    yield from agree(KIND, row, dict(again.values))


def _summary(rows: Sequence[Row]) -> Summary:
    from qexpr.figures.series import Line, Panel, draw_panels

    done = [row for row in rows if row["status"] == "ok"]
    looks = {"enumerated": "counted", "trained": "estimate"}
    lines = [Line("the floor, B = M", (1, 1), (0, 1))] if done else []
    for (how,), group in group_by(done, ("networks",)):
        ends = sorted(
            (r["free_bits"] / r["packing_bits"], float(r["share"]), r["share_low"], r["share_high"])
            for r in group
        )
        x, share, low, high = zip(*ends, strict=True)
        bars = (low, high) if how == "trained" else ()
        lines.append(Line(how, x, share, looks[how], *bars))
    counted = [row for row in done if row["networks"] == "enumerated"]
    below = [row for row in counted if row["free_bits"] < row["packing_bits"]]
    full = [row for row in counted if row["share"] == 1]
    over = sum(row["verdict"] == "violates" for row in counted)
    most = max((row["reached"] * 2.0 ** -row["free_bits"] for row in counted), default=0.0)
    answer = (
        f"{len(counted)} structures were enumerated in full, {len(below)} of them with fewer free "
        f"bits than the floor asks for. {over or 'None'} reached more members than it has "
        f"networks; the most efficient used {most:.1%} of its networks for a member of its own. "
        f"{len(full)} reached every member.",
        "Trained networks beside it: a share of members drawn at random, with the interval of "
        "Clopper and Pearson. It is an estimate and refutes nothing.",
    )
    figure = Figure(
        "reached",
        lambda form: draw_panels(
            [Panel("members reached", lines)],
            "free bits B / bits M of the packing",
            "share of members reached",
            form,
            x_scale="linear",
            y_scale="linear",
        ),
        "Share of the packing's members that are reached, against free bits over the packing's: "
        "a point for each structure, a bar where it is an estimate, and a line at 1.",
        "Left of the line the floor forbids that all members are reached. Enumerated shares are "
        "exact; the bar of a trained one is the 95 % interval of Clopper and Pearson.",
    )
    return Summary(answer, (), (figure,), ("entropy.zigzag",))


KIND = Kind(
    name="floor",
    title="what a structure reaches of the packing that proves the floor",
    parameters=PARAMETERS,
    columns=COLUMNS,
    run=run,
    cost=lambda c: 2.0 if c["networks"] == "enumerated" else c["members"] * c["steps"] * 2e-3,
    check=_check,
    seeded=True,
    needs=(("torch", "train"), ("scipy", "train")),
    validate=_validate,
    summary=_summary,
)
