# SPDX-License-Identifier: GPL-2.0-only
"""Reads what there is from files that bpftool wrote, on this machine or on another one.

The files are those of ``bpftool -j map show``, ``bpftool -j prog show``, ``bpftool -j cgroup tree``
and, for each storage map, ``bpftool -j map dump id N``, whose file has the id N as the last number
of its name.  One more file tells the ids of the cgroups, which bpftool does not print::

    find /sys/fs/cgroup -type d -printf '%i %p\\n' > cgroups.txt

Each file is recognised by what is in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..members import load, member, members
from ..uapi import AttachFlag, AttachType, MapType
from ..user_error import UserError
from .found import STORAGE_MAPS, FoundAttachment, FoundMap, FoundProgram, Key, Machine
from .live import read_key

_TYPES = {kind.name.removeprefix("BPF_MAP_TYPE_").lower(): kind for kind in STORAGE_MAPS}
_FLAGS = {"multi": AttachFlag.BPF_F_ALLOW_MULTI, "override": AttachFlag.BPF_F_ALLOW_OVERRIDE}
_SHORT = {"device": "cgroup_device", "sock_ops": "cgroup_sock_ops"}
_MOST = 1 << 28
"""Bytes of the largest file that is read."""

_COMMANDS = (
    "bpftool -j map show, prog show, cgroup tree and map dump id N (in a file whose name ends in "
    "N), and the list of cgroups that --help describes"
)


Tree = tuple[str, list[tuple[int, str, int]]]
"""A cgroup, and its programs: id, attach type, and flags of the attachment."""


class FileError(UserError):
    """A file is none of those that are read; the text names it, and what is wrong."""


def _attach_types() -> dict[str, AttachType]:
    """The attach types by the names that some version of bpftool gives them."""
    found: dict[str, AttachType] = {}
    for kind in AttachType:
        full = kind.name.removeprefix("BPF_").lower()
        short = full.removeprefix("cgroup_").removeprefix("inet_")
        for name in (full, short, full.removeprefix("cgroup_")):
            found.setdefault(name, kind)
    return found


_ATTACH_TYPES = _attach_types()


def read(paths: Sequence[str | Path]) -> Machine:
    """What the files say there is; FileError names a file that is none of those."""
    machine = Machine(programs=None, attachments=None, whole=False)
    dumps: dict[int, list[Key]] = {}
    trees: list[Tree] = []
    kinds: set[str] = set()
    for path in paths:
        try:
            kinds.add(_read(Path(path), machine, dumps, trees))
        except OSError as error:
            raise FileError(f"{path}: the file cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise FileError(
                f"{path}: not a file that is read here: {error}; write the files with {_COMMANDS}"
            ) from None
    if "maps" not in kinds:
        raise FileError("none of the files lists maps: add the output of bpftool -j map show")
    _join(machine, dumps, trees, kinds)
    lacking = {
        "programs": "Nothing is known of programs: add the output of bpftool -j prog show.",
        "tree": "Nothing is known of attachments: add the output of bpftool -j cgroup tree.",
        "cgroups": "The ids of cgroups are not known, so no entry can be compared with the "
        "attachments: add the list of cgroups that --help describes.",
    }
    machine.notes += [text for kind, text in lacking.items() if kind not in kinds]
    return machine


def _read(path: Path, machine: Machine, dumps: dict[int, list[Key]], trees: list[Tree]) -> str:
    """Read a file; what kind of file it is."""
    with path.open("rb") as file:
        data = file.read(_MOST + 1)
    if len(data) > _MOST:
        raise ValueError(f"it is larger than {_MOST:,} bytes")
    text = data.decode()
    if re.match(r"\d+ /", text):
        for line in text.splitlines():
            number, _, where = line.partition(" ")
            machine.cgroups[int(number)] = where
        machine.whole = True
        return "cgroups"
    parsed = load(text)
    if not (isinstance(parsed, list) and all(isinstance(each, dict) for each in parsed)):
        raise ValueError("expected a JSON array of objects")
    first = parsed[0] if parsed else {}
    if "cgroup" in first:
        trees += [_tree(each) for each in parsed]
        return "tree"
    if "bytes_key" in first:
        machine.maps += [found for each in parsed if (found := _map(each)) is not None]
        return "maps"
    if "tag" in first:
        machine.programs = [
            FoundProgram(
                member(each, "id", int),
                str(each.get("type")),
                member(each, "name", str, ""),
                tuple(members(each, "map_ids", int, [])),
            )
            for each in parsed
        ]
        return "programs"
    numbers = re.findall(r"\d+", path.stem)
    if numbers and (not parsed or "key" in first):
        dumps[int(numbers[-1])] = [_key(each) for each in parsed]
        return "dump"
    if not parsed:
        return "empty"
    raise ValueError("it has no maps, programs, cgroups or entries")


def _map(parsed: dict[str, Any]) -> FoundMap | None:
    kind = parsed.get("type")
    known = _TYPES.get(str(kind)) or next((one for one in MapType if int(one) == kind), None)
    if known not in STORAGE_MAPS:
        return None
    return FoundMap(
        member(parsed, "id", int),
        known,
        member(parsed, "name", str, ""),
        member(parsed, "bytes_key", int),
        member(parsed, "bytes_value", int),
        member(parsed, "flags", int, 0),
        bool(parsed.get("frozen", 0)),
        list(members(parsed, "pinned", str, [])),
    )


def _key(entry: dict[str, Any]) -> Key:
    return read_key(bytes(int(byte, 16) for byte in members(entry, "key", str)))


def _tree(cgroup: dict[str, Any]) -> Tree:
    """A cgroup with the id, the attach type and the flags of each program that is attached."""
    programs = [
        (
            member(each, "id", int),
            member(each, "attach_type", str, ""),
            int(_FLAGS.get(member(each, "attach_flags", str, ""), 0)),
        )
        for each in members(cgroup, "programs", dict, [])
    ]
    return member(cgroup, "cgroup", str), programs


def _join(
    machine: Machine, dumps: dict[int, list[Key]], trees: list[Tree], kinds: set[str]
) -> None:
    """Put together what different files say."""
    for found in machine.maps:
        found.entries = dumps.get(found.id)
    wanted = {found.id for found in machine.maps}
    known = machine.programs or []
    programs = {each.id for each in known if not wanted.isdisjoint(each.maps)}
    if "tree" in kinds:
        machine.attachments = []
    ids = {path: number for number, path in machine.cgroups.items()}
    for path, attached in trees:
        for program, name, flags in attached:
            kind = _ATTACH_TYPES.get(_SHORT.get(name, name))
            if program in programs and kind is not None and machine.attachments is not None:
                machine.attachments.append(
                    FoundAttachment(path, ids.get(path), kind, program, flags)
                )
