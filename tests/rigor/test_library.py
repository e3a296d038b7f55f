"""The slim import of python-flint: the same types, whoever comes first."""

import subprocess
import sys

import pytest

SAME = """
assert flint.arb is library.arb and flint.fmpq is library.fmpq
assert flint.fmpz is library.fmpz and flint.ctx is library.ctx
flint.ctx.prec = 200
from qexpr.rigor.balls import working_bits
assert working_bits() == 200
assert (flint.arb(2).sqrt() * library.arb(2).sqrt()).overlaps(library.arb(2))
assert flint.arb_mat([[library.arb(1)]]).det() == 1
"""
ORDERS = {
    "ours first": "from qexpr.rigor import library\nimport flint\n",
    "theirs first": "import flint\nfrom qexpr.rigor import library\n",
}


def _run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("order", ORDERS)
def test_types_are_the_same_in_either_order(order):
    _run(ORDERS[order] + SAME)


def test_the_package_is_not_left_half_loaded():
    _run(
        "import sys\nfrom qexpr.rigor import library\n"
        "assert 'flint' not in sys.modules\n"
        "assert 'flint.types.fq_default' not in sys.modules\n"
        "import flint\nassert flint.fq_default_ctx and flint.__version__\n"
    )


def test_another_layout_falls_back_to_the_whole_package():
    _run(
        "import importlib, sys\n"
        "real = importlib.import_module\n"
        "def refuse(name, *rest):\n"
        "    if name == 'flint.types.arb':\n"
        "        raise ImportError(name)\n"
        "    return real(name, *rest)\n"
        "importlib.import_module = refuse\n"
        "from qexpr.rigor import library\n"
        "import flint\nassert flint.arb is library.arb\n"
        "assert 'flint.types.fq_default' in sys.modules\n"
    )
