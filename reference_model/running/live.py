# SPDX-License-Identifier: GPL-2.0-only
"""Reads what there is from the running kernel, with commands of bpf(2) that change nothing.

These are BPF_MAP_GET_NEXT_ID and those of programs and links, BPF_OBJ_GET_INFO_BY_FD,
BPF_PROG_QUERY, BPF_MAP_GET_NEXT_KEY, BPF_MAP_LOOKUP_ELEM and BPF_OBJ_GET.  File descriptors of maps
are opened for reading only.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from ..linux.descriptors import info
from ..linux.errors import KernelError
from ..linux.machine import possible_cpus
from ..linux.syscall import (
    ById,
    Command,
    Element,
    Info,
    Query,
    address,
    bpf,
    buffer,
    cgroup_id,
)
from ..programs import ATTACH_TYPES
from ..uapi import BPF_F_RDONLY, BPF_MAP_TYPE_CGRP_STORAGE, MapType, ProgType
from ..user_error import UserError
from .found import (
    STORAGE_MAPS,
    WIDE,
    FoundAttachment,
    FoundMap,
    FoundProgram,
    Key,
    Machine,
)
from .pins import mounts, read_pins

MOST_ENTRIES = 1 << 16
"""Entries of a map that are read at most."""

_MOST_PROGRAMS = 1024
"""Programs that are asked for on one hook: LSM hooks share one attach type."""
_LINK_OF_CGROUP = 3
_STORAGE_MAPS = frozenset(map(int, STORAGE_MAPS))
_NEXT_ID = {"map": Command.BPF_MAP_GET_NEXT_ID, "prog": Command.BPF_PROG_GET_NEXT_ID,
          "link": Command.BPF_LINK_GET_NEXT_ID}  # fmt: skip


def read() -> Machine:
    """What there is on this machine; UserError if this user cannot read it."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise UserError(
            "the running kernel can be read on Linux on x86-64 only: give the files of bpftool "
            "instead, see --help"
        )
    machine = Machine()
    try:
        _read_maps(machine)
        _read_programs(machine)
    except KernelError as error:
        if error.name == "EPERM":
            raise UserError(
                "the running kernel does not list its maps to this user: run as root (it takes "
                "CAP_SYS_ADMIN), or give the files of bpftool instead, see --help"
            ) from None
        raise UserError(f"the maps of the running kernel cannot be listed: {error}") from None
    if machine.maps:
        _read_attachments(machine)
        read_pins(machine)
    return machine


@contextmanager
def _opened(command: Command, number: int, flags: int = 0) -> Iterator[int]:
    """A descriptor of the object with this id; KernelError if the object is gone."""
    fd = bpf(command, ById(id=number, open_flags=flags))
    try:
        yield fd
    finally:
        os.close(fd)


def _ids(kind: str) -> Iterator[int]:
    number = 0
    while True:
        attr = ById(id=number)
        try:
            bpf(_NEXT_ID[kind], attr)
        except KernelError as error:
            if error.name == "ENOENT":
                return
            raise
        number = attr.next_id
        yield number


def _words(data: bytes) -> list[int]:
    return [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data) & ~3, 4)]


def _text(data: bytes) -> str:
    return data.partition(b"\0")[0].decode(errors="replace")


def _read_maps(machine: Machine) -> None:
    for number in _ids("map"):
        with (
            suppress(KernelError),  # it is gone by now
            _opened(Command.BPF_MAP_GET_FD_BY_ID, number, int(BPF_F_RDONLY)) as fd,
        ):
            data = info(fd, 40)
            kind, _, key_size, value_size, _, flags = _words(data)[:6]
            if kind in _STORAGE_MAPS:
                found = FoundMap(
                    number, MapType(kind), _text(data[24:40]), key_size, value_size, flags
                )
                found.frozen = "frozen:\t1" in Path(f"/proc/self/fdinfo/{fd}").read_text()
                _read_entries(machine, found, fd)
                machine.maps.append(found)


