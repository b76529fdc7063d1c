# SPDX-License-Identifier: GPL-2.0-only
"""The owner of a storage, and when it is created and freed: one class for each semantics.

Modelled: ``struct bpf_cgroup_storage`` of ``kernel/bpf/local_storage.c`` and the
``bpf_cgroup_storages_*()`` functions of ``kernel/bpf/cgroup.c``.  Left out: the short time between
the activation of a program and the publication of its storage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import changes, errors
from .errors import UndefinedBehaviour
from .state import changing
from .uapi import PAGE_SIZE

if TYPE_CHECKING:
    from .attachments import Attachment
    from .cgroups import Cgroup
    from .maps import StorageMap
    from .parts import KernelPart
    from .programs import Program

BPF_CGROUP_STORAGE_SHARED, BPF_CGROUP_STORAGE_PERCPU = 0, 1
"""``enum bpf_cgroup_storage_type``: the index of a storage in its attachment."""

Storages = list["Storage | None"]
"""What an attachment holds: one storage, or None, of each kind."""

NOT_FOUND: Storages = [None, None]


@changing(
    *("data", "freed", "newer", "older"),
    hidden=("newer",),
    fixed=("map", "cgroup", "attach_type"),
)
class Storage:
    """One value of a map: of all CPUs together, or (per-CPU) a slot for each possible CPU.

    ``data`` holds the value, or the slots of ``map.slot`` bytes in order of their CPUs.
    """

    __slots__ = ("cgroup", "data", "freed", "key", "map", "newer", "older", "pages")

    def __init__(self, storage_map: StorageMap, cgroup: Cgroup, key: object, pages: int) -> None:
        self.map = storage_map
        self.cgroup = cgroup
        self.key = key
        self.data = bytearray(storage_map.buffer_size)
        self.freed = False
        self.pages = pages
        self.newer: Storage | None = None
        self.older: Storage | None = None

    @property
    def attach_type(self) -> int | None:
        """The attach type in its key; None if only cgroups distinguish the storages of the map."""
        return self.key[1] if isinstance(self.key, tuple) else None

    def __repr__(self) -> str:
        return f"Storage({self.map.id}, {self.key!r})"


class Ownership:
    """What the semantics have in common: allocation, publication in the map, freeing."""

    def __init__(self, kernel: KernelPart) -> None:
        self.kernel = kernel

    # -- what differs -------------------------------------------------------------------------

    def acquire(self, program: Program, cgroup: Cgroup, attach_type: int) -> Storages:
        """The storages that an attachment of the program gets; ENOMEM leaves nothing."""
        raise NotImplementedError

    def check_publish(self, storages: Storages, old: Storages) -> None:
        """UndefinedBehaviour where the kernel could not publish them in place of the old ones."""

    def replace(self, old: Storages) -> None:
        """The old storages of an attachment that continues with others."""

    def detach(self, attachment: Attachment) -> None:
        """The storages of an attachment that ends."""

    def undo(self, storages: Storages, old: Storages, *, node: bool) -> None:
        """Give back what acquire() made, after a later allocation failed.

        ``node``: the list node's allocation failed, else that of the effective arrays.
        """
        raise NotImplementedError

    def release(self, cgroup: Cgroup) -> None:
        """The cgroup's BPF state ends."""
        for storage in list(cgroup.storages):
            self.free(storage)

    def check_destroy(self, storage_map: StorageMap, freed: set[Storage | None]) -> None:
        """UndefinedBehaviour where the kernel could not destroy a map with storages.

        ``freed`` are storages that go first.
        """

    # -- what is common -----------------------------------------------------------------------

    def allocate(self, storage_map: StorageMap, cgroup: Cgroup, key: object) -> Storage:
        """A zeroed storage, not yet published; ENOMEM also where RLIMIT_MEMLOCK is too small."""
        pages = storage_map.pages
        if self.kernel._fails("storage") or not self.kernel._charge(pages):
            raise errors.OutOfMemory
        return Storage(storage_map, cgroup, key, pages)

    def fresh(
        self, program: Program, cgroup: Cgroup, attach_type: int, *, attaching: bool = True
    ) -> Storages:
        """A new storage for each kind of map that the program uses, all or none."""
        storages: Storages = [None, None]
        for kind, storage_map in enumerate(program.storage_maps):
            if storage_map is not None:
                key = storage_map.identity(cgroup.id, attach_type)
                try:
                    storages[kind] = self.allocate(storage_map, cgroup, key)
                except errors.OutOfMemory:
                    self.discard(storages)
                    if attaching and kind == 0 and self._frees_garbage():
                        raise UndefinedBehaviour(
                            "a storage of a shared map cannot be allocated: the kernel frees an "
                            "uninitialized pointer (__cgroup_bpf_attach)"
                        ) from None
                    raise
        return storages

    def _frees_garbage(self) -> bool:
        """Whether attaching frees the pointers to all storages, and initialized only the first."""
        has = self.kernel.has
        return has(changes.STORAGES_BY_TYPE) and not has(changes.STORAGE_POINTERS)

    def publish(self, storages: Storages) -> None:
        """Make new storages visible: at the head of their map's list, and in their cgroup's."""
        for storage in storages:
            if storage is not None and storage.key not in storage.map.entries:
                self.link(storage)

    def link(self, storage: Storage) -> None:
        """``bpf_cgroup_storage_link()``"""
        storage_map = storage.map
        storage_map.entries[storage.key] = storage
        newest = storage_map.newest
        storage.older, storage.newer = newest, None
        if newest is not None:
            newest.newer = storage
        storage_map.newest = storage
        storage.cgroup.storages[storage] = None

    def unlink(self, storage: Storage) -> None:
        """``bpf_cgroup_storage_unlink()``"""
        storage_map = storage.map
        del storage_map.entries[storage.key]
        del storage.cgroup.storages[storage]
        if storage.newer is None:
            storage_map.newest = storage.older
        else:
            storage.newer.older = storage.older
        if storage.older is not None:
            storage.older.newer = storage.newer
        storage.newer = storage.older = None

    def free(self, storage: Storage) -> None:
        """Unlink a published storage and free its memory."""
        self.unlink(storage)
        self.discard([storage])

    def discard(self, storages: Storages) -> None:
        """Free storages that are not published."""
        for storage in storages:
            if storage is not None:
                storage.freed = True
                storage.data = bytearray()
                self.kernel._uncharge(storage.pages)


