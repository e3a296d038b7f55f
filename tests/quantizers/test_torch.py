"""The same maps and gradients under torch's autograd, in both precisions and batched."""

import numpy as np
import pytest
import torch
from quantizer_specification import VARIANTS, admitted, label, make

from qexpr import quantizers
from qexpr.errors import InvalidInput
from qexpr.quantizers.backend import torch_backend

EVERY = pytest.mark.parametrize("variant", VARIANTS, ids=label)
SETTLED = pytest.mark.parametrize(
    "variant", [v for v in VARIANTS if not make(v).is_stochastic], ids=label
)
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
# maps without a reduction or tanh: compared bit for bit
ELEMENTWISE = ("continuous-discrete", "binaryconnect", "bnn", "xnor", "residual", "hwgq", "log")
ELEMENTWISE += ("linear", "lsq", "pact", "ttq", "power-of-two")


def sample(q, dtype, seed=0):
    x = np.random.default_rng(seed).normal(size=(5, 7, 3)).astype(dtype)
    x[0, 0] = (0.0, -0.0, 1.0)  # zeros of both signs, and a border of clips
    return admitted(q, x)


@SETTLED
@DTYPES
def test_values_agree(variant, dtype):
    q = make(variant)
    x = sample(q, dtype)
    values = q.torch()(torch.tensor(x)).numpy()
    assert values.dtype == dtype
    if q.name in ELEMENTWISE and q.options.get("scale") != "mse":
        assert np.array_equal(values, q.quantize(x))
    else:
        tolerance = x.size * np.finfo(dtype).eps
        assert np.allclose(values, q.quantize(x), rtol=tolerance, atol=0)


@EVERY
@DTYPES
def test_gradients_agree(variant, dtype):
    q = make(variant)
    x = sample(q, dtype)
    upstream = np.random.default_rng(1).normal(size=x.shape).astype(dtype)
    tensor = torch.tensor(x, requires_grad=True)
    learned = {
        name: torch.tensor(value, dtype=tensor.dtype, requires_grad=True)
        for name, value in q.parameters.items()
    }
    noise = {"generator": torch.Generator().manual_seed(0)} if q.is_stochastic else {}
    q.torch()(tensor, **noise, **learned).backward(torch.tensor(upstream))
    expected = q.gradient(x, upstream)
    gradient, expected_learned = expected if learned else (expected, {})
    size = float(np.max(np.abs(gradient)))
    tolerance = 8 * np.finfo(dtype).eps
    assert np.allclose(tensor.grad.numpy(), gradient, rtol=tolerance, atol=tolerance * size)
    assert expected_learned.keys() == learned.keys()
    for name, value in learned.items():
        assert value.grad.shape == expected_learned[name].shape
        assert np.allclose(
            value.grad.numpy(), expected_learned[name], rtol=1e3 * tolerance, atol=tolerance
        )


@pytest.mark.parametrize(
    "variant",
    [
        ("residual", {"temperature": 0.5, "role": "weight"}),
        ("residual", {"levels": 3}),
        ("lsq", {"bits": 3, "step": 0.4}),
        ("pact", {}),
        ("ttq", {}),
    ],
    ids=label,
)
def test_learned_scales_are_arguments(variant):
    q = make(variant)
    x = sample(q, np.float64)
    given = {name: 0.7 * value for name, value in q.parameters.items()}
    options = dict(q.options)
    for name, value in given.items():
        options[name] = value.tolist() if value.ndim else float(value)
    other = quantizers.get(q.name, **options)
    tensors = {name: torch.tensor(value) for name, value in given.items()}
    values = q.torch()(torch.tensor(x), **tensors).numpy()
    assert np.allclose(values, other.quantize(x), rtol=4e-16, atol=0)  # 2 ulp in tanh
    assert not np.array_equal(q.quantize(x), other.quantize(x))


@SETTLED
def test_vmap_is_one_by_one(variant):
    q = make(variant)
    stack = torch.tensor(np.stack([sample(q, np.float64, seed) for seed in range(3)]))
    function = q.torch(check=False)
    batched = torch.vmap(function)(stack)
    assert torch.allclose(batched, torch.stack([function(x) for x in stack]), rtol=1e-13, atol=0)
    gradient = torch.vmap(torch.func.grad(lambda x: (function(x) * x.detach()).sum()))(stack)
    for x, found in zip(stack.numpy(), gradient.numpy(), strict=True):
        expected = q.gradient(x, x)
        expected = expected[0] if isinstance(expected, tuple) else expected
        assert np.allclose(found, expected, rtol=1e-12, atol=1e-13)


@SETTLED
def test_vmap_of_arrays_without_axes(variant):
    function = make(variant).torch(check=False)
    stack = torch.tensor([0.3, -0.7, 0.9], dtype=torch.float64)
    batched = torch.vmap(function)(stack)
    assert batched.shape == stack.shape
    assert torch.allclose(batched, torch.stack([function(x) for x in stack]), rtol=1e-13, atol=0)


@SETTLED
def test_vmap_of_vmap_is_one_by_one(variant):
    q = make(variant)
    stack = torch.tensor(np.stack([sample(q, np.float64, seed) for seed in range(6)]))
    function = q.torch(check=False)
    nested = torch.vmap(torch.vmap(function))(stack.unflatten(0, (2, 3)))
    alone = torch.stack([function(x) for x in stack])
    assert torch.allclose(nested.flatten(0, 1), alone, rtol=1e-13, atol=0)


