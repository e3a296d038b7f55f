"""What a report says of its rows is what the rows say: made-up rows with a known answer."""

from __future__ import annotations

import pytest

from qexpr.study.kinds import get_kind


def trained(**values):
    """A row of a trained network, with what the summaries read."""
    usual = {"target": "waves", "d": 2, "n": 3, "method": "twn", "lam": 0, "widths": "4 4"}
    usual |= {"weights": 100, "weight_bits": 200, "bits": 400, "witness_bits": 50}
    usual |= {"error_lower": 0.01, "error_upper": 0.02, "sup_upper": 0.04, "enclosure": "closed"}
    usual |= {"training_gap_upper": 2.0, "guarantee": None, "guarantee_upper": None}
    return usual | {"status": "ok"} | values


def falling(power, wiggle=0.0, **values):
    """Networks of four sizes whose error falls like a power of the weights."""
    return [
        trained(
            widths=str(size),
            weights=size,
            error_upper=size**-power * (1 + wiggle * (-1) ** k),
            **values,
        )
        for k, size in enumerate((10, 100, 1000, 10_000))
    ]


@pytest.mark.parametrize(
    ("power", "wiggle", "said", "inverse"),
    [
        (3.0, 0.01, "0 have an interval below n/d", "0.33"),
        (0.5, 0.01, "1 have an interval below n/d", "1.99 [1."),
        (1.5, 0.01, "1 intervals contain n/d; 0 of these contain 0 too", "0.6"),
        (0.0, 0.9, "1 intervals contain n/d; 1 of these contain 0 too", "at least"),
        (-1.0, 0.01, "1 have an interval below n/d", "the error does not fall"),
    ],
)
def test_a_rate_is_read_off_the_errors(power, wiggle, said, inverse):
    told = get_kind("rate").summary(falling(power, wiggle))
    assert "Of 1 fits" in told.answer[0]
    assert said in told.answer[0]
    assert ("1 lie above n/d" in told.answer[0]) == (power == 3)
    (row,) = told.tables[0].rows
    assert row[told.tables[0].header.index("k = 1/s, 95 %")].startswith(inverse)
    assert row[told.tables[0].header.index("n/d")] == "3/2"


def test_the_best_of_the_seeds_counts_and_gaps_are_counted():
    rows = falling(1.0, training_gap_upper=0.5)
    rows += [row | {"error_upper": 1.0, "training_gap_upper": 100.0} for row in rows]
    rows += falling(1.0, training_gap_upper=8.0, method="bwn")
    told = get_kind("rate").summary(rows)
    assert "above 1 for 4 of 8 networks" in told.answer[1]
    assert "waves 4.25" in told.answer[2]


def test_levels_are_held_against_all_bits():
    rows = [
        trained(lam=lam, bits=bits, error_upper=error)
        for lam, bits, errors in ((2, 900, (0.3, 0.5)), (4, 700, (0.2, 0.4)), (8, 600, (0.1, 0.15)))
        for error in errors
    ]
    told = get_kind("bitwidth").summary(rows)
    assert "0.125, at 8 levels (next 0.3 at 4; no seed's error there is so small)" in told.answer[0]
    assert "from 600 bits (at 8 levels) to 900 (at 2 levels)" in told.answer[1]
    rows[-1]["error_upper"] = 0.25
    assert "the seeds' ranges overlap" in get_kind("bitwidth").summary(rows).answer[0]


def test_a_method_that_is_smaller_and_closer_hides_another():
    rows = [
        trained(method=method, bits=bits, error_upper=error)
        for method, bits, error in (
            *(("twn", 300, 0.02), ("bwn", 900, 0.01), ("bnn", 800, 0.03)),
            *(("log", 100, 0.09), ("float", 50, 0.001)),
        )
    ]
    answer = get_kind("systems").summary(rows).answer
    assert "bwn has the least median of the proven errors, 0.01. It takes 900 bits" in answer[0]
    assert answer[1].endswith(
        "one of log (100 bits, 0.09), twn (300 bits, 0.02), bwn (900 bits, 0.01)."
    )


def test_constants_that_grow_are_named():
    def group(construction, power):
        one = {"theorem": "ding2018.theorem1", "construction": construction, "d": 1, "n": 2}
        one |= {"alphabet": "linear:2", "status": "ok"}
        sizes = [(10.0**-k, 10.0 ** (power * k)) for k in range(1, 5)]
        return [one | {"eps": eps, "constant_weights": constant} for eps, constant in sizes]

    told = get_kind("theorem").summary([*group("cones", 0.5), *group("bubbles", -0.5)])
    assert "Of 8 networks that were planned and counted, 4 need no more" in told.answer[0]
    assert "falls in 1 of 2 groups" in told.answer[1]
    assert "it grows in 1: cones over linear:2 in F(1,2), ding2018.theorem1." in told.answer[1]
