"""The error of a built circuit, derived from its edges by the templates of its construction.

Both ends share this: `construction.certify` writes down what is found here, and the checker
derives it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from qexpr.certificates.alphabets import require_alphabet
from qexpr.certificates.merged import Merged, merge
from qexpr.certificates.plans import read_plan
from qexpr.certificates.templates import template_of
from qexpr.circuits.graph import Circuit
from qexpr.errors import CertificateError

if TYPE_CHECKING:
    from qexpr.core.function import Function

__all__ = ["Case", "Derivation", "derive"]


class Case(NamedTuple):
    """A circuit and a target, as the templates of a construction take them.

    Parameters
    ----------
    plan : what the circuit says of itself, read
    net : the circuit, its copies collapsed
    free : merged sources and targets of the free edges
    f : the target
    norm : f's, to be proven by the caller
    """

    plan: Mapping[str, Any]
    net: Merged
    free: tuple[np.ndarray, np.ndarray]
    f: Function
    norm: Fraction


@dataclass(frozen=True, slots=True)
class Derivation:
    """What the edges and the target prove: sup |f - f~| <= total, the sum of the terms.

    `promised` is the total that the plan's parameters promise for every target of its norm.
    """

    constants: Mapping[str, Fraction]
    terms: Mapping[str, Fraction]
    promised: Fraction

    @property
    def total(self) -> Fraction:
        """The proven error."""
        return sum(self.terms.values(), Fraction(0))


def derive(w: Circuit, f: Any, runs: list[tuple[int, int, int, str]], norm: Fraction) -> Derivation:
    """Prove the error of a circuit for a target of that norm.

    Parameters
    ----------
    runs : (first node, size, copies, role) of every run of units

    Raises
    ------
    CertificateError
        If an edge, the plan or the target does not fit the construction.
    """
    plan = read_plan(w.plan)
    if plan["d"] != w.d or f.d != w.d:
        raise CertificateError(
            f"the plan is for {plan['d']} variables, the circuit has {w.d}, the target {f.d}"
        )
    template = template_of(plan["construction"])
    require_alphabet(w.alphabet, plan["alphabet"], template.digits_of(plan))
    if len(np.unique(w.codes)) < len(w.alphabet) and template.digits_of(plan) is None:
        raise CertificateError("values are listed that no weight has")
    net = merge(w, runs)
    free = net.of_node[w.sources[w.free]], net.of_node[w.targets[w.free]]
    try:
        found: Derivation = template.derive(Case(plan, net, free, f, norm))
    except OverflowError:  # an integer that no array here holds
        raise CertificateError("the circuit's numbers are beyond this checker") from None
    if plan["norm"] < norm:
        raise CertificateError(f"the plan is for the norm {plan['norm']}, proven is {norm}")
    if not found.total <= found.promised == plan["error"] <= plan["eps"]:
        raise CertificateError(
            f"the plan states an error of {float(plan['error']):.6g}, which its parameters "
            f"promise to be {float(found.promised):.6g}"
        )
    return found
