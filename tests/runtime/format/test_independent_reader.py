"""FORMAT.md says enough: a reader written from it gives the values that the runtime gives."""

import numpy as np
import pytest
import qexpr_runtime as rt
from format_reader import evaluate
from packed_files import CORPUS


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_a_reader_written_from_the_page_agrees(path):
    net = rt.load(path)
    x = np.random.default_rng(3).integers(-12, 13, (4, net.inputs)) / 4
    wanted = np.array([[float(v) for v in row] for row in evaluate(path.read_bytes(), x.tolist())])
    assert np.ptp(wanted) > 0
    np.testing.assert_allclose(net(x).reshape(wanted.shape), wanted, rtol=1e-12, atol=1e-12)
