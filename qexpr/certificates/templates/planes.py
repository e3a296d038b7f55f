"""Cones and sigma-delta: the output is piecewise linear on a mesh; its node values, and its code.

For W^(n,inf) functions with norm M the interpolant on the Kuhn mesh of step h is within
M kappa h^n, kappa = d/2 (n = 1) or d^2/8 (n = 2); what the network adds is its error at the nodes.
For d = n = 1 nothing is added if every slope of the network is at least M: the difference is then
monotone on each cell. (Theory, sections 5 and 5.2 of this project.)
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from qexpr.certificates.alphabets import digit_bits_of
from qexpr.certificates.derivation import Case, Derivation
from qexpr.certificates.merged import Merged, dyadic
from qexpr.certificates.templates.lattice import Lattice, NodeValues
from qexpr.certificates.templates.rules import ABOVE, AFFINE, BELOW, Rules, require_mesh
from qexpr.errors import CertificateError

if TYPE_CHECKING:
    from qexpr.core.function import Function

__all__ = ["SLACK", "Walk", "error_terms", "require_code", "require_free", "walk"]

SLACK = Fraction(1, 2**20)  # a coded value is within (1 + SLACK) steps of f
_FEW = 4  # accumulators of a run: more units would follow a rule


class Walk:
    """The circuit unit by unit: every form, the mesh, and the output's node values."""

    def __init__(self, net: Merged, N: int) -> None:
        require_mesh(net, N)
        self.net = net
        self.rules = Rules(net)
        self.lattice = Lattice(self.rules, N)
        *hidden, last = net.runs
        for run in hidden:
            if run.role == "plane" or not self.rules.recognise(run):
                if run.size > _FEW:
                    raise CertificateError(
                        f"the units from node {run.node} on follow no template of role {run.role}"
                    )
                self.lattice.accumulate(run)
        self.lattice.accumulate(last, linear=True)
        self.output: NodeValues = self.lattice.known[last.first]


def walk(net: Merged, plan: Mapping[str, Any]) -> Walk:
    """The walk through a circuit with the mesh of its plan."""
    return Walk(net, plan["N"])


def _node_errors(output: NodeValues, f: Function, N: int, bits: int) -> Fraction:
    """An upper bound of |f - f~| over the nodes."""
    d = output.numbers.ndim
    nodes = np.indices((N + 1,) * d).reshape(d, -1).T
    lower, upper = f.enclose((0,) * d, nodes, N, bits)
    # everything over N * 2^e * 2^(bits + 2)
    e = max(output.exponent, 0)
    value = output.numbers.ravel().astype(object) * 2 ** (bits + 2 + e - output.exponent)
    scale = N * 2**e
    most = (np.asarray(upper, object) * scale - value).max()
    least = (value - np.asarray(lower, object) * scale).max()
    return Fraction(int(max(most, least, 0)), scale * 2 ** (bits + 2))


def error_terms(
    construction: str, plan: Mapping[str, Any], seen: Walk, f: Function, norm: Fraction
) -> tuple[dict[str, Fraction], dict[str, Fraction]]:
    """The constants, and the terms whose sum bounds sup |f - f~|.

    Raises
    ------
    CertificateError
        If the network's node values are not within the coding's error of f.
    """
    d, n, N = plan["d"], plan["n"], plan["N"]
    step = plan["h"] if construction == "sigma_delta" else plan["q"]
    coding = (1 + SLACK) * step
    _require_steps(seen.output, N, step)
    found = _node_errors(seen.output, f, N, _bits(step))
    if found > coding:
        raise CertificateError(
            f"at a node the network is {float(found):.6g} away from f, more than the coding's "
            f"error {float(coding):.6g}"
        )
    if construction == "sigma_delta":
        if set(np.abs(np.diff(_in_steps(seen.output, N, step))).tolist()) != {1}:
            raise CertificateError("the network does not rise or fall by one step on every cell")
        if N * step < max(norm, plan["norm"]):
            raise CertificateError("the network's slopes are smaller than f's may be")
        return {}, {"coding": coding}
    kappa = Fraction(d, 2) if n == 1 else Fraction(d * d, 8)
    return {"kappa": kappa}, {"interpolation": norm * kappa / N**n, "coding": coding}


def _bits(step: Fraction) -> int:
    return step.denominator.bit_length() + 40


def _in_steps(output: NodeValues, N: int, step: Fraction) -> np.ndarray:
    """The node values over the step, which have to be integers."""
    unit = step * N * Fraction(2) ** output.exponent
    scaled = output.numbers.astype(object) * unit.denominator
    if (scaled % unit.numerator).any():
        raise CertificateError("the network's node values are no multiples of the plan's step")
    return scaled // unit.numerator


def _require_steps(output: NodeValues, N: int, step: Fraction) -> None:
    """Node values are multiples of the step, the first an odd one: no coarser step will do."""
    first = (0,) * (output.numbers.ndim - 1) + (N if output.numbers.ndim == 2 else 0,)
    if not int(_in_steps(output, N, step)[first]) % 2:
        raise CertificateError("the plan's step is not the one of the code")


# The code ---------------------------------------------------------------------------------------


