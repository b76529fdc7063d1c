# SPDX-License-Identifier: GPL-2.0-only
"""Refusals of loading and of test runs."""

from __future__ import annotations

from typing import Any

from .. import changes, errors
from ..steps import Add, Call, Mention, Return, TailCall
from ..uapi import (
    BPF_F_RDONLY_PROG,
    BPF_F_SLEEPABLE,
    BPF_F_WRONLY_PROG,
    BPF_MAP_TYPE_PROG_ARRAY,
    BPF_PROG_TYPE_CGROUP_SOCK,
    BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
    BPF_PROG_TYPE_CGROUP_SOCKOPT,
    BPF_PROG_TYPE_SOCKET_FILTER,
)
from ..values import U32, Bytes
from .room import SKB, Refusal, Room

_NO_CAP = "no ``CAP_BPF`` (before 5.8 ``CAP_SYS_ADMIN``)"


def _unprivileged(room: Room) -> None:
    with room.kernel.user():
        room.plain()


def _two_maps(room: Room) -> Any:
    return room.kernel.prog_load(SKB, [Add(room.counts), Add(room.map())])


def _second_program(room: Room) -> Any:
    room.plain(body=Add(room.counts))
    return room.plain(body=Add(room.counts))


def _tail_call(room: Room) -> Any:
    array = room.kernel.map_create(BPF_MAP_TYPE_PROG_ARRAY, U32, U32, max_entries=1)
    room.plain(body=TailCall(array))
    return room.kernel.prog_load(BPF_PROG_TYPE_CGROUP_SOCK, TailCall(array))


def _test_run_without_memory(room: Room) -> Any:
    count = room.count
    room.kernel.fail_next("storage")
    return room.kernel.prog_test_run(count)


PROGRAMS: tuple[Refusal, ...] = (
    Refusal("prog_load", errors.NotPermitted, _NO_CAP, _unprivileged, rule="load.capability"),
    Refusal(
        "prog_load",
        errors.UnknownProgramType,
        "the program type is not known yet: ``CGROUP_SYSCTL`` before 5.2, ``CGROUP_SOCKOPT`` "
        "before 5.3, ``LSM`` for cgroups before 6.0",
        lambda room: room.kernel.prog_load(BPF_PROG_TYPE_CGROUP_SOCKOPT),
        until=changes.SOCKOPT_PROGRAMS,
    ),
    Refusal(
        "prog_load",
        errors.ExpectedAttachType,
        "the program type has no such ``expected_attach_type``",
        lambda room: room.kernel.prog_load(BPF_PROG_TYPE_CGROUP_SOCK_ADDR),
    ),
    Refusal(
        "prog_load",
        errors.SleepableProgram,
        "the program is sleepable; of the types here only ``BPF_PROG_TYPE_LSM`` before 7.2 can be, "
        "without such a map",
        lambda room: room.kernel.prog_load(SKB, prog_flags=int(BPF_F_SLEEPABLE)),
        rule="load.sleepable",
    ),
    Refusal(
        "prog_load",
        errors.BadDescriptor,
        "a map in the program is not open",
        lambda room: room.plain(body=Mention(room.closed_map)),
    ),
    Refusal(
        "prog_load",
        errors.WrongDescriptor,
        "what the program names is no map",
        lambda room: room.plain(body=Mention(room.count)),  # type: ignore[arg-type]
    ),
    Refusal(
        "prog_load",
        errors.StorageBusy,
        "the program uses two maps of one of the types",
        _two_maps,
        rule="load.one-of-each",
    ),
    Refusal(
        "prog_load",
        errors.StorageBusy,
        "another program was loaded with the map",
        _second_program,
        until=changes.SHARED_STORAGE,
        rule="load.exclusive",
    ),
    Refusal(
        "prog_load",
        errors.UnknownHelper,
        "the program type may not call ``bpf_get_local_storage()``",
        lambda room: room.kernel.prog_load(BPF_PROG_TYPE_SOCKET_FILTER, Add(room.counts)),
        rule="helper.program-types",
    ),
    Refusal(
        "prog_load",
        errors.HelperMapType,
        "another helper on this map, or this helper on another map",
        lambda room: room.plain(body=Call(room.counts)),
        rule="helper.only",
    ),
    Refusal(
        "prog_load",
        errors.HelperFlags,
        "the second argument of ``bpf_get_local_storage()`` is not 0",
        lambda room: room.plain(body=Add(room.counts), helper_flags=1),
        rule="helper.flags",
    ),
    Refusal(
        "prog_load",
        errors.ReadForbidden,
        "the program reads, and the map is ``BPF_F_WRONLY_PROG``",
        lambda room: room.plain(body=Add(room.map(map_flags=BPF_F_WRONLY_PROG))),
        since=changes.PROG_ACCESS_FLAGS,
        rule="helper.access-flags",
    ),
    Refusal(
        "prog_load",
        errors.WriteForbidden,
        "the program writes, and the map is ``BPF_F_RDONLY_PROG``",
        lambda room: room.plain(body=Add(room.map(map_flags=BPF_F_RDONLY_PROG))),
        since=changes.PROG_ACCESS_FLAGS,
        rule="helper.access-flags",
    ),
    Refusal(
        "prog_load",
        errors.ValueAccess,
        "the program reaches outside the value",
        lambda room: room.plain(body=Add(room.map(Bytes(2)))),
    ),
    Refusal(
        "prog_load",
        errors.ReturnValue,
        "the program returns a value outside the range of its type",
        lambda room: room.plain(body=Return(2)),
    ),
    Refusal(
        "prog_load",
        errors.TailCallIncompatible,
        "the program does not fit the owner of a program array: another type; from 6.17 on "
        "other storage maps; from 6.18 on another ``expected_attach_type``",
        _tail_call,
        rule="tail-call.same-maps",
    ),
    Refusal(
        "prog_bind_map",
        errors.UnknownCommand,
        "the command is not known yet",
        lambda room: room.kernel.prog_bind_map(room.plain(), room.counts),
        until=changes.BIND_MAP,
    ),
    Refusal(
        "prog_bind_map",
        errors.BadDescriptor,
        "the program or the map is not open",
        lambda room: room.kernel.prog_bind_map(room.closed_prog, room.counts),
        since=changes.BIND_MAP,
    ),
    Refusal(
        "prog_bind_map",
        errors.WrongDescriptor,
        "a descriptor is not a program's, or not a map's",
        lambda room: room.kernel.prog_bind_map(room.plain(), room.count),  # type: ignore[arg-type]
        since=changes.BIND_MAP,
    ),
    Refusal(
        "prog_test_run",
        errors.BadDescriptor,
        "the program is not open",
        lambda room: room.kernel.prog_test_run(room.closed_prog),
    ),
    Refusal(
        "prog_test_run",
        errors.WrongDescriptor,
        "the descriptor is not a program's",
        lambda room: room.kernel.prog_test_run(room.counts),  # type: ignore[arg-type]
    ),
    Refusal(
        "prog_test_run",
        errors.TestRunNotSupported,
        "a program type without test runs; of those with a cgroup storage all but "
        "``CGROUP_SKB``, in this model",
        lambda room: room.kernel.prog_test_run(room.sock),
    ),
    Refusal(
        "prog_test_run",
        errors.OutOfMemory,
        "no memory for the temporary storage, or (up to 5.10) ``RLIMIT_MEMLOCK`` is too small",
        _test_run_without_memory,
        since=changes.TEST_RUN_ERRNO,
    ),
)
"""Refusals of the commands on programs."""
