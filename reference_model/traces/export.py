# SPDX-License-Identifier: GPL-2.0-only
"""Stories as traces: what a story asks a kernel, in the format that any executor can run.

A Scribe has the interface of Kernel and no kernel: it writes each call down as an operation of the
format, has that answered, and hands the answer back in the shape that Kernel gives.  So whoever
answers operations can run stories: the model, a guest, or a record of what some kernel said.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from typing import Any, NoReturn

from .. import cgroups, links, maps, programs
from ..attachments import ProgQuery
from ..catalogue import RELEASES, Observations, Recipe, Story, observed, stories
from ..errors import ERRNO_NAMES, BpfError, Denied, UndefinedBehaviour
from ..execution import ACTIONS
from ..kernel import Kernel
from ..map_create import MAP_NAME
from ..maps import BOGUS_KEY, UNINITIALISED
from ..state import Descriptor
from ..steps import Step
from ..storages import PERCPU, SHARED
from ..uapi import (
    BPF_CGROUP_INET_SOCK_CREATE,
    BPF_F_ALL_CPUS,
    BPF_F_CPU,
    BPF_F_REPLACE,
    BPF_MAP_TYPE_CGRP_STORAGE,
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    BPF_MAP_TYPE_PROG_ARRAY,
    AttachFlag,
    AttachType,
    MapType,
    ProgType,
)
from ..values import ENUM, S32, S64, SPIN_LOCK, U32, U64, CgroupStorageKey, Int, Struct, Type, Value
from .replayer import (
    ATTACH_TYPES,
    GARBAGE,
    MAP_TYPES,
    PROG_TYPES,
    STEPS,
    Answer,
    Op,
    Replayer,
    Trace,
)

Run = Callable[[Any, Any], None]
"""What a story's ``run`` and a recipe's ``old`` are."""

_ATTACH_NAMES = {attach_type: name for name, attach_type in ATTACH_TYPES.items()}
_MAP_NAMES = {map_type: name for name, map_type in MAP_TYPES.items()}
_PROG_NAMES = {prog_type: name for name, prog_type in PROG_TYPES.items()}
_STEP_NAMES = {made: (name, kinds) for name, (made, kinds) in STEPS.items()}
_SCALARS = {U32: "u32", S32: "s32", U64: "u64", S64: "s64", ENUM: "enum"}
_NUMBERS = {name: number for number, name in ERRNO_NAMES.items()}
_ONE_VALUE = int(BPF_F_CPU | BPF_F_ALL_CPUS)
_GENERATION = 1 << 32


class NotExportable(Exception):
    """A story asks for something that the format has no operation for; the text says what."""


class OtherPath(Exception):
    """The story asks something else than the trace holds: the kernel answered as no model did."""


class Refused(BpfError):
    """A refusal of which only the errno's name is known."""

    def __init__(self, name: str) -> None:
        OSError.__init__(self, _NUMBERS.get(name, 0), f"{name}: as recorded")

    @property
    def name(self) -> str:
        """The errno's name: ``"EBUSY"``."""
        return ERRNO_NAMES[self.errno or 0]


# -- what a story gets in its hands ----------------------------------------------------------------


class _Inode(int):
    """An inode number that knows it is one: before 5.5 it is not the cgroup's id."""


class _Cgroup(cgroups.Cgroup):
    """A cgroup that asks for its numbers when somebody wants to see them."""

    def __init__(self, name: str, number: int, ask: Callable[[_Cgroup], Answer]) -> None:
        self.name = name
        self.open = self.online = True
        self.number = number
        self._ask = ask

    @property
    def id(self) -> int:  # type: ignore[override]
        """Not the kernel's own number, but made up: with a generation if there is one."""
        answer = self._ask(self)
        return self.number | (_GENERATION if answer["generation"] else 0)

    @property
    def st_ino(self) -> _Inode:  # type: ignore[override]
        """The lower half of the id, if the kernel says so."""
        return _Inode(self.number if self._ask(self)["inode"] else ~self.number & 0xFFFFFFFF)