def require_code(
    construction: str, plan: Mapping[str, Any], seen: Walk, free: np.ndarray, planes: np.ndarray
) -> None:
    """Every coefficient has the digits that the plan states, at the scale that it states.

    Parameters
    ----------
    free : sources (merged units) of the free edges
    planes : units of the planes, in order
    """
    names = _names(construction, seen, free)
    if construction == "sigma_delta":
        expected = {"start": plan["P"], "inner": plan["N"]}
        number = 1
    else:
        d, N = plan["d"], plan["N"]
        digits = {**plan["long"], "inner": plan["p"]}
        counts = _counts(d, N)
        if set(digits) != set(counts):
            raise CertificateError(f"the plan's long digits must be those of {sorted(counts)}")
        expected = {name: digits[name] * count for name, count in counts.items()}
        number = (plan["T"] + (1 if d > 2 else 2)) * (1 if plan["graph"] == "fixed" else 2)
    found = {name: int((names == name).sum()) for name in (*expected, "")}
    if found.pop("") or found != expected:
        wrong = next((k for k in expected if found[k] != expected[k]), "inner")
        raise CertificateError(
            f"coefficients of kind {wrong} have {found[wrong]} digits in all, the plan states "
            f"{expected[wrong]}"
        )
    if len(planes) != number:
        raise CertificateError(f"there are {len(planes)} planes, the plan states {number}")
    # L of the innermost coefficients' functions: N u^(E+2), of a kink N u^(E+1)
    inner = free[names == "inner"]
    level = 1 if plan["d"] == 1 and construction == "cones" else 0
    place = plan["b"] * (plan["E"] + 2 - level)
    size = np.abs(seen.rules.rows[inner, 0, :-1]).max(axis=1)
    pairs = np.unique(np.stack([size, seen.rules.exponent[inner]]), axis=1).T.tolist()
    if any(dyadic(a, e) * 2**place != plan["N"] for a, e in pairs):
        raise CertificateError("the functions of the basis are not at the scale of the plan")


def _counts(d: int, N: int) -> dict[str, int]:
    """How many coefficients of each kind there are."""
    if d == 1:
        return {"start": 1, "slope": 1, "inner": N - 1}
    if d == 2:
        single = dict.fromkeys(("start", "slope", "kink", "corner"), 1)
        return {**single, "axis": 2 * N - 2, "edge": 2 * N - 2, "inner": (N - 1) ** 2}
    return {"face": (N + 1) ** d - (N - 1) ** d, "inner": (N - 1) ** d}


def _names(construction: str, seen: Walk, source: np.ndarray) -> np.ndarray:
    """The kind of coefficient that a free edge's source belongs to, by its function."""
    rules, d = seen.rules, seen.net.d
    kind, rows = rules.kind[source], rules.rows[source]
    names = np.full(len(source), "", "U8")
    constant = (rows[:, 0, :-1] == 0).all(axis=1)
    names[(kind == AFFINE) & constant] = "start"
    if construction == "sigma_delta":
        names[(kind == BELOW) | (kind == ABOVE)] = "inner"  # the last ramp is a kink
        return names
    names[(kind == AFFINE) & ~constant] = "slope"
    if d == 1:
        names[kind == ABOVE] = "inner"
        return names
    if d == 2:
        names[kind == ABOVE] = np.where(rows[kind == ABOVE, 0, -1] == 0, "kink", "axis")
    cones = kind == BELOW
    offsets = rows[cones][:, :d, -1]
    # constants are -L a_k / N with apexes a_k >= 1 inside, a_k <= 0 on the boundary
    zero = (offsets >= 0).sum(axis=1)
    if d == 2:
        names[cones] = np.select([zero == 0, zero == 1], ["inner", "edge"], "corner")
    else:
        names[cones] = np.where(zero == 0, "inner", "face")
    return names


def digits_of(plan: Mapping[str, Any]) -> int:
    """The parameter t that the alphabet of a circuit of this plan was made with."""
    return 1


def derive(case: Case) -> Derivation:
    """Constants and error terms of the circuit, from its edges."""
    plan, net, free, f, norm = case
    name = plan["construction"]
    _require_class(plan)
    seen = walk(net, plan)
    require_free(net, *free)
    roles = [(run, unit) for run in net.runs for unit in range(run.first, run.first + run.size)]
    units = np.array([unit for run, unit in roles if run.role == "plane"], np.int64)
    require_code(name, plan, seen, free[0], units)
    constants, terms = error_terms(name, plan, seen, f, norm)
    promised = terms["coding"]
    if name == "cones":
        promised += max(plan["norm"], Fraction(1)) * constants["kappa"] / plan["N"] ** plan["n"]
    return Derivation(constants, terms, promised)


def _require_class(plan: Mapping[str, Any]) -> None:
    d, n = plan["d"], plan["n"]
    if plan["construction"] == "sigma_delta" and (d, n) != (1, 1):
        raise CertificateError("sigma-delta tracking proves nothing but for d = 1 and n = 1")
    if n > 2:
        raise CertificateError("cones prove nothing for n > 2")
    if plan["b"] != digit_bits_of(plan["alphabet"]):
        raise CertificateError("the plan's digits have not the bits of its alphabet")


def require_free(net: Merged, source: np.ndarray, target: np.ndarray) -> None:
    """Free are the edges into planes, but for those from planes and from the bias."""
    role = np.zeros(net.units, np.int8)
    for run in net.runs:
        role[run.first : run.first + run.size] = {"plane": 1, "bias": 2}.get(run.role, 0)
    into = np.repeat(np.arange(net.units), np.diff(net.starts))
    coded = (role[into] == 1) & (role[net.sources] == 0)
    expected = net.sources[coded] * net.units + into[coded]
    if not np.array_equal(np.unique(source * net.units + target), np.unique(expected)):
        raise CertificateError("the free edges are not those that carry the code into the planes")
