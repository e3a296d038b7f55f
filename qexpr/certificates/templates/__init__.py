"""What circuits are recognised by: the gadgets, written a second time, and the constructions.

A construction's module is named like it and offers

* ``PLAN``: the keys that its plan has beside the common ones, each with its reader
  (`qexpr.certificates.plans`);
* ``digits_of(plan)``: the parameter t of its alphabet, or None where weights are any dyadics;
* ``derive(case) -> Derivation``: constants and terms of the error of a
  `qexpr.certificates.derivation.Case`; it raises CertificateError with the first thing that does
  not fit.

The other modules are the gadgets that they share.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from qexpr.errors import CertificateError, shorten

__all__ = ["CONSTRUCTIONS", "template_of"]

# One line each.
CONSTRUCTIONS: tuple[str, ...] = (
    "bubbles",
    "cones",
    "ding2018",
    "multiresolution",
    "shared_bitplane",
    "sigma_delta",
    "yarotsky2017",
)


def template_of(name: object) -> Any:
    """The module of a construction's templates.

    Raises
    ------
    CertificateError
        If there is none.
    """
    if not isinstance(name, str) or name not in CONSTRUCTIONS:
        raise CertificateError(
            f"templates exist for {', '.join(CONSTRUCTIONS)}; this circuit's plan names "
            f"{shorten(name)}"
        )
    return import_module(f"qexpr.certificates.templates.{name}")
