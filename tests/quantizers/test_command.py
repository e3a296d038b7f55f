"""The command ``qexpr quantizer``, its drawings, and the gallery generated from the registry."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

from qexpr import quantizers
from qexpr.cli.main import run


def test_the_command_lists_all(capsys):
    assert run(["quantizer"]) == 0
    out = capsys.readouterr().out
    for name in quantizers.names():
        assert re.search(rf"^{re.escape(name)} +\d", out, re.M)
    assert "arXiv:1605.04711" in out
    assert run(["quantizer", "--format", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)["quantizers"]
    assert [entry["name"] for entry in listed] == list(quantizers.names())


def test_the_command_describes_one(capsys):
    assert run(["quantizer", "twn", "--option", "threshold=exact"]) == 0
    out = capsys.readouterr().out
    assert r"\arg\max_D" in out
    assert "Ternary weight networks" in out
    assert run(["quantizer", "residual", "--option", "gamma=0.7,0.3", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["options"]["gamma"] == [0.7, 0.3]
    assert "@inproceedings{ghasemzadeh2018rebnet" in document["bibtex"]


@pytest.mark.parametrize("form", ["svg", "pdf", "png"])
def test_the_command_draws(form, tmp_path, capsys):
    path = tmp_path / f"map.{form}"
    assert run(["quantizer", "dorefa", "--option", "role=gradient", "--plot", str(path)]) == 0
    first = path.read_bytes()
    start = {"svg": b"<?xml", "pdf": b"%PDF", "png": b"\x89PNG"}[form]
    assert first.startswith(start)
    assert run(["quantizer", "dorefa", "--option", "role=gradient", "--plot", str(path)]) == 0
    assert path.read_bytes() == first
    capsys.readouterr()


def test_a_drawing_without_a_name_is_called_like_the_quantizer(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["quantizer", "power-of-two", "--plot"]) == 0
    assert "drawing           power-of-two.svg" in capsys.readouterr().out
    assert (tmp_path / "power-of-two.svg").read_bytes().startswith(b"<?xml")
    assert run(["quantizer", "hwgq", "--plot", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "hwgq"
    assert (tmp_path / "hwgq.svg").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["twm"], "did you mean twn"),
        (["twn", "--option", "threshold"], "--option must be KEY=VALUE"),
        (["twn", "--option", "bits=2"], "no option of twn is called 'bits'"),
        (["hwgq", "--option", "bits=9"], "bits must be an integer from 1 to 8, got 9"),
        (["twn", "--plot", "map.gif"], "must end in one of .svg, .pdf, .png"),
        (["twn", "--plot", "/nowhere/map.svg"], "cannot write"),
        (["--plot", "map.svg"], "need the NAME of a quantizer"),
        (["twn", "--format", "xml"], "xml"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(arguments, message, capsys):
    assert run(["quantizer", *arguments]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


# ---- the gallery ----


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    path = Path(__file__).parents[2] / "docs" / "generate_gallery.py"
    spec = importlib.util.spec_from_file_location("generate_gallery", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("gallery")
    return module, folder, module.gallery_pages(folder)


def test_the_gallery_has_every_quantizer(gallery):
    module, folder, pages = gallery
    assert [page.stem for page in pages] == ["index", *quantizers.names()]
    assert set(module.VARIANTS) <= set(quantizers.names())
    index = pages[0].read_text(encoding="utf-8")
    for page in pages[1:]:
        assert re.search(rf"^{re.escape(page.stem)}$", index, re.M)
        text = page.read_text(encoding="utf-8")
        drawings = re.findall(r"\((\S+\.svg)\)", text)
        assert len(drawings) == 1 + len(module.VARIANTS.get(page.stem, ()))
        assert all((folder / drawing).stat().st_size > 1000 for drawing in drawings)
        description = quantizers.get(page.stem).describe()
        assert description.forward in text
        assert description.backward in text
        assert description.bibtex in text
        assert description.optimality in text
