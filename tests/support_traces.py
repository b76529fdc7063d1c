# SPDX-License-Identifier: GPL-2.0-only
"""Small traces for tests, and files of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TRACES = Path(__file__).parents[1] / "records" / "traces"
LINUX, HAZARDS = TRACES / "linux.jsonl.gz", TRACES / "hazards.jsonl"

Line = dict[str, Any] | str
"""A trace, or the text of a line."""

MKDIR = {"op": "mkdir", "cgroup": "c1", "parent": None}
RMDIR = {"op": "rmdir", "cgroup": "c1"}


def trace_of(
    answers: list[Any] | None,
    ops: list[dict[str, Any]] | None = None,
    kernel: str = "5.8.18",
    **further: Any,
) -> dict[str, Any]:
    """A trace of one kernel, by default of making and removing a cgroup."""
    given = [] if answers is None else [[[kernel], answers]]
    return {"id": "t1", "ops": ops or [MKDIR, RMDIR], "answers": given, "undefined": {}, **further}


def written(directory: Path, *lines: Line, name: str = "some.jsonl") -> Path:
    """A file with these lines."""
    path = directory / name
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path
