# SPDX-License-Identifier: GPL-2.0-only
"""Objects by their ids, and what the running kernel says of an object.

Each method has the parameters, answers and errors of the interface.
"""

from __future__ import annotations

from typing import Any

from ..cgroups import Cgroup as AnyCgroup
from ..ids import MapInfo, ProgInfo, link_info_of
from ..links import LinkFd as AnyLinkFd
from ..links import LinkInfo
from ..state import CAPABILITIES, Descriptor
from ..uapi import AttachType, MapFlag, MapType, ProgType
from .deferred import wait_for_slots
from .descriptors import LinkFd, MapFd, ProgFd, info, word
from .parts import LinuxPart
from .syscall import ById, Command, Info, address, bpf, buffer

_MOST_MAPS = 64
"""Ids of maps that the info of a program can take."""


class IdCommands(LinuxPart):
    """Ids and information."""

    def map_get_fd_by_id(self, number: int, open_flags: int = 0) -> MapFd:
        attr = ById(id=number, open_flags=open_flags)
        fd = bpf(Command.BPF_MAP_GET_FD_BY_ID, attr)
        made = MapFd(self._known("map", number), fd, open_flags)
        self.held.descriptors.append(made)
        return made

    def prog_get_fd_by_id(self, number: int) -> ProgFd:
        fd = bpf(Command.BPF_PROG_GET_FD_BY_ID, ById(id=number))
        made = ProgFd(self._known("prog", number), fd)
        self.held.descriptors.append(made)
        return made

    def link_get_fd_by_id(self, number: int) -> LinkFd:
        fd = bpf(Command.BPF_LINK_GET_FD_BY_ID, ById(id=number))
        made = LinkFd(self._known("link", number), fd)
        self.held.descriptors.append(made)
        return made

    def map_get_next_id(self, start: int = 0) -> int:
        return self._next_id(Command.BPF_MAP_GET_NEXT_ID, "map", start)

    def prog_get_next_id(self, start: int = 0) -> int:
        return self._next_id(Command.BPF_PROG_GET_NEXT_ID, "prog", start)

    def link_get_next_id(self, start: int = 0) -> int:
        return self._next_id(Command.BPF_LINK_GET_NEXT_ID, "link", start)

    def obj_info(self, descriptor: Descriptor | AnyCgroup) -> MapInfo | ProgInfo | LinkInfo:
        number = word(descriptor)
        match descriptor:
            case MapFd():
                return _map_info(info(number, 80))
            case ProgFd():
                return _prog_info(number)
        return _link_info(info(number, 32))

    def link_info(self, link: AnyLinkFd) -> LinkInfo:
        return link_info_of(self.obj_info(link))

    def _known(self, kind: str, number: int) -> Any:
        """The notes on an object that was created here."""
        return self.made[kind][number]

    def _next_id(self, command: Command, kind: str, start: int) -> int:
        """The next id, of an object that was created here.

        Before a search begins, programs that nobody holds any more must let go of their maps.
        """
        if not start and self.capabilities == CAPABILITIES:
            self._settle()
            wait_for_slots(self.root)
        while True:
            attr = ById(id=start)
            bpf(command, attr)
            start = attr.next_id
            if start in self.made[kind]:
                return start


def _words(data: bytes) -> list[int]:
    return [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]


def _map_info(data: bytes) -> MapInfo:
    """``struct bpf_map_info``"""
    words = _words(data)
    _, number, key, value, most = words[:5]
    name = data[24:40].partition(b"\0")[0].decode()
    flags, btf = MapFlag(words[5]), words[16] != 0
    return MapInfo(MapType(words[0]), number, key, value, most, flags, name, btf)


def _prog_info(fd: int) -> ProgInfo:
    """``struct bpf_prog_info``, whose ids of maps are in a buffer of the caller's."""
    maps = buffer(size=4 * _MOST_MAPS)
    wanted = _MOST_MAPS.to_bytes(4, "little") + address(maps).to_bytes(8, "little")
    memory = buffer(bytes(52) + wanted, 80)
    bpf(Command.BPF_OBJ_GET_INFO_BY_FD, Info(bpf_fd=fd, info_len=80, info=address(memory)))
    words = _words(memory.raw)
    name = memory.raw[64:80].partition(b"\0")[0].decode()
    return ProgInfo(ProgType(words[0]), words[1], name, tuple(_words(maps.raw)[: words[13]]))


def _link_info(data: bytes) -> LinkInfo:
    """``struct bpf_link_info``"""
    prog_id, attach_type = _words(data)[2], _words(data)[6]
    return LinkInfo(prog_id, int.from_bytes(data[16:24], "little"), AttachType(attach_type))
