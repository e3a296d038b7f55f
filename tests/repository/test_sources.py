"""Every source is built and installed, and nothing points out of the repository."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from repository_tree import PACKAGES, ROOT, files, git, sources

INSTALLED = bool(os.environ.get("QEXPR_INSTALLED") or os.environ.get("CI"))
"""Set by `make test`: the tests run against what a user gets, not against the tree."""

QUOTED = re.compile(r"'([^']+)'")


def listed(folder: Path) -> set[str]:
    """The names that a folder's meson.build quotes; none where there is no such file."""
    build = folder / "meson.build"
    names = set(QUOTED.findall(build.read_text("utf-8"))) if build.exists() else set()
    extensions = {f"{name}.pyx" for name in names if (folder / f"{name}.pyx").exists()}
    return names | extensions  # an extension module is built from its name


def missing(paths: list[Path]) -> list[str]:
    """The files that the meson.build beside them does not name."""
    lists = {folder: listed(folder) for folder in {path.parent for path in paths}}
    return [str(p.relative_to(ROOT)) for p in paths if p.name not in lists[p.parent]]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_source_is_listed_in_its_meson_build(package):
    assert len(sources(package)) > 5
    assert missing(sources(package)) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_what_is_listed_exists(package):
    for build in PACKAGES[package].rglob("meson.build"):
        named = {name for name in listed(build.parent) if name.endswith((".py", ".pyi", ".pxd"))}
        assert {name for name in named if not (build.parent / name).exists()} == set(), build


@pytest.mark.parametrize("package", PACKAGES)
def test_every_folder_is_reached_and_installs_into_itself(package):
    home = PACKAGES[package]
    for folder in {path.parent for path in sources(package)}:
        text = (folder / "meson.build").read_text("utf-8")
        inside = folder.relative_to(home).as_posix()
        assert f"subdir: '{package}{'' if inside == '.' else f'/{inside}'}'" in text, folder
        above = (folder.parent / "meson.build").read_text("utf-8")
        assert f"subdir('{folder.name}')" in above, folder


def test_every_study_is_installed():
    studies = sorted((ROOT / "studies").glob("*.toml"))
    assert studies
    assert missing(studies) == []


def test_every_c_source_is_compiled():
    build = (ROOT / "runtime" / "meson.build").read_text("utf-8")
    named = set(QUOTED.findall(build))
    sources_in_c = [p for p in files() if p.is_relative_to(ROOT / "runtime" / "csrc")]
    units = {f"csrc/{path.name}" for path in sources_in_c if path.suffix == ".c"}
    assert units
    assert units - named == set()


def test_a_forgotten_source_is_found():
    assert missing([ROOT / "qexpr" / "core" / "forgotten.py", ROOT / "qexpr" / "errors.py"]) == [
        "qexpr/core/forgotten.py"
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_the_tests_see_the_installed_package(package):
    """`make test` says that it has installed the package; then this is it, file by file."""
    spec = find_spec(package)
    home = Path(spec.origin).parent if spec is not None else None
    if home is None or "site-packages" not in home.parts:
        assert not INSTALLED
        assert home in (None, PACKAGES[package])  # a run from the tree
        return
    known = {path.relative_to(PACKAGES[package]).as_posix() for path in sources(package)}
    wanted = {name for name in known if not name.endswith(".pyx")}
    found = {path.relative_to(home).as_posix() for path in home.rglob("*.p*")}
    assert wanted - found == set()
    assert {name for name in found if name.endswith(".py")} - wanted == set()


# --- nothing points out of the repository ---------------------------------------------------------

# Spelled so that this file does not match itself.
ELSEWHERE = re.compile(r"\.\./" + r"shared|/wo" + r"rk/|/home/\w|/ro" + r"ot/")
TEXT = {".py", ".pyi", ".pyx", ".pxd", ".md", ".toml", ".cff", ".txt", ".c", ".h", ".csv", ".json"}
TEXT |= {".build", "", ".svg", ".html", ".tex", ".yaml", ".yml"}


def elsewhere(text: str) -> list[str]:
    """The places outside the repository that a text names."""
    return ELSEWHERE.findall(text)


@pytest.mark.parametrize("folder", sorted({p.relative_to(ROOT).parts[0] for p in files()}))
def test_nothing_names_a_place_outside(folder):
    for path in files():
        if path.relative_to(ROOT).parts[0] == folder and path.suffix in TEXT:
            found = elsewhere(path.read_text("utf-8", errors="replace"))
            assert found == [], f"{path.relative_to(ROOT)} names {found}"


def test_a_place_outside_is_found():
    assert elsewhere("see ../" + "shared/theory.md") == ["../" + "shared"]
    assert elsewhere("cd /wo" + "rk/main") == ["/wo" + "rk/"]
    assert elsewhere("a framework/for networks/with shared parts") == []


def test_only_regular_small_files_are_committed():
    for line in git("ls-files", "--stage"):
        mode, _, _, name = line.split(maxsplit=3)
        assert mode in ("100644", "100755"), name  # no links, no submodules
        path = ROOT / name
        assert not path.exists() or path.stat().st_size < 2**20, name


def test_no_source_is_long():
    limit = 400
    long = {
        path.relative_to(ROOT).as_posix(): count
        for path in files()
        if path.suffix in (".py", ".pyx", ".c", ".h")
        if (count := path.read_text("utf-8").count("\n")) > limit
    }
    assert long == {}
