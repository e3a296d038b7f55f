"""Every test of a kernel runs on each instruction set that the machine has."""

from collections.abc import Iterator

import pytest
import qexpr_runtime as rt
from qexpr_runtime import _core


@pytest.fixture(params=rt.available())
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    before = rt.isa()
    _core.select(request.param)
    yield request.param
    _core.select(before)
