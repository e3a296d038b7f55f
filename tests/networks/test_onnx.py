"""ONNX files: the network read equals the reference evaluation of the graph."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from qexpr import networks as nets
from qexpr.errors import InvalidInput, Unsupported

RNG = np.random.default_rng(7)


def _weights(*shape):
    return (RNG.integers(-8, 9, shape) / 8).astype(np.float32)


def _save(path, nodes, constants, shape=(None, 3), output="y", outputs=("y",)):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(a), name) for name, a in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(path))
    return model


def _agree(path, model, d_shape):
    network = nets.from_onnx(path)
    x = (RNG.integers(0, 9, (6, *d_shape)) / 8).astype(np.float32)
    (expected,) = ReferenceEvaluator(model).run(None, {"x": x})
    got = np.asarray(network(x.reshape(6, -1).astype(float))).reshape(6, -1)
    assert np.allclose(got, expected.reshape(6, -1), atol=1e-5)
    exact = np.array([[float(v)] for v in network.evaluate_exact(x.reshape(6, -1))])
    assert np.allclose(exact, expected.reshape(6, -1), atol=1e-5)
    return network


def test_gemm_matmul_add_relu_clip(tmp_path):
    path = tmp_path / "net.onnx"
    nodes = [
        helper.make_node("Gemm", ["x", "a", "b"], ["h1"], transB=1, alpha=0.5, beta=2.0),
        helper.make_node("Relu", ["h1"], ["h2"]),
        helper.make_node("MatMul", ["h2", "c"], ["h3"]),
        helper.make_node("Add", ["d", "h3"], ["h4"]),
        helper.make_node("Clip", ["h4", "low", "high"], ["h5"]),
        helper.make_node("Add", ["h5", "h2"], ["h6"]),
        helper.make_node("Gemm", ["h6", "e"], ["y"]),
    ]
    constants = {
        "a": _weights(4, 3),
        "b": _weights(4),
        "c": _weights(4, 4),
        "d": _weights(1, 4),
        "low": np.float32(-0.5),
        "high": np.float32(0.75),
        "e": _weights(4, 1),
    }
    network = _agree(path, _save(path, nodes, constants), (3,))
    assert [type(layer).__name__ for layer in network.layers] == ["Dense", "Dense", "Add", "Dense"]


def test_conv_flatten_constant_and_identity(tmp_path):
    path = tmp_path / "net.onnx"
    value = numpy_helper.from_array(_weights(1, 16))
    nodes = [
        helper.make_node(
            "Conv", ["x", "k", "b"], ["h1"], pads=[1, 1, 1, 1], strides=[2, 2], group=2
        ),
        helper.make_node("Add", ["h1", "c"], ["h2"]),
        helper.make_node("Identity", ["h2"], ["h3"]),
        helper.make_node("Relu", ["h3"], ["h4"]),
        helper.make_node("Flatten", ["h4"], ["h5"]),
        helper.make_node("Constant", [], ["w"], value=value),
        helper.make_node("Gemm", ["h5", "w"], ["y"], transB=1),
    ]
    constants = {"k": _weights(4, 1, 3, 3), "b": _weights(4), "c": _weights(4, 1, 1)}
    model = _save(path, nodes, constants, (None, 2, 4, 4))
    network = _agree(path, model, (2, 4, 4))
    assert network.input_shape == (2, 4, 4)


def test_an_activation_that_is_read_twice_is_not_fused(tmp_path):
    path = tmp_path / "net.onnx"
    nodes = [
        helper.make_node("MatMul", ["x", "a"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("Add", ["h", "r"], ["s"]),
        helper.make_node("MatMul", ["s", "b"], ["y"]),
    ]
    _agree(path, _save(path, nodes, {"a": _weights(3, 3), "b": _weights(3, 1)}), (3,))


REFUSED = [
    ("Sigmoid", {}, "the ONNX operator Sigmoid is not supported"),
    ("Softmax", {}, "the ONNX operator Softmax is not supported"),
    ("Flatten", {"axis": 2}, "axis 1 only"),
]


@pytest.mark.parametrize(("operator", "options", "message"), REFUSED)
def test_other_nodes_are_refused_by_name(tmp_path, operator, options, message):
    path = tmp_path / "net.onnx"
    _save(path, [helper.make_node(operator, ["x"], ["y"], **options)], {})
    with pytest.raises(Unsupported, match=message):
        nets.from_onnx(path)


@pytest.mark.parametrize(
    ("node", "constants", "message"),
    [
        (helper.make_node("Gemm", ["x", "a"], ["y"], transA=1), {"a": _weights(3, 1)}, "transA"),
        (helper.make_node("Gemm", ["x", "x"], ["y"]), {}, "computed second operand"),
        (helper.make_node("Add", ["x", "a"], ["y"]), {"a": _weights(3)}, "Add of a constant"),
        (helper.make_node("Clip", ["x", "", "a"], ["y"]), {"a": np.float32(1)}, "both ends"),
    ],
)
def test_options_outside_the_subset_are_refused(tmp_path, node, constants, message):
    path = tmp_path / "net.onnx"
    _save(path, [node], constants)
    with pytest.raises(Unsupported, match=message):
        nets.from_onnx(path)


def test_weights_that_are_not_finite_are_refused(tmp_path):
    path = tmp_path / "net.onnx"
    bad = _weights(3, 1)
    bad[1, 0] = np.nan
    _save(path, [helper.make_node("MatMul", ["x", "a"], ["y"])], {"a": bad})
    with pytest.raises(InvalidInput, match="a must be finite, got nan"):
        nets.from_onnx(path)


def test_files_that_are_no_onnx_are_refused(tmp_path):
    path = tmp_path / "net.onnx"
    with pytest.raises(InvalidInput, match="cannot read"):
        nets.from_onnx(path)
    path.write_bytes(b"\x00\xffnot a model")
    with pytest.raises(InvalidInput, match="not an ONNX file"):
        nets.from_onnx(path)


def test_an_open_input_shape_is_refused(tmp_path):
    path = tmp_path / "net.onnx"
    _save(path, [helper.make_node("Relu", ["x"], ["y"])], {}, (None, None))
    with pytest.raises(InvalidInput, match="must have shape"):
        nets.from_onnx(path)
