# SPDX-License-Identifier: GPL-2.0-only
"""What `make` says on a machine that lacks something."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def make(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make in a directory that has nothing but the Makefile and requirements.txt."""
    for name in ("Makefile", "requirements.txt"):
        if not (directory / name).exists():
            shutil.copy(ROOT / name, directory)
    return subprocess.run(
        ["make", "-s", *arguments], cwd=directory, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("python", "sentence"),
    [
        ("exit 1", "This needs Python 3.11 or later"),
        ('case "$2" in *ensurepip*) exit 1; esac', "apt install python3-venv"),
    ],
    ids=["old Python", "no python3-venv"],
)
def test_what_is_missing_is_named(tmp_path: Path, python: str, sentence: str) -> None:
    path = tmp_path / "python"
    path.write_text(f"#!/bin/sh\n{python}\n")
    path.chmod(0o755)
    result = make(tmp_path, "html", f"PYTHON={path}")
    assert result.returncode != 0
    assert sentence in result.stderr.splitlines()[0]
    assert result.stdout == ""
    assert not (tmp_path / ".venv").exists()


def test_no_python_at_all_is_an_old_python(tmp_path: Path) -> None:
    result = make(tmp_path, "html", "PYTHON=no-such-python")
    assert "This needs Python 3.11 or later" in result.stderr


def test_nothing_is_installed_twice(tmp_path: Path) -> None:
    """The tools that are there serve, until others are wanted or another Python is."""
    (stamp,) = re.findall(r"touch (\.venv/.+)", make(tmp_path, "-n", "html").stdout)
    (tmp_path / ".venv").mkdir()
    (tmp_path / stamp).touch()
    assert "pip install" not in make(tmp_path, "-n", "html").stdout
    assert "pip install" in make(tmp_path, "-n", "html", "PYTHON=python4").stdout
    with (tmp_path / "requirements.txt").open("a") as requirements:
        requirements.write("one-more==1.0\n")
    assert "pip install" in make(tmp_path, "-n", "html").stdout


def test_help_says_what_each_target_does(tmp_path: Path) -> None:
    targets = set(re.findall(r"(?m)^\.PHONY: (.*)$", MAKEFILE)[0].split())
    result = make(tmp_path, "help")
    assert set(re.findall(r"(?m)^  make ([a-z-]+)  ", result.stdout)) == targets
