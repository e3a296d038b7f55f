"""What a network trained on a target is held against: one cell, shared by several kinds.

A cell trains by a method's recipe, freezes, encloses the largest error, and puts beside it the
smallest witness with that error, the error that a witness of as many bits guarantees (their
quotient is the training gap), Ding et al.'s order, and the floor. A bound of a class is never
refuted by the network of one function, so these verdicts are incomparable, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from qexpr import bounds
from qexpr.bounds.inverse import least_eps
from qexpr.core.claim import Claim, Explicit, Order, Quantifier, double_below
from qexpr.core.decimals import round_decimal, spell
from qexpr.core.query import Query
from qexpr.errors import InvalidInput, OutOfRegime
from qexpr.study.compare import compare, comparison_columns
from qexpr.study.kind import Cell, Column, Figure, Finding, Parameter, Result, Row
from qexpr.study.packed import COUNT_COLUMNS, NETWORK, count_values, pack, unpack
from qexpr.study.rows import agree, require_fields
from qexpr.study.tools import Tools

if TYPE_CHECKING:
    from qexpr.certificates import Enclosure
    from qexpr.study.kind import Kind

__all__ = [
    "COLUMNS",
    "NEEDS",
    "PARAMETERS",
    "check_row",
    "cost",
    "error_figure",
    "restate",
    "run",
    "validate",
]

NEEDS = (("torch", "train"), ("scipy", "train"))

PARAMETERS = (
    Parameter(name="target", type="text", help="a named target, or an expression"),
    Parameter(name="n", type="int", help="bounded derivatives", least=1, most=8),
    Parameter(name="method", type="text", help="a training method"),
    Parameter(
        name="lam",
        type="int",
        help="levels of continuous-discrete; 0: the method's own",
        default=0,
        least=0,
        most=256,
    ),
    Parameter(name="widths", type="ints", help="units of the hidden layers", least=1, most=4096),
    Parameter(name="samples", type="int", help="points", default=4096, least=2, most=10**6),
    Parameter(
        name="gap",
        type="rational",
        help="relative distance of the ends at which an enclosure closes",
        default="1/20",
        least=Fraction(1, 10**6),
        most=Fraction(1, 2),
    ),
    Parameter(name="steps", type="int", help="0: the recipe's", default=0, least=0, budget=True),
    Parameter(name="boxes", type="int", help="boxes", default=20_000, least=64, budget=True),
)

COLUMNS = (
    Column(name="d", type="int", help="dimension"),
    *COUNT_COLUMNS,
    Column(name="error_lower", type="lower", help="sup |f - f~| is at least this (proven)"),
    Column(name="error_upper", type="upper", help="sup |f - f~| is at most this (proven)"),
    Column(name="error_point", type="text", help="a point where |f - f~| >= error_lower (proven)"),
    Column(name="enclosure", type="text", help="closed, or open where the boxes ran out"),
    Column(name="dense_error", type="float", help="largest error on a grid (sampled)"),
    Column(name="sup_upper", type="upper", help="sup |f|, the zero network's error, is below"),
    Column(name="witness", type="text", help="construction with the fewest weights at error_upper"),
    Column(name="witness_weights", type="int", help="its weights (explicit, for the class)"),
    Column(name="witness_bits", type="int", help="its bits (explicit, for the class)"),
    Column(name="guarantee", type="text", help="bound with the least error at as many bits"),
    Column(name="guarantee_lower", type="lower", help="the error that it guarantees (explicit)"),
    Column(name="guarantee_upper", type="upper", help="the error that it guarantees (explicit)"),
    Column(name="training_gap_lower", type="lower", help="error over guarantee, at least"),
    Column(name="training_gap_upper", type="upper", help="error over guarantee, at most"),
    Column(name="ding_order_weights", type="float", help="Ding et al., order", order=True),
    *comparison_columns("floor", "bits"),
)


_MEASURED = ("bits", "error_lower", "error_upper")  # what bounds are put beside


def validate(cell: Cell) -> None:
    """Refuse unknown targets and methods, and levels of a method without any."""
    from qexpr import targets, training

    targets.find(cell["target"])
    training.get_recipe(cell["method"], **_recipe_options(cell))


def _recipe_options(cell: Cell) -> dict[str, Any]:
    from qexpr import quantizers

    options: dict[str, Any] = {}
    if cell["steps"]:
        options["steps"] = cell["steps"]
    if cell["lam"]:
        if cell["method"] != "continuous-discrete":
            raise InvalidInput(
                f"lam = {cell['lam']} sets the levels of continuous-discrete; the levels of "
                f"{cell['method']} are its own: leave lam out"
            )
        options["weights"] = quantizers.get("continuous-discrete", levels=cell["lam"])
    return options


def cost(cell: Cell) -> float:
    """CPU seconds, by weights and steps as measured once."""
    sizes = [2, *cell["widths"], 1]
    weights = sum(a * b for a, b in pairwise(sizes))
    return 4 + (cell["steps"] or 3000) * (2.5e-3 + 4e-7 * weights)


def run(cell: Cell, tools: Tools) -> Result:
    """Train, freeze, enclose, and put what others state beside it."""
    from qexpr import targets, training

    f = targets.find(cell["target"])
    recipe = training.get_recipe(cell["method"], **_recipe_options(cell))
    data = training.sample_target(f, cell["samples"])
    trained = training.train(data, recipe, cell["widths"], cell["seed"], dtype="float32")
    network = trained.freeze()
    packed = pack(network)
    found = _enclose(cell, network, f)
    values = {
        "d": f.d,
        **count_values(network, packed),
        # what the table holds, so that all that follows can be derived from the table
        "error_lower": Fraction(double_below(found.lower)),
        "error_upper": -Fraction(double_below(-found.upper)),
        "error_point": ", ".join(str(x) for x in found.point),
        "enclosure": "closed" if found.closed else "open",
        "dense_error": float(trained.error),
    }
    rest, reasons = _beside(cell, f, values)
    return Result({**values, **rest}, {NETWORK: packed}, "; ".join(reasons))


def _enclose(cell: Cell, network: Any, f: Any) -> Enclosure:
    from qexpr import certificates

    return certificates.enclose(network, f, cell["gap"], budget=None, boxes=cell["boxes"])


def _beside(cell: Cell, f: Any, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """What the bounds say at this error and at as many bits; reasons for what is left empty."""
    n, (lower, upper) = cell["n"], _ends(values)
    proof = f.prove_membership(n)
    rest: dict[str, Any] = {"sup_upper": proof.bounds[0].upper}
    reasons: list[str] = []
    if not 0 < upper < 1:
        return rest, [f"no bound speaks of an error of {float(upper):.3g}"]
    # three digits, rounded down: what reaches that reaches the error
    eps = Fraction(spell(*round_decimal(upper, 3, up=False)))
    query = Query(f.d, n, eps=eps)
    rest |= _smallest_witness(query)
    rest |= _guaranteed(f.d, n, values["bits"])
    if rest["guarantee"] is None:
        reasons.append("no explicit bound reaches any error with so few bits")
    else:
        rest["training_gap_lower"] = lower / rest["guarantee_upper"]
        rest["training_gap_upper"] = upper / rest["guarantee_lower"]
    rest["ding_order_weights"] = _order_weights(query)
    floor = _claim("entropy.floor", "bits", Query(f.d, n, eps=_outside(upper)))
    if floor is None:
        reasons.append("no floor speaks of this error")
    else:
        rest |= compare("floor", floor, (values["bits"],) * 2, Quantifier.FUNCTION_ANY)
    return rest, reasons


def restate(cell: Cell, row: Row) -> tuple[Mapping[str, Any], str]:
    """What bounds say beside the row, by today's code, and why some of it is empty."""
    from qexpr import targets

    require_fields(row, _MEASURED)
    names = [column.name for column in COLUMNS]
    empty = dict.fromkeys(names[names.index("sup_upper") :])
    rest, reasons = _beside(cell, targets.find(cell["target"]), row)
    return empty | rest, "; ".join(reasons)


