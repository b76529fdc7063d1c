# SPDX-License-Identifier: GPL-2.0-only
"""The running kernel against the model of its release, on sequences that are safe everywhere.

Each sequence is one function that runs on either kernel and yields what it sees.  Nothing random is
here and nothing that any release leaves undefined: that is for guests.  Everything happens below
one cgroup that is removed afterwards.  Where the machine lacks something the tests are skipped with
the sentence of ``missing()``, and that sentence is tested too.
"""

from __future__ import annotations

import ctypes
import errno
import inspect
import os
import platform
import signal
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import reference_model.linux as linux
from reference_model import (
    BOGUS_KEY,
    BPF_CGROUP_INET_EGRESS,
    BPF_CGROUP_INET_INGRESS,
    BPF_CGROUP_INET_SOCK_RELEASE,
    BPF_CGROUP_SOCK_OPS,
    BPF_EXIST,
    BPF_F_AFTER,
    BPF_F_ALL_CPUS,
    BPF_F_ALLOW_MULTI,
    BPF_F_ALLOW_OVERRIDE,
    BPF_F_BEFORE,
    BPF_F_CPU,
    BPF_F_LOCK,
    BPF_F_NO_PREALLOC,
    BPF_F_QUERY_EFFECTIVE,
    BPF_F_RDONLY,
    BPF_F_RDONLY_PROG,
    BPF_F_REPLACE,
    BPF_F_WRONLY,
    BPF_F_WRONLY_PROG,
    BPF_LSM_CGROUP,
    BPF_MAP_TYPE_ARRAY_OF_MAPS,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_MAP_TYPE_CGRP_STORAGE,
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    BPF_MAP_TYPE_PROG_ARRAY,
    BPF_NOEXIST,
    BPF_PROG_TYPE_CGROUP_SKB,
    BPF_PROG_TYPE_CGROUP_SOCK,
    BPF_PROG_TYPE_XDP,
    RES_SPIN_LOCK,
    S32,
    SPIN_LOCK,
    STORAGE_KEY,
    TIMER,
    U32,
    U64,
    Add,
    AttachType,
    BpfError,
    Bytes,
    Call,
    Copy,
    Denied,
    Flush,
    Kernel,
    Mention,
    Mix,
    Release,
    Return,
    Store,
    Struct,
    TailCall,
    Verdict,
    traces,
)
from reference_model.events import EVENTS, ON_SOCKET
from reference_model.interface import CALLS
from reference_model.linux import LinuxKernel, Missing, Unsafe, syscall
from reference_model.linux import errors as linux_errors
from reference_model.linux.deferred import alive
from reference_model.linux.descriptors import LinkFd, Map, ProgFd, link_of, program_of
from reference_model.linux.guard import Guard
from reference_model.linux.machine import mount_point
from reference_model.linux.syscall import Command
from reference_model.linux.tree import PREFIX
from reference_model.programs import ATTACH_TYPES

SHARED, PERCPU = BPF_MAP_TYPE_CGROUP_STORAGE, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE
EGRESS, INGRESS, SKB = BPF_CGROUP_INET_EGRESS, BPF_CGROUP_INET_INGRESS, BPF_PROG_TYPE_CGROUP_SKB
MULTI = BPF_F_ALLOW_MULTI

LACKING = linux.missing()
needs_kernel = pytest.mark.skipif(LACKING is not None, reason=str(LACKING))

Seen = Iterator[Any]
Sequence = Callable[[Any], Seen]
SEQUENCES: list[Sequence] = []


def sequence(run: Sequence) -> Sequence:
    """A function that runs on the running kernel and on the model."""
    SEQUENCES.append(run)
    return run


