"""The files of the repository, as the tests of it see them."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = {"qexpr": ROOT / "qexpr", "qexpr_runtime": ROOT / "runtime" / "qexpr_runtime"}


def git(*arguments: str) -> list[str]:
    """The lines that git answers in the repository."""
    answer = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return answer.stdout.splitlines()


def files() -> list[Path]:
    """All files under version control: what a clean checkout has, and an sdist."""
    return [path for path in map(ROOT.joinpath, git("ls-files")) if path.is_file()]


def sources(package: str) -> list[Path]:
    """The Python sources, stubs and declarations of a package."""
    kinds = (".py", ".pyi", ".pyx", ".pxd")
    home = PACKAGES[package]
    return [path for path in files() if path.is_relative_to(home) and path.suffix in kinds]
