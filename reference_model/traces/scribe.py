# SPDX-License-Identifier: GPL-2.0-only
"""A kernel's interface that writes each call down as an operation of the format.

A Scribe has no kernel: it has each operation answered, and returns the answer as a kernel would.
So whoever answers operations can run stories: the model, a virtual machine, or a record.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, NoReturn, TypeVar, cast

from .. import cgroups, links, maps, programs
from ..attachments import ProgQuery
from ..errors import ERRNO_NAMES, BpfError, Denied, UndefinedBehaviour
from ..execution import ACTIONS
from ..interface import KernelInterface
from ..map_create import MAP_NAME
from ..maps import BOGUS_KEY, UNINITIALISED
from ..state import Descriptor
from ..steps import Step
from ..storages import BPF_CGROUP_STORAGE_PERCPU
from ..uapi import (
    BPF_CGROUP_INET_SOCK_CREATE,
    BPF_F_CPU,
    BPF_F_REPLACE,
    BPF_MAP_TYPE_CGRP_STORAGE,
    BPF_MAP_TYPE_PROG_ARRAY,
    AttachFlag,
    AttachType,
    MapType,
    ProgType,
)
from ..values import CgroupStorageKey, Int, Type, Value
from . import bodies
from .kinds import Kind, Maybe, Name, Number, Some, Word
from .names import ATTACH_NAMES, ATTACH_TYPES, GARBAGE, LETTERS
from .operations import OPERATIONS, Op
from .replayer import ONE_VALUE
from .shapes import shape_of
from .stand_ins import CgroupNotes, Inode, MapNotes, notes
from .trace import Answer

_ERRNOS = {name: number for number, name in ERRNO_NAMES.items()}
_OBJECTS = {letter: kind for kind, letter in LETTERS.items()}

C = TypeVar("C", bound=Callable[..., Any])


class NotExportable(Exception):
    """A story asks for something that the format has no operation for; the text says what."""


class OtherPath(Exception):
    """The story asks something else than the trace holds: the kernel answered as no model did."""


class Refused(BpfError):
    """A refusal of which only the errno's name is known."""

    def __init__(self, name: str) -> None:
        OSError.__init__(self, _ERRNOS.get(name, 0), f"{name}: as recorded")

    @property
    def name(self) -> str:
        """The errno's name: ``"EBUSY"``."""
        return ERRNO_NAMES[self.errno or 0]


def _no_operation(call: C) -> C:
    """Return a method for a call of the interface that the format cannot say."""

    @wraps(call)
    def method(self: Scribe, *given: Any, **further: Any) -> NoReturn:
        raise NotExportable(f"the format has no operation for Kernel.{call.__name__}")

    return cast(C, method)


