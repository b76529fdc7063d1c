# SPDX-License-Identifier: GPL-2.0-only
"""Which hooks each event passes on real kernels, and which LSM hooks they have.

``python -m conformance events`` writes the file.  By kernel: for each event the hooks in order, and
what is passed if a program at one of them denies; for each LSM hook whether it is void and whether
it takes sleepable programs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reference_model import Release
from reference_model.outputs import write_whole

from .files import LICENCE

FILE = Path(__file__).with_name("events.json")


def read() -> dict[str, dict[str, Any]]:
    """The record of each kernel, by its version; none if there is no file."""
    if not FILE.exists():
        return {}
    found: dict[str, dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))["kernels"]
    return found


def write(records: dict[str, dict[str, Any]]) -> None:
    """Write the records, oldest kernel first, a line for each event and LSM hook."""
    lines = [f'{{\n "LICENSE": {json.dumps(LICENCE)},\n "kernels": {{']
    for version in sorted(records, key=Release):
        lines.append(f' "{version}": {{')
        for part in ("events", "lsm_hooks"):
            answers = records[version][part]
            rows = [
                f"   {json.dumps(name)}: {json.dumps(answers[name])}" for name in sorted(answers)
            ]
            lines += [f'  "{part}": {{', ",\n".join(rows), "  }" + "," * (part == "events")]
        lines.append(" }" + "," * (version != max(records, key=Release)))
    write_whole(FILE, "\n".join([*lines, "}}"]) + "\n")
