# SPDX-License-Identifier: GPL-2.0-only
"""BPF_MAP_TYPE_CGRP_STORAGE: the successor, where programs name the cgroup themselves.

Modelled: ``kernel/bpf/bpf_cgrp_storage.c`` and ``bpf_local_storage.c`` (6.2 and later), and three
ways in which programs get hold of a cgroup.  Left out: the busy counter and its EBUSY, EAGAIN,
kptrs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from . import errors
from .cgroups import Cgroup
from .errors import UndefinedBehaviour
from .maps import Map, MapFd
from .parts import KernelPart
from .state import changing
from .steps import CgroupOf, CgrpAdd, CgrpStep
from .uapi import BPF_EXIST, BPF_F_LOCK, BPF_LOCAL_STORAGE_GET_F_CREATE, BPF_NOEXIST
from .values import Value


@changing()
class CgrpStorageMap(Map):
    """A map of type 32: each cgroup keeps its own element, so the map lists nothing."""

    __slots__ = ()
    kind: ClassVar[str] = "map"

    def _cgroup(self, key: Any) -> Cgroup:
        """``cgroup_v1v2_get_from_fd()``: EBADF, or ENOENT for a dying cgroup."""
        if not isinstance(key, Cgroup) or not key.open:
            raise errors.BadDescriptor
        if not key.online:
            raise errors.CgroupGone
        return key

    def lookup(self, kernel: KernelPart, key: Any, flags: int) -> Value:
        cgroup = self._cgroup(key)
        data = cgroup.local_storages.get(self)
        if data is None:
            raise errors.NoEntry
        return self.value.decode(data)

    def update(self, kernel: KernelPart, key: Any, value: Value, flags: int) -> None:
        cgroup = self._cgroup(key)
        plain = flags & ~int(BPF_F_LOCK)
        if plain > BPF_EXIST or (flags & BPF_F_LOCK and not self.has_lock):
            raise errors.ElementFlags(flags)
        exists = self in cgroup.local_storages
        if plain == BPF_NOEXIST and exists:
            raise errors.EntryExists
        if plain == BPF_EXIST and not exists:
            raise errors.NoEntry
        if kernel._fails("storage"):
            raise errors.OutOfMemory
        cgroup.local_storages[self] = bytearray(self.value.encode(value))

    def delete(self, kernel: KernelPart, key: Any) -> None:
        cgroup = self._cgroup(key)
        if cgroup.local_storages.pop(self, None) is None:
            raise errors.NoEntry

    def get(self, kernel: KernelPart, cgroup: Cgroup | None, flags: int) -> bytearray | None:
        """``bpf_cgrp_storage_get()``: the data of a cgroup; the flags can ask to create it."""
        if flags & ~BPF_LOCAL_STORAGE_GET_F_CREATE or cgroup is None or cgroup.freed:
            return None
        data = cgroup.local_storages.get(self)
        if data is None and flags and cgroup.online and not kernel._fails("storage"):
            data = cgroup.local_storages[self] = bytearray(self.value_size)
        return data

    def destroy(self, kernel: KernelPart) -> None:
        for cgroup in kernel.cgroups.values():
            cgroup.local_storages.pop(self, None)


@dataclass(frozen=True, slots=True)
class Scene:
    """The cgroups of which a running program can get hold; None is no cgroup of the model."""

    kernel: KernelPart
    task: Cgroup | None
    socket: Cgroup | None
    softirq: bool = False
    """Whether the program runs in a softirq, where the current task can be any."""

    def cgroup(self, of: CgroupOf) -> Cgroup | None:
        """The cgroup that a step names."""
        if of == CgroupOf.SOCKET:
            return self.socket
        if self.softirq:
            raise UndefinedBehaviour(
                "the program runs in a softirq, so the current task can be any"
            )
        return self.task.parent if of == CgroupOf.PARENT and self.task else self.task


@dataclass(frozen=True, slots=True)
class CgrpUse:
    """A step that calls a helper of CGRP_STORAGE, ready to run."""

    step: CgrpStep
    map: CgrpStorageMap

    def run(self, scene: Scene) -> None:
        """Call the helper; add to the value that ``bpf_cgrp_storage_get()`` returns."""
        cgroup = scene.cgroup(self.step.cgroup)
        if isinstance(self.step, CgrpAdd):
            data = self.map.get(scene.kernel, cgroup, self.step.flags)
            if data is not None:
                offset, width = self.map.value.field(self.step.field)
                number = int.from_bytes(data[offset : offset + width], "little") + self.step.amount
                wrapped = number & (1 << 8 * width) - 1
                data[offset : offset + width] = wrapped.to_bytes(width, "little")
        elif cgroup is not None:
            cgroup.local_storages.pop(self.map, None)


class CgrpStorageHelpers(KernelPart):
    """The two helpers, called as a program would call them."""

    def cgrp_storage_get(
        self, map: MapFd, cgroup: Cgroup | None, value: Value = None, flags: int = 0
    ) -> Value:
        found = self._cgrp_map(map)
        there = cgroup is not None and found in cgroup.local_storages
        data = found.get(self, cgroup, flags)
        if data is None:
            return None
        if value is not None and not there:
            data[:] = found.value.encode(value)
        return found.value.decode(data)

    def cgrp_storage_delete(self, map: MapFd, cgroup: Cgroup | None) -> None:
        found = self._cgrp_map(map)
        if cgroup is None:
            raise errors.WrongDescriptor
        if cgroup.local_storages.pop(found, None) is None:
            raise errors.NoEntry

    def _cgrp_map(self, map: MapFd) -> CgrpStorageMap:
        """The map; EINVAL as the verifier says for a helper on another map type."""
        found = self._map(map)
        if not isinstance(found, CgrpStorageMap):
            raise errors.HelperMapType(found.type)
        return found
