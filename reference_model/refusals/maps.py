# SPDX-License-Identifier: GPL-2.0-only
"""Refusals of the commands on maps and their entries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .. import changes, errors
from ..releases import Change
from ..uapi import (
    BPF_EXIST,
    BPF_F_CPU,
    BPF_F_NO_PREALLOC,
    BPF_F_NUMA_NODE,
    BPF_F_RDONLY_PROG,
    BPF_MAP_TYPE_ARRAY_OF_MAPS,
    BPF_MAP_TYPE_CGRP_STORAGE,
    BPF_NOEXIST,
)
from ..values import RES_SPIN_LOCK, SPIN_LOCK, STORAGE_KEY, TIMER, U32, U64, Bytes, Struct
from .setup import PERCPU_STORAGE, STORAGE, Refusal, Setup

_LOCKED = Struct(count=U64, lock=SPIN_LOCK)
_TIMED = Struct(timer=TIMER)
_SHUFFLED = Struct(attach_type=U32, pad=U32, cgroup=U64)
_CPU_99 = int(BPF_F_CPU) | 99 << 32


def _create(
    error: type[errors.BpfError], when: str, *of: Any, rule: str = "", **more: Any
) -> Refusal:
    """A refusal of BPF_MAP_CREATE, by the arguments that differ from good ones."""
    since, until = more.pop("since", None), more.pop("until", None)
    map_type, key, value = of or (STORAGE, STORAGE_KEY, U64)

    def provoke(setup: Setup) -> object:
        return setup.kernel.map_create(map_type, key, value, **more)

    return Refusal("map_create", error, when, provoke, since, until, rule)


def _unprivileged(setup: Setup) -> None:
    with setup.kernel.user():
        setup.map()


def _no_memory(setup: Setup) -> None:
    setup.kernel.memlock = 0
    setup.map()


def _inner(inner: Callable[[Setup], Any]) -> Callable[[Setup], object]:
    def provoke(setup: Setup) -> object:
        outer = BPF_MAP_TYPE_ARRAY_OF_MAPS
        return setup.kernel.map_create(outer, U32, U32, max_entries=1, inner_map=inner(setup))

    return provoke


_CREATE = (
    Refusal(
        "map_create",
        errors.NotPermitted,
        "no ``CAP_BPF`` (before 5.8 ``CAP_SYS_ADMIN``), and "
        "``kernel.unprivileged_bpf_disabled`` is set",
        _unprivileged,
        rule="create.unprivileged",
    ),
    _create(errors.BtfIds, "BTF for the key and none for the value", btf_key=STORAGE_KEY),
    _create(
        errors.BtfIds,
        "BTF for the value and none for the key",
        btf_value=U64,
        until=changes.BTF_KEY_AND_VALUE,
    ),
    _create(
        errors.NumaNode,
        "``BPF_F_NUMA_NODE`` with a node that is not online",
        map_flags=BPF_F_NUMA_NODE,
        numa_node=1,
        rule="create.flags",
    ),
    _create(
        errors.UnknownMapType,
        "the kernel does not support the per-CPU type",
        *(PERCPU_STORAGE, STORAGE_KEY, U64),
        until=changes.PERCPU_STORAGE,
        rule="create.percpu",
    ),
    _create(
        errors.UnknownMapType,
        "the kernel does not support ``BPF_MAP_TYPE_CGRP_STORAGE``",
        *(BPF_MAP_TYPE_CGRP_STORAGE, U32, U64),
        map_flags=BPF_F_NO_PREALLOC,
        btf=True,
        until=changes.CGRP_STORAGE,
        rule="cgrp.create",
    ),
    Refusal(
        "map_create",
        errors.BadDescriptor,
        "the inner map of a map of maps is not open",
        _inner(lambda setup: setup.closed_map),
    ),
    Refusal(
        "map_create",
        errors.WrongDescriptor,
        "the inner map of a map of maps is not a map",
        _inner(lambda setup: setup.count),
    ),
    Refusal(
        "map_create",
        errors.InnerMap,
        "this map as the inner map of a map of maps",
        _inner(lambda setup: setup.counts),
        rule="create.no-inner-map",
    ),
    _create(
        errors.KeySize,
        "``key_size`` is neither 16 nor 8",
        *(STORAGE, Bytes(12), U64),
        rule="create.key-size",
    ),
    _create(
        errors.KeySize,
        "``key_size`` is 8",
        *(STORAGE, U64, U64),
        until=changes.KEY_IS_CGROUP_ID,
        rule="create.key-id",
    ),
    _create(
        errors.ValueSizeZero,
        "``value_size`` is 0",
        *(STORAGE, STORAGE_KEY, Bytes(0)),
        rule="create.value-zero",
    ),
    _create(
        errors.ValueSizeTooBig,
        "``value_size`` is above the limit, see :doc:`limits`",
        *(STORAGE, STORAGE_KEY, Bytes(65408)),
        rule="create.value-limit",
    ),
    _create(
        errors.MapFlags,
        "a flag that the reference does not list",
        map_flags=BPF_F_NO_PREALLOC,
        rule="create.flags",
    ),
    _create(
        errors.MapFlags,
        "``BPF_F_RDONLY_PROG`` or ``BPF_F_WRONLY_PROG``",
        map_flags=BPF_F_RDONLY_PROG,
        until=changes.PROG_ACCESS_FLAGS,
        rule="create.flags",
    ),
    _create(
        errors.MaxEntries, "``max_entries`` is not 0", max_entries=1, rule="create.max-entries"
    ),
    Refusal(
        "map_create",
        errors.LockedMemory,
        "``RLIMIT_MEMLOCK`` is too small for the map",
        _no_memory,
        until=changes.MEMCG_ACCOUNTING,
        rule="create.memlock",
    ),
    _create(errors.MapName, "``map_name`` has a character that is not allowed", map_name="no-name"),
    _create(
        errors.BtfSize,
        "the BTF type of the value, or of the key, has another size",
        btf_key=STORAGE_KEY,
        btf_value=U32,
        rule="btf.size",
    ),
    _create(
        errors.SpecialFieldReadOnly,
        "a ``bpf_spin_lock`` in the value, and ``BPF_F_RDONLY_PROG``",
        *(STORAGE, STORAGE_KEY, _LOCKED),
        btf=True,
        map_flags=BPF_F_RDONLY_PROG,
        since=changes.PROG_ACCESS_FLAGS,
    ),
    _create(
        errors.SpecialFieldNotSupportedLegacy,
        "a ``bpf_spin_lock`` in a per-CPU value",
        *(PERCPU_STORAGE, STORAGE_KEY, _LOCKED),
        btf=True,
        since=changes.SPIN_LOCK,
        until=changes.BTF_RECORD,
        rule="btf.spin-lock",
    ),
    _create(
        errors.SpecialFieldNotSupported,
        "a ``bpf_spin_lock`` in a per-CPU value",
        *(PERCPU_STORAGE, STORAGE_KEY, _LOCKED),
        btf=True,
        since=changes.BTF_RECORD,
        rule="btf.spin-lock",
    ),
    _create(
        errors.SpecialFieldNotSupported,
        "a ``bpf_timer`` in the value",
        *(STORAGE, STORAGE_KEY, _TIMED),
        btf=True,
        since=changes.TIMER,
    ),
    _create(
        errors.SpecialFieldNotSupported,
        "a ``bpf_timer`` in a struct inside the value",
        *(STORAGE, STORAGE_KEY, Struct(inner=_TIMED)),
        btf=True,
        since=changes.NESTED_FIELDS,
        rule="btf.inside",
    ),
    _create(
        errors.SpecialFieldTwice,
        "two ``bpf_spin_lock`` in the value",
        *(STORAGE, STORAGE_KEY, Struct(one=SPIN_LOCK, two=SPIN_LOCK)),
        btf=True,
        since=changes.BTF_RECORD,
        rule="btf.two-fields",
    ),
    _create(
        errors.SpinLocksOfBothKinds,
        "a ``bpf_spin_lock`` and a ``bpf_res_spin_lock`` in the value",
        *(STORAGE, STORAGE_KEY, Struct(one=SPIN_LOCK, two=RES_SPIN_LOCK)),
        btf=True,
        since=changes.RES_SPIN_LOCK,
        rule="btf.two-fields",
    ),
    _create(
        errors.BtfNotSupported,
        "any BTF",
        btf=True,
        until=changes.BTF_KEY_AND_VALUE,
        rule="btf.versions",
    ),
    _create(
        errors.BtfKeyShape,
        "the BTF of the key has the wrong shape",
        btf_key=_SHUFFLED,
        btf_value=U64,
        since=changes.BTF_KEY_AND_VALUE,
        rule="btf.key-struct",
    ),
)


def _entries(
    operation: str, call: Callable[[Setup, Any], object], *, reads: bool, writes: bool,
    since: Change | None = None,
) -> Iterator[Refusal]:  # fmt: skip
    """What the commands on entries have in common: descriptors and their modes."""
    on: dict[str, Any] = {"since": since}
    yield Refusal(
        operation, errors.BadDescriptor, "the map is not open",
        lambda setup: call(setup, setup.closed_map), **on,
    )  # fmt: skip
    yield Refusal(
        operation, errors.WrongDescriptor, "the descriptor is not a map's",
        lambda setup: call(setup, setup.count), **on,
    )  # fmt: skip
    if reads:
        yield Refusal(
            operation, errors.AccessMode, "the descriptor is ``BPF_F_WRONLY``",
            lambda setup: call(setup, setup.writer), **on,
        )  # fmt: skip
    if writes:
        yield Refusal(
            operation, errors.AccessMode,
            "the descriptor is ``BPF_F_RDONLY``, or since 5.2 the map is frozen",
            lambda setup: call(setup, setup.reader), **on,
        )  # fmt: skip


def _lookup(setup: Setup, found: Any, flags: int = 0) -> object:
    return setup.kernel.map_lookup_elem(found, setup.key, flags)


def _update(setup: Setup, found: Any, flags: int = 0) -> None:
    setup.kernel.map_update_elem(found, setup.key, 1, flags)


def _take(setup: Setup, found: Any, flags: int = 0) -> None:
    setup.kernel.map_lookup_and_delete_elem(found, setup.key, flags)


def _percpu(setup: Setup) -> Any:
    return setup.kernel.map_create(PERCPU_STORAGE, STORAGE_KEY, U64)


def _update_without_memory(setup: Setup) -> None:
    setup.attach()
    setup.kernel.fail_next("storage")
    _update(setup, setup.counts, BPF_EXIST)


_ENTRIES = (
    Refusal(
        "map_lookup_elem",
        errors.ElementFlags,
        "flags that the command does not support, or ``BPF_F_LOCK`` without a lock",
        lambda setup: _lookup(setup, setup.counts, 1),
        rule="lookup.flags",
    ),
    *_entries("map_lookup_elem", _lookup, reads=True, writes=False),
    Refusal(
        "map_lookup_elem",
        errors.NoSuchCpu,
        "``BPF_F_CPU`` with a CPU that is not possible",
        lambda setup: _lookup(setup, _percpu(setup), _CPU_99),
        since=changes.CPU_FLAGS,
        rule="percpu.flags",
    ),
    Refusal(
        "map_lookup_elem",
        errors.NoEntry,
        "no storage has this key",
        lambda setup: _lookup(setup, setup.counts),
        rule="key.unknown",
    ),
    *_entries("map_update_elem", _update, reads=False, writes=True),
    Refusal(
        "map_update_elem",
        errors.ElementFlags,
        "``BPF_NOEXIST``, unknown flags, or ``BPF_F_LOCK`` without a lock",
        lambda setup: _update(setup, setup.counts, BPF_NOEXIST),
        rule="update.noexist",
    ),
    Refusal(
        "map_update_elem",
        errors.NoSuchCpu,
        "``BPF_F_CPU`` with a CPU that is not possible",
        lambda setup: _update(setup, _percpu(setup), _CPU_99),
        since=changes.CPU_FLAGS,
        rule="percpu.flags",
    ),
    Refusal(
        "map_update_elem",
        errors.NoEntry,
        "no storage has this key, whatever the flags",
        lambda setup: _update(setup, setup.counts),
        rule="update.existing",
    ),
    Refusal(
        "map_update_elem",
        errors.OutOfMemory,
        "no memory for the new buffer",
        _update_without_memory,
    ),
    *_entries(
        "map_delete_elem",
        lambda setup, found: setup.kernel.map_delete_elem(found, setup.key),
        reads=False,
        writes=True,
    ),
    Refusal(
        "map_delete_elem",
        errors.DeleteRefused,
        "always, whether or not there is an entry",
        lambda setup: setup.kernel.map_delete_elem(setup.counts, setup.key),
        rule="delete.refused",
    ),
    *_entries(
        "map_get_next_key",
        lambda setup, found: setup.kernel.map_get_next_key(found),
        reads=True,
        writes=False,
    ),
    Refusal(
        "map_get_next_key",
        errors.NoMoreKeys,
        "the map is empty, the key is unknown, or it was the last",
        lambda setup: setup.kernel.map_get_next_key(setup.counts),
        rule="next-key.end",
    ),
    Refusal(
        "map_lookup_and_delete_elem",
        errors.UnknownCommand,
        "the kernel does not support the command",
        lambda setup: _take(setup, setup.counts),
        until=changes.LOOKUP_AND_DELETE,
        rule="command.lookup-and-delete",
    ),
    Refusal(
        "map_lookup_and_delete_elem",
        errors.ElementFlags,
        "flags",
        lambda setup: _take(setup, setup.counts, 1),
        since=changes.LOOKUP_AND_DELETE,
        rule="command.lookup-and-delete",
    ),
    *_entries(
        "map_lookup_and_delete_elem",
        _take,
        reads=False,
        writes=True,
        since=changes.LOOKUP_AND_DELETE,
    ),
    Refusal(
        "map_lookup_and_delete_elem",
        errors.AccessMode,
        "the descriptor is ``BPF_F_WRONLY``",
        lambda setup: _take(setup, setup.writer),
        since=changes.LOOKUP_AND_DELETE_READS,
    ),
    Refusal(
        "map_lookup_and_delete_elem",
        errors.CommandNotSupported,
        "always",
        lambda setup: _take(setup, setup.counts),
        since=changes.LOOKUP_AND_DELETE,
        rule="command.lookup-and-delete",
    ),
)


def _batch(name: str, *, reads: bool, writes: bool) -> Iterator[Refusal]:
    def call(setup: Setup, found: Any) -> None:
        getattr(setup.kernel, name)(found)

    since = changes.BATCH_COMMANDS
    unknown, always = "the kernel does not support the command", "always"
    yield Refusal(
        name,
        errors.UnknownCommand,
        unknown,
        lambda setup: call(setup, setup.counts),
        until=since,
    )
    yield from _entries(name, call, reads=reads, writes=writes, since=since)
    yield Refusal(
        name, errors.CommandNotSupported, always, lambda setup: call(setup, setup.counts),
        since=since, rule="command.batch",
    )  # fmt: skip


def _freeze(setup: Setup, found: Any) -> None:
    setup.kernel.map_freeze(found)


def _freeze_twice(setup: Setup) -> None:
    setup.kernel.map_freeze(setup.counts)
    setup.kernel.map_freeze(setup.counts)


def _freeze_unprivileged(setup: Setup) -> None:
    counts = setup.counts
    setup.kernel.unprivileged_bpf_disabled = 0
    with setup.kernel.user():
        setup.kernel.map_freeze(counts)


_FREEZE = (
    Refusal(
        "map_freeze",
        errors.UnknownCommand,
        "the kernel does not support the command",
        lambda setup: _freeze(setup, setup.counts),
        until=changes.MAP_FREEZE,
    ),
    *_entries("map_freeze", _freeze, reads=False, writes=False, since=changes.MAP_FREEZE),
    Refusal(
        "map_freeze",
        errors.FreezeNotSupported,
        "the value contains a special field such as a ``bpf_spin_lock``",
        lambda setup: _freeze(setup, setup.map(_LOCKED, btf=True)),
        since=changes.BTF_RECORD,
    ),
    Refusal(
        "map_freeze",
        errors.AlreadyFrozen,
        "the map is frozen",
        _freeze_twice,
        since=changes.MAP_FREEZE,
        until=changes.FREEZE_NEEDS_WRITE,
        rule="command.freeze",
    ),
    Refusal(
        "map_freeze",
        errors.NotPermitted,
        "no ``CAP_BPF`` (before 5.8 ``CAP_SYS_ADMIN``)",
        _freeze_unprivileged,
        since=changes.MAP_FREEZE,
        until=changes.FREEZE_NEEDS_WRITE,
        rule="command.freeze",
    ),
    Refusal(
        "map_freeze",
        errors.FreezeReadOnly,
        "the descriptor has no write access, or the map is frozen",
        _freeze_twice,
        since=changes.FREEZE_NEEDS_WRITE,
        rule="command.freeze",
    ),
)

MAPS: tuple[Refusal, ...] = (
    *_CREATE,
    *_ENTRIES,
    *_batch("map_lookup_batch", reads=True, writes=False),
    *_batch("map_lookup_and_delete_batch", reads=True, writes=True),
    *_batch("map_update_batch", reads=False, writes=True),
    *_batch("map_delete_batch", reads=False, writes=True),
    *_FREEZE,
)
"""Refusals of the commands on maps."""
