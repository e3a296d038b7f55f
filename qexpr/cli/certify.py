"""``qexpr certify``: enclose sup |f - f~| of any circuit or network, and decide on an accuracy."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click

from qexpr.cli.nets import read_net
from qexpr.cli.output import deliver
from qexpr.cli.progress import search_line
from qexpr.cli.rescaled import rescaled
from qexpr.errors import InvalidInput, shorten

if TYPE_CHECKING:
    from qexpr.certificates import Certificate, Enclosure
    from qexpr.core.units import Units
    from qexpr.targets import Target, Telegraph

__all__ = ["certify_command"]

_DIGITS = 6
_FORMATS = ("text", "json")


@click.command(name="certify", short_help="Enclose the error of any network; prove it.")
@click.argument("net", metavar="NET")
@click.option("--target", metavar="EXPR", help="An expression, or the name of a target.")
@click.option("--domain", metavar="A:B,..", help="The box of the target (the network's, or [0,1]).")
@click.option("--norm", metavar="M", help="The network is of the target over M (1).")
@click.option("--eps", metavar="EPS", help="Decide sup |f - f~| <= EPS, and prove it.")
@click.option("--gap", metavar="GAP", default="1e-2", help="Relative gap of the ends (1e-2).")
@click.option("--budget", metavar="SECONDS", default="60", help="Time to search (60).")
@click.option("--method", metavar="NAME", default="auto", help="piecewise or branch-and-bound.")
@click.option("--range", "with_range", is_flag=True, help="Also enclose the network's values.")
@click.option("--lipschitz", is_flag=True, help="Also enclose its Lipschitz constant.")
@click.option("--certificate", metavar="FILE", help="Write the proof (with --eps).")
@click.option("--format", "form", metavar="FORMAT", default="text", help="text or json.")
@click.option("--output", metavar="FILE", help="Write the report to a file.")
def certify_command(
    net: str,
    target: str | None,
    domain: str | None,
    norm: str | None,
    eps: str | None,
    gap: str,
    budget: str,
    method: str,
    with_range: bool,
    lipschitz: bool,
    certificate: str | None,
    form: str,
    output: str | None,
) -> int:
    """Enclose sup |f - f~| over the unit cube, for a circuit or a quantized network.

    NET is a .json (circuit or network), an .onnx or a .qxr file. Exit code 0: certified, or the
    gap was reached; 1: refuted, or open when the budget ended; 2: bad input.

    \b
    qexpr certify net.json --target "sin(3*x)*cos(2*y)/27"
    qexpr certify net.onnx --target waves --eps 1e-2 --certificate proof.json
    """
    if form not in _FORMATS:
        raise InvalidInput(f"--format must be text or json, got {shorten(form)}")
    if target is None and not (with_range or lipschitz):
        raise InvalidInput("--target EXPR is needed (or --range, or --lipschitz)")
    if target is None and (eps is not None or certificate is not None):
        raise InvalidInput("--eps and --certificate need --target EXPR")
    if target is None and (domain is not None or norm is not None):
        raise InvalidInput("--domain and --norm need --target EXPR")
    if certificate is not None and eps is None:
        raise InvalidInput("--certificate needs --eps EPS: a certificate decides on an accuracy")
    seconds = _seconds(budget)
    w = read_net(net)
    box: Units | None = getattr(w, "box", None)
    report: dict[str, Any] = {"net": net, "digest": w.digest()}
    code = 0
    if target is not None:
        f = rescaled(target, w.d, domain, norm, box)
        code = _error(report, w, f, eps, gap, seconds, method, certificate)
    if w.d == 1:
        report |= _pieces(w)
    if with_range:
        from qexpr.certificates import output_range

        least, greatest = output_range(w, gap=gap, budget=seconds)
        report |= {"least": _ends(least, box), "greatest": _ends(greatest, box)}
    if lipschitz:
        from qexpr.certificates import lipschitz as enclose_lipschitz

        report["lipschitz"] = _slope(enclose_lipschitz(w, gap=gap, budget=seconds), box)
    deliver(_json(report) if form == "json" else _text(report), output)
    return code


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e9:
        raise InvalidInput(f"--budget must be a positive number of seconds, got {shorten(text)}")
    return seconds


def _error(
    report: dict[str, Any],
    w: Any,
    f: Target | Telegraph,
    eps: str | None,
    gap: str,
    seconds: float,
    method: str,
    path: str | None,
) -> int:
    from qexpr import certificates
    from qexpr.core.numbers import read_rational

    options: dict[str, Any] = {"budget": seconds, "method": method}
    found: Certificate | Enclosure
    if eps is None:
        with search_line() as tell:
            found = certificates.enclose(w, f, gap, progress=tell, **options)
        closed = found.closed
        verdict = "enclosed" if closed else "open"
    else:
        bound = f.units.error_to_unit(read_rational(eps, "eps"))
        with search_line() as tell:
            found = certificates.certify(w, f, bound, progress=tell, **options)
        verdict = str(found.verdict)
        closed = verdict == "certified"
        report["eps"] = str(f.units.error_to_user(found.eps))
        if path is not None:
            certificates.write(path, found)
            report["certificate"] = path
    point = None if found.point is None else [str(x) for x in f.units.to_user(found.point)]
    report |= {
        "target": f.text,
        "units": None if f.units.trivial else f.units.describe(),
        "verdict": verdict,
        "method": found.method,
        "lower": str(f.units.error_to_user(found.lower)),
        "upper": str(f.units.error_to_user(found.upper)),
        "point": point,
    }
    return 0 if closed else 1


def _pieces(w: Any) -> dict[str, Any]:
    """The exact number of pieces, beside what the widths allow at most (Serra et al. 2018)."""
    from qexpr.certificates.breakpoints import TooManyPieces, pieces
    from qexpr.errors import Unsupported

    try:
        found: dict[str, Any] = {"pieces": pieces(w).count}
    except (TooManyPieces, Unsupported):
        return {}
    widths = _hidden_widths(w)
    if widths:
        from qexpr.bounds.calculators.regions import montufar_lower, serra_upper

        found["pieces_most"] = serra_upper(1, widths)
        if min(widths) >= 1:
            found["pieces_montufar"] = montufar_lower(1, widths)
    return found


def _hidden_widths(w: Any) -> list[int]:
    from qexpr.networks import Dense, QuantizedNetwork, Relu

    if not isinstance(w, QuantizedNetwork):
        return []
    plain = all(isinstance(layer, Dense) and not layer.source for layer in w.layers)
    hidden = w.layers[:-1]
    if not plain or not hidden or not all(isinstance(x.activation, Relu) for x in hidden):
        return []
    return [shape[0] for shape in w.shapes[:-1]]


def _ends(found: Enclosure, box: Units | None) -> dict[str, Any]:
    """Values and their place, in the units that the network was built for."""
    norm = 1 if box is None else box.norm
    return {
        "lower": str(found.lower * norm),
        "upper": str(found.upper * norm),
        "point": _place(found, box),
        "closed": found.closed,
    }


def _slope(found: Enclosure, box: Units | None) -> dict[str, Any]:
    """The constant is the network's own: sides of several lengths scale its parts differently."""
    own = {**_ends(found, None), "point": _place(found, box)}
    return own if box is None or box.trivial else {**own, "of": "the unit cube, over the norm"}


