"""Certificates of built circuits: the error of the construction, derived from these very edges.

`certify` writes down what `derivation.derive` finds; the checker derives it again and compares.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from qexpr.certificates.derivation import derive
from qexpr.certificates.document import Certificate, subject
from qexpr.certificates.error_bounds import error_at, short_below
from qexpr.certificates.plans import as_text, part_hashes, read_plan, runs_of
from qexpr.circuits.graph import Circuit
from qexpr.errors import CertificateError, InvalidInput

__all__ = ["METHOD", "certify", "prove_norm", "run_lengths"]

METHOD = "construction"
_SAMPLES = 512
_TERMS = 2**24  # edges times points that the search for a bad point may cost


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


def certify(w: Circuit, f: Any, eps: Fraction) -> Certificate:
    """Certify a circuit by the plan that it carries.

    Raises
    ------
    CertificateError
        If the plan proves nothing for this target, or its construction has no templates.
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