def tried(act: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """What came of a call: a plain value, "ok", "denied" or the errno's name."""
    try:
        answer = act(*arguments, **named)
    except BpfError as error:
        return error.name
    except Denied:
        return "denied"
    return answer if isinstance(answer, (int, list, dict, bytes)) else "ok"


def seen(run: Sequence, kernel: Any) -> list[Any]:
    """What a sequence yields; where the kernel lacks what it needs, the errno ends it."""
    answers: list[Any] = []
    try:
        answers += (answer for answer in run(kernel))
    except BpfError as error:
        answers.append(error.name)
    return answers


def counter(kernel: Any, kind: Any = SHARED, value: Any = U64) -> tuple[Any, Any]:
    """A map, and a program that counts in it."""
    counts = kernel.map_create(kind, STORAGE_KEY, value)
    return counts, kernel.prog_load(SKB, Add(counts))


def keys(kernel: Any, found: Any, names: dict[int, str]) -> list[Any]:
    """All keys as names and attach types, and what ended the walk."""
    listed: list[Any] = []
    key = None
    while True:
        try:
            key = kernel.map_get_next_key(found, key)
        except BpfError as error:
            return [*listed, error.name]
        if key is BOGUS_KEY:
            listed.append("bogus")
        elif isinstance(key, tuple):
            listed.append((names[key[0]], key[1]))
        else:
            listed.append(names[key])


# -- sequences ------------------------------------------------------------------------------------


@sequence
def tour(kernel: Any) -> Seen:
    """The example of the README."""
    web = kernel.mkdir("web")
    counts, count = counter(kernel)
    yield tried(kernel.map_lookup_elem, counts, (web, EGRESS))
    kernel.prog_attach(web, count, EGRESS)
    yield kernel.map_lookup_elem(counts, (web, EGRESS))
    kernel.fire(web, EGRESS)
    yield kernel.map_lookup_elem(counts, (web, EGRESS))
    kernel.prog_detach(web, count, EGRESS)
    yield tried(kernel.map_lookup_elem, counts, (web, EGRESS))
    kernel.prog_attach(web, count, EGRESS)
    yield kernel.map_lookup_elem(counts, (web, EGRESS))


@sequence
def percpu(kernel: Any) -> Seen:
    """A slot for each possible CPU; the flags for one CPU and for all."""
    web = kernel.mkdir("web")
    counts, count = counter(kernel, PERCPU, U32)
    kernel.prog_attach(web, count, EGRESS)
    key, last = (web, EGRESS), kernel.cpus[-1]
    kernel.fire(web, EGRESS, cpu=0)
    kernel.fire(web, EGRESS, cpu=last)
    kernel.fire(web, EGRESS, cpu=last)
    yield kernel.map_lookup_elem(counts, key)
    yield tried(kernel.map_update_elem, counts, key, [10 + n for n in kernel.cpus])
    yield kernel.map_lookup_elem(counts, key)
    for flags in (BPF_F_CPU | last << 32, BPF_F_CPU | 99999 << 32, last << 32, BPF_F_ALL_CPUS):
        yield tried(kernel.map_lookup_elem, counts, key, int(flags))
        yield tried(kernel.map_update_elem, counts, key, 70, int(flags))
    yield kernel.map_lookup_elem(counts, key)
    yield tried(kernel.map_update_elem, counts, key, [1] * len(kernel.cpus), BPF_NOEXIST)


@sequence
def hierarchy(kernel: Any) -> Seen:
    """Whose programs run, whose storage they get, and what flags forbid below."""
    top = kernel.mkdir("top")
    web = kernel.mkdir("web", top)
    (upper, above), (lower, below) = counter(kernel), counter(kernel)
    kernel.prog_attach(top, above, EGRESS, MULTI)
    kernel.prog_attach(web, below, EGRESS, MULTI)
    kernel.fire(web, EGRESS)
    kernel.fire(top, EGRESS)
    yield kernel.map_lookup_elem(upper, (top, EGRESS))
    yield kernel.map_lookup_elem(lower, (web, EGRESS))
    yield tried(kernel.map_lookup_elem, upper, (web, EGRESS))
    yield tried(kernel.rmdir, top)
    yield tried(kernel.prog_attach, web, above, EGRESS)
    kernel.prog_detach(top, above, EGRESS)
    kernel.prog_detach(web, below, EGRESS)
    kernel.prog_attach(top, above, EGRESS)
    yield tried(kernel.prog_attach, web, below, EGRESS, MULTI)
    yield tried(kernel.prog_attach, top, above, EGRESS, BPF_F_ALLOW_OVERRIDE)
    yield tried(kernel.prog_detach, web, below, EGRESS)
    yield tried(kernel.prog_detach, top, None, EGRESS)


@sequence
def data_outlive_detaching(kernel: Any) -> Seen:
    """Detach, replace and end a link: what is in the storage afterwards."""
    web = kernel.mkdir("web")
    counts, count = counter(kernel)
    key = (web, EGRESS)
    kernel.prog_attach(web, count, EGRESS, MULTI)
    kernel.fire(web, EGRESS)
    yield tried(kernel.prog_attach, web, count, EGRESS, MULTI)
    yield tried(kernel.prog_attach, web, count, EGRESS, MULTI | BPF_F_REPLACE, replace=count)
    yield tried(kernel.map_lookup_elem, counts, key)
    kernel.prog_detach(web, count, EGRESS)
    yield tried(kernel.prog_detach, web, count, EGRESS)
    yield tried(kernel.map_update_elem, counts, key, 40)
    link = kernel.link_create(web, count, EGRESS)
    kernel.fire(web, EGRESS)
    yield kernel.map_lookup_elem(counts, key)
    yield kernel.link_info(link).cgroup_id == web.id
    yield tried(kernel.link_detach, link)
    kernel.close(link)
    yield tried(kernel.map_lookup_elem, counts, key)


@sequence
def link_update_with_the_same_maps(kernel: Any) -> Seen:
    """Programs without a storage map: the only pair that each release swaps rightly."""
    web = kernel.mkdir("web")
    allow, deny = kernel.prog_load(SKB), kernel.prog_load(SKB, Return(0))
    link = kernel.link_create(web, allow, EGRESS)
    yield tried(kernel.fire, web, EGRESS)
    yield tried(kernel.link_update, link, deny, old_prog=allow)
    yield tried(kernel.link_update, link, deny, flags=BPF_F_REPLACE, old_prog=deny)
    yield tried(kernel.link_update, link, deny, flags=BPF_F_REPLACE, old_prog=allow)
    yield tried(kernel.fire, web, EGRESS)
    yield kernel.link_info(link).prog_id == deny.id
    kernel.rmdir(web)
    yield kernel.link_info(link).cgroup_id
    yield tried(kernel.link_update, link, allow)
    yield tried(kernel.link_detach, link)


@sequence
def creation(kernel: Any) -> Seen:
    """What BPF_MAP_CREATE says to sizes, flags, names and BTF."""
    rw_prog = BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG
    for kind in (SHARED, PERCPU):
        for size in (0, 4, 8, 12, 16, 24):
            yield tried(kernel.map_create, kind, Bytes(size), U64)
        for size in (0, 1, 4096, 4097, 32768, 32769, 65407, 65408):
            room = Bytes(size)
            yield tried(kernel.map_create, kind, STORAGE_KEY, room)
        for given in (
            {"max_entries": 1},
            {"map_flags": BPF_F_NO_PREALLOC},
            {"map_flags": BPF_F_RDONLY | BPF_F_WRONLY},
            {"map_flags": rw_prog},
            {"map_flags": 1 << 30},
            {"map_name": "fifteen_letters"},
            {"map_name": "sixteen_letters_"},
            {"map_name": "no-dash"},
            {"btf": True},
            {"btf_key": STORAGE_KEY},
            {"btf_value": U64},
            {"btf_key": STORAGE_KEY, "btf_value": U32},
            {"btf_key": Struct(a=U64, b=U32, c=U32), "btf_value": U64},
            {"btf_key": Struct(a=U64, b=S32), "btf_value": U64},
        ):
            yield tried(kernel.map_create, kind, STORAGE_KEY, U64, **given)
        for special in (SPIN_LOCK, RES_SPIN_LOCK, TIMER):
            field = Struct(n=U64, special=special)
            yield tried(kernel.map_create, kind, STORAGE_KEY, field, btf=True)
        inner = kernel.map_create(kind, STORAGE_KEY, U64)
        yield tried(
            kernel.map_create, BPF_MAP_TYPE_ARRAY_OF_MAPS, U32, U32, max_entries=1, inner_map=inner
        )


@sequence
def walking(kernel: Any) -> Seen:
    """BPF_MAP_GET_NEXT_KEY: from the newest storage to the oldest, and what comes then."""
    names: dict[int, str] = {}
    cgroups = [kernel.mkdir(name) for name in ("a", "b", "c")]
    names.update((cgroup.id, cgroup.name) for cgroup in cgroups)
    counts, count = counter(kernel)
    yield keys(kernel, counts, names)
    for cgroup in cgroups:
        kernel.prog_attach(cgroup, count, EGRESS)
    kernel.prog_attach(cgroups[0], count, INGRESS)
    yield keys(kernel, counts, names)
    yield tried(kernel.map_get_next_key, counts, (cgroups[1], INGRESS))
    kernel.rmdir(cgroups[1])
    yield keys(kernel, counts, names)
    yield tried(kernel.map_lookup_elem, counts, (cgroups[1], EGRESS))


@sequence
def entries(kernel: Any) -> Seen:
    """Delete, update flags, freeze, access modes, and the commands that are refused."""
    web = kernel.mkdir("web")
    counts, count = counter(kernel)
    kernel.prog_attach(web, count, EGRESS)
    key, absent = (web, EGRESS), (web, INGRESS)
    for where in (key, absent):
        yield tried(kernel.map_delete_elem, counts, where)
        yield tried(kernel.map_lookup_and_delete_elem, counts, where)
        for flags in (0, BPF_NOEXIST, BPF_EXIST, 3, BPF_F_LOCK, BPF_F_CPU, 64):
            yield tried(kernel.map_update_elem, counts, where, 5, int(flags))
            yield tried(kernel.map_lookup_elem, counts, where, int(flags))
    for command in ("lookup", "lookup_and_delete", "update", "delete"):
        yield tried(getattr(kernel, f"map_{command}_batch"), counts)
    for mode in (BPF_F_RDONLY, BPF_F_WRONLY):
        found = kernel.map_create(SHARED, STORAGE_KEY, U64, map_flags=mode)
        yield tried(kernel.map_lookup_elem, found, key)
        yield tried(kernel.map_update_elem, found, key, 1)
        yield tried(kernel.map_get_next_key, found)
        yield tried(kernel.map_delete_elem, found, key)
    yield tried(kernel.map_freeze, counts)
    yield tried(kernel.map_freeze, counts)
    yield counts.frozen
    yield tried(kernel.map_update_elem, counts, key, 1)
    kernel.fire(web, EGRESS)
    yield tried(kernel.map_lookup_elem, counts, key)
    kernel.close(counts)
    yield tried(kernel.map_lookup_elem, counts, key)
    yield tried(kernel.close, counts)


@sequence
def spin_locks(kernel: Any) -> Seen:
    """A bpf_spin_lock in the value: BPF_F_LOCK works, and it reads as nothing."""
    web = kernel.mkdir("web")
    value = Struct(lock=SPIN_LOCK, n=U64)
    locked = kernel.map_create(SHARED, STORAGE_KEY, value, btf=True)
    count = kernel.prog_load(SKB, Add(locked, field="n"))
    kernel.prog_attach(web, count, EGRESS)
    kernel.fire(web, EGRESS)
    key = (web, EGRESS)
    yield tried(kernel.map_lookup_elem, locked, key, BPF_F_LOCK)
    yield tried(kernel.map_update_elem, locked, key, {"n": 9}, BPF_F_LOCK)
    yield tried(kernel.map_lookup_elem, locked, key)
    yield tried(kernel.prog_load, SKB, Add(locked))
    yield tried(kernel.map_freeze, locked)


@sequence
def loading(kernel: Any) -> Seen:
    """What the verifier says about maps, helpers, flags, bounds and return values."""
    counts, others = (kernel.map_create(SHARED, STORAGE_KEY, U64) for _ in "ab")
    small = kernel.map_create(SHARED, STORAGE_KEY, Bytes(2))
    readable, writable = (
        kernel.map_create(SHARED, STORAGE_KEY, U64, map_flags=flag)
        for flag in (BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG)
    )
    array = kernel.map_create(BPF_MAP_TYPE_PROG_ARRAY, U32, U32, max_entries=1)
    for body in (
        (Add(counts), Add(others)),
        (Mention(counts), Mention(others)),
        (Add(counts), Add(counts)),
        Add(small),
        Add(array),
        Add(readable),
        Copy(readable, counts),
        Copy(readable, readable),
        Store(writable, 1),
        Mix(writable, 1),
        Return(2),
        (Return(1), Add(counts)),
        (Verdict(counts), Add(small)),
        Call(counts, "bpf_map_lookup_elem"),
        Call(counts, "bpf_map_update_elem"),
        Call(counts, "bpf_map_delete_elem"),
        Call(counts, "bpf_map_push_elem"),
    ):
        yield tried(kernel.prog_load, SKB, body)
    yield tried(kernel.prog_load, SKB, Add(counts), helper_flags=1)
    yield tried(kernel.prog_load, BPF_PROG_TYPE_XDP, Add(counts))
    yield tried(kernel.prog_load, SKB, expected_attach_type=8)
    yield tried(kernel.prog_load, SKB, Return(2), expected_attach_type=EGRESS)
    kernel.close(others)
    yield tried(kernel.prog_load, SKB, Add(others))
    yield tried(kernel.prog_bind_map, kernel.prog_load(SKB), counts)


@sequence
def bodies(kernel: Any) -> Seen:
    """What each step does to a value, packet by packet."""
    web = kernel.mkdir("web")
    value = Struct(a=U64, b=U32)
    first = kernel.map_create(SHARED, STORAGE_KEY, value)
    second = kernel.map_create(PERCPU, STORAGE_KEY, value)
    program = kernel.prog_load(
        SKB,
        (
            Mix(first, 7),
            Add(second, 3, "b"),
            Copy(first, second, "a", "a"),
            Store(first, -1, "b"),
            Flush(second, first, 6, "b", "a"),
            Verdict(first, 40, "a"),
        ),
    )
    kernel.prog_attach(web, program, EGRESS)
    for _ in range(5):
        yield tried(kernel.fire, web, EGRESS)
        yield kernel.map_lookup_elem(first, (web, EGRESS))
        yield kernel.map_lookup_elem(second, (web, EGRESS))[0]
    yield kernel.prog_test_run(program)
    yield kernel.prog_test_run(program, 9)


@sequence
def every_hook(kernel: Any) -> Seen:
    """A counter at each hook that fire() can pass: which ones count, and how often."""
    web = kernel.mkdir("web")
    counters = {}
    for hook in EVENTS:
        if isinstance(hook, str):
            continue
        counts = kernel.map_create(SHARED, STORAGE_KEY, U64)
        try:
            program = kernel.prog_load(
                ATTACH_TYPES[hook][0], Add(counts), expected_attach_type=_declared(hook)
            )
            kernel.prog_attach(web, program, hook, MULTI)
        except BpfError as error:
            yield hook, error.name
            continue
        counters[hook] = counts
    for hook in counters:
        if not _possible(hook):
            continue
        kernel.fire(web, hook)
        yield hook, [kernel.map_lookup_elem(c, (web, h)) for h, c in counters.items()]
    socket = kernel.socket(web)
    for hook in counters:
        if hook in ON_SOCKET:
            kernel.fire(socket, hook)
            yield hook, [kernel.map_lookup_elem(c, (web, h)) for h, c in counters.items()]
    kernel.close_socket(socket)
    yield [kernel.map_lookup_elem(c, (web, h)) for h, c in counters.items()]


@sequence
def every_hook_denies(kernel: Any) -> Seen:
    """A program at each hook that says no."""
    for hook in EVENTS:
        if isinstance(hook, str):
            continue
        web = kernel.mkdir("web")
        try:
            deny = kernel.prog_load(
                ATTACH_TYPES[hook][0], Return(0), expected_attach_type=_declared(hook)
            )
        except BpfError as error:
            yield hook, error.name
            continue
        kernel.prog_attach(web, deny, hook, MULTI)
        if _possible(hook):
            yield hook, tried(kernel.fire, web, hook)
        kernel.rmdir(web)


def _declared(hook: Any) -> int:
    return int(hook) if ATTACH_TYPES[hook][0] is not SKB else 0


def _possible(hook: Any) -> bool:
    """Hooks of IPv6 need an address on the loopback interface."""
    return "6" not in hook.name or Path("/proc/net/if_inet6").exists()


@sequence
def lifetime(kernel: Any) -> Seen:
    """Sockets keep a removed cgroup's storages, and those of its ancestors."""
    top = kernel.mkdir("top")
    web = kernel.mkdir("web", top)
    (upper, above), (lower, below) = counter(kernel), counter(kernel)
    kernel.prog_attach(top, above, EGRESS, MULTI)
    kernel.prog_attach(web, below, EGRESS, MULTI)
    socket = kernel.socket(web)
    kernel.fire(socket, EGRESS)
    kernel.rmdir(web)
    kernel.fire(socket, EGRESS)
    yield kernel.map_lookup_elem(upper, (top, EGRESS))
    yield kernel.map_lookup_elem(lower, (web.id, EGRESS))
    yield tried(kernel.prog_attach, web, above, INGRESS)
    yield tried(kernel.mkdir, "late", web)
    yield tried(kernel.fire, web, EGRESS)
    yield tried(kernel.rmdir, web)
    kernel.close_socket(socket)
    yield tried(kernel.close_socket, socket)
    yield tried(kernel.map_lookup_elem, lower, (web, EGRESS))
    yield kernel.map_lookup_elem(upper, (top, EGRESS))
    kernel.close(top)
    yield tried(kernel.prog_attach, top, above, INGRESS)
    kernel.rmdir(top)
    yield tried(kernel.map_lookup_elem, upper, (top.id, EGRESS))
    yield tried(kernel.rmdir, kernel.root)


@sequence
def queries(kernel: Any) -> Seen:
    """BPF_PROG_QUERY, with ids as places in the list of all programs, and positions."""
    top = kernel.mkdir("top")
    web = kernel.mkdir("web", top)
    programs = [kernel.prog_load(SKB) for _ in range(4)]
    ids = [program.id for program in programs]
    kernel.prog_attach(top, programs[0], EGRESS, MULTI)
    kernel.prog_attach(web, programs[1], EGRESS, MULTI)
    kernel.prog_attach(web, programs[2], EGRESS, MULTI)
    for flags in (MULTI | BPF_F_BEFORE, MULTI | BPF_F_AFTER):
        yield tried(
            kernel.prog_attach,
            web,
            programs[3],
            EGRESS,
            flags,
            relative=programs[2],
            expected_revision=3,
        )
    for cgroup in (top, web):
        for query_flags in (0, BPF_F_QUERY_EFFECTIVE):
            found = kernel.prog_query(cgroup, EGRESS, query_flags)
            yield found.attach_flags, [ids.index(one) for one in found.prog_ids], found.revision
    yield tried(kernel.prog_query, web, EGRESS, 2)
    yield tried(kernel.prog_query, web, 1000)


@sequence
def tail_calls(kernel: Any) -> Seen:
    """Within one map: caller and callee work on the same storage."""
    web = kernel.mkdir("web")
    plain = kernel.prog_load(SKB, Return(0))
    array = kernel.map_create(BPF_MAP_TYPE_PROG_ARRAY, U32, U32, max_entries=2)
    caller = kernel.prog_load(SKB, (TailCall(array, 1), TailCall(array)))
    kernel.prog_attach(web, caller, EGRESS)
    yield tried(kernel.fire, web, EGRESS)
    yield tried(kernel.map_update_elem, array, 0, plain)
    yield kernel.map_lookup_elem(array, 0) == plain.id
    yield tried(kernel.fire, web, EGRESS)
    yield kernel.map_get_next_key(array, None)
    yield tried(kernel.map_get_next_key, array, 1)
    yield tried(kernel.map_update_elem, array, 2, plain)
    yield tried(kernel.map_delete_elem, array, 0)
    yield tried(kernel.map_delete_elem, array, 0)
    yield tried(kernel.fire, web, EGRESS)


@sequence
def cgrp_storage(kernel: Any) -> Seen:
    """The successor's commands, keyed by a cgroup's descriptor."""
    web = kernel.mkdir("web")
    flags = {"map_flags": BPF_F_NO_PREALLOC, "btf": True}
    kind = BPF_MAP_TYPE_CGRP_STORAGE
    yield tried(kernel.map_create, kind, U32, U64, **flags)
    try:
        found = kernel.map_create(kind, S32, U64, **flags)
    except BpfError as error:
        yield error.name
        return
    yield tried(kernel.map_lookup_elem, found, web)
    for given in (BPF_EXIST, BPF_NOEXIST, BPF_NOEXIST, BPF_EXIST, 0, 3):
        yield tried(kernel.map_update_elem, found, web, 6, int(given))
    yield tried(kernel.map_lookup_elem, found, web)
    yield tried(kernel.map_get_next_key, found, web)
    yield tried(kernel.map_delete_elem, found, web)
    yield tried(kernel.map_delete_elem, found, web)
    yield tried(kernel.prog_load, SKB, Add(found))
    kernel.rmdir(web)
    yield tried(kernel.map_update_elem, found, web, 1)
    kernel.close(web)
    yield tried(kernel.map_update_elem, found, web, 1)


@sequence
def capabilities(kernel: Any) -> Seen:
    """What an unprivileged caller gets, where the sysctl shuts it out."""
    web = kernel.mkdir("web")
    counts, count = counter(kernel)
    for names in ((), ("CAP_NET_ADMIN",), ("CAP_BPF",), ("CAP_BPF", "CAP_NET_ADMIN")):
        with kernel.user(*names):
            yield tried(kernel.map_create, SHARED, STORAGE_KEY, U64)
            yield tried(kernel.map_create, SHARED, Bytes(3), U64)
            yield tried(kernel.prog_load, SKB, Add(counts))
            yield tried(kernel.prog_attach, web, count, EGRESS, MULTI)
            yield tried(kernel.prog_detach, web, count, EGRESS)
            yield tried(kernel.prog_query, web, EGRESS)


@sequence
def descriptors(kernel: Any) -> Seen:
    """Duplicates hold what the first one held, also a link; kinds are told apart."""
    web = kernel.mkdir("web")
    counts, count = counter(kernel)
    link = kernel.link_create(web, count, EGRESS)
    again = kernel.dup(link)
    kernel.close(link)
    kernel.close(count)
    kernel.fire(web, EGRESS)
    yield kernel.map_lookup_elem(counts, (web, EGRESS))
    kernel.close(again)
    kernel.fire(web, EGRESS)
    yield tried(kernel.map_lookup_elem, counts, (web, EGRESS))
    yield tried(kernel.prog_attach, web, count, EGRESS)
    yield tried(kernel.prog_attach, web, counts, EGRESS)
    yield tried(kernel.prog_attach, counts, kernel.prog_load(SKB), EGRESS)
    yield tried(kernel.map_freeze, web)
    yield tried(kernel.link_detach, counts)
    yield tried(kernel.dup, link)


@needs_kernel
@pytest.mark.parametrize("run", SEQUENCES, ids=lambda run: run.__name__)
def test_the_kernel_does_what_the_model_says(run: Sequence) -> None:
    before = _cgroups()
    with LinuxKernel() as kernel:
        model = Kernel(kernel.release, cpus=kernel.cpus)
        if run is capabilities and not kernel.unprivileged_bpf_disabled:
            pytest.skip("kernel.unprivileged_bpf_disabled is 0 here")
        answers = seen(run, kernel)
        kernel.check_invariants()
    assert answers == seen(run, model)
    assert _cgroups() == before


def _cgroups() -> set[str]:
    """The cgroups of this process that are there."""
    mount = mount_point("cgroup2")
    assert mount is not None
    return {path.name for path in mount.iterdir() if f"-{os.getpid()}-" in path.name}


# -- the format of traces -------------------------------------------------------------------------

OPS: list[dict[str, Any]] = [
    {"op": "mkdir", "cgroup": "c1", "parent": None},
    {"op": "mkdir", "cgroup": "c2", "parent": "c1"},
    {"op": "map_create", "map": "m1", "type": "cgroup_storage", "key_size": 16, "value_size": 8,
     "max_entries": 0, "map_flags": 0, "btf_key": None, "btf_value": None},
    {"op": "map_create", "map": "m2", "type": "percpu_cgroup_storage", "key_size": 16,
     "value_size": 4, "max_entries": 0, "map_flags": 0, "btf_key": None, "btf_value": None},
    {"op": "prog_load", "prog": "p1", "type": "cgroup_skb", "expected_attach_type": None,
     "body": ["mix", 5], "helper_flags": 0, "maps": ["m1", "m2"]},
    {"op": "prog_attach", "cgroup": "c1", "prog": "p1", "attach_type": "egress", "flags": 2,
     "replace": None},
    {"op": "fire", "cgroup": "c2", "hooks": ["sock_create", "sendmsg4", "egress"], "cpu": 0},
    {"op": "sock_open", "sock": "s1", "cgroup": "c2", "hooks": ["sock_create"]},
    {"op": "rmdir", "cgroup": "c2"},
    {"op": "sock_send", "sock": "s1", "hooks": ["sendmsg4", "egress"]},
    {"op": "map_lookup", "map": "m1", "key": ["c1", "egress"]},
    {"op": "map_lookup", "map": "m2", "key": ["c1", "egress"]},
    {"op": "map_update", "map": "m2", "key": ["c1", "egress"], "value": 9, "flags": 0},
    {"op": "map_lookup", "map": "m2", "key": ["c1", "egress"]},
    {"op": "map_keys", "map": "m1", "count": 5},
    {"op": "prog_query", "cgroup": "c1", "attach_type": "egress", "effective": False},
    {"op": "prog_test_run", "prog": "p1", "repeat": 2},
    {"op": "map_delete", "map": "m1", "key": ["c1", "egress"]},
    {"op": "prog_detach", "cgroup": "c1", "prog": None, "attach_type": "ingress"},
    {"op": "sock_close", "sock": "s1"},
    {"op": "fire", "cgroup": "c2", "hooks": ["sock_create"], "cpu": 0},
    {"op": "close", "map": "m1"},
    {"op": "rmdir", "cgroup": "c1"},
    {"op": "map_lookup", "map": "m2", "key": ["c1", "egress"]},
]  # fmt: skip


@needs_kernel
def test_operations_of_the_traces_are_answered_alike() -> None:
    replayer: Any = traces.Replayer
    with LinuxKernel() as kernel:
        running, model = replayer(kernel), replayer(Kernel(kernel.release, cpus=kernel.cpus))
        for position, op in enumerate(OPS):
            assert running.answer(op) == model.answer(op), (position, op)


# -- the interface --------------------------------------------------------------------------------


def _public(kind: type) -> dict[str, Any]:
    return {
        name: member
        for name, member in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }


@pytest.mark.parametrize("name", CALLS)
def test_it_has_the_methods_of_the_model(name: str) -> None:
    wanted, found = (
        inspect.signature(_public(kind)[name]).parameters for kind in (Kernel, LinuxKernel)
    )
    assert [(p.kind, p.default) for p in wanted.values()] == [
        (p.kind, p.default) for p in found.values()
    ]
    if name != "user":
        assert list(wanted) == list(found)


def test_what_the_model_knows_of_itself_is_there_too() -> None:
    model = Kernel()
    names = {"release", "has", "cpus", "memlock", "unprivileged_bpf_disabled", "root"}
    assert all(hasattr(model, name) for name in names)
    if LACKING is None:
        with LinuxKernel() as kernel:
            assert all(hasattr(kernel, name) for name in names)


@needs_kernel
def test_what_programs_take_of_the_limit_is_known_to_a_caller_without_capabilities() -> None:
    """The kernel tells only the privileged of a program by its id."""
    with LinuxKernel() as kernel:
        program = kernel.prog_load(SKB, Return(1))
        with kernel.user():
            before = syscall.capabilities()
            assert not alive([program.object.id])
            with syscall.privileged():
                assert alive([program.object.id])
            assert syscall.capabilities() == before
        assert alive([program.object.id])


# -- what is missing ------------------------------------------------------------------------------


def test_the_reason_to_skip_is_true() -> None:
    if platform.machine() != "x86_64" or sys.platform != "linux":
        assert LACKING is not None
        return
    attr = struct.pack("=5I", 19, 16, 8, 0, 0).ljust(72, b"\0")
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(ctypes.c_long(321), 0, attr, len(attr))
    if fd >= 0:
        os.close(fd)
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    cgroups = [m[1] for m in mounts if m[2] == "cgroup2" and "rw" in m[3].split(",")]
    works = fd >= 0 and any(os.access(f"{where}/cgroup.procs", os.W_OK) for where in cgroups)
    assert (LACKING is None) == works, LACKING


@needs_kernel
def test_without_root_it_says_so() -> None:
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            try:
                LinuxKernel()
            except Missing as error:
                os.write(write, str(error).encode())
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(pid, 0)
    said = os.read(read, 1000).decode()
    os.close(read)
    assert "run as root" in said


def test_another_machine_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert "x86-64" in str(linux.missing())
    with pytest.raises(Missing, match="riscv64"):
        LinuxKernel()


@needs_kernel
def test_without_bpffs_a_pin_says_what_is_missing() -> None:
    with LinuxKernel() as kernel:
        counts = kernel.map_create(SHARED, STORAGE_KEY, U64)
        if mount_point("bpf") is None:
            with pytest.raises(Missing, match="mount -t bpf"):
                kernel.obj_pin("counts", counts)
            return
        kernel.obj_pin("a/counts.1", counts)
        assert tried(kernel.obj_pin, "a/counts.1", counts) == "EEXIST"
        again = kernel.obj_get("a/counts.1")
        assert again.id == counts.id
        kernel.unlink("a/counts.1")
        assert tried(kernel.obj_get, "a/counts.1") == "ENOENT"


@needs_kernel
@pytest.mark.skipif(mount_point("bpf") is None, reason="no bpffs is mounted")
def test_a_link_has_detached_when_its_last_pin_is_removed() -> None:
    """The kernel does so a little later."""
    with LinuxKernel() as kernel:
        web = kernel.mkdir()
        for _ in range(30):
            link = kernel.link_create(web, kernel.prog_load(SKB), EGRESS)
            kernel.obj_pin("link", link)
            kernel.close(link)
            assert len(kernel.prog_query(web, EGRESS).prog_ids) == 1
            kernel.unlink("link")
            assert kernel.prog_query(web, EGRESS).prog_ids == ()


@needs_kernel
def test_an_array_is_empty_when_its_last_descriptor_is_closed() -> None:
    """The kernel empties it a little later, and until then programs jump into it."""
    with LinuxKernel() as kernel:
        callee = kernel.prog_load(SKB, Return(0))
        for number in range(20):
            array = kernel.map_create(BPF_MAP_TYPE_PROG_ARRAY, U32, U32, max_entries=8)
            kernel.map_update_elem(array, 7, callee)
            caller = kernel.prog_load(SKB, TailCall(array, 7))
            again = kernel.dup(array)
            if number % 2:
                kernel.map_freeze(array)
            kernel.close(array)
            assert kernel.prog_test_run(caller) == 0
            kernel.close(again)
            assert kernel.prog_test_run(caller) == 1


@needs_kernel
@pytest.mark.parametrize(("hook", "calls"), [(BPF_LSM_CGROUP, 2), (EGRESS, 1)])
def test_a_detachment_waits_for_slots_of_lsm_hooks(
    hook: AttachType, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While all ten are taken the kernel answers EINVAL, and it frees one a little later."""
    asked: list[Command] = []

    def refuse_once(command: Command, *_: object) -> int:
        asked.append(command)
        if len(asked) == 1:
            raise linux_errors.KernelError(errno.EINVAL, command.name)
        return 0

    with LinuxKernel() as kernel:
        web, prog = kernel.mkdir(), kernel.prog_load(SKB)
        with monkeypatch.context() as patch:
            patch.setattr("reference_model.linux.attachments.bpf", refuse_once)
            patch.setattr("reference_model.linux.attachments.wait_for_slots", lambda root: None)
            answer = tried(kernel.prog_detach, web, prog, hook)
        assert answer == ("ok" if calls == 2 else "EINVAL")
        assert asked == [Command.BPF_PROG_DETACH] * calls


@needs_kernel
def test_a_socket_ends_where_it_is_closed() -> None:
    """The process that made it has let go of it before."""
    with LinuxKernel() as kernel:
        web = kernel.mkdir()
        counts = kernel.map_create(SHARED, U64, U64)
        hook = BPF_CGROUP_INET_SOCK_RELEASE
        release = kernel.prog_load(
            BPF_PROG_TYPE_CGROUP_SOCK, Add(counts), expected_attach_type=hook
        )
        kernel.prog_attach(web, release, hook)
        for closed in range(1, 101):
            kernel.close_socket(kernel.socket(web))
            assert kernel.map_lookup_elem(counts, web) == closed


@needs_kernel
def test_what_cannot_be_done_says_why() -> None:
    with LinuxKernel() as kernel:
        web = kernel.mkdir()
        with pytest.raises(NotImplementedError, match="just once"):
            kernel.fire(web, BPF_CGROUP_SOCK_OPS)
        with pytest.raises(NotImplementedError, match="CONFIG_FAILSLAB"):
            kernel.fail_next("storage")
        with pytest.raises(NotImplementedError, match="bpf_cgrp_storage_get"):
            kernel.cgrp_storage_get(kernel.map_create(SHARED, STORAGE_KEY, U64), web)
        with pytest.raises(ValueError, match="no CPU"):
            kernel.fire(web, EGRESS, cpu=kernel.cpus[-1] + 1)
        with pytest.raises(ValueError, match="known are"):
            kernel.user("CAP_CHOWN").__enter__()
        with pytest.raises(TypeError, match="of a model"):
            kernel.prog_attach(web, Kernel().prog_load(SKB), EGRESS)


@needs_kernel
def test_the_verifiers_log_is_a_note() -> None:
    with LinuxKernel() as kernel:
        maps = [kernel.map_create(SHARED, STORAGE_KEY, U64) for _ in "ab"]
        with pytest.raises(linux_errors.KernelError) as caught:
            kernel.prog_load(SKB, [Add(found) for found in maps])
        assert caught.value.name == "EBUSY"
        assert "only one cgroup storage" in "".join(caught.value.__notes__)


# -- what is left behind --------------------------------------------------------------------------


def _fail() -> None:
    with LinuxKernel() as kernel:
        web = kernel.mkdir("web")
        kernel.mkdir("below", web)
        _, count = counter(kernel)
        kernel.prog_attach(web, count, EGRESS)
        kernel.socket(web)
        kernel.fire(web, EGRESS)
        assert kernel.root.path.name in _cgroups()
        raise ZeroDivisionError


@needs_kernel
def test_a_failure_leaves_nothing() -> None:
    before, fds = _cgroups(), os.listdir("/proc/self/fd")
    with pytest.raises(ZeroDivisionError):
        _fail()
    assert _cgroups() == before
    assert os.listdir("/proc/self/fd") == fds


@needs_kernel
def test_what_a_killed_run_left_is_removed_by_the_next() -> None:
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            kernel = LinuxKernel()
            web = kernel.mkdir("web")
            kernel.fire(web, EGRESS)
            os.write(write, str(kernel.root.path).encode())
            signal.pause()
        finally:
            os._exit(1)
    left = Path(os.read(read, 4096).decode())
    os.close(read)
    os.close(write)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert left.name.startswith(PREFIX)
    assert left.exists()
    with LinuxKernel():
        assert not left.exists()


# -- what is not done to this kernel --------------------------------------------------------------


def _program(number: int, cookies: tuple[int, int]) -> ProgFd:
    return ProgFd(program_of(number, "", SKB, 0, "", cookies), -1)


@pytest.mark.parametrize(
    ("release", "old", "new", "refused"),
    [
        ("6.1", (1, 0), (2, 0), True),
        ("6.1", (0, 0), (0, 2), True),
        ("6.1", (1, 0), (0, 0), True),
        ("6.1", (1, 2), (1, 2), False),
        ("7.3", (1, 0), (2, 0), False),
    ],
)
def test_a_link_update_to_other_maps_is_not_tried(
    release: str, old: tuple[int, int], new: tuple[int, int], refused: bool
) -> None:
    guard = Guard(Release(release), lifted=False)
    before, after = _program(1, old), _program(2, new)
    link = LinkFd(link_of(1, before.object, EGRESS), -1)
    for flags, held in ((0, None), (int(BPF_F_REPLACE), before)):
        if refused:
            with pytest.raises(Unsafe, match="other storage maps"):
                guard.link_update(link, after, flags, held)
        else:
            guard.link_update(link, after, flags, held)
        Guard(Release(release), lifted=True).link_update(link, after, flags, held)
    guard.link_update(link, after, 64, None)  # that is for the kernel to refuse
    guard.link_update(link, after, int(BPF_F_REPLACE), after)


@pytest.mark.parametrize(("release", "refused"), [("5.8", True), ("5.4", True), ("5.9", False)])
def test_a_second_attachment_is_not_tried_where_it_is_a_bug(release: str, refused: bool) -> None:
    guard = Guard(Release(release), lifted=False)
    guard.attach_twice(_program(1, (0, 0)).object, elsewhere=True)
    guard.attach_twice(_program(1, (1, 0)).object, elsewhere=False)
    if refused:
        with pytest.raises(Unsafe, match="second attachment"):
            guard.attach_twice(_program(1, (1, 0)).object, elsewhere=True)
    else:
        guard.attach_twice(_program(1, (1, 0)).object, elsewhere=True)


@pytest.mark.parametrize(
    ("release", "caller", "callee", "refused"),
    [
        ("6.1", (1, 0), (2, 0), True),
        ("6.1", (0, 0), (2, 0), True),
        ("6.1", (1, 0), (0, 0), False),
        ("6.1", (1, 0), (1, 0), False),
        ("6.17", (1, 0), (2, 0), False),
        ("6.17", (0, 0), (2, 0), True),
        ("7.3", (0, 0), (2, 0), False),
    ],
)
def test_a_tail_call_to_other_maps_is_not_tried(
    release: str, caller: tuple[int, int], callee: tuple[int, int], refused: bool
) -> None:
    guard = Guard(Release(release), lifted=False)
    array = Map(1, "", BPF_MAP_TYPE_PROG_ARRAY, U32, U32, 0)
    array.callers.append(_program(1, caller).object)
    if refused:
        with pytest.raises(Unsafe, match="tail call"):
            guard.tail_calls(array, callee=_program(2, callee).object)
    else:
        guard.tail_calls(array, callee=_program(2, callee).object)


def test_holes_between_cpus_are_not_tried() -> None:
    for release, refused in (("7.0", True), ("6.19", False), ("7.2.7", False)):
        guard = Guard(Release(release), lifted=False)
        guard.update_percpu((0, 1))
        if refused:
            with pytest.raises(Unsafe, match="holes"):
                guard.update_percpu((0, 2))
        else:
            guard.update_percpu((0, 2))


def test_without_a_virtual_machine_nothing_is_unsafe_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("reference_model.linux.machine.missing", lambda: None)
    monkeypatch.setattr("reference_model.linux.machine.virtual", lambda: False)
    with pytest.raises(Unsafe, match="not a virtual machine"):
        LinuxKernel(allow_unsafe=True)
