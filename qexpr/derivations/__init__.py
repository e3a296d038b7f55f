"""Derivations: why a quantizer or a gadget is the best one, as steps that are checked by running.

>>> from qexpr import derivations
>>> derivations.get("twn").digits("threshold_over_sigma")
['0.612003180962481']
"""

from qexpr.derivations.derivation import Constant, Derivation, Step, Verdict
from qexpr.derivations.registry import get, names

__all__ = ["Constant", "Derivation", "Step", "Verdict", "get", "names"]
