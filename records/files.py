# SPDX-License-Identifier: GPL-2.0-only
"""Where the records are."""

from __future__ import annotations

from pathlib import Path

HOME = Path(__file__).parent
TRACES = HOME / "traces"
KERNELS = HOME / "kernels"
HAZARDS = HOME / "traces" / "hazards.jsonl"
STORIES = HOME / "traces" / "stories.jsonl"
PENDING = HOME / "not_recorded.txt"
DIVERGENCE = HOME / "divergence.json"
RACES = HOME / "races.json"

LICENCE = "SPDX-License-Identifier: GPL-2.0-only"
"""In place of the comment that JSON cannot have."""


def trace_files(home: Path = HOME) -> list[Path]:
    """The files of traces below a folder."""
    return sorted((home / "traces").glob("*.jsonl*"))


def kernel_files(home: Path = HOME) -> list[Path]:
    """The files of what stories observed, one for each kernel."""
    return sorted((home / "kernels").glob("*.json"))


def data_files(home: Path = HOME) -> list[Path]:
    """All files of data below a folder."""
    return [*trace_files(home), *kernel_files(home), *sorted(home.glob("*.json"))]
