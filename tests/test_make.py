# SPDX-License-Identifier: GPL-2.0-only
"""What `make` says on a machine that lacks something."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
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


def test_another_python_of_the_system_is_noticed(tmp_path: Path) -> None:
    """After an upgrade .venv/bin/python leads to a version that has none of the tools."""
    stub_python(tmp_path, "")
    python = tmp_path / ".venv" / "bin" / "python"
    python.rename(tmp_path / "python3.98")
    python.symlink_to(tmp_path / "python3.98")
    (tmp_path / ".venv" / "lib" / "python3.98").mkdir(parents=True)
    assert "pip install" not in make(tmp_path, "-n", "html").stdout
    (tmp_path / "python3.98").rename(tmp_path / "python3.99")
    python.unlink()
    python.symlink_to(tmp_path / "python3.99")
    assert "pip install" in make(tmp_path, "-n", "html").stdout


def stub_python(directory: Path, script: str) -> None:
    """Have make find its tools installed, with a Python that only runs this script."""
    (stamp,) = re.findall(r"touch (\.venv/.+)", make(directory, "-n", "html").stdout)
    python = directory / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    (directory / stamp).touch()


def test_a_linked_environment_is_refused(tmp_path: Path) -> None:
    """To install would empty the directory that the link points to."""
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "precious").touch()
    (tmp_path / ".venv").symlink_to(shared)
    result = make(tmp_path, "html")
    assert result.returncode != 0
    assert result.stderr.startswith(".venv is a symbolic link")
    assert (shared / "precious").exists()


def test_a_directory_of_the_users_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "precious").touch()
    result = make(tmp_path, "html")
    assert result.returncode != 0
    assert result.stderr.startswith(".venv is not a virtual environment")
    assert (tmp_path / ".venv" / "precious").exists()


def test_a_missing_network_is_named(tmp_path: Path) -> None:
    """pip fails as it does without a network; the next run tries again."""
    python = tmp_path / "python"
    python.write_text(
        "#!/bin/sh\ncase $2 in venv) ;; *) exit 0; esac\nmkdir -p .venv/bin\n"
        "printf '#!/bin/sh\\necho no route >&2; exit 1' >.venv/bin/python\n"
        "chmod +x .venv/bin/python\n"
    )
    python.chmod(0o755)
    result = make(tmp_path, "html", f"PYTHON={python}")
    assert result.returncode != 0
    assert result.stderr.splitlines()[:2] == [
        "no route",
        "The tools were not installed: check the network, then run make again.",
    ]
    assert "pip install" in make(tmp_path, "-n", "html", f"PYTHON={python}").stdout


def test_after_a_failed_build_every_page_is_read_again(tmp_path: Path) -> None:
    """Else the warnings that made the build fail would not be repeated."""
    stub_python(tmp_path, 'echo "$@"; test ! -e fail')
    assert " -E " not in make(tmp_path, "html").stdout
    (tmp_path / "fail").touch()
    assert make(tmp_path, "html").returncode != 0
    (tmp_path / "fail").unlink()
    assert " -E " in make(tmp_path, "doctest").stdout
    assert " -E " not in make(tmp_path, "html").stdout


@pytest.mark.parametrize("linux", ["it's", "a b", "$(false)"])
def test_any_path_of_linux_reaches_the_command(tmp_path: Path, linux: str) -> None:
    stub_python(tmp_path, 'printf "%s\\n" "$@"')
    result = make(tmp_path, "upstream", "LINUX=" + linux.replace("$", "$$"))
    assert linux in result.stdout.splitlines()


def test_all_options_of_the_series_reach_the_command(tmp_path: Path) -> None:
    stub_python(tmp_path, 'printf "%s\\n" "$@"')
    options = (
        "LINUX=x",
        "SERIES=2",
        "REVISION=3",
        "SIGNOFF=yes",
        "ASSISTED_BY=a b",
        "SITE=https://x",
    )
    told = make(tmp_path, "upstream", *options).stdout
    wanted = "series x --series 2 --revision 3 --signoff yes --assisted-by a b --site https://x"
    assert wanted in " ".join(told.splitlines())


def test_linux_is_asked_for_before_anything_is_installed(tmp_path: Path) -> None:
    result = make(tmp_path, "upstream", "LINUX=")
    assert "make upstream LINUX=/path/to/linux" in result.stderr
    assert not (tmp_path / ".venv").exists()


def test_a_missing_npm_is_named(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "playground", tmp_path / "playground")
    shutil.copy(ROOT / "Makefile", tmp_path)
    result = subprocess.run(
        [str(shutil.which("make")), "-s", "build/pyodide/installed"],
        cwd=tmp_path,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    assert "npm is missing: apt-get install npm" in result.stderr
    assert not (tmp_path / "build").exists()


def test_a_busy_port_is_named_before_the_build(tmp_path: Path) -> None:
    stub_python(tmp_path, f'exec {sys.executable} "$@"')
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        result = make(tmp_path, "serve", f"PORT={port}")
    assert result.returncode != 0
    assert result.stderr.startswith(f"Port {port} cannot be used")


def test_help_says_what_each_target_does(tmp_path: Path) -> None:
    targets = set(re.findall(r"(?m)^\.PHONY: (help .*)$", MAKEFILE)[0].split())
    result = make(tmp_path, "help")
    assert set(re.findall(r"(?m)^  make ([a-z-]+)  ", result.stdout)) == targets


def test_every_python_package_has_a_version_and_hashes() -> None:
    """requirements.txt is made from requirements.in; without a hash pip would take any file."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    pinned = dict(
        re.findall(r"(?m)^([\w.-]+)(?:\[\w+\])?==(\S+) \\\n    --hash=sha256:[0-9a-f]{64}", text)
    )
    assert len(pinned) == len(re.findall(r"(?m)^[\w]", text)) > 60
    wanted = (ROOT / "requirements.in").read_text(encoding="utf-8")
    assert dict(re.findall(r"(?m)^([\w.-]+)==([\w.]+)", wanted)).items() <= pinned.items()


