# SPDX-License-Identifier: GPL-2.0-only
"""BPF_MAP_CREATE: what the kernel accepts as a map of cgroup storages, test by test.

Modelled: ``kernel/bpf/syscall.c:map_create`` and ``map_check_btf``,
``kernel/bpf/local_storage.c:cgroup_storage_map_alloc`` and ``cgroup_storage_check_btf``,
``kernel/bpf/bpf_local_storage.c:bpf_local_storage_map_alloc_check``.  Left out: offload, tokens.
"""

from __future__ import annotations

from . import changes, errors, special_fields
from .cgrp_storage import CgrpStorageMap
from .maps import Map, MapFd, StorageMap
from .parts import KernelPart
from .prog_arrays import ProgArray
from .special_fields import Found
from .state import valid_name
from .uapi import (
    BPF_F_CLONE,
    BPF_F_NO_PREALLOC,
    BPF_F_NUMA_NODE,
    BPF_F_RDONLY,
    BPF_F_RDONLY_PROG,
    BPF_F_WRONLY,
    BPF_F_WRONLY_PROG,
    BPF_MAP_TYPE_ARRAY_OF_MAPS,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_MAP_TYPE_CGRP_STORAGE,
    BPF_MAP_TYPE_HASH_OF_MAPS,
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    BPF_MAP_TYPE_PROG_ARRAY,
    PAGE_SIZE,
    MapType,
)
from .values import KPTR, RES_SPIN_LOCK, SPIN_LOCK, TIMER, Int, Special, Struct, Type

BPF_LOCAL_STORAGE_MAX_VALUE_SIZE = 65535 - 128
"""Bytes: 65407 with 64-byte cache lines, where an element's header takes 128."""
PCPU_MIN_UNIT_SIZE = 32768
"""Bytes: the largest value of the per-CPU type since 5.15."""

NUMA_NO_NODE = (1 << 32) - 1
"""``numa_node`` -1, which asks for any node: ``include/linux/numa.h``."""

MOST_SLOTS = 1 << 16
"""Slots of an array of programs in the model; Linux ends where its memory does."""

_NO_PREALLOC, _NUMA_NODE = int(BPF_F_NO_PREALLOC), int(BPF_F_NUMA_NODE)
_ACCESS = int(BPF_F_RDONLY | BPF_F_WRONLY)
_PROG_ACCESS = int(BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG)
_MAPS_OF_MAPS = (BPF_MAP_TYPE_ARRAY_OF_MAPS, BPF_MAP_TYPE_HASH_OF_MAPS)
_ARRAYS = (BPF_MAP_TYPE_PROG_ARRAY, BPF_MAP_TYPE_ARRAY_OF_MAPS)
_STORAGE_MAPS = (BPF_MAP_TYPE_CGROUP_STORAGE, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE)

_IN_TURN = (SPIN_LOCK, TIMER, KPTR)
"""The order in which kernels before 6.2 test the fields."""

_FIELDS_ALLOWED: dict[MapType, frozenset[Special]] = {
    BPF_MAP_TYPE_CGROUP_STORAGE: frozenset({SPIN_LOCK, RES_SPIN_LOCK}),
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE: frozenset(),
    BPF_MAP_TYPE_CGRP_STORAGE: frozenset({SPIN_LOCK, RES_SPIN_LOCK, KPTR}),
}


