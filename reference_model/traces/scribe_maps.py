# SPDX-License-Identifier: GPL-2.0-only
"""The calls of a scribe on maps."""

from __future__ import annotations

from typing import Any

from .. import cgroups, maps
from ..interface import MapCalls
from ..maps import BOGUS_KEY, UNINITIALISED
from ..state import NAME
from ..storages import BPF_CGROUP_STORAGE_PERCPU
from ..uapi import (
    BPF_F_CPU,
    BPF_MAP_TYPE_CGRP_STORAGE,
    BPF_MAP_TYPE_PROG_ARRAY,
    MapType,
)
from ..values import CgroupStorageKey, Int, Type, Value
from .names import ATTACH_NAMES, ATTACH_TYPES, GARBAGE
from .notebook import Notebook, NotExportable, absent, word_for
from .operation import Op
from .replayer import ONE_VALUE
from .shapes import shape_of
from .stand_ins import Inode, MapNotes, notes


class MapScribe(Notebook, MapCalls):
    """Maps and their entries."""

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
        inner_map: maps.MapFd | None = None,
    ) -> maps.MapFd:
        """As Kernel.map_create(), without NUMA nodes, maps of maps, and names that pass."""
        absent(numa_node=numa_node, inner_map=inner_map)
        label = self._new("m")
        if map_type is BPF_MAP_TYPE_PROG_ARRAY:
            absent(map_flags=map_flags, btf=btf)
            slots = {} if max_entries == 1 else {"slots": max_entries}
            self._ask("prog_array_create", map=label, **slots)
        else:
            if btf:
                btf_key, btf_value = btf_key or key, btf_value or value
            described = {}
            if btf_key is not None or btf_value is not None:
                described = {"btf_key": _shape(btf_key), "btf_value": _shape(btf_value)}
            named = {} if NAME.fullmatch(map_name) else {"name": map_name}
            self._ask(
                "map_create",
                map=label,
                **named,
                type=map_type,
                key_size=key.size,
                value_size=value.size,
                max_entries=max_entries,
                map_flags=map_flags,
                **described,
            )
        made: maps.MapFd = self._keep(
            label, maps.MapFd(MapNotes(self._counts["m"], map_type, key, value))
        )
        return made

    def map_lookup_elem(self, map: maps.MapFd, key: Any, flags: int = 0) -> Value:
        """As Kernel.map_lookup_elem()."""
        found = notes(map)
        if found.type is BPF_MAP_TYPE_CGRP_STORAGE:
            answer = self._ask("cgrp_lookup", map=map, cgroup=key, flags=int(flags))
            return _number(found.value, answer[0])
        where = {"map": map, **self._key(found, key)}
        given = {"flags": int(flags)} if flags else {}
        word = isinstance(found.value, Int) and found.value.size in (4, 8)
        if word:
            values = [_number(found.value, n) for n in self._ask("map_lookup", **where, **given)]
        else:
            answer = self._ask("map_lookup", **where, **given, whole=True)
            values = [found.value.decode(bytes.fromhex(data)) for data in answer]
        return (
            values
            if found.storage_kind == BPF_CGROUP_STORAGE_PERCPU and not flags & BPF_F_CPU
            else values[0]
        )

    def map_update_elem(self, map: maps.MapFd, key: Any, value: Value, flags: int = 0) -> None:
        """As Kernel.map_update_elem()."""
        found = notes(map)
        if found.type is BPF_MAP_TYPE_PROG_ARRAY:
            absent(flags=flags)
            slot = {"slot": key} if key else {}
            self._ask("prog_array_update", map=map, prog=value, **slot)
            return
        if found.type is BPF_MAP_TYPE_CGRP_STORAGE:
            where = {"map": map, "cgroup": key}
            self._ask("cgrp_update", **where, value=_word(value), flags=flags)
            return
        where = {"map": map, **self._key(found, key)}
        percpu = found.storage_kind == BPF_CGROUP_STORAGE_PERCPU and not flags & ONE_VALUE
        self._ask("map_update", **where, **_content(found.value, value, percpu), flags=flags)

    def map_delete_elem(self, map: maps.MapFd, key: Any) -> None:
        """As Kernel.map_delete_elem()."""
        found = notes(map)
        if found.type is BPF_MAP_TYPE_CGRP_STORAGE:
            self._ask("cgrp_delete", map=map, cgroup=key)
        else:
            self._ask("map_delete", map=map, **self._key(found, key))

    def map_get_next_key(self, map: maps.MapFd, key: Any = None) -> Any:
        """As Kernel.map_get_next_key()."""
        found = notes(map)
        if found.type is BPF_MAP_TYPE_CGRP_STORAGE:
            return self._ask("cgrp_next", map=map, cgroup=key)
        where: Op = {"key": None} if key is None else self._key(found, key)
        answer = self._ask("map_next_key", map=map, **where)
        if answer == GARBAGE:
            return BOGUS_KEY
        number = self._things[answer[0]].id
        if not found.wide_key:
            return number
        kind = UNINITIALISED if answer[1] is None else ATTACH_TYPES[answer[1]]
        return CgroupStorageKey(number, kind)

    def map_freeze(self, map: maps.MapFd) -> None:
        """As Kernel.map_freeze()."""
        self._ask("map_freeze", map=map)

    def map_lookup_and_delete_elem(self, map: maps.MapFd, key: Any, flags: int = 0) -> None:
        """As Kernel.map_lookup_and_delete_elem(), without flags."""
        absent(flags=flags)
        where = self._key(notes(map), key)
        self._ask("map_command", command="lookup_and_delete", map=map, **where)

    def map_lookup_batch(self, map: maps.MapFd) -> None:
        """As Kernel.map_lookup_batch()."""
        self._batch("lookup_batch", map)

    def map_lookup_and_delete_batch(self, map: maps.MapFd) -> None:
        """As Kernel.map_lookup_and_delete_batch()."""
        self._batch("lookup_and_delete_batch", map)

    def map_update_batch(self, map: maps.MapFd) -> None:
        """As Kernel.map_update_batch()."""
        self._batch("update_batch", map)

    def map_delete_batch(self, map: maps.MapFd) -> None:
        """As Kernel.map_delete_batch()."""
        self._batch("delete_batch", map)

    def _batch(self, command: str, map: maps.MapFd) -> None:
        """The format wants a key, and these commands are refused before they look at any."""
        self._ask("map_command", command=command, map=map, key=GARBAGE)

    def _key(self, found: MapNotes, key: Any) -> Op:
        """The field ``key`` and, for an inode number, ``by``."""
        if key is BOGUS_KEY:
            return {"key": GARBAGE}
        cgroup, kind = key if found.wide_key else (key, ATTACH_TYPES["ingress"])
        if kind is UNINITIALISED:
            kind = ATTACH_TYPES["ingress"]
        by = {"by": "st_ino"} if isinstance(cgroup, Inode) else {}
        if isinstance(cgroup, cgroups.Cgroup):
            name = self._names[cgroup]
        else:
            low = cgroup & 0xFFFFFFFF
            known = {thing.number: name for name, thing in self._things.items() if name[0] == "c"}
            if low not in known:
                raise NotExportable(f"no cgroup has the id {cgroup:#x}")
            name = known[low]
        return {"key": [name, word_for(ATTACH_NAMES, kind)], **by}


def _shape(described: Type | None) -> str | None:
    try:
        return None if described is None else shape_of(described)
    except KeyError as error:
        raise NotExportable(f"the format has no name for {error.args[0]!r}") from None


def _number(kind: Type, word: int) -> Value:
    """A first word as a value of the map's type."""
    return kind.decode(word.to_bytes(8, "little")[: kind.size])


def _word(value: Value) -> int:
    if not isinstance(value, int):
        raise NotExportable(f"the format writes words into such a map, not {value!r}")
    return value


def _content(kind: Type, value: Value, percpu: bool) -> Op:
    """``value`` for a word, and in a per-CPU map for n, n + 1 and so on; else ``data``."""
    values = list(value) if percpu else [value]
    first = values[0]
    word = isinstance(first, int) and isinstance(kind, Int) and kind.size in (4, 8)
    if word and values == [first + place for place in range(len(values))]:
        return {"value": first}
    data = {kind.encode(each).hex() for each in values}
    if len(data) != 1:
        raise NotExportable(f"the format has no update with {value!r}")
    return {"data": data.pop()}
