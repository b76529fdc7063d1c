# SPDX-License-Identifier: GPL-2.0-only
"""Running programs: which ones an event runs, on whose storages, and what they answer.

Modelled: ``kernel/bpf/cgroup.c``: ``bpf_prog_run_array_cg``, ``bpf_get_local_storage``;
``net/bpf/test_run.c:bpf_test_run``.  Left out: programs that interrupt each other (before 5.14
they could mix up their storages, see ``other_changes``), and what programs do beside the storage.
"""

from __future__ import annotations

from dataclasses import replace

from . import changes, errnos, errors
from .attachments import Attachment, effective
from .cgroups import Cgroup, Socket
from .cgrp_storage import CgrpStorageMap, CgrpUse, Scene
from .errors import Denied, UndefinedBehaviour
from .events import AS_ERRNO, CLOSED, CREATED, EVENTS, IGNORED, INET, ON_SOCKET, Hook
from .parts import KernelPart
from .programs import ATTACH_TYPES, ProgFd, Program
from .steps import Location
from .storages import Storages
from .uapi import (
    BPF_CGROUP_INET4_CONNECT,
    BPF_CGROUP_INET4_POST_BIND,
    BPF_CGROUP_INET_INGRESS,
    BPF_CGROUP_INET_SOCK_CREATE,
    BPF_CGROUP_SOCK_OPS,
    BPF_CGROUP_UDP4_SENDMSG,
    BPF_PROG_TYPE_CGROUP_SKB,
    MAX_TAIL_CALL_CNT,
    AttachType,
)

MOST_REPEATS = 1_000_000
"""Runs in one test run of the model, which takes about a second for them."""

_EPERM, _ENOMEM = 2**32 - errnos.EPERM, 2**32 - errnos.ENOMEM
"""Errors of a test run that 4.19 returned as the return value of the program."""


_SOFTIRQ = frozenset({BPF_CGROUP_INET_INGRESS, BPF_CGROUP_SOCK_OPS, "socket_sock_rcv_skb"})
"""The hooks that can be passed in a softirq."""

_GIVE_A_PORT = frozenset(
    {BPF_CGROUP_INET4_POST_BIND, BPF_CGROUP_INET4_CONNECT, BPF_CGROUP_UDP4_SENDMSG}
)
"""The hooks after which a socket has a port.  Source: ``af_inet.c:inet_autobind``."""


class EventCommands(KernelPart):
    """Events, sockets and BPF_PROG_TEST_RUN."""

    def fire(self, where: Cgroup | Socket, hook: Hook, *, cpu: int = 0) -> None:
        event = EVENTS.get(hook)
        if event is None:
            self.run_hooks(where, hook, cpu=cpu)
        elif not isinstance(where, Socket):
            created = CREATED[event.family]
            self._pass(where, created, event.passes, CLOSED[event.family], cpu=cpu)
        elif hook in ON_SOCKET:
            self.run_hooks(where, *event.passes, cpu=cpu)
        else:
            raise ValueError(
                f"fire(): a UDP socket of IPv4 does not pass {hook}; pass a cgroup, or one of the "
                "hooks of reference_model.events.ON_SOCKET"
            )

    def run_hooks(self, where: Cgroup | Socket, *hooks: Hook, cpu: int = 0) -> None:
        self._pass(where, (), hooks, (), cpu=cpu)

    def socket(self, cgroup: Cgroup, *, cpu: int = 0) -> Socket:
        self._pass(cgroup, CREATED[INET], (), (), cpu=cpu)
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
        self._pass(socket, (), (), CLOSED[INET], cpu=self.cpus[0])
        socket.open = False
        cgroup.sockets -= 1
        self._end(ending)

    def _pass(
        self,
        where: Cgroup | Socket,
        created: tuple[Hook, ...],
        hooks: tuple[Hook, ...],
        closed: tuple[Hook, ...],
        *,
        cpu: int,
    ) -> None:
        """Pass the hooks of creating a socket, of using it and of closing it.

        A program that denies ends this, but what was created is closed.  LSM programs go by the
        cgroup of the process, and the owner of an open socket is a process in the root cgroup.
        """
        if not isinstance(where, Socket):
            cgroup = process = self._live_cgroup(where)
        elif where.open:
            cgroup, process = where.cgroup, self.root
            if where.bound:
                hooks = tuple(hook for hook in hooks if hook is not BPF_CGROUP_INET4_POST_BIND)
        else:
            raise errors.BadDescriptor
        if cpu not in self.cpus:
            raise ValueError(f"no CPU {cpu}: this machine has {self.cpus}")
        rank = self.cpus.index(cpu)
        passed = [
            (hook, effective(cgroup if isinstance(hook, AttachType) else process, hook))
            for hook in (*created, *hooks, *closed)
        ]
        touched = [
            storage
            for _, entries in passed
            if any(
                not entry.sound or entry.program.arrays or entry.program.names_cgroups
                for entry in entries
            )
            for _, entries in passed
            for entry in entries
            for storage in entry.storages
            if storage is not None
        ]
        before = [(storage, bytes(storage.data)) for storage in touched]
        local = self._local_storages(passed)
        reached = hooks
        try:
            _run_arrays(passed, rank, closed, Scene(self, process, cgroup))
        except UndefinedBehaviour:
            reached = ()
            for storage, data in before:
                storage.data[:] = data
            for owner, found in local:
                owner.local_storages = found
            raise
        except Denied as denied:
            reached = hooks[: hooks.index(denied.hook)] if denied.hook in hooks else ()
            if denied.hook is BPF_CGROUP_UDP4_SENDMSG:
                reached += (BPF_CGROUP_UDP4_SENDMSG,)  # the port was chosen before
            raise
        finally:
            if isinstance(where, Socket):
                where.bound = where.bound or not _GIVE_A_PORT.isdisjoint(reached)

    def _local_storages(
        self, passed: list[tuple[Hook, list[Attachment]]]
    ) -> list[tuple[Cgroup, dict[CgrpStorageMap, bytearray]]]:
        """A copy of all storages of CGRP_STORAGE maps, if a program on the way uses such a map."""
        programs = [entry.program for _, entries in passed for entry in entries]
        if not any(program.names_cgroups or program.arrays for program in programs):
            return []
        return [
            (cgroup, {found: bytearray(data) for found, data in cgroup.local_storages.items()})
            for cgroup in self.cgroups.values()
        ]

    def prog_test_run(self, prog: ProgFd, repeat: int = 1) -> int:
        self._check_command()
        if not self.has(changes.CAP_BPF) and not self._bpf_capable():
            raise errors.NotPermitted("CAP_SYS_ADMIN")
        program = self._program(prog)
        if program.type is not BPF_PROG_TYPE_CGROUP_SKB:
            raise errors.TestRunNotSupported(program.type)
        if repeat > MOST_REPEATS:
            raise ValueError(
                f"repeat: the model runs a program at most {MOST_REPEATS} times, not {repeat}"
            )
        try:
            storages = self.storages.fresh(program, self.root, 0, attaching=False)
        except errors.OutOfMemory:
            if self.has(changes.TEST_RUN_ERRNO):
                raise
            return _EPERM if self.memlock is not None else _ENOMEM
        scene = Scene(self, task=None, socket=None)
        try:
            for _ in range(repeat or 1):
                answer = _run(program, storages, 0, [0], scene, sound=not program.arrays)
        finally:
            self.storages.discard(storages)
        return answer


