# SPDX-License-Identifier: GPL-2.0-only
"""Traces: sequences of operations, and what kernels answered to them.

The page on traces describes the format.  ``export`` writes stories as traces, ``listing`` writes a
sequence as a Python program.
"""

from __future__ import annotations

from .replayer import (
    ATTACH_TYPES,
    GARBAGE,
    MAP_TYPES,
    OPERATIONS,
    PROG_TYPES,
    STEPS,
    Answer,
    Difference,
    Op,
    Replayer,
    Score,
    Trace,
    TraceError,
    compare,
    parse,
    read,
    replay,
    shape,
    table,
)

__all__ = [
    "ATTACH_TYPES",
    "GARBAGE",
    "MAP_TYPES",
    "OPERATIONS",
    "PROG_TYPES",
    "STEPS",
    "Answer",
    "Difference",
    "Op",
    "Replayer",
    "Score",
    "Trace",
    "TraceError",
    "compare",
    "parse",
    "read",
    "replay",
    "shape",
    "table",
]
