"""The gallery of quantizers: one page and one drawing each, generated from the registry."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from qexpr import quantizers
from qexpr.core.atomic import write_bytes
from qexpr.figures.quantizer import quantizer_figure

__all__ = ["VARIANTS", "gallery_pages"]

# Besides each quantizer's defaults: the options whose map or gradient looks different.
VARIANTS: dict[str, tuple[dict[str, Any], ...]] = {
    "continuous-discrete": ({"levels": 4}, {"levels": 5, "w_max": 2.0}),
    "binaryconnect": ({"stochastic": True},),
    "twn": ({"threshold": "exact"},),
    "bnn": ({"role": "activation"}, {"role": "activation", "stochastic": True}),
    "bwn": ({"gradient": "exact"}, {"gradient": "plain"}),
    "xnor": ({"fixed_scale": True},),
    "residual": ({"levels": 3}, {"role": "weight"}, {"role": "weight", "temperature": 0.5}),
    "dorefa": (
        {"bits": 1},
        {"role": "activation"},
        {"role": "gradient"},
        {"role": "gradient", "deterministic": True},
    ),
    "hwgq": ({"uniform": False, "backward": "vanilla"}, {"backward": "log-tailed"}),
    "log": ({"base": "sqrt2"}, {"fsr": 1, "bits": 2}),
    "uniform": ({"bits": 3}, {"bits": 3, "symmetric": False}, {"bits": 2, "scale": "mse"}),
    "power-of-two": ({"bits": 3}, {"bits": 2, "scale": "mse"}),
    "lsq": ({"role": "activation", "step": 0.5},),
    "pact": ({"bits": 2, "alpha": 1.5},),
}


def gallery_pages(directory: str | Path) -> list[Path]:
    """Write the index, a page (MyST Markdown) and the drawings of every quantizer.

    Returns
    -------
    list of Path
        The pages, the index first; the drawings lie beside them.
    """
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    pages = []
    for name in quantizers.names():
        parts = [f"# {name}\n", quantizers.get(name).describe().summary.capitalize() + ".\n"]
        for number, options in enumerate(({}, *VARIANTS.get(name, ()))):
            drawing = f"{name}-{number}.svg"
            chosen = quantizers.get(name, **options)
            write_bytes(folder / drawing, quantizer_figure(chosen, "svg"))
            parts.append(_section(chosen.describe(), options, drawing))
        parts.append(_paper(quantizers.get(name).describe()))
        pages.append(_write(folder / f"{name}.md", "\n".join(parts)))
    names = "\n".join(quantizers.names())
    index = (
        "# Gallery of quantizers\n\n"
        "Every quantizer of the registry: its map, its gradient, its paper, and in what sense it "
        "is the best one. The drawings show one group of evenly spaced points of [-2, 2].\n\n"
        f"```{{toctree}}\n:maxdepth: 1\n\n{names}\n```\n"
    )
    return [_write(folder / "index.md", index), *pages]


def _write(path: Path, text: str) -> Path:
    write_bytes(path, text.encode("utf-8"))
    return path


def _section(description: quantizers.Description, options: dict[str, Any], drawing: str) -> str:
    call = ", ".join([f'"{description.name}"', *(f"{k}={v!r}" for k, v in options.items())])
    return f"""## `quantizers.get({call})`

![the map and its gradient]({drawing})

```{{math}}
{description.forward}
```

Gradient:

```{{math}}
{description.backward}
```

{description.levels} levels, {description.bits} bits; a stored code takes {description.code_bits}.
Optimality: {description.optimality}
"""


def _paper(description: quantizers.Description) -> str:
    defaults = "\n".join(f"* {text}" for text in description.defaults)
    sources = "\n".join(
        f"* {source.reference} {source.statement} ({source.trust}"
        + (f"; {source.note})" if source.note else ")")
        for source in description.sources
    )
    return f"""## Paper and hidden defaults

{sources}

{defaults}

```bibtex
{description.bibtex}```
"""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", help="where the pages go")
    for page in gallery_pages(parser.parse_args().directory):
        print(page)
