# SPDX-License-Identifier: GPL-2.0-only
"""The C twin of a story on its page: the very files that are compiled and run on kernels."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes

import reference_model

EXAMPLES = Path(inspect.getfile(reference_model)).parents[1] / "docs" / "examples"
BEGIN, END = "/* [begin shown] */", "/* [end shown] */"


def shown(text: str) -> str:
    """What a page shows of a file: the marked parts, or without marks the whole file.

    >>> print(shown("a\\n/* [begin shown] */\\nb\\n/* [end shown] */\\nc\\n"))
    b
    """
    if BEGIN not in text:
        return text.rstrip()
    parts = [part.partition(END)[0] for part in text.split(BEGIN)[1:]]
    return "\n/* ... */\n".join(part.strip("\n") for part in parts)


def files(name: str) -> list[Path]:
    """The files of a story's twin, the program first; none if there is no twin yet."""
    return [path for suffix in (".bpf.c", ".c") if (path := EXAMPLES / f"{name}{suffix}").exists()]


def listings(name: str) -> Iterator[nodes.Node]:
    """Each file with its path above it."""
    for path in files(name):
        text = path.read_text(encoding="utf-8")
        where = f"docs/examples/{path.name}"
        part = ", in part" if BEGIN in text else ""
        yield nodes.paragraph(
            "",
            "",
            nodes.literal(where, where),
            nodes.Text(f"{part}, GPL-2.0-only or BSD-2-Clause:"),
        )
        block = nodes.literal_block(shown(text), shown(text), language="c")
        block.source, block.line = str(path), 1
        yield block
