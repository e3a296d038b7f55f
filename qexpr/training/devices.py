"""Where and how precisely training computes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from qexpr.errors import InvalidInput, Unsupported, shorten
from qexpr.quantizers.options import check_choice

__all__ = ["settings"]


@contextmanager
def settings(dtype: str, device: str) -> Iterator[tuple[torch.dtype, torch.device]]:
    """Compute in one thread, and on a GPU in full precision by repeatable algorithms.

    Raises
    ------
    InvalidInput, Unsupported
        For a dtype that is not allowed, and for a device that torch does not have here.
    """
    check_choice(dtype, "dtype", ("float64", "float32"))
    place = _device(device)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.backends.cudnn.flags(deterministic=True, benchmark=False, allow_tf32=False):
            yield getattr(torch, dtype), place
    finally:
        torch.set_num_threads(before)


def _device(given: str) -> torch.device:
    try:
        place = torch.device(given)
    except (RuntimeError, TypeError):
        raise InvalidInput(
            f"device must be cpu, cuda or cuda:0, .., got {shorten(given)}"
        ) from None
    if place.type not in ("cpu", "cuda"):
        raise InvalidInput(f"device must be cpu, cuda or cuda:0, .., got {shorten(given)}")
    if place.type == "cuda" and not torch.cuda.is_available():
        raise Unsupported("this PyTorch finds no CUDA device: leave out device='cuda'")
    if place.type == "cuda" and (place.index or 0) >= torch.cuda.device_count():
        raise Unsupported(f"there are {torch.cuda.device_count()} CUDA devices, got {place}")
    return place
