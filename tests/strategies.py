"""Hypothesis strategies shared by the suites."""

from fractions import Fraction

from hypothesis import strategies as st

__all__ = [
    "activations",
    "dense_networks",
    "epsilons",
    "expressions",
    "image_networks",
    "product_networks",
    "rationals",
    "small_circuits",
]


def rationals(lower=-4, upper=4, max_denominator=64):
    """Exact rationals in [lower, upper]."""
    return st.fractions(min_value=lower, max_value=upper, max_denominator=max_denominator)


def epsilons(smallest_exponent=-12):
    """Accuracies m * 10^-k below 1, the way people write them."""
    return st.builds(
        lambda mantissa, exponent: Fraction(mantissa) / 10 ** (exponent + 1),
        st.integers(1, 9),
        st.integers(0, -smallest_exponent - 1),
    )


def expressions(d, kinks=False):
    """Texts of target expressions in x0 .. x(d-1), defined on all of [0, 1]^d."""
    leaves = st.one_of(
        st.sampled_from([f"x{k}" for k in range(d)]),
        rationals(-2, 2, 8).map(lambda q: f"({q})"),
        st.sampled_from(["0.25", "pi/4", "1e-1"]),
    )

    def grow(parts):
        two = st.tuples(parts, parts)
        grown = [
            st.builds(lambda p, op: f"({p[0]}{op}{p[1]})", two, st.sampled_from("+-*")),
            st.builds(lambda a, k: f"({a})^{k}", parts, st.sampled_from([2, 3])),
            st.builds(lambda a, f: f"{f}({a})", parts, st.sampled_from(["sin", "cos", "tanh"])),
            parts.map(lambda a: f"exp(sin({a}))"),
            parts.map(lambda a: f"sqrt(2+cos({a}))"),
            parts.map(lambda a: f"log(3-sin({a}))"),
            parts.map(lambda a: f"1/(2+tanh({a}))"),
        ]
        if kinks:
            grown += [
                st.builds(lambda a, f: f"{f}({a})", parts, st.sampled_from(["abs", "relu"])),
                st.builds(lambda p, f: f"{f}({p[0]},{p[1]})", two, st.sampled_from(["min", "max"])),
            ]
        return st.one_of(grown)

    return st.recursive(leaves, grow, max_leaves=6).filter(lambda text: len(text) <= 200)


def activations(steps=True):
    """Relu, Clip or Steps with arbitrary ends, thresholds, values and closed sides."""
    from qexpr.networks import Clip, Relu, Steps

    kinds = [
        st.just(Relu()),
        st.tuples(rationals(-2, 2, 8), rationals(-2, 2, 8)).map(lambda p: Clip(min(p), max(p))),
    ]
    if steps:
        kinds.append(
            st.integers(1, 6).flatmap(
                lambda k: st.builds(
                    lambda t, v, c: Steps(tuple(sorted(t)), tuple(v), tuple(c)),
                    st.sets(rationals(-2, 2, 16), min_size=k, max_size=k),
                    st.lists(rationals(-2, 2, 8), min_size=k + 1, max_size=k + 1),
                    st.lists(st.booleans(), min_size=k, max_size=k),
                )
            )
        )
    return st.one_of(kinds)


def _scales():
    # dyadic, rational, doubles as they are, and sizes far apart
    return st.one_of(
        rationals(-2, 2, 8),
        st.sampled_from([Fraction(1, 3), Fraction(0.1), Fraction(1, 2**20), Fraction(2**12)]),
    )


@st.composite
def dense_networks(draw, d, steps=True, relu_only=False, depth=3, width=6, dyadic=False):
    """Dense networks of one output with residual additions, every scale and bias rational."""
    from qexpr.networks import Add, Dense, QuantizedNetwork, Relu

    layers, size = [], d
    for k in range(draw(st.integers(1, depth))):
        wide = draw(st.integers(1, width))
        codes = draw(
            st.lists(
                st.lists(st.integers(-3, 3), min_size=size, max_size=size),
                min_size=wide,
                max_size=wide,
            )
        )
        dyadics = st.integers(-32, 32).map(lambda n: Fraction(n, 16))
        scale = draw(dyadics if dyadic else _scales())
        bias = draw(
            st.lists(dyadics if dyadic else rationals(-2, 2, 12), min_size=wide, max_size=wide)
        )
        activation = Relu() if relu_only else draw(activations(steps))
        layers.append(Dense(codes, scale, bias, activation=activation, name=f"layer{k}"))
        if k and wide == size and draw(st.booleans()):
            layers.append(Add(other=f"layer{k - 1}"))
        size = wide
    layers.append(Dense([[draw(st.integers(-2, 2)) for _ in range(size)]], Fraction(1, 2)))
    return QuantizedNetwork((d,), tuple(layers))


