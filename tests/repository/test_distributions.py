"""What is built is what is committed, and it works where nothing else is installed."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from repository_tree import PACKAGES, ROOT, git, sources

EXAMPLE = ("bound", "--d", "2", "--n", "3", "--lambda", "3", "--eps", "1e-3")
BUILT = ROOT / "build" / "wheels"  # where `make` has put the wheel that it has just installed


def call(*arguments: object, **options: object) -> str:
    """Run a command to its end; what it said goes into the failure."""
    done = subprocess.run(
        [str(argument) for argument in arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        **options,
    )
    assert done.returncode == 0, f"{arguments}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="session")
def sdist(tmp_path_factory):
    """A source distribution of what is committed."""
    folder = tmp_path_factory.mktemp("sdist")
    options = ("--sdist", "--no-isolation", "--outdir", folder)
    call(sys.executable, "-m", "build", *options, ROOT, env=_tools())
    (archive,) = folder.glob("qexpr-*.tar.gz")
    return archive


@pytest.fixture(scope="session")
def wheel(sdist, tmp_path_factory):
    """The wheel that `make` has built, else one built from the source distribution."""
    built = sorted(BUILT.glob("qexpr-*.whl"))
    if built and os.environ.get("QEXPR_INSTALLED"):  # said by `make test` alone
        return built[-1]
    folder = tmp_path_factory.mktemp("wheel")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (tree,) = folder.iterdir()
    call(sys.executable, "-m", "build", "--wheel", "--outdir", folder, tree)
    (built_here,) = folder.glob("qexpr-*.whl")
    return built_here


def _tools() -> dict[str, str]:
    """The environment with the interpreter's own folder first: meson, ninja and cython."""
    return os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def test_an_sdist_holds_the_committed_files(sdist):
    with tarfile.open(sdist) as archive:
        members = [member.name for member in archive.getmembers() if member.isfile()]
    names = {name.partition("/")[2] for name in members}
    assert set(git("ls-tree", "-r", "--name-only", "HEAD")) - names == set()


def test_a_wheel_holds_every_source_and_nothing_of_the_tests(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        text = archive.read(metadata).decode()
    for package, home in PACKAGES.items():
        committed = {path.relative_to(home).as_posix() for path in sources(package)}
        wanted = {f"{package}/{name}" for name in committed if not name.endswith(".pyx")}
        assert wanted - names == set()
        assert f"{package}/py.typed" in names
    studies = {path.name for path in (ROOT / "studies").glob("*.toml")}
    assert studies
    assert {f"qexpr/study/specs/{name}" for name in studies} - names == set()
    assert "qexpr/study/report.html" in names
    assert {name.split("/")[0].split("-")[0] for name in names} <= {"qexpr", "qexpr_runtime"}
    assert "Requires-Python: >=3.11" in text
    assert any(name.endswith("LICENSE") for name in names)


def test_a_wheel_works_in_an_empty_environment(wheel, tmp_path):
    venv.create(tmp_path / "venv", with_pip=True)
    programs = tmp_path / "venv" / "bin"
    constraints = ROOT / "constraints.txt"
    call(
        *(programs / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check"),
        *("-c", constraints, wheel),
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    table = call(programs / "qexpr", *EXAMPLE, cwd=tmp_path, env=clean)
    assert "ding2018.theorem1" in table
    assert "entropy.floor" in table
    where = "import qexpr, qexpr_runtime; print(qexpr.__file__, qexpr_runtime.__file__)"
    for path in call(programs / "python", "-c", where, cwd=tmp_path, env=clean).split():
        assert Path(path).is_relative_to(tmp_path / "venv")


def test_the_runtime_works_with_numpy_alone(wheel, tmp_path):
    """`pip install --no-deps`: every kernel that the machine can run passes its self-test."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    install = (python, "-m", "pip", "install", "-q", "--disable-pip-version-check")
    call(*install, "-c", ROOT / "constraints.txt", "numpy")
    call(*install, "--no-deps", wheel)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    said = call(python, "-m", "qexpr_runtime", cwd=tmp_path, env=clean)
    assert "scalar" in said
    packages = call(python, "-m", "pip", "list", "--format", "freeze", cwd=tmp_path, env=clean)
    names = {line.split("==")[0].lower() for line in packages.splitlines()}
    assert names <= {"numpy", "qexpr", "pip", "setuptools"}
