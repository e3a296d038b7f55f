"""``qexpr targets``."""

import json

import pytest
from click.testing import CliRunner

from qexpr.cli.targets import targets_command
from qexpr.errors import InvalidInput
from qexpr.targets import names


def call(*arguments):
    result = CliRunner().invoke(targets_command, arguments, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result.output


def test_list_has_every_name_and_its_n():
    lines = call().splitlines()
    for name in names():
        assert any(line.split()[:1] == [name] for line in lines)
    assert max(map(len, lines)) <= 120
    waves = next(line.split() for line in lines if line.split()[:1] == ["waves"])
    assert waves[1:3] == ["2", "3"]


def test_proving_prints_norm_and_boxes():
    assert "sin(3*x0)*cos(2*x1)/27" in call("waves", "--prove")
    rows = json.loads(call("waves", "--prove", "--format", "json"))["targets"]
    assert rows[0]["norm"] == "1"
    assert rows[0]["boxes"] > 0
    assert rows[0]["n"] == 3


@pytest.mark.parametrize(
    ("name", "ending"),
    [("waves", "svg"), ("telegraph2", "pdf"), ("distance", "png"), ("x^2", "svg")],
)
def test_plot_writes_the_same_file_twice(tmp_path, name, ending):
    one, two = tmp_path / f"one.{ending}", tmp_path / f"two.{ending}"
    for path in (one, two):
        assert str(path) in call("--plot", str(path), name)
    assert one.read_bytes() == two.read_bytes()
    start = {"svg": b"<?xml", "pdf": b"%PDF", "png": b"\x89PNG"}[ending]
    assert one.read_bytes().startswith(start)


def test_plots_differ_between_targets(tmp_path):
    call("--plot", str(tmp_path / "a.svg"), "x^2")
    call("--plot", str(tmp_path / "b.svg"), "x^3")
    assert (tmp_path / "a.svg").read_bytes() != (tmp_path / "b.svg").read_bytes()


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["--format", "xml"],
        ["--plot", "a.svg"],
        ["--plot", "a.txt", "waves"],
        ["--plot", "a.svg", "waves", "sine"],
        ["--plot", "/nonexistent/dir/a.svg", "waves"],
        ["--plot", "a.svg", "import os"],
    ],
)
def test_bad_input(arguments):
    with pytest.raises(InvalidInput):
        call(*arguments)
