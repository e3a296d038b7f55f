"""Layered quantized networks as data: built here, trained, or somebody else's."""

from qexpr.networks.activations import Activation, Clip, Relu, Steps, sign
from qexpr.networks.arrays import from_arrays
from qexpr.networks.counts import Counts, Operations
from qexpr.networks.document import from_dict, to_dict
from qexpr.networks.ensemble import mean_of
from qexpr.networks.layers import (
    Activate,
    Add,
    AvgPool2d,
    Conv2d,
    Dense,
    Flatten,
    Layer,
    MaxPool2d,
    Multiply,
)
from qexpr.networks.network import QuantizedNetwork
from qexpr.networks.onnx_reader import from_onnx

__all__ = [
    "Activate",
    "Activation",
    "Add",
    "AvgPool2d",
    "Clip",
    "Conv2d",
    "Counts",
    "Dense",
    "Flatten",
    "Layer",
    "MaxPool2d",
    "Multiply",
    "Operations",
    "QuantizedNetwork",
    "Relu",
    "Steps",
    "from_arrays",
    "from_dict",
    "from_onnx",
    "mean_of",
    "sign",
    "to_dict",
]
