# SPDX-License-Identifier: GPL-2.0-only
"""Descriptors of a real kernel, in the shapes of the model's, and what is known of their objects.

The objects are notes: what a descriptor was made from.  What a kernel does never follows from them,
except where guard.py refuses to try.
"""

from __future__ import annotations

from .. import cgroups, links, maps, programs
from ..state import Descriptor
from ..storages import BPF_CGROUP_STORAGE_PERCPU, BPF_CGROUP_STORAGE_SHARED
from ..uapi import (
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_MAP_TYPE_CGRP_STORAGE,
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    BPF_MAP_TYPE_PROG_ARRAY,
    AttachType,
    MapType,
    ProgType,
)
from ..values import Type
from .syscall import Command, Info, address, bpf, buffer
from .tree import Cgroup

Maps = tuple[int, int]
"""The ids of a program's shared and per-CPU storage map, 0 for none."""

_KINDS = {
    BPF_MAP_TYPE_CGROUP_STORAGE: BPF_CGROUP_STORAGE_SHARED,
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE: BPF_CGROUP_STORAGE_PERCPU,
}


class Map(maps.Map):
    """A map of the running kernel."""

    __slots__ = ("bogus", "callees", "callers", "owner", "programs", "slot", "storage_kind",
                 "wide_key")  # fmt: skip

    def __init__(
        self, number: int, name: str, map_type: MapType, key: Type, value: Type, flags: int
    ) -> None:
        super().__init__(number, name, map_type, key, value, flags)
        self.storage_kind = _KINDS.get(map_type)
        self.wide_key = key.size == 16
        """Whether the key is the struct of 16 bytes."""
        percpu = self.storage_kind == BPF_CGROUP_STORAGE_PERCPU
        self.slot = (self.value_size + 7) // 8 * 8 if percpu else self.value_size
        """Bytes of one CPU's value in the buffers of user space."""
        self.bogus = bytes(key.size)
        """The last key that get_next_key made up."""
        self.programs: set[int] = set()
        """The ids of the programs that were loaded with it."""
        self.owner: Program | None = None
        self.callers: list[Program] = []
        self.callees: list[Program] = []
        """Of a program array: the first program, those that jump into it, those put into it."""

    @property
    def is_array(self) -> bool:
        """Whether it is a program array."""
        return self.type is BPF_MAP_TYPE_PROG_ARRAY

    @property
    def is_cgrp(self) -> bool:
        """Whether its keys are descriptors of cgroups."""
        return self.type is BPF_MAP_TYPE_CGRP_STORAGE


class Program(programs.Program):
    """A program of the running kernel; ``cookies`` are the ids of its storage maps."""

    __slots__ = ("cookies",)

    cookies: Maps


class Link(links.Link):
    """A link of the running kernel; ``program`` is the one that it holds now."""

    __slots__ = ()

    program: Program


class MapFd(maps.MapFd):
    """An open descriptor of a map; ``fd`` is its number."""

    object: Map

    def __init__(self, found: Map, fd: int, mode: int = 0) -> None:
        super().__init__(found, mode)
        self.fd = fd


class ProgFd(programs.ProgFd):
    """An open descriptor of a program; ``fd`` is its number."""

    object: Program

    def __init__(self, found: Program, fd: int, mode: int = 0) -> None:
        super().__init__(found, mode)
        self.fd = fd


class LinkFd(links.LinkFd):
    """An open descriptor of a link; ``fd`` is its number."""

    object: Link

    def __init__(self, found: Link, fd: int, mode: int = 0) -> None:
        super().__init__(found, mode)
        self.fd = fd


class Socket(cgroups.Socket):
    """An open UDP socket, held by this process; ``fd`` is its number."""

    __slots__ = ("fd",)

    def __init__(self, cgroup: cgroups.Cgroup, fd: int) -> None:
        super().__init__(cgroup)
        self.fd = fd


Open = MapFd | ProgFd | LinkFd


def number_of(descriptor: object) -> int:
    """The number of a descriptor, as a command takes it: -1 if it is closed, 0 for None.

    TypeError unless it is a descriptor, or a cgroup, of a LinuxKernel.
    """
    if descriptor is None:
        return 0
    if isinstance(descriptor, (MapFd, ProgFd, LinkFd, Cgroup)):
        return descriptor.fd if descriptor.open else -1
    if isinstance(descriptor, (Descriptor, cgroups.Cgroup)):
        raise TypeError(f"{descriptor!r} is not a descriptor of this kernel, but of a model")
    raise TypeError(f"expected a descriptor, not {descriptor!r}")


def word(descriptor: object) -> int:
    """number_of() as an unsigned word, as the structures of bpf(2) hold it."""
    return number_of(descriptor) & 0xFFFFFFFF


def relative_word(relative: Descriptor | int | None) -> int:
    """The field ``relative_fd`` or ``relative_id``: a descriptor's number, or an id as it is."""
    return relative if isinstance(relative, int) else word(relative)


def info(fd: int, size: int) -> bytes:
    """BPF_OBJ_GET_INFO_BY_FD: the first ``size`` bytes of ``struct bpf_map_info`` and the like."""
    memory = buffer(size=size)
    bpf(Command.BPF_OBJ_GET_INFO_BY_FD, Info(bpf_fd=fd, info_len=size, info=address(memory)))
    return memory.raw[:size]


def object_id(fd: int) -> int:
    """The id of the object behind a descriptor."""
    return int.from_bytes(info(fd, 8)[4:], "little")


def program_of(
    number: int,
    name: str,
    prog_type: ProgType,
    expected: int,
    lsm_hook: str,
    cookies: Maps,
) -> Program:
    """The notes on a loaded program."""
    program = Program(name, prog_type, expected, (), lsm_hook)
    program.id, program.cookies = number, cookies
    return program


def link_of(number: int, program: programs.Program, attach_type: AttachType) -> Link:
    """The notes on a link."""
    link = Link(0, program, attach_type)
    link.id = number
    return link
