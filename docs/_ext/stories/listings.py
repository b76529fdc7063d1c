# SPDX-License-Identifier: GPL-2.0-only
"""The files of ``docs/examples`` on the page of a story: its C version, and what readers copy.

``fixes``, ``guides`` and ``go`` there hold the code that a reader copies: each file compiles by
itself and declares all that it uses.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from pathlib import Path

from docutils import nodes

import reference_model
from reference_model.catalogue import StoryError

EXAMPLES = Path(inspect.getfile(reference_model)).parents[1] / "docs" / "examples"
BEGIN = "/* [begin shown] */"
MARK = re.compile(r"(?:/\* |// |# )\[(begin|end) shown\](?: \*/)?")
"""Before and after a part that is shown: a comment of C, Go or the shell, on a line of its own."""


def shown(text: str, name: str = "") -> str:
    """What a page shows of a file: the marked parts, or all but the licence without marks.

    >>> print(shown("a\\n/* [begin shown] */\\nb\\n/* [end shown] */\\nc\\n"))
    b
    """
    lines = text.splitlines()
    marked = [n for n, line in enumerate(lines) if "[begin shown]" in line or "[end shown]" in line]
    kinds = [mark and mark[1] for mark in (MARK.fullmatch(lines[number]) for number in marked)]
    for number, kind, wanted in zip_longest(marked, kinds, ["begin", "end"] * (len(marked) // 2)):
        if kind != wanted:
            raise StoryError(
                f"{name}:{number + 1}: each part that a page shows is between [begin shown] and "
                "[end shown], comments on lines of their own"
            )
    parts = ["\n".join(lines[a + 1 : b]) for a, b in zip(marked[::2], marked[1::2], strict=True)]
    return "\n/* ... */\n".join(part.strip("\n") for part in parts) if parts else text.rstrip()


def files(name: str) -> list[Path]:
    """The files of a story's C version, the program first; none if there is no C version yet."""
    return [path for suffix in (".bpf.c", ".c") if (path := EXAMPLES / f"{name}{suffix}").exists()]


def to_copy(folder: str, name: str) -> dict[str, list[Path]]:
    """The files of ``fixes`` or ``guides`` for a story, by their languages, in their order."""
    stem = EXAMPLES / folder / name
    wanted = {
        "C": [Path(f"{stem}.bpf.c"), Path(f"{stem}.c")],
        "Go": [EXAMPLES / "go" / name / "copy.go"],
        "bpftool": [Path(f"{stem}.sh")],
    }
    found = {language: [p for p in paths if p.exists()] for language, paths in wanted.items()}
    return {language: paths for language, paths in found.items() if paths}


def listings(paths: Iterable[Path]) -> Iterator[nodes.Node]:
    """Each file with its path above it."""
    for path in paths:
        where = f"docs/examples/{path.relative_to(EXAMPLES).as_posix()}"
        part = ", in part" if BEGIN in read(path) else ""
        yield nodes.paragraph(
            "",
            "",
            nodes.literal(where, where),
            nodes.Text(f"{part}, GPL-2.0-only or BSD-2-Clause:"),
        )
        yield listing(path)


def read(path: Path) -> str:
    """The text of a file."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise StoryError(f"{path}: it cannot be read: {error}") from error


def listing(path: Path) -> nodes.literal_block:
    """What the page shows of a file."""
    text = shown(read(path), str(path))
    block = nodes.literal_block(text, text, language=path.suffix[1:])
    block.source, block.line = str(path), 1
    return block
