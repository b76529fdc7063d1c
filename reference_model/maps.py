# SPDX-License-Identifier: GPL-2.0-only
"""The two maps of cgroup storages, and the bpf(2) commands on their entries.

Modelled: ``kernel/bpf/local_storage.c`` (``cgroup_storage_map_ops``) and the map commands of
``kernel/bpf/syscall.c``.  Left out: EFAULT, torn reads, and what bpffs prints.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar

from . import changes, errors
from .cgroups import Cgroup
from .errors import UndefinedBehaviour
from .parts import KernelPart
from .special_fields import Found
from .state import Descriptor, Object, changing
from .storages import BPF_CGROUP_STORAGE_PERCPU, BPF_CGROUP_STORAGE_SHARED, Storage, pages_of
from .uapi import (
    BPF_EXIST,
    BPF_F_ALL_CPUS,
    BPF_F_CPU,
    BPF_F_LOCK,
    BPF_F_RDONLY,
    BPF_F_WRONLY,
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    AttachType,
    MapType,
)
from .values import SPIN_LOCK, CgroupStorageKey, Type, Value

if TYPE_CHECKING:
    from .programs import Program

_EXIST, _LOCK, _CPU, _ALL = map(int, (BPF_EXIST, BPF_F_LOCK, BPF_F_CPU, BPF_F_ALL_CPUS))
_RDONLY, _WRONLY = int(BPF_F_RDONLY), int(BPF_F_WRONLY)
_ATTACH_TYPES = {int(attach_type): attach_type for attach_type in AttachType}


class SpecialKey(Enum):
    """What a kernel hands out in a key although it means nothing."""

    BOGUS_KEY = "bogus key"
    """A key made of the map's own bookkeeping: no lookup finds it, and it leaks addresses."""
    UNINITIALISED = "uninitialised"
    """Memory that the kernel never wrote."""

    def __repr__(self) -> str:
        return f"<{self.value}>"

    __str__ = __repr__


BOGUS_KEY = SpecialKey.BOGUS_KEY
UNINITIALISED = SpecialKey.UNINITIALISED


@changing()
class MapFd(Descriptor):
    """A descriptor of a map."""

    object: Map

    @property
    def frozen(self) -> bool:
        """Whether BPF_MAP_FREEZE was called."""
        return self.object.frozen


@changing("frozen", "urefs")
class Map(Object):
    """What every map has; by itself one that no command works on, as a map of maps here."""

    __slots__ = (
        "btf",
        "flags",
        "frozen",
        "key",
        "max_entries",
        "record",
        "type",
        "urefs",
        "value",
        "value_size",
    )

    kind: ClassVar[str] = "map"
    storage_kind: int | None = None
    """SHARED or BPF_CGROUP_STORAGE_PERCPU for a map of cgroup storages."""

    def __init__(
        self, number: int, name: str, map_type: MapType, key: Type, value: Type, flags: int
    ) -> None:
        super().__init__(number, name)
        self.type = map_type
        self.key = key
        self.value = value
        self.value_size = value.size
        self.flags = flags
        self.frozen = False
        self.urefs = 0
        """Descriptors and pins, the references of user space."""
        self.record: tuple[Found, ...] = ()
        """The special fields that the kernel found in the value's BTF."""
        self.max_entries = 0
        self.btf = False
        """Whether the map was created with BTF."""

    @property
    def has_lock(self) -> bool:
        """Whether the kernel found a bpf_spin_lock in the value."""
        return any(found.special is SPIN_LOCK for found in self.record)

    def lookup(self, kernel: KernelPart, key: Any, flags: int) -> Value:
        """BPF_MAP_LOOKUP_ELEM, behind the checks that all types share."""
        raise errors.CommandNotSupported

    def update(self, kernel: KernelPart, key: Any, value: Value, flags: int) -> None:
        """BPF_MAP_UPDATE_ELEM, behind the checks that all types share."""
        raise errors.CommandNotSupported

    def delete(self, kernel: KernelPart, key: Any) -> None:
        """BPF_MAP_DELETE_ELEM, behind the checks that all types share."""
        raise errors.CommandNotSupported

    def next_key(self, kernel: KernelPart, key: Any) -> Any:
        """BPF_MAP_GET_NEXT_KEY, behind the checks that all types share."""
        raise errors.CommandNotSupported

    def destroy(self, kernel: KernelPart) -> None:
        """The last reference is gone."""


