# SPDX-License-Identifier: GPL-2.0-only
"""One running kernel: the bpf(2) commands and the events, as methods.

Composes the parts of the model and decides nothing itself.
"""

from __future__ import annotations

from .arguments import check_arguments, restore_calls
from .attachments import AttachCommands
from .cgroups import CgroupCommands
from .cgrp_storage import CgrpStorageHelpers
from .descriptors import DescriptorCommands
from .execution import EventCommands
from .ids import IdCommands
from .links import LinkCommands
from .lsm import LsmSlots
from .map_create import MapCreate
from .maps import MapCommands, StorageMap
from .programs import ProgCommands, Program
from .references import References
from .releases import Release
from .storages import ownership


class Kernel(
    CgroupCommands,
    EventCommands,
    MapCreate,
    MapCommands,
    CgrpStorageHelpers,
    ProgCommands,
    AttachCommands,
    LinkCommands,
    IdCommands,
    DescriptorCommands,
    References,
):
    """A kernel of some release, with a cgroup v2 tree and nothing in it.

    ``release``: a name such as ``"5.8"``, ``"6.1.176"``, ``"latest"`` or ``"proposal"``, or a
    Profile of a kernel that is no release; ``cpus``:
    how many possible CPUs, or their numbers; ``memlock``: RLIMIT_MEMLOCK in bytes, None for
    unlimited; ``unprivileged_bpf_disabled``: the sysctl.

    Every method either does what the kernel does, or raises a BpfError with the kernel's errno
    and changes nothing, or raises UndefinedBehaviour and changes nothing.

    >>> Kernel("5.8")
    Kernel('5.8')
    >>> Kernel("3.10")
    Traceback (most recent call last):
        ...
    ValueError: unknown release '3.10' (known: 4.19 to ..., also '6.1.176', 'latest', 'proposal')
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
        self.lsm_slots = LsmSlots()
        self._make_root()

    def __repr__(self) -> str:
        return f"Kernel({self.release.name!r})"

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


class TrustingKernel(Kernel):
    """A Kernel that does not check its arguments: for callers that give only those that fit."""


check_arguments(Kernel)
restore_calls(TrustingKernel)
