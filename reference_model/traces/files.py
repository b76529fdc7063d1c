# SPDX-License-Identifier: GPL-2.0-only
"""Files of traces, one on each line."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from .trace import Trace, parse


class TraceError(ValueError):
    """A file is not in the format; the text names file, line, operation and field."""


def read(path: str | Path) -> Iterator[Trace]:
    """Yield the traces of a file, ``.jsonl`` or ``.jsonl.gz``; TraceError names a wrong line."""
    for _, trace in numbered(path):
        yield trace


def numbered(path: str | Path) -> Iterator[tuple[int, Trace]]:
    """Yield the traces of a file and the numbers of their lines."""
    path, number = Path(path), 0
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                number += 1
                try:
                    trace = parse(line)
                except ValueError as error:
                    raise TraceError(f"{path}:{number}: not a trace: {error}") from error
                yield number, trace
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        place = f"{path}:{number + 1}" if number else path
        raise TraceError(f"{place}: cannot be read: {error}") from error
