"""Draw the products of 1024 x 1024 x 1024 in `results/runtime_gemm.csv` for the documentation."""

from __future__ import annotations

import csv
from pathlib import Path

import matplotlib

matplotlib.use("svg")

import matplotlib.pyplot as plt

HERE = Path(__file__).parent
KERNELS = [
    "binary x binary",
    "ternary x binary",
    "2-bit x 2-bit",
    "binary x uint8",
    "binary x float32",
    "4-bit x 4-bit",
    "ternary x uint8",
    "ternary x float32",
]
PEERS = ["openvino binary", "onnxruntime int8", "torch dynamic int8", "torch float32"]


def main() -> None:
    """Write docs/runtime/benchmarks.svg."""
    speed: dict[tuple[str, str], float] = {}
    with (HERE / "results" / "runtime_gemm.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if (row["m"], row["n"], row["k"]) == ("1024",) * 3 and row["gmac_per_s"]:
                speed[row["peer_isa"], row["kernel"]] = float(row["gmac_per_s"])
    plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "qexpr", "font.size": 9})
    figure, axes = plt.subplots(figsize=(7, 4.4), layout="constrained")
    names = [*KERNELS, *PEERS]
    for setting, height, colours in (
        ("native", 0.2, ("#1b6ca8", "#666666")),
        ("avx2", -0.2, ("#8fbfe0", "#bbbbbb")),
    ):
        values = [speed.get((setting, name), 0.0) for name in names]
        colour = [colours[0]] * len(KERNELS) + [colours[1]] * len(PEERS)
        places = [-i + height for i in range(len(names))]
        bars = axes.barh(places, values, height=0.38, color=colour)
        axes.bar_label(bars, fmt="%.0f", padding=2, fontsize=7)
    axes.set_yticks([-i for i in range(len(names))], names)
    axes.set_xlabel("10⁹ multiply-accumulates a second (1024³, one thread, packing included)")
    axes.set_title(
        "blue: this runtime, grey: peers; dark: with their widest instructions,\n"
        "light: the run in which PyTorch and OpenVINO are kept to AVX2",
        fontsize=9,
    )
    axes.spines[["top", "right"]].set_visible(False)
    out = HERE.parent / "docs" / "runtime" / "benchmarks.svg"
    figure.savefig(out, metadata={"Date": None})
    text = out.read_text(encoding="utf-8")
    out.write_text("\n".join(line.rstrip() for line in text.splitlines()) + "\n", encoding="utf-8")
    print(out)


if __name__ == "__main__":
    main()
