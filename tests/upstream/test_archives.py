# SPDX-License-Identifier: GPL-2.0-only
"""Directories out of an archive of many blocks, compared with what tar unpacks."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from upstream import archives

pytestmark = pytest.mark.skipif(not shutil.which("xz"), reason="xz is not installed")

LONG = "/".join(["a_directory_with_a_long_name"] * 5)
NAMES = sorted(
    [*(f"ponds/{number:03}/frog.c" for number in range(90)), f"ponds/{LONG}/frog.c", "ponds.c"]
    + ["frogs/tadpole.h", "frogs-old/tadpole.h", "frogs.txt", "frogs", "Makefile", "zoo/frog.c"]
)


def made(place: Path, names: list[str]) -> Path:
    """An archive of these files and directories in this order, in blocks of a few files."""
    top = place / "linux"
    for name in names:
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name == "frogs":
            path.mkdir(exist_ok=True)
        else:
            path.write_text(f"{name}\n" * 20, encoding="utf-8")
            path.chmod(0o755 if name == "Makefile" else 0o644)
    tar = ["tar", "-c", "--no-recursion", "-C", str(place), *(f"linux/{name}" for name in names)]
    data = subprocess.run(tar, check=True, capture_output=True).stdout
    blocks = ["xz", "-c", "--block-size=4096"]
    archive = place / "linux.tar.xz"
    archive.write_bytes(subprocess.run(blocks, input=data, check=True, capture_output=True).stdout)
    return archive


def files(place: Path) -> dict[str, tuple[int, str]]:
    return {
        str(path.relative_to(place)): (path.stat().st_mode, path.read_text(encoding="utf-8"))
        for path in place.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize(
    "members",
    [["ponds"], ["frogs"], ["frogs", "frogs-old"], ["frogs-old", "frogs.txt", "frogs"],
     ["Makefile", "zoo"], ["ponds.c"], ["ponds/040", "ponds/041", "ponds/089/frog.c"],
     [f"ponds/{LONG}"], ["Makefile", "no/such", "frog", "zoo/frog.c", "ponds/0"]],
    ids=",".join,
)  # fmt: skip
def test_members_are_unpacked_as_tar_does(tmp_path: Path, members: list[str]) -> None:
    archive = made(tmp_path, NAMES)
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    archives.unpack(archive, [f"linux/{member}" for member in members], ours)
    theirs.mkdir()
    tar = ["tar", "-xf", str(archive), "-C", str(theirs), "--strip-components=1"]
    subprocess.run([*tar, *(f"linux/{member}" for member in members)], check=False)
    assert files(ours) == files(theirs)
    assert files(ours)


def test_files_in_another_order_are_an_error(tmp_path: Path) -> None:
    archive = made(tmp_path, ["frogs/b.c", "frogs/a.c"])
    with pytest.raises(archives.ArchiveError, match=r"frogs/a\.c stands behind linux/frogs/b\.c"):
        archives.unpack(archive, ["linux/frogs"], tmp_path / "out")


@pytest.mark.parametrize("keep", [0, 10, 2000, -40])
def test_a_damaged_archive_is_an_error(tmp_path: Path, keep: int) -> None:
    archive = made(tmp_path, NAMES)
    archive.write_bytes(archive.read_bytes()[:keep])
    with pytest.raises(archives.ArchiveError):
        archives.unpack(archive, ["linux/ponds"], tmp_path / "out")