@changing("entries", "newest", "owner", hidden=("entries",))
class StorageMap(Map):
    """A map of cgroup storages, shared or per-CPU.

    ``entries`` maps a storage's identity to it; ``newest`` heads the list from newest to oldest.
    """

    storage_kind: int

    __slots__ = (
        "_by_attach_type",
        "_uninitialised",
        "buffer_size",
        "entries",
        "newest",
        "owner",
        "pages",
        "slot",
        "storage_kind",
        "wide_key",
    )

    def __init__(
        self,
        kernel: KernelPart,
        number: int,
        name: str,
        map_type: MapType,
        key: Type,
        value: Type,
        flags: int,
    ) -> None:
        super().__init__(number, name, map_type, key, value, flags)
        percpu = map_type is BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE
        self.storage_kind = BPF_CGROUP_STORAGE_PERCPU if percpu else BPF_CGROUP_STORAGE_SHARED
        self.wide_key = key.size == 16
        """Whether the key is the struct of 16 bytes."""
        self._uninitialised = kernel.has(changes.ATTACH_TYPE_IGNORED)
        self._by_attach_type = self.wide_key and not self._uninitialised
        self.entries: dict[object, Storage] = {}
        self.newest: Storage | None = None
        self.owner: Program | None = None
        """Before 5.9: the program that the map is bound to."""
        self.slot = (self.value_size + 7) // 8 * 8 if percpu else self.value_size
        """Bytes of one CPU's value in the buffers of user space and of the model."""
        self.buffer_size = self.slot * len(kernel.cpus) if percpu else self.value_size
        """Bytes that a lookup or an update copies."""
        header = 104 if kernel.has(changes.SHARED_STORAGE) else 88
        size = self.buffer_size if percpu else header + 16 + self.value_size
        self.pages = pages_of(size)
        """Pages that one storage charges to RLIMIT_MEMLOCK (before 5.11)."""

    def identity(self, cgroup_id: int, attach_type: int) -> object:
        """What distinguishes the storages of the map."""
        return (cgroup_id, attach_type) if self._by_attach_type else cgroup_id

    def find(self, key: Any) -> Storage | None:
        """The storage with this key; TypeError if it is not a key of this map."""
        if self.wide_key:
            if isinstance(key, tuple) and len(key) == 2:
                cgroup, attach_type = key
                number = cgroup.id if isinstance(cgroup, Cgroup) else cgroup
                if self._by_attach_type:
                    return self.entries.get((number, attach_type))
                return self.entries.get(number)
        elif isinstance(key, (Cgroup, int)):
            return self.entries.get(key.id if isinstance(key, Cgroup) else key)
        if key is BOGUS_KEY:
            return None
        form = "(cgroup, attach_type)" if self.wide_key else "a cgroup or its id"
        raise TypeError(f"a key of {self.key.size} bytes is {form}, not {key!r}")

    def existing(self, key: Any) -> Storage:
        """The storage with this key, or ENOENT."""
        storage = self.find(key)
        if storage is None:
            raise errors.NoEntry
        return storage

    # -- commands -----------------------------------------------------------------------------

    def lookup(self, kernel: KernelPart, key: Any, flags: int) -> Value:
        data = self.existing(key).data
        if self.storage_kind == BPF_CGROUP_STORAGE_SHARED:
            return self.value.decode(data)
        size, slot = self.value_size, self.slot
        if flags & _CPU:
            at = _rank(kernel, flags >> 32) * slot
            return self.value.decode(data[at : at + size])
        return [self.value.decode(data[at : at + size]) for at in range(0, len(data), slot)]

    def update(self, kernel: KernelPart, key: Any, value: Value, flags: int) -> None:
        if self.storage_kind == BPF_CGROUP_STORAGE_SHARED:
            self._update_shared(kernel, key, value, flags)
        else:
            self._update_percpu(kernel, key, value, flags)

    def _update_shared(self, kernel: KernelPart, key: Any, value: Value, flags: int) -> None:
        # checks: cgroup_storage_update_elem()
        allowed = _EXIST | _LOCK if kernel.has(changes.SPIN_LOCK) else _EXIST
        if flags & ~allowed:
            raise errors.ElementFlags(flags)
        storage = self.existing(key)
        data = self.encode(value, self.value_size)
        if kernel._fails("storage") and not flags & _LOCK:
            raise errors.OutOfMemory
        # act: with BPF_F_LOCK in place, else a new buffer; the lock itself is not written
        storage.data[:] = data

    def _update_percpu(self, kernel: KernelPart, key: Any, value: Value, flags: int) -> None:
        # checks: bpf_percpu_cgroup_storage_update()
        one_value = flags & (_CPU | _ALL) if kernel.has(changes.CPU_FLAGS) else 0
        if (flags & 0xFFFFFFFF if one_value else flags) & ~(_EXIST | one_value):
            raise errors.ElementFlags(flags)
        storage = self.existing(key)
        # act: in place
        slot, size = self.slot, self.value_size
        if one_value:
            data = self.encode(value, size)
            ranks = [_rank(kernel, flags >> 32)] if flags & _CPU else range(len(kernel.cpus))
            for rank in ranks:
                storage.data[rank * slot : rank * slot + size] = data
            return
        buffer = self.encode_slots(kernel, value)
        if not kernel.has(changes.CPU_FLAGS):
            storage.data[:] = buffer
            return
        if kernel.cpus[-1] >= len(kernel.cpus) and not kernel.has(changes.SPARSE_CPUS):
            raise UndefinedBehaviour(
                "updating all CPUs reads beyond the user's value: the CPU numbers have holes"
            )
        for at in range(0, len(buffer), slot):
            storage.data[at : at + size] = buffer[at : at + size]

    def encode(self, value: Value, size: int) -> bytes:
        """The bytes of one value: typed, or ``bytes`` of just this size; locks become zeros."""
        raw = isinstance(value, bytes) and len(value) == size
        encoded: bytes = value if raw else self.value.encode(value)
        if not self.record:
            return encoded
        data = bytearray(encoded)
        for _, (offset, width) in self.record:
            data[offset : offset + width] = bytes(width)
        return bytes(data)

    def encode_slots(self, kernel: KernelPart, values: Value) -> bytes:
        """The user's buffer of all CPUs: from a list of values, or ``bytes`` of just its size."""
        if isinstance(values, bytes) and len(values) == self.buffer_size:
            return values
        if not isinstance(values, (list, tuple)) or len(values) != len(kernel.cpus):
            raise ValueError(
                f"a per-CPU update takes a list of {len(kernel.cpus)} values, one for each "
                f"possible CPU, or {self.buffer_size} bytes, not {values!r}"
            )
        encode, slot = self.value.encode, self.slot
        return b"".join(encode(value).ljust(slot, b"\0") for value in values)

    def delete(self, kernel: KernelPart, key: Any) -> None:
        raise errors.DeleteRefused

    def next_key(self, kernel: KernelPart, key: Any) -> Any:
        if key is None:
            following = self.newest
        else:
            storage = self.find(key)
            if storage is None:
                raise errors.NoMoreKeys
            following = storage.older
            if following is None and not kernel.has(changes.NEXT_KEY_END):
                return BOGUS_KEY
        if following is None:
            raise errors.NoMoreKeys
        identity: Any = following.key
        if not self.wide_key:
            return identity
        if self._uninitialised:
            return CgroupStorageKey(identity, UNINITIALISED)
        return CgroupStorageKey(identity[0], _ATTACH_TYPES[identity[1]])

    def destroy(self, kernel: KernelPart) -> None:
        for storage in list(self.entries.values()):
            kernel.storages.free(storage)
        kernel._uncharge(1)


