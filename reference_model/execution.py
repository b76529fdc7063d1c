# SPDX-License-Identifier: GPL-2.0-only
"""Running programs: which ones an event runs, on whose storages, and what they answer.

Modelled: ``kernel/bpf/cgroup.c``: ``bpf_prog_run_array_cg``, ``bpf_get_local_storage``;
``net/bpf/test_run.c:bpf_test_run``.  Left out: programs that interrupt each other (4.20 to 5.13
could mix up their storages, see ``other_changes``), and what programs do beside the storage.
"""

from __future__ import annotations

import errno

from . import changes, errors
from .attachments import Attachment, effective
from .cgroups import Cgroup, Socket
from .errors import Denied, UndefinedBehaviour
from .parts import KernelPart
from .programs import ProgFd, Program
from .steps import Location
from .storages import Storages
from .uapi import (
    BPF_CGROUP_GETSOCKOPT,
    BPF_CGROUP_INET4_BIND,
    BPF_CGROUP_INET4_CONNECT,
    BPF_CGROUP_INET6_BIND,
    BPF_CGROUP_INET6_CONNECT,
    BPF_CGROUP_INET_EGRESS,
    BPF_CGROUP_INET_INGRESS,
    BPF_CGROUP_INET_SOCK_CREATE,
    BPF_CGROUP_SETSOCKOPT,
    BPF_CGROUP_UDP4_SENDMSG,
    BPF_CGROUP_UDP6_SENDMSG,
    BPF_PROG_TYPE_CGROUP_SKB,
    MAX_TAIL_CALL_CNT,
    AttachType,
)

_CREATE = BPF_CGROUP_INET_SOCK_CREATE
_EPERM, _ENOMEM = 2**32 - errno.EPERM, 2**32 - errno.ENOMEM
"""Errors of a test run that up to 4.20 were delivered as what the program returned."""

ACTIONS: dict[AttachType | str, tuple[AttachType, ...]] = {
    BPF_CGROUP_INET_EGRESS: (_CREATE, BPF_CGROUP_UDP4_SENDMSG, BPF_CGROUP_INET_EGRESS),
    BPF_CGROUP_UDP4_SENDMSG: (_CREATE, BPF_CGROUP_UDP4_SENDMSG, BPF_CGROUP_INET_EGRESS),
    BPF_CGROUP_UDP6_SENDMSG: (_CREATE, BPF_CGROUP_UDP6_SENDMSG, BPF_CGROUP_INET_EGRESS),
    BPF_CGROUP_INET_INGRESS: (_CREATE, BPF_CGROUP_INET4_BIND, BPF_CGROUP_INET_INGRESS),
    BPF_CGROUP_INET4_BIND: (_CREATE, BPF_CGROUP_INET4_BIND),
    BPF_CGROUP_INET6_BIND: (_CREATE, BPF_CGROUP_INET6_BIND),
    BPF_CGROUP_INET4_CONNECT: (_CREATE, BPF_CGROUP_INET4_CONNECT),
    BPF_CGROUP_INET6_CONNECT: (_CREATE, BPF_CGROUP_INET6_CONNECT),
    BPF_CGROUP_GETSOCKOPT: (_CREATE, BPF_CGROUP_GETSOCKOPT),
    BPF_CGROUP_SETSOCKOPT: (_CREATE, BPF_CGROUP_SETSOCKOPT),
}
"""The hooks that a process passes, in order, on its way through the one that fire() names."""


