# SPDX-License-Identifier: GPL-2.0-only
"""What bpftool printed on real kernels: ``python -m conformance bpftool`` writes the file.

By kernel and story: each line of the script that the page shows with what it printed, and a digest
of the script.  Ids, which differ from run to run, are replaced.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from reference_model import Release
from reference_model.outputs import write_whole

from .files import LICENCE

FILE = Path(__file__).with_name("sessions.json")

FIRST_ID = 4711
"""In place of the id of the first cgroup; the next ones are 4712 and so on."""


def read(path: Path = FILE) -> dict[str, Any]:
    """The version of bpftool, and the sessions of each kernel; empty if there is no file."""
    if not path.exists():
        return {"bpftool": "", "kernels": {}}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def write(version: str, kernels: dict[str, Any], path: Path = FILE) -> None:
    """Write the record, oldest kernel first."""
    ordered = {name: kernels[name] for name in sorted(kernels, key=Release)}
    data = {"LICENSE": LICENCE, "bpftool": version, "kernels": ordered}
    write_whole(path, json.dumps(data, indent=1) + "\n")


def plain(printed: str, cgroups: Iterable[int]) -> str:
    """What was printed, with other ids in place of those of this run.

    >>> plain('{"cgroup_inode_id": 33}', [33])
    '{"cgroup_inode_id": 4711}'
    >>> plain("Return value: 1, duration (average): 812ns", [])
    'Return value: 1, duration (average): 1000ns'
    >>> plain("12       cgroup_inet_egress multi", [])
    '1        cgroup_inet_egress multi'
    """
    for number, found in enumerate(cgroups):
        printed = re.sub(rf"\b{found}\b", str(FIRST_ID + number), printed)
        printed = printed.replace(_bytes(found), _bytes(FIRST_ID + number))
    printed = re.sub(r"\b\d+ns\b", "1000ns", printed)
    programs: dict[str, int] = {}

    def row(found: re.Match[str]) -> str:
        number = programs.setdefault(found[1], len(programs) + 1)
        return str(number).ljust(len(found[0]))

    printed = re.sub(r"^(\d+) +(?=cgroup_)", row, printed, flags=re.MULTILINE)
    return "\n".join(line.rstrip() for line in printed.splitlines())


def _bytes(number: int) -> str:
    """A number as bpftool prints the bytes of a key without BTF."""
    return number.to_bytes(8, "little").hex(" ")