class _Map(maps.Map):
    """Notes on a map."""

    __slots__ = ("storage_kind", "wide_key")

    def __init__(self, number: int, map_type: MapType, key: Type, value: Type) -> None:
        super().__init__(number, "", map_type, key, value, 0)
        percpu = map_type is BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE
        self.storage_kind = PERCPU if percpu else SHARED if key.size in (8, 16) else None
        self.wide_key = key.size == 16


class Scribe:
    """A kernel's interface that writes down what it is asked.

    ``answer`` answers an operation of the format, or raises UndefinedBehaviour.
    """

    cpus: tuple[int, ...] = (0, 1)

    def __init__(self, answer: Callable[[Op], Answer]) -> None:
        self._answer = answer
        self.ops: list[Op] = []
        """The operations so far."""
        self._names: dict[object, str] = {}
        self._things: dict[str, Any] = {}
        self._counts = dict.fromkeys("cmpls", 0)
        self._ids: dict[str, Answer] = {}

    def __getattr__(self, name: str) -> NoReturn:
        raise NotExportable(f"the format has no operation for Kernel.{name}")

    # -- operations and names -----------------------------------------------------------------

    def _ask(self, kind: str, **given: Any) -> Answer:
        """Write an operation down and have it answered; a refusal is raised."""
        op = {"op": kind, **given}
        self.ops.append(op)
        answer = self._answer(op)
        if isinstance(answer, str) and answer not in ("ok", "denied"):
            if answer not in _NUMBERS:
                raise OtherPath(f"the answer of {json.dumps(op)} is {answer!r}")
            raise Refused(answer)
        return answer

    def _new(self, letter: str) -> str:
        self._counts[letter] += 1
        return f"{letter}{self._counts[letter]}"

    def _keep(self, name: str, thing: Any) -> Any:
        self._names[thing] = name
        self._things[name] = thing
        return thing

    def _name(self, thing: object) -> str:
        """The name of a living thing; NotExportable for one that is closed or foreign."""
        if thing not in self._names:
            raise NotExportable(f"{thing!r} has no name in the format: it is closed, or no such")
        return self._names[thing]

    def _name_or_none(self, thing: object | None) -> str | None:
        return None if thing is None else self._name(thing)

    @contextmanager
    def user(self, *capabilities: str) -> Iterator[None]:
        """As Kernel.user()."""
        self._ask("user", capabilities=sorted(capabilities))
        try:
            yield
        except UndefinedBehaviour:
            raise
        except BaseException:
            self._ask("user", capabilities=None)
            raise
        self._ask("user", capabilities=None)

    # -- cgroups, sockets, events -------------------------------------------------------------

    def mkdir(self, name: str = "", parent: cgroups.Cgroup | None = None) -> cgroups.Cgroup:
        """As Kernel.mkdir()."""
        label = self._new("c")
        self._ask("mkdir", cgroup=label, parent=self._name_or_none(parent))
        made = _Cgroup(name or label, 1 + self._counts["c"], self._cgroup_ids)
        self._keep(label, made)
        return made

    def _cgroup_ids(self, cgroup: _Cgroup) -> Answer:
        name = self._name(cgroup)
        if name not in self._ids:
            self._ids[name] = self._ask("cgroup_ids", cgroup=name)
        return self._ids[name]

    def rmdir(self, cgroup: cgroups.Cgroup) -> None:
        """As Kernel.rmdir()."""
        self._ask("rmdir", cgroup=self._name(cgroup))
        cgroup.online = False

    def fire(
        self, where: cgroups.Cgroup | cgroups.Socket, hook: AttachType | str, *, cpu: int = 0
    ) -> None:
        """As Kernel.fire()."""
        hooks = ACTIONS.get(hook) or (_known(_ATTACH_NAMES, hook) and (hook,))
        names = [_known(_ATTACH_NAMES, passed) for passed in hooks]
        if isinstance(where, cgroups.Socket):
            names = [name for name in names if name != "sock_create"]
            answer = self._ask("sock_send", sock=self._name(where), hooks=names)
        else:
            answer = self._ask("fire", cgroup=self._name(where), hooks=names, cpu=cpu)
        if answer == "denied":
            raise Denied(hook)

    def socket(self, cgroup: cgroups.Cgroup, *, cpu: int = 0) -> cgroups.Socket:
        """As Kernel.socket(), on CPU 0."""
        _absent(cpu=cpu)
        label = self._new("s")
        hooks = [_ATTACH_NAMES[BPF_CGROUP_INET_SOCK_CREATE]]
        if self._ask("sock_open", sock=label, cgroup=self._name(cgroup), hooks=hooks) == "denied":
            raise Denied(BPF_CGROUP_INET_SOCK_CREATE)
        made: cgroups.Socket = self._keep(label, cgroups.Socket(cgroup))
        return made

    def close_socket(self, socket: cgroups.Socket) -> None:
        """As Kernel.close_socket()."""
        self._ask("sock_close", sock=self._name(socket))
        del self._names[socket]

    # -- maps ---------------------------------------------------------------------------------

    def map_create(
        self,
        map_type: MapType,
        key: Type,
        value: Type,
        *,
        max_entries: int = 0,
        map_flags: int = 0,
        map_name: str = "",
        btf: bool = False,
        btf_key: Type | None = None,
        btf_value: Type | None = None,
        numa_node: int = 0,
        inner_map: maps.MapFd | None = None,
    ) -> maps.MapFd:
        """As Kernel.map_create(), without NUMA nodes, maps of maps, and names that pass."""
        _absent(numa_node=numa_node, inner_map=inner_map)
        label = self._new("m")
        if map_type is BPF_MAP_TYPE_PROG_ARRAY:
            _absent(map_flags=map_flags, btf=btf)
            slots = {} if max_entries == 1 else {"slots": max_entries}
            self._ask("prog_array_create", map=label, **slots)
        else:
            if btf:
                btf_key, btf_value = btf_key or key, btf_value or value
            described = {}
            if btf_key is not None or btf_value is not None:
                described = {"btf_key": _shape(btf_key), "btf_value": _shape(btf_value)}
            named = {} if MAP_NAME.fullmatch(map_name) else {"name": map_name}
            self._ask(
                "map_create",
                map=label,
                **named,
                type=_known(_MAP_NAMES, map_type),
                key_size=key.size,
                value_size=value.size,
                max_entries=max_entries,
                map_flags=int(map_flags),
                **described,
            )
        made: maps.MapFd = self._keep(
            label, maps.MapFd(_Map(self._counts["m"], map_type, key, value))
        )
        return made

    def map_lookup_elem(self, map: maps.MapFd, key: Any, flags: int = 0) -> Value:
        """As Kernel.map_lookup_elem()."""
        found = _notes(map)
        if found.type is BPF_MAP_TYPE_CGRP_STORAGE:
            answer = self._ask(
                "cgrp_lookup", map=self._name(map), cgroup=self._name(key), flags=int(flags)
            )
            return _number(found.value, answer[0])
        where = {"map": self._name(map), **self._key(found, key)}
        given = {"flags": int(flags)} if flags else {}
        word = isinstance(found.value, Int) and found.value.size in (4, 8)
        if word:
            values = [_number(found.value, n) for n in self._ask("map_lookup", **where, **given)]
        else:
            answer = self._ask("map_lookup", **where, **given, whole=True)
            values = [found.value.decode(bytes.fromhex(data)) for data in answer]
        return values if found.storage_kind == PERCPU and not flags & BPF_F_CPU else values[0]

    def map_update_elem(self, map: maps.MapFd, key: Any, value: Value, flags: int = 0) -> None:
        """As Kernel.map_update_elem()."""
        found = _notes(map)
        if found.type is BPF_MAP_TYPE_PROG_ARRAY:
            _absent(flags=flags)
            slot = {"slot": key} if key else {}
            self._ask("prog_array_update", map=self._name(map), prog=self._name(value), **slot)
            return
        if found.type is BPF_MAP_TYPE_CGRP_STORAGE:
            where = {"map": self._name(map), "cgroup": self._name(key)}
            self._ask("cgrp_update", **where, value=_word(value), flags=int(flags))
            return
        where = {"map": self._name(map), **self._key(found, key)}
        percpu = found.storage_kind == PERCPU and not flags & _ONE_VALUE
        self._ask("map_update", **where, **_content(found.value, value, percpu), flags=int(flags))

    def map_delete_elem(self, map: maps.MapFd, key: Any) -> None:
        """As Kernel.map_delete_elem()."""
        found = _notes(map)
        if found.type is BPF_MAP_TYPE_CGRP_STORAGE:
            self._ask("cgrp_delete", map=self._name(map), cgroup=self._name(key))
        else:
            self._ask("map_delete", map=self._name(map), **self._key(found, key))

    def map_get_next_key(self, map: maps.MapFd, key: Any = None) -> Any:
        """As Kernel.map_get_next_key()."""
        found = _notes(map)
        if found.type is BPF_MAP_TYPE_CGRP_STORAGE:
            return self._ask("cgrp_next", map=self._name(map), cgroup=self._name_or_none(key))
        where: Op = {"key": None} if key is None else self._key(found, key)
        answer = self._ask("map_next_key", map=self._name(map), **where)
        if answer == GARBAGE:
            return BOGUS_KEY
        number = self._things[answer[0]].id
        if not found.wide_key:
            return number
        kind = UNINITIALISED if answer[1] is None else ATTACH_TYPES[answer[1]]
        return CgroupStorageKey(number, kind)

    def map_freeze(self, map: maps.MapFd) -> None:
        """As Kernel.map_freeze()."""
        self._ask("map_freeze", map=self._name(map))

    def map_lookup_and_delete_elem(self, map: maps.MapFd, key: Any, flags: int = 0) -> None:
        """As Kernel.map_lookup_and_delete_elem(), without flags."""
        _absent(flags=flags)
        where = self._key(_notes(map), key)
        self._ask("map_command", command="lookup_and_delete", map=self._name(map), **where)

    def map_lookup_batch(self, map: maps.MapFd) -> None:
        """As Kernel.map_lookup_batch()."""
        self._batch("lookup_batch", map)

    def map_lookup_and_delete_batch(self, map: maps.MapFd) -> None:
        """As Kernel.map_lookup_and_delete_batch()."""
        self._batch("lookup_and_delete_batch", map)

    def map_update_batch(self, map: maps.MapFd) -> None:
        """As Kernel.map_update_batch()."""
        self._batch("update_batch", map)

    def map_delete_batch(self, map: maps.MapFd) -> None:
        """As Kernel.map_delete_batch()."""
        self._batch("delete_batch", map)

    def _batch(self, command: str, map: maps.MapFd) -> None:
        """The format wants a key, and these commands are refused before they look at any."""
        self._ask("map_command", command=command, map=self._name(map), key=GARBAGE)

    def _key(self, found: _Map, key: Any) -> Op:
        """The field ``key`` and, for an inode number, ``by``."""
        if key is BOGUS_KEY:
            return {"key": GARBAGE}
        cgroup, kind = key if found.wide_key else (key, ATTACH_TYPES["ingress"])
        if kind is UNINITIALISED:
            kind = ATTACH_TYPES["ingress"]
        by = {"by": "st_ino"} if isinstance(cgroup, _Inode) else {}
        if isinstance(cgroup, cgroups.Cgroup):
            name = self._names[cgroup]
        else:
            low = cgroup & 0xFFFFFFFF
            known = {thing.number: name for name, thing in self._things.items() if name[0] == "c"}
            if low not in known:
                raise NotExportable(f"no cgroup has the id {cgroup:#x}")
            name = known[low]
        return {"key": [name, _known(_ATTACH_NAMES, AttachType(kind))], **by}

    # -- programs -----------------------------------------------------------------------------

    def prog_load(
        self,
        prog_type: ProgType,
        body: Step | Iterable[Step] = (),
        *,
        expected_attach_type: int = 0,
        helper_flags: int = 0,
        prog_name: str = "",
        lsm_hook: str = "",
    ) -> programs.ProgFd:
        """As Kernel.prog_load(), without the name and LSM hooks."""
        _absent(lsm_hook=lsm_hook)
        steps = (body,) if isinstance(body, Step) else tuple(body)
        expected = _ATTACH_NAMES[AttachType(expected_attach_type)] if expected_attach_type else None
        label = self._new("p")
        self._ask(
            "prog_load",
            prog=label,
            type=_known(_PROG_NAMES, prog_type),
            expected_attach_type=expected,
            **self._body(steps),
            helper_flags=helper_flags,
        )
        notes = programs.Program("", prog_type, expected_attach_type, (), "")
        notes.id = self._counts["p"]
        made: programs.ProgFd = self._keep(label, programs.ProgFd(notes))
        return made

    def _body(self, steps: tuple[Step, ...]) -> Op:
        """``body`` and ``maps``, if these can say it; else ``steps``."""
        given = [self._step(step) for step in steps]
        jump = {}
        if given and given[-1][0] == "tail_call" and given[-1][2] == 0:
            jump = {"tail_call": given[-1][1]}
        simple = given[:-1] if jump else given
        bodies = [[step[0], step[2]] for step in simple if len(step) == 3]
        alike = len(bodies) == len(simple) and all(body == bodies[0] for body in bodies)
        if alike and (not bodies or bodies[0][0] in ("add", "mix")):
            body = bodies[0] if bodies else ["add", 1]
            return {"body": body, "maps": [step[1] for step in simple], **jump}
        return {"steps": given}

    def _step(self, step: Step) -> list[Any]:
        name, kinds = _known(_STEP_NAMES, type(step))
        given: list[Any] = [name]
        values = [getattr(step, field.name) for field in fields(step)]
        if type(step).__name__ in ("Mention", "Call"):  # the map comes first, by inheritance
            values = values[: len(kinds)]
        places = iter([value for value, kind in zip(values, kinds, strict=True) if kind == "m"])
        for value, kind in zip(values, kinds, strict=True):
            if kind == "m":
                given.append(self._name(value))
            elif kind == "f":
                found = next(places)
                given.append(None if value is None else [*_notes(found).value.field(value)])
            else:
                given.append(value)
        while given[-1] is None:
            given.pop()
        return given

    def prog_attach(
        self,
        cgroup: cgroups.Cgroup,
        prog: programs.ProgFd,
        attach_type: AttachType,
        flags: int = 0,
        *,
        replace: programs.ProgFd | None = None,
        relative: Descriptor | int | None = None,
        expected_revision: int = 0,
    ) -> None:
        """As Kernel.prog_attach(), without positions and revisions."""
        _absent(relative=relative, expected_revision=expected_revision)
        self._ask(
            "prog_attach",
            **self._hook(cgroup, prog, attach_type),
            flags=int(flags),
            replace=self._name_or_none(replace),
        )

    def prog_detach(
        self,
        cgroup: cgroups.Cgroup,
        prog: programs.ProgFd | None,
        attach_type: AttachType,
        *,
        expected_revision: int = 0,
    ) -> None:
        """As Kernel.prog_detach(), without revisions."""
        _absent(expected_revision=expected_revision)
        self._ask("prog_detach", **self._hook(cgroup, prog, attach_type))

    def _hook(self, cgroup: object, prog: object | None, attach_type: AttachType) -> Op:
        kind = _known(_ATTACH_NAMES, attach_type)
        return {
            "cgroup": self._name(cgroup),
            "prog": self._name_or_none(prog),
            "attach_type": kind,
        }

    def prog_query(
        self, cgroup: cgroups.Cgroup, attach_type: AttachType, query_flags: int = 0
    ) -> ProgQuery:
        """As Kernel.prog_query(); the revision is always 0, a closed program's id too."""
        kind = _known(_ATTACH_NAMES, attach_type)
        answer = self._ask(
            "prog_query", cgroup=self._name(cgroup), attach_type=kind, effective=bool(query_flags)
        )
        ids = [0 if name is None else self._things[name].id for name in answer["progs"]]
        return ProgQuery(AttachFlag(answer["flags"]), tuple(ids), 0)

    def prog_test_run(self, prog: programs.ProgFd, repeat: int = 1) -> int:
        """As Kernel.prog_test_run()."""
        answer = self._ask("prog_test_run", prog=self._name(prog), repeat=repeat)
        number: int = answer["retval"]
        return number

    # -- links and descriptors ----------------------------------------------------------------

    def link_create(
        self,
        cgroup: cgroups.Cgroup,
        prog: programs.ProgFd,
        attach_type: AttachType,
        flags: int = 0,
        *,
        relative: Descriptor | int | None = None,
        expected_revision: int = 0,
    ) -> links.LinkFd:
        """As Kernel.link_create(), without flags, positions and revisions."""
        _absent(flags=int(flags), relative=relative, expected_revision=expected_revision)
        label = self._new("l")
        self._ask("link_create", link=label, **self._hook(cgroup, prog, attach_type))
        notes = links.Link(self._counts["l"], prog.object, attach_type)
        made: links.LinkFd = self._keep(label, links.LinkFd(notes))
        return made

    def link_update(
        self,
        link: links.LinkFd,
        new_prog: programs.ProgFd,
        *,
        flags: int = 0,
        old_prog: programs.ProgFd | None = None,
    ) -> None:
        """As Kernel.link_update(), where the flag says whether there is an old program."""
        _absent(flags=int(flags) ^ (int(BPF_F_REPLACE) if old_prog is not None else 0))
        old = self._name_or_none(old_prog)
        self._ask("link_update", link=self._name(link), new_prog=self._name(new_prog), old_prog=old)

    def link_detach(self, link: links.LinkFd) -> None:
        """As Kernel.link_detach()."""
        self._ask("link_detach", link=self._name(link))

    def close(self, descriptor: Descriptor | cgroups.Cgroup) -> None:
        """As Kernel.close(); a cgroup's descriptor is closed with rmdir()."""
        self._ask("close", **self._any(descriptor))
        del self._names[descriptor]
        descriptor.open = False

    def obj_pin(self, path: str, descriptor: Descriptor) -> None:
        """As Kernel.obj_pin()."""
        self._ask("obj_pin", **self._any(descriptor), path=path)
        self._things[path] = descriptor

    def obj_get(self, path: str, file_flags: int = 0) -> Descriptor:
        """As Kernel.obj_get(), of what was pinned by obj_pin()."""
        pinned = self._things.get(path)
        if pinned is None:
            raise NotExportable(f"nothing was pinned at {path}: what would the name be of?")
        letter = "m" if isinstance(pinned, maps.MapFd) else "p"
        letter = "l" if isinstance(pinned, links.LinkFd) else letter
        label = self._new(letter)
        given = {"flags": int(file_flags)} if file_flags else {}
        self._ask("obj_get", **{_LETTERS[letter]: label}, path=path, **given)
        got: Descriptor = self._keep(label, type(pinned)(pinned.object))
        return got

    def unlink(self, path: str) -> None:
        """As Kernel.unlink()."""
        self._ask("unlink", path=path)

    def _any(self, descriptor: object) -> Op:
        name = self._name(descriptor)
        return {_known(_LETTERS, name[0]): name}