@pytest.mark.parametrize("variant", [("residual", {"levels": 2}), ("lsq", {}), ("pact", {})])
def test_vmap_over_learned_scales_alone(variant):
    q = make(variant)
    x = torch.tensor(sample(q, np.float64))
    ((name, value),) = q.parameters.items()
    scales = torch.tensor(np.stack([value, 0.7 * value, 1.2 * value]))
    each = torch.vmap(lambda scale: q.torch(check=False)(x, **{name: scale}))(scales)
    alone = torch.stack([q.torch()(x, **{name: scale}) for scale in scales])
    assert torch.equal(each, alone)
    assert not torch.equal(each[0], each[1])


@SETTLED
def test_the_grain_is_quantized_by_itself(variant):
    q = make(variant)
    assert q.grain in ("entry", "channel", "array")
    x = sample(q, np.float64)
    whole = q.quantize(x)
    if q.grain == "entry":
        each = np.stack([q.quantize(value) for value in x.reshape(-1)]).reshape(x.shape)
    elif q.grain == "channel":
        each = np.stack([q.quantize(row[None])[0] for row in x])
    else:
        return
    assert np.array_equal(whole, each)


def test_falling_order_is_that_of_numpy():
    x = np.random.default_rng(0).integers(-9, 9, (3, 4, 70)) / 8
    for dtype in (np.float32, np.float64):
        given = torch.tensor(x.astype(dtype))
        falling = torch_backend().falling(given)
        assert np.array_equal(falling.numpy(), np.flip(np.sort(x.astype(dtype)), axis=-1))
        turned = torch.vmap(torch_backend().falling, in_dims=1)(given)
        assert torch.equal(turned, falling.movedim(1, 0))


@SETTLED
def test_large_arrays_take_the_same_way(variant):
    # beyond the exact search of the least-squares step, and above one block of any sum
    q = make(variant)
    x = admitted(q, np.random.default_rng(2).normal(size=2**16))
    values = q.torch()(torch.tensor(x)).numpy()
    assert np.allclose(values, q.quantize(x), rtol=1e-10, atol=0)


@EVERY
def test_bad_tensors_are_refused(variant):
    q = make(variant)
    noise = {"generator": torch.Generator()} if q.is_stochastic else {}
    function = q.torch()
    for bad in (torch.tensor([1.0, np.nan]), torch.tensor([np.inf, 1.0])):
        with pytest.raises(InvalidInput, match="finite"):
            function(bad, **noise)
    with pytest.raises(InvalidInput, match="float32 or float64"):
        function(torch.tensor([1, 2]), **noise)
    with pytest.raises(InvalidInput, match="at least one entry"):
        function(torch.zeros(0), **noise)
    with pytest.raises(InvalidInput, match="no learned parameter 'alfa'"):
        function(torch.ones(2), alfa=torch.ones(()), **noise)
    with pytest.raises(InvalidInput, match="generator"):
        function(torch.ones(2), **({} if q.is_stochastic else {"generator": torch.Generator()}))


def test_a_parameter_of_the_wrong_shape_is_refused():
    with pytest.raises(InvalidInput, match=r"gamma of residual must have shape \(2,\)"):
        quantizers.get("residual").torch()(torch.ones(3), gamma=torch.ones(3))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_quantized_backward(dtype):
    q = quantizers.get("log", role="gradient", bits=5, base="sqrt2")
    x = torch.linspace(-1, 1, 9, dtype=dtype, requires_grad=True)
    y = q.torch_backward()(x)
    assert torch.equal(y, x)
    upstream = torch.linspace(-0.9, 0.8, 9, dtype=dtype)
    y.backward(upstream)
    assert np.array_equal(x.grad.numpy(), q.quantize(upstream.numpy()))


def test_quantized_backward_draws_from_its_generator():
    q = quantizers.get("dorefa", role="gradient", bits=2)
    upstream = torch.linspace(-1, 1, 4001, dtype=torch.float64)[None]

    def gradient(seed):
        x = torch.zeros_like(upstream, requires_grad=True)
        q.torch_backward()(x, generator=torch.Generator().manual_seed(seed)).backward(upstream)
        return x.grad

    assert torch.equal(gradient(1), gradient(1))
    assert not torch.equal(gradient(1), gradient(2))
    assert sorted(set(gradient(1).flatten().tolist())) == pytest.approx([-1, -1 / 3, 1 / 3, 1])


def test_global_random_state_is_left_alone():
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002  # what is read
    for variant in VARIANTS:
        q = make(variant)
        if q.is_stochastic:
            q.torch()(torch.ones(2, 2), generator=torch.Generator().manual_seed(0))
            q.quantize(np.ones((2, 2)), generator=np.random.default_rng(0))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


def test_ap2_agrees():
    z = np.concatenate([np.random.default_rng(0).normal(size=1000), [0.0, 5e-324, -1.5e300]])
    assert np.array_equal(quantizers.ap2_torch(torch.tensor(z)).numpy(), quantizers.ap2(z))
    z = np.append(z[:-2], [1e-45, -3e38]).astype(np.float32)
    assert np.array_equal(quantizers.ap2_torch(torch.tensor(z)).numpy(), quantizers.ap2(z))


@SETTLED
@DTYPES
def test_denormals_and_huge_numbers_agree(variant, dtype):
    q = make(variant)
    info = np.finfo(dtype)
    for unit in (info.smallest_subnormal, info.tiny, info.max / 4):
        x = admitted(q, (unit * np.array([1.0, -2.0, 3.0, 0.0])).astype(dtype))
        values = q.torch()(torch.tensor(x)).numpy()
        assert np.allclose(values, q.quantize(x), rtol=8 * info.eps, atol=0)
