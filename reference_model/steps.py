# SPDX-License-Identifier: GPL-2.0-only
"""What the body of a program is made of: a few typed steps, each a handful of BPF instructions.

Modelled: what programs with a cgroup storage do, on the pointer from ``bpf_get_local_storage()``,
and the two helpers of CGRP_STORAGE.  Left out: everything else; a kernel runs the same steps
assembled to bytecode.

A step works on the number called ``field`` of the value, by default its first word (8 bytes, or 4
of a value smaller than 8).  Numbers wrap at their width, as in C.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from .maps import MapFd
from .storages import BPF_CGROUP_STORAGE_PERCPU, Storages
from .uapi import BPF_LOCAL_STORAGE_GET_F_CREATE


class Retval(NamedTuple):
    """The errno that a program chose for the system call, or 0."""

    number: int


Run = Callable[[Storages, int], "int | Retval | None"]
"""A step at work on an attachment's storages and a CPU's rank; a number ends the program."""


MAX_ERRNO = 4095
"""The largest errno: ``include/linux/err.h``."""
_REGISTER = (1 << 64) - 1
"""The largest number of a register; programs compare numbers without a sign."""


class Access(NamedTuple):
    """What a step does with one number of a map's value."""

    map: MapFd
    field: str | None
    reads: bool
    writes: bool
    atomic: bool = False
    """Whether an atomic instruction does it, which exists for 4 and 8 bytes."""


class Location:
    """Where a number stands: in which kind of storage, at which offset, how many bytes wide."""

    __slots__ = ("_mask", "_offset", "_width", "kind", "value_size")

    def __init__(self, kind: int, offset: int, width: int, value_size: int) -> None:
        self.kind, self._offset, self._width = kind, offset, width
        self._mask = (1 << 8 * width) - 1
        self.value_size = value_size
        """value_size of the map that the program was loaded with."""

    def load(self, storages: Storages, rank: int) -> int:
        """The number, unsigned."""
        storage = storages[self.kind]
        assert storage is not None
        at = self._offset + (
            rank * storage.map.slot if self.kind == BPF_CGROUP_STORAGE_PERCPU else 0
        )
        return int.from_bytes(storage.data[at : at + self._width], "little")

    def store(self, storages: Storages, rank: int, number: int) -> None:
        """Write the number, wrapped to the width."""
        storage = storages[self.kind]
        assert storage is not None
        at = self._offset + (
            rank * storage.map.slot if self.kind == BPF_CGROUP_STORAGE_PERCPU else 0
        )
        data = (number & self._mask).to_bytes(self._width, "little")
        storage.data[at : at + self._width] = data


@dataclass(frozen=True, eq=False, repr=False)
class Step:
    """One step of a body; steps of a kind with equal fields are equal.

    These three methods serve all steps: generating them for each would double the time of import.
    """

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash((type(self), *vars(self).values()))

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({given})"

    def accesses(self) -> tuple[Access, ...]:
        """The numbers that the step reads and writes, each behind one call of the helper."""
        return ()

    def mentions(self) -> tuple[MapFd, ...]:
        """The maps whose descriptors stand in the step's instructions."""
        return tuple(access.map for access in self.accesses())

    def compile(self, *locations: Location) -> Run:
        """The step at work, with a location for each access."""
        raise TypeError("a body is made of steps such as Add or Return; Step is their base class")


@dataclass(frozen=True, eq=False, repr=False)
class Add(Step):
    """Add ``amount`` atomically: ``__sync_fetch_and_add(&value->field, amount)``."""

    map: MapFd
    amount: int = 1
    field: str | None = None

    def accesses(self) -> tuple[Access, ...]:
        return (Access(self.map, self.field, reads=True, writes=True, atomic=True),)

    def compile(self, *locations: Location) -> Run:
        (location,), amount = locations, self.amount

        def run(storages: Storages, rank: int) -> None:
            location.store(storages, rank, location.load(storages, rank) + amount)

        return run


