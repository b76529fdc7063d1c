# SPDX-License-Identifier: GPL-2.0-only
"""Objects by their ids, and what the kernel says of an object.

Modelled: ``kernel/bpf/syscall.c``: ``bpf_obj_get_next_id``, ``bpf_map_get_fd_by_id`` and the like,
``bpf_obj_get_info_by_fd``; ``kernel/bpf/cgroup.c:bpf_cgroup_link_fill_link_info``.  Left out: the
ids of BTF, and what info says of code, times and other kinds of objects.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from . import changes, errors
from .cgroups import Cgroup
from .links import Link, LinkFd, LinkInfo
from .maps import Map, MapFd
from .parts import KernelPart
from .programs import ProgFd, Program
from .state import Descriptor, Object
from .uapi import BPF_F_RDONLY, BPF_F_WRONLY, MapFlag, MapType, ProgType

_BOTH = int(BPF_F_RDONLY | BPF_F_WRONLY)
_INT_MAX = (1 << 31) - 1


class MapInfo(NamedTuple):
    """``struct bpf_map_info``; ``btf`` says whether ``btf_id`` is not 0."""

    type: MapType
    id: int
    key_size: int
    value_size: int
    max_entries: int
    map_flags: MapFlag
    name: str
    btf: bool


class ProgInfo(NamedTuple):
    """``struct bpf_prog_info``: ``map_ids`` in the order in which the program names the maps."""

    type: ProgType
    id: int
    name: str
    map_ids: tuple[int, ...]


class IdCommands(KernelPart):
    """BPF_*_GET_FD_BY_ID, BPF_*_GET_NEXT_ID and BPF_OBJ_GET_INFO_BY_FD."""

    def map_get_fd_by_id(self, number: int, open_flags: int = 0) -> MapFd:
        self._check_command()
        if open_flags & ~_BOTH:
            raise errors.MapFlags(MapFlag(open_flags))
        self._check_admin()
        if open_flags == _BOTH:
            raise errors.MapFlags(MapFlag(open_flags))
        found: Any = self._by_id("map", number)
        found.urefs += 1
        return MapFd(found, open_flags)

    def prog_get_fd_by_id(self, number: int) -> ProgFd:
        self._check_command()
        self._check_admin()
        found: Any = self._by_id("prog", number)
        return ProgFd(found)

    def link_get_fd_by_id(self, number: int) -> LinkFd:
        self._check_command()
        self._check_link_ids()
        self._check_admin()
        found: Any = self._by_id("link", number)
        return LinkFd(found)

    def map_get_next_id(self, start: int = 0) -> int:
        self._check_command()
        return self._next_id("map", start)

    def prog_get_next_id(self, start: int = 0) -> int:
        self._check_command()
        return self._next_id("prog", start)

    def link_get_next_id(self, start: int = 0) -> int:
        self._check_command()
        self._check_link_ids()
        return self._next_id("link", start)

    def obj_info(self, descriptor: Descriptor | Cgroup) -> MapInfo | ProgInfo | LinkInfo:
        self._check_command()
        if descriptor is not None and not descriptor.open:
            raise errors.BadInfoDescriptor
        found = descriptor.object if isinstance(descriptor, Descriptor) else None
        match found:
            case Map():
                flags = found.flags & ~(_BOTH if self.has(changes.FLAGS_OF_THE_MAP) else 0)
                sizes = found.key.size, found.value_size, found.max_entries
                return MapInfo(found.type, found.id, *sizes, MapFlag(flags), found.name, found.btf)
            case Program():
                maps = tuple(held.id for held in found.maps)
                return ProgInfo(found.type, found.id, found.name, maps)
            case Link() if self.has(changes.LINK_IDS):
                cgroup_id = found.cgroup.id if found.cgroup else 0
                return LinkInfo(found.program.id, cgroup_id, found.attach_type)
        raise errors.WrongDescriptor

    def link_info(self, link: LinkFd) -> LinkInfo:
        return link_info_of(self.obj_info(link))

    def _check_admin(self) -> None:
        if "CAP_SYS_ADMIN" not in self.capabilities:
            raise errors.NotPermitted("CAP_SYS_ADMIN")

    def _check_link_ids(self) -> None:
        if not self.has(changes.LINK_IDS):
            raise errors.UnknownCommand

    def _by_id(self, kind: str, number: int) -> Object:
        found = self.objects[kind].get(number)
        if found is None:
            raise errors.NoSuchId(number)
        found.refs += 1
        return found

    def _next_id(self, kind: str, start: int) -> int:
        if start >= _INT_MAX:
            raise errors.StartId(start)
        self._check_admin()
        further = [number for number in self.objects[kind] if number > start]
        if not further:
            raise errors.NoSuchId(start)
        return min(further)


def link_info_of(found: MapInfo | ProgInfo | LinkInfo) -> LinkInfo:
    """What is said of a link; TypeError if it is said of something else."""
    if not isinstance(found, LinkInfo):
        raise TypeError(f"link_info() takes the descriptor of a link, not of {found!r}")
    return found
