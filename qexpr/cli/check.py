"""``qexpr check``: derive a certificate again, for the network that it is about."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import click

from qexpr.cli.rescaled import rescaled
from qexpr.errors import CertificateError, InvalidInput

if TYPE_CHECKING:
    from qexpr.certificates import Certificate
    from qexpr.targets import Target, Telegraph

__all__ = ["check_command"]

_DIGITS = 6


@click.command(name="check", short_help="Derive a certificate again, without the builder.")
@click.argument("certificate", metavar="CERT.json")
@click.argument("net", metavar="NET.json")
@click.option("--target", metavar="EXPR", help="Also require the certificate to be about this.")
@click.option("--domain", metavar="A:B,..", help="The box of that target ([0,1] each).")
@click.option("--norm", metavar="M", help="The network is of that target over M (1).")
def check_command(
    certificate: str, net: str, target: str | None, domain: str | None, norm: str | None
) -> int:
    """Check that CERT.json proves what it states about NET.json.

    Everything is derived again from the two files: the circuit's units are recognised from its
    edges, the target's class is proven, and the error's terms are added up. Exit code 0: accepted;
    1: refused, with the reason; 2: bad input.

    \b
    qexpr check cert.json net.json
    """
    from qexpr import certificates
    from qexpr.cli.nets import read_net

    if target is None and (domain is not None or norm is not None):
        raise InvalidInput("--domain and --norm need --target EXPR")
    w = read_net(net)
    try:
        found = certificates.read(certificate)
        if target is not None:
            _require_target(found, rescaled(target, w.d, domain, norm))
        certificates.check(found, w)
    except CertificateError as reason:
        click.echo(f"refused: {reason}")
        return 1
    click.echo(_report(found), nl=False)
    return 0


def _require_target(found: Certificate, wanted: Target | Telegraph) -> None:
    from qexpr.certificates.document import read_target

    stated = read_target(found)
    if stated.to_dict() != wanted.to_dict():
        raise CertificateError(
            f"the certificate is about {_in_units(stated)}, not about {_in_units(wanted)}"
        )


def _in_units(f: Target | Telegraph) -> str:
    return f.text if f.units.trivial else f"{f.text} on {f.units.describe()}"


def _report(found: Certificate) -> str:
    """What is accepted, in the target's units."""
    from qexpr.certificates.document import read_target
    from qexpr.core.decimals import round_decimal, spell

    f = read_target(found)
    in_units = f.units.error_to_user

    def short(value: Fraction, up: bool) -> str:
        return spell(*round_decimal(in_units(value), _DIGITS, up=up)) if value else "0"

    lines = [
        f"accepted: {short(found.lower, False)} <= sup |f - f~| <= {short(found.upper, True)}",
        f"  verdict: {found.verdict} (eps = {in_units(found.eps)}); method: {found.method}",
    ]
    for name, value in dict(found.evidence.get("terms", {})).items():
        lines.append(f"  {name}: {in_units(Fraction(value))}")
    if not f.units.trivial:
        lines.append(f"  in the units of the target, {f.units.describe()}")
    lines.append(f"  {found.subject['kind']} {found.subject['digest'][:16]}, edges and all")
    return "\n".join(lines) + "\n"
