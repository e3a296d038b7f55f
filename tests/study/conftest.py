"""Small studies that tests share."""

from __future__ import annotations

import pytest

SMALL = """
kind = "witness"
title = "Small"
question = "Does it run?"

[[block]]
construction = ["cones", "sigma_delta"]
d = 1
n = [1, 2]
eps = ["1e-1", 0.05]

[[exclude]]
where = { construction = "cones", n = 2, eps = "1/20" }
reason = "one that is left out"
"""


@pytest.fixture
def small(tmp_path):
    """A study of 8 cells in a file: 5 with values, 2 outside, 1 excluded."""
    path = tmp_path / "small.toml"
    path.write_text(SMALL, encoding="utf-8")
    return path
