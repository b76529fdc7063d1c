# SPDX-License-Identifier: GPL-2.0-only
"""BPF_MAP_CREATE on the running kernel, with BTF made from value types.

The parameters, answers and errors are those of the interface.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from ..maps import MapFd as AnyMapFd
from ..uapi import BPF_F_RDONLY, BPF_F_WRONLY, MapType
from ..values import Type
from .btf import Builder
from .deferred import wait_for
from .descriptors import Map, MapFd, object_id, word
from .errors import KernelError
from .parts import LinuxPart
from .syscall import BtfLoad, Command, address, bpf, buffer, privileged
from .syscall import MapCreate as MapCreateAttr

_MODE = int(BPF_F_RDONLY | BPF_F_WRONLY)
_RETRY = 0.2
"""Seconds: locked memory that was freed is given back by a work item."""


class MapCreate(LinuxPart):
    """The command that makes maps."""

    def map_create(
        self,
        map_type: MapType,
        key: Type,
        value: Type,
        *,
        max_entries: int = 0,
        map_flags: int = 0,
        map_name: str = "",
        btf: bool = False,
        btf_key: Type | None = None,
        btf_value: Type | None = None,
        numa_node: int = 0,
        inner_map: AnyMapFd | None = None,
    ) -> MapFd:
        if btf:
            btf_key, btf_value = btf_key or key, btf_value or value
        self._limit_memory()
        attr = MapCreateAttr(
            map_type=map_type,
            key_size=key.size,
            value_size=value.size,
            max_entries=max_entries,
            map_flags=map_flags,
            numa_node=numa_node,
            inner_map_fd=word(inner_map),
            map_name=map_name.encode()[:16],
        )
        described = -1
        if btf_key is not None or btf_value is not None:
            with privileged():  # so that BPF_MAP_CREATE answers, and not BPF_BTF_LOAD
                described, *ids = _load_btf(btf_key, btf_value)
            attr.btf_key_type_id, attr.btf_value_type_id = ids
            attr.btf_fd = described
        try:
            fd = self._when_memory_is_back(lambda: bpf(Command.BPF_MAP_CREATE, attr))
        finally:
            if described >= 0:
                os.close(described)
        number = object_id(fd)
        found = Map(number, map_name, map_type, key, value, map_flags)
        self.made["map"][number] = found
        made = MapFd(found, fd, map_flags & _MODE)
        self.held.descriptors.append(made)
        return made

    def _when_memory_is_back(self, make: Callable[[], int]) -> int:
        failure: list[KernelError] = []
        result: list[int] = []

        def attempt() -> bool:
            try:
                result.append(make())
            except KernelError as error:
                failure.append(error)
                return self.memlock is None or error.name not in ("EPERM", "ENOMEM")
            return True

        wait_for(attempt, _RETRY)
        if not result:
            raise failure[-1]
        return result[0]


def _load_btf(key: Type | None, value: Type | None) -> tuple[int, int, int]:
    """BPF_BTF_LOAD: a descriptor, and the ids of both types in it.

    A kernel that has no BTF_KIND_TYPE_TAG gets the types without.
    """
    tags = True
    while True:
        types = Builder(tags=tags)
        ids = [0 if described is None else types.add(described) for described in (key, value)]
        blob = buffer(types.blob())
        try:
            attr = BtfLoad(btf=address(blob), btf_size=len(blob))
            return bpf(Command.BPF_BTF_LOAD, attr), ids[0], ids[1]
        except KernelError:
            if not tags:
                raise
            tags = False
