"""The one float kernel of the rigorous bounds: a product of matrices in float64.

All that is required of it: each entry is a sum of the k products, in any order, with or without
fused steps, every operation rounded to nearest, and an ulp more or less does no harm (the
bounds of forms.py and jacobian.py leave room for several). BLAS libraries fulfil that; those that
use Strassen's algorithm would not.
"""

from __future__ import annotations

import numpy as np

__all__ = ["product"]


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a @ b."""
    return a @ b
