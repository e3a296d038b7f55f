"""Which method proves what: a construction's own certificate, pieces, or branch and bound."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable
from fractions import Fraction
from importlib import import_module
from typing import TYPE_CHECKING, Any

from qexpr.certificates.document import (
    Certificate,
    Verdict,
    other_units,
    read_target,
    require_subject,
    subject,
)
from qexpr.certificates.enclosure import BUDGET, Enclosure, check_budget, read_gap
from qexpr.circuits.graph import Circuit
from qexpr.core.numbers import read_integer, read_rational
from qexpr.errors import CertificateError, InvalidInput, QexprError, Unsupported, shorten

if TYPE_CHECKING:
    from qexpr.certificates.error_bounds import Proof
    from qexpr.certificates.search import Progress
    from qexpr.targets import Target, Telegraph

__all__ = ["BUDGET", "Enclosure", "certify", "check", "enclose"]

_FLOOR = 2.0**-40  # an error below that needs no closer enclosure
_GENERIC = {
    "branch-and-bound": "qexpr.certificates.branch_and_bound",
    "piecewise": "qexpr.certificates.piecewise",
}
_CONSTRUCTION = "qexpr.certificates.construction"
_CHECKER = "qexpr.certificates.checker"


def enclose(
    w: Any,
    f: Target,
    gap: object = "1e-2",
    *,
    budget: float | None = BUDGET,
    boxes: int | None = None,
    method: str = "auto",
    progress: Progress | None = None,
) -> Enclosure:
    """Enclose sup |f - f~| over the unit cube.

    Parameters
    ----------
    w : Circuit or QuantizedNetwork
    f : Target
    gap : stop when ``upper - lower <= gap * upper``, or upper <= 2^-40
    budget : seconds, None for no end
    boxes : the search ends once so many were looked at; None for no end. Unlike seconds, they
        give the same ends on every run
    method : "auto", "piecewise" (d = 1 without steps) or "branch-and-bound"
    progress : called with both ends and the number of boxes

    Raises
    ------
    InvalidInput
        For a target of another dimension or of other units than the network was built for, a gap
        outside (0, 1), or a budget that is not positive.
    Unsupported
        For networks that have no enclosure (see `program.lower_to_program`).
    """
    _require_target(w, f)
    share = read_gap(gap)
    wanted = (1 - 2.0**-24) / (1 - share)  # the rest is for rounding the ends
    proof = _prove(w, f, lambda best: max(best * wanted, _FLOOR), budget, boxes, method, progress)
    reached = proof.upper - proof.lower <= Fraction(share) * proof.upper
    return Enclosure(
        proof.lower,
        proof.upper,
        proof.point,
        proof.method,
        proof.boxes,
        reached or proof.upper <= Fraction(_FLOOR),
    )


def certify(
    w: Any,
    f: Target,
    eps: object,
    *,
    budget: float | None = BUDGET,
    boxes: int | None = None,
    method: str = "auto",
    progress: Progress | None = None,
) -> Certificate:
    """Decide sup |f - f~| <= eps, with a certificate that `check` derives again.

    A circuit that carries the plan of its construction is first certified by that plan; where
    this proves nothing, and for everything else, the general methods search until the budget ends.
    The verdict is certified (upper <= eps), refuted (lower > eps at the point) or open.
    """
    _require_target(w, f)
    bound = read_rational(eps, "eps")
    if bound <= 0:
        raise InvalidInput(f"eps must be positive, got {shorten(eps)}")
    by_plan = None
    if method == "auto" and isinstance(w, Circuit) and w.plan:
        by_plan = _by_construction(w, f, bound)
        if by_plan is not None and by_plan.verdict != Verdict.OPEN:
            return by_plan
    # ends that are rounded outward must still be at most eps
    limit = math.nextafter(float(bound) * (1 - 2.0**-38), 0.0)
    try:
        proof = _prove(
            w, f, lambda _: limit, budget, boxes, method, progress, stop_above=float(bound)
        )
    except Unsupported:
        if by_plan is None:
            raise
        return by_plan  # too large for the general methods: open, with both ends
    return Certificate(
        proof.method,
        f.to_dict(),
        subject(w),
        bound,
        proof.lower,
        proof.upper,
        proof.point,
        proof.evidence,
    )


def check(certificate: Certificate | dict[str, Any], w: Any) -> Certificate:
    """Derive a certificate's statement again, for this circuit or network.

    Returns the certificate, read; nothing in it is trusted that can be computed again.

    Raises
    ------
    CertificateError
        If it does not establish what it states.
    """
    value = certificate.to_dict() if isinstance(certificate, Certificate) else certificate
    read = Certificate.from_dict(value)
    require_subject(read, w)
    f = read_target(read)
    if other := other_units(w, f):
        raise CertificateError(other)
    if read.method not in _GENERIC:
        if read.method != "construction" or not _exists(_CHECKER):
            raise CertificateError(f"unknown method {shorten(read.method)}")
        import_module(_CHECKER).verify(read, w)
        return read
    if f.d != w.d:
        raise CertificateError(f"the target has {f.d} variables, the network {w.d}")
    try:
        _check_lower(read, w, f)
        import_module(_GENERIC[read.method]).verify(read.evidence, w, f, read.upper)
    except CertificateError:
        raise
    except QexprError as error:  # the method does not apply to this network or target
        raise CertificateError(f"{read.method} proves nothing here: {error}") from None
    return read


def _check_lower(certificate: Certificate, w: Any, f: Target | Telegraph) -> None:
    from qexpr.certificates.error_bounds import error_at

    point = certificate.point
    if point is None or len(point) != w.d or not all(0 <= x <= 1 for x in point):
        raise CertificateError("the point must lie in the unit cube")
    if error_at(w, f, point)[0] < certificate.lower:
        raise CertificateError("the error at the point is not proven to reach the lower end")


def _require_target(w: Any, f: object) -> None:
    from qexpr.core.function import Function

    if not isinstance(f, Function):
        raise InvalidInput(
            f"f must be a target, such as targets.Target('sin(x)'), got {shorten(f)}"
        )
    if other := other_units(w, f):
        raise InvalidInput(other)


def _exists(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _by_construction(w: Circuit, f: Target, eps: Fraction) -> Certificate | None:
    if not _exists(_CONSTRUCTION):
        return None
    try:
        return import_module(_CONSTRUCTION).certify(w, f, eps)
    except (CertificateError, Unsupported):
        return None


def _prove(
    w: Any,
    f: Target,
    enough: Callable[[float], float],
    budget: float | None,
    boxes: int | None,
    method: str,
    progress: Progress | None,
    stop_above: float = math.inf,
) -> Proof:
    from qexpr.certificates.program import lower_to_program

    check_budget(budget)
    if boxes is not None:
        read_integer(boxes, "boxes", 1, 10**12)
    if method not in ("auto", *_GENERIC):
        raise InvalidInput(
            f"method must be one of auto, {', '.join(_GENERIC)}, got {shorten(method)}"
        )
    program = lower_to_program(w)
    if f.d != program.d:
        raise InvalidInput(f"the target has {f.d} variables, the network has {program.d} inputs")
    options: dict[str, Any] = {
        "stop_above": stop_above,
        "budget": budget,
        "boxes": boxes,
        "progress": progress,
    }
    if method == "auto" and program.d == 1 and program.is_piecewise_linear:
        from qexpr.certificates import piecewise

        try:
            return piecewise.enclose(w, f, enough, **options)
        except piecewise.TooManyPieces:
            method = "branch-and-bound"
    name = "branch-and-bound" if method == "auto" else method
    return import_module(_GENERIC[name]).enclose(w, f, enough, **options)