def _rank(kernel: KernelPart, cpu: int) -> int:
    """Which slot a CPU has; before 7.2.7 the check of the flags let holes through."""
    if cpu not in kernel.cpus:
        raise UndefinedBehaviour(
            f"BPF_F_CPU names CPU {cpu}, which is a hole among the possible CPUs"
        )
    return kernel.cpus.index(cpu)


class MapCommands(KernelPart):
    """The commands of bpf(2) on maps and their entries."""

    def map_lookup_elem(self, map: MapFd, key: Any, flags: int = 0) -> Value:
        self._check_command()
        late = self.has(changes.LOOKUP_FLAGS_LATE)
        if flags and not late and (flags & ~_LOCK or not self.has(changes.SPIN_LOCK)):
            raise errors.ElementFlags(flags)
        found = self._map(map)
        if map.mode & _WRONLY:
            raise errors.AccessMode
        if flags:
            allowed = _LOCK | _CPU if self.has(changes.CPU_FLAGS) else _LOCK
            self._check_element_flags(found, flags, allowed)
        return found.lookup(self, key, flags)

    def map_update_elem(self, map: MapFd, key: Any, value: Value, flags: int = 0) -> None:
        self._check_command()
        found = self._map(map)
        self._check_write(map, found)
        if flags:
            if self.has(changes.CPU_FLAGS):
                self._check_element_flags(found, flags, 0xFFFFFFFF)
            elif flags & _LOCK and self.has(changes.SPIN_LOCK) and not found.has_lock:
                raise errors.ElementFlags(flags)
        found.update(self, key, value, flags)

    def map_delete_elem(self, map: MapFd, key: Any) -> None:
        self._check_command()
        found = self._map(map)
        self._check_write(map, found)
        found.delete(self, key)

    def map_get_next_key(self, map: MapFd, key: Any = None) -> Any:
        self._check_command()
        found = self._map(map)
        if map.mode & _WRONLY:
            raise errors.AccessMode
        return found.next_key(self, key)

    def map_lookup_and_delete_elem(self, map: MapFd, key: Any, flags: int = 0) -> None:
        self._check_command()
        if not self.has(changes.LOOKUP_AND_DELETE):
            raise errors.UnknownCommand
        if flags & ~(_LOCK if self.has(changes.LOOKUP_AND_DELETE_FLAGS) else 0):
            raise errors.ElementFlags(flags)
        found = self._map(map)
        self._check_write(map, found)
        if map.mode & _WRONLY and self.has(changes.LOOKUP_AND_DELETE_READS):
            raise errors.AccessMode
        if flags & _LOCK and not found.has_lock:
            raise errors.ElementFlags(flags)
        raise errors.CommandNotSupported

    def map_lookup_batch(self, map: MapFd) -> None:
        self._batch(map, read=True, write=False)

    def map_lookup_and_delete_batch(self, map: MapFd) -> None:
        self._batch(map, read=True, write=True)

    def map_update_batch(self, map: MapFd) -> None:
        self._batch(map, read=False, write=True)

    def map_delete_batch(self, map: MapFd) -> None:
        self._batch(map, read=False, write=True)

    def _batch(self, map: MapFd, *, read: bool, write: bool) -> None:
        self._check_command()
        if not self.has(changes.BATCH_COMMANDS):
            raise errors.UnknownCommand
        found = self._map(map)
        if read and map.mode & _WRONLY:
            raise errors.AccessMode
        if write:
            self._check_write(map, found)
        raise errors.CommandNotSupported

    def map_freeze(self, map: MapFd) -> None:
        self._check_command()
        if not self.has(changes.MAP_FREEZE):
            raise errors.UnknownCommand
        found = self._map(map)
        if found.record and self.has(changes.BTF_RECORD):
            raise errors.FreezeNotSupported
        if self.has(changes.FREEZE_NEEDS_WRITE):
            if map.mode & _RDONLY or found.frozen:
                raise errors.FreezeReadOnly
        elif found.frozen:
            raise errors.AlreadyFrozen
        elif not self._bpf_capable():
            raise errors.NotPermitted("CAP_BPF")
        found.frozen = True

    # -- checks -------------------------------------------------------------------------------

    def _check_write(self, map: MapFd, found: Map) -> None:
        if map.mode & _RDONLY or found.frozen:
            raise errors.AccessMode

    def _check_element_flags(self, found: Map, flags: int, allowed: int) -> None:
        """``bpf_map_check_op_flags()``"""
        if flags & 0xFFFFFFFF & ~allowed:
            raise errors.ElementFlags(flags)
        if flags & _LOCK and not found.has_lock:
            raise errors.ElementFlags(flags)
        if flags >> 32 and not flags & _CPU:
            raise errors.ElementFlags(flags)
        if flags & (_CPU | _ALL):
            if found.storage_kind != BPF_CGROUP_STORAGE_PERCPU or flags & _CPU and flags & _ALL:
                raise errors.ElementFlags(flags)
            known = self.cpus if self.has(changes.SPARSE_CPUS) else range(len(self.cpus))
            if flags & _CPU and flags >> 32 not in known:
                raise errors.NoSuchCpu(flags >> 32)
