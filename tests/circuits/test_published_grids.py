"""Published constructions on grids so fine that their kinks' constants are made all together."""

import numpy as np
import pytest

from qexpr import circuits


@pytest.mark.parametrize("construction", ["ding2018", "yarotsky2017"])
def test_the_partition_is_one_on_fine_grids(construction):
    """The class's coefficients are all alike, and the trapezoids add up to 1 for every x."""
    network = getattr(circuits, construction)(None, n=1, eps="3e-3", lam=2, d=1)
    assert network.plan["N"] + 2 >= 1024  # so that 3, 6, 9, .. are made together
    values = network(np.linspace(0, 1, 1001)[:, None])
    assert 0 < values.min() <= values.max() < values.min() * (1 + 1e-6)
