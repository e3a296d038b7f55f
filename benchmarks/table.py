"""Print every target with what was measured, from the files in `results/`.

One line for each kind of work and peer: the target, the ratios measured (peer time over ours, the
least and the most over the shapes), how many shapes reach it and by how much the least one misses
it; under a missed one, what was tried.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

RESULTS = Path(__file__).parent / "results"

# what stands in the way of a missed target, and what was tried; figures in docs/decisions
_CODES = "two AVX2 operations do 32 products, 158 * 10^9 a second at most; the peer has VNNI or AMX"
_WIDE = "the peer uses AVX-512, ours is AVX2"
_SIGNS = (
    "tried: tables shared by two rows (+30 %) and by the windows of a convolution (2 to 3 times), "
    "both kept; carry-save population counts (41 products an operation against 77), halves split "
    "two at a time (0.98 to 1.03 times), dropped"
)
TRIED = {
    "binary x binary": _SIGNS,
    "binary x binary, one row": "half of the time at 1024 is the call; tried: packing and product "
    "in one call (1.5 times, kept), 16 bytes unrolled (+4 %, dropped)",
    "2-bit x 2-bit": "the peer has VNNI; tried: tables by masked shuffles and one pass over the "
    "outputs (+40 %, kept), a table for each plane of the activations (38 products an operation "
    "against 64) or two rows in a byte (as many operations), not built",
    "4-bit x 4-bit": _CODES + "; tried: sums in place (+11 %, kept), six rows at a time (-30 %), "
    "look-ups (-20 %), blocks of 32 weight rows (-30 %)",
    "ternary x uint8": _CODES
    + "; tried: as for 4-bit x 4-bit; triples with a common sign do as many "
    "products an operation, not built",
    "ternary x float32": "tried: tables of 81 entries instead of 256 (+20 %, kept)",
    "binary x float32": "tried: offsets prepared 32 at a time (+4 %, kept)",
    "float64": "random layers of 10^5 edges and more read their sources from the second cache, "
    "which hands over half as much as the first; tried: sums in pieces of 64 nodes, a word each (2 "
    "to 10 times on witnesses, kept), one pass for a unit of one run (1.5 times, kept), 16 points "
    "a block (-15 %), huge pages (0 %), dropped",
    "float64, random order": "few units are zero on 32 points that lie anywhere, so all is added "
    "up; the order of cells brings 1.6 times for cones",
    "packed float32": "tried: points in the lanes with zeros left out (1.8 times, kept); the "
    "checks of one call in C (1.25 times, kept)",
}


@dataclass
class Line:
    """All rows of one kind of work against one peer."""

    question: str
    work: str
    setting: str
    against: str
    target: float
    ratios: list[float] = field(default_factory=list)
    met: int = 0
    notes: set[str] = field(default_factory=set)


def lines(folder: Path = RESULTS) -> Iterator[Line]:
    """The targets in every file that states some."""
    found: dict[tuple[str, ...], Line] = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                ratio = row.get("ratio") or ""
                if not row.get("target") or not ratio:
                    continue
                work = row.get("kernel") or row.get("contestant") or row.get("work") or ""
                if row.get("m") == "1":
                    work += ", one row"
                if row.get("circuit"):
                    work += f", {row['circuit']}"
                setting, against = row.get("peer_isa", ""), row.get("against")
                against = against or row.get("question") or "scipy csr"
                key = (path.stem, work, setting, against, row["target"])
                line = found.setdefault(key, Line(*key[:4], target=float(row["target"])))
                line.ratios.append(float(ratio))
                line.met += row["met"] == "yes"
                if row.get("note"):
                    line.notes.add(row["note"])
    yield from found.values()


def durations(folder: Path = RESULTS) -> Iterator[str]:
    """Targets that are times, as their files state them."""
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row.get("target") and "seconds" in row:
                    what = " ".join(row[key] for key in ("question", "construction", "stage"))
                    size = f"{row['d']}, {row['n']}, {row['eps']}"
                    aim = f"target {row['target']} {row['note']}"
                    yield f"{what} ({size}): {row['seconds']} s, {aim}"


def tried(line: Line) -> str:
    """What was tried for a missed target."""
    work = line.work.removesuffix(", local").removesuffix(", dense")
    text = TRIED.get(work, "")
    return f"{_WIDE}; {text}" if line.setting == "native" and "openvino" in line.against else text


def main() -> None:
    """Print the table."""
    print(f"{'work':28} {'against':20} {'peers':7} {'target':>6} {'measured':>14}  verdict")
    question, told = "", set()
    for line in lines():
        if line.question != question:
            question = line.question
            print(f"-- {question}.csv")
            told = set()
        least, most = min(line.ratios), max(line.ratios)
        met = line.met
        verdict = "met" if met == len(line.ratios) else f"met at {met} of {len(line.ratios)}"
        if met < len(line.ratios):
            missed = 100 * (1 - least / line.target)
            verdict = f"{verdict}, missed by {missed:.0f} %" if met else f"missed by {missed:.0f} %"
        span = f"{least:.2f}" if least == most else f"{least:.2f} .. {most:.2f}"
        print(
            f"{line.work:28} {line.against:20} {line.setting:7} {line.target:6g} {span:>14}  "
            + "; ".join([verdict, *sorted(line.notes)])
        )
        if met < len(line.ratios) and tried(line) not in told | {""}:
            print(f"{'':28}   {tried(line)}")
            told.add(tried(line))
    print("-- times")
    for text in durations():
        print(text.rstrip())
    print("-- measured apart, on another machine (10^9 multiply-accumulates a second)")
    with (RESULTS / "peers_apart.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            print(f"{row['work']:28} {row['peer']:28} {row['low']} to {row['high']}")


if __name__ == "__main__":
    main()
