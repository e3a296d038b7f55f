"""Sphinx: pages by hand in Markdown, pages of bounds and quantizers from the registries."""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

project = "qexpr"
author = "The qexpr developers"
project_copyright = "2026, The qexpr developers"
try:
    release = metadata.version("qexpr")
except metadata.PackageNotFoundError:  # built from a source tree
    release = ""

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
]
myst_enable_extensions = ["dollarmath", "deflist", "attrs_inline"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
nitpicky = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_mock_imports = ["torch"]
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
suppress_warnings = ["ref.python"]  # types of parameters are words ("text"), not names to resolve

html_theme = "furo"
html_title = f"qexpr {release}".strip()
html_copy_source = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0072B2", "color-brand-content": "#0072B2"},
    "dark_css_variables": {"color-brand-primary": "#56B4E9", "color-brand-content": "#56B4E9"},
}


def _generate(app: Any) -> None:
    from generate_bounds import bound_pages
    from generate_calculators import calculator_pages
    from generate_derivations import derivation_pages
    from generate_gallery import gallery_pages
    from generate_training import training_pages

    bound_pages(HERE / "generated" / "bounds")
    calculator_pages(HERE / "generated" / "calculators")
    derivation_pages(HERE / "generated" / "derivations")
    gallery_pages(HERE / "generated" / "quantizers")
    training_pages(HERE / "generated" / "training")


def _escape_bars(
    app: Any, what: str, name: str, obj: object, options: Any, lines: list[str]
) -> None:
    """|x| is an absolute value in our docstrings, and a substitution in reStructuredText."""
    math_indent = None
    for i, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if math_indent is not None and line.strip() and indent <= math_indent:
            math_indent = None
        if ".. math::" in line:
            math_indent = indent
        elif math_indent is None and not line.lstrip().startswith(">>>"):
            parts = re.split(r"(``.*?``|`.*?`)", line)
            lines[i] = "".join(p if p.startswith("`") else p.replace("|", r"\|") for p in parts)


def setup(app: Any) -> None:
    """Write the generated pages before Sphinx looks for pages; read docstrings as we write them."""
    app.connect("builder-inited", _generate)
    app.connect("autodoc-process-docstring", _escape_bars)