class MapCreate(KernelPart):
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
        inner_map: MapFd | None = None,
    ) -> MapFd:
        if btf:
            btf_key, btf_value = btf_key or key, btf_value or value
        late = self.has(changes.CREATE_CHECKS_ATTRIBUTES_FIRST)
        # checks
        if not late:
            self._check_unprivileged()
        self._check_btf_ids(btf_key, btf_value)
        fields = special_fields.special_fields_in(btf_value, self.has)
        if not self.has(changes.ACCESS_FLAGS_LATE):
            _check_access(map_flags)
        if map_flags & _NUMA_NODE and numa_node not in (0, NUMA_NO_NODE):
            raise errors.NumaNode(numa_node)
        self._check_type(map_type)
        if map_type is BPF_MAP_TYPE_CGRP_STORAGE:
            _check_cgrp_attributes(key, value, max_entries, map_flags, btf_key, btf_value)
            if not late and not self._bpf_capable():
                raise errors.NotPermitted("CAP_BPF")
            _check_cgrp_value_size(value)
        if late:
            self._check_unprivileged()
        if map_type is BPF_MAP_TYPE_CGRP_STORAGE and not self._bpf_capable():
            raise errors.NotPermitted("CAP_BPF")
        if map_type in _ARRAYS:
            _check_array_attributes(key, value, max_entries, map_flags)
        if map_type in _MAPS_OF_MAPS:
            _check_inner(self._map(inner_map))
        if map_type in _STORAGE_MAPS:
            self._check_storage_attributes(map_type, key, value, max_entries, map_flags)
        charged = map_type in (*_STORAGE_MAPS, BPF_MAP_TYPE_PROG_ARRAY)
        if charged and self.has(changes.MEMLOCK_BEFORE_ALLOCATION):
            self._check_memlock()
        if not valid_name(map_name, self.has):
            raise errors.MapName(map_name)
        record = self._check_btf(map_type, key, value, map_flags, btf_key, btf_value, fields)
        _check_access(map_flags)
        if charged:
            self._check_memlock()
            self._charge(1)
        # act
        found = self._new_map(map_type, key, value, map_flags, map_name, max_entries)
        found.record = record
        found.max_entries = max_entries
        found.btf = btf_key is not None or btf_value is not None
        self.objects["map"][found.id] = found
        found.refs = found.urefs = 1
        # answer
        return MapFd(found, map_flags & _ACCESS)

    def _new_map(
        self, map_type: MapType, key: Type, value: Type, flags: int, name: str, max_entries: int
    ) -> Map:
        number = self._new_id("map")
        if map_type in _STORAGE_MAPS:
            return StorageMap(self, number, name, map_type, key, value, flags)
        if map_type is BPF_MAP_TYPE_CGRP_STORAGE:
            return CgrpStorageMap(number, name, map_type, key, value, flags)
        if map_type is BPF_MAP_TYPE_PROG_ARRAY:
            return ProgArray(number, name, map_type, key, value, flags, max_entries)
        return Map(number, name, map_type, key, value, flags)

    # -- checks, in the order of their calls --------------------------------------------------

    def _check_btf_ids(self, btf_key: Type | None, btf_value: Type | None) -> None:
        both_or_none = not self.has(changes.BTF_KEY_AND_VALUE)
        if btf_value is None and btf_key is not None:
            raise errors.BtfIds("a key type requires a value type")
        if both_or_none and btf_key is None and btf_value is not None:
            raise errors.BtfIds("this kernel requires both or neither")

    def _check_type(self, map_type: MapType) -> None:
        if not isinstance(map_type, MapType):
            raise errors.UnknownMapType(map_type)
        since = {
            BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE: changes.PERCPU_STORAGE,
            BPF_MAP_TYPE_CGRP_STORAGE: changes.CGRP_STORAGE,
        }.get(map_type)
        if since is not None and not self.has(since):
            raise errors.UnknownMapType(map_type)

    def _check_storage_attributes(
        self, map_type: MapType, key: Type, value: Type, max_entries: int, map_flags: int
    ) -> None:
        """``cgroup_storage_map_alloc()``"""
        key_sizes = (16, 8) if self.has(changes.KEY_IS_CGROUP_ID) else (16,)
        if key.size not in key_sizes:
            raise errors.KeySize(key.size)
        if value.size == 0:
            raise errors.ValueSizeZero
        if value.size > self.value_size_limit(map_type):
            raise errors.ValueSizeTooBig(value.size)
        allowed = _NUMA_NODE | _ACCESS
        if self.has(changes.PROG_ACCESS_FLAGS):
            allowed |= _PROG_ACCESS
        if map_flags & ~allowed or map_flags & _PROG_ACCESS == _PROG_ACCESS:
            raise errors.MapFlags(map_flags)
        if max_entries:
            raise errors.MaxEntries(max_entries)

    def value_size_limit(self, map_type: MapType) -> int:
        """The largest value_size of a map of cgroup storages, in bytes, on x86-64."""
        if not self.has(changes.BIGGER_VALUES):
            return PAGE_SIZE
        if map_type is BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE:
            return PCPU_MIN_UNIT_SIZE
        return BPF_LOCAL_STORAGE_MAX_VALUE_SIZE

    def _check_memlock(self) -> None:
        if not self._charge(1):
            raise errors.LockedMemory
        self._uncharge(1)

    def _check_btf(
        self,
        map_type: MapType,
        key: Type,
        value: Type,
        map_flags: int,
        btf_key: Type | None,
        btf_value: Type | None,
        record: tuple[Found, ...],
    ) -> tuple[Found, ...]:
        """``map_check_btf()``; the special fields of the value."""
        if btf_value is None:
            return ()
        if btf_key is not None and btf_key.size != key.size:
            raise errors.BtfSize(btf_key)
        if btf_value.size != value.size:
            raise errors.BtfSize(btf_value)
        if record:
            self._check_record(map_type, map_flags, record)
        if map_type in _STORAGE_MAPS:
            if not self.has(changes.BTF_KEY_AND_VALUE):
                raise errors.BtfNotSupported
            if not is_storage_key(btf_key):
                raise errors.BtfKeyShape(btf_key)
        elif map_type is BPF_MAP_TYPE_CGRP_STORAGE and not _is_int(btf_key, 4):
            raise errors.BtfKeyShape(btf_key)
        return record

    def _check_record(self, map_type: MapType, map_flags: int, record: tuple[Found, ...]) -> None:
        """``map_check_btf()``; before 6.2 it tests each kind of field after the other."""
        together = self.has(changes.BTF_RECORD)
        allowed = _FIELDS_ALLOWED.get(map_type, frozenset())
        found = list(dict.fromkeys(one.special for one in record))
        for fields in [found] if together else [[one] for one in _IN_TURN if one in found]:
            strict = together or fields == [KPTR]
            if strict and not self._bpf_capable():
                raise errors.NotPermitted("CAP_BPF")
            if map_flags & (_PROG_ACCESS if strict else int(BPF_F_RDONLY_PROG)):
                raise errors.SpecialFieldReadOnly
            for special in fields:
                if special not in allowed:
                    if special is SPIN_LOCK and not together:
                        raise errors.SpecialFieldNotSupportedLegacy(special)
                    raise errors.SpecialFieldNotSupported(special)


