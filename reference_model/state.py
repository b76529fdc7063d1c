# SPDX-License-Identifier: GPL-2.0-only
"""The state of a running kernel, and the objects that descriptors, pins and attachments hold.

Modelled: ``kernel/bpf/syscall.c`` (descriptors, ids, pins, capabilities, RLIMIT_MEMLOCK).  Left
out: RCU and work queues: what a kernel does a little later is done when the call returns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, TypeVar

from . import changes, errors
from .interface import KernelInterface
from .releases import Change, Release, release

if TYPE_CHECKING:
    from .cgroups import Cgroup
    from .lsm import LsmSlots
    from .storages import Ownership

CAPABILITIES = frozenset({"CAP_BPF", "CAP_NET_ADMIN", "CAP_PERFMON", "CAP_SYS_ADMIN"})
"""The capabilities that the model asks for."""

ALLOCATIONS = frozenset({"storage", "node", "effective"})
"""Allocations inside attach and detach that a test can make fail, in the kernel's order."""


STATEFUL: dict[type, tuple[str, ...]] = {}
"""The classes of the model whose objects change, each with the attributes that do."""

VISIBLE: dict[type, tuple[str, ...]] = {}
"""The attributes of each of these classes that distinguish two states."""

C = TypeVar("C", bound=type)


def changing(
    *names: str, hidden: tuple[str, ...] = (), fixed: tuple[str, ...] = ()
) -> Callable[[C], C]:
    """Declare which attributes of a class change after its object is created; bases' too.

    An attribute changes if a command or an event sets it, or changes the container that it holds.
    ``hidden`` are those that cannot distinguish two states: no answer depends on them, or the other
    attributes imply them.  ``fixed`` are attributes that do not change, but distinguish objects
    that no operation creates by a name of their own.
    """

    def declare(cls: C) -> C:
        def with_inherited(table: dict[type, tuple[str, ...]], own: Iterable[str]) -> None:
            inherited = [name for base in cls.__mro__[1:] for name in table.get(base, ())]
            table[cls] = (*dict.fromkeys([*inherited, *own]),)

        with_inherited(STATEFUL, names)
        assert set(hidden) <= set(STATEFUL[cls])
        with_inherited(VISIBLE, [name for name in (*names, *fixed) if name not in hidden])
        return cls

    return declare


NAME = re.compile(r"[A-Za-z0-9_.]{0,15}")
"""What ``syscall.c:bpf_obj_name_cpy`` accepts as a name, with a dot since 5.2."""


def valid_name(name: str, has: Callable[[Change], bool]) -> bool:
    """Whether a kernel takes the name of a map or program."""
    dot = "." in name and not has(changes.DOT_IN_NAMES)
    return not dot and NAME.fullmatch(name) is not None


@changing("refs")
class Object:
    """A map, program or link: alive while something holds a reference to it."""

    __slots__ = ("id", "name", "refs")

    kind: ClassVar[str]

    def __init__(self, number: int, name: str) -> None:
        self.id = number
        self.name = name
        self.refs = 0


@changing("open", hidden=("open",))
class Descriptor:
    """An open file descriptor of a map, program or link.

    ``mode`` is 0, BPF_F_RDONLY or BPF_F_WRONLY.
    """

    __slots__ = ("mode", "object", "open")

    def __init__(self, obj: Object, mode: int = 0) -> None:
        self.object = obj
        self.mode = mode
        self.open = True

    @property
    def id(self) -> int:
        """The object's id, as BPF_OBJ_GET_INFO_BY_FD returns it."""
        return self.object.id

    def __repr__(self) -> str:
        name = f", {self.object.name!r}" if self.object.name else ""
        return f"{type(self).__name__}({self.object.id}{name})"


MOST_CPUS = 8192
"""``NR_CPUS`` of x86-64 at most: ``arch/x86/Kconfig:NR_CPUS_RANGE_END``."""


def _possible(cpus: int | tuple[int, ...]) -> tuple[int, ...]:
    """The numbers of the possible CPUs, ascending, given like that or as how many there are."""
    numbers = tuple(range(min(cpus, MOST_CPUS + 1))) if isinstance(cpus, int) else cpus
    if not isinstance(numbers, tuple) or not all(isinstance(cpu, int) for cpu in numbers):
        raise TypeError(f"cpus is the number of possible CPUs, or a list of them, not {cpus!r}")
    found = tuple(sorted(set(numbers)))
    if not found or len(found) != len(numbers) or found[0] < 0 or found[-1] >= MOST_CPUS:
        raise ValueError(f"cpus takes different numbers from 0 to {MOST_CPUS - 1}, not {cpus!r}")
    return found


