"""Names, options, messages and descriptions."""

import json
import pickle
import re
import subprocess
import sys
from dataclasses import FrozenInstanceError

import pytest
from quantizer_specification import VARIANTS, label, make

from qexpr import quantizers
from qexpr.errors import InvalidInput

FOUNDING = [
    "continuous-discrete",
    "binaryconnect",
    "twn",
    "bnn",
    "bwn",
    "xnor",
    "residual",
    "dorefa",
    "hwgq",
    "log",
    "linear",
]
AROUND = ["uniform", "power-of-two", "lsq", "pact", "ttq"]
EVERY = pytest.mark.parametrize("variant", VARIANTS, ids=label)


def test_names():
    assert list(quantizers.names()) == FOUNDING + AROUND
    assert {name for name, _ in VARIANTS} == set(quantizers.names())
    for name, kind in quantizers.kinds().items():
        assert isinstance(quantizers.get(name), kind)
        assert quantizers.get(name).name == name


def test_the_variants_use_every_option():
    for name, kind in quantizers.kinds().items():
        used = {option for other, options in VARIANTS if other == name for option in options}
        geometry = {"kernel_size", "stride", "padding"}  # tests/quantizers/test_xnor.py
        late = {"temperature"}  # soft weights have no codes; test_gradients and test_edges
        fixed = {"role"} if name in ("xnor", "hwgq", "pact") else set()  # one value
        assert set(kind.option_fields()) - geometry - late - fixed == used, name


def test_options_read_as_they_were_spelt():
    assert quantizers.get("bwn", gradient="exact").options == {
        "per": "channel",
        "gradient": "exact",
    }
    assert quantizers.get("log", base=2).base == "2"
    residual = quantizers.get("residual", gamma=[0.7, 0.2, 0.1])
    assert (residual.levels, residual.bits, len(residual.codes)) == (3, 3, 8)
    assert quantizers.get("residual", role="weight").gamma == (1.0,)
    assert quantizers.get("residual", levels=2).gamma == pytest.approx((2 / 3, 1 / 3))
    assert quantizers.get("log", bits=4).code_bits == 5
    assert quantizers.get("twn").levels == 3
    assert quantizers.get("dorefa", bits=3).levels == 8


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("tnw", {}, "no quantizer is called 'tnw'; did you mean twn"),
        (
            "twn",
            {"treshold": "exact"},
            "no option of twn is called 'treshold'; did you mean",
        ),
        ("twn", {"threshold": "best"}, "threshold must be one of approx, exact, got 'best'"),
        ("twn", {"threshold": "exact", "factor": 0.75}, 'factor is for threshold="approx"'),
        ("twn", {"factor": 0}, "factor must be a finite number above 0, got 0"),
        ("twn", {"per": "row"}, "per must be one of layer, channel"),
        ("continuous-discrete", {"levels": 1}, "levels must be an integer from 2 to 65536, got 1"),
        ("continuous-discrete", {"w_max": float("nan")}, "w_max must be a finite number above 0"),
        ("continuous-discrete", {"w_max": True}, "w_max must be a finite number above 0, got True"),
        ("binaryconnect", {"stochastic": 1}, "stochastic must be True or False, got 1"),
        ("bnn", {"stochastic": True}, 'stochastic is for role="activation"'),
        ("bwn", {"gradient": "true"}, "gradient must be one of paper, exact, plain"),
        ("xnor", {"kernel_size": 0}, "kernel_size must be an integer from 1 to 1024, got 0"),
        ("residual", {"levels": 2, "gamma": [1.0]}, "gamma must have 2 entries, got 1"),
        ("residual", {"gamma": 3}, "gamma must be a list of 2 numbers, got 3"),
        ("residual", {"levels": 17}, "levels must be an integer from 1 to 16"),
        ("residual", {"temperature": 1.0}, "temperature must be 0, or positive with role="),
        ("dorefa", {"bits": 32}, "bits = 32 means off"),
        ("dorefa", {"bits": 2.0}, "bits must be an integer from 1 to 16, got 2.0"),
        ("dorefa", {"deterministic": True}, 'deterministic is for role="gradient"'),
        ("hwgq", {"bits": 9}, "bits must be an integer from 1 to 8, got 9"),
        ("hwgq", {"backward": "log"}, "backward must be one of vanilla, clipped, log-tailed"),
        ("log", {"base": 3}, "base must be one of 2, sqrt2, got 3"),
        ("log", {"fsr": 1.5}, "fsr must be an integer from -64 to 64, got 1.5"),
        ("uniform", {"bits": 1}, "bits must be an integer from 2 to 16, got 1"),
        ("uniform", {"percentile": 99.0}, 'percentile is for scale="percentile"'),
        ("uniform", {"scale": "percentile", "percentile": 101}, r"lie in \(50, 100\], got 101"),
        ("lsq", {"bits": 1}, "signed lsq needs bits >= 2"),
        ("lsq", {"step": -1.0}, "step must be a finite number above 0, got -1"),
        ("pact", {"alpha": 0.0}, "alpha must be a finite number above 0"),
        ("pact", {"alpha": 10**400}, "alpha must be a finite number above 0, got an integer of"),
        ("ttq", {"factor": 1.0}, r"factor must lie in \(0, 1\), got 1"),
    ],
)
def test_what_is_not_allowed_is_said(name, options, message):
    with pytest.raises(InvalidInput, match=message):
        quantizers.get(name, **options)