class Scribe(KernelInterface):
    """A kernel's interface that writes down each call.

    ``answer`` answers an operation of the format, or raises UndefinedBehaviour.
    """

    def __init__(self, answer: Callable[[Op], Answer]) -> None:
        self.cpus = (0, 1)
        self._answer = answer
        self.ops: list[Op] = []
        """The operations so far."""
        self._names: dict[object, str] = {}
        self._things: dict[str, Any] = {}
        self._counts = dict.fromkeys(LETTERS.values(), 0)
        self._ids: dict[str, Answer] = {}

    run_hooks = _no_operation(KernelInterface.run_hooks)
    cgrp_storage_get = _no_operation(KernelInterface.cgrp_storage_get)
    cgrp_storage_delete = _no_operation(KernelInterface.cgrp_storage_delete)
    prog_bind_map = _no_operation(KernelInterface.prog_bind_map)
    link_info = _no_operation(KernelInterface.link_info)
    dup = _no_operation(KernelInterface.dup)
    fail_next = _no_operation(KernelInterface.fail_next)
    check_invariants = _no_operation(KernelInterface.check_invariants)

    # -- operations and names -----------------------------------------------------------------

    def _ask(self, kind: str, **given: Any) -> Answer:
        """Write an operation down, with fields as the table says, and have it answered.

        Raises a refusal.
        """
        fields = OPERATIONS[kind].fields
        op = {"op": kind}
        op |= {name: self._written(fields[name], value) for name, value in given.items()}
        self.ops.append(op)
        answer = self._answer(op)
        if isinstance(answer, str) and answer not in ("ok", "denied"):
            if answer not in _ERRNOS:
                raise OtherPath(f"the answer of {json.dumps(op)} is {answer!r}")
            raise Refused(answer)
        return answer

    def _written(self, kind: Kind, given: Any) -> Any:
        """Return an argument of a call as a field of the format."""
        if isinstance(kind, Maybe):
            return None if given is None else self._written(kind.kind, given)
        if isinstance(kind, Some):
            return [self._written(kind.kind, each) for each in given]
        if isinstance(kind, Name) and not isinstance(given, str):
            return self._name(given)
        if isinstance(kind, Word):
            return _known(kind.word, given)
        return int(given) if isinstance(kind, Number) else given

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
        self._ask("mkdir", cgroup=label, parent=parent)
        made = CgroupNotes(name or label, 1 + self._counts["c"], self._cgroup_ids)
        self._keep(label, made)
        return made

    def _cgroup_ids(self, cgroup: CgroupNotes) -> Answer:
        name = self._name(cgroup)
        if name not in self._ids:
            self._ids[name] = self._ask("cgroup_ids", cgroup=name)
        return self._ids[name]

    def rmdir(self, cgroup: cgroups.Cgroup) -> None:
        """As Kernel.rmdir()."""
        self._ask("rmdir", cgroup=cgroup)
        cgroup.online = False

    def fire(
        self, where: cgroups.Cgroup | cgroups.Socket, hook: AttachType | str, *, cpu: int = 0
    ) -> None:
        """As Kernel.fire()."""
        hooks: Iterable[AttachType | str] = ACTIONS.get(cast(AttachType, hook), (hook,))
        if isinstance(where, cgroups.Socket):
            hooks = [each for each in hooks if each != BPF_CGROUP_INET_SOCK_CREATE]
            answer = self._ask("sock_send", sock=where, hooks=hooks)
        else:
            answer = self._ask("fire", cgroup=where, hooks=hooks, cpu=cpu)
        if answer == "denied":
            raise Denied(hook)

    def socket(self, cgroup: cgroups.Cgroup, *, cpu: int = 0) -> cgroups.Socket:
        """As Kernel.socket(), on CPU 0."""
        _absent(cpu=cpu)
        label = self._new("s")
        hooks = [BPF_CGROUP_INET_SOCK_CREATE]
        if self._ask("sock_open", sock=label, cgroup=cgroup, hooks=hooks) == "denied":
            raise Denied(BPF_CGROUP_INET_SOCK_CREATE)
        made: cgroups.Socket = self._keep(label, cgroups.Socket(cgroup))
        return made

    def close_socket(self, socket: cgroups.Socket) -> None:
        """As Kernel.close_socket()."""
        self._ask("sock_close", sock=socket)
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
                type=map_type,
                key_size=key.size,
                value_size=value.size,
                max_entries=max_entries,
                map_flags=map_flags,
                **described,
            )
        made: maps.MapFd = self._keep(
            label, maps.MapFd(MapNotes(self._counts["m"], map_type, key, value))
        )
        return made

    def map_lookup_elem(self, map: maps.MapFd, key: Any, flags: int = 0) -> Value:
        """As Kernel.map_lookup_elem()."""
        found = notes(map)
        if found.type is BPF_MAP_TYPE_CGRP_STORAGE:
            answer = self._ask("cgrp_lookup", map=map, cgroup=key, flags=int(flags))
            return _number(found.value, answer[0])
        where = {"map": map, **self._key(found, key)}
        given = {"flags": int(flags)} if flags else {}
        word = isinstance(found.value, Int) and found.value.size in (4, 8)
        if word:
            values = [_number(found.value, n) for n in self._ask("map_lookup", **where, **given)]
        else:
            answer = self._ask("map_lookup", **where, **given, whole=True)
            values = [found.value.decode(bytes.fromhex(data)) for data in answer]
        return (
            values
            if found.storage_kind == BPF_CGROUP_STORAGE_PERCPU and not flags & BPF_F_CPU
            else values[0]
        )

    def map_update_elem(self, map: maps.MapFd, key: Any, value: Value, flags: int = 0) -> None:
        """As Kernel.map_update_elem()."""
        found = notes(map)
        if found.type is BPF_MAP_TYPE_PROG_ARRAY:
            _absent(flags=flags)
            slot = {"slot": key} if key else {}
            self._ask("prog_array_update", map=map, prog=value, **slot)
            return
        if found.type is BPF_MAP_TYPE_CGRP_STORAGE:
            where = {"map": map, "cgroup": key}
            self._ask("cgrp_update", **where, value=_word(value), flags=flags)
            return
        where = {"map": map, **self._key(found, key)}
        percpu = found.storage_kind == BPF_CGROUP_STORAGE_PERCPU and not flags & ONE_VALUE
        self._ask("map_update", **where, **_content(found.value, value, percpu), flags=flags)

    def map_delete_elem(self, map: maps.MapFd, key: Any) -> None:
        """As Kernel.map_delete_elem()."""
        found = notes(map)
        if found.type is BPF_MAP_TYPE_CGRP_STORAGE:
            self._ask("cgrp_delete", map=map, cgroup=key)
        else:
            self._ask("map_delete", map=map, **self._key(found, key))

    def map_get_next_key(self, map: maps.MapFd, key: Any = None) -> Any:
        """As Kernel.map_get_next_key()."""
        found = notes(map)
        if found.type is BPF_MAP_TYPE_CGRP_STORAGE:
            return self._ask("cgrp_next", map=map, cgroup=key)
        where: Op = {"key": None} if key is None else self._key(found, key)
        answer = self._ask("map_next_key", map=map, **where)
        if answer == GARBAGE:
            return BOGUS_KEY
        number = self._things[answer[0]].id
        if not found.wide_key:
            return number
        kind = UNINITIALISED if answer[1] is None else ATTACH_TYPES[answer[1]]
        return CgroupStorageKey(number, kind)

    def map_freeze(self, map: maps.MapFd) -> None:
        """As Kernel.map_freeze()."""
        self._ask("map_freeze", map=map)

    def map_lookup_and_delete_elem(self, map: maps.MapFd, key: Any, flags: int = 0) -> None:
        """As Kernel.map_lookup_and_delete_elem(), without flags."""
        _absent(flags=flags)
        where = self._key(notes(map), key)
        self._ask("map_command", command="lookup_and_delete", map=map, **where)

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
        self._ask("map_command", command=command, map=map, key=GARBAGE)

    def _key(self, found: MapNotes, key: Any) -> Op:
        """The field ``key`` and, for an inode number, ``by``."""
        if key is BOGUS_KEY:
            return {"key": GARBAGE}
        cgroup, kind = key if found.wide_key else (key, ATTACH_TYPES["ingress"])
        if kind is UNINITIALISED:
            kind = ATTACH_TYPES["ingress"]
        by = {"by": "st_ino"} if isinstance(cgroup, Inode) else {}
        if isinstance(cgroup, cgroups.Cgroup):
            name = self._names[cgroup]
        else:
            low = cgroup & 0xFFFFFFFF
            known = {thing.number: name for name, thing in self._things.items() if name[0] == "c"}
            if low not in known:
                raise NotExportable(f"no cgroup has the id {cgroup:#x}")
            name = known[low]
        return {"key": [name, _known(ATTACH_NAMES, kind)], **by}

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
        label = self._new("p")
        self._ask(
            "prog_load",
            prog=label,
            type=prog_type,
            expected_attach_type=expected_attach_type or None,
            **self._body(steps),
            helper_flags=helper_flags,
        )
        notes = programs.Program("", prog_type, expected_attach_type, (), "")
        notes.id = self._counts["p"]
        made: programs.ProgFd = self._keep(label, programs.ProgFd(notes))
        return made

    def _body(self, steps: tuple[Step, ...]) -> Op:
        """Return ``body`` and ``maps`` where these can say it, else ``steps``."""

        def place(map: maps.MapFd, name: str) -> tuple[int, int]:
            return tuple(notes(map).value.field(name))  # type: ignore[return-value]

        try:
            return bodies.short([bodies.written(step, self._name, place) for step in steps])
        except KeyError as error:
            raise NotExportable(f"the format has no name for {error.args[0]!r}") from None

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
            cgroup=cgroup,
            prog=prog,
            attach_type=attach_type,
            flags=flags,
            replace=replace,
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
        self._ask("prog_detach", cgroup=cgroup, prog=prog, attach_type=attach_type)

    def prog_query(
        self, cgroup: cgroups.Cgroup, attach_type: AttachType, query_flags: int = 0
    ) -> ProgQuery:
        """As Kernel.prog_query(); the revision is always 0, a closed program's id too."""
        answer = self._ask(
            "prog_query", cgroup=cgroup, attach_type=attach_type, effective=bool(query_flags)
        )
        ids = [0 if name is None else self._things[name].id for name in answer["progs"]]
        return ProgQuery(AttachFlag(answer["flags"]), tuple(ids), 0)

    def prog_test_run(self, prog: programs.ProgFd, repeat: int = 1) -> int:
        """As Kernel.prog_test_run()."""
        answer = self._ask("prog_test_run", prog=prog, repeat=repeat)
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
        self._ask("link_create", link=label, cgroup=cgroup, prog=prog, attach_type=attach_type)
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
        old = old_prog
        self._ask("link_update", link=link, new_prog=new_prog, old_prog=old)

    def link_detach(self, link: links.LinkFd) -> None:
        """As Kernel.link_detach()."""
        self._ask("link_detach", link=link)

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
        kind = pinned.object.kind
        label = self._new(LETTERS[kind])
        given = {"flags": file_flags} if file_flags else {}
        self._ask("obj_get", **{kind: label}, path=path, **given)
        got: Descriptor = self._keep(label, type(pinned)(pinned.object))
        return got

    def unlink(self, path: str) -> None:
        """As Kernel.unlink()."""
        self._ask("unlink", path=path)

    def _any(self, descriptor: object) -> Op:
        name = self._name(descriptor)
        return {_OBJECTS[name[0]]: name}


def _known(names: dict[Any, Any], thing: Any) -> Any:
    if thing not in names:
        raise NotExportable(f"the format has no name for {thing!r}")
    return names[thing]


def _absent(**given: object) -> None:
    for name, value in given.items():
        if value:
            raise NotExportable(f"the format has no field for {name}={value!r}")


def _shape(described: Type | None) -> str | None:
    try:
        return None if described is None else shape_of(described)
    except KeyError as error:
        raise NotExportable(f"the format has no name for {error.args[0]!r}") from None


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
