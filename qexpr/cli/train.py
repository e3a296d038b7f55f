"""``qexpr train``: train a quantized network, freeze it, count it and enclose its error."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qexpr.cli.output import complain, deliver
from qexpr.errors import InvalidInput, shorten

if TYPE_CHECKING:
    from qexpr.networks import QuantizedNetwork
    from qexpr.training import Recipe, Run

__all__ = ["train_command"]

_FORMATS = ("text", "json")
_ENDINGS = (".json", ".qxr")
_ORDERS = 3  # of derivatives, up to which membership is tried
# options that change a field of the recipe, and how their text is read
_INTEGERS = {"steps": (1, 10**7), "batch": (1, 10**6)}
_REALS = ("rate", "power", "warm", "ramp")
_NAMES = ("optimiser", "norm", "loss", "first", "last", "judge")


@click.command(name="train", short_help="Train a quantized network and certify it.")
@click.option("--target", metavar="EXPR", help="An expression, or the name of a target.")
@click.option("--data", metavar="NAME", help="digits: scikit-learn's images.")
@click.option("--image", is_flag=True, help="With --data: a convolutional network.")
@click.option("--d", "d", metavar="D", help="Dimension (the target's own by default).")
@click.option("--n", "n", metavar="N", help="F(d,n) of witness and floor (the largest proven).")
@click.option("--method", metavar="NAME", default="twn", help="twn, dorefa, bnn, .. (twn).")
@click.option("--bits", metavar="K", help="Bits of a weight, where the method leaves them open.")
@click.option("--activation-bits", metavar="K", help="Bits of an activation, likewise.")
@click.option("--gradient-bits", metavar="K", help="Bits of a gradient: dorefa and log (real).")
@click.option("--widths", metavar="W,..", help="Hidden layers (64,64,64; images 16,32).")
@click.option("--residual", is_flag=True, help="Add layers of equal width to what they read.")
@click.option("--first", metavar="KIND", help="First layer: quantized, real or 8bit.")
@click.option("--last", metavar="KIND", help="Last layer: quantized, real or 8bit.")
@click.option("--norm", metavar="KIND", help="Batch normalisation: none, ordinary, plain or shift.")
@click.option("--loss", metavar="NAME", help="p-norm; images cross-entropy or square-hinge.")
@click.option("--power", metavar="P", help="The p-norm goes from 2 to P.")
@click.option("--optimiser", metavar="NAME", help="adam, sgd or shift-adamax.")
@click.option("--rate", metavar="R", help="Learning rate.")
@click.option("--steps", metavar="N", help="Steps of training.")
@click.option("--batch", metavar="N", help="Samples of a step.")
@click.option("--warm", metavar="SHARE", help="Share of the steps that the float network takes.")
@click.option("--ramp", metavar="SHARE", help="Share over which it becomes discrete.")
@click.option("--judge", metavar="KIND", help="Choose the best network by dense or certified.")
@click.option("--samples", metavar="N", default="4096", help="Samples of the target (4096).")
@click.option("--sampling", metavar="KIND", default="sobol", help="sobol, halton or grid (sobol).")
@click.option("--derivatives", is_flag=True, help="Sobolev loss: first derivatives are fitted too.")
@click.option("--seed", metavar="N", default="0", help="Seed of everything that is drawn (0).")
@click.option("--seeds", metavar="K", default="1", help="Train K seeds from there, keep the best.")
@click.option("--together", is_flag=True, help="With --seeds: in stacked tensors, faster.")
@click.option("--gap", metavar="GAP", default="1e-1", help="Relative gap of the enclosure (1e-1).")
@click.option("--budget", metavar="SECONDS", default="60", help="Time for the enclosure (60).")
@click.option("--checkpoint", metavar="FILE", help="Keep the state there, and go on from it.")
@click.option("--plot", metavar="FILE", help="Draw the learning curve: .svg, .pdf or .png.")
@click.option("-o", "--output", metavar="FILE", help="Write the network (.json or .qxr).")
@click.option("--format", "form", metavar="FORMAT", default="text", help="text or json.")
def train_command(form: str, **options: Any) -> int:
    """Train a quantized network on a target or on images; end with what is proven about it.

    What is not given is the method's recipe. Ctrl-C writes a checkpoint; the same command goes on
    from it and ends with the same bits. Exit code 0: trained, and the error enclosed to the gap;
    1: the enclosure is open; 2: bad input; 130: interrupted.

    \b
    qexpr train --target waves --method twn --widths 64,64,64 -o net.qxr
    qexpr train --data digits --image --method bnn --plot curve.svg
    """
    if form not in _FORMATS:
        raise InvalidInput(f"--format must be text or json, got {shorten(form)}")
    _check(options)
    widths, numbers = _numbers(options)
    from qexpr.quantizers.backend import import_torch

    import_torch()
    recipe, data, f, n = _problem(options, numbers)
    from qexpr.cli import train_report, train_runs

    runs = train_runs.runs(data, recipe, widths, numbers, options)
    if runs is None:
        return 130

    run = min(runs, key=lambda made: made.error)
    network = _frozen(run)
    report: dict[str, Any] = {
        "method": recipe.method,
        "seed": run.seed,
        "steps": run.steps,
        "shapes": [list(data.input_shape), *(list(shape) for shape in network.shapes)],
        "digest": network.digest(),
        **train_report.count(network),
    }
    if numbers["seeds"] > 1:
        report["judged_by"] = _judge_name(recipe, f)
        report["seeds"] = {str(made.seed): made.error for made in runs}
        report["together"] = options["together"]
    closed = True
    if f is None:
        report |= {"wrong": data.wrong(network), "test": len(data.test_y)}
    else:
        budget = float(numbers["budget"])
        closed, found = train_report.enclose(network, f, n, options["gap"], budget)
        report |= {**found, "dense_error": _dense_error(network, data)}
        report["constant_error"] = float(data.test_y.max() - data.test_y.min()) / 2
    if options["output"]:
        from qexpr.cli.nets import write_net

        write_net(options["output"], network)
        report["file"] = options["output"]
    if options["plot"]:
        _draw(options["plot"], runs, recipe, f)
    text = json.dumps(report, indent=2) + "\n" if form == "json" else train_report.text(report)
    deliver(text, None)
    return 0 if closed else 1


def _check(options: dict[str, Any]) -> None:
    """Refuse what can be seen to fail before anything is trained."""
    if (options["target"] is None) == (options["data"] is None):
        raise InvalidInput("give --target EXPR, or --data digits")
    if options["data"] not in (None, "digits"):
        raise InvalidInput(f"--data must be digits, got {shorten(options['data'])}")
    if options["image"] and options["data"] is None:
        raise InvalidInput("--image needs --data digits")
    if options["together"] and options["seeds"] == "1":
        raise InvalidInput("--together needs several seeds: --seeds K")
    if options["image"] and options["residual"]:
        raise InvalidInput("--residual is for fully connected networks: leave out --image")
    if options["data"] is not None:
        for name in ("d", "n", "derivatives"):
            if options[name]:
                raise InvalidInput(f"--{name} is for a target: leave it out with --data")
    output = options["output"]
    if output is not None and Path(output).suffix.lower() not in _ENDINGS:
        raise InvalidInput(f"--output must end in .json or .qxr, got {shorten(output)}")
    for path in (output, options["checkpoint"], options["plot"]):
        if path is not None and not Path(path).absolute().parent.is_dir():
            raise InvalidInput(f"cannot write {shorten(path)}: there is no such folder")
    if options["plot"] is not None:
        from qexpr.figures.style import figure_format, paper_style

        figure_format(options["plot"])
        with paper_style():  # where matplotlib is missing, it says so now
            pass


def _numbers(options: dict[str, Any]) -> tuple[list[int], dict[str, Any]]:
    from qexpr.certificates.enclosure import read_gap
    from qexpr.core.numbers import read_integer, read_rational

    given = options["widths"] or ("16,32" if options["image"] else "64,64,64")
    widths = [read_integer(part, "each width", 1, 65536) for part in given.split(",")]
    found: dict[str, Any] = {
        "seed": read_integer(options["seed"], "seed", 0, 2**63 - 1),
        "seeds": read_integer(options["seeds"], "seeds", 1, 1000),
        "samples": read_integer(options["samples"], "samples", 2, 10**7),
    }
    for name, (low, high) in {
        "n": (1, 32),
        "d": (1, 16),
        "bits": (1, 16),
        "activation_bits": (1, 16),
        "gradient_bits": (1, 16),
        **_INTEGERS,
    }.items():
        value = options[name]
        said = name.replace("_", "-")
        found[name] = None if value is None else read_integer(value, said, low, high)
    for name in _REALS:
        value = options[name]
        found[name] = None if value is None else float(read_rational(value, name))
    found["budget"] = read_rational(options["budget"], "budget")
    if not 0 < found["budget"] < 10**9:
        raise InvalidInput(
            f"--budget must be a positive number of seconds, got {shorten(options['budget'])}"
        )
    read_gap(options["gap"])
    return widths, found


def _problem(
    options: dict[str, Any], numbers: dict[str, Any]
) -> tuple[Recipe, Any, Any, int | None]:
    """The recipe, the data, the target (None for images) and the order of its class."""
    from qexpr import training

    changes = {key: numbers[key] for key in (*_INTEGERS, *_REALS)}
    changes |= {key: options[key] for key in _NAMES}
    changes |= {key: numbers[key] for key in ("bits", "activation_bits", "gradient_bits")}
    changes = {key: value for key, value in changes.items() if value is not None}
    task = "target" if options["data"] is None else "classes"
    recipe = training.get_recipe(options["method"], task, **changes)
    if options["data"] is not None:
        return recipe, training.digits(image=options["image"]), None, None
    from qexpr.targets import find

    f = find(options["target"], numbers["d"])
    n = _order(f, numbers["n"])
    how = {"method": options["sampling"], "derivatives": options["derivatives"]}
    return recipe, training.sample_target(f, numbers["samples"], **how), f, n


def _order(f: Any, given: int | None) -> int:
    """The class F(d,n) that f is proven to be in: the one given, or the smoothest up to 3."""
    f.prove_membership(given or 1)
    if given is not None:
        return given
    n = 1
    for more in range(2, _ORDERS + 1):
        try:
            f.prove_membership(more)
        except InvalidInput:
            break
        n = more
    return n


def _judge_name(recipe: Recipe, f: Any) -> str:
    if f is None:
        return "share of wrong validation images"
    return "proven upper end" if recipe.judge == "certified" else "largest error on dense points"


def _frozen(run: Run) -> QuantizedNetwork:
    """The exact network; what is to be said of it goes to stderr, a line each."""
    from qexpr.quantizers import CollapseWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", CollapseWarning)
        network = run.freeze()
    for warning in caught:
        complain(str(warning.message))
    return network


def _dense_error(network: QuantizedNetwork, data: Any) -> float:
    """On the dense points, of the exact network in floats."""
    import numpy as np

    return float(np.abs(network(data.test_x) - data.test_y).max())


def _draw(path: str, runs: list[Run], recipe: Recipe, f: Any) -> None:
    from qexpr.figures.style import figure_format
    from qexpr.figures.training import draw_training

    warm = round(recipe.warm * recipe.steps)
    ramp = round(recipe.ramp * recipe.steps)
    phases = [("float", 0), ("annealing", warm), ("discrete", warm + ramp)]
    what = "digits" if f is None else f.text
    picture = draw_training(
        [run.history for run in runs],
        phases,
        f"{recipe.method} on {what}",
        _judge_name(recipe, f),
        figure_format(path),
    )
    deliver(picture, path)
