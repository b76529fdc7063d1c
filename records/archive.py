# SPDX-License-Identifier: GPL-2.0-only
"""The traces and the records of kernels in a folder, each file read once."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Set
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from reference_model import Release
from reference_model.traces import Trace, parse

from . import results
from .files import HOME, trace_files

ID = re.compile(r'\{"id": "([^"]+)"')


class Archive:
    """The records below a folder."""

    def __init__(self, home: Path = HOME) -> None:
        self.home = home
        self._parsed: dict[str, Trace] = {}

    @cached_property
    def kernels(self) -> list[dict[str, Any]]:
        """What stories observed on each kernel that was booted, oldest kernel first."""
        return list(results.read(self.home / "kernels"))

    @property
    def trace_ids(self) -> Set[str]:
        """The ids of all traces."""
        return self._lines.keys()

    def trace(self, name: str) -> Trace:
        """The trace of this id; KeyError if there is none."""
        if name not in self._parsed:
            self._parsed[name] = parse(self._lines[name])
        return self._parsed[name]

    def traces(self) -> Iterator[Trace]:
        """All traces."""
        return map(self.trace, self._lines)

    def traces_of(self, story: str) -> list[Trace]:
        """The traces of a story's own operations."""
        return [self.trace(name) for name in self._lines if name.partition("@")[0] == story]

    @cached_property
    def numbers(self) -> dict[str, str]:
        """How much the traces hold, and the names of the kernels that answered them."""
        traces = list(self.traces())
        kernels = {name for trace in traces for name in (*trace.answers, *trace.undefined)}
        answers = sum(len(given) for trace in traces for given in trace.answers.values())
        return {
            "answers": f"{answers:,}",
            "operations": f"{sum(len(trace.ops) for trace in traces):,}",
            "traces": f"{len(traces):,}",
            "kernels": f"{len(kernels)}",
            "names": ", ".join(sorted(kernels, key=Release)),
        }

    @cached_property
    def _lines(self) -> dict[str, str]:
        """The line of each trace by its id: only traces that are asked for are parsed."""
        lines: dict[str, str] = {}
        for path in trace_files(self.home):
            opener = gzip.open if path.suffix == ".gz" else open
            with opener(path, "rt", encoding="utf-8") as text:
                lines.update((found[1], line) for line in text if (found := ID.match(line)))
        return lines


@cache
def committed() -> Archive:
    """The records of this repository."""
    return Archive()
