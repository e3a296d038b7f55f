"""What stands at the end of a run: counts, both ends of the error, the witness and the floor."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from qexpr.errors import InvalidInput, OutOfRegime

if TYPE_CHECKING:
    from qexpr.networks import QuantizedNetwork

__all__ = ["count", "enclose", "text"]

_AS_GOOD = 0.9  # of a constant's error: little has been learned
_COUNTS = ("weights", "parameters", "distinct", "bits_packed", "bits_entropy", "bits_scales")


def count(network: QuantizedNetwork) -> dict[str, Any]:
    """Weights, bits and the operations of one evaluation."""
    counts = network.counts()
    operations = counts.operations
    return {
        **{name: getattr(counts, name) for name in _COUNTS},
        "operations": {name: getattr(operations, name) for name in operations.__slots__},
    }


def enclose(
    network: QuantizedNetwork, f: Any, n: int, gap: str, budget: float
) -> tuple[bool, dict[str, Any]]:
    """Whether the error was enclosed to the gap, and everything that follows from its upper end."""
    from qexpr import certificates
    from qexpr.cli.progress import search_line
    from qexpr.core.decimals import round_decimal, spell

    with search_line() as tell:
        found = certificates.enclose(network, f, gap, budget=budget, progress=tell)
    # a longer error by three digits, so that what is said of it stays true of what is printed
    eps = spell(*round_decimal(found.upper, 3, up=True))
    return found.closed, {
        "target": f.text,
        "verdict": "enclosed" if found.closed else "open",
        "lower": str(found.lower),
        "upper": str(found.upper),
        "d": f.d,
        "n": n,
        "eps": eps,
        **_witness(f, n, eps),
        **_floor(f.d, n, eps),
    }


def _witness(f: Any, n: int, eps: str) -> dict[str, Any]:
    """The smallest construction that reaches the error out of two weight values, planned only."""
    from qexpr.cli.witness_peers import choose, planned
    from qexpr.core.query import Query

    try:
        made, _ = choose(Query(f.d, n, 2, eps), f.norm(n), "auto", None)
    except (OutOfRegime, InvalidInput) as error:
        return {"witness": None, "witness_reason": str(error)}
    return {"witness": {"construction": made.construction, "lambda": 2, **planned(made)}}


def _floor(d: int, n: int, eps: str) -> dict[str, Any]:
    """The best floor at the error that is proven; none where no floor speaks of it."""
    from qexpr.bounds.entropy.floors import best_floor

    try:
        value, bound = best_floor(d, n, eps)
    except (OutOfRegime, InvalidInput) as error:
        return {"floor_bits": None, "floor_reason": str(error)}
    return {"floor_bits": str(value.lower), "floor_id": bound.id}


def text(report: dict[str, Any]) -> str:
    """The report for a person."""
    lines = [f"{report['method']}, seed {report['seed']}, {report['steps']} steps"]
    if "seeds" in report:
        lines.append(_seeds(report))
    if "wrong" in report:
        share = 100 * report["wrong"] / report["test"]
        lines.append(f"wrong on {report['wrong']} of {report['test']} test images ({share:.2f} %)")
    else:
        lines += _ends(report)
    lines += [
        f"{report['weights']} weights that are not 0, of {report['parameters']}; "
        f"{report['distinct']} distinct values",
        f"{report['bits_packed']} bits of packed codes{_coded(report)}, "
        f"{report['bits_scales']} bits of scales and biases",
        "one evaluation: "
        + ", ".join(f"{v} {k.replace('_', ' ')}" for k, v in report["operations"].items() if v),
    ]
    if "eps" in report:
        lines += _beside(report)
    place = f" ({report['file']})" if "file" in report else ""
    lines.append(f"network {report['digest'][:16]}{place}")
    return "\n".join(lines) + "\n"


def _coded(report: dict[str, Any]) -> str:
    least = report["bits_entropy"]
    shorter = least < report["bits_packed"]
    return f" ({least} by an entropy code, its frequencies counted)" if shorter else ""


def _seeds(report: dict[str, Any]) -> str:
    errors = sorted(report["seeds"].values())
    middle = errors[len(errors) // 2] if len(errors) % 2 else sum(_middle(errors)) / 2
    how = ", trained together," if report["together"] else ""
    return (
        f"best of {len(errors)} seeds{how} by {report['judged_by']}: "
        f"{errors[0]:.6g}, median {middle:.6g}, worst {errors[-1]:.6g}"
    )


def _middle(errors: list[float]) -> list[float]:
    half = len(errors) // 2
    return errors[half - 1 : half + 1]


def _ends(report: dict[str, Any]) -> list[str]:
    from qexpr.core.decimals import round_decimal, spell

    low, high = Fraction(report["lower"]), Fraction(report["upper"])
    below = spell(*round_decimal(low, 6, up=False)) if low else "0"
    above = spell(*round_decimal(high, 6, up=True)) if high else "0"
    lines = [
        f"{report['verdict']}: {below} <= sup |f - f~| <= {above}  (proven)",
        f"  on a dense set of points {report['dense_error']:.6g}  (sampled)",
    ]
    constant = report["constant_error"]
    if report["dense_error"] > _AS_GOOD * constant:
        lines.append(
            f"  hardly better than a constant, {constant:.6g}: more --steps, or another --norm, "
            "--rate or --method"
        )
    return lines


def _beside(report: dict[str, Any]) -> list[str]:
    from qexpr.core.decimals import round_decimal, spell

    d, n, eps = (report[key] for key in ("d", "n", "eps"))
    made = report["witness"]
    lines = []
    if made is None:
        lines.append(f"witness: none ({report['witness_reason']})")
    else:
        lines.append(
            f"witness: {made['construction']} reaches {eps} for this f with {made['weights']} "
            f"weights of two values ({made['bits']} bits, {made['free_bits']} of them free)"
        )
    if report["floor_bits"] is None:
        lines.append(f"floor: none ({report['floor_reason']})")
    else:
        least = spell(*round_decimal(Fraction(report["floor_bits"]), 4, up=False))
        lines.append(
            f"floor: reaching {eps} on all of F({d},{n}), not this f alone, takes >= {least} "
            f"bits  {report['floor_id']}"
        )
    return lines
