"""``qexpr witness``: build the network that a bound promises, count it, prove it, write it."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click

from qexpr.cli.output import deliver
from qexpr.errors import InvalidInput, shorten

if TYPE_CHECKING:
    from qexpr.circuits.graph import Circuit
    from qexpr.core.query import Query
    from qexpr.targets import Target, Telegraph

__all__ = ["witness_command"]

_FORMATS = ("text", "json")
_OF_A_TARGET = ("domain", "norm", "normalise", "output", "certificate", "plot")


@click.command(name="witness", short_help="Build, count and certify a network for a target.")
@click.option("--target", metavar="EXPR", help="An expression, or the name of a target.")
@click.option("--class", "whole_class", is_flag=True, help="No target: counts for the class.")
@click.option("--d", "d", metavar="D", help="Dimension (the target's own by default).")
@click.option("--n", "n", metavar="N", default="1", help="Bounded derivatives (1).")
@click.option("--lambda", "lam", metavar="L", help="Distinct weight values (2).")
@click.option("--alphabet", metavar="KIND:SIZE", help="nonlinear:LAMBDA or linear:BITS.")
@click.option("--eps", metavar="EPS", required=True, help="Accuracy, in the target's units.")
@click.option("--domain", metavar="A:B,..", help="The box of the target ([0,1] each).")
@click.option("--norm", metavar="M", help="The class is M times F(d,n) (1).")
@click.option("--normalise", is_flag=True, help="Take M to be the target's proven norm.")
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
    _check(options)
    code = 0
    if options["whole_class"]:
        report = _class_report(options)
    else:
        report, code = _target_report(options)
    from qexpr.cli.witness_text import as_json, as_text

    deliver(as_json(report) if form == "json" else as_text(report), None)
    return code


def _check(options: dict[str, Any]) -> None:
    """Refuse what can be seen to fail before anything long is computed."""
    if options["whole_class"] == (options["target"] is not None):
        both = ", not both" if options["whole_class"] else ""
        raise InvalidInput(
            f"give --target EXPR, or --class for the counts of the whole class{both}"
        )
    if options["whole_class"]:
        for name in _OF_A_TARGET:
            if options[name]:
                raise InvalidInput(f"--class builds no network: --{name} needs --target")
        if options["d"] is None:
            raise InvalidInput("--class needs --d D")
    if options["normalise"] and options["norm"] is not None:
        raise InvalidInput("--norm M gives the norm and --normalise finds it: take one of them")
    name, graph = options["construction"], options["graph"]
    if graph is not None and name not in ("auto", "cones"):
        raise InvalidInput(f"--graph is an option of cones, not of {shorten(name)}")
    if name != "auto":
        from qexpr.circuits.registry import CONSTRUCTIONS

        if name not in CONSTRUCTIONS:
            raise InvalidInput(
                f"--construction must be auto, {', '.join(CONSTRUCTIONS)}, got {shorten(name)}"
            )
    if not options["whole_class"]:
        from qexpr.cli.witness_files import check_files

        check_files(options)


def _query(options: dict[str, Any], d: object, eps: object) -> Query:
    from qexpr.core.query import Query

    return Query(d, options["n"], options["lam"], eps, alphabet=options["alphabet"])


def _class_report(options: dict[str, Any]) -> dict[str, Any]:
    from qexpr.cli.witness_peers import choose, planned

    query = _query(options, options["d"], options["eps"])
    chosen, found = choose(query, None, options["construction"], options["graph"])
    return {
        "eps": options["eps"],
        "query": query,
        "plan": chosen,
        "plans": found,
        "counts": planned(chosen),
    }


def _read_target(options: dict[str, Any]) -> Target | Telegraph:
    from qexpr import targets
    from qexpr.cli.rescaled import rescaled
    from qexpr.core.numbers import read_integer

    text, d = options["target"], options["d"]
    size = None if d is None else read_integer(d, "d", 1, 16)
    f = rescaled(text, size, options["domain"], options["norm"])
    if options["normalise"]:
        if not isinstance(f, targets.Target):
            raise InvalidInput(f"--normalise divides an expression, and {shorten(text)} is none")
        f = f.normalise(read_integer(options["n"], "n", 1, 32))
    return f


def _target_report(options: dict[str, Any]) -> tuple[dict[str, Any], int]:
    from qexpr.circuits.registry import build
    from qexpr.cli.progress import bar
    from qexpr.cli.rescaled import unit_eps
    from qexpr.cli.witness_files import check_plot, write_files
    from qexpr.cli.witness_peers import choose

    f = _read_target(options)
    check_plot(options, f.d)
    query = _query(options, f.d, unit_eps(options["eps"], f))
    with bar("membership") as tell:
        membership = f.prove_membership(query.n, tell)
    chosen, found = choose(query, membership.norm, options["construction"], options["graph"])
    with bar("building") as tell:
        w = build(chosen, f, tell)
    certificate = _certify(w, f, query.eps)
    report = {
        "eps": options["eps"],
        "target": f,
        "query": query,
        "membership": membership,
        "plan": chosen,
        "plans": found,
        "counts": _built(w),
        "certificate": certificate,
        "digest": w.digest(),
        "files": write_files(w, f, certificate, options),
    }
    return report, 0 if str(certificate.verdict) == "certified" else 1


def _certify(w: Circuit, f: Any, eps: Fraction) -> Any:
    from qexpr import certificates
    from qexpr.cli.progress import search_line

    with search_line() as tell:
        return certificates.certify(w, f, eps, progress=tell)


def _built(w: Circuit) -> dict[str, int]:
    names = ("weights", "depth", "width", "units", "bits", "free_bits", "structure_bits")
    return {name: int(getattr(w, name)) for name in names}
