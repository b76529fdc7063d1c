# SPDX-License-Identifier: GPL-2.0-only
"""The commands of bpf(2) on maps and their entries, on the running kernel.

Each method has the parameters, answers and errors of the interface.
"""

from __future__ import annotations

from typing import Any

from .. import cgroups, changes
from ..maps import BOGUS_KEY, UNINITIALISED, SpecialKey
from ..maps import MapFd as AnyMapFd
from ..storages import BPF_CGROUP_STORAGE_PERCPU
from ..uapi import (
    BPF_EXIST,
    BPF_F_ALL_CPUS,
    BPF_F_CPU,
    AttachType,
    MapType,
)
from ..values import STORAGE_KEY, U64, CgroupStorageKey, Value
from .descriptors import Map, MapFd, ProgFd, number_of, word
from .errors import KernelError
from .parts import LinuxPart
from .syscall import (
    Batch,
    Buffer,
    Command,
    Element,
    address,
    bpf,
    buffer,
)

_ONE_VALUE = int(BPF_F_CPU | BPF_F_ALL_CPUS)
_ATTACH_TYPES = {int(attach_type): attach_type for attach_type in AttachType}


class MapCommands(LinuxPart):
    """Creation, lookups, updates, and the commands that the storage maps refuse."""

    def map_lookup_elem(self, map: AnyMapFd, key: Any, flags: int = 0) -> Value:
        found, number = _of(map)
        memory = buffer(size=self._buffer_size(found))
        _element(Command.BPF_MAP_LOOKUP_ELEM, number, _key(found, key), memory, flags)
        data = memory.raw
        if found.is_array:
            return int.from_bytes(data[:4], "little")
        size, slot = found.value_size, found.slot
        if found.storage_kind != BPF_CGROUP_STORAGE_PERCPU or flags & BPF_F_CPU:
            return found.value.decode(data[:size])
        return [found.value.decode(data[at : at + size]) for at in range(0, len(data), slot)]

    def map_update_elem(self, map: AnyMapFd, key: Any, value: Value, flags: int = 0) -> None:
        found, number = _of(map)
        size = self._buffer_size(found)
        if found.is_array:
            program = value.object if isinstance(value, ProgFd) and value.open else None
            if program is not None:
                self.guard.tail_calls(found, callee=program)
            memory = buffer(word(value).to_bytes(4, "little"), size)
            _element(Command.BPF_MAP_UPDATE_ELEM, number, _key(found, key), memory, flags)
            if program is not None:
                found.owner = found.owner or program
                found.callees.append(program)
            return
        percpu = found.storage_kind == BPF_CGROUP_STORAGE_PERCPU and not flags & _ONE_VALUE
        if percpu and flags & ~int(BPF_EXIST):
            percpu = isinstance(value, (bytes, list, tuple))  # the flags will be refused
        if percpu:
            self.guard.update_percpu(self.cpus)
        memory = buffer(self._encode(found, value, percpu=percpu), size)
        _element(Command.BPF_MAP_UPDATE_ELEM, number, _key(found, key), memory, flags)

    def map_delete_elem(self, map: AnyMapFd, key: Any) -> None:
        found, number = _of(map)
        _element(Command.BPF_MAP_DELETE_ELEM, number, _key(found, key))

    def map_get_next_key(self, map: AnyMapFd, key: Any = None) -> Any:
        # A key that no lookup finds and that holds no cgroup's id is the map's own bookkeeping.
        found, number = _of(map)
        following = buffer(size=max(found.key.size, 4))
        start = None if key is None else _key(found, key)
        _element(Command.BPF_MAP_GET_NEXT_KEY, number, start, following)
        data = following.raw
        if found.storage_kind is None:
            return int.from_bytes(data[:4], "little")
        cgroup_id = int.from_bytes(data[:8], "little")
        if cgroup_id not in self.cgroup_ids and not self._finds(found, number, data):
            found.bogus = data
            return BOGUS_KEY
        if not found.wide_key:
            return cgroup_id
        attach_type = int.from_bytes(data[8:12], "little")
        if self.has(changes.ATTACH_TYPE_IGNORED):
            return CgroupStorageKey(cgroup_id, UNINITIALISED)
        return CgroupStorageKey(cgroup_id, _ATTACH_TYPES.get(attach_type, attach_type))

    def map_lookup_and_delete_elem(self, map: AnyMapFd, key: Any, flags: int = 0) -> None:
        found, number = _of(map)
        memory = buffer(size=self._buffer_size(found))
        command = Command.BPF_MAP_LOOKUP_AND_DELETE_ELEM
        _element(command, number, _key(found, key), memory, flags)

    def map_lookup_batch(self, map: AnyMapFd) -> None:
        self._batch(Command.BPF_MAP_LOOKUP_BATCH, map)

    def map_lookup_and_delete_batch(self, map: AnyMapFd) -> None:
        self._batch(Command.BPF_MAP_LOOKUP_AND_DELETE_BATCH, map)

    def map_update_batch(self, map: AnyMapFd) -> None:
        self._batch(Command.BPF_MAP_UPDATE_BATCH, map)

    def map_delete_batch(self, map: AnyMapFd) -> None:
        self._batch(Command.BPF_MAP_DELETE_BATCH, map)

    def map_freeze(self, map: AnyMapFd) -> None:
        bpf(Command.BPF_MAP_FREEZE, Element(map_fd=word(map)))
        if isinstance(map, MapFd):
            map.object.frozen = True

    # -- keys and values ----------------------------------------------------------------------

    def _buffer_size(self, found: Map) -> int:
        """Bytes that the kernel copies for a value, or more."""
        slots = len(self.cpus) if found.storage_kind == BPF_CGROUP_STORAGE_PERCPU else 1
        return max(found.slot * slots, 4)

    def _encode(self, found: Map, value: Value, *, percpu: bool) -> bytes:
        """The bytes of a value, or of all slots from a list of values; bytes as they are."""
        size = found.slot * len(self.cpus) if percpu else found.value_size
        if isinstance(value, bytes) and len(value) == size:
            return value
        if not percpu:
            return found.value.encode(value)
        if not isinstance(value, (list, tuple)) or len(value) != len(self.cpus):
            raise ValueError(
                f"a per-CPU update takes a list of {len(self.cpus)} values, one for each possible "
                f"CPU, or {size} bytes, not {value!r}"
            )
        return b"".join(found.value.encode(item).ljust(found.slot, b"\0") for item in value)

    def _finds(self, found: Map, number: int, key: bytes) -> bool:
        try:
            memory = buffer(size=self._buffer_size(found))
            _element(Command.BPF_MAP_LOOKUP_ELEM, number, buffer(key), memory)
        except KernelError:
            return False
        return True

    def _batch(self, command: Command, map: AnyMapFd) -> None:
        found, number = _of(map)
        keys, values = buffer(size=found.key.size), buffer(size=self._buffer_size(found))
        attr = Batch(map_fd=number, count=1, keys=address(keys), values=address(values))
        bpf(command, attr)


