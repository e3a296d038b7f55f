"""Which kernels run."""

from qexpr_runtime import _core

__all__ = ["available", "isa"]


def isa() -> str:
    """Name the instruction set whose kernels run: "avx2" or "scalar".

    The best one that the machine supports is chosen at import; the environment variable
    ``QEXPR_ISA`` forces one.
    """
    return _core.isa()


def available() -> tuple[str, ...]:
    """Name the instruction sets whose kernels this machine can run."""
    return _core.available()
