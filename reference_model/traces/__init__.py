# SPDX-License-Identifier: GPL-2.0-only
"""Traces: sequences of operations, and what kernels answered to them.

The page on traces describes the format; ``operations`` is its table, from which all else derives.
``export`` writes stories as traces, ``listing`` writes a sequence as a Python program.
"""

from __future__ import annotations

from .files import TraceError, read
from .names import ATTACH_TYPES, GARBAGE
from .operation import Op, Operation
from .operations import OPERATIONS
from .replayer import Replayer
from .scoring import Mismatch, Score, compare, replay, table
from .shapes import shape
from .trace import Answer, Trace, line, parse

__all__ = [
    "ATTACH_TYPES",
    "GARBAGE",
    "OPERATIONS",
    "Answer",
    "Mismatch",
    "Op",
    "Operation",
    "Replayer",
    "Score",
    "Trace",
    "TraceError",
    "compare",
    "line",
    "parse",
    "read",
    "replay",
    "shape",
    "table",
]
