"""The certificate as a document: one envelope around every method's evidence.

A certificate states lower <= sup |f - f~| <= upper over the unit cube, for the target and the
network that it names, and carries what its method needs to derive that again. Its JSON form is
canonical, names its version, and ends in the SHA-256 of everything else in it. (docs: the
certificate's format.)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qexpr.circuits.graph import Circuit
from qexpr.core.atomic import write_bytes
from qexpr.core.canonical import canonical_json, sha256
from qexpr.core.numbers import read_rational
from qexpr.errors import CertificateError, InvalidInput, shorten

if TYPE_CHECKING:
    from qexpr.targets import Target, Telegraph

__all__ = [
    "KIND",
    "VERSION",
    "Certificate",
    "Verdict",
    "other_units",
    "read",
    "read_number",
    "read_target",
    "require_subject",
    "subject",
    "verdict_of",
    "write",
]

KIND = "certificate"
VERSION = 1
_KEYS = (
    "kind",
    "version",
    "method",
    "target",
    "subject",
    "eps",
    "verdict",
    "lower",
    "upper",
    "point",
    "evidence",
    "digest",
)


class Verdict(StrEnum):
    """Certified: upper <= eps. Refuted: lower > eps, at a point. Open: neither is proven."""

    CERTIFIED = "certified"
    REFUTED = "refuted"
    OPEN = "open"


def verdict_of(lower: Fraction, upper: Fraction, eps: Fraction) -> Verdict:
    """What two proven ends say about eps."""
    if upper <= eps:
        return Verdict.CERTIFIED
    return Verdict.REFUTED if lower > eps else Verdict.OPEN


def subject(w: Any) -> dict[str, str]:
    """What a certificate is about: the kind and the digest of a circuit or a network."""
    kind = "circuit" if isinstance(w, Circuit) else "network"
    return {"kind": kind, "digest": w.digest()}


@dataclass(frozen=True)
class Certificate:
    """A proof that lower <= sup |f - f~| <= upper, as data.

    Parameters
    ----------
    method : which checker derives it again, e.g. "branch-and-bound", "piecewise", "construction"
    target : the JSON form of f
    subject : kind and digest of the circuit or network
    eps : the accuracy asked for
    lower, upper : proven ends of the supremum; lower is 0 where nothing better is claimed
    point : where |f - f~| >= lower, or None
    evidence : the method's own part, JSON values only
    """

    method: str
    target: Mapping[str, Any]
    subject: Mapping[str, str]
    eps: Fraction
    lower: Fraction
    upper: Fraction
    point: tuple[Fraction, ...] | None
    evidence: Mapping[str, Any] = field(repr=False)

    @property
    def verdict(self) -> Verdict:
        """certified, refuted or open."""
        return verdict_of(self.lower, self.upper, self.eps)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, with its own digest."""
        value = {
            "kind": KIND,
            "version": VERSION,
            "method": self.method,
            "target": dict(self.target),
            "subject": dict(self.subject),
            "eps": str(self.eps),
            "verdict": str(self.verdict),
            "lower": str(self.lower),
            "upper": str(self.upper),
            "point": None if self.point is None else [str(x) for x in self.point],
            "evidence": dict(self.evidence),
        }
        return {**value, "digest": sha256(value)}

    @staticmethod
    def from_dict(value: Any) -> Certificate:
        """Read the JSON form; what it says of itself has to hold.

        Raises
        ------
        CertificateError
            If keys are missing or unknown, the digest is not that of the rest, or the verdict is
            not what the ends say.
        """
        if not isinstance(value, dict) or value.get("kind") != KIND:
            raise CertificateError('a certificate must be a JSON object with "kind": "certificate"')
        if value.get("version") != VERSION or type(value.get("version")) is not int:
            raise CertificateError(
                f"certificate version must be {VERSION}, got {shorten(value.get('version'))}"
            )
        if set(value) != set(_KEYS):
            wrong = sorted(set(value) ^ set(_KEYS))[0]
            raise CertificateError(f"the certificate lacks, or must not have, {shorten(wrong)}")
        rest = {key: item for key, item in value.items() if key != "digest"}
        try:
            digest = sha256(rest)
        except (TypeError, ValueError):
            raise CertificateError("the certificate holds values that are not JSON") from None
        if value["digest"] != digest:
            raise CertificateError("the certificate's digest is not that of its contents")
        for key in ("target", "subject", "evidence"):
            if not isinstance(value[key], dict):
                raise CertificateError(f"{key} must be an object, got {shorten(value[key])}")
        if not isinstance(value["method"], str):
            raise CertificateError(f"method must be text, got {shorten(value['method'])}")
        point = value["point"]
        if point is not None and not isinstance(point, list):
            raise CertificateError(f"point must be a list or null, got {shorten(point)}")
        certificate = Certificate(
            value["method"],
            value["target"],
            value["subject"],
            read_number(value["eps"], "eps"),
            read_number(value["lower"], "lower"),
            read_number(value["upper"], "upper"),
            None if point is None else tuple(read_number(x, "point") for x in point),
            value["evidence"],
        )
        if not 0 <= certificate.lower <= certificate.upper or certificate.eps <= 0:
            raise CertificateError("it must hold that 0 <= lower <= upper, and eps > 0")
        if value["verdict"] != certificate.verdict:
            raise CertificateError(
                f"the verdict must be {certificate.verdict}, which is what the ends say; "
                f"got {shorten(value['verdict'])}"
            )
        return certificate


