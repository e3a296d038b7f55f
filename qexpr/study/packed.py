"""The columns that every cell with a layered network has: its counts, and its packed file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from qexpr.networks import QuantizedNetwork
from qexpr.study.kind import Column

__all__ = ["COUNT_COLUMNS", "NETWORK", "as_file", "count_values", "pack", "unpack"]

NETWORK = "network.qxr"

_OPERATIONS = ("additions", "multiplications", "bit_operations", "shifts", "comparisons")

COUNT_COLUMNS = (
    Column(name="parameters", type="int", help="codes of the network, zeros included"),
    Column(name="weights", type="int", help="codes that are not 0"),
    Column(name="distinct", type="int", help="different weight values"),
    Column(name="weight_bits", type="int", help="bits of the packed codes"),
    Column(name="bits", type="int", help="bits of codes, scales and biases together"),
    Column(name="packed_bytes", type="int", help="size of the packed file in bytes"),
    *(
        Column(name=name, type="int", help=f"{name.replace('_', ' ')} for one point")
        for name in _OPERATIONS
    ),
)


def count_values(network: QuantizedNetwork, packed: bytes) -> dict[str, Any]:
    """The values of `COUNT_COLUMNS`."""
    counts = network.counts()
    return {
        "parameters": counts.parameters,
        "weights": counts.weights,
        "distinct": counts.distinct,
        "weight_bits": counts.bits_packed,
        "bits": counts.bits_packed + counts.bits_scales,
        "packed_bytes": len(packed),
        **{name: getattr(counts.operations, name) for name in _OPERATIONS},
    }


def pack(network: QuantizedNetwork) -> bytes:
    """The network as the bytes of a packed file."""
    from qexpr.export import write_packed

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / NETWORK
        write_packed(path, network)
        return path.read_bytes()


@contextmanager
def as_file(packed: bytes) -> Iterator[Path]:
    """A packed file that is there for a while."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / NETWORK
        path.write_bytes(packed)
        yield path


def unpack(packed: bytes) -> QuantizedNetwork:
    """The network of a packed file."""
    from qexpr.export import read_packed

    with as_file(packed) as path:
        network = read_packed(path)
    assert isinstance(network, QuantizedNetwork)  # the only kind that these cells store
    return network
