"""``python -m qexpr.cli``: the same as ``qexpr``."""

from qexpr.cli.main import main

main()