@dataclass(frozen=True, eq=False, repr=False)
class Store(Step):
    """Write a number: ``value->field = number``."""

    map: MapFd
    number: int
    field: str | None = None

    def accesses(self) -> tuple[Access, ...]:
        return (Access(self.map, self.field, reads=False, writes=True),)

    def compile(self, *locations: Location) -> Run:
        (location,), number = locations, self.number

        def run(storages: Storages, rank: int) -> None:
            location.store(storages, rank, number)

        return run


@dataclass(frozen=True, eq=False, repr=False)
class Mix(Step):
    """``v = v * 3 + number``: shows which programs ran, how often and in which order."""

    map: MapFd
    number: int
    field: str | None = None

    def accesses(self) -> tuple[Access, ...]:
        return (Access(self.map, self.field, reads=True, writes=True),)

    def compile(self, *locations: Location) -> Run:
        (location,), number = locations, self.number

        def run(storages: Storages, rank: int) -> None:
            location.store(storages, rank, location.load(storages, rank) * 3 + number)

        return run


@dataclass(frozen=True, eq=False, repr=False)
class Copy(Step):
    """Copy a number from one value to another, or within one: ``target->field = source->field``."""

    source: MapFd
    target: MapFd
    source_field: str | None = None
    target_field: str | None = None

    def accesses(self) -> tuple[Access, ...]:
        return (
            Access(self.source, self.source_field, reads=True, writes=False),
            Access(self.target, self.target_field, reads=False, writes=True),
        )

    def compile(self, *locations: Location) -> Run:
        source, target = locations

        def run(storages: Storages, rank: int) -> None:
            target.store(storages, rank, source.load(storages, rank))

        return run


@dataclass(frozen=True, eq=False, repr=False)
class Flush(Step):
    """Once the batch has reached ``at``, add it to the total atomically and start it from zero.

    The way of the kernel's ``netcnt`` selftest: count per CPU, and share now and then.
    """

    batch: MapFd
    total: MapFd
    at: int
    batch_field: str | None = None
    total_field: str | None = None

    def accesses(self) -> tuple[Access, ...]:
        return (
            Access(self.batch, self.batch_field, reads=True, writes=True),
            Access(self.total, self.total_field, reads=True, writes=True, atomic=True),
        )

    def compile(self, *locations: Location) -> Run:
        (batch, total), at = locations, self.at & _REGISTER

        def run(storages: Storages, rank: int) -> None:
            count = batch.load(storages, rank)
            if count >= at:
                total.store(storages, rank, total.load(storages, rank) + count)
                batch.store(storages, rank, 0)

        return run


class _Decision(Step):
    """A step that decides by one number of a value."""

    map: MapFd
    field: str | None

    def accesses(self) -> tuple[Access, ...]:
        return (Access(self.map, self.field, reads=True, writes=False),)


@dataclass(frozen=True, eq=False, repr=False)
class Verdict(_Decision):
    """End the program: allow (return 1) while the number is below ``below``, else deny (0)."""

    map: MapFd
    below: int = 1
    field: str | None = None

    def compile(self, *locations: Location) -> Run:
        (location,), below = locations, self.below & _REGISTER

        def run(storages: Storages, rank: int) -> int:
            return 1 if location.load(storages, rank) < below else 0

        return run


@dataclass(frozen=True, eq=False, repr=False)
class BitVerdict(_Decision):
    """End the program: allow (return 1) if the number has a bit of ``mask``, else deny (0)."""

    map: MapFd
    mask: int = 1
    field: str | None = None

    def compile(self, *locations: Location) -> Run:
        (location,), mask = locations, self.mask & _REGISTER

        def run(storages: Storages, rank: int) -> int:
            return 1 if location.load(storages, rank) & mask else 0

        return run


