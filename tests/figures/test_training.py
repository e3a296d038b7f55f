"""The learning curve: what is drawn is the history, once for each seed."""

from qexpr.figures.training import draw_training

ROWS = [(0, float("nan"), 0.5), (10, 0.25, 0.4), (20, 0.125, 0.0), (30, 0.1, 0.2)]
PHASES = [("float", 0), ("annealing", 10), ("discrete", 10)]


def test_curves_are_drawn_and_bytes_repeat():
    first = draw_training([ROWS, ROWS], PHASES, "twn on f", "error seen")
    assert first == draw_training([ROWS, ROWS], PHASES, "twn on f", "error seen")
    text = first.decode()
    assert text.count("error seen") == 1  # one legend for all seeds
    assert "twn on f" in text
    assert "float" in text
    assert "annealing" not in text  # it takes no steps
    assert first != draw_training([ROWS[:2]], PHASES, "twn on f", "error seen")
