"""``qexpr polish``: improve the discrete weights of a network, and enclose its error anew."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import click

from qexpr.cli.nets import read_net, write_net
from qexpr.cli.output import deliver
from qexpr.cli.rescaled import rescaled
from qexpr.errors import InvalidInput, shorten

__all__ = ["polish_command"]

_FORMATS = ("text", "json")


@click.command(name="polish", short_help="Improve discrete weights by local search.")
@click.argument("net", metavar="NET")
@click.option("--target", metavar="EXPR", help="An expression, or the name of a target.")
@click.option("--train", is_flag=True, help="First train the free weights (circuits only).")
@click.option("--samples", metavar="N", default="2048", help="Points that decide (2048).")
@click.option("--evaluations", metavar="N", default="20000", help="Changes tried (20000).")
@click.option("--gap", metavar="GAP", default="1e-2", help="Relative gap of the ends (1e-2).")
@click.option("--budget", metavar="SECONDS", default="60", help="Time of each enclosure (60).")
@click.option("-o", "--output", metavar="FILE", help="Write the network (.json or .qxr).")
@click.option("--format", "form", metavar="FORMAT", default="text", help="text or json.")
def polish_command(
    net: str,
    target: str | None,
    train: bool,
    samples: str,
    evaluations: str,
    gap: str,
    budget: str,
    output: str | None,
    form: str,
) -> int:
    """Change one discrete weight at a time for as long as that lowers the error.

    NET is a .json, .onnx or .qxr file: a circuit, of which the free edges may change, or a network
    of dense layers. Never worse: the network given is kept unless the proven upper end of the
    other's error is lower. Exit code 0: done, both ends closed to the gap; 1: one is open;
    2: bad input.

    \b
    qexpr polish net.json --target waves -o polished.json
    """
    if form not in _FORMATS:
        raise InvalidInput(f"--format must be text or json, got {shorten(form)}")
    if target is None:
        raise InvalidInput("--target EXPR is needed: what the network is to be near to")
    if output is not None and not output.lower().endswith((".json", ".qxr")):
        raise InvalidInput(f"--output must end in .json or .qxr, got {shorten(output)}")
    from qexpr.certificates.enclosure import read_gap
    from qexpr.cli.progress import bar
    from qexpr.core.numbers import read_integer, read_rational

    seconds = float(read_rational(budget, "budget"))
    if not 0 < seconds < 1e9:
        raise InvalidInput(f"--budget must be a positive number of seconds, got {shorten(budget)}")
    read_gap(gap)
    options: dict[str, Any] = {
        "samples": read_integer(samples, "samples", 2, 10**7),
        "gap": gap,
        "budget": seconds,
    }
    most = read_integer(evaluations, "evaluations", 0, 10**9)
    w = read_net(net)
    from qexpr.quantizers.backend import import_torch

    import_torch()
    from qexpr import training

    f = rescaled(target, w.d, None, None, getattr(w, "box", None))
    found = None
    if train:
        with bar("training") as tell:
            found = training.train_witness(w, f, progress=tell, **options)  # type: ignore[arg-type]
    with bar("polishing") as tell:
        last = training.polish(
            w if found is None else found.net, f, evaluations=most, progress=tell, **options
        )
    before = last.before if found is None else found.before
    report = {
        "net": net,
        "target": f.text,
        "units": None if f.units.trivial else f.units.describe(),
        "before": [str(f.units.error_to_user(end)) for end in (before.lower, before.upper)],
        "after": [str(f.units.error_to_user(end)) for end in (last.after.lower, last.after.upper)],
        "closed": before.closed and last.after.closed,
        "changed": last.changed + (0 if found is None else found.changed),
        "evaluations": last.evaluations,
        "digest": last.net.digest(),
    }
    if output is not None:
        write_net(output, last.net)
        report["file"] = output
    deliver(json.dumps(report, indent=2) + "\n" if form == "json" else _text(report), None)
    return 0 if report["closed"] else 1


def _text(report: dict[str, Any]) -> str:
    from qexpr.core.decimals import round_decimal, spell

    lines = []
    for name in ("before", "after"):
        low, high = map(Fraction, report[name])
        below = spell(*round_decimal(low, 6, up=False)) if low else "0"
        above = spell(*round_decimal(high, 6, up=True)) if high else "0"
        lines.append(f"{name:7} {below} <= sup |f - f~| <= {above}  (proven)")
    if report["units"]:
        lines.append(f"errors are in the units of {report['target']} on {report['units']}")
    lines.append(f"{report['changed']} weights changed, {report['evaluations']} changes tried")
    place = f" ({report['file']})" if "file" in report else ""
    lines.append(f"network {report['digest'][:16]}{place}")
    return "\n".join(lines) + "\n"
