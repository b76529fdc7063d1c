# SPDX-License-Identifier: GPL-2.0-only
"""Temporary folders; the next run removes those that a killed command left."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def temporary(kind: str, parent: Path | None = None) -> Iterator[Path]:
    """A folder for the time of the block, below ``parent`` or where the system has such folders."""
    parent = parent or Path(tempfile.gettempdir())
    sweep(kind, parent)
    with tempfile.TemporaryDirectory(prefix=f"{kind}-{os.getpid()}-", dir=parent) as name:
        yield Path(name)


def sweep(kind: str, parent: Path | None = None) -> None:
    """Remove the folders of this kind whose process does not exist any more."""
    for place in (parent or Path(tempfile.gettempdir())).glob(f"{kind}-*-*"):
        process = place.name.removeprefix(f"{kind}-").partition("-")[0]
        if process.isdecimal() and not _runs(process) and _is_ours(place):
            shutil.rmtree(place, ignore_errors=True)


def _is_ours(place: Path) -> bool:
    try:
        found = place.lstat()
    except FileNotFoundError:  # another command swept it
        return False
    return place.is_dir() and not place.is_symlink() and found.st_uid == os.geteuid()


def _runs(process: str) -> bool:
    try:
        state = Path("/proc", process, "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"  # dead, and nobody has asked for its status
