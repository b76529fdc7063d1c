# SPDX-License-Identifier: GPL-2.0-only
"""On which releases an object loads: its maps and programs are given to the model of each release.

Modelled: the order of ``bpf_object__load()`` of libbpf: all maps, then all programs, then the
static slots of program arrays; a map that is refused with BTF is tried again without.  Left out:
all maps and programs that have nothing to do with cgroup storages, and what the verifier finds in
the rest of a program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

from .. import changes, errors, values
from ..errors import BpfError
from ..kernel import Kernel, TrustingKernel
from ..lsm import HOOKS
from ..maps import MapFd
from ..programs import ProgFd
from ..releases import Change, Release
from ..steps import Access as ModelAccess
from ..steps import Call, Location, Mention, Return, Run, Step, TailCall
from ..uapi import BPF_PROG_TYPE_SOCKET_FILTER, MapType
from .flow import Access, Behaviour
from .objects import PROG_ARRAY, STORAGES, Map, Object, Program
from .value_types import ValueType

MODELLED = frozenset(MapType) - {12, 13}
"""The map types that the model is asked for."""
_MOST_SLOTS = 1 << 16
_ANY = 0x7FFFFFFF
"""A return value that stands for all: kernels accept it only where they accept every one."""
_NAMES = {1: "bpf_map_lookup_elem", 2: "bpf_map_update_elem", 3: "bpf_map_delete_elem"}


class Refusal(NamedTuple):
    """The first step of loading that a kernel rejects."""

    step: str
    """``map`` or ``program``, with its name."""
    command: str
    """``map_create``, ``prog_load`` or ``map_update_elem``, as in the model."""
    error: type[BpfError] | None
    """None: what this release answers is not known."""
    text: str
    """The errno and the reason."""
    map_type: int = 0
    """Of a map."""


class Span(NamedTuple):
    """Releases that answer alike, one after the other."""

    first: Release
    last: Release
    refusal: Refusal | None
    """None: the object loads."""


@dataclass(frozen=True, eq=False, repr=False)
class _Use(Step):
    """An access to a value; a width of 0 is the call of bpf_get_local_storage() alone."""

    access: ModelAccess

    def accesses(self) -> tuple[ModelAccess, ...]:
        return (self.access,)

    def compile(self, *locations: Location) -> Run:
        return lambda storages, rank: None


def spans(
    of: Object, programs: dict[Program, Behaviour], releases: Iterable[Release]
) -> list[Span]:
    """What each release answers to the object, with the releases that answer alike together."""
    answers: list[tuple[Release, Refusal | None]] = []
    hooks = any(program.meaning.hook for program in programs)
    asked: set[Change] = set()
    for release in releases:
        before, refusal = answers[-1] if answers else (release, None)
        differ = any(release.has(change) != before.has(change) for change in asked)
        if not answers or hooks or differ:
            refusal = _Loader(of, programs, TrustingKernel(release)).load()
            asked = release.asked
        answers.append((release, refusal))
    found = []
    for refusal, group in groupby(answers, key=lambda answer: answer[1]):
        together = [release for release, _ in group]
        found.append(Span(together[0], together[-1], refusal))
    return found


class _Loader:
    """Loads an object into a kernel of the model, as libbpf does."""

    def __init__(self, of: Object, programs: dict[Program, Behaviour], kernel: Kernel) -> None:
        self._of, self._programs, self._kernel = of, programs, kernel
        self._maps: dict[Map, MapFd] = {}
        self._loaded: dict[str, ProgFd] = {}

    def load(self) -> Refusal | None:
        """The first step that the kernel rejects."""
        for found in self._of.maps:
            if found.type in MODELLED or found.inner in self._maps:
                refusal = self._try(f"map {found.name}", "map_create", self._create, found)
                if refusal:
                    return refusal._replace(map_type=found.type)
        for program, behaviour in self._programs.items():
            if concerns_model(program, behaviour):
                name = f"program {program.name} [{program.section}]"
                refusal = self._try(name, "prog_load", self._load, program, behaviour)
                if refusal:
                    return refusal
        for found, fd in self._maps.items():
            for slot, name in found.slots:
                if name in self._loaded:
                    step = f"program {name} in slot {slot} of {found.name}"
                    insert, callee = self._kernel.map_update_elem, self._loaded[name]
                    refusal = self._try(step, "map_update_elem", insert, fd, slot, callee)
                    if refusal:
                        return refusal
        return None

    def _try(
        self, step: str, command: str, act: Callable[..., Any], *arguments: Any
    ) -> Refusal | None:
        try:
            act(*arguments)
        except BpfError as error:
            return Refusal(step, command, type(error), str(error.strerror))
        except ValueError as error:  # the model does not know this release's answer
            return Refusal(step, command, None, str(error))
        return None

    def _create(self, found: Map) -> None:
        """``bpf_object__create_map()``"""
        key: values.Type = found.key or values.Bytes(found.key_size)
        value: values.Type = found.value or ValueType(found.value_size)
        if found.type == PROG_ARRAY or found.inner:
            key, value = values.Bytes(found.key_size), values.Bytes(found.value_size)
        attributes: dict[str, Any] = {
            "max_entries": min(found.max_entries, _MOST_SLOTS)
            if found.type == PROG_ARRAY
            else found.max_entries,
            "map_flags": found.flags,
        }
        if found.inner:
            attributes["inner_map"] = self._maps[found.inner]
        elif found.key is not None or found.value is not None:
            attributes |= {"btf_key": found.key, "btf_value": found.value}
        create = self._kernel.map_create
        try:
            self._maps[found] = create(MapType(found.type), key, value, **attributes)
        except BpfError:
            if "btf_key" not in attributes:
                raise
            without = {name: attributes[name] for name in ("max_entries", "map_flags")}
            self._maps[found] = create(MapType(found.type), key, value, **without)

    def _load(self, program: Program, behaviour: Behaviour) -> None:
        """``bpf_object_load_prog()``"""
        meaning = program.meaning
        flags = next(iter(behaviour.flags), 0)
        try:
            self._loaded[program.name] = self._kernel.prog_load(
                meaning.type or BPF_PROG_TYPE_SOCKET_FILTER,
                list(self._body(behaviour)),
                expected_attach_type=meaning.expected,
                helper_flags=flags,
                lsm_hook=meaning.hook,
            )
        except errors.ReturnValue:
            if behaviour.returns is None:
                raise ValueError("the kernel checks what it returns, which is unknown") from None
            raise
        for found, _ in behaviour.wrong:
            if found.type not in STORAGES:
                raise errors.HelperMapType(f"bpf_get_local_storage() on the map {found.name}")
        for found in behaviour.locks:
            if not self._kernel.has(changes.SPIN_LOCK):
                raise errors.UnknownHelper("bpf_spin_lock")
            if found in self._maps and not self._maps[found].object.record:
                late = self._kernel.has(changes.BTF_RECORD)  # seen on 6.1 and on 6.12
                error = errors.HelperMapType if late else errors.ValueAccess
                raise error(f"bpf_spin_lock() on {found.name}, which has no BTF with a lock")

    def _body(self, behaviour: Behaviour) -> Iterator[Step]:
        """The program as steps of the model."""
        known = self._maps
        yield from (Mention(known[found]) for found in behaviour.mentions if found in known)
        for found, helper in behaviour.wrong:
            if found.type in STORAGES and found in known:
                yield Call(known[found], _NAMES.get(helper, f"helper {helper}"))
        for found in behaviour.storages:
            if found in known and found.type in STORAGES:
                yield _Use(ModelAccess(known[found], "0:0", reads=False, writes=False))
        for access in behaviour.accesses:
            if access.map in behaviour.storages and access.map in known:
                yield from _use(known[access.map], access)
        for found, slot in behaviour.tail_calls:
            if found in known and found.type == PROG_ARRAY:
                yield TailCall(known[found], slot or 0)
        if behaviour.complete:
            returns = {_ANY} if behaviour.returns is None else behaviour.returns
            yield from (Return(number & 0xFFFFFFFF) for number in sorted(returns))


def _use(fd: MapFd, access: Access) -> Iterator[Step]:
    if access.offset is not None:
        field, writes = f"{access.offset}:{access.width}", access.writes
        yield _Use(ModelAccess(fd, field, reads=not writes, writes=writes, atomic=access.atomic))


def concerns_model(program: Program, behaviour: Behaviour) -> bool:
    """Whether the model can load the program, and it has to do with these maps."""
    meaning = program.meaning
    if meaning.hook and meaning.hook not in HOOKS or not meaning.autoload:
        return False
    if any(found.type in STORAGES for found in behaviour.mentions):
        return bool(meaning.type or meaning.other)
    storage = bool(behaviour.storages)
    jumps = any(found.type == PROG_ARRAY for found, _ in behaviour.tail_calls)
    return bool(meaning.type) and (storage or jumps) or bool(meaning.other) and storage
