"""Certificates of built circuits: the error of the construction, derived from these very edges.

`derive` is what both ends share: given a circuit and a target it collapses copies, recognises
every unit by a template, and adds up the error's terms. `certify` writes down what it found; the
checker (`qexpr.certificates.checker`) derives it again and compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from qexpr.certificates.alphabets import require_alphabet
from qexpr.certificates.document import Certificate, subject
from qexpr.certificates.error_bounds import error_at, short_below
from qexpr.certificates.merged import merge
from qexpr.certificates.plans import as_text, part_hashes, read_plan, runs_of
from qexpr.circuits.graph import Circuit
from qexpr.errors import CertificateError, InvalidInput, Unsupported

__all__ = ["METHOD", "Derivation", "certify", "derive", "prove_norm"]

METHOD = "construction"
_SAMPLES = 512
_TERMS = 2**24  # edges times points that the search for a bad point may cost


@dataclass(frozen=True, slots=True)
class Derivation:
    """What the edges and the target prove: sup |f - f~| <= total, the sum of the terms."""

    constants: Mapping[str, Fraction]
    terms: Mapping[str, Fraction]

    @property
    def total(self) -> Fraction:
        """The proven error."""
        return sum(self.terms.values(), Fraction(0))


def prove_norm(f: Any, n: int) -> dict[str, Any]:
    """The proof that f lies in F(d, n) as the document carries it: norm, bounds by multi-index.

    Raises
    ------
    InvalidInput
        Naming the multi-index and the box, if f is not in the class.
    """
    found = f.prove_membership(n)
    return {
        "n": n,
        "norm": str(found.norm),
        "bounds": [[list(bound.index), str(bound.upper)] for bound in found.bounds],
    }


def derive(w: Circuit, f: Any, runs: list[tuple[int, int, int, str]], norm: Fraction) -> Derivation:
    """Prove the error of a circuit for a target of that norm.

    Raises
    ------
    CertificateError
        If an edge, the plan or the target does not fit the construction.
    """
    from qexpr.certificates.templates import planes

    plan = read_plan(w.plan)
    name = plan["construction"]
    if plan["d"] != w.d or f.d != w.d:
        raise CertificateError(
            f"the plan is for {plan['d']} variables, the circuit has {w.d}, the target {f.d}"
        )
    net = merge(w, runs)
    template = {"cones": planes, "sigma_delta": planes}.get(name)
    if template is None:
        raise Unsupported(f"{name} has no templates: the general methods enclose its error")
    digits = planes.digits_of(plan)
    require_alphabet(w.alphabet, plan["alphabet"], digits)
    found = Derivation(*planes.derive(plan, net, _free_edges(w, runs), f, norm))
    if found.total > plan["error"]:
        raise CertificateError(
            f"the plan guarantees {float(plan['error']):.6g}, proven is {float(found.total):.6g}"
        )
    return found


def _free_edges(w: Circuit, runs: list[tuple[int, int, int, str]]) -> tuple[np.ndarray, np.ndarray]:
    """The merged (source, target) of every free edge."""
    unit = np.concatenate(
        [np.arange(w.d + 1)]
        + [
            np.repeat(np.arange(size), copies) + first
            for first, size, copies in _merged_runs(w, runs)
        ]
    )
    return unit[w.sources[w.free]], unit[w.targets[w.free]]


def _merged_runs(w: Circuit, runs: list[tuple[int, int, int, str]]) -> list[tuple[int, int, int]]:
    out, unit = [], w.d + 1
    for _, size, copies, _ in runs:
        out.append((unit, size, copies))
        unit += size
    return out


def certify(w: Circuit, f: Any, eps: Fraction) -> Certificate:
    """Certify a circuit by the plan that it carries.

    Raises
    ------
    CertificateError
        If the plan proves nothing for this target.
    Unsupported
        If its construction has no templates.
    """
    if not w.plan:
        raise CertificateError("the circuit carries no plan of a construction")
    plan = read_plan(w.plan)
    try:
        membership = prove_norm(f, plan["n"])
    except InvalidInput as error:
        raise CertificateError(f"the class is not proven: {error}") from None
    runs = runs_of(w)
    found = derive(w, f, [tuple(run) for run in runs], Fraction(membership["norm"]))
    point = worst_point(w, f, plan["N"])
    evidence = {
        "alphabet": [str(value) for value in w.alphabet],
        "constants": as_text(found.constants),
        "free": run_lengths(w.free),
        "hashes": part_hashes(w),
        "membership": membership,
        "plan": dict(w.plan),
        "terms": as_text(found.terms),
        "units": runs,
    }
    lower = min(short_below(error_at(w, f, point)[0]), found.total)
    return Certificate(METHOD, f.to_dict(), subject(w), eps, lower, found.total, point, evidence)


def run_lengths(indices: np.ndarray) -> list[int]:
    """Ascending indices as [start, count, start, count, ..]."""
    if not len(indices):
        return []
    breaks = np.flatnonzero(np.diff(indices) != 1) + 1
    starts = np.concatenate([[0], breaks])
    lengths = np.diff(np.concatenate([starts, [len(indices)]]))
    return np.stack([indices[starts], lengths], axis=1).ravel().tolist()


def worst_point(w: Circuit, f: Any, N: int) -> tuple[Fraction, ...]:
    """A rational point at which the error is large, searched in floats: nodes and between."""
    rng = np.random.default_rng(0)
    size = max(16, min(_SAMPLES, _TERMS // w.weights))
    near, off = rng.integers(0, N + 1, (size, w.d)), rng.integers(0, 9, (size, w.d))
    tried = np.clip(near * 8 + off * (np.arange(size) % 2)[:, None], 0, 8 * N)
    best = int(np.argmax(np.abs(w(tried / (8 * N)) - np.asarray(f(tried / (8 * N))))))
    return tuple(Fraction(int(k), 8 * N) for k in tried[best])
