"""Sphinx: pages by hand in Markdown, pages of bounds and quantizers from the registries."""

from __future__ import annotations

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
    from generate_gallery import gallery_pages

    bound_pages(HERE / "generated" / "bounds")
    calculator_pages(HERE / "generated" / "calculators")
    gallery_pages(HERE / "generated" / "quantizers")


def setup(app: Any) -> None:
    """Write the generated pages before Sphinx looks for pages."""
    app.connect("builder-inited", _generate)