def test_work_in_a_copy_leaves_this_directory_alone(tmp_path: Path) -> None:
    """What was built in the copy stays, a file that is gone here leaves it."""
    here, there = tmp_path / "a checkout", tmp_path / "a bâtiment"
    (here / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "copy", here / ".ci")
    (here / "gone").touch()
    assert make(here, f"BUILD={there}", "help").returncode == 0
    (there / "build").mkdir()
    (there / "build" / "made").touch()
    (here / "gone").unlink()
    assert make(here, f"BUILD={there}", "help").returncode == 0
    assert (there / "build" / "made").exists()
    assert not (there / "gone").exists()
    assert {path.name for path in here.iterdir()} == {".ci", "Makefile", "requirements.txt"}


@pytest.mark.parametrize("place", ["checkout/inside", "precious", ".", "it's/../checkout/it's"])
def test_a_copy_replaces_nothing(tmp_path: Path, place: str) -> None:
    here = tmp_path / "checkout"
    (here / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "copy", here / ".ci")
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "mine").touch()
    result = make(here, f"BUILD={tmp_path / place}", "help")
    assert result.returncode != 0
    assert result.stderr.startswith(f"BUILD={tmp_path / place} cannot be used: ")
    assert (tmp_path / "precious" / "mine").exists()
    assert {path.name for path in here.iterdir()} <= {".ci", "Makefile", "requirements.txt"}


@pytest.mark.parametrize("port", ["it's", "x", "$(id)", "80 81", "99999999", ""])
def test_a_port_that_is_none_is_named(port: str, tmp_path: Path) -> None:
    stub_python(tmp_path, f'exec {sys.executable} "$@"')
    result = make(tmp_path, "serve", "PORT=" + port.replace("$", "$$"))
    assert result.returncode != 0
    assert result.stderr.startswith(f"Port {port} cannot be used")


@pytest.mark.parametrize(
    "release", ["", "x", "7", "7.", ".4", "7.4.1", "7.4'; touch x; '", "7.4\n1"]
)
def test_a_release_that_is_none_changes_nothing(release: str, tmp_path: Path) -> None:
    stub_python(tmp_path, "exit 1")
    file = tmp_path / "reference_model" / "releases.py"
    file.parent.mkdir()
    file.write_text('NEWEST = "7.3"\n')
    result = make(tmp_path, "release", f"R={release}")
    assert result.returncode != 0
    assert result.stderr.startswith("Name a release: make release R=7.4")
    assert file.read_text() == 'NEWEST = "7.3"\n'
    assert not (tmp_path / "x").exists()