def _read_entries(machine: Machine, found: FoundMap, fd: int) -> None:
    """Read the keys; each is looked up, as some kernels end with a key that has no entry."""
    if found.type is BPF_MAP_TYPE_CGRP_STORAGE:
        return
    key = buffer(size=found.key_size)
    following = buffer(size=found.key_size)
    slots = _cpus() * (found.value_size + 7)
    value = buffer(size=slots + 8)
    seen: dict[bytes, Key] = {}
    attr = Element(map_fd=fd, key=0, value=address(following))
    for _ in range(MOST_ENTRIES):
        try:
            bpf(Command.BPF_MAP_GET_NEXT_KEY, attr)
        except KernelError:
            break
        data = following.raw[: found.key_size]
        key.raw = following.raw
        attr.key = address(key)
        try:
            wanted = Element(map_fd=fd, key=address(key), value=address(value))
            bpf(Command.BPF_MAP_LOOKUP_ELEM, wanted)
        except KernelError:
            continue
        seen[data] = read_key(data)
    else:
        machine.notes.append(f"Of map {found.id} only {MOST_ENTRIES:,} entries were read.")
    found.entries = list(seen.values())


@cache
def _cpus() -> int:
    return len(possible_cpus())


def read_key(data: bytes) -> Key:
    """The key in these bytes: a ``struct bpf_cgroup_storage_key``, or a cgroup id alone."""
    attach_type = int.from_bytes(data[8:12], "little") if len(data) == WIDE else None
    return Key(int.from_bytes(data[:8], "little"), attach_type)


def _read_programs(machine: Machine) -> None:
    machine.programs = []
    wanted = {found.id for found in machine.maps}
    for number in _ids("prog") if wanted else ():
        with suppress(KernelError), _opened(Command.BPF_PROG_GET_FD_BY_ID, number) as fd:
            data = info(fd, 80)
            count = _words(data)[13]
            maps = _maps_of(fd, count) if count else ()
            if not wanted.isdisjoint(maps):
                name = _text(data[64:80])
                machine.programs.append(FoundProgram(number, _type(_words(data)[0]), name, maps))


def _maps_of(fd: int, count: int) -> tuple[int, ...]:
    """The ids of the maps of a program."""
    ids = buffer(size=4 * count)
    given = bytes(52) + count.to_bytes(4, "little") + address(ids).to_bytes(8, "little")
    memory = buffer(given, 80)
    bpf(Command.BPF_OBJ_GET_INFO_BY_FD, Info(bpf_fd=fd, info_len=80, info=address(memory)))
    return tuple(_words(ids.raw)[: min(count, _words(memory.raw)[13])])


def _type(number: int) -> str:
    try:
        return ProgType(number).name.removeprefix("BPF_PROG_TYPE_").lower()
    except ValueError:
        return f"type {number}"


def _read_attachments(machine: Machine) -> None:
    mount = next(mounts("cgroup2"), None)
    if mount is None:
        machine.notes.append("No cgroup v2 is mounted, so no attachment could be read.")
        machine.whole, machine.attachments = False, None
        return
    machine.attachments = []
    programs = {program.id: program.type for program in machine.programs or ()}
    used = set(programs.values())
    hooks = [hook for hook, (kind, _) in ATTACH_TYPES.items() if _type(int(kind)) in used]
    links = _links()
    ids, flags = buffer(size=4 * _MOST_PROGRAMS), 0
    for path in _directories(mount):
        with suppress(OSError):  # it is gone by now
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            try:
                number = cgroup_id(fd)
                machine.cgroups[number] = path
                for hook in hooks:
                    attr = Query(
                        target_fd=fd, attach_type=int(hook), prog_ids=address(ids),
                        prog_cnt=_MOST_PROGRAMS,
                    )  # fmt: skip
                    try:
                        bpf(Command.BPF_PROG_QUERY, attr)
                    except KernelError:
                        continue  # this kernel has no such attach type
                    flags = attr.attach_flags
                    for program in _words(ids.raw[: 4 * attr.prog_cnt]):
                        if program in programs:
                            link = links.get((program, number, int(hook)))
                            machine.attachments.append(
                                FoundAttachment(path, number, hook, program, flags, link)
                            )
            finally:
                os.close(fd)


def _directories(mount: Path) -> Iterator[str]:
    for path, _, _ in os.walk(mount):
        yield path


def _links() -> dict[tuple[int, int, int], int]:
    """The ids of links by program, cgroup and attach type; empty before 5.8."""
    found = {}
    with suppress(KernelError):
        for number in _ids("link"):
            with suppress(KernelError), _opened(Command.BPF_LINK_GET_FD_BY_ID, number) as fd:
                data = info(fd, 32)
                if _words(data)[0] == _LINK_OF_CGROUP:
                    cgroup = int.from_bytes(data[16:24], "little")
                    found[_words(data)[2], cgroup, _words(data)[6]] = number
    return found
