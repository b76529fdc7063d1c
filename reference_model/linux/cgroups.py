# SPDX-License-Identifier: GPL-2.0-only
"""Cgroups of the running kernel: directories of cgroup v2."""

from __future__ import annotations

from errno import EBUSY

from .. import cgroups
from .deferred import wait_blindly, wait_for_release
from .errors import KernelError
from .parts import LinuxPart
from .tree import Cgroup


class CgroupCommands(LinuxPart):
    """Creating and removing cgroups."""

    def mkdir(self, name: str = "", parent: cgroups.Cgroup | None = None) -> Cgroup:
        above = self.root if parent is None else parent
        assert isinstance(above, Cgroup), f"{above!r} is of another kernel"
        made = self.held.tree.mkdir(name, above)
        above.children += 1
        self.held.descriptors.append(made)
        self.cgroup_ids.add(made.id)
        return made

    def rmdir(self, cgroup: cgroups.Cgroup) -> None:
        # Waits until the kernel has freed the cgroup's BPF state, unless a socket keeps it.
        assert isinstance(cgroup, Cgroup), f"{cgroup!r} is of another kernel"
        if cgroup is self.root:
            raise KernelError(EBUSY, "rmdir")
        worker = self.held.workers.pop(cgroup, None)
        if worker is not None:
            worker.close()
        watched = cgroup.online and not cgroup.children and self.sentinel.attach(cgroup)
        try:
            self.held.tree.rmdir(cgroup)
        except KernelError:
            if watched:
                self.sentinel.detach(cgroup)
            raise
        cgroup.online = False
        assert cgroup.parent is not None
        cgroup.parent.children -= 1
        if watched:
            self._watched.add(cgroup)
        elif not cgroup.sockets:
            wait_blindly()
        self._settle()

    def _settle(self) -> None:
        self.slots_settled = False
        kept: set[cgroups.Cgroup] = set()
        for cgroup in self._watched:
            at: cgroups.Cgroup | None = cgroup if cgroup.sockets else None
            while at is not None:
                kept.add(at)
                at = at.parent
        for cgroup in sorted(self._watched - kept, key=lambda gone: -len(gone.path.parts)):
            wait_for_release(self.sentinel, cgroup.id, self.root.path)
            self._watched.discard(cgroup)