def _of(map: AnyMapFd) -> tuple[Map, int]:
    """What is known of a map, and its descriptor's number; of no map one like a storage map."""
    number = word(map)
    if isinstance(map, MapFd):
        return map.object, number
    return Map(0, "", MapType.BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, 0), number


def _element(
    command: Command,
    number: int,
    key: Buffer | None,
    value: Buffer | None = None,
    flags: int = 0,
) -> None:
    attr = Element(
        map_fd=number,
        key=address(key) if key else 0,
        value=address(value) if value else 0,
        flags=flags,
    )
    bpf(command, attr)


def _key(found: Map, key: Any) -> Buffer:
    """The bytes of a key; TypeError if it is not a key of this map."""
    if found.is_array:
        if not isinstance(key, int):
            raise TypeError(f"the key of a program array is an index, not {key!r}")
        return buffer((key & 0xFFFFFFFF).to_bytes(4, "little"))
    if found.is_cgrp:
        return buffer((number_of(key) & 0xFFFFFFFF).to_bytes(4, "little"))
    if isinstance(key, SpecialKey):
        return buffer(found.bogus)
    if found.wide_key:
        if isinstance(key, tuple) and len(key) == 2:
            attach_type = 0 if isinstance(key[1], SpecialKey) else int(key[1])
            return buffer(_id(key[0]) + attach_type.to_bytes(8, "little"))
    elif isinstance(key, (cgroups.Cgroup, int)):
        return buffer(_id(key))
    form = "(cgroup, attach_type)" if found.wide_key else "a cgroup or its id"
    raise TypeError(f"a key of {found.key.size} bytes is {form}, not {key!r}")


def _id(cgroup: cgroups.Cgroup | int) -> bytes:
    return (cgroup if isinstance(cgroup, int) else cgroup.id).to_bytes(8, "little")