@st.composite
def product_networks(draw, d, steps=True):
    """Dense networks of one output that multiply computed values, once or twice."""
    from qexpr.networks import Dense, Multiply, QuantizedNetwork

    def dense(rows, columns, act=True, **options):
        codes = [[draw(st.integers(-3, 3)) for _ in range(columns)] for _ in range(rows)]
        bias = [draw(rationals(-2, 2, 12)) for _ in range(rows)]
        found = draw(activations(steps)) if act else None
        return Dense(codes, draw(_scales()), bias, activation=found, **options)

    n = draw(st.integers(1, 4))
    factors = draw(st.sampled_from([1, n]))  # one for all, or one for each
    layers = [
        dense(n, d, name="a"),
        dense(factors, d, draw(st.booleans()), name="b", source="input"),
        dense(n, n, draw(st.booleans()), source="a"),
        Multiply(other="b", activation=draw(st.none() | activations(steps))),
        dense(1, n, False, name="c"),
    ]
    if draw(st.booleans()):
        layers.append(Multiply(other=draw(st.sampled_from(["c"] + ["b"] * (factors == 1)))))
    return QuantizedNetwork((d,), tuple(layers))


@st.composite
def image_networks(draw):
    """Convolutions (stride, padding, groups), pooling, addition, products and a dense end."""
    from qexpr import networks as nets

    seed = draw(st.integers(0, 2**32 - 1))
    import numpy as np

    rng = np.random.default_rng(seed)
    groups = draw(st.sampled_from([1, 2]))
    value = draw(st.sampled_from([0, 1]))
    stride = draw(st.sampled_from([1, 2, (2, 1)]))
    kernel = draw(st.sampled_from([(1, 1), (3, 3), (2, 3)]))
    scale = [draw(_scales()) for _ in range(4)]
    act = draw(activations())
    layers = [
        nets.Conv2d(
            rng.integers(-2, 3, (4, 2 // groups, *kernel)),
            scale,
            [draw(rationals(-2, 2, 8)) for _ in range(4)],
            stride=stride,
            padding=draw(st.sampled_from([0, 1, (1, 2)])),
            padding_value=value,
            groups=groups,
            activation=act,
            name="a",
        ),
        nets.Conv2d(rng.integers(-1, 2, (4, 4, 1, 1)), Fraction(1, 3)),
    ]
    if draw(st.booleans()):
        layers.append(nets.Add(other="a"))
    if draw(st.booleans()):
        layers.append(nets.Multiply(other="a", activation=draw(activations())))
    shape = nets.QuantizedNetwork((2, 5, 6), tuple(layers)).shapes[-1]
    if min(shape[1:]) >= 2:
        pool = draw(st.sampled_from([nets.MaxPool2d, nets.AvgPool2d]))
        layers.append(pool(activation=draw(st.none() | activations())))
    shape = nets.QuantizedNetwork((2, 5, 6), tuple(layers)).shapes[-1]
    size = shape[0] * shape[1] * shape[2]
    layers += [nets.Flatten(), nets.Dense(rng.integers(-3, 4, (2, size)), 0.1)]
    return nets.QuantizedNetwork((2, 5, 6), tuple(layers))


@st.composite
def small_circuits(draw, d, units=8):
    """Random ReLU circuits with skip connections and dyadic weights of mixed size."""
    import numpy as np

    from qexpr.circuits.graph import Circuit

    weights = st.sampled_from([Fraction(n, 2**k) for n in (-3, -1, 1, 2) for k in (0, 1, 2, 12)])
    edges = []
    output = d + draw(st.integers(2, units))
    for target in range(d + 1, output + 1):
        sources = draw(st.sets(st.integers(0, target - 1), min_size=1, max_size=4))
        edges += [(source, target, draw(weights)) for source in sorted(sources)]
    alphabet = tuple(sorted({w for _, _, w in edges}))
    return Circuit(
        inputs=d,
        sources=np.array([e[0] for e in edges], np.int64),
        targets=np.array([e[1] for e in edges], np.int64),
        codes=np.array([alphabet.index(e[2]) for e in edges], np.uint8),
        output=output,
        alphabet=alphabet,
    )
