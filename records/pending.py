# SPDX-License-Identifier: GPL-2.0-only
"""The stories that are not recorded yet, in a file that tests read and that a recording rewrites.

A new story is added to the list when it is made. A story that changes joins it, or is recorded
again: a test compares the list with the records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from reference_model.catalogue import Story, stories

from . import results
from .digests import digest, twin_digest
from .files import KERNELS, PENDING, write_whole

ENOUGH = 5
"""Kernels on which a story and its C version must have run as they are."""

HEAD = """\
# SPDX-License-Identifier: GPL-2.0-only
# Stories that are not recorded yet, one a line. `make record` asks kernels and empties the list.
"""


def names(path: Path = PENDING) -> list[str]:
    """The stories of the list."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def write(found: Iterable[str], path: Path = PENDING) -> None:
    """Write the list."""
    write_whole(path, HEAD + "".join(f"{name}\n" for name in sorted(set(found))))


def add(name: str, path: Path = PENDING) -> None:
    """Add a story to the list."""
    write([*names(path), name], path)


def lacking(folder: Path = KERNELS) -> list[str]:
    """The stories that too few kernels ran as they are, in Python or in C."""
    known: dict[str, Story] = stories()
    ran, printed = Counter[str](), Counter[str]()
    current = {name: (digest(story), twin_digest(name)) for name, story in known.items()}
    for record in results.read(folder):
        for name, (story, twin) in current.items():
            ran[name] += record["stories"].get(name, {}).get("digest") == story
            printed[name] += record["twins"].get(name, {}).get("digest") == twin
    return [name for name in current if min(ran[name], printed[name]) < ENOUGH]


def rewrite(path: Path = PENDING) -> list[str]:
    """Write the list of the stories that too few kernels ran; return it."""
    found = lacking()
    write(found, path)
    return found