class State(KernelInterface):
    """The state of one kernel, and what every part of the model asks of it."""

    storages: Ownership
    lsm_slots: LsmSlots
    root: Cgroup

    def __init__(
        self,
        name: str | Release,
        cpus: int | tuple[int, ...] = 2,
        memlock: int | None = None,
        unprivileged_bpf_disabled: int = 2,
    ) -> None:
        self.release = release(name)
        self.has: Callable[[Change], bool] = self.release.has
        """Whether this kernel contains a change."""
        self.cpus = _possible(cpus)
        """Numbers of the possible CPUs, ascending."""
        if not (memlock is None or isinstance(memlock, int)):
            raise TypeError(f"memlock is a number of bytes, or None for unlimited, not {memlock!r}")
        if memlock is not None and memlock < 0:
            raise ValueError(f"memlock is 0 bytes or more, or None for unlimited, not {memlock}")
        self.memlock = memlock
        """RLIMIT_MEMLOCK in bytes; None: unlimited."""
        self.locked_pages = 0
        """Pages charged to RLIMIT_MEMLOCK, 4096 bytes each."""
        if unprivileged_bpf_disabled not in (0, 1, 2):
            raise ValueError(
                f"unprivileged_bpf_disabled must be 0, 1 or 2, not {unprivileged_bpf_disabled}"
            )
        self.unprivileged_bpf_disabled = unprivileged_bpf_disabled
        """The sysctl kernel.unprivileged_bpf_disabled: 0, 1 or 2."""
        self.capabilities = CAPABILITIES
        """The caller's capabilities."""
        self.failing: set[str] = set()
        """The allocations that fail at their next turn; see fail_next()."""
        self.objects: dict[str, dict[int, Object]] = {"map": {}, "prog": {}, "link": {}}
        self.pins: dict[str, Object] = {}
        self.last_ids = {"map": 0, "prog": 0, "link": 0}
        self.cgroups: dict[int, Cgroup] = {}

    # -- the caller ---------------------------------------------------------------------------

    @contextmanager
    def user(self, *capabilities: str) -> Iterator[None]:
        unknown = set(capabilities) - CAPABILITIES
        if unknown:
            raise ValueError(f"unknown {sorted(unknown)}: known are {sorted(CAPABILITIES)}")
        saved, self.capabilities = self.capabilities, frozenset(capabilities)
        try:
            yield
        finally:
            self.capabilities = saved

    def _bpf_capable(self) -> bool:
        """``bpf_capable()``: CAP_BPF or CAP_SYS_ADMIN; before 5.8 only the latter counts."""
        if self.has(changes.CAP_BPF) and "CAP_BPF" in self.capabilities:
            return True
        return "CAP_SYS_ADMIN" in self.capabilities

    def _net_admin(self) -> bool:
        """CAP_NET_ADMIN; from 6.9 CAP_SYS_ADMIN stands in for it."""
        if self.has(changes.SYS_ADMIN_IS_NET_ADMIN) and "CAP_SYS_ADMIN" in self.capabilities:
            return True
        return "CAP_NET_ADMIN" in self.capabilities

    def _perfmon(self) -> bool:
        """CAP_PERFMON, or CAP_SYS_ADMIN in its place."""
        return not self.capabilities.isdisjoint({"CAP_PERFMON", "CAP_SYS_ADMIN"})

    def _check_command(self) -> None:
        """EPERM where the sysctl shuts unprivileged callers out of every command (before 5.19)."""
        if self.capabilities is not CAPABILITIES and not self.has(changes.UNPRIVILEGED_COMMANDS):
            self._check_unprivileged()

    def _check_unprivileged(self) -> None:
        """EPERM where the sysctl shuts unprivileged callers out of making maps and programs."""
        if self.unprivileged_bpf_disabled and not self._bpf_capable():
            raise errors.NotPermitted("CAP_BPF")

    # -- memory -------------------------------------------------------------------------------

    def _charge(self, pages: int) -> bool:
        """Count pages against RLIMIT_MEMLOCK; False, and nothing counted, if there are too many."""
        if self.has(changes.MEMCG_ACCOUNTING):
            return True
        if self.memlock is not None and (self.locked_pages + pages) * 4096 > self.memlock:
            return False
        self.locked_pages += pages
        return True

    def _uncharge(self, pages: int) -> None:
        """Give pages back."""
        if not self.has(changes.MEMCG_ACCOUNTING):
            self.locked_pages -= pages

    def fail_next(self, allocation: str) -> None:
        if allocation not in ALLOCATIONS:
            raise ValueError(f"unknown {allocation!r}: known are {sorted(ALLOCATIONS)}")
        self.failing.add(allocation)

    def _fails(self, allocation: str) -> bool:
        """Whether this allocation fails now."""
        if self.failing and allocation in self.failing:
            self.failing.discard(allocation)
            return True
        return False

    # -- objects ------------------------------------------------------------------------------

    def _new_id(self, kind: str) -> int:
        """The next id of this kind: ids are not reused."""
        self.last_ids[kind] += 1
        return self.last_ids[kind]