def _ends(row: Mapping[str, Any]) -> tuple[Fraction, Fraction]:
    """Both ends of the error as the doubles that they are, whatever decimals stand for them."""
    lower, upper = (Fraction(float(row[name])) for name in ("error_lower", "error_upper"))
    return lower, upper


def _outside(error: Fraction) -> Fraction:
    """Three digits, rounded up: a floor at that is a floor at the error."""
    return min(Fraction(spell(*round_decimal(error, 3, up=True))), Fraction(999, 1000))


def _claim(id: str, quantity: str, query: Query) -> Claim | None:
    try:
        claims = bounds.get(id).claims(query)
    except OutOfRegime:
        return None
    return next((c for c in claims if c.quantity == quantity), None)


def _order_weights(query: Query) -> float | None:
    claim = _claim("ding2018.theorem1", "weights", query)
    return claim.value.value if claim and isinstance(claim.value, Order) else None


@lru_cache(maxsize=256)
def _smallest_witness(query: Query) -> dict[str, Any]:
    from qexpr.circuits.registry import Plan, plans

    made = [p for p in plans(query).values() if isinstance(p, Plan) and p.counts.bits_per_weight]
    best = min(made, key=lambda p: (p.counts.weights, p.construction))
    counts = best.counts
    return {
        "witness": best.construction,
        "witness_weights": counts.weights,
        "witness_bits": counts.bits,
    }


