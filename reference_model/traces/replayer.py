# SPDX-License-Identifier: GPL-2.0-only
"""Replay of recorded kernels: each trace on the release of each kernel, answer by answer.

Reads the format that the page on traces describes; uses only what the package makes public.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from .. import uapi
from ..errors import BpfError, Denied, UndefinedBehaviour
from ..kernel import Kernel
from ..maps import BOGUS_KEY, UNINITIALISED
from ..releases import release
from ..state import CAPABILITIES
from ..steps import Add, Call, Copy, Flush, Mention, Mix, Return, Step, Store, TailCall, Verdict
from ..values import ENUM, S32, S64, SPIN_LOCK, STORAGE_KEY, U32, U64, Bytes, Field, Struct, Type

Op = dict[str, Any]
Answer = Any

GARBAGE = ["GARBAGE"]
"""The key that belongs to no cgroup: what a step beyond the last key gives on some kernels."""

ATTACH_TYPES = {
    "ingress": uapi.BPF_CGROUP_INET_INGRESS,
    "egress": uapi.BPF_CGROUP_INET_EGRESS,
    "sock_create": uapi.BPF_CGROUP_INET_SOCK_CREATE,
    "bind4": uapi.BPF_CGROUP_INET4_BIND,
    "connect4": uapi.BPF_CGROUP_INET4_CONNECT,
    "sendmsg4": uapi.BPF_CGROUP_UDP4_SENDMSG,
    "getsockopt": uapi.BPF_CGROUP_GETSOCKOPT,
    "setsockopt": uapi.BPF_CGROUP_SETSOCKOPT,
}
"""The attach types of the format, by their names in it."""

_ATTACH_NAMES: dict[object, str | None] = {
    **{attach_type: name for name, attach_type in ATTACH_TYPES.items()},
    UNINITIALISED: None,
}
MAP_TYPES = {
    "cgroup_storage": uapi.BPF_MAP_TYPE_CGROUP_STORAGE,
    "percpu_cgroup_storage": uapi.BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    "cgrp_storage": uapi.BPF_MAP_TYPE_CGRP_STORAGE,
    "array_of_maps": uapi.BPF_MAP_TYPE_ARRAY_OF_MAPS,
    "hash_of_maps": uapi.BPF_MAP_TYPE_HASH_OF_MAPS,
}
PROG_TYPES = {
    "cgroup_skb": uapi.BPF_PROG_TYPE_CGROUP_SKB,
    "cgroup_sock": uapi.BPF_PROG_TYPE_CGROUP_SOCK,
    "cgroup_sock_addr": uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
    "cgroup_sockopt": uapi.BPF_PROG_TYPE_CGROUP_SOCKOPT,
}
"""The program types of the format, by their names in it; MAP_TYPES are the map types."""

_BODIES: dict[str, type[Add] | type[Mix]] = {"add": Add, "mix": Mix}
STEPS: dict[str, tuple[type[Step], str]] = {
    "add": (Add, "mnf"),
    "mix": (Mix, "mnf"),
    "store": (Store, "mnf"),
    "copy": (Copy, "mmff"),
    "flush": (Flush, "mmnff"),
    "verdict": (Verdict, "mnf"),
    "return": (Return, "n"),
    "mention": (Mention, "m"),
    "call": (Call, "mh"),
    "tail_call": (TailCall, "mn"),
}
"""The steps of the format: their classes, and what their arguments are, in order.

