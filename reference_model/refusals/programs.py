# SPDX-License-Identifier: GPL-2.0-only
"""Refusals of loading and of test runs."""

from __future__ import annotations

from typing import Any

from .. import changes, errors
from ..steps import Add, Call, CgroupOf, CgrpAdd, Mention, Return, TailCall
from ..uapi import (
    BPF_F_NO_PREALLOC,
    BPF_F_RDONLY_PROG,
    BPF_F_SLEEPABLE,
    BPF_F_WRONLY_PROG,
    BPF_LSM_CGROUP,
    BPF_MAP_TYPE_CGRP_STORAGE,
    BPF_MAP_TYPE_PROG_ARRAY,
    BPF_PROG_TYPE_CGROUP_SOCK,
    BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
    BPF_PROG_TYPE_CGROUP_SOCKOPT,
    BPF_PROG_TYPE_LSM,
    BPF_PROG_TYPE_SOCKET_FILTER,
)
from ..values import S32, U32, U64, Bytes
from .setup import SKB, Refusal, Setup

_NO_CAP = "no ``CAP_BPF`` (before 5.8 ``CAP_SYS_ADMIN``)"


def _unprivileged(setup: Setup) -> None:
    with setup.kernel.user():
        setup.plain()


def _two_maps(setup: Setup) -> Any:
    return setup.kernel.prog_load(SKB, [Add(setup.counts), Add(setup.map())])


def _second_program(setup: Setup) -> Any:
    setup.plain(body=Add(setup.counts))
    return setup.plain(body=Add(setup.counts))


def _tail_call(setup: Setup) -> Any:
    array = setup.kernel.map_create(BPF_MAP_TYPE_PROG_ARRAY, U32, U32, max_entries=1)
    setup.plain(body=TailCall(array))
    return setup.kernel.prog_load(BPF_PROG_TYPE_CGROUP_SOCK, TailCall(array))


def _test_run_without_memory(setup: Setup) -> Any:
    count = setup.count
    setup.kernel.fail_next("storage")
    return setup.kernel.prog_test_run(count)


def _cgrp_map(setup: Setup) -> Any:
    return setup.kernel.map_create(
        BPF_MAP_TYPE_CGRP_STORAGE, S32, U64, map_flags=BPF_F_NO_PREALLOC, btf=True
    )


def _sleepable(setup: Setup, cgroup: CgroupOf) -> Any:
    return setup.kernel.prog_load(
        BPF_PROG_TYPE_LSM,
        CgrpAdd(_cgrp_map(setup), cgroup=cgroup),
        expected_attach_type=int(BPF_LSM_CGROUP),
        lsm_hook="socket_bind",
        prog_flags=int(BPF_F_SLEEPABLE),
    )


