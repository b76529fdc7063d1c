# SPDX-License-Identifier: GPL-2.0-only
"""A file is written whole or not at all, and nothing else is touched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reference_model import leftovers
from reference_model.outputs import Output, write_whole
from reference_model.probe import asking
from reference_model.probe import command as probe
from reference_model.user_error import UserError

ROOT = Path(__file__).parents[2]


def test_an_output_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    with Output(file):
        pass
    assert file.read_text() == "old"
    with Output(file) as output:
        assert file.read_text() == "old"
        output.write("new")
    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("other", ["x.new", "x.jsonl.new", "x"])
def test_files_of_the_user_stay(other: str, tmp_path: Path) -> None:
    """Also those with a name that a temporary file could have, and the output itself."""
    (tmp_path / other).write_text("precious")
    with Output(tmp_path / "x.jsonl") as output:
        output.write("new")
    with Output(tmp_path / other):
        pass
    assert (tmp_path / other).read_text() == "precious"


def test_an_unfinished_output_has_no_name_of_a_record(tmp_path: Path) -> None:
    with Output(tmp_path / "x.jsonl.gz"):
        assert not [*tmp_path.glob("*.json*"), *tmp_path.glob("*.gz")]


def test_links_modes_and_devices_stay(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    write_whole(link, "new")
    assert link.is_symlink()
    assert file.read_text() == "new"
    assert file.stat().st_mode & 0o777 == 0o640
    write_whole("/dev/null", "new")
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("path", ["/nonexistent/x", "/", "", "/dev/full", "x\0y", "/dev/null/x"])
def test_what_cannot_be_written(path: str) -> None:
    with pytest.raises(UserError, match="cannot be written: "):
        write_whole(path, "new")


def test_the_probe_tries_its_output_before_it_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "ask", lambda questions: pytest.fail("the kernel is asked"))
    import argparse

    options = argparse.Namespace(profile="/nonexistent/x", json=False, verbose=False)
    with pytest.raises(UserError, match="/nonexistent/x cannot be written"):
        probe.run(options)


# -- folders ---------------------------------------------------------------------------------------

KILLED = """
import os, signal, pathlib
from reference_model.leftovers import temporary
with temporary("test", pathlib.Path(os.environ["PARENT"])) as place:
    (place / "file").touch()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_next_run_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    environment = {**os.environ, "PARENT": str(tmp_path)}
    subprocess.run([sys.executable, "-c", KILLED], cwd=ROOT, env=environment, check=False)
    (left,) = tmp_path.iterdir()
    theirs = [tmp_path / f"test-{os.getppid()}-x", tmp_path / "test-x-y", tmp_path / "other-1-x"]
    for place in theirs:
        place.mkdir()
    (tmp_path / f"test-{2**22 + 1}-x").symlink_to(theirs[1])
    with leftovers.temporary("test", tmp_path) as place:
        assert not left.exists()
        assert place.is_dir()
    assert not place.exists()
    assert all(place.exists() for place in theirs)
    assert (tmp_path / f"test-{2**22 + 1}-x").is_symlink()
