# SPDX-License-Identifier: GPL-2.0-only
"""Which pages the programs of an object concern."""

from __future__ import annotations

from collections.abc import Iterator

from ..uapi import (
    BPF_PROG_TYPE_CGROUP_SKB,
    BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
    BPF_PROG_TYPE_CGROUP_SOCKOPT,
    BPF_PROG_TYPE_SOCK_OPS,
)
from .facts import Facts, Shown, names_of, shows
from .objects import PER_CPU, PROG_ARRAY, STORAGES, Map, Program


@shows("second_program_may_use_the_map")
def _several_programs(facts: Facts) -> Shown:
    for found in facts.storages:
        users = facts.users[found]
        if len(users) > 1:
            yield f"{len(users)} programs use the map {found.name}.", names_of(users)


@shows("one of each")
def _two_of_one_type(facts: Facts) -> Shown:
    for program, behaviour in facts.programs.items():
        for wanted in sorted(STORAGES):
            found = [one for one in behaviour.mentions if one.type == wanted]
            if len(found) > 1:
                names = " and ".join(one.name for one in found)
                places = {place for one in found for place in behaviour.storages.get(one, ())}
                yield (
                    f"The program {program.name} uses the maps {names}, which are of one type.",
                    list(places) or names_of([program]),
                )


@shows("sockopt_programs_have_storages")
def _sockopt(facts: Facts) -> Shown:
    for found in facts.storages:
        for program in facts.users[found]:
            if program.meaning.type is BPF_PROG_TYPE_CGROUP_SOCKOPT:
                yield (
                    f"The program {program.name} for socket options uses the map {found.name}.",
                    names_of([program]),
                )


@shows("programs_may_return_2_and_3")
def _returns_more(facts: Facts) -> Shown:
    for program, behaviour in facts.programs.items():
        kind = program.meaning.type
        wide = kind in (BPF_PROG_TYPE_CGROUP_SKB, BPF_PROG_TYPE_CGROUP_SOCK_ADDR)
        more = (behaviour.returns or set()) & {2, 3}
        if wide and more and behaviour.complete and any(facts.bound(program)):
            numbers = " and ".join(map(str, sorted(more)))
            yield f"The program {program.name} returns {numbers}.", list(behaviour.returns_at)


@shows("always denies")
def _returns_zero(facts: Facts) -> Shown:
    for program, behaviour in facts.programs.items():
        decides = program.meaning.attach_types and program.meaning.type is not (
            BPF_PROG_TYPE_SOCK_OPS
        )
        zero = behaviour.complete and behaviour.returns == {0}
        if decides and zero and any(facts.bound(program)):
            yield (
                f"The program {program.name} returns 0 on every path, so it denies every "
                "operation.",
                list(behaviour.returns_at),
            )


@shows("helper flags")
def _flags(facts: Facts) -> Shown:
    for program, behaviour in facts.programs.items():
        for flags, places in behaviour.flags.items():
            yield (
                f"The program {program.name} calls bpf_get_local_storage() with the flags "
                f"{flags}, and every kernel rejects flags other than 0.",
                list(places),
            )


@shows("helper map")
def _wrong_helper(facts: Facts) -> Shown:
    for program, behaviour in facts.programs.items():
        for (found, helper), places in behaviour.wrong.items():
            yield (
                f"The program {program.name} calls helper {helper} on the map {found.name}, which "
                "does not take it.",
                list(places),
            )


def _lost(facts: Facts, per_cpu: bool) -> Shown:
    """Changes of values without protection, as sentences that still need their end."""
    found: dict[tuple[Map, int | None, int], tuple[list[str], set[str]]] = {}
    for program, behaviour in facts.programs.items():
        for access, places in behaviour.accesses.items():
            if access.lost:
                number = (access.map, access.offset, access.width)
                names, where = found.setdefault(number, ([], set()))
                names.append(program.name)
                where.update(places)
    for (one, offset, width), (names, where) in found.items():
        if (one.type == PER_CPU) is per_cpu:
            programs = (
                f"The programs {', '.join(names)} read, change and write"
                if names[1:]
                else f"The program {names[0]} reads, changes and writes"
            )
            span = (
                f"{width} bytes at an index"
                if offset is None
                else f"bytes {offset} to {offset + width - 1}"
            )
            yield f"{programs} {span} of the map {one.name}", list(where)


@shows("lost update")
def _lost_updates(facts: Facts) -> Shown:
    for said, places in _lost(facts, per_cpu=False):
        yield (
            f"{said} without an atomic operation or a lock. Two CPUs at once lose an update.",
            places,
        )


@shows("interrupted update")
def _interrupted_updates(facts: Facts) -> Shown:
    for said, places in _lost(facts, per_cpu=True):
        yield (
            f"{said} without an atomic operation. A run that interrupts it on the same CPU, such "
            "as in a softirq, loses its update.",
            places,
        )


@shows("from_hash_by_cgroup_id")
def _hash_by_id(facts: Facts) -> Shown:
    for program, behaviour in facts.programs.items():
        for found, places in behaviour.keyed_by_cgroup.items():
            if program.meaning.attach_types:
                yield f"The key of the hash map {found.name} is the id of a cgroup.", list(places)


# -- tail calls ------------------------------------------------------------------------------------


def _together(facts: Facts) -> Iterator[tuple[Map, Program, Program]]:
    """Each program that jumps into an array, and each other one that can be in the array.

    These are the functions that the declaration names, or else all of the same type.
    """
    for program, behaviour in facts.programs.items():
        for array in {found for found, _ in behaviour.tail_calls if found.type == PROG_ARRAY}:
            slots = {name for _, name in array.slots}
            for other in facts.programs:
                same = other.meaning.type is program.meaning.type
                if other is not program and (other.name in slots if slots else same):
                    yield array, program, other


@shows("tail_calls_compare_maps")
def _other_maps(facts: Facts) -> Shown:
    for array, program, other in _together(facts):
        mine, others = facts.bound(program), facts.bound(other)
        jumps = bool(facts.programs[other].tail_calls)
        allowed = all(b is a or b is None and not jumps for a, b in zip(mine, others, strict=True))
        if not allowed:
            yield (
                f"The program {program.name} jumps into the array {array.name}. If {other.name} is "
                "in it, the two use different storage maps.",
                _jumps(facts, program, array),
            )


@shows("tail_calls_compare_attach_types")
def _other_attach_types(facts: Facts) -> Shown:
    for array, program, other in _together(facts):
        storages = any(facts.bound(program)) or any(facts.bound(other))
        if storages and program.meaning.expected != other.meaning.expected:
            yield (
                f"The program {program.name} [{program.section}] jumps into the array "
                f"{array.name}. If {other.name} [{other.section}] is in it, their attach types "
                "differ.",
                _jumps(facts, program, array),
            )


def _jumps(facts: Facts, program: Program, array: Map) -> list[str]:
    calls = facts.programs[program].tail_calls.items()
    return sorted({place for (found, _), places in calls if found is array for place in places})
