"""A packed evaluator for quantized networks and exact circuits; NumPy is its only dependency."""

import sys as _sys

try:
    from qexpr_runtime import _core as _core
except ValueError as _error:  # what QEXPR_ISA asks for
    # `python -m qexpr_runtime` imports the package before its own code can catch anything
    if _sys.argv[:1] == ["-m"] and "qexpr_runtime" in _sys.orig_argv:
        print(f"qexpr_runtime: {_error}", file=_sys.stderr)
        raise SystemExit(2) from None
    raise

from qexpr_runtime.circuit import SparseCircuit, rounding_bound
from qexpr_runtime.convolution import (
    PackedConv,
    avg_pool2d,
    conv2d,
    max_pool2d,
    pack_conv,
    xnor_scale,
)
from qexpr_runtime.data import ActivationData, CircuitData, LayerData, NetworkData
from qexpr_runtime.errors import FormatError, KernelError
from qexpr_runtime.logarithms import log_gemm, log_sum, shift_gemm
from qexpr_runtime.machine import available, isa
from qexpr_runtime.network import Network, load, save
from qexpr_runtime.packing import Packed, from_planes, pack, unpack
from qexpr_runtime.products import gemm
from qexpr_runtime.thresholds import Thresholds, fold, residual_signs

__all__ = [
    "ActivationData",
    "CircuitData",
    "FormatError",
    "KernelError",
    "LayerData",
    "Network",
    "NetworkData",
    "Packed",
    "PackedConv",
    "SparseCircuit",
    "Thresholds",
    "available",
    "avg_pool2d",
    "conv2d",
    "fold",
    "from_planes",
    "gemm",
    "isa",
    "load",
    "log_gemm",
    "log_sum",
    "max_pool2d",
    "pack",
    "pack_conv",
    "residual_signs",
    "rounding_bound",
    "save",
    "shift_gemm",
    "unpack",
    "xnor_scale",
]