@EVERY
def test_values_are_frozen_and_compare(variant):
    q = make(variant)
    assert q == make(variant)
    assert hash(q) == hash(make(variant))
    assert pickle.loads(pickle.dumps(q)) == q
    assert quantizers.get(q.name, **q.options) == q
    field = next(iter(type(q).option_fields().values()), None)
    with pytest.raises(FrozenInstanceError):
        setattr(q, field, 1)


def balanced(latex):
    """Whether braces and \\left, \\right pair."""
    depth = 0
    for sign in re.findall(r"(?<!\\)[{}]", latex):
        depth += 1 if sign == "{" else -1
        if depth < 0:
            return False
    return depth == 0 and latex.count(r"\left") == latex.count(r"\right")


@EVERY
def test_descriptions(variant):
    q = make(variant)
    description = q.describe()
    assert description.options == tuple(q.options.items())
    assert balanced(description.forward)
    assert balanced(description.backward)
    assert description.forward.startswith("Q(")
    assert description.defaults
    assert description.optimality.endswith(".")
    assert all(source.bibtex in description.bibtex for source in q.sources)
    assert (description.levels, description.bits) == (q.levels, q.bits)
    document = json.loads(json.dumps(description.to_dict()))
    assert document["name"] == q.name
    assert q.name in str(description)


COMMANDS = """
Delta alpha arg beta big Bigl Bigr cdot circledast clip delta frac gamma ge in lambda lceil le
left log mathbf mathcal mathrm max mean mid min mu odot operatorname partial prod quad rceil right
round sign sim sqrt sum tanh text tfrac to
"""


@EVERY
def test_formulas_use_commands_that_exist(variant):
    description = make(variant).describe()
    used = re.findall(r"\\([A-Za-z]+)", description.forward + description.backward)
    assert set(used) <= set(COMMANDS.split())


def test_quantizers_load_neither_torch_nor_matplotlib():
    code = (
        "import sys; from qexpr import quantizers as q; q.get('twn').quantize([1.0, 2.0]);"
        "heavy = {'torch', 'matplotlib', 'sympy', 'scipy', 'pandas', 'flint'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_without_torch_the_way_to_it_is_told():
    code = (
        "import sys; sys.modules['torch'] = None; from qexpr import quantizers as q\n"
        "from qexpr.errors import Unsupported\n"
        "uses = 'torch', 'torch_backward', 'torch_output_scale'\n"
        "for name, use in zip(('twn', 'log', 'xnor'), uses):\n"
        "    try: getattr(q.get(name), use)()\n"
        "    except Unsupported as error: print(error)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.splitlines() == 3 * ["this needs PyTorch: pip install 'qexpr[train]'"]
