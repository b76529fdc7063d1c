# SPDX-License-Identifier: GPL-2.0-only
"""One running kernel: the bpf(2) commands and the events, as methods.

Composes the rooms of the model and decides nothing itself.
"""

from __future__ import annotations

from . import errors
from .cgroups import Cgroup
from .cgrp_storage import CgrpStorageHelpers
from .execution import ExecutionCommands
from .links import Link, LinkFd
from .maps import Map, MapFd, StorageMap, _not_a
from .prog_arrays import ProgArray
from .programs import ProgFd, Program
from .releases import Release
from .state import Descriptor, Object
from .storages import ownership
from .uapi import BPF_F_RDONLY, BPF_F_WRONLY

_FD: dict[str, type[Descriptor]] = {"map": MapFd, "prog": ProgFd, "link": LinkFd}


class Kernel(ExecutionCommands, CgrpStorageHelpers):
    """A kernel of some release, with a cgroup v2 tree and nothing in it.

    ``release``: a name such as ``"5.8"``, ``"6.1.176"``, ``"latest"`` or ``"proposal"``; ``cpus``:
    how many possible CPUs, or their numbers; ``memlock``: RLIMIT_MEMLOCK in bytes, None for
    unlimited; ``unprivileged_bpf_disabled``: the sysctl.

    Every method either does what the kernel does, or raises a BpfError with the kernel's errno
    and changes nothing, or raises UndefinedBehaviour and changes nothing.

    >>> Kernel("5.8")
    Kernel('5.8')
    >>> Kernel("3.10")
    Traceback (most recent call last):
        ...
    ValueError: unknown release '3.10' (known: 4.19 to 7.3, also '6.1.176', 'latest', 'proposal')
    """

    def __init__(
        self,
        release: str | Release = "latest",
        *,
        cpus: int | tuple[int, ...] = 2,
        memlock: int | None = None,
        unprivileged_bpf_disabled: int = 2,
    ) -> None:
        super().__init__(release, cpus, memlock, unprivileged_bpf_disabled)
        self.storages = ownership(self)
        self.make_root()

    def __repr__(self) -> str:
        return f"Kernel({self.release.name!r})"

    # -- descriptors and pins -----------------------------------------------------------------

    def close(self, descriptor: Descriptor | Cgroup) -> None:
        if not isinstance(descriptor, (Descriptor, Cgroup)):
            raise _not_a(descriptor)
        if not descriptor.open:
            raise errors.BadDescriptor
        if isinstance(descriptor, Descriptor):
            self._put(descriptor.object)
        descriptor.open = False

    def dup(self, descriptor: Descriptor) -> Descriptor:
        if not isinstance(descriptor, Descriptor):
            raise TypeError(f"dup takes a map's, program's or link's, not {descriptor!r}")
        if not descriptor.open:
            raise errors.BadDescriptor
        return self._new_descriptor(descriptor.object, descriptor.mode)

    def obj_pin(self, path: str, descriptor: Descriptor) -> None:
        self.check_command()
        if not descriptor.open:
            raise errors.BadDescriptor
        if path in self.pins:
            raise errors.PathExists(path)
        self._get(descriptor.object)
        self.pins[path] = descriptor.object

    def obj_get(self, path: str, file_flags: int = 0) -> Descriptor:
        self.check_command()
        if file_flags not in (0, BPF_F_RDONLY, BPF_F_WRONLY):
            raise errors.MapFlags(file_flags)
        if path not in self.pins:
            raise errors.NoSuchPath(path)
        return self._new_descriptor(self.pins[path], file_flags)

    def unlink(self, path: str) -> None:
        if path not in self.pins:
            raise errors.NoSuchPath(path)
        self._put(self.pins[path])
        del self.pins[path]

    def _new_descriptor(self, found: Object, mode: int) -> Descriptor:
        self._get(found)
        return _FD[found.kind](found, mode)

    def _get(self, found: Object) -> None:
        found.refs += 1
        if isinstance(found, Map):
            found.urefs += 1

    def _put(self, found: Object) -> None:
        """Drop one of user space's references."""
        if isinstance(found, Map):
            if found.refs == 1:
                self.check_destroy(found)
            if found.urefs == 1 and isinstance(found, ProgArray):
                self.check_put([program for program in found.slots if program is not None])
            self.put_uref(found)
        elif isinstance(found, Program):
            self.check_put([found])
            self.put_program(found)
        else:
            assert isinstance(found, Link)
            self.put_link(found)

    # -- the model itself ---------------------------------------------------------------------

    def check_invariants(self) -> None:
        for found in self.objects["map"].values():
            assert found.refs > 0, f"{found} is alive without a reference"
            if isinstance(found, StorageMap):
                self._check_storages(found)
        for found in self.objects["prog"].values():
            assert isinstance(found, Program)
            assert found.refs > 0, f"{found} is alive without a reference"
            for held in found.maps:
                assert self.objects["map"].get(held.id) is held, f"{found} holds a dead map"
        for cgroup in self.cgroups.values():
            assert not cgroup.freed
            assert cgroup.children <= cgroup.unfreed_children
            for hook in cgroup.hooks.values():
                assert hook.attachments or not hook.flags
                for entry in hook.attachments:
                    assert entry.cgroup is cgroup
                    if entry.sound:
                        kept = [s.map if s else None for s in entry.storages]
                        assert kept == entry.program.storage_maps
                        assert not any(s.freed for s in entry.storages if s)

    def _check_storages(self, found: StorageMap) -> None:
        listed = []
        storage = found.newest
        while storage is not None:
            assert storage.older is None or storage.older.newer is storage
            listed.append(storage)
            storage = storage.older
        assert set(listed) == set(found.entries.values()), "list and tree differ"
        for storage in listed:
            assert found.entries[storage.key] is storage
            assert storage in storage.cgroup.storages
            assert not storage.freed
            assert not storage.cgroup.released
            assert len(storage.data) == found.buffer_size
