# SPDX-License-Identifier: GPL-2.0-only
"""A kernel's interface that writes each call down as an operation of the format.

A Scribe has no kernel: it has each operation answered, and returns the answer as a kernel would.
So whoever answers operations can run stories: the model, a virtual machine, or a record.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .. import cgroups
from ..errors import Denied, UndefinedBehaviour
from ..events import passed
from ..interface import KernelInterface
from ..state import Descriptor
from ..uapi import (
    BPF_CGROUP_INET_SOCK_CREATE,
    AttachType,
)
from .names import HOOKS, LETTERS
from .notebook import NotExportable, absent, no_operation
from .operation import Op
from .scribe_maps import MapScribe
from .scribe_programs import ProgScribe
from .stand_ins import CgroupNotes
from .trace import Answer


class Scribe(MapScribe, ProgScribe, KernelInterface):
    """A kernel's interface that writes down each call."""

    run_hooks = no_operation(KernelInterface.run_hooks)
    cgrp_storage_get = no_operation(KernelInterface.cgrp_storage_get)
    cgrp_storage_delete = no_operation(KernelInterface.cgrp_storage_delete)
    map_get_fd_by_id = no_operation(KernelInterface.map_get_fd_by_id)
    prog_get_fd_by_id = no_operation(KernelInterface.prog_get_fd_by_id)
    link_get_fd_by_id = no_operation(KernelInterface.link_get_fd_by_id)
    map_get_next_id = no_operation(KernelInterface.map_get_next_id)
    prog_get_next_id = no_operation(KernelInterface.prog_get_next_id)
    link_get_next_id = no_operation(KernelInterface.link_get_next_id)
    obj_info = no_operation(KernelInterface.obj_info)
    link_info = no_operation(KernelInterface.link_info)
    dup = no_operation(KernelInterface.dup)
    fail_next = no_operation(KernelInterface.fail_next)
    check_invariants = no_operation(KernelInterface.check_invariants)

    @contextmanager
    def user(self, *capabilities: str) -> Iterator[None]:
        """As Kernel.user()."""
        self._ask("user", capabilities=sorted(capabilities))
        try:
            yield
        except UndefinedBehaviour:
            raise
        except BaseException:
            self._ask("user", capabilities=None)
            raise
        self._ask("user", capabilities=None)

    # -- cgroups, sockets, events -------------------------------------------------------------

    def mkdir(self, name: str = "", parent: cgroups.Cgroup | None = None) -> cgroups.Cgroup:
        """As Kernel.mkdir()."""
        label = self._new("c")
        self._ask("mkdir", cgroup=label, parent=parent)
        made = CgroupNotes(name or label, 1 + self._counts["c"], self._cgroup_ids)
        self._keep(label, made)
        return made

    def _cgroup_ids(self, cgroup: CgroupNotes) -> Answer:
        name = self._name(cgroup)
        if name not in self._ids:
            self._ids[name] = self._ask("cgroup_ids", cgroup=name)
        return self._ids[name]

    def rmdir(self, cgroup: cgroups.Cgroup) -> None:
        """As Kernel.rmdir()."""
        self._ask("rmdir", cgroup=cgroup)
        cgroup.online = False

    def fire(
        self, where: cgroups.Cgroup | cgroups.Socket, hook: AttachType | str, *, cpu: int = 0
    ) -> None:
        """As Kernel.fire()."""
        if hook not in HOOKS.values():
            raise NotExportable(f"no story passes {hook!r} yet")
        hooks = [each for each in passed(hook) if each in HOOKS.values()]
        if isinstance(where, cgroups.Socket):
            hooks = [each for each in hooks if each != BPF_CGROUP_INET_SOCK_CREATE]
            answer = self._ask("sock_send", sock=where, hooks=hooks)
        else:
            answer = self._ask("fire", cgroup=where, hooks=hooks, cpu=cpu)
        if answer == "denied":
            raise Denied(hook)

    def socket(self, cgroup: cgroups.Cgroup, *, cpu: int = 0) -> cgroups.Socket:
        """As Kernel.socket(), on CPU 0."""
        absent(cpu=cpu)
        label = self._new("s")
        hooks = [BPF_CGROUP_INET_SOCK_CREATE]
        if self._ask("sock_open", sock=label, cgroup=cgroup, hooks=hooks) == "denied":
            raise Denied(BPF_CGROUP_INET_SOCK_CREATE)
        made: cgroups.Socket = self._keep(label, cgroups.Socket(cgroup))
        return made

    def close_socket(self, socket: cgroups.Socket) -> None:
        """As Kernel.close_socket()."""
        self._ask("sock_close", sock=socket)
        del self._names[socket]

    # -- descriptors --------------------------------------------------------------------------

    def close(self, descriptor: Descriptor | cgroups.Cgroup) -> None:
        """As Kernel.close(); a cgroup's descriptor is closed with rmdir()."""
        self._ask("close", **self._any(descriptor))
        del self._names[descriptor]
        descriptor.open = False

    def obj_pin(self, path: str, descriptor: Descriptor) -> None:
        """As Kernel.obj_pin()."""
        self._ask("obj_pin", **self._any(descriptor), path=path)
        self._things[path] = descriptor

    def obj_get(self, path: str, file_flags: int = 0) -> Descriptor:
        """As Kernel.obj_get(), of what was pinned by obj_pin()."""
        pinned = self._things.get(path)
        if pinned is None:
            raise NotExportable(f"nothing was pinned at {path}: what would the name be of?")
        kind = pinned.object.kind
        label = self._new(LETTERS[kind])
        given = {"flags": file_flags} if file_flags else {}
        self._ask("obj_get", **{kind: label}, path=path, **given)
        got: Descriptor = self._keep(label, type(pinned)(pinned.object))
        return got

    def unlink(self, path: str) -> None:
        """As Kernel.unlink()."""
        self._ask("unlink", path=path)

    def _any(self, descriptor: object) -> Op:
        name = self._name(descriptor)
        return {kind: name for kind, letter in LETTERS.items() if letter == name[0]}