_LETTERS = {"m": "map", "p": "prog", "l": "link"}


def _known(names: dict[Any, Any], thing: Any) -> Any:
    if thing not in names:
        raise NotExportable(f"the format has no name for {thing!r}")
    return names[thing]


def _absent(**given: object) -> None:
    for name, value in given.items():
        if value:
            raise NotExportable(f"the format has no field for {name}={value!r}")


def _notes(map: maps.MapFd) -> _Map:
    found = map.object
    assert isinstance(found, _Map), f"{map!r} is of another kernel"
    return found


def _shape(described: Type | None) -> str | None:
    """The C-like shape of a type; see trace.shape()."""
    if described is None:
        return None
    if isinstance(described, Struct):
        members = [
            "bpf_spin_lock" if member is SPIN_LOCK else _known(_SCALARS, member)
            for member in described.members.values()
        ]
        return f"struct {{{'; '.join(members)}}}"
    name: str = _known(_SCALARS, described)
    return name


def _number(kind: Type, word: int) -> Value:
    """A first word as a value of the map's type."""
    return kind.decode(word.to_bytes(8, "little")[: kind.size])


def _word(value: Value) -> int:
    if not isinstance(value, int):
        raise NotExportable(f"the format writes words into such a map, not {value!r}")
    return value


def _content(kind: Type, value: Value, percpu: bool) -> Op:
    """``value`` for a word, and in a per-CPU map for n, n + 1 and so on; else ``data``."""
    values = list(value) if percpu else [value]
    first = values[0]
    word = isinstance(first, int) and isinstance(kind, Int) and kind.size in (4, 8)
    if word and values == [first + place for place in range(len(values))]:
        return {"value": first}
    data = {kind.encode(each).hex() for each in values}
    if len(data) != 1:
        raise NotExportable(f"the format has no update with {value!r}")
    return {"data": data.pop()}


