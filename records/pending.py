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
from reference_model.outputs import write_whole

from . import results
from .digests import digest, go_digest, go_names, twin_digest
from .files import KERNELS, PENDING

ENOUGH = 5
"""Kernels on which a story and its versions in C and Go must have run as they are."""

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
    """The stories that too few kernels ran as they are, in Python, in C or in Go."""
    known: dict[str, Story] = stories()
    current = {
        "stories": {name: digest(story) for name, story in known.items()},
        "twins": {name: twin_digest(name) for name in known},
        "go": {name: go_digest(name) for name in go_names() if name in known},
    }
    ran = Counter[tuple[str, str]]()
    for record in results.read(folder):
        for part, digests in current.items():
            there = record.get(part, {})
            ran.update(
                (part, n) for n, now in digests.items() if there.get(n, {}).get("digest") == now
            )
    few = {n for part, digests in current.items() for n in digests if ran[part, n] < ENOUGH}
    return [name for name in known if name in few]


def rewrite(path: Path = PENDING) -> list[str]:
    """Write the list of the stories that too few kernels ran; return it."""
    found = lacking()
    write(found, path)
    return found