class EventCommands(KernelPart):
    """Events, sockets and BPF_PROG_TEST_RUN."""

    def fire(self, where: Cgroup | Socket, hook: AttachType | str, *, cpu: int = 0) -> None:
        hooks: tuple[AttachType | str, ...] = ACTIONS.get(hook, (hook,))
        if isinstance(where, Socket):
            hooks = tuple(passed for passed in hooks if passed is not _CREATE)
        self.run_hooks(where, *hooks, cpu=cpu)

    def run_hooks(self, where: Cgroup | Socket, *hooks: AttachType | str, cpu: int = 0) -> None:
        if isinstance(where, Socket):
            if not where.open:
                raise errors.BadDescriptor
            if any(not isinstance(hook, AttachType) for hook in hooks):
                raise NotImplementedError(
                    "an LSM hook passed from an open socket: by its source the socket's "
                    "cgroup counts, but kernels 6.1 to 7.3 took the process's for socket_sendmsg; "
                    "fire it in a cgroup"
                )
            cgroup = where.cgroup
        else:
            cgroup = self._live_cgroup(where)
        if cpu not in self.cpus:
            raise ValueError(f"no CPU {cpu}: this machine has {self.cpus}")
        rank = self.cpus.index(cpu)
        arrays = [effective(cgroup, hook) for hook in hooks]
        unsafe = [
            entry
            for entries in arrays
            for entry in entries
            if not entry.sound or entry.program.arrays
        ]
        if not unsafe:
            for hook, entries in zip(hooks, arrays, strict=True):
                _run_array(hook, entries, rank)
            return
        touched = [s for entries in arrays for e in entries for s in e.storages if s is not None]
        before = [(storage, bytes(storage.data)) for storage in touched]
        try:
            for hook, entries in zip(hooks, arrays, strict=True):
                _run_array(hook, entries, rank)
        except UndefinedBehaviour:
            for storage, data in before:
                storage.data[:] = data
            raise

    def socket(self, cgroup: Cgroup, *, cpu: int = 0) -> Socket:
        self.run_hooks(cgroup, _CREATE, cpu=cpu)
        cgroup.sockets += 1
        return Socket(cgroup)

    def close_socket(self, socket: Socket) -> None:
        # checks
        if not socket.open:
            raise errors.BadDescriptor
        cgroup = socket.cgroup
        ending = [] if cgroup.online or cgroup.sockets > 1 else self._ending(cgroup)
        self._check_release(ending)
        # act
        socket.open = False
        cgroup.sockets -= 1
        self._end(ending)

    def prog_test_run(self, prog: ProgFd, repeat: int = 1) -> int:
        self._check_command()
        if not self.has(changes.CAP_BPF) and not self._bpf_capable():
            raise errors.NotPermitted("CAP_SYS_ADMIN")
        program = self._program(prog)
        if program.type is not BPF_PROG_TYPE_CGROUP_SKB:
            raise errors.TestRunNotSupported(program.type)
        try:
            storages = self.storages.fresh(program, self.root, 0)
        except errors.OutOfMemory:
            if self.has(changes.TEST_RUN_ERRNO):
                raise
            charged = self.memlock is not None and not self.has(changes.STORAGES_BY_TYPE)
            return _EPERM if charged else _ENOMEM
        try:
            for _ in range(repeat or 1):
                answer = _run(program, storages, 0, sound=not program.arrays)
        finally:
            self.storages.discard(storages)
        return answer


def _run_array(hook: AttachType | str, entries: list[Attachment], rank: int) -> None:
    """``bpf_prog_run_array_cg()``: all programs run; one that denies is enough."""
    allowed = True
    for entry in entries:
        if entry.cgroup.released:
            raise UndefinedBehaviour(
                "an ancestor's programs and storages were released before its descendant's"
            )
        program = entry.program
        if not _run(program, entry.storages, rank, sound=entry.sound and not program.arrays) & 1:
            allowed = False
    if not allowed:
        raise Denied(hook)


def _run(program: Program, storages: Storages, rank: int, *, sound: bool) -> int:
    """One run of a program, and of those that it tail-calls, on the storages of the first."""
    calls = 0
    while True:
        callee = None
        for locations, run in program.runs:
            if isinstance(run, tuple):
                array, slot = run
                if calls < MAX_TAIL_CALL_CNT and slot < len(array.slots):
                    callee = array.slots[slot]
                    if callee is not None:
                        break
                continue
            if not sound:
                for location in locations:
                    _check_storage(location, storages)
            answer = run(storages, rank)
            if answer is not None:
                return answer
        if callee is None:
            return 1
        program = callee
        calls += 1


def _check_storage(location: Location, storages: Storages) -> None:
    """What ``bpf_get_local_storage()``, which looks at nothing, would return: is it there?"""
    storage = storages[location.kind]
    if storage is None:
        raise UndefinedBehaviour(
            "the attachment has no storage for the program's map: the helper dereferences NULL "
            "(4.19: a stale pointer)"
        )
    if storage.freed:
        raise UndefinedBehaviour("the attachment's storage was freed with its map")
    if storage.map.value_size < location.value_size:
        raise UndefinedBehaviour(
            "the attachment's storage is smaller than the value of the program's map: it reads "
            "and writes out of bounds"
        )