def is_storage_key(key: Type | None) -> bool:
    """``cgroup_storage_check_btf()``: a 64-bit integer, or a struct of a 64- and a 32-bit one."""
    if isinstance(key, Struct):
        members = list(key.members.values())
        return len(members) == 2 and _is_int(members[0], 8) and _is_int(members[1], 4)
    return _is_int(key, 8)


def _is_int(member: Type | None, size: int) -> bool:
    return isinstance(member, Int) and member.kind == "INT" and member.size == size


def _check_access(map_flags: int) -> None:
    """``bpf_get_file_flag()``"""
    if map_flags & _ACCESS == _ACCESS:
        raise errors.MapFlags("BPF_F_RDONLY excludes BPF_F_WRONLY")


def _check_cgrp_attributes(
    key: Type,
    value: Type,
    max_entries: int,
    map_flags: int,
    btf_key: Type | None,
    btf_value: Type | None,
) -> None:
    """``bpf_local_storage_map_alloc_check()``: one test in the kernel, so one errno."""
    if map_flags & ~(_NO_PREALLOC | int(BPF_F_CLONE)) or not map_flags & _NO_PREALLOC:
        raise errors.MapFlags("CGRP_STORAGE requires BPF_F_NO_PREALLOC")
    if max_entries:
        raise errors.MaxEntries(max_entries)
    if key.size != 4:
        raise errors.KeySize(key.size)
    if value.size == 0:
        raise errors.ValueSizeZero
    if btf_key is None or btf_value is None:
        raise errors.BtfIds("CGRP_STORAGE requires both")


def _check_cgrp_value_size(value: Type) -> None:
    """The last test of ``bpf_local_storage_map_alloc_check()``."""
    if value.size > BPF_LOCAL_STORAGE_MAX_VALUE_SIZE:
        raise errors.ValueSizeTooBig(value.size)


def _check_array_attributes(key: Type, value: Type, max_entries: int, map_flags: int) -> None:
    """``fd_array_map_alloc_check()`` and ``array_map_alloc_check()``: one errno for all."""
    if (key.size, value.size) != (4, 4) or not max_entries:
        raise errors.ArrayAttributes(f"key {key}, value {value}, max_entries {max_entries}")
    if map_flags & ~(_NUMA_NODE | _ACCESS):
        raise errors.MapFlags(map_flags)
    if max_entries > MOST_SLOTS:
        raise ValueError(
            f"max_entries: an array of the model has at most {MOST_SLOTS} slots, not {max_entries}"
        )


def _check_inner(inner: Map) -> None:
    """``bpf_map_meta_alloc()``"""
    if inner.storage_kind is not None or isinstance(inner, ProgArray):
        raise errors.InnerMap(inner.type)
