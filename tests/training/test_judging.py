"""What the best network is chosen by: dense or certified errors, and never the test images."""

from dataclasses import replace

import numpy as np
import pytest

from qexpr import targets, training
from qexpr.certificates import enclose
from qexpr.errors import InvalidInput
from qexpr.training import judging

TARGET = targets.get("waves")
DATA = training.sample_target(TARGET, 64)
DIGITS = training.digits()


def short(method="twn", **changes):
    return training.get_recipe(method, **{"steps": 6, "batch": 16, **changes})


def test_certified_errors_are_proven_and_choose_the_network():
    run = training.train(DATA, short(judge="certified"), [6, 6], 0)
    assert run.error == min(error for _, _, error in run.history)
    found = enclose(run.freeze(), TARGET, "1e-1")
    assert found.lower <= run.error
    assert float(found.upper) == run.error
    dense = training.train(DATA, short(), [6, 6], 0)
    assert run.error > dense.error  # what is proven is more than what is seen


def test_a_search_that_does_not_end_still_gives_what_it_has_proven(monkeypatch):
    monkeypatch.setattr(judging, "_BOXES", 8)
    run = training.train(DATA, short("bnn", steps=2, judge="certified"), [6, 6], 0)
    assert enclose(run.freeze(), TARGET, "0.3").lower <= run.error < 10


def test_a_certified_judge_needs_a_target():
    plain = training.from_arrays(DATA.x, DATA.y, DATA.test_x, DATA.test_y)
    for data, task in ((plain, "target"), (DIGITS, "classes")):
        recipe = training.get_recipe("twn", task, steps=1, judge="certified")
        with pytest.raises(InvalidInput, match="sample_target"):
            training.train(data, recipe, [4], 0)
    with pytest.raises(InvalidInput, match="judge"):
        short(judge="best")


def test_the_test_set_plays_no_part_in_a_run():
    recipe = training.get_recipe("twn", "classes", steps=8, batch=32)
    blind = replace(DIGITS, test_x=np.zeros((1, 64)), test_y=np.zeros(1, dtype=np.int64))
    first, second = (training.train(data, recipe, [8, 8], 0) for data in (DIGITS, blind))
    assert np.array_equal(first.history, second.history, equal_nan=True)
    network = first.freeze()
    assert network.digest() == second.freeze().digest()
    guesses = network(DIGITS.valid_x).argmax(axis=1)
    assert first.error == np.mean(guesses != DIGITS.valid_y)
    guesses = network(DIGITS.test_x).argmax(axis=1)
    assert DIGITS.wrong(network) == np.sum(guesses != DIGITS.test_y)


def test_arrays_of_classes_keep_some_back():
    x, y = np.arange(20.0).reshape(10, 2), np.arange(10) % 3
    data = training.from_arrays(x, y, x[:2], y[:2], validation=0.3)
    assert (len(data.x), len(data.valid_x), data.classes) == (7, 3, 3)
    both = np.concatenate([data.x, data.valid_x])
    assert sorted(map(tuple, both)) == sorted(map(tuple, x))
    assert np.array_equal(y[(data.valid_x[:, 0] // 2).astype(int)], data.valid_y)
    for share in (0, 0.01, 1):
        with pytest.raises(InvalidInput, match="both sides"):
            training.from_arrays(x, y, x, y, validation=share)