PROGRAMS: tuple[Refusal, ...] = (
    Refusal("prog_load", errors.NotPermitted, _NO_CAP, _unprivileged, rule="load.capability"),
    Refusal(
        "prog_load",
        errors.ProgFlags,
        "``prog_flags`` has a flag that no kernel supports",
        lambda setup: setup.kernel.prog_load(SKB, prog_flags=1 << 31),
        rule="load.sleepable",
    ),
    Refusal(
        "prog_load",
        errors.UnknownProgramType,
        "the kernel does not support the program type: ``CGROUP_SYSCTL`` before 5.2, "
        "``CGROUP_SOCKOPT`` before 5.3, ``LSM`` for cgroups before 6.0",
        lambda setup: setup.kernel.prog_load(BPF_PROG_TYPE_CGROUP_SOCKOPT),
        until=changes.SOCKOPT_PROGRAMS,
    ),
    Refusal(
        "prog_load",
        errors.ExpectedAttachType,
        "the program type does not support the ``expected_attach_type``",
        lambda setup: setup.kernel.prog_load(BPF_PROG_TYPE_CGROUP_SOCK_ADDR),
    ),
    Refusal(
        "prog_load",
        errors.ProgName,
        "``prog_name`` has a character that is not allowed",
        lambda setup: setup.plain(prog_name="no-name"),
    ),
    Refusal(
        "prog_load",
        errors.SleepableProgram,
        "the program is sleepable; of the types here only ``BPF_PROG_TYPE_LSM`` before 7.2 can be, "
        "without such a map",
        lambda setup: setup.kernel.prog_load(SKB, prog_flags=int(BPF_F_SLEEPABLE)),
        rule="load.sleepable",
    ),
    Refusal(
        "prog_load",
        errors.BadDescriptor,
        "a map in the program is not open",
        lambda setup: setup.plain(body=Mention(setup.closed_map)),
    ),
    Refusal(
        "prog_load",
        errors.WrongDescriptor,
        "a descriptor in the program is not a map's",
        lambda setup: setup.plain(body=Mention(setup.count)),  # type: ignore[arg-type]
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
        "the program type cannot call ``bpf_get_local_storage()``",
        lambda setup: setup.kernel.prog_load(BPF_PROG_TYPE_SOCKET_FILTER, Add(setup.counts)),
        rule="helper.program-types",
    ),
    Refusal(
        "prog_load",
        errors.HelperMapType,
        "another helper on this map, or this helper on another map",
        lambda setup: setup.plain(body=Call(setup.counts)),
        rule="helper.only",
    ),
    Refusal(
        "prog_load",
        errors.HelperFlags,
        "the second argument of ``bpf_get_local_storage()`` is not 0",
        lambda setup: setup.plain(body=Add(setup.counts), helper_flags=1),
        rule="helper.flags",
    ),
    Refusal(
        "prog_load",
        errors.ReadForbidden,
        "the program reads, and the map is ``BPF_F_WRONLY_PROG``",
        lambda setup: setup.plain(body=Add(setup.map(map_flags=BPF_F_WRONLY_PROG))),
        since=changes.PROG_ACCESS_FLAGS,
        rule="helper.access-flags",
    ),
    Refusal(
        "prog_load",
        errors.WriteForbidden,
        "the program writes, and the map is ``BPF_F_RDONLY_PROG``",
        lambda setup: setup.plain(body=Add(setup.map(map_flags=BPF_F_RDONLY_PROG))),
        since=changes.PROG_ACCESS_FLAGS,
        rule="helper.access-flags",
    ),
    Refusal(
        "prog_load",
        errors.ValueAccess,
        "the program accesses memory outside the value",
        lambda setup: setup.plain(body=Add(setup.map(Bytes(2)))),
    ),
    Refusal(
        "prog_load",
        errors.KfuncNotAllowed,
        "a program of this type cannot call ``bpf_cgroup_ancestor()``: types for cgroups before "
        "6.12, ``SOCK_OPS`` before 6.15",
        lambda setup: setup.kernel.prog_load(
            BPF_PROG_TYPE_SOCKET_FILTER, CgrpAdd(_cgrp_map(setup), cgroup=CgroupOf.PARENT)
        ),
        since=changes.CGRP_STORAGE,
        rule="cgrp.pointers",
    ),
    Refusal(
        "prog_load",
        errors.CgroupNotTrusted,
        "a sleepable program passes a helper a cgroup that it read outside of RCU",
        lambda setup: _sleepable(setup, CgroupOf.TASK),
        since=changes.CGRP_STORAGE,
        until=changes.NO_SLEEPABLE_LSM,
        rule="cgrp.rcu",
    ),
    Refusal(
        "prog_load",
        errors.CgroupNotUnderRcu,
        "a sleepable program passes such a cgroup to ``bpf_cgroup_ancestor()``",
        lambda setup: _sleepable(setup, CgroupOf.PARENT),
        since=changes.CGRP_STORAGE,
        until=changes.NO_SLEEPABLE_LSM,
        rule="cgrp.rcu",
    ),
    Refusal(
        "prog_load",
        errors.ReturnValue,
        "the program returns a value outside the range of its type",
        lambda setup: setup.plain(body=Return(2)),
    ),
    Refusal(
        "prog_load",
        errors.TailCallIncompatible,
        "the program does not fit the owner of a program array: another type; since 6.17 "
        "other storage maps; since 6.18 another ``expected_attach_type``",
        _tail_call,
        rule="tail-call.same-maps",
    ),
    Refusal(
        "prog_bind_map",
        errors.UnknownCommand,
        "the kernel does not support the command",
        lambda setup: setup.kernel.prog_bind_map(setup.plain(), setup.counts),
        until=changes.BIND_MAP,
    ),
    Refusal(
        "prog_bind_map",
        errors.BadDescriptor,
        "the program or the map is not open",
        lambda setup: setup.kernel.prog_bind_map(setup.closed_prog, setup.counts),
        since=changes.BIND_MAP,
    ),
    Refusal(
        "prog_bind_map",
        errors.WrongDescriptor,
        "a descriptor is not a program's, or not a map's",
        lambda setup: setup.kernel.prog_bind_map(setup.plain(), setup.count),  # type: ignore[arg-type]
        since=changes.BIND_MAP,
    ),
    Refusal(
        "prog_test_run",
        errors.BadDescriptor,
        "the program is not open",
        lambda setup: setup.kernel.prog_test_run(setup.closed_prog),
    ),
    Refusal(
        "prog_test_run",
        errors.WrongDescriptor,
        "the descriptor is not a program's",
        lambda setup: setup.kernel.prog_test_run(setup.counts),  # type: ignore[arg-type]
    ),
    Refusal(
        "prog_test_run",
        errors.TestRunNotSupported,
        "a program type without test runs; of those with a cgroup storage all but "
        "``CGROUP_SKB``, in this model",
        lambda setup: setup.kernel.prog_test_run(setup.sock),
    ),
    Refusal(
        "prog_test_run",
        errors.OutOfMemory,
        "no memory for the temporary storage, or (before 5.11) ``RLIMIT_MEMLOCK`` is too small",
        _test_run_without_memory,
        since=changes.TEST_RUN_ERRNO,
    ),
)
"""Refusals of the commands on programs."""
