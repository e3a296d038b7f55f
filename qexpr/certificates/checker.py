"""Re-deriving a construction's certificate, from the document and the network alone.

Nothing of a construction or a builder is imported here; what units compute is recognised from
edges (`templates`), and every number of the document that can be computed is computed again.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from qexpr.certificates.construction import prove_norm, run_lengths
from qexpr.certificates.derivation import derive
from qexpr.certificates.document import Certificate, read_number, read_target
from qexpr.certificates.error_bounds import error_at
from qexpr.certificates.plans import as_text, part_hashes, runs_of
from qexpr.circuits.graph import Circuit
from qexpr.core.canonical import canonical_json
from qexpr.errors import CertificateError, QexprError, shorten

__all__ = ["verify"]

_KEYS = ("alphabet", "constants", "free", "hashes", "membership", "plan", "terms", "units")


def verify(certificate: Certificate, w: Any) -> None:
    """Derive a construction's certificate again; its subject is already known to be `w`.

    Raises
    ------
    CertificateError
        Naming the first thing that does not hold.
    """
    evidence = certificate.evidence
    if set(evidence) != set(_KEYS):
        wrong = sorted(set(evidence) ^ set(_KEYS))[0]
        raise CertificateError(f"the evidence lacks, or must not have, {shorten(wrong)}")
    if not isinstance(w, Circuit):
        raise CertificateError("the certificate of a construction is about a circuit")
    _require_equal(evidence["hashes"], part_hashes(w), "hashes")
    _require_equal(evidence["plan"], dict(w.plan), "plan")
    _require_equal(evidence["alphabet"], [str(value) for value in w.alphabet], "alphabet")
    _require_equal(evidence["free"], run_lengths(w.free), "free set")
    _require_equal(evidence["units"], runs_of(w), "units")
    f = read_target(certificate)
    try:
        norm, bounds = _norm(evidence["membership"], w)
        found = derive(w, f, [tuple(run) for run in runs_of(w)], norm)
        _require_equal(evidence["constants"], as_text(found.constants), "constants")
        _require_equal(evidence["terms"], as_text(found.terms), "terms")
        if certificate.upper != found.total:
            raise CertificateError(
                f"the upper end must be the sum of the terms, {found.total}, "
                f"got {shorten(certificate.upper)}"
            )
        _require_class(f, w, bounds)
        _check_lower(certificate, w, f)
    except CertificateError:
        raise
    except QexprError as error:
        raise CertificateError(str(error)) from None


def _require_equal(stated: Any, actual: Any, name: str) -> None:
    """Equal as JSON: 1 is not true, and not 1.0."""
    if canonical_json(stated) != canonical_json(actual):
        raise CertificateError(f"the {name} of the document are not what the circuit gives")


def _norm(stated: Any, w: Circuit) -> tuple[Fraction, list[tuple[Any, Fraction]]]:
    """The stated norm, and the bounds of derivatives that it is the largest of."""
    if not isinstance(stated, Mapping) or set(stated) != {"n", "norm", "bounds"}:
        raise CertificateError("membership must be an object of n, norm and bounds")
    n = w.plan.get("n")
    if type(n) is not int or type(stated["n"]) is not int or stated["n"] != n:
        raise CertificateError(f"membership must be for the plan's n, {shorten(n)}")
    if not isinstance(stated["bounds"], list) or not stated["bounds"]:
        raise CertificateError("membership must bound every derivative once")
    bounds = []
    for bound in stated["bounds"]:
        if not isinstance(bound, list) or len(bound) != 2:
            raise CertificateError("a bound of membership is [multi-index, upper]")
        bounds.append((bound[0], read_number(bound[1], "a bound of membership")))
    norm = read_number(stated["norm"], "norm")
    if norm != max(upper for _, upper in bounds):
        raise CertificateError("the norm must be the largest of the bounds")
    return norm, bounds


def _require_class(f: Any, w: Circuit, bounds: list[tuple[Any, Fraction]]) -> None:
    """Every derivative up to the plan's n is proven anew to be within its stated bound."""
    proven = prove_norm(f, w.plan["n"])["bounds"]
    if len(bounds) != len(proven):
        raise CertificateError("membership must bound every derivative once")
    for (stated, upper), (index, least) in zip(bounds, proven, strict=True):
        _require_equal(stated, index, "multi-indices of membership")
        if upper < Fraction(least):
            raise CertificateError(f"the bound of D^{index} f is not proven: it may be {least}")


def _check_lower(certificate: Certificate, w: Circuit, f: Any) -> None:
    point = certificate.point
    if point is None or len(point) != w.d or not all(0 <= x <= 1 for x in point):
        raise CertificateError("the point must lie in the unit cube")
    if error_at(w, f, point)[0] < certificate.lower:
        raise CertificateError("the error at the point is not proven to reach the lower end")
