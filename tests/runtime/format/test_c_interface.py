"""The C library: an example program in C99 built, run and held against Python."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import qexpr_runtime as rt
from packed_files import CORPUS, RUNTIME

PACKAGE = Path(rt.__file__).parent


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    out = tmp_path_factory.mktemp("c") / "evaluate"
    lib = PACKAGE / "lib"
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", f"-I{PACKAGE / 'include'}"]
    link = [f"-L{lib}", "-lqexpr_runtime", f"-Wl,-rpath,{lib.resolve()}"]
    cc = os.environ.get("CC", "cc")
    example = RUNTIME / "examples" / "evaluate.c"
    subprocess.run([cc, *flags, example, *link, "-o", out], check=True)
    return out


def run(program, path, text="", **environment):
    return subprocess.run([program, path], input=text, capture_output=True, text=True,
                          env={**os.environ, **environment}, timeout=60)  # fmt: skip


@pytest.mark.parametrize("file", CORPUS, ids=lambda p: p.stem)
def test_the_example_gives_the_values_of_python(program, file):
    net = rt.load(file)
    x = np.random.default_rng(0).integers(-8, 9, (7, net.inputs)) / 4
    text = "\n".join(" ".join(map(repr, row)) for row in x.tolist())
    for isa in rt.available():
        done = run(program, file, text, QEXPR_ISA=isa)
        got = np.array([[float(v) for v in line.split()] for line in done.stdout.splitlines()])
        np.testing.assert_array_equal(got, net(x).reshape(7, -1))


def test_errors_are_said(program, tmp_path):
    missing = run(program, tmp_path / "none.qxr")
    assert missing.returncode == 1
    assert "No such file" in missing.stderr
    broken = tmp_path / "b.qxr"
    broken.write_bytes(CORPUS[0].read_bytes()[:-1])
    assert "section header, byte 16" in run(program, broken).stderr
    (tmp_path / "empty.qxr").write_bytes(b"")
    assert "ends within its header" in run(program, tmp_path / "empty.qxr").stderr
    os.mkfifo(tmp_path / "pipe.qxr")  # into which nobody writes
    for other in (tmp_path, tmp_path / "pipe.qxr"):
        assert "not a regular file" in run(program, other).stderr
    net = rt.load(CORPUS[0])
    text = " ".join(["nan"] * net.inputs)
    assert "not finite" in run(program, CORPUS[0], text).stderr
    for text in (" ".join(["1"] * (net.inputs + 1)), "1,2", "x"):
        cut = run(program, CORPUS[0], text)
        assert cut.returncode == 1
        assert f"a point is {net.inputs} numbers" in cut.stderr
    assert "QEXPR_ISA" in run(program, CORPUS[0], QEXPR_ISA="none").stderr


def test_the_library_exports_its_interface_only():
    listed = subprocess.run(["nm", "-D", "--defined-only", PACKAGE / "lib/libqexpr_runtime.so"],
                            capture_output=True, text=True, check=True).stdout  # fmt: skip
    names = {line.split()[-1] for line in listed.splitlines()}
    assert names == {
        "qexpr_load", "qexpr_load_memory", "qexpr_free", "qexpr_inputs", "qexpr_outputs",
        "qexpr_eval_f64", "qexpr_eval_f32", "qexpr_eval_u8", "qexpr_isa",
    }  # fmt: skip
