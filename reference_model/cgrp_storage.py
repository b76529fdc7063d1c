# SPDX-License-Identifier: GPL-2.0-only
"""BPF_MAP_TYPE_CGRP_STORAGE: the successor, where programs name the cgroup themselves.

Modelled: ``kernel/bpf/bpf_cgrp_storage.c`` and ``bpf_local_storage.c`` (6.2 and later).  Left out:
the busy counter and its EBUSY, EAGAIN, kptrs, and how a program gets hold of a cgroup.
"""

from __future__ import annotations

from typing import Any, ClassVar

from . import errors
from .cgroups import Cgroup
from .maps import Map, MapFd
from .parts import KernelPart
from .state import changing
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

    def destroy(self, kernel: KernelPart) -> None:
        for cgroup in kernel.cgroups.values():
            cgroup.local_storages.pop(self, None)


class CgrpStorageHelpers(KernelPart):
    """The two helpers, called as a program would call them."""

    def cgrp_storage_get(
        self, map: MapFd, cgroup: Cgroup | None, value: Value = None, flags: int = 0
    ) -> Value:
        found = self._cgrp_map(map)
        if flags & ~BPF_LOCAL_STORAGE_GET_F_CREATE or cgroup is None or cgroup.freed:
            return None
        data = cgroup.local_storages.get(found)
        if data is None:
            create = flags & BPF_LOCAL_STORAGE_GET_F_CREATE and cgroup.online
            if not create or self._fails("storage"):
                return None
            data = bytearray(found.value_size)
            if value is not None:
                data[:] = found.value.encode(value)
            cgroup.local_storages[found] = data
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