# -- stories to traces, and back -------------------------------------------------------------------


@dataclass(frozen=True)
class Program:
    """What a story runs, or what a recipe's old program does: the source of one or more traces."""

    name: str
    """The story's name, with ``".old"`` behind it for a recipe's old program."""
    run: Run
    releases: tuple[str, ...]
    setup: dict[str, int]


def story_programs(names: Iterable[str] | None = None) -> Iterator[Program]:
    """The programs of these stories, or of all; KeyError names an unknown one."""
    found: dict[str, Story] = stories()
    for name in found if names is None else names:
        story = found[name]
        yield Program(name, story.run, RELEASES, story.kernel)
        if isinstance(story, Recipe) and story.old is not None:
            used = tuple(dict.fromkeys((story.old_release, story.fails_on)))
            yield Program(f"{name}.old", story.old, used, story.kernel)


def exported(program: Program) -> list[Trace]:
    """The traces of a program, operations only: one for each path that it takes on the releases.

    A path that is the beginning of another one is not told twice.  A single trace has the program's
    name, several have the first release of each path behind it: ``"replace_a_program@5.9"``.
    """
    paths: dict[str, list[Op]] = {}
    for release in program.releases:
        scribe = Scribe(Replayer(Kernel(release, **program.setup)).answer)
        observed(program.run, scribe)
        if not any(_begins(ops, scribe.ops) for ops in paths.values()):
            paths = {first: ops for first, ops in paths.items() if not _begins(scribe.ops, ops)}
            paths[release] = scribe.ops
    many = len(paths) > 1
    return [
        Trace(f"{program.name}@{first}" if many else program.name, ops, {}, {}, program.setup)
        for first, ops in paths.items()
    ]


