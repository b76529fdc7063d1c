# SPDX-License-Identifier: GPL-2.0-only
"""The running kernel, with the interface of the model's Kernel.

Composes the rooms beside it; cgroups, sockets and events are here.
"""

from __future__ import annotations

from errno import EBADF, EBUSY, ENOENT
from types import TracebackType
from typing import NoReturn

from .. import cgroups, errors
from ..maps import MapFd as AnyMapFd
from ..uapi import BPF_CGROUP_INET_SOCK_CREATE, AttachType
from ..values import Value
from .actions import ACTIONS, ON_SOCKET
from .attachments import Hook
from .deferred import wait_blindly, wait_for_release
from .descriptors import Open, Socket
from .errors import KernelError
from .pins import PinCommands
from .processes import Worker
from .tree import Cgroup


class LinuxKernel(PinCommands):
    """The running kernel: the methods, parameters, answers and errors of Kernel.

    Every refusal is a KernelError with the kernel's errno; Denied means what it means there.
    ``memlock``: RLIMIT_MEMLOCK in bytes for maps and storages; ``unprivileged_bpf_disabled``: the
    sysctl, which only a guest may change; ``allow_unsafe``: do also what may crash the kernel,
    which only works in a virtual machine.  Raises Missing if the machine lacks something.

    What it makes is below one cgroup of its own.  Use it in a ``with`` block, or call shutdown():
    both give everything back, as do a failure and the end of Python.
    """

    def __init__(
        self,
        *,
        memlock: int | None = None,
        unprivileged_bpf_disabled: int | None = None,
        allow_unsafe: bool = False,
    ) -> None:
        super().__init__(memlock, unprivileged_bpf_disabled, allow_unsafe)
        self._direct: set[Hook] = set()
        self._pinned: dict[str, Open] = {}
        self._watched: set[Cgroup] = set()
        """Removed cgroups that the sentinel saw go, and whose BPF state may still be there."""
        self.root = self.held.tree.root
        """The cgroup of this object: what the model calls the root."""
        self._cgroup_ids = {self.root.id}

    def __repr__(self) -> str:
        return f"LinuxKernel({self.running!r})"

    def __enter__(self) -> LinuxKernel:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.shutdown()

    # -- cgroups and sockets ------------------------------------------------------------------

    @property
    def cgroup_ids(self) -> set[int]:
        """The ids of all cgroups that this object ever made."""
        return self._cgroup_ids

    def mkdir(self, name: str = "", parent: cgroups.Cgroup | None = None) -> Cgroup:
        above = self.root if parent is None else parent
        assert isinstance(above, Cgroup), f"{above!r} is of another kernel"
        made = self.held.tree.mkdir(name, above)
        above.children += 1
        self.held.descriptors.append(made)
        self._cgroup_ids.add(made.id)
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
        """Wait for the release of each removed cgroup that no socket keeps, its own or below."""
        kept: set[cgroups.Cgroup] = set()
        for cgroup in self._watched:
            at: cgroups.Cgroup | None = cgroup if cgroup.sockets else None
            while at is not None:
                kept.add(at)
                at = at.parent
        for cgroup in sorted(self._watched - kept, key=lambda gone: -len(gone.path.parts)):
            wait_for_release(self.sentinel, cgroup.id, self.root)
            self._watched.discard(cgroup)

    def socket(self, cgroup: cgroups.Cgroup, *, cpu: int = 0) -> Socket:
        denied, fd = self._worker(self._live(cgroup)).socket(self._cpu(cpu))
        if denied is not None:
            raise errors.Denied(BPF_CGROUP_INET_SOCK_CREATE)
        cgroup.sockets += 1
        made = Socket(cgroup, fd)
        self.held.descriptors.append(made)
        return made

    def close_socket(self, socket: cgroups.Socket) -> None:
        if not isinstance(socket, Socket) or not socket.open:
            raise KernelError(EBADF, "close")
        self.let_go(socket)
        socket.cgroup.sockets -= 1
        self._settle()

    # -- events -------------------------------------------------------------------------------

    def fire(
        self, where: cgroups.Cgroup | cgroups.Socket, hook: AttachType | str, *, cpu: int = 0
    ) -> None:
        # Also passes INET_SOCK_RELEASE and POST_BIND, which the model leaves out.
        if hook not in ACTIONS:
            raise NotImplementedError(f"no way is known to pass {hook} just once")
        if isinstance(where, cgroups.Socket):
            if hook not in ON_SOCKET:
                raise NotImplementedError(
                    f"no way is known to pass {hook} on a socket that is open"
                )
            denied = self._fire_socket(where, hook, cpu)
        else:
            denied = self._worker(self._live(where)).do(hook, self._cpu(cpu))
        if denied is not None:
            raise errors.Denied(_denier(denied, hook))

    def _fire_socket(self, socket: cgroups.Socket, hook: AttachType | str, cpu: int) -> str | None:
        if not isinstance(socket, Socket) or not socket.open:
            raise KernelError(EBADF, "sendto")
        parent = socket.cgroup.parent
        if not socket.cgroup.online and parent is not None and not parent.online:
            self.guard.send_below_removed()
        return self._worker(None).do(hook, self._cpu(cpu), socket.fd)

    def run_hooks(
        self,
        where: cgroups.Cgroup | cgroups.Socket,
        *hooks: AttachType | str,
        cpu: int = 0,
    ) -> None:
        if hooks:
            self.fire(where, hooks[-1], cpu=cpu)

    def _live(self, cgroup: cgroups.Cgroup) -> Cgroup:
        if not isinstance(cgroup, Cgroup) or not cgroup.open:
            raise KernelError(EBADF, "cgroup.procs")
        if not cgroup.online:
            raise KernelError(ENOENT, "cgroup.procs")
        return cgroup

    def _cpu(self, cpu: int) -> int:
        if cpu not in self.cpus:
            raise ValueError(f"no CPU {cpu}: this machine has {self.cpus}")
        return cpu

    def _worker(self, cgroup: Cgroup | None) -> Worker:
        """The process in the cgroup, or the one outside."""
        worker = self.held.workers.get(cgroup)
        if worker is None:
            directory = None if cgroup is None else cgroup.fd
            worker = self.held.workers[cgroup] = Worker(self.held.peers, directory)
        return worker

    # -- left out -----------------------------------------------------------------------------

    def cgrp_storage_get(
        self, map: AnyMapFd, cgroup: cgroups.Cgroup | None, value: Value = None, flags: int = 0
    ) -> Value:
        return _no_helper("bpf_cgrp_storage_get")

    def cgrp_storage_delete(self, map: AnyMapFd, cgroup: cgroups.Cgroup | None) -> None:
        _no_helper("bpf_cgrp_storage_delete")


def _denier(call: str, hook: AttachType | str) -> AttachType | str:
    """The hook whose program said no, as far as the system call that failed tells it."""
    if call == "socket" and not isinstance(hook, str):
        return BPF_CGROUP_INET_SOCK_CREATE
    return hook


def _no_helper(name: str) -> NoReturn:
    raise NotImplementedError(
        f"{name}() takes a cgroup that the verifier knows, which no step can get hold of: it would "
        "take kfuncs and BTF"
    )