@dataclass(frozen=True, eq=False, repr=False)
class Guard(_Decision):
    """Deny and end the program (return 0) unless the number is below ``below``, else continue."""

    map: MapFd
    below: int = 1
    field: str | None = None

    def compile(self, *locations: Location) -> Run:
        (location,), below = locations, self.below & _REGISTER

        def run(storages: Storages, rank: int) -> int | None:
            return None if location.load(storages, rank) < below else 0

        return run


@dataclass(frozen=True, eq=False, repr=False)
class SetRetval(Step):
    """Choose the errno of the system call, such as 2 for ENOENT: ``bpf_set_retval(-number)``.

    The call then fails with it whatever the programs return, unless a later program chooses 0.
    """

    number: int

    def __post_init__(self) -> None:
        if not 0 <= self.number <= MAX_ERRNO:
            raise ValueError(f"an errno is a number from 0 to {MAX_ERRNO}, not {self.number}")

    def compile(self, *locations: Location) -> Run:
        chosen = Retval(self.number)

        def run(storages: Storages, rank: int) -> Retval:
            return chosen

        return run


class CgroupOf(StrEnum):
    """A cgroup that a program can name to the helpers of CGRP_STORAGE."""

    TASK = "task"
    """That of the current task: ``bpf_get_current_task_btf()->cgroups->dfl_cgrp``."""
    PARENT = "parent"
    """The parent of that cgroup, by ``bpf_cgroup_ancestor()``."""
    SOCKET = "socket"
    """That of the program's socket, ``sk->sk_cgrp_data.cgroup``: of the task that created it."""


class CgrpStep(Step):
    """A step that calls a helper of CGRP_STORAGE: CgrpAdd or CgrpDelete."""

    map: MapFd
    cgroup: CgroupOf
    rcu: bool
    """Whether the step stands between bpf_rcu_read_lock() and bpf_rcu_read_unlock()."""

    def mentions(self) -> tuple[MapFd, ...]:
        return (self.map,)


@dataclass(frozen=True, eq=False, repr=False)
class CgrpAdd(CgrpStep):
    """Add atomically to the value of a cgroup, if ``bpf_cgrp_storage_get()`` returns one."""

    map: MapFd
    amount: int = 1
    field: str | None = None
    cgroup: CgroupOf = CgroupOf.TASK
    flags: int = int(BPF_LOCAL_STORAGE_GET_F_CREATE)
    rcu: bool = False

    def accesses(self) -> tuple[Access, ...]:
        return (Access(self.map, self.field, reads=True, writes=True, atomic=True),)


@dataclass(frozen=True, eq=False, repr=False)
class CgrpDelete(CgrpStep):
    """Delete the value of a cgroup, if there is one: ``bpf_cgrp_storage_delete()``."""

    map: MapFd
    cgroup: CgroupOf = CgroupOf.TASK
    rcu: bool = False


@dataclass(frozen=True, eq=False, repr=False)
class Return(Step):
    """End the program with a number; without this step it returns 1, allow."""

    number: int

    def compile(self, *locations: Location) -> Run:
        number = self.number

        def run(storages: Storages, rank: int) -> int:
            return number

        return run


@dataclass(frozen=True, eq=False, repr=False)
class Mention(Step):
    """Load the map's address and do nothing with it: enough to bind the map to the program."""

    map: MapFd

    def mentions(self) -> tuple[MapFd, ...]:
        return (self.map,)

    def compile(self, *locations: Location) -> Run:
        def run(storages: Storages, rank: int) -> None:
            return None

        return run


@dataclass(frozen=True, eq=False, repr=False)
class Call(Mention):
    """Call another helper on the map, such as ``"bpf_map_lookup_elem"``: the verifier refuses."""

    helper: str = "bpf_map_lookup_elem"


@dataclass(frozen=True, eq=False, repr=False)
class TailCall(Step):
    """Continue in the program in a slot of a program array; if it is empty, with the next step.

    The helper uses the lower 32 bits of ``slot``, without a sign.
    """

    array: MapFd
    slot: int = 0

    def mentions(self) -> tuple[MapFd, ...]:
        return (self.array,)