@lru_cache(maxsize=256)
def _guaranteed(d: int, n: int, bits: int) -> dict[str, Any]:
    """The least error that an explicit bound of ours guarantees with so many bits."""
    best: tuple[Explicit, str] | None = None
    for id in bounds.ids():
        if not id.startswith("witness."):
            continue
        try:
            claim = least_eps(bounds.get(id), "bits", bits, Query(d, n, eps="1/2"))
        except OutOfRegime:
            continue
        if isinstance(claim.value, Explicit) and (best is None or claim.value < best[0]):
            best = claim.value, id
    if best is None:
        return {"guarantee": None, "guarantee_lower": None, "guarantee_upper": None}
    value, id = best
    return {
        "guarantee": id,
        "guarantee_lower": Fraction(double_below(value.lower)),
        "guarantee_upper": -Fraction(double_below(-value.upper)),
    }


def check_row(kind: Kind, cell: Cell, row: Row, files: Mapping[str, bytes]) -> Iterator[Finding]:
    """Counts, both ends of the error, and every bound, from the stored network."""
    from qexpr import targets

    require_fields(row, _MEASURED)
    if NETWORK not in files:
        yield Finding(None, f"{NETWORK} was not kept")
    else:
        network, f = unpack(files[NETWORK]), targets.find(cell["target"])
        yield from agree(kind, row, count_values(network, files[NETWORK]))
        yield from _check_ends(cell, row, network, f)
    f = targets.find(cell["target"])
    rest, _ = _beside(cell, f, row)
    yield from agree(kind, row, {"d": f.d, **rest})


def _check_ends(cell: Cell, row: Row, network: Any, f: Any) -> Iterator[Finding]:
    """The lower end at its point, the upper one by a search; where that is open, by more boxes."""
    from qexpr import certificates
    from qexpr.certificates.error_bounds import error_at

    try:
        point = tuple(Fraction(x) for x in (row["error_point"] or "").split(", "))
        inside = len(point) == f.d and all(0 <= x <= 1 for x in point)
    except (ValueError, ZeroDivisionError):
        inside = False
    lower, upper = _ends(row)
    reached = inside and error_at(network, f, point)[0] >= lower
    yield Finding(reached, "error_lower")
    above: bool | None = _enclose(cell, network, f).upper <= upper
    if not above:
        found = certificates.certify(network, f, upper, budget=None, boxes=8 * cell["boxes"])
        above = {"certified": True, "refuted": False}.get(str(found.verdict))
    yield Finding(above, "error_upper")


def error_figure(
    name: str,
    where: tuple[str, int, int],
    groups: Iterable[tuple[str, Sequence[Row]]],
    caption: str,
    guaranteed: bool = False,
) -> Figure:
    """Proven ends of the error against bits, one colour for each group of rows of one target.

    Parameters
    ----------
    name : str
        Of the study; the file is called by it and the target.
    where : (target, d, n)
    groups : (label, rows) each
    caption : str
    guaranteed : bool
        Whether what a witness of as many bits guarantees for the class is drawn as a line.
    """
    from qexpr.figures.series import Line, Panel, draw_panels

    target, d, n = where
    lines, every = [], []
    for label, rows in groups:
        ends = sorted((r["bits"], float(r["error_lower"]), float(r["error_upper"])) for r in rows)
        bits, low, high = zip(*ends, strict=True)
        lines.append(Line(label, bits, high, "proven", low, high))
        every += rows
    if guaranteed:
        sure = [(r["bits"], float(r["guarantee_upper"])) for r in every if r["guarantee"]]
        if sure:
            lines.append(Line("witness, for the class", *zip(*sorted(set(sure)), strict=True)))
    return Figure(
        f"{name}-{''.join(c if c.isalnum() else '-' for c in target)[:40]}",
        lambda form: draw_panels(
            [Panel(f"{target} in F({d},{n})", lines)],
            "bits of weights, scales and biases",
            "sup |f - f~|",
            form,
        ),
        f"Largest error against bits of trained networks for {target}, one colour a group, each "
        "network a marker with a bar between its proven ends."
        + (" A line shows what witnesses guarantee with as many bits." if guaranteed else ""),
        caption,
    )
