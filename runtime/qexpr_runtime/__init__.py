"""A packed evaluator for quantized networks and exact circuits; NumPy is its only dependency."""

from qexpr_runtime.errors import FormatError, KernelError
from qexpr_runtime.gemm import gemm
from qexpr_runtime.isa import available, isa
from qexpr_runtime.pack import Packed, from_planes, pack, unpack

__all__ = [
    "FormatError",
    "KernelError",
    "Packed",
    "available",
    "from_planes",
    "gemm",
    "isa",
    "pack",
    "unpack",
]
