"""``qexpr train``: train a quantized network, freeze it, count it and enclose its error."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
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


@click.command(name="train", short_help="Train a quantized network and certify it.")
@click.option("--target", metavar="EXPR", help="An expression, or the name of a target.")
@click.option("--data", metavar="NAME", help="digits: scikit-learn's images.")
@click.option("--image", is_flag=True, help="With --data: a convolutional network.")
@click.option("--d", "d", metavar="D", help="Dimension (the target's own by default).")
@click.option("--n", "n", metavar="N", default="1", help="The class F(d,n) of the floor (1).")
@click.option("--method", metavar="NAME", default="twn", help="twn, dorefa, bnn, .. (twn).")
@click.option("--bits", metavar="K", help="Bits of a weight, where the method leaves them open.")
@click.option("--widths", metavar="W,..", help="Hidden layers (64,64,64; images 16,32).")
@click.option("--residual", is_flag=True, help="Add layers of equal width to what they read.")
@click.option("--steps", metavar="N", help="Steps of training (the recipe's).")
@click.option("--rate", metavar="R", help="Learning rate (the recipe's).")
@click.option("--samples", metavar="N", default="4096", help="Samples of the target (4096).")
@click.option("--seed", metavar="N", default="0", help="Seed of everything that is drawn (0).")
@click.option("--gap", metavar="GAP", default="1e-1", help="Relative gap of the enclosure (1e-1).")
@click.option("--budget", metavar="SECONDS", default="60", help="Time for the enclosure (60).")
@click.option("--checkpoint", metavar="FILE", help="Keep the state there, and go on from it.")
@click.option("-o", "--output", metavar="FILE", help="Write the network (.json or .qxr).")
@click.option("--format", "form", metavar="FORMAT", default="text", help="text or json.")
def train_command(form: str, **options: Any) -> int:
    """Train a quantized network on a target or on images; end with what is proven about it.

    Ctrl-C writes a checkpoint; the same command goes on from it and ends with the same bits.
    Exit code 0: trained, and the error enclosed to the gap; 1: the enclosure is open;
    2: bad input; 130: interrupted.

    \b
    qexpr train --target waves --method twn --widths 64,64,64 -o net.qxr
    qexpr train --data digits --method bnn
    """
    if form not in _FORMATS:
        raise InvalidInput(f"--format must be text or json, got {shorten(form)}")
    _check(options)
    widths, numbers = _numbers(options)
    from qexpr.quantizers.backend import import_torch

    import_torch()
    from qexpr import training

    recipe, data, f = _problem(options, numbers)
    path = options["checkpoint"] or f"{options['output'] or 'qexpr-train'}.checkpoint"
    run = _run(training, data, recipe, widths, numbers["seed"], options, path)
    if not run.finished:
        complain(
            f"interrupted after {run.steps} of {recipe.steps} steps; the state is in "
            f"{shorten(path)}, and the same command goes on from there"
        )
        return 130
    if options["checkpoint"] is None:
        os.unlink(path)
    network = run.freeze()
    report: dict[str, Any] = {
        "method": recipe.method,
        "seed": run.seed,
        "steps": run.steps,
        "shapes": [list(data.input_shape), *(list(shape) for shape in network.shapes)],
        "digest": network.digest(),
        **_counts(network),
    }
    code = 0
    if f is None:
        report |= {"wrong": data.wrong(network), "test": len(data.test_y)}
    else:
        code = _enclose(report, network, f, options, run.error)
    if options["output"]:
        from qexpr.cli.nets import write_net

        write_net(options["output"], network)
        report["file"] = options["output"]
    text = json.dumps(report, indent=2) + "\n" if form == "json" else _text(report)
    deliver(text, None)
    return code


def _check(options: dict[str, Any]) -> None:
    """Refuse what can be seen to fail before anything is trained."""
    if (options["target"] is None) == (options["data"] is None):
        raise InvalidInput("give --target EXPR, or --data digits")
    if options["data"] not in (None, "digits"):
        raise InvalidInput(f"--data must be digits, got {shorten(options['data'])}")
    if options["image"] and options["data"] is None:
        raise InvalidInput("--image needs --data digits")
    if options["image"] and options["residual"]:
        raise InvalidInput("--residual is for fully connected networks: leave out --image")
    if options["data"] is not None and options["d"] is not None:
        raise InvalidInput("--d is the dimension of a target: leave it out with --data")
    output = options["output"]
    if output is not None and Path(output).suffix.lower() not in _ENDINGS:
        raise InvalidInput(f"--output must end in .json or .qxr, got {shorten(output)}")
    for path in (output, options["checkpoint"]):
        if path is not None and not Path(path).absolute().parent.is_dir():
            raise InvalidInput(f"cannot write {shorten(path)}: there is no such folder")


def _numbers(options: dict[str, Any]) -> tuple[list[int], dict[str, Any]]:
    from qexpr.certificates.enclosure import read_gap
    from qexpr.core.numbers import read_integer, read_rational

    text = options["widths"] or ("16,32" if options["image"] else "64,64,64")
    widths = [read_integer(part, "each width", 1, 65536) for part in text.split(",")]
    least = {"seed": 0, "n": 1, "samples": 2}
    most = {"seed": 2**63 - 1, "n": 32, "samples": 10**7}
    found: dict[str, Any] = {
        name: read_integer(options[name], name, least[name], most[name]) for name in least
    }
    for name, low, high in (("d", 1, 16), ("bits", 1, 16), ("steps", 1, 10**7)):
        given = options[name]
        found[name] = None if given is None else read_integer(given, name, low, high)
    found["rate"] = None
    if options["rate"] is not None:
        found["rate"] = float(read_rational(options["rate"], "rate"))
    seconds = read_rational(options["budget"], "budget")
    if not 0 < seconds < 10**9:
        raise InvalidInput(
            f"--budget must be a positive number of seconds, got {shorten(options['budget'])}"
        )
    read_gap(options["gap"])
    return widths, found


def _problem(options: dict[str, Any], numbers: dict[str, Any]) -> tuple[Recipe, Any, Any]:
    from qexpr import training

    changes = {key: numbers[key] for key in ("steps", "rate") if numbers[key] is not None}
    task = "target" if options["data"] is None else "classes"
    recipe = training.get_recipe(options["method"], task, bits=numbers["bits"], **changes)
    if options["data"] is not None:
        return recipe, training.digits(image=options["image"]), None
    from qexpr.targets import find

    f = find(options["target"], numbers["d"])
    f.prove_membership(numbers["n"])
    return recipe, training.sample_target(f, numbers["samples"]), f


def _run(
    training: Any,
    data: Any,
    recipe: Recipe,
    widths: list[int],
    seed: int,
    options: dict[str, Any],
    path: str,
) -> Run:
    from qexpr.cli.progress import bar

    with _interrupts() as asked, bar("training") as tell:
        run: Run = training.train(
            data,
            recipe,
            widths,
            seed,
            residual=options["residual"],
            dtype="float32",
            checkpoint=path,
            stop=lambda: bool(asked),
            progress=tell,
        )
    return run


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """A list that is filled by the first Ctrl-C; the second one ends the process as ever."""
    asked: list[int] = []
    before = signal.getsignal(signal.SIGINT)

    def ask(number: int, frame: Any) -> None:
        asked.append(number)
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def _counts(network: QuantizedNetwork) -> dict[str, Any]:
    counts = network.counts()
    names = ("weights", "parameters", "distinct", "bits_packed", "bits_entropy", "bits_scales")
    operations = counts.operations
    return {
        **{name: getattr(counts, name) for name in names},
        "operations": {name: getattr(operations, name) for name in operations.__slots__},
    }


def _enclose(
    report: dict[str, Any], network: QuantizedNetwork, f: Any, options: dict[str, Any], dense: float
) -> int:
    from qexpr import certificates
    from qexpr.cli.progress import search_line

    with search_line() as tell:
        found = certificates.enclose(
            network, f, options["gap"], budget=float(options["budget"]), progress=tell
        )
    report |= {
        "target": f.text,
        "verdict": "enclosed" if found.closed else "open",
        "lower": str(found.lower),
        "upper": str(found.upper),
        "dense_error": dense,
    }
    n = int(options["n"])
    report |= {"d": f.d, "n": n, **_floor(f.d, n, found.upper)}
    return 0 if found.closed else 1


def _floor(d: int, n: int, eps: Any) -> dict[str, Any]:
    """The best floor at the error that is proven; none where no floor speaks of it."""
    from qexpr.bounds.entropy.floors import best_floor
    from qexpr.core.decimals import round_decimal, spell
    from qexpr.errors import OutOfRegime

    # a longer error by three digits, so that the floor stays a floor at what is printed
    printed = spell(*round_decimal(eps, 3, up=True))
    try:
        value, bound = best_floor(d, n, printed)
    except (OutOfRegime, InvalidInput) as error:
        return {"floor_bits": None, "floor_reason": str(error)}
    return {"floor_bits": str(value.lower), "floor_eps": printed, "floor_id": bound.id}


def _text(report: dict[str, Any]) -> str:
    from fractions import Fraction

    from qexpr.core.decimals import round_decimal, spell

    lines = [f"{report['method']}, seed {report['seed']}, {report['steps']} steps"]
    if "wrong" in report:
        share = 100 * report["wrong"] / report["test"]
        lines.append(f"wrong on {report['wrong']} of {report['test']} test images ({share:.2f} %)")
    else:
        low, high = Fraction(report["lower"]), Fraction(report["upper"])
        below = spell(*round_decimal(low, 6, up=False)) if low else "0"
        above = spell(*round_decimal(high, 6, up=True)) if high else "0"
        lines.append(f"{report['verdict']}: {below} <= sup |f - f~| <= {above}  (proven)")
        lines.append(f"  on a dense set of points {report['dense_error']:.6g}  (sampled)")
    lines += [
        f"{report['weights']} weights that are not 0, of {report['parameters']}; "
        f"{report['distinct']} distinct values",
        f"{report['bits_packed']} bits of packed codes ({report['bits_entropy']} by entropy), "
        f"{report['bits_scales']} bits of scales and biases",
        "one evaluation: "
        + ", ".join(f"{v} {k.replace('_', ' ')}" for k, v in report["operations"].items() if v),
    ]
    if report.get("floor_bits") is not None:
        floor = spell(*round_decimal(Fraction(report["floor_bits"]), 4, up=False))
        lines.append(
            f"floor: reaching {report['floor_eps']} on all of F({report['d']},{report['n']}), "
            f"not this f alone, takes >= {floor} bits  {report['floor_id']}"
        )
    elif "floor_reason" in report:
        lines.append(f"floor: none ({report['floor_reason']})")
    place = f" ({report['file']})" if "file" in report else ""
    lines.append(f"network {report['digest'][:16]}{place}")
    return "\n".join(lines) + "\n"
