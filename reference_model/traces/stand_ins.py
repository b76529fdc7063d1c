# SPDX-License-Identifier: GPL-2.0-only
"""What a scribe returns in the place of the model's objects: notes, and no object of a kernel."""

from __future__ import annotations

from collections.abc import Callable

from ..cgroups import Cgroup
from ..maps import Map, MapFd
from ..storages import BPF_CGROUP_STORAGE_PERCPU, BPF_CGROUP_STORAGE_SHARED
from ..uapi import BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, MapType
from ..values import Type
from .trace import Answer

_GENERATION = 1 << 32


class Inode(int):
    """An inode number that knows it is one: before 5.5 it is not the cgroup's id."""


class CgroupNotes(Cgroup):
    """A cgroup that asks for its numbers when somebody wants to see them."""

    def __init__(self, name: str, number: int, ask: Callable[[CgroupNotes], Answer]) -> None:
        self.name = name
        self.open = self.online = True
        self.number = number
        self._ask = ask

    @property
    def id(self) -> int:  # type: ignore[override]
        """Not the kernel's own number, but made up: with a generation if there is one."""
        answer = self._ask(self)
        return self.number | (_GENERATION if answer["generation"] else 0)

    @property
    def st_ino(self) -> Inode:  # type: ignore[override]
        """The lower half of the id, if the kernel says so."""
        return Inode(self.number if self._ask(self)["inode"] else ~self.number & 0xFFFFFFFF)


class MapNotes(Map):
    """Notes on a map."""

    __slots__ = ("storage_kind", "wide_key")

    def __init__(self, number: int, map_type: MapType, key: Type, value: Type) -> None:
        super().__init__(number, "", map_type, key, value, 0)
        percpu = map_type is BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE
        self.storage_kind = (
            BPF_CGROUP_STORAGE_PERCPU
            if percpu
            else BPF_CGROUP_STORAGE_SHARED
            if key.size in (8, 16)
            else None
        )
        self.wide_key = key.size == 16


def notes(map: MapFd) -> MapNotes:
    """Return the notes on a scribe's map."""
    found = map.object
    assert isinstance(found, MapNotes), f"{map!r} is of another kernel"
    return found
