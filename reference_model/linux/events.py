# SPDX-License-Identifier: GPL-2.0-only
"""Events, sockets and test runs on the running kernel: what makes programs run."""

from __future__ import annotations

from collections.abc import Callable
from errno import EBADF, ENOENT

from .. import cgroups, errors
from ..events import EVENTS, ON_SOCKET, Hook
from ..programs import ProgFd as AnyProgFd
from ..uapi import BPF_CGROUP_INET_SOCK_CREATE
from .descriptors import Socket, word
from .errors import KernelError
from .parts import LinuxPart
from .processes import Denial, Worker
from .syscall import Command, TestRun, address, bpf, buffer
from .tree import Cgroup

_PACKET = bytes(12) + b"\x08\x00" + b"\x45" + bytes(63)
"""An Ethernet frame of 78 bytes that says it holds IPv4."""


class EventCommands(LinuxPart):
    """Events, sockets and BPF_PROG_TEST_RUN."""

    def fire(self, where: cgroups.Cgroup | cgroups.Socket, hook: Hook, *, cpu: int = 0) -> None:
        if hook not in EVENTS:
            raise NotImplementedError(f"no way is known to pass {hook} just once")
        given = None
        if isinstance(where, cgroups.Socket):
            if hook not in ON_SOCKET:
                raise NotImplementedError(
                    f"no way is known to pass {hook} on a socket that is open"
                )
            given, worker = self._given(where), self._worker(self.root)
        else:
            worker = self._worker(self._live(where))
        denied = self._denial(lambda: worker.do(hook, self._cpu(cpu), given))
        if denied is not None:
            raise errors.Denied(_denier(denied.call, hook), denied.number)

    def _denial(self, act: Callable[[], Denial | None]) -> Denial | None:
        """What a program denied, also with an errno that it chose with bpf_set_retval()."""
        try:
            return act()
        except KernelError as error:
            if error.number not in self.retvals:
                raise
            return Denial(error.reason, error.number)

    def _given(self, socket: cgroups.Socket) -> int:
        """The descriptor of an open socket."""
        if not isinstance(socket, Socket) or not socket.open:
            raise KernelError(EBADF, "sendto")
        parent = socket.cgroup.parent
        if not socket.cgroup.online and parent is not None and not parent.online:
            self.guard.send_below_removed()
        return socket.fd

    def run_hooks(
        self,
        where: cgroups.Cgroup | cgroups.Socket,
        *hooks: Hook,
        cpu: int = 0,
    ) -> None:
        if hooks:
            self.fire(where, hooks[-1], cpu=cpu)

    def socket(self, cgroup: cgroups.Cgroup, *, cpu: int = 0) -> Socket:
        worker, fds = self._worker(self._live(cgroup)), []

        def create() -> Denial | None:
            denied, fd = worker.socket(self._cpu(cpu))
            fds.append(fd)
            return denied

        denied = self._denial(create)
        if denied is not None:
            raise errors.Denied(BPF_CGROUP_INET_SOCK_CREATE, denied.number)
        (fd,) = fds
        cgroup.sockets += 1
        made = Socket(cgroup, fd)
        self.held.descriptors.append(made)
        return made

    def close_socket(self, socket: cgroups.Socket) -> None:
        if not isinstance(socket, Socket) or not socket.open:
            raise KernelError(EBADF, "close")
        self._let_go(socket)
        socket.cgroup.sockets -= 1
        self._settle()

    def prog_test_run(self, prog: AnyProgFd, repeat: int = 1) -> int:
        self._limit_memory()
        packet = buffer(_PACKET)
        attr = TestRun(
            prog_fd=word(prog), data_in=address(packet), data_size_in=len(packet), repeat=repeat
        )
        self._when_memory_is_back(lambda: bpf(Command.BPF_PROG_TEST_RUN, attr))
        answer: int = attr.retval
        return answer

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

    def _worker(self, cgroup: Cgroup) -> Worker:
        """The process in the cgroup."""
        worker = self.held.workers.get(cgroup)
        if worker is None:
            elsewhere = self.held.tree.root.path.parent
            worker = Worker(self.held.outside, cgroup.path, elsewhere)
            self.held.workers[cgroup] = worker
        return worker


def _denier(call: str, hook: Hook) -> Hook:
    """The hook whose program denied the event, as far as the failed system call shows it."""
    if call == "socket" and not isinstance(hook, str):
        return BPF_CGROUP_INET_SOCK_CREATE
    return hook
