"""What each construction costs from eps = 1e-1 to 1e-8, for the documentation.

Weights and free bits of the fixed graph at two weight values, by the bounds' formulas (which equal
built counts), beside the floor, the code and the published orders, all times eps^(d/n): a curve
that stays level has no logarithm. Writes `results/constructions.csv` and the two figures of
docs/theory/no-logarithm.md; nothing is timed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from qexpr.bounds.registry import get
from qexpr.core.atomic import write_bytes, write_text
from qexpr.core.claim import Explicit
from qexpr.errors import OutOfRegime
from qexpr.figures.series import Line, Panel, draw_panels

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "constructions.csv"
FIGURES = HERE.parent / "docs" / "theory"

CASES = ((1, 2), (2, 2), (2, 3), (3, 2))
EPSILONS = tuple(f"{digit}e-{k}" for k in range(2, 9) for digit in (5, 2, 1))
EPSILONS = ("1e-1", *EPSILONS)

# equal labels have one colour: what is rebuilt stands beside its theorem
CURVES = {
    "weights": {
        "witness.cones": "cones",
        "witness.bubbles": "bubbles",
        "witness.multiresolution": "multiresolution",
        "witness.shared_bitplane": "shared bit-planes",
        "ding2018.reconstruction": "Ding et al., theorem 1",
        "ding2018.theorem1": "Ding et al., theorem 1",
        "yarotsky2017.theorem1": "Yarotsky, theorem 1 (real weights)",
        "entropy.weights_fixed": "entropy floor",
    },
    "free bits": {
        "witness.cones": "cones",
        "witness.bubbles": "bubbles",
        "witness.multiresolution": "multiresolution",
        "witness.shared_bitplane": "shared bit-planes",
        "ding2018.reconstruction": "Ding et al., theorem 1",
        "entropy.code": "code along a path (no network)",
        "entropy.floor": "entropy floor",
    },
}


class Row(NamedTuple):
    """One point; the value is a decimal of 12 digits, exact where it is an integer below that."""

    quantity: str
    bound: str
    d: int
    n: int
    eps: str
    kind: str
    value: str


def rows() -> Iterator[Row]:
    """Everything that is drawn."""
    for quantity, found in CURVES.items():
        for id in found:
            bound = get(id)
            name = "weights" if quantity == "weights" else "free_bits"
            name = name if name in bound.quantities else "bits"
            for d, n in CASES:
                for eps in EPSILONS:
                    try:
                        value = bound.evaluate(d, n, 2, eps)[name]
                    except OutOfRegime:
                        continue
                    kind = "explicit" if isinstance(value, Explicit) else "order"
                    yield Row(quantity, id, d, n, eps, kind, f"{float(value):.12g}")


def read() -> list[Row]:
    """The rows of the CSV."""
    with RESULTS.open(encoding="utf-8") as file:
        return [
            Row(**{**row, "d": int(row["d"]), "n": int(row["n"])})  # type: ignore[arg-type]
            for row in csv.DictReader(file)
        ]


def draw(found: list[Row], quantity: str) -> bytes:
    """One figure: a panel for each (d, n)."""
    panels = []
    for d, n in CASES:
        lines = []
        for id, label in CURVES[quantity].items():
            points = [row for row in found if row[:4] == (quantity, id, d, n)]
            if points:
                x = [float(row.eps) for row in points]
                y = [float(row.value) * e ** (d / n) for row, e in zip(points, x, strict=True)]
                lines.append(Line(label, x, y, points[0].kind))
        panels.append(Panel(f"d = {d}, n = {n}", lines))
    return draw_panels(
        panels, r"accuracy $\varepsilon$ (sup norm)", rf"{quantity} $\cdot\ \varepsilon^{{d/n}}$",
        invert_x=True,
    )  # fmt: skip


def main() -> None:
    """Write the CSV and the figures."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Row._fields)
    writer.writerows(rows())
    write_text(RESULTS, text.getvalue())
    found = read()
    for quantity in CURVES:
        image = draw(found, quantity).decode("utf-8")
        lines = "\n".join(line.rstrip() for line in image.splitlines()) + "\n"
        name = f"no-logarithm-{quantity.replace(' ', '-')}.svg"
        write_bytes(FIGURES / name, lines.encode("utf-8"))
        print(FIGURES / name)


if __name__ == "__main__":
    main()
