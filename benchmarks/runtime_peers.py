"""What a user would pick instead of packed kernels, each on one thread, set up as its manual says.

Peers may use wider instructions (AVX-512, AMX) than our AVX2 kernels. `LIMITS` are the environment
variables by which PyTorch's float32 products and convolutions and OpenVINO are kept to AVX2, so
that a run can also compare like with like. ONNX Runtime has no such switch, and PyTorch's dynamic
int8 does not change with them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

LIMITS = {
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "ATEN_CPU_CAPABILITY": "avx2",
}


def in_both_settings(script: str) -> list[dict[str, Any]]:
    """Run `script --rows` once as the machine is and once with PyTorch kept to AVX2."""
    rows: list[dict[str, Any]] = []
    for setting, extra in (("native", {}), ("avx2", LIMITS)):
        result = subprocess.run(
            [sys.executable, script, "--rows"],
            env={**os.environ, **extra},
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        rows += [{"peer_isa": setting, **row} for row in json.loads(result.stdout)]
    return rows


def torch_linear(w: Any, x: Any) -> Callable[[], Any]:
    """float32 product, the unquantized baseline."""
    import torch

    torch.set_num_threads(1)
    weights, batch = torch.from_numpy(w), torch.from_numpy(x)

    def run() -> Any:
        with torch.no_grad():
            return torch.nn.functional.linear(batch, weights).numpy()

    return run


def torch_dynamic_int8(w: Any, x: Any) -> Callable[[], Any]:
    """PyTorch's dynamic quantization of a linear layer."""
    import torch

    torch.set_num_threads(1)
    layer = torch.nn.Linear(w.shape[1], w.shape[0], bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(w))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantized = torch.ao.quantization.quantize_dynamic(
            torch.nn.Sequential(layer), {torch.nn.Linear}, dtype=torch.qint8
        )
    batch = torch.from_numpy(x)

    def run() -> Any:
        with torch.no_grad():
            return quantized(batch).numpy()

    return run


def onnxruntime_int8(w: Any, x: Any) -> Callable[[], Any]:
    """ONNX Runtime's MatMulInteger, uint8 activations and int8 weights."""
    import numpy as np
    import onnxruntime as ort
    from onnx import TensorProto, helper, numpy_helper

    node = helper.make_node("MatMulInteger", ["x", "w"], ["y"])
    weights = numpy_helper.from_array(np.ascontiguousarray(w.T.astype(np.int8)), "w")
    graph = helper.make_graph(
        [node],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, list(x.shape))],
        [helper.make_tensor_value_info("y", TensorProto.INT32, [x.shape[0], w.shape[0]])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options)
    return lambda: session.run(None, {"x": x})[0]


def openvino_binary(w: Any, x: Any, padding: int = 0) -> Callable[[], Any]:
    """OpenVINO's BinaryConvolution behind its FakeQuantize; returns (batch, out, h, w) floats.

    `w` has shape (out, in, kh, kw), of +-1; `x` (batch, in, h, w), of floats; padding counts 0.
    """
    import numpy as np
    import openvino as ov
    from openvino import opset1

    source = opset1.parameter(list(x.shape), np.float32)
    zero, one = np.zeros((1, 1, 1, 1), np.float32), np.ones((1, 1, 1, 1), np.float32)
    bits = opset1.fake_quantize(source, zero, zero, zero, one, 2)
    packed = np.packbits((w.reshape(-1) > 0).astype(np.uint8), bitorder="little")
    weights = ov.op.Constant(ov.Tensor(packed, list(w.shape), ov.Type.u1))
    pads = [padding, padding]
    node = opset1.binary_convolution(
        bits, weights, [1, 1], pads, pads, [1, 1], "xnor-popcount", 0.0
    )
    settings = {"INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "LATENCY"}
    compiled = ov.Core().compile_model(ov.Model([node], [source]), "CPU", settings)
    request = compiled.create_infer_request()

    def run() -> Any:
        return next(iter(request.infer({0: x}, share_inputs=True).values()))

    return run