def _place(found: Enclosure, box: Units | None) -> list[str]:
    return [str(x) for x in (found.point if box is None else box.to_user(found.point))]


def _json(report: dict[str, Any]) -> str:
    import json

    return json.dumps(report, indent=2) + "\n"


def _text(report: dict[str, Any]) -> str:
    lines = []
    if "verdict" in report:
        said = report["verdict"]
        if "eps" in report:
            said += f" (eps = {report['eps']})"
        lines.append(f"{said}: {_between(report, 'sup |f - f~|')}")
        if report["point"] is not None:
            lines.append(f"  |f - f~| reaches the lower end at ({_short_point(report['point'])})")
        units = f" on {report['units']}, in these units" if report["units"] else ""
        lines.append(f"  f = {report['target']}{units}; method: {report['method']}")
    if "certificate" in report:
        lines.append(f"  certificate: {report['certificate']}")
    if "pieces" in report:
        line = f"linear pieces: {report['pieces']}"
        if "pieces_most" in report:
            line += f" (these widths allow at most {report['pieces_most']}, Serra et al. 2018;"
            line += f" Montufar et al. 2014 reach {report['pieces_montufar']}; both recalled)"
        lines.append(line)
    for key, name in (
        ("least", "least value"),
        ("greatest", "greatest value"),
        ("lipschitz", "Lipschitz constant (maximum norm)"),
    ):
        if key in report:
            own = f"  (on {report[key]['of']})" if "of" in report[key] else ""
            tail = "" if report[key]["closed"] else "  (open: the budget ended)"
            lines.append(_between(report[key], name) + own + tail)
    lines.append(f"network {report['digest'][:16]} ({report['net']})")
    return "\n".join(lines) + "\n"


def _between(ends: dict[str, Any], name: str) -> str:
    from qexpr.core.decimals import round_decimal, spell

    lower, upper = Fraction(ends["lower"]), Fraction(ends["upper"])
    low = spell(*round_decimal(lower, _DIGITS, up=False)) if lower else "0"
    high = spell(*round_decimal(upper, _DIGITS, up=True)) if upper else "0"
    return f"{low} <= {name} <= {high}"


def _short_point(point: list[str]) -> str:
    return ", ".join(x if len(x) <= 20 else f"{float(Fraction(x)):.12g}" for x in point)