``m``: the name of a map, ``n``: a number, ``f``: ``[offset, width]`` or null, ``h``: a helper.
"""
_COMMANDS = (
    "lookup_and_delete",
    *("lookup_batch", "lookup_and_delete_batch", "update_batch", "delete_batch"),
)
_SCALARS = {"u32": U32, "s32": S32, "u64": U64, "s64": S64, "enum": ENUM}
_SETUP = frozenset({"memlock", "unprivileged_bpf_disabled"})
_ONE_VALUE = int(uapi.BPF_F_CPU | uapi.BPF_F_ALL_CPUS)


class TraceError(ValueError):
    """A file is not in the format; the text names file, line and what is wrong."""


@dataclass(frozen=True, slots=True)
class Trace:
    """One line of a file: operations, and what each kernel answered."""

    id: str
    ops: list[Op]
    answers: dict[str, list[Answer]]
    """The answers of each kernel, one for each operation."""
    undefined: dict[str, str]
    """The kernels that broke on it, and how; they have no answers."""
    setup: dict[str, int] = field(default_factory=dict)
    """How the kernel is set up before: parameters of Kernel, such as ``memlock``."""


@cache
def shape(text: str) -> Type:
    """The type of a C-like shape, such as ``"struct {u64; u32}"``; ValueError if unknown."""
    text = text.removeprefix("typedef ")
    if text.startswith("struct {") and text.endswith("}"):
        members = (part.strip() for part in text[len("struct {") : -1].split(";"))
        types = {
            f"m{number}": SPIN_LOCK if member == "bpf_spin_lock" else shape(member)
            for number, member in enumerate(members)
            if member != "pad"  # alignment makes it
        }
        return Struct(**types)
    if text not in _SCALARS:
        raise ValueError(f"unknown shape {text!r}")
    return _SCALARS[text]


class _Value(Bytes):
    """A value of which the format knows the size, and where its programs find their numbers."""

    def field(self, name: str | None = None) -> Field:
        """The first word, or ``"offset:width"``."""
        if name is None:
            return super().field()
        offset, width = map(int, name.split(":"))
        return Field(offset, width)


# -- reading --------------------------------------------------------------------------------------


def read(path: str | Path) -> Iterator[Trace]:
    """The traces of a file, ``.jsonl`` or ``.jsonl.gz``; TraceError names a malformed line."""
    path, number = Path(path), 0
    try:
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                number += 1
                yield parse(line)
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        place = f"{path}:{number + 1}" if number else path
        raise TraceError(f"{place}: cannot be read: {error}") from error
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else error
        raise TraceError(f"{path}:{number}: not a trace: {reason}") from error


def parse(line: str) -> Trace:
    """The trace in a line; LookupError, TypeError or ValueError if it is not one."""
    data = json.loads(line)
    if not isinstance(data, dict):
        raise ValueError(f"expected an object, not {line.strip()[:40]!r}")
    ops = list(data["ops"])
    if not ops:
        raise ValueError("no operations")
    for op in ops:
        _check_op(op)
    answers: dict[str, list[Answer]] = {}
    undefined = dict(data.get("undefined", {}))
    kernels = list(undefined)
    for alike, given in data["answers"]:
        if len(given) != len(ops):
            raise ValueError(f"{len(given)} answers of {alike} for {len(ops)} operations")
        kernels += alike
        answers.update(dict.fromkeys(alike, given))
    for name in kernels:
        release(name)
        if kernels.count(name) > 1:
            raise ValueError(f"kernel {name!r} twice")
    setup = dict(data.get("setup", {}))
    if not setup.keys() <= _SETUP or not all(isinstance(given, int) for given in setup.values()):
        raise ValueError(f"setup {setup!r}: it holds numbers for {', '.join(sorted(_SETUP))}")
    return Trace(str(data["id"]), ops, answers, undefined, setup)


def _check_op(op: Op) -> None:
    """LookupError, TypeError or ValueError unless this is an operation of the format."""
    kind = op["op"]
    if kind not in OPERATIONS:
        raise ValueError(f"unknown operation {kind!r}: known are {', '.join(OPERATIONS)}")
    for name in OPERATIONS[kind]:
        if name not in op and not (name in _REPLACED and _REPLACED[name] in op):
            raise ValueError(f"operation {kind!r} has no {name!r}")
    if kind in _ON_ANY and not op.keys() & {"map", "prog", "link"}:
        raise ValueError(f"operation {kind!r} has no 'map', 'prog' or 'link'")
    for name, given in op.items():
        known = _NAMES.get(name) or _NAMES.get(f"{kind}.{name}")
        if known is not None:
            for one in given if isinstance(given, list) else [given]:
                if one not in known:
                    raise ValueError(f"operation {kind!r}: unknown {name} {one!r}")
        elif name in _NUMBERS and not isinstance(given, int):
            raise ValueError(f"operation {kind!r}: {name} {given!r} is not a number")
    if op.get("key") not in (None, GARBAGE) and op["key"][1] not in ATTACH_TYPES:
        raise ValueError(f"operation {kind!r}: unknown {op['key'][1]!r} in key")
    if "body" in op and op["body"][0] not in _BODIES:
        raise ValueError(f"operation {kind!r}: unknown {op['body'][0]!r} in body")
    for step in op.get("steps", ()):
        if step[0] not in STEPS:
            raise ValueError(f"operation {kind!r}: unknown {step[0]!r} in steps")
    for name in ("btf_key", "btf_value"):
        if op.get(name):
            shape(op[name])


# -- replaying ------------------------------------------------------------------------------------


class _Skip(Exception):
    """A name in the operation does not live."""


class Replayer:
    """Runs operations on a kernel, of the model or a real one, and answers as the format does."""

    def __init__(self, kernel: Any) -> None:
        self.kernel = kernel
        self.live: dict[str, Any] = {}
        self.cgroups: dict[str, Any] = {}
        """All cgroups that ever lived: their ids are still used in keys."""
        self.names: dict[int, str] = {}
        """The names of cgroup ids."""
        self.prog_names: dict[int, str] = {}
        self._user = ExitStack()

    def answer(self, op: Op) -> Answer:
        """Run one operation; its answer, or UndefinedBehaviour."""
        try:
            done = getattr(self, op["op"])(op)
        except _Skip:
            return "skip"
        except BpfError as error:
            return error.name
        except Denied:
            return "denied"
        return "ok" if done is None else done

    def _named(self, name: str | None) -> Any:
        if name is None:
            return None
        try:
            return self.live[name]
        except KeyError:
            raise _Skip from None

    def _key(self, op: Op, wide: bool) -> Any:
        if op["key"] == GARBAGE:
            return BOGUS_KEY
        cgroup = self.cgroups.get(op["key"][0])
        if cgroup is None:
            raise _Skip
        number = cgroup.st_ino if op.get("by") == "st_ino" else cgroup.id
        return (number, ATTACH_TYPES[op["key"][1]]) if wide else number

    def user(self, op: Op) -> None:
        self._user.close()
        if op["capabilities"] is not None:
            self._user.enter_context(self.kernel.user(*op["capabilities"]))

    # -- cgroups, sockets, events -------------------------------------------------------------

    def mkdir(self, op: Op) -> None:
        made = self.kernel.mkdir(op["cgroup"], self._named(op["parent"]))
        self.live[op["cgroup"]] = self.cgroups[op["cgroup"]] = made
        self.names[made.id] = op["cgroup"]

    def rmdir(self, op: Op) -> None:
        cgroup = self._named(op["cgroup"])
        self.kernel.rmdir(cgroup)
        self.kernel.close(cgroup)
        del self.live[op["cgroup"]]

    def cgroup_ids(self, op: Op) -> Answer:
        cgroup = self._named(op["cgroup"])
        low, high = cgroup.id & 0xFFFFFFFF, cgroup.id >> 32
        return {"inode": low == cgroup.st_ino, "generation": high != 0}

    def sock_open(self, op: Op) -> None:
        self.live[op["sock"]] = self.kernel.socket(self._named(op["cgroup"]))

    def sock_send(self, op: Op) -> None:
        self._fire(self._named(op["sock"]), op["hooks"], 0)

    def sock_close(self, op: Op) -> None:
        self.kernel.close_socket(self._named(op["sock"]))
        del self.live[op["sock"]]

    def fire(self, op: Op) -> None:
        self._fire(self._named(op["cgroup"]), op["hooks"], op["cpu"])

    def _fire(self, where: Any, hooks: list[str], cpu: int) -> None:
        self.kernel.run_hooks(where, *[ATTACH_TYPES[hook] for hook in hooks], cpu=cpu)

    # -- maps ---------------------------------------------------------------------------------

    def map_create(self, op: Op) -> None:
        btf_key, btf_value = op.get("btf_key"), op.get("btf_value")
        self.live[op["map"]] = self.kernel.map_create(
            MAP_TYPES[op["type"]],
            {16: STORAGE_KEY, 8: U64}.get(op["key_size"]) or Bytes(op["key_size"]),
            _value(op["value_size"]),
            max_entries=op["max_entries"],
            map_flags=op["map_flags"],
            map_name=op.get("name", ""),
            btf_key=shape(btf_key) if btf_key else None,
            btf_value=shape(btf_value) if btf_value else None,
        )

    def map_of_maps_create(self, op: Op) -> None:
        inner = self._named(op["inner"])
        outer = self.kernel.map_create(
            MAP_TYPES[op["outer"]], U32, U32, max_entries=1, inner_map=inner
        )
        self.kernel.close(outer)

    def map_command(self, op: Op) -> None:
        found = self._named(op["map"])
        if op["command"] == "lookup_and_delete":
            key = self._key(op, found.object.wide_key)
            self.kernel.map_lookup_and_delete_elem(found, key)
        else:
            getattr(self.kernel, f"map_{op['command']}")(found)

    def map_lookup(self, op: Op) -> list[int] | list[str]:
        found = self._named(op["map"])
        key = self._key(op, found.object.wide_key)
        value = self.kernel.map_lookup_elem(found, key, op.get("flags", 0))
        if op.get("whole"):
            return [data.hex() for data in (value if isinstance(value, list) else [value])]
        return _words(value)

    def map_update(self, op: Op) -> None:
        found = self._named(op["map"])
        key = self._key(op, found.object.wide_key)
        flags = op["flags"]
        value: Any = bytes.fromhex(op["data"]) if "data" in op else op["value"]
        if found.object.storage_kind and not flags & _ONE_VALUE:
            value = [
                value if "data" in op else value + number for number in range(len(self.kernel.cpus))
            ]
        self.kernel.map_update_elem(found, key, value, flags)

    def map_delete(self, op: Op) -> None:
        found = self._named(op["map"])
        self.kernel.map_delete_elem(found, self._key(op, found.object.wide_key))

    def map_freeze(self, op: Op) -> None:
        self.kernel.map_freeze(self._named(op["map"]))

    def map_keys(self, op: Op) -> list[list[str | None]]:
        found, key = self._named(op["map"]), None
        keys: list[list[str | None]] = []
        for _ in range(op["count"]):
            try:
                key = self.kernel.map_get_next_key(found, key)
            except BpfError as error:
                return [*keys, [error.name]]
            keys.append(self._key_names(key))
            if key is BOGUS_KEY:
                return keys
        return keys

    def map_next_key(self, op: Op) -> list[str | None]:
        found = self._named(op["map"])
        key = None if op["key"] is None else self._key(op, found.object.wide_key)
        return self._key_names(self.kernel.map_get_next_key(found, key))

    def _key_names(self, key: Any) -> list[str | None]:
        if key is BOGUS_KEY:
            return [*GARBAGE]
        if isinstance(key, tuple):
            return [self.names[key[0]], _ATTACH_NAMES[key[1]]]
        return [self.names[key]]

    def cgrp_lookup(self, op: Op) -> list[int]:
        key = self._cgrp_key(op)
        return _words(self.kernel.map_lookup_elem(self._named(op["map"]), key, op["flags"]))

    def cgrp_update(self, op: Op) -> None:
        key = self._cgrp_key(op)
        self.kernel.map_update_elem(self._named(op["map"]), key, op["value"], op["flags"])

    def cgrp_delete(self, op: Op) -> None:
        self.kernel.map_delete_elem(self._named(op["map"]), self._cgrp_key(op))

    def cgrp_next(self, op: Op) -> None:
        self.kernel.map_get_next_key(self._named(op["map"]), self._cgrp_key(op))

    def _cgrp_key(self, op: Op) -> Any:
        cgroup = self.cgroups.get(op["cgroup"])
        if cgroup is None:
            raise _Skip
        return cgroup

    # -- programs -----------------------------------------------------------------------------

    def prog_array_create(self, op: Op) -> None:
        self.live[op["map"]] = self.kernel.map_create(
            uapi.BPF_MAP_TYPE_PROG_ARRAY, U32, U32, max_entries=op.get("slots", 1)
        )

    def prog_array_update(self, op: Op) -> None:
        array, program = self._named(op["map"]), self._named(op["prog"])
        self.kernel.map_update_elem(array, op.get("slot", 0), program)

    def prog_load(self, op: Op) -> None:
        steps = self._steps(op)
        expected = op["expected_attach_type"]
        program = self.kernel.prog_load(
            PROG_TYPES[op["type"]],
            steps,
            expected_attach_type=ATTACH_TYPES[expected] if expected else 0,
            helper_flags=op["helper_flags"],
        )
        self.live[op["prog"]] = program
        self.prog_names[program.id] = op["prog"]

    def _steps(self, op: Op) -> list[Step]:
        if "steps" in op:
            return [self._step(*step) for step in op["steps"]]
        kind, number = op["body"]
        steps: list[Step] = [_BODIES[kind](self._named(name), number) for name in op["maps"]]
        if op.get("tail_call"):
            steps.append(TailCall(self._named(op["tail_call"])))
        return steps

    def _step(self, kind: str, *arguments: Any) -> Step:
        made, kinds = STEPS[kind]
        given = []
        for letter, argument in zip(kinds, arguments, strict=False):
            if letter == "m":
                given.append(self._named(argument))
            elif letter == "f" and argument is not None:
                given.append("{}:{}".format(*argument))
            else:
                given.append(argument)
        return made(*given)

    def prog_attach(self, op: Op) -> None:
        cgroup, prog = self._named(op["cgroup"]), self._named(op["prog"])
        self.kernel.prog_attach(
            cgroup,
            prog,
            ATTACH_TYPES[op["attach_type"]],
            op["flags"],
            replace=self._named(op["replace"]),
        )

    def prog_detach(self, op: Op) -> None:
        cgroup, prog = self._named(op["cgroup"]), self._named(op["prog"])
        self.kernel.prog_detach(cgroup, prog, ATTACH_TYPES[op["attach_type"]])

    def prog_query(self, op: Op) -> Answer:
        cgroup = self._named(op["cgroup"])
        flags, ids, _ = self.kernel.prog_query(
            cgroup, ATTACH_TYPES[op["attach_type"]], int(op["effective"])
        )
        names = [self.prog_names[number] for number in ids]
        return {"flags": int(flags), "progs": [n if n in self.live else None for n in names]}

    def prog_test_run(self, op: Op) -> Answer:
        return {"retval": self.kernel.prog_test_run(self._named(op["prog"]), op["repeat"])}

    # -- links and descriptors ----------------------------------------------------------------

    def link_create(self, op: Op) -> None:
        cgroup, prog = self._named(op["cgroup"]), self._named(op["prog"])
        self.live[op["link"]] = self.kernel.link_create(
            cgroup, prog, ATTACH_TYPES[op["attach_type"]]
        )

    def link_update(self, op: Op) -> None:
        link, new = self._named(op["link"]), self._named(op["new_prog"])
        old = self._named(op["old_prog"])
        flags = int(uapi.BPF_F_REPLACE) if old is not None else 0
        self.kernel.link_update(link, new, flags=flags, old_prog=old)

    def link_detach(self, op: Op) -> None:
        self.kernel.link_detach(self._named(op["link"]))

    def close(self, op: Op) -> None:
        name = _object(op)
        self.kernel.close(self._named(name))
        del self.live[name]

    def obj_pin(self, op: Op) -> None:
        self.kernel.obj_pin(op["path"], self._named(_object(op)))

    def obj_get(self, op: Op) -> None:
        got = self.live[_object(op)] = self.kernel.obj_get(op["path"], op.get("flags", 0))
        if "prog" in op:
            self.prog_names.setdefault(got.id, op["prog"])

    def unlink(self, op: Op) -> None:
        self.kernel.unlink(op["path"])


_value = cache(_Value)


def _object(op: Op) -> str:
    """The name of the map, program or link of an operation on any of them."""
    name: str = op.get("map") or op.get("prog") or op["link"]
    return name


def _words(value: Any) -> list[int]:
    """The first word of each value of an answer."""
    values = value if isinstance(value, list) else [value]
    return [int.from_bytes(data[: 8 if len(data) >= 8 else 4], "little") for data in values]


_FIELDS: dict[str, tuple[str, ...]] = {
    "mkdir": ("cgroup", "parent"),
    "rmdir": ("cgroup",),
    "sock_open": ("sock", "cgroup"),
    "sock_send": ("sock", "hooks"),
    "sock_close": ("sock",),
    "fire": ("cgroup", "hooks", "cpu"),
    "map_create": ("map", "type", "key_size", "value_size", "max_entries", "map_flags"),
    "map_of_maps_create": ("outer", "inner"),
    "map_command": ("command", "map", "key"),
    "map_lookup": ("map", "key"),
    "map_update": ("map", "key", "value", "flags"),
    "map_delete": ("map", "key"),
    "map_freeze": ("map",),
    "map_keys": ("map", "count"),
    "cgrp_lookup": ("map", "cgroup", "flags"),
    "cgrp_update": ("map", "cgroup", "value", "flags"),
    "cgrp_delete": ("map", "cgroup"),
    "cgrp_next": ("map", "cgroup"),
    "prog_array_create": ("map",),
    "prog_array_update": ("map", "prog"),
    "prog_load": ("prog", "type", "expected_attach_type", "body", "helper_flags", "maps"),
    "prog_attach": ("cgroup", "prog", "attach_type", "flags", "replace"),
    "prog_detach": ("cgroup", "prog", "attach_type"),
    "prog_query": ("cgroup", "attach_type", "effective"),
    "prog_test_run": ("prog", "repeat"),
    "link_create": ("link", "cgroup", "prog", "attach_type"),
    "link_update": ("link", "new_prog", "old_prog"),
    "link_detach": ("link",),
    "close": (),
}
"""The operations of the recorded traces and the fields that each one needs."""

_MORE: dict[str, tuple[str, ...]] = {
    "user": ("capabilities",),
    "cgroup_ids": ("cgroup",),
    "map_next_key": ("map", "key"),
    "obj_pin": ("path",),
    "obj_get": ("path",),
    "unlink": ("path",),
}
"""The operations that only exported stories use."""

OPERATIONS = {**_FIELDS, **_MORE}
"""All operations of the format."""

_REPLACED = {"body": "steps", "maps": "steps", "value": "data"}
"""Fields that another one can stand for."""
_ON_ANY = ("close", "obj_pin", "obj_get")
"""Operations on a map, a program or a link."""

_NAMES: dict[str, Collection[Any]] = {
    "attach_type": ATTACH_TYPES,
    "expected_attach_type": (*ATTACH_TYPES, None),
    "hooks": ATTACH_TYPES,
    "outer": MAP_TYPES,
    "command": _COMMANDS,
    "cpu": (0, 1),
    "by": ("id", "st_ino"),
    "capabilities": (*CAPABILITIES, None),
    "map_create.type": MAP_TYPES,
    "prog_load.type": PROG_TYPES,
}
"""What may stand in a field, or in the lists of it."""
_NUMBERS = frozenset(
    {"key_size", "value_size", "max_entries", "map_flags", "helper_flags", "flags", "value"}
    | {"count", "repeat", "slots", "slot"}
)


# -- comparing ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """The first operation of a trace that model and kernel answer differently."""

    kernel: str
    trace: str
    position: int
    op: Op
    recorded: Answer
    modelled: Answer

    def __str__(self) -> str:
        return (
            f"{self.kernel}: {self.trace}, operation {self.position}: {json.dumps(self.op)}\n"
            f"    the kernel: {json.dumps(self.recorded)}\n"
            f"    the model:  {json.dumps(self.modelled)}"
        )


@dataclass(slots=True)
class Score:
    """What the replay of all traces on one release counted."""

    traces: int = 0
    answers: int = 0
    differ: int = 0
    undefined_kernel: int = 0
    undefined_model: int = 0
    differences: list[Difference] = field(default_factory=list)

    def numbers(self) -> dict[str, int]:
        """The counts alone."""
        return {
            "traces": self.traces,
            "answers": self.answers,
            "differ": self.differ,
            "undefined_kernel": self.undefined_kernel,
            "undefined_model": self.undefined_model,
        }


def compare(trace: Trace, kernel: str, score: Score) -> None:
    """Replay a trace on the release of a kernel, and add what is found to the score.

    Where the kernel broke, the model must say UndefinedBehaviour, and only there.
    """
    replayer = Replayer(Kernel(release(kernel), **trace.setup))
    answer = replayer.answer
    recorded = trace.answers.get(kernel)
    score.traces += 1
    score.undefined_kernel += recorded is None
    first = True
    for position, op in enumerate(trace.ops):
        try:
            modelled = answer(op)
        except UndefinedBehaviour as undefined:
            score.undefined_model += 1
            if recorded is not None:
                score.differ += 1
                text = f"undefined: {undefined}"
                if first:
                    score.differences.append(
                        Difference(kernel, trace.id, position, op, recorded[position], text)
                    )
            return
        if recorded is None:
            continue
        score.answers += 1
        if modelled != recorded[position]:
            score.differ += 1
            if first:
                first = False
                score.differences.append(
                    Difference(kernel, trace.id, position, op, recorded[position], modelled)
                )
    if recorded is None:
        score.differ += 1
        text = f"undefined: {trace.undefined[kernel]}"
        score.differences.append(
            Difference(kernel, trace.id, len(trace.ops) - 1, trace.ops[-1], text, "defined")
        )


def replay(paths: Iterable[str | Path], only: str | None = None) -> dict[str, Score]:
    """Replay all traces of the files on every kernel in them, or on the ``only`` one."""
    scores: dict[str, Score] = {}
    for path in paths:
        for trace in read(path):
            for kernel in (*trace.answers, *trace.undefined):
                if only in (None, kernel):
                    compare(trace, kernel, scores.setdefault(kernel, Score()))
    return dict(sorted(scores.items(), key=lambda item: release(item[0])))


def table(scores: dict[str, Score]) -> str:
    """The scores for people, with each difference below."""
    heads = ("release", "traces", "answers", "differ", "undefined: kernel", "model")
    lines = ["{:<10} {:>7} {:>8} {:>7} {:>18} {:>6}".format(*heads)]
    for name, score in scores.items():
        lines.append(
            f"{name:<10} {score.traces:>7} {score.answers:>8} {score.differ:>7} "
            f"{score.undefined_kernel:>18} {score.undefined_model:>6}"
        )
    lines += [str(difference) for score in scores.values() for difference in score.differences]
    return "\n".join(lines)
