# SPDX-License-Identifier: GPL-2.0-only
"""What real kernels answered to calls with one fault or two, or an argument at its boundary.

``python -m conformance two-faults`` and ``boundaries`` write the files.  The modules ``pairs`` and
``boundaries`` of ``reference_model.refusals`` make the calls; a record holds the answer to each, by
call and kernel.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from reference_model import Release
from reference_model.outputs import write_whole

from .files import LICENCE

TWO_FAULTS = Path(__file__).with_name("two_faults.json")
BOUNDARIES = Path(__file__).with_name("boundaries.json")

Answers = dict[str, str]
"""By the names of the calls, what they were answered."""


def read(path: Path = TWO_FAULTS) -> dict[str, Answers]:
    """The answers of each kernel, by its version; none if there is no file."""
    found: dict[str, Answers] = {}
    if path.exists():
        for name, answers in json.loads(path.read_text(encoding="utf-8"))["calls"].items():
            for answer, kernels in answers.items():
                for kernel in kernels:
                    found.setdefault(kernel, {})[name] = answer
    return found


def counts(records: dict[str, Answers]) -> dict[str, dict[str, int]]:
    """How many calls of each kind each kernel was asked."""
    return {
        kernel: dict(sorted(Counter(map(_kind, answers)).items()))
        for kernel, answers in sorted(records.items(), key=lambda item: Release(item[0]))
    }


def _kind(name: str) -> str:
    """Which kind of call a name stands for."""
    if "=" in name:
        return "boundaries"
    return "two faults" if "," in name else "one fault"


def changed(records: dict[str, Answers]) -> dict[str, Answers]:
    """The calls that kernels answered differently, with the answer of each kernel."""
    found: dict[str, Answers] = {}
    for kernel in sorted(records, key=Release):
        for name, answer in records[kernel].items():
            found.setdefault(name, {})[kernel] = answer
    return {name: answers for name, answers in found.items() if len(set(answers.values())) > 1}


def write(records: dict[str, Answers], path: Path = TWO_FAULTS) -> None:
    """Write the answers of all kernels: a line for each call, with the kernels by errno."""
    calls: dict[str, dict[str, list[str]]] = {}
    for kernel in sorted(records, key=Release):
        for name, answer in records[kernel].items():
            calls.setdefault(name, {}).setdefault(answer, []).append(kernel)
    rows = [f"  {json.dumps(name)}: {json.dumps(calls[name])}" for name in sorted(calls)]
    head = f'{{\n "LICENSE": {json.dumps(LICENCE)},\n'
    head += f' "counts": {json.dumps(counts(records))},\n "calls": {{\n'
    write_whole(path, head + ",\n".join(rows) + "\n }\n}\n")
