# SPDX-License-Identifier: GPL-2.0-only
"""The cgroup v2 tree: directories, ids, sockets, and the end of a cgroup's BPF state.

Modelled: ``kernel/cgroup/cgroup.c`` as far as ``kernel/bpf/cgroup.c:cgroup_bpf_offline`` and
``cgroup_bpf_release`` need it, ``fs/kernfs`` for ids.  Left out: processes (each one does a thing
and leaves), cgroup v1, the delay between rmdir and release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import changes, errors
from .parts import KernelPart
from .state import changing

if TYPE_CHECKING:
    from .attachments import Attachment, Hook
    from .cgrp_storage import CgrpStorageMap
    from .storages import Storage
    from .uapi import AttachType

HookId = "AttachType | str"
"""A place where programs run: an attach type, or (LSM_CGROUP) the name of an LSM hook."""


@changing(
    *("children", "freed", "hooks", "local_storages", "online", "open", "released"),
    *("sockets", "storages", "unfreed_children"),
    hidden=("open", "storages"),  # its name lives as long; storages tell their cgroup
)
class Cgroup:
    """A cgroup directory, and an open descriptor of it.

    ``id`` is the cgroup id that keys hold, ``st_ino`` the inode number of the directory.
    """

    __slots__ = (
        "children",
        "freed",
        "hooks",
        "id",
        "local_storages",
        "name",
        "online",
        "open",
        "parent",
        "released",
        "sockets",
        "st_ino",
        "storages",
        "unfreed_children",
    )

    def __init__(self, name: str, parent: Cgroup | None, number: int, inode: int) -> None:
        self.name = name
        self.parent = parent
        self.id = number
        self.st_ino = inode
        self.open = True
        self.online = True
        self.released = False
        """Whether cgroup_bpf_release() has run."""
        self.freed = False
        """Whether the cgroup structure itself is gone."""
        self.children = 0
        self.unfreed_children = 0
        self.sockets = 0
        self.hooks: dict[AttachType | str, Hook] = {}
        self.storages: dict[Storage, None] = {}
        self.local_storages: dict[CgrpStorageMap, bytearray] = {}

    def attachments(self) -> list[Attachment]:
        """What is attached here, on all hooks."""
        return [entry for hook in self.hooks.values() for entry in hook.attachments]

    def __repr__(self) -> str:
        return f"Cgroup({self.name!r})"


@changing("bound", "open", hidden=("bound",))  # worlds name the hooks that a socket passes
class Socket:
    """An open socket: it belongs for ever to the cgroup in which it was made."""

    __slots__ = ("bound", "cgroup", "open")

    def __init__(self, cgroup: Cgroup) -> None:
        self.cgroup = cgroup
        self.open = True
        self.bound = False
        """Whether it has a port: then binding it fails, after the hook of bind(2)."""

    def __repr__(self) -> str:
        return f"Socket({self.cgroup!r})"


CgroupFd = Cgroup
"""The descriptor of a cgroup's directory; Linux refuses other descriptors with EBADF."""


class CgroupCommands(KernelPart):
    """mkdir, rmdir, and what follows from a removal."""

    def _make_root(self) -> None:
        self.root = Cgroup("/", None, self._cgroup_id(1), 1)
        self.cgroups[self.root.id] = self.root
        self.last_inode = 1

    def _cgroup_id(self, inode: int) -> int:
        """``cgroup_id()``: the inode number; before 5.5 with a generation in the upper half."""
        return inode if self.has(changes.ID_IS_INODE) else 1 << 32 | inode

    def mkdir(self, name: str = "", parent: Cgroup | None = None) -> Cgroup:
        parent = parent or self.root
        if not parent.online:
            raise errors.CgroupGone
        self.last_inode += 1
        inode = self.last_inode
        cgroup = Cgroup(name or f"cgroup{inode}", parent, self._cgroup_id(inode), inode)
        self.cgroups[cgroup.id] = cgroup
        parent.children += 1
        parent.unfreed_children += 1
        return cgroup

    def rmdir(self, cgroup: Cgroup) -> None:
        # checks
        if not cgroup.online:
            raise errors.CgroupGone
        if cgroup.children or cgroup.parent is None:
            raise errors.CgroupBusy
        ending = [] if cgroup.sockets else self._ending(cgroup)
        self._check_release(ending)
        # act
        cgroup.online = False
        cgroup.parent.children -= 1
        self._end(ending)

    def _ending(self, cgroup: Cgroup) -> list[Cgroup]:
        waits_for_children = self.has(changes.ANCESTORS_HELD) or not self.has(
            changes.CGROUP_BPF_REFCOUNT
        )
        found: list[Cgroup] = []
        at, freed_below = cgroup, 0
        while True:
            has_children = at.unfreed_children > freed_below
            if not (has_children and waits_for_children):
                found.append(at)
            parent = at.parent
            assert parent is not None, "the root is never removed"
            if has_children or parent.online or parent.sockets:
                return found
            at, freed_below = parent, 1

    def _end(self, ending: list[Cgroup]) -> None:
        for cgroup in ending:
            if not cgroup.released:
                self._cgroup_bpf_release(cgroup)
            if not cgroup.unfreed_children:
                assert cgroup.parent is not None
                cgroup.freed = True
                cgroup.hooks.clear()
                cgroup.local_storages.clear()
                del self.cgroups[cgroup.id]
                cgroup.parent.unfreed_children -= 1

    def _live_cgroup(self, cgroup: Cgroup | None) -> Cgroup:
        if not isinstance(cgroup, Cgroup) or not cgroup.open:
            raise errors.BadDescriptor
        if not cgroup.online:
            raise errors.CgroupGone
        return cgroup
