# SPDX-License-Identifier: GPL-2.0-only
"""Which pages the declarations of an object's maps concern."""

from __future__ import annotations

from ..map_create import is_storage_key
from ..special_fields import kinds
from ..uapi import BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG, PAGE_SIZE
from ..values import RES_SPIN_LOCK, SPIN_LOCK
from .facts import Facts, Shown, names_of, shows
from .objects import CGRP, PER_CPU, SHARED, Map

_PROG_ACCESS = int(BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG)


@shows("eight_byte_keys_need_5_9", "one_object_for_all_kernels")
def _eight_byte_key(facts: Facts) -> Shown:
    for found in facts.storages:
        if found.key_size == 8:
            yield f"The key of the map {found.name} has 8 bytes.", [f"map {found.name}"]


@shows("attach_types_share_with_8_byte_keys")
def _shared_by_attach_types(facts: Facts) -> Shown:
    for found in facts.storages:
        users = facts.users[found]
        types = {one for program in users for one in program.meaning.attach_types}
        if found.key_size == 8 and len(types) > 1:
            yield (
                f"The key of the map {found.name} has 8 bytes, so {len(types)} attach types share "
                "its storages.",
                names_of(users),
            )


@shows("btf_is_accepted")
def _other_key(facts: Facts) -> Shown:
    for found in facts.storages:
        if found.key is not None and not is_storage_key(found.key):
            yield (
                f"The key of the map {found.name} is neither struct bpf_cgroup_storage_key nor a "
                "64-bit integer, so kernels reject its BTF. Libbpf then creates the map without "
                "BTF.",
                [f"map {found.name}"],
            )


@shows("values_may_exceed_a_page")
def _big_value(facts: Facts) -> Shown:
    for found in facts.storages:
        if found.value_size > PAGE_SIZE:
            yield (
                f"A value of the map {found.name} has {found.value_size} bytes.",
                [f"map {found.name}"],
            )


def _locks(found: Map) -> bool:
    return bool(found.value and kinds(found.value) & {SPIN_LOCK, RES_SPIN_LOCK})


@shows("percpu_map_takes_no_spin_lock")
def _lock_per_cpu(facts: Facts) -> Shown:
    for found in facts.storages:
        if found.type == PER_CPU and _locks(found):
            yield (
                f"A value of the per-CPU map {found.name} contains a spin lock. Libbpf creates the "
                "map without BTF where the kernel rejects it, and then no program can take the "
                "lock.",
                [f"map {found.name}"],
            )


@shows("values_may_hold_a_spin_lock")
def _lock_shared(facts: Facts) -> Shown:
    for found in facts.storages:
        if found.type == SHARED and _locks(found):
            yield f"A value of the map {found.name} contains a spin lock.", [f"map {found.name}"]


@shows("spin_lock_forbids_read_only")
def _lock_read_only(facts: Facts) -> Shown:
    for found in facts.storages:
        if found.type == SHARED and _locks(found) and found.flags & _PROG_ACCESS:
            yield (
                f"The map {found.name} has a spin lock, and a flag that lets programs only read or "
                "only write.",
                [f"map {found.name}"],
            )


@shows("maps_can_be_read_only")
def _read_only(facts: Facts) -> Shown:
    for found in facts.storages:
        if found.flags & _PROG_ACCESS:
            yield (
                f"The map {found.name} has BPF_F_RDONLY_PROG or BPF_F_WRONLY_PROG.",
                [f"map {found.name}"],
            )


@shows("percpu_maps", "read_percpu_totals")
def _per_cpu(facts: Facts) -> Shown:
    for found in facts.storages:
        if found.type == PER_CPU:
            yield (
                f"The map {found.name} is a BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE.",
                [f"map {found.name}"],
            )


@shows("cgrp_storage_maps")
def _cgrp(facts: Facts) -> Shown:
    for found in facts.object.maps:
        if found.type == CGRP:
            yield f"The map {found.name} is a BPF_MAP_TYPE_CGRP_STORAGE.", [f"map {found.name}"]


@shows("to_cgrp_storage")
def _both(facts: Facts) -> Shown:
    new = [found for found in facts.object.maps if found.type == CGRP]
    if new and facts.storages:
        yield (
            "The object has maps of the deprecated type and of its successor.",
            [f"map {found.name}" for found in [*facts.storages, *new]],
        )
