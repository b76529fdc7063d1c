# SPDX-License-Identifier: GPL-2.0-only
"""A sequence of operations as a short Python program, in the notation of the site.

The program is run on the model while it is written, line by line, so it is a doctest that passes.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

import reference_model

from .. import uapi
from ..errors import BpfError, Denied, UndefinedBehaviour
from ..events import passed as passed_on_the_way
from ..profiles import Profile
from ..releases import Release
from ..uapi import AttachFlag, ElemFlag, MapFlag
from . import bodies
from .kinds import Flags, Key, Kind, Text, Word
from .names import ATTACH_TYPES, EVENTS, GARBAGE, HOOKS, MAP_TYPES, PROG_TYPES
from .operation import ANY, KernelCall, Op, Operation, descriptor_of
from .operations import OPERATIONS
from .replayer import ONE_VALUE
from .shapes import shape


def listing(
    release: str | Release,
    ops: Sequence[Op],
    setup: Mapping[str, int],
    note: str = "",
    at: int = -1,
) -> str:
    """The operations as a doctest on the model; ``note`` is a comment before operation ``at``.

    A profile is called ``profile`` there.
    """
    writer = _Writer()
    given = "".join(f", {name}={value!r}" for name, value in setup.items())
    if isinstance(release, Profile):
        writer.space["profile"], of = release, "profile"
    else:
        of = repr(str(release))
    writer.run(f"kernel = Kernel({of}{given})")
    for number, op in enumerate(ops):
        if number == at:
            writer.lines += [f">>> # {line}" for line in note.splitlines()]
        writer.operation(op)
    return "\n".join(writer.lines)


def statements(
    release: str, ops: Sequence[Op], setup: Mapping[str, int], given: int = 0
) -> list[str]:
    """The statements alone, without what they print and without the first ``given`` operations."""
    writer = _Writer()
    writer.space["kernel"] = reference_model.Kernel(release, **setup)
    for number, op in enumerate(ops):
        if number == given:
            writer.lines.clear()
        writer.operation(op)
    lines = [line for text in writer.lines for line in text.splitlines()]
    return [line[4:] for line in lines if line.startswith((">>> ", "... "))]


class _Writer:
    """Lines of a doctest, and the names that they have defined."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.space: dict[str, Any] = {
            name: getattr(reference_model, name) for name in reference_model.__all__
        }
        self.user: str | None = None

    def run(self, source: str) -> bool:
        """Write a statement and what Python prints after it; False if it raised."""
        if self.user is not None:
            self.lines.append(f">>> with kernel.user({self.user}):\n...     {source}")
            source = f"with kernel.user({self.user}):\n    {source}\n"
        else:
            self.lines.append(f">>> {source}")
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                exec(compile(source, "<listing>", "single"), self.space)
        except (BpfError, Denied, UndefinedBehaviour) as error:
            kind = type(error)
            self.lines.append("Traceback (most recent call last):\n    ...")
            self.lines.append(f"{kind.__module__}.{kind.__qualname__}: {error}")
            return False
        self.lines += printed.getvalue().splitlines()
        return True

    def operation(self, op: Op) -> None:
        """Write an operation; nothing where a name does not live."""
        if op["op"] == "user":
            names = op["capabilities"]
            self.user = None if names is None else ", ".join(map(repr, names))
            return
        operation = OPERATIONS[op["op"]]
        if hasattr(self, op["op"]) or operation.call is None:
            getattr(self, op["op"])(op)
        else:
            self._one_call(op, operation, operation.call)

    def _one_call(self, op: Op, operation: Operation, call: KernelCall) -> None:
        """Write an operation that is one call, as the table says; flags of 0 are left out."""
        name, by_place, by_name = call
        given = [self._source(op, operation, field) for field in by_place]
        while given and given[-1] is None:
            given.pop()
        made = operation.made(op)
        named = {field: self._source(op, operation, field) for field in by_name}
        self.call(f"{made} = {name}" if made else name, *given, **named)

    def _source(self, op: Op, operation: Operation, name: str) -> object:
        """Return a field of an operation as Python, or None for an argument that is left out."""
        if name == ANY:
            return descriptor_of(op)
        kind: Kind = operation.fields[name]
        given: Any = op.get(name, operation.optional.get(name))
        if isinstance(kind, Flags):
            return _flags(kind.of, given)
        if isinstance(kind, Word):
            return kind.meaning[given]
        if isinstance(kind, Key):
            return self._key(op)
        if isinstance(kind, Text):
            return repr(given)
        return given

    def call(self, name: str, *arguments: object, **named: object) -> bool:
        """Write a call of a method of the kernel."""
        given = [str(argument) for argument in arguments]
        given += [f"{key}={value}" for key, value in named.items() if value is not None]
        target = ""
        if " = " in name:
            target, _, name = name.partition(" = ")
            target += " = "
        return self.run(f"{target}kernel.{name}({', '.join(given)})")

    # -- cgroups, sockets, events -------------------------------------------------------------

    def mkdir(self, op: Op) -> None:
        name = op["cgroup"]
        self.call(f"{name} = mkdir", repr(name), *([op["parent"]] if op["parent"] else []))

    def rmdir(self, op: Op) -> None:
        if self.call("rmdir", op["cgroup"]):
            self.call("close", op["cgroup"])

    def cgroup_ids(self, op: Op) -> None:
        self.run(f"{op['cgroup']}.id == {op['cgroup']}.st_ino")

    def fire(self, op: Op) -> None:
        self._fire(op["cgroup"], op, op["cpu"])

    def _fire(self, where: str, op: Op, cpu: int) -> None:
        if "event" in op:
            hook = EVENTS[op["event"]]
            text = repr(hook) if isinstance(hook, str) else hook
            self.call("fire", where, text, cpu=cpu or None)
            return
        last = ATTACH_TYPES[op["hooks"][-1]]
        passed = [ATTACH_TYPES[hook] for hook in op["hooks"]]
        shown = {*HOOKS.values(), last}
        usual = [hook for hook in passed_on_the_way(last) if hook in shown]
        if where[0] == "s":
            usual.remove(uapi.BPF_CGROUP_INET_SOCK_CREATE)
        if passed == usual:
            self.call("fire", where, last, cpu=cpu or None)
        else:
            self.call("run_hooks", where, *passed, cpu=cpu or None)

    def sock_send(self, op: Op) -> None:
        self._fire(op["sock"], op, 0)

    # -- maps ---------------------------------------------------------------------------------

    def map_create(self, op: Op) -> None:
        key = {16: "STORAGE_KEY", 8: "U64"}.get(op["key_size"], f"Bytes({op['key_size']})")
        size = op["value_size"]
        described = {
            name: shape(op[name]) for name in ("btf_key", "btf_value") if op.get(name) is not None
        }
        self.call(
            f"{op['map']} = map_create",
            MAP_TYPES[op["type"]],
            key,
            {8: "U64", 4: "U32"}.get(size, f"Bytes({size})"),
            max_entries=op["max_entries"] or None,
            map_flags=_flags(MapFlag, op["map_flags"]),
            **described,
        )

    def map_of_maps_create(self, op: Op) -> None:
        made = self.call(
            "outer = map_create", MAP_TYPES[op["outer"]], "U32", "U32",
            max_entries=1, inner_map=op["inner"],
        )  # fmt: skip
        if made:
            self.call("close", "outer")

    def _key(self, op: Op) -> str:
        if op["key"] == GARBAGE:
            return "BOGUS_KEY"
        cgroup, kind = op["key"]
        number = f"{cgroup}.st_ino" if op.get("by") == "st_ino" else cgroup
        wide = self.space[op["map"]].object.wide_key
        return f"({number}, {ATTACH_TYPES[kind]})" if wide else number

    def map_command(self, op: Op) -> None:
        if op["command"] == "lookup_and_delete":
            self.call("map_lookup_and_delete_elem", op["map"], self._key(op))
        else:
            self.call(f"map_{op['command']}", op["map"])

    def map_lookup(self, op: Op) -> None:
        flags = _flags(ElemFlag, op.get("flags", 0))
        self.call("map_lookup_elem", op["map"], self._key(op), *([flags] if flags else []))

    def map_update(self, op: Op) -> None:
        value = repr(bytes.fromhex(op["data"])) if "data" in op else str(op["value"])
        if self.space[op["map"]].object.storage_kind and not op["flags"] & ONE_VALUE:
            second = value if "data" in op else str(op["value"] + 1)
            value = f"[{value}, {second}]"
        flags = _flags(ElemFlag, op["flags"])
        self.call("map_update_elem", op["map"], self._key(op), value, *([flags] if flags else []))

    def map_keys(self, op: Op) -> None:
        after = ""
        for _ in range(op["count"]):
            if not self.run(f"key = kernel.map_get_next_key({op['map']}{after}); key"):
                return
            after = ", key"
            if self.space["key"] is reference_model.BOGUS_KEY:
                return

    def map_next_key(self, op: Op) -> None:
        key = [] if op["key"] is None else [self._key(op)]
        self.call("map_get_next_key", op["map"], *key)

    # -- programs -----------------------------------------------------------------------------

    def prog_load(self, op: Op) -> None:
        steps = [bodies.source(step) for step in bodies.long(op)]
        expected = op["expected_attach_type"]
        body = [steps[0] if len(steps) == 1 else f"[{', '.join(steps)}]"] if steps else []
        self.call(
            f"{op['prog']} = prog_load",
            PROG_TYPES[op["type"]],
            *body,
            expected_attach_type=ATTACH_TYPES[expected] if expected else None,
            helper_flags=op["helper_flags"] or None,
            lsm_hook=repr(op["lsm_hook"]) if op.get("lsm_hook") else None,
            prog_flags=uapi.BPF_F_SLEEPABLE if op.get("sleepable") else None,
        )

    def prog_array_create(self, op: Op) -> None:
        self.call(
            f"{op['map']} = map_create", "BPF_MAP_TYPE_PROG_ARRAY", "U32", "U32",
            max_entries=op.get("slots", 1),
        )  # fmt: skip

    def prog_query(self, op: Op) -> None:
        flags = ["BPF_F_QUERY_EFFECTIVE"] if op["effective"] else []
        self.call(
            "prog_query", op["cgroup"], ATTACH_TYPES[op["attach_type"]], *flags,
            prog_attach_flags=op.get("prog_attach_flags") or None, count=op.get("count"),
            size=op.get("size"),
        )  # fmt: skip

    def obj_info(self, op: Op) -> None:
        self.call("obj_info", descriptor_of(op))

    def object_ids(self, op: Op) -> None:
        self.call(f"{op['of']}_get_next_id")

    def prog_detach(self, op: Op) -> None:
        prog = op["prog"]
        if op.get("closed"):
            self.call("closed = dup", prog)
            self.call("close", prog := "closed")
        flags = _flags(AttachFlag, op.get("flags", 0))
        self.call(
            "prog_detach", op["cgroup"], prog, ATTACH_TYPES[op["attach_type"]],
            *([flags] if flags else []), expected_revision=op.get("expected_revision") or None,
        )  # fmt: skip

    # -- links and descriptors ----------------------------------------------------------------

    def link_update(self, op: Op) -> None:
        old = op["old_prog"]
        flags = "BPF_F_REPLACE" if old else None
        self.call("link_update", op["link"], op["new_prog"], flags=flags, old_prog=old)


def _flags(kind: Any, flags: int) -> str | None:
    """Flags as their names where all of them are known, else the number."""
    if not flags:
        return None
    text = repr(kind(flags & 0xFFFFFFFF))
    if flags >> 32:
        text += f"|{flags >> 32} << 32"
    return text.replace("|", " | ")