def _run_arrays(
    passed: list[tuple[Hook, list[Attachment]]],
    rank: int,
    closed: tuple[Hook, ...],
    scene: Scene,
) -> None:
    """Run the programs of the hooks in order, the last of which close a socket.

    Once INET_SOCK_CREATE has allowed a socket, closing it runs INET_SOCK_RELEASE, also where a
    program denied what came between.  Source: ``af_inet.c:inet_create``, ``inet_release``.
    """
    using, closing = passed[: len(passed) - len(closed)], passed[len(passed) - len(closed) :]
    created = all(hook is not BPF_CGROUP_INET_SOCK_CREATE for hook, _ in using)
    try:
        for hook, entries in using:
            _run_array(hook, entries, rank, scene)
            created = created or hook is BPF_CGROUP_INET_SOCK_CREATE
    finally:
        for hook, entries in closing if created else ():
            _run_array(hook, entries, rank, scene)


def _run_array(hook: Hook, entries: list[Attachment], rank: int, scene: Scene) -> None:
    """``bpf_prog_run_array_cg()``: all programs run; one that denies is enough."""
    retval = [0]
    if hook in _SOFTIRQ:
        scene = replace(scene, softirq=True)
    for entry in entries:
        if entry.cgroup.released:
            raise UndefinedBehaviour(
                "the programs and storages of an ancestor were freed before those of its descendant"
            )
        program = entry.program
        if isinstance(hook, AttachType) and ATTACH_TYPES[hook][0] is not program.type:
            raise UndefinedBehaviour("the program runs with the context of another program type")
        sound = entry.sound and not program.arrays
        answer = _run(program, entry.storages, rank, retval, scene, sound=sound)
        if not answer & 1 and not retval[0]:
            retval[0] = errnos.EPERM
    if retval[0] and hook not in IGNORED:
        raise Denied(hook, AS_ERRNO.get(hook, retval[0]))


def _run(
    program: Program,
    storages: Storages,
    rank: int,
    retval: list[int],
    scene: Scene,
    *,
    sound: bool,
) -> int:
    """One run of a program, and of those that it tail-calls, on the storages of the first.

    ``retval`` holds the errno that a program chose: ``struct bpf_cg_run_ctx``.
    """
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
            if isinstance(run, CgrpUse):
                run.run(scene)
                continue
            if not sound:
                for location in locations:
                    _check_storage(location, storages)
            answer = run(storages, rank)
            if isinstance(answer, int):
                return answer
            if answer is not None:
                retval[0] = answer.number
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
