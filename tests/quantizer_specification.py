"""What every quantizer must satisfy, as predicates; and every quantizer with every option.

Each predicate takes a quantizer and an array and answers with a bool, so that a test reads as the
specification: ``assert is_projection(q, x)``.
"""

import warnings

import numpy as np

from qexpr import quantizers

# Every option of every quantizer away from its default; test_registry checks that none is missing.
VARIANTS = tuple(
    (name, options)
    for name, several in {
        "continuous-discrete": ({}, {"levels": 2}, {"levels": 5, "w_max": 2.0}, {"levels": 6}),
        "binaryconnect": ({}, {"stochastic": True}),
        "twn": (
            {},
            {"factor": 0.75},
            {"threshold": "exact"},
            {"per": "channel"},
            {"threshold": "exact", "per": "channel"},
        ),
        "bnn": ({}, {"role": "activation"}, {"role": "activation", "stochastic": True}),
        "bwn": ({}, {"per": "layer"}, {"gradient": "exact"}, {"gradient": "plain"}),
        "xnor": ({}, {"fixed_scale": True}, {"k_gradient": True}),
        "residual": (
            {},
            {"levels": 1},
            {"levels": 4},
            {"levels": 2, "gamma": [0.5, 0.8]},
            {"gamma": [-0.7, 0.3]},
            {"role": "weight"},
        ),
        "dorefa": (
            {},
            {"bits": 1},
            {"bits": 3, "rounding": "away"},
            {"maximum": "constant"},
            {"role": "activation"},
            {"role": "activation", "bits": 1, "rounding": "away"},
            {"role": "gradient", "bits": 3},
            {"role": "gradient", "bits": 1},
            {"role": "gradient", "deterministic": True},
            {"role": "gradient", "deterministic": True, "rounding": "away"},
        ),
        "hwgq": tuple(
            {"bits": bits, "uniform": uniform, "backward": backward}
            for bits, uniform, backward in (
                (1, True, "vanilla"),
                (2, True, "clipped"),
                (2, False, "log-tailed"),
                (8, True, "log-tailed"),
                (8, False, "clipped"),
            )
        ),
        "log": (
            {},
            {"fsr": 1, "base": "sqrt2"},
            {"bits": 2, "fsr": -1},
            {"bits": 8, "base": "sqrt2"},
            {"signed": False},
            {"role": "activation", "signed": False, "base": "sqrt2"},
            {"role": "gradient", "bits": 5, "base": "sqrt2"},
        ),
        "linear": ({}, {"bits": 1, "fsr": 2}, {"signed": False, "role": "activation"}),
        "uniform": (
            {},
            {"bits": 2},
            {"bits": 3, "symmetric": False},
            {"per": "channel"},
            {"bits": 4, "symmetric": False, "per": "channel", "role": "activation"},
            {"scale": "percentile", "percentile": 90.0},
            {"scale": "percentile", "symmetric": False},
            {"bits": 3, "scale": "mse"},
            {"bits": 3, "scale": "mse", "per": "channel"},
            {"bits": 2, "scale": "mse", "symmetric": False},
        ),
        "power-of-two": (
            {},
            {"bits": 2},
            {"bits": 3, "scale": "mse"},
            {"per": "channel", "role": "activation"},
        ),
        "lsq": (
            {},
            {"bits": 4, "step": 0.1},
            {"role": "activation", "bits": 1},
            {"signed": True, "role": "activation", "gradient_scale": False},
        ),
        "pact": ({}, {"bits": 1, "alpha": 1.5}, {"bits": 8, "alpha": 0.3}),
        "ttq": ({}, {"factor": 0.3, "positive": 0.7, "negative": 1.2}),
    }.items()
    for options in several
)


def label(variant):
    """A readable test id."""
    name, options = variant
    return name + "".join(f"-{key}={value}" for key, value in options.items())


def make(variant):
    """The quantizer of a variant."""
    name, options = variant
    return quantizers.get(name, **options)


def admitted(q, x):
    """x, or its magnitudes for a quantizer that refuses negative numbers."""
    return np.abs(x) if q.name in ("log", "linear") and not q.signed else x


def seeded(q, seed=0):
    """The keyword that a stochastic quantizer needs, a fresh generator each time."""
    return {"generator": np.random.default_rng(seed)} if q.is_stochastic else {}


def encode(q, x):
    """encode, a collapse to zeros being no failure here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", quantizers.CollapseWarning)
        return q.encode(x, **seeded(q))


def close(a, b):
    """Equal up to a few roundings in the dtype of a."""
    return np.allclose(a, b, rtol=16 * np.finfo(a.dtype).eps, atol=0)


def keeps_dtype_and_shape(q, x):
    """float32 gives float32, float64 gives float64, and the shape stays."""
    values = q.quantize(x, **seeded(q))
    return values.dtype == x.dtype and values.shape == x.shape and bool(np.isfinite(values).all())


def codes_fit_their_bits(q, x):
    """Codes are integers of the set announced, which fits the bits announced."""
    codes, _ = encode(q, x)
    return (
        codes.dtype.kind == "i"
        and codes.shape == x.shape
        and set(np.unique(codes).tolist()) <= set(q.codes)
        and len(q.codes) <= 2**q.code_bits < 2 * max(2, len(q.codes))
    )


def codes_round_trip(q, x):
    """Decoding the codes gives the quantized values, bit for bit."""
    return np.array_equal(q.decode(*encode(q, x)), q.quantize(x, **seeded(q)))


def is_projection(q, x):
    """Quantizing twice is quantizing once."""
    once = q.quantize(x, **seeded(q))
    return close(once, q.quantize(once, **seeded(q, 1)))


def keeps_its_codes(q, x):
    """The quantized values have the codes that they came from."""
    codes, scale = encode(q, x)
    return np.array_equal(encode(q, q.decode(codes, scale))[0], codes)


def is_homogeneous(q, x, factor):
    """q(c x) = c q(x)."""
    return np.array_equal(q.quantize(factor * x, **seeded(q)), factor * q.quantize(x, **seeded(q)))


def is_permutation_equivariant(q, x, order):
    """Permuting the weights of a group permutes the result."""
    return np.array_equal(q.quantize(x[order]), q.quantize(x)[order])


def is_monotone(q, x):
    """x <= y gives q(x) <= q(y)."""
    values = q.quantize(np.sort(x))
    return bool(np.all(np.diff(values) >= 0))


def is_sign_of_zero_plus(q):
    """Both zeros count as positive among other weights."""
    x = np.array([1.0, -0.0, 0.0, -1.0])
    return bool(np.array_equal(encode(q, x)[0], [1, 1, 1, -1]))


def squared_error(q, x):
    """||x - q(x)||^2, in float64."""
    return float(np.sum((x.astype(np.float64) - q.quantize(x).astype(np.float64)) ** 2))


def scale_is_optimal(q, x, candidates):
    """No candidate approximation of x is nearer than q(x)."""
    least = float(np.min(np.sum((x - candidates) ** 2, axis=-1)))
    return squared_error(q, x) <= least + 1e-12 * float(np.sum(x**2))
