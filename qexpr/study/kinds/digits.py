"""A method on scikit-learn's digits: accuracy, size and operations of the frozen network."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from statistics import mean
from typing import Any

from qexpr.study.fits import group_by
from qexpr.study.kind import (
    Cell,
    Column,
    Figure,
    Finding,
    Kind,
    Parameter,
    Result,
    Row,
    Small,
    Summary,
)
from qexpr.study.packed import COUNT_COLUMNS, NETWORK, as_file, count_values, pack, unpack
from qexpr.study.rows import agree
from qexpr.study.tools import Tools

__all__ = ["KIND"]

_RUNS = 5  # of which the shortest counts

PARAMETERS = (
    Parameter(name="method", type="text", help="a training method"),
    Parameter(name="image", type="flag", help="convolutional, else fully connected", default=True),
    Parameter(name="widths", type="ints", help="channels, or units", least=1, most=1024),
    Parameter(name="steps", type="int", help="0: the recipe's", default=0, least=0, budget=True),
)

COLUMNS = (
    *COUNT_COLUMNS,
    Column(name="valid_wrong", type="int", help="wrong of the images that chose the network"),
    Column(name="wrong", type="int", help="wrong of the test images, which no run sees"),
    Column(name="test", type="int", help="test images"),
    Column(name="unlike_torch", type="int", help="test images classed unlike torch when packed"),
)


def run(cell: Cell, tools: Tools) -> Result:
    """Train, freeze, pack, and let the packed runtime classify the test images."""
    from qexpr import training

    data = training.digits(image=cell["image"])
    changes = {"steps": cell["steps"]} if cell["steps"] else {}
    recipe = training.get_recipe(cell["method"], "classes", **changes)
    trained = training.train(data, recipe, cell["widths"], cell["seed"], dtype="float32")
    network = trained.freeze()
    packed = pack(network)
    classes, seconds = _classes(packed, data)
    values = {
        **count_values(network, packed),
        "valid_wrong": round(trained.error * len(data.valid_y)),
        "wrong": int((classes != data.test_y).sum()),
        "test": len(data.test_y),
        "unlike_torch": int((classes != trained.outputs(data.test_x).argmax(1)).sum()),
    }
    return Result(values, {NETWORK: packed}, times={"runtime_s": seconds})


def _classes(packed: bytes, data: Any) -> tuple[Any, float]:
    """The packed runtime's classes of the test images, and the least time of some runs."""
    import qexpr_runtime as rt

    with as_file(packed) as path:
        network, x = rt.load(path), data.test_x.reshape(len(data.test_x), -1)
        seconds = []
        for _ in range(_RUNS):
            start = time.perf_counter()
            found = network.classes(x)
            seconds.append(time.perf_counter() - start)
        return found, min(seconds)


def _check(cell: Cell, row: Row, files: Mapping[str, bytes], tools: Tools) -> Iterator[Finding]:
    """Counts, and the classes of the stored network."""
    from qexpr import training

    if NETWORK not in files:
        yield Finding(None, f"{NETWORK} was not kept")
        return
    data = training.digits(image=cell["image"])
    wrong = int((_classes(files[NETWORK], data)[0] != data.test_y).sum())
    values = count_values(unpack(files[NETWORK]), files[NETWORK])
    yield from agree(KIND, row, {**values, "wrong": wrong, "test": len(data.test_y)})
    yield Finding(row["unlike_torch"] == 0, "unlike_torch")


def _summary(rows: Sequence[Row]) -> Summary:
    """Accuracy with its spread over seeds, beside the float network's."""
    from qexpr.figures.series import Line, Panel, draw_panels

    done = [row for row in rows if row["status"] == "ok"]
    shares = {
        method: [100 * (1 - row["wrong"] / row["test"]) for row in group]
        for (method,), group in group_by(done, ("method",))
    }
    groups = {method: group for (method,), group in group_by(done, ("method",))}
    real = mean(shares["float"]) if "float" in shares else None
    table, points = [], []
    for method, values in shares.items():
        group = groups[method]
        behind = "" if real is None else f"{real - mean(values):+.2f}"
        size = round(mean(row["packed_bytes"] for row in group))
        table.append(
            (
                *(method, f"{mean(values):.2f}", f"{min(values):.2f} to {max(values):.2f}"),
                *(behind, str(len(values)), f"{size:,}"),
                f"{round(mean(row['weight_bits'] for row in group)):,}",
                f"{round(mean(row['bit_operations'] for row in group)):,}",
                f"{round(mean(row['multiplications'] for row in group)):,}",
            )
        )
        sizes = [row["packed_bytes"] for row in group]
        ends = sorted(zip(sizes, values, strict=True))
        points.append(Line(method, *zip(*ends, strict=True), "points"))
    unlike = sum(row["unlike_torch"] for row in done)
    answer = [
        f"{len(done)} networks; the packed runtime classes {unlike} test images unlike torch "
        "in all of them together."
    ]
    if real is not None:
        near = [m for m, v in shares.items() if m != "float" and real - mean(v) <= 2]
        answer.append(
            f"The float network is right on {real:.2f} % of the test images. Within two points "
            f"of it: {', '.join(near) or 'none'}."
        )
    header = (
        *("method", "right, %", "over seeds, %", "points behind float", "seeds"),
        *("packed bytes", "weight bits", "bit operations", "multiplications"),
    )
    figure = Figure(
        "accuracy",
        lambda form: draw_panels(
            [Panel("digits", points)],
            "packed file, bytes",
            "right on test images, %",
            form,
            y_scale="linear",
        ),
        "Accuracy on the test images against the size of the packed file, one point a network.",
        "Accuracy against size: one point for each seed. Both are measured.",
    )
    caption = "Means over seeds; multiplications are those of the real first and last layer"
    return Summary(tuple(answer), (Small(caption, header, tuple(table)),), (figure,))


KIND = Kind(
    name="digits",
    title="networks trained on scikit-learn's digits",
    parameters=PARAMETERS,
    columns=COLUMNS,
    run=run,
    cost=lambda cell: 2 + (cell["steps"] or 600) * 6e-3 if cell["image"] else 3.0,
    check=_check,
    files=(NETWORK,),
    times=("runtime_s",),
    seeded=True,
    needs=(("torch", "train"), ("sklearn", "train")),
    summary=_summary,
    shown=(
        *("method", "widths", "seed", "wrong", "test", "unlike_torch", "weight_bits"),
        *("packed_bytes", "bit_operations", "multiplications", "status"),
    ),
)
