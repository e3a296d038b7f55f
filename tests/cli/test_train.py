"""``qexpr train``: what it prints is what the network on disk is; it can be interrupted."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from qexpr import certificates, circuits, networks, targets, training
from qexpr.cli import train_report
from qexpr.cli.progress import bar
from qexpr.export import read_packed

SHORT = ("--target", "waves", "--widths", "4,4", "--samples", "128", "--steps", "12")
ROUGH = ("--n", "1", "--gap", "0.9")  # where the enclosure is not what is tested
SMALL = ("--target", "waves", "--widths", "8,8", "--samples", "128", "--steps", "40")


def read(path):
    return networks.from_dict(json.loads(path.read_text()))


def test_the_report_is_that_of_the_network_on_disk(qexpr, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = qexpr("train", *SMALL, "--n", 3, "-o", "net.json", "--format", "json")
    assert done.code == 0, done.err
    report = json.loads(done.out)
    network = read(tmp_path / "net.json")
    assert report["digest"] == network.digest()
    assert report["bits_packed"] == network.counts().bits_packed == 2 * (16 + 64 + 8)
    found = certificates.enclose(network, targets.get("waves"), "1e-1")
    assert Fraction(report["lower"]) <= found.upper
    assert found.lower <= Fraction(report["upper"])
    assert report["dense_error"] <= float(Fraction(report["upper"])) * (1 + 1e-6)
    assert Fraction(report["floor_bits"]) >= 0
    assert Fraction(report["eps"]) >= Fraction(report["upper"])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.json"]
    smallest = circuits.smallest(targets.get("waves"), 3, report["eps"], 2)
    assert report["witness"]["construction"] == smallest.plan["construction"]
    assert report["witness"]["weights"] == smallest.weights


def test_the_text_says_what_is_proven_and_what_is_sampled(qexpr, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = qexpr("train", *SMALL)
    assert done.code == 0, done.err
    assert "<= sup |f - f~| <=" in done.out.split("(proven)")[0]
    assert "(sampled)" in done.out
    assert "on all of F(2,3), not this f alone" in done.out  # the smoothest class that is tried
    assert "for this f with" in done.out
    assert "distinct values" in done.out


def test_little_learned_is_said(qexpr, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    flat = qexpr("train", *SHORT, "--rate", "1e-9", *ROUGH)
    assert "hardly better than a constant, " in flat.out
    done = qexpr("train", *SHORT, "--rate", "1e-9", *ROUGH, "--format", "json")
    report = json.loads(done.out)
    values = training.sample_target(targets.get("waves"), 128).test_y
    assert report["constant_error"] == (values.max() - values.min()) / 2
    assert report["dense_error"] > 0.9 * report["constant_error"]
    better = report | {"dense_error": 0.8 * report["constant_error"]}
    assert "hardly better" not in train_report.text(better)


def test_digits(qexpr, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ("--data", "digits", "--widths", "16,16", "--steps", "60", "--method", "bnn")
    done = qexpr("train", *arguments, "-o", "net.json", "--format", "json")
    assert done.code == 0, done.err
    report = json.loads(done.out)
    data = training.digits()
    guesses = read(tmp_path / "net.json")(data.test_x).argmax(axis=1)
    assert report["wrong"] == int(np.sum(guesses != data.test_y))
    assert report["test"] == 360
    assert report["wrong"] < 250  # guessing is wrong on 324
    assert "wrong on" in qexpr("train", *arguments).out


@pytest.mark.parametrize("method", training.methods())
def test_every_method_writes_a_packed_network(qexpr, tmp_path, monkeypatch, method):
    monkeypatch.chdir(tmp_path)
    common = (
        "--method",
        method,
        "--steps",
        "4",
        "--batch",
        "32",
        "--format",
        "json",
        "-o",
        "n.qxr",
    )
    small = ("--target", "waves", "--widths", "4,4", "--samples", "64", "--n", "3")
    done = qexpr("train", *small, *common, "--gap", "0.9", "--budget", "0.5")
    assert done.code in (0, 1), done.err  # 1: enclosed, but not to the gap
    report = json.loads(done.out)
    assert read_packed("n.qxr").digest() == report["digest"]
    dead = report["weights"] < report["parameters"]  # a layer of zeros is said, in one line
    assert done.err == "" or (dead and "became 0" in done.err and done.err.count("\n") == 1)
    assert Fraction(report["lower"]) <= Fraction(report["upper"])
    done = qexpr("train", "--data", "digits", "--image", "--widths", "2,4", *common)
    assert done.code == 0, done.err
    network = read_packed("n.qxr")
    assert network.digest() == json.loads(done.out)["digest"]
    assert training.digits().wrong(network) == json.loads(done.out)["wrong"]


def test_options_are_those_of_the_recipe(qexpr, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seen = []
    train = training.train

    def spy(data, recipe, *args, **options):
        seen.append((data, recipe))
        return train(data, recipe, *args, **options)

    monkeypatch.setattr(training, "train", spy)
    options = {"steps": 3, "batch": 20, "rate": 0.01, "power": 16, "warm": 0.25, "ramp": 0.5}
    options |= {"optimiser": "sgd", "norm": "shift", "first": "8bit", "last": "real"}
    options |= {"judge": "certified"}
    given = [part for key, value in options.items() for part in (f"--{key}", str(value))]
    given += ["--bits", "3", "--activation-bits", "4", "--gradient-bits", "6", "--derivatives"]
    given += ["--sampling", "grid", "--method", "dorefa", "--widths", "4,4", "--samples", "100"]
    assert qexpr("train", "--target", "waves", *given, "--gap", "0.5").code in (0, 1)
    ((data, recipe),) = seen
    assert {key: getattr(recipe, key) for key in options} == options
    bits = (recipe.weights.bits, recipe.activations.bits, recipe.gradients.bits)
    assert bits == (3, 4, 6)
    assert data.x.shape == data.slopes.shape == (100, 2)
    assert data.x[0].tolist() == [0, 0]
    assert not list(tmp_path.iterdir())


def test_of_several_seeds_the_best_is_kept(qexpr, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = (*SHORT, "--seed", 4, "--seeds", 2, *ROUGH, "--format", "json")
    done = qexpr("train", *arguments, "--plot", "curve.svg")
    assert done.code == 0, done.err
    report = json.loads(done.out)
    errors = report["seeds"]
    assert list(errors) == ["4", "5"]
    assert report["seed"] == int(min(errors, key=errors.get))
    assert report["dense_error"] == pytest.approx(min(errors.values()), rel=1e-4)
    alone = qexpr("train", *SHORT, "--seed", report["seed"], *ROUGH, "--format", "json")
    assert json.loads(alone.out)["digest"] == report["digest"]
    assert [p.name for p in tmp_path.iterdir()] == ["curve.svg"]
    assert "discrete" in (tmp_path / "curve.svg").read_text()
    assert "best of 2 seeds" in qexpr("train", *SHORT, "--seeds", 2, *ROUGH).out


def test_seeds_together_are_those_of_the_ensemble(qexpr, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = (*SHORT, "--seed", 4, "--seeds", 3, "--together", *ROUGH)
    done = qexpr("train", *command, "--format", "json", "-o", "net.json")
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert report["together"] is True
    data = training.sample_target(targets.get("waves"), 128)
    recipe = training.get_recipe("twn", steps=12)
    many = training.train_ensemble(data, recipe, [4, 4], [4, 5, 6], dtype="float32")
    assert report["seeds"] == {str(run.seed): run.error for run in many}
    best = min(many, key=lambda run: run.error)
    assert (report["seed"], report["digest"]) == (best.seed, best.freeze().digest())
    assert [p.name for p in tmp_path.iterdir()] == ["net.json"]
    assert "best of 3 seeds, trained together, by" in qexpr("train", *command).out


def test_seeds_together_are_interrupted_and_resumed_to_the_bit(qexpr, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = (*SHORT, "--seeds", 2, "--together", *ROUGH, "-o", "net.json")
    assert qexpr("train", *command).code == 0
    whole = read(tmp_path / "net.json")
    (tmp_path / "net.json").unlink()
    together = training.train_ensemble

    def interrupted(*args, stop, **options):
        asked = []

        def ask():
            asked.append(1)
            if len(asked) == 7:
                signal.raise_signal(signal.SIGINT)
            return stop()

        return together(*args, stop=ask, **options)

    monkeypatch.setattr(training, "train_ensemble", interrupted)
    done = qexpr("train", *command)
    assert done.code == 130
    assert "interrupted after 7 of 12 steps" in done.err
    assert [p.name for p in tmp_path.iterdir()] == ["net.json.checkpoint"]
    monkeypatch.setattr(training, "train_ensemble", together)
    assert qexpr("train", *command).code == 0
    assert read(tmp_path / "net.json").digest() == whole.digest()
    assert [p.name for p in tmp_path.iterdir()] == ["net.json"]


def test_a_seed_that_diverges_is_left_out_and_said(qexpr, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    together = training.train_ensemble

    def spoilt(*args, **options):
        first, *others = together(*args, **options)
        return (replace(first, diverged="training diverged at step 3"), *others)

    monkeypatch.setattr(training, "train_ensemble", spoilt)
    done = qexpr("train", *SHORT, "--seeds", 2, "--together", *ROUGH, "--format", "json")
    assert done.code == 0
    assert done.err == "qexpr: seed 0 is left out: training diverged at step 3\n"
    assert list(json.loads(done.out)["seeds"]) == ["1"]
    monkeypatch.setattr(training, "train_ensemble", lambda *a, **o: spoilt(*a, **o)[:1])
    done = qexpr("train", *SHORT, "--seeds", 2, "--together", *ROUGH)
    assert (done.code, done.out) == (2, "")
    assert "training diverged at step 3" in done.err


@pytest.mark.parametrize("together", [(), ("--seeds", 2, "--together")])
def test_no_state_of_a_diverged_run_stays(qexpr, tmp_path, monkeypatch, together):
    monkeypatch.chdir(tmp_path)

    def diverge(*args, checkpoint, **options):
        (tmp_path / checkpoint).write_text("a state of earlier steps")
        raise training.Divergence("training diverged at step 600")

    monkeypatch.setattr(training, "train_ensemble" if together else "train", diverge)
    assert qexpr("train", *SHORT, *together).code == 2
    assert not list(tmp_path.iterdir())
    assert qexpr("train", *SHORT, *together, "--checkpoint", "kept").code == 2
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]


def test_the_bar_says_how_well_it_goes(monkeypatch):
    screen = io.StringIO()
    screen.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", screen)
    with bar("training", lambda: "error 0.25") as tell:
        tell(5, 10)
    assert "50%" in screen.getvalue()
    assert "error 0.25" in screen.getvalue()


def test_an_interrupted_run_goes_on_to_the_same_network(qexpr, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = ["train", "--target", "waves", "--widths", "8", "--steps", "100", "--samples", "64"]
    command += ["--gap", "0.5", "-o", "net.json"]
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import torch, qexpr.cli.train as t\n"
            "from qexpr import training\n"
            "train = training.train\n"
            "def slow(*args, stop, **options):\n"
            "    import pathlib, time\n"
            "    def ask():\n"
            "        pathlib.Path('started').touch()\n"
            "        time.sleep(0.02)\n"
            "        return stop()\n"
            "    return train(*args, stop=ask, **options)\n"
            "training.train = slow\n"
            "from qexpr.cli.main import main\n"
            "main()",
            *command,
        ],
        env=dict(os.environ),
        stderr=subprocess.PIPE,
        text=True,
    )
    while child.poll() is None and not (tmp_path / "started").exists():
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "the same command goes on" in said
    assert (tmp_path / "net.json.checkpoint").exists()
    assert not (tmp_path / "net.json").exists()
    assert qexpr(*command).code == 0
    resumed = read(tmp_path / "net.json")
    assert not (tmp_path / "net.json.checkpoint").exists()
    assert qexpr(*command).code == 0
    assert read(tmp_path / "net.json").digest() == resumed.digest()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--target EXPR"),
        (("--target", "waves", "--data", "digits"), "--target EXPR"),
        (("--data", "mnist"), "digits"),
        (("--target", "waves", "--method", "twm"), "did you mean"),
        (("--target", "waves", "--bits", "3"), "fixed number of bits"),
        (("--target", "waves", "--method", "dorefa", "--bits", "0"), "bits"),
        (("--target", "waves", "--widths", "8,,8"), "width"),
        (("--target", "waves", "--widths", "0"), "width"),
        (("--target", "waves", "--seed", "-1"), "seed"),
        (("--target", "waves", "--rate", "0"), "rate"),
        (("--target", "waves", "--gap", "2"), "gap"),
        (("--target", "waves", "--budget", "0"), "budget"),
        (("--target", "waves", "-o", "net.txt"), ".qxr"),
        (("--target", "waves", "-o", "nowhere/net.json"), "no such folder"),
        (("--target", "waves", "--image"), "--image"),
        (("--target", "3*x", "--n", "1"), "F(1,1)"),
        (("--data", "digits", "--d", "2"), "--d"),
        (("--data", "digits", "--derivatives"), "--derivatives"),
        (("--data", "digits", "--widths", "8", "--steps", "2"), "no weight would be quantized"),
        (("--data", "digits", "--image", "--widths", "4,4,4,4"), "halved"),
        (("--target", "waves", "--residual", "--widths", "4,8"), "two layers of equal width"),
        (("--data", "digits", "--judge", "certified"), "judge"),
        (("--target", "waves", "--judge", "best"), "judge"),
        (("--target", "waves", "--loss", "square-hinge"), "square-hinge"),
        (("--target", "waves", "--activation-bits", "2"), "activation_bits"),
        (("--target", "waves", "--gradient-bits", "2"), "gradient_bits"),
        (("--target", "waves", "--method", "post-training", "--bits", "1"), "bits"),
        (("--target", "waves", "--sampling", "random"), "sobol"),
        (("--target", "waves", "--seeds", "0"), "seeds"),
        (("--target", "waves", "--together"), "--seeds"),
        (("--target", "waves", "--plot", "curve.txt"), ".svg"),
        (("--target", "waves", "--optimiser", "lion"), "optimiser"),
        (("--target", "waves", "--n", "9"), "n"),
        ((*SMALL, "--rate", "1e30", "--method", "float"), "diverged at step"),
    ],
)
def test_bad_input_is_one_line(qexpr, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    done = qexpr("train", *arguments)
    assert done.code == 2
    assert done.out == ""
    assert done.err.count("\n") == 1
    assert said in done.err
    assert not list(tmp_path.iterdir())


def test_without_torch_it_says_what_to_install(process, tmp_path):
    code = "import sys; sys.modules['torch'] = None; from qexpr.cli.main import main; main()"
    done = process("train", *SMALL, code=code, cwd=tmp_path)
    assert done.returncode == 2
    assert "pip install 'qexpr[train]'" in done.stderr