class PerAttachment(Ownership):
    """4.19 to 5.8: a storage belongs to one attachment; it is made zeroed and ends with it."""

    def acquire(self, program: Program, cgroup: Cgroup, attach_type: int) -> Storages:
        return self.fresh(program, cgroup, attach_type)

    def check_publish(self, storages: Storages, old: Storages) -> None:
        for storage in storages:
            if storage is not None:
                found = storage.map.entries.get(storage.key)
                if found is not None and found not in old:
                    raise UndefinedBehaviour(
                        "a second attachment of the program has the same key: the kernel warns and "
                        "corrupts the map's tree (bpf_cgroup_storage_link)"
                    )

    def replace(self, old: Storages) -> None:
        for storage in old:
            if storage is not None:
                self.free(storage)

    def detach(self, attachment: Attachment) -> None:
        self.replace(attachment.storages)

    def undo(self, storages: Storages, old: Storages, *, node: bool) -> None:
        self.discard(storages)
        for storage in old:  # unlinked and linked again: now the newest of its map
            if storage is not None:
                self.unlink(storage)
                self.link(storage)

    def check_destroy(self, storage_map: StorageMap, freed: set[Storage | None]) -> None:
        if not freed.issuperset(storage_map.entries.values()):
            raise UndefinedBehaviour(
                "the map is freed while an attachment still owns one of its storages, after a "
                "link update: the kernel warns, and the storage refers to freed memory"
            )


class ByKey(Ownership):
    """From 5.9: a storage belongs to its key; attaching finds or makes it, detaching keeps it."""

    def acquire(self, program: Program, cgroup: Cgroup, attach_type: int) -> Storages:
        storages: Storages = [None, None]
        for kind, storage_map in enumerate(program.storage_maps):
            if storage_map is not None:
                key = storage_map.identity(cgroup.id, attach_type)
                found = storage_map.entries.get(key)
                if found is None:
                    try:
                        found = self.allocate(storage_map, cgroup, key)
                    except errors.OutOfMemory:
                        self.discard_new(storages)
                        raise
                storages[kind] = found
        return storages

    def discard_new(self, storages: Storages) -> None:
        """Free those that acquire() made, and keep those that it found."""
        for storage in storages:
            if storage is not None and storage.key not in storage.map.entries:
                self.discard([storage])

    def dangles(self, storages: Storages, old: Storages) -> bool:
        """Whether a failed replacement leaves the attachment with the new storages."""
        replaces = old is not NOT_FOUND and storages != old
        return replaces and not self.kernel.has(changes.FAILED_REPLACE_RESTORES)

    def undo(self, storages: Storages, old: Storages, *, node: bool) -> None:
        self.discard_new(storages)
        if not node and self.dangles(storages, old):
            raise UndefinedBehaviour(
                "replacing the program failed without memory: the attachment refers to storages of "
                "the new program, which may be freed (CVE-2026-90313)"
            )


class PerCgroup(ByKey):
    """The proposal of July 2020: like 5.9, but published at once and with a spare allocation."""

    def acquire(self, program: Program, cgroup: Cgroup, attach_type: int) -> Storages:
        storages = self.fresh(program, cgroup, attach_type)
        for kind, spare in enumerate(storages):
            if spare is not None:
                found = spare.map.entries.get(spare.key)
                if found is not None:
                    self.discard([spare])
                    storages[kind] = found
        return storages

    def undo(self, storages: Storages, old: Storages, *, node: bool) -> None:
        shares = any(s is not None and s.key in s.map.entries for s in storages)
        if not node and not self.dangles(storages, old):
            self.publish(storages)
        super().undo(storages, old, node=node)
        if node and shares:
            raise UndefinedBehaviour(
                "the list node cannot be allocated: the patch series frees a storage that other "
                "attachments use"
            )


def ownership(kernel: KernelPart) -> Ownership:
    """The semantics of this kernel's release."""
    if kernel.has(changes.ATTACH_TYPE_IGNORED):
        return PerCgroup(kernel)
    if kernel.has(changes.SHARED_STORAGE):
        return ByKey(kernel)
    return PerAttachment(kernel)


def pages_of(size: int) -> int:
    """Pages that hold so many bytes."""
    return -(-size // PAGE_SIZE)