def read_number(value: Any, name: str) -> Fraction:
    """A rational out of its canonical text; CertificateError for every other spelling."""
    try:
        number = read_rational(value, name) if isinstance(value, str) else None
    except InvalidInput as error:
        raise CertificateError(str(error)) from None
    if number is None or str(number) != value:
        raise CertificateError(f'{name} must be text "p/q" in lowest terms, got {shorten(value)}')
    return number


def require_subject(certificate: Certificate, w: Any) -> None:
    """Raise CertificateError unless the certificate is about this circuit or network."""
    actual = subject(w)
    if dict(certificate.subject) != actual:
        raise CertificateError(
            f"the certificate is about the {shorten(certificate.subject.get('kind'))} with digest "
            f"{shorten(certificate.subject.get('digest'), 20)}, this {actual['kind']} has "
            f"{actual['digest'][:12]}..."
        )


def read_target(certificate: Certificate) -> Target | Telegraph:
    """Build the target again.

    Raises
    ------
    CertificateError
        If what the certificate names is not the canonical form of a target.
    """
    from qexpr import targets

    try:
        f = targets.read(certificate.target)
        same = canonical_json(f.to_dict()) == canonical_json(dict(certificate.target))
    except InvalidInput as error:
        raise CertificateError(f"the target is refused: {error}") from None
    except (TypeError, ValueError, KeyError, AttributeError):
        raise CertificateError(f"the target is malformed: {shorten(certificate.target)}") from None
    if not same:
        raise CertificateError("the target is not written in its canonical form")
    return f


def other_units(w: Any, f: Any) -> str:
    """What is wrong where a network was built for another domain or norm than the target's."""
    built, units = getattr(w, "box", None), getattr(f, "units", None)
    if built is None or units is None or built == units or f.d != w.d:
        return ""
    return (
        f"the network was built for {built.describe()}, and the target is meant on "
        f"{units.describe()}"
    )


def write(path: str | Path, certificate: Certificate) -> None:
    """Write canonical JSON; the file appears whole or not at all."""
    write_bytes(path, canonical_json(certificate.to_dict()) + b"\n")


def read(path: str | Path) -> Certificate:
    """Read a certificate's file; raises CertificateError or InvalidInput."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"cannot read {shorten(path)}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{shorten(path)} is not JSON") from None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidInput(f"{shorten(path)} is not JSON") from None
    return Certificate.from_dict(value)
