"""``qexpr check``: derive a certificate again, for the network that it is about."""

from __future__ import annotations

import click

from qexpr.errors import CertificateError

__all__ = ["check_command"]

_DIGITS = 6


@click.command(name="check", short_help="Derive a certificate again, without the builder.")
@click.argument("certificate", metavar="CERT.json")
@click.argument("net", metavar="NET.json")
@click.option("--target", metavar="EXPR", help="Also require the certificate to be about this.")
def check_command(certificate: str, net: str, target: str | None) -> int:
    """Check that CERT.json proves what it states about NET.json.

    Everything is derived again from the two files: the circuit's units are recognised from its
    edges, the target's class is proven, and the error's terms are added up. Exit code 0: accepted;
    1: refused, with the reason; 2: bad input.

    \b
    qexpr check cert.json net.json
    """
    from qexpr import certificates
    from qexpr.cli.nets import read_net

    w = read_net(net)
    try:
        found = certificates.read(certificate)
        if target is not None:
            _require_target(found, target, w.d)
        certificates.check(found, w)
    except CertificateError as reason:
        click.echo(f"refused: {reason}")
        return 1
    click.echo(_report(found), nl=False)
    return 0


def _require_target(found: object, text: str, d: int) -> None:
    from qexpr.certificates.document import read_target
    from qexpr.targets import find

    stated, wanted = read_target(found), find(text, d)  # type: ignore[arg-type]
    if stated.to_dict() != wanted.to_dict():
        raise CertificateError(f"the certificate is about {stated.text}, not about {wanted.text}")


def _report(found: object) -> str:
    from qexpr.certificates.document import Certificate
    from qexpr.core.decimals import round_decimal, spell

    assert isinstance(found, Certificate)

    def short(value: object, up: bool) -> str:
        return spell(*round_decimal(value, _DIGITS, up=up)) if value else "0"  # type: ignore

    lines = [
        f"accepted: {short(found.lower, False)} <= sup |f - f~| <= {short(found.upper, True)}",
        f"  verdict: {found.verdict} (eps = {found.eps}); method: {found.method}",
    ]
    for name, value in dict(found.evidence.get("terms", {})).items():
        lines.append(f"  {name}: {value}")
    lines.append(f"  {found.subject['kind']} {found.subject['digest'][:16]}, edges and all")
    return "\n".join(lines) + "\n"
