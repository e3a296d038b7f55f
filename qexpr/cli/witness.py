"""``qexpr witness``: build the network that a bound promises, count it, prove it, write it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qexpr.cli.output import deliver
from qexpr.errors import InvalidInput, OutOfRegime, shorten

if TYPE_CHECKING:
    from qexpr.circuits.graph import Circuit
    from qexpr.circuits.registry import Plan
    from qexpr.core.query import Query
    from qexpr.targets import Target

__all__ = ["witness_command"]

_FORMATS = ("text", "json")


@click.command(name="witness", short_help="Build, count and certify a network for a target.")
@click.option("--target", metavar="EXPR", help="An expression, or the name of a target.")
@click.option("--class", "whole_class", is_flag=True, help="No target: counts for the class.")
@click.option("--d", "d", metavar="D", help="Dimension (the target's own by default).")
@click.option("--n", "n", metavar="N", default="1", help="Bounded derivatives (1).")
@click.option("--lambda", "lam", metavar="L", help="Distinct weight values (2).")
@click.option("--alphabet", metavar="KIND:SIZE", help="nonlinear:LAMBDA or linear:BITS.")
@click.option("--eps", metavar="EPS", required=True, help="Accuracy, in the target's units.")
@click.option("--domain", metavar="A:B,..", help="The box of the target ([0,1] each).")
@click.option("--norm", metavar="M", default="1", help="The class is M times F(d,n) (1).")
@click.option("--normalise", is_flag=True, help="Divide the target by its proven norm.")
@click.option("--construction", default="auto", metavar="NAME", help="auto, or one by name.")
@click.option("--graph", metavar="KIND", help="cones: fixed (default) or any.")
@click.option("-o", "--output", metavar="FILE", help="Write the network (.json or .qxr).")
@click.option("--certificate", metavar="FILE", help="Write the certificate (.json).")
@click.option("--plot", metavar="FILE", help="Draw target, network and error (d = 1, 2).")
@click.option("--format", "form", default="text", metavar="FORMAT", help="text or json.")
def witness_command(form: str, **options: Any) -> int:
    """Build a network within EPS of the target, out of few weight values, and prove it.

    The construction with the fewest weights is taken. Exit code 0: certified; 1: not proven;
    2: bad input, a target outside the class included.

    \b
    qexpr witness --target "sin(3*x)*cos(2*y)/27" --d 2 --n 3 --eps 1e-3 -o net.json
    qexpr witness --class --d 2 --n 2 --lambda 4 --eps 1e-6
    """
    if form not in _FORMATS:
        raise InvalidInput(f"--format must be text or json, got {shorten(form)}")
    _check_files(options)
    if options["whole_class"]:
        report = _class_report(options)
        code = 0
    else:
        report, code = _target_report(options)
    from qexpr.cli.witness_text import as_json, as_text

    deliver(as_json(report) if form == "json" else as_text(report), None)
    return code


def _check_files(options: dict[str, Any]) -> None:
    """Refuse what cannot be written before anything long is computed."""
    if options["whole_class"] == (options["target"] is not None):
        raise InvalidInput("give --target EXPR, or --class for the counts of the whole class")
    if options["whole_class"]:
        for name in ("output", "certificate", "plot"):
            if options[name] is not None:
                raise InvalidInput(f"--class builds no network: --{name} needs --target")
    for name, allowed in (("output", (".json", ".qxr")), ("certificate", (".json",))):
        path = options[name]
        if path is not None and Path(path).suffix.lower() not in allowed:
            raise InvalidInput(f"--{name} must end in {' or '.join(allowed)}, got {shorten(path)}")
    if options["plot"] is not None:
        from qexpr.figures.style import figure_format

        figure_format(options["plot"])


def _query(options: dict[str, Any], d: object, eps: object) -> Query:
    from qexpr.core.query import Query

    return Query(d, options["n"], options["lam"], eps, alphabet=options["alphabet"])


def _plans(query: Query, norm: Any, options: dict[str, Any]) -> tuple[Plan, dict[str, Any]]:
    """The plan to build, and what every construction would cost (or why it does not apply)."""
    from qexpr.circuits.registry import Plan, plan, plans

    found = plans(query, norm)
    name, graph = options["construction"], options["graph"]
    extra = {} if graph is None else {"graph": graph}
    if graph is not None and name not in ("auto", "cones"):
        raise InvalidInput(f"--graph is an option of cones, not of {shorten(name)}")
    if name == "auto" and graph is None:
        fit = [p for p in found.values() if isinstance(p, Plan) and p.counts.bits_per_weight]
        if not fit:
            raise OutOfRegime("no construction applies to this query")
        return min(fit, key=lambda p: (p.counts.weights, p.construction)), found
    chosen = plan(
        "cones" if name == "auto" else name,
        query.d,
        query.n,
        query.eps,
        alphabet=query.alphabet,
        norm=norm,
        **extra,
    )
    return chosen, {**found, chosen.construction: chosen}


def _class_report(options: dict[str, Any]) -> dict[str, Any]:
    if options["d"] is None:
        raise InvalidInput("--class needs --d D")
    query = _query(options, options["d"], options["eps"])
    chosen, found = _plans(query, None, options)
    return {"query": query, "plan": chosen, "plans": found, "counts": _planned(chosen)}


def _planned(plan: Plan) -> dict[str, int]:
    counts = plan.counts
    return {
        "weights": counts.weights,
        "depth": counts.depth,
        "units": counts.units,
        "bits": counts.bits,
        "free_bits": counts.free_bits,
        "structure_bits": counts.structure_bits,
    }


def _read_target(options: dict[str, Any]) -> Target:
    from qexpr import targets
    from qexpr.core.numbers import read_integer, read_rational

    text, d = options["target"], options["d"]
    size = None if d is None else read_integer(d, "d", 1, 16)
    if options["domain"] is None and options["norm"] == "1":
        f = targets.find(text, size)
    else:
        domain = None
        if options["domain"] is not None:
            pairs = [side.split(":") for side in options["domain"].split(",")]
            if any(len(pair) != 2 for pair in pairs):
                raise InvalidInput(
                    "--domain must be A:B for every coordinate, such as 0:2,-1:1, "
                    f"got {shorten(options['domain'])}"
                )
            domain = [tuple(read_rational(end, "an end of --domain") for end in p) for p in pairs]
        norm = read_rational(options["norm"], "--norm")
        f = targets.Target(text, size, domain=domain, norm=norm)
    if options["normalise"]:
        f = f.normalise(read_integer(options["n"], "n", 1, 1000))
    return f


def _target_report(options: dict[str, Any]) -> tuple[dict[str, Any], int]:
    from qexpr import certificates
    from qexpr.circuits.registry import build
    from qexpr.core.numbers import read_rational

    f = _read_target(options)
    eps = f.units.error_to_unit(read_rational(options["eps"], "eps"))
    query = _query(options, f.d, eps)
    membership = f.prove_membership(query.n)
    chosen, found = _plans(query, membership.norm, options)
    w = build(chosen, f)
    certificate = certificates.certify(w, f, query.eps)
    report = {
        "target": f,
        "query": query,
        "membership": membership,
        "plan": chosen,
        "plans": found,
        "counts": _built(w),
        "certificate": certificate,
        "digest": w.digest(),
        "files": _write(w, f, certificate, options),
    }
    return report, 0 if str(certificate.verdict) == "certified" else 1


def _built(w: Circuit) -> dict[str, int]:
    names = ("weights", "depth", "width", "units", "bits", "free_bits", "structure_bits")
    return {name: int(getattr(w, name)) for name in names}


def _write(w: Circuit, f: Target, certificate: Any, options: dict[str, Any]) -> dict[str, str]:
    from qexpr.cli.nets import write_net

    files = {}
    if options["output"] is not None:
        write_net(options["output"], w)
        files["network"] = options["output"]
    if options["certificate"] is not None:
        import json

        deliver(json.dumps(certificate.to_dict()) + "\n", options["certificate"])
        files["certificate"] = options["certificate"]
    if options["plot"] is not None:
        if f.d > 2:
            raise InvalidInput(f"--plot is for one or two variables, the target has {f.d}")
        from qexpr.figures.style import figure_format
        from qexpr.figures.witness import draw_witness

        deliver(
            draw_witness(
                f,
                w,
                f.units.domain,
                f.units.error_to_user(certificate.upper),
                f.units.error_to_user(1),
                f"{f.text}, {w.weights} weights in {{{', '.join(map(str, w.alphabet[:8]))}}}",
                figure_format(options["plot"]),
            ),
            options["plot"],
        )
        files["figure"] = options["plot"]
    return files