def _begins(whole: list[Op], part: list[Op]) -> bool:
    return whole[: len(part)] == part


def line(trace: Trace) -> str:
    """A trace as a line of a file, without the newline: what trace.parse() reads."""
    alike: dict[str, list[str]] = {}
    for kernel, answers in trace.answers.items():
        alike.setdefault(json.dumps(answers), []).append(kernel)
    data: dict[str, Any] = {"id": trace.id, "ops": trace.ops}
    if trace.setup:
        data["setup"] = trace.setup
    data["answers"] = [[kernels, json.loads(given)] for given, kernels in alike.items()]
    data["undefined"] = trace.undefined
    return json.dumps(data)


def observed_in(program: Program, traces: Iterable[Trace], kernel: str) -> Observations | None:
    """What a program observes by the answers of a recorded kernel.

    ``traces`` are those of the program; None if none of them fits: the kernel has no answers there,
    or it answered so that the program would have gone on in another way.
    """
    for trace in traces:
        if kernel in trace.answers:
            with suppress(OtherPath):
                return observed(program.run, Scribe(_Record(trace, kernel)))
    return None


class _Record:
    """Answers operations as a kernel did."""

    def __init__(self, trace: Trace, kernel: str) -> None:
        self._left = iter(zip(trace.ops, trace.answers[kernel], strict=True))

    def __call__(self, op: Op) -> Answer:
        recorded, answer = next(self._left, (None, None))
        if op != recorded:
            raise OtherPath(f"the program asks {json.dumps(op)}, the trace {json.dumps(recorded)}")
        return answer
