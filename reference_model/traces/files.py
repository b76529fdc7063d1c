# SPDX-License-Identifier: GPL-2.0-only
"""Files of traces, one on each line."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO

from .trace import Trace, parse

_GZIP = b"\x1f\x8b"
"""How compressed data begins; the standard input has no name that could tell.

RFC 1952, section 2.3.1."""


class TraceError(ValueError):
    """A file is not in the format; the text names file, line, operation and field."""


def read(path: str | Path) -> Iterator[Trace]:
    """Yield the traces of a file, ``.jsonl`` or ``.jsonl.gz``, or of ``-``, the standard input.

    TraceError names a wrong line.
    """
    for _, trace in numbered(path):
        yield trace


def numbered(path: str | Path) -> Iterator[tuple[int, Trace]]:
    """Yield the traces of a file and the numbers of their lines."""
    number = 0
    try:
        with _opened(path) as lines:
            for line in lines:
                number += 1
                try:
                    trace = parse(line)
                except ValueError as error:
                    raise TraceError(f"{path}:{number}: not a trace: {error}") from error
                yield number, trace
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        place = f"{path}:{number + 1}" if number else path
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise TraceError(f"{place}: cannot be read: {reason}") from error


def _opened(path: str | Path) -> AbstractContextManager[IO[str]]:
    if path == "-":
        if sys.stdin is None:
            raise OSError("the standard input is closed")
        if sys.stdin.buffer.peek(2)[:2] == _GZIP:  # type: ignore[union-attr]
            return gzip.open(sys.stdin.buffer, "rt", encoding="utf-8-sig")
        sys.stdin.reconfigure(encoding="utf-8-sig", errors="strict")  # type: ignore[union-attr]
        return nullcontext(sys.stdin)
    opener = gzip.open if Path(path).suffix == ".gz" else open
    return opener(path, "rt", encoding="utf-8-sig")  # some editors begin a file with a mark
