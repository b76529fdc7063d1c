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
from ..execution import ACTIONS
from ..uapi import AttachFlag, ElemFlag, MapFlag
from .replayer import ATTACH_TYPES, GARBAGE, MAP_TYPES, PROG_TYPES, STEPS, Op

_SCALARS = {"u32": "U32", "s32": "S32", "u64": "U64", "s64": "S64", "enum": "ENUM"}
_SCALARS["bpf_spin_lock"] = "SPIN_LOCK"


def listing(
    release: str, ops: Sequence[Op], setup: Mapping[str, int], note: str = "", at: int = -1
) -> str:
    """The operations as a doctest on the model; ``note`` is a comment before operation ``at``."""
    writer = _Writer()
    given = "".join(f", {name}={value!r}" for name, value in setup.items())
    writer.run(f"kernel = Kernel({release!r}{given})")
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
        self.widths: dict[str, str] = {}

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
        getattr(self, op["op"])(op)

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
        self._fire(op["cgroup"], op["hooks"], op["cpu"])

    def _fire(self, where: str, hooks: Sequence[str], cpu: int) -> None:
        last = ATTACH_TYPES[hooks[-1]]
        passed = [ATTACH_TYPES[hook] for hook in hooks]
        usual = [*ACTIONS.get(last, (last,))]
        if where[0] == "s":
            usual.remove(uapi.BPF_CGROUP_INET_SOCK_CREATE)
        if passed == usual:
            self.call("fire", where, last, cpu=cpu or None)
        else:
            self.call("run_hooks", where, *passed, cpu=cpu or None)

    def sock_open(self, op: Op) -> None:
        self.call(f"{op['sock']} = socket", op["cgroup"])

    def sock_send(self, op: Op) -> None:
        self._fire(op["sock"], op["hooks"], 0)

    def sock_close(self, op: Op) -> None:
        self.call("close_socket", op["sock"])

    # -- maps ---------------------------------------------------------------------------------

    def map_create(self, op: Op) -> None:
        key = {16: "STORAGE_KEY", 8: "U64"}.get(op["key_size"], f"Bytes({op['key_size']})")
        size = op["value_size"]
        described = {
            name: _shape(op[name]) for name in ("btf_key", "btf_value") if op.get(name) is not None
        }
        self.widths[op["map"]] = "percpu" if op["type"].startswith("percpu") else ""
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
        if self.widths.get(op["map"]) and not op["flags"] & 24:
            second = value if "data" in op else str(op["value"] + 1)
            value = f"[{value}, {second}]"
        flags = _flags(ElemFlag, op["flags"])
        self.call("map_update_elem", op["map"], self._key(op), value, *([flags] if flags else []))

    def map_delete(self, op: Op) -> None:
        self.call("map_delete_elem", op["map"], self._key(op))

    def map_freeze(self, op: Op) -> None:
        self.call("map_freeze", op["map"])

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

    def cgrp_lookup(self, op: Op) -> None:
        self.call("map_lookup_elem", op["map"], op["cgroup"], op["flags"])

    def cgrp_update(self, op: Op) -> None:
        self.call("map_update_elem", op["map"], op["cgroup"], op["value"], op["flags"])

    def cgrp_delete(self, op: Op) -> None:
        self.call("map_delete_elem", op["map"], op["cgroup"])

    def cgrp_next(self, op: Op) -> None:
        self.call("map_get_next_key", op["map"], op["cgroup"])

    # -- programs -----------------------------------------------------------------------------

    def prog_load(self, op: Op) -> None:
        if "steps" in op:
            steps = [_step(*step) for step in op["steps"]]
        else:
            kind, number = op["body"]
            steps = [_step(kind, name, number) for name in op["maps"]]
            if op.get("tail_call"):
                steps.append(f"TailCall({op['tail_call']})")
        expected = op["expected_attach_type"]
        body = [steps[0] if len(steps) == 1 else f"[{', '.join(steps)}]"] if steps else []
        self.call(
            f"{op['prog']} = prog_load",
            PROG_TYPES[op["type"]],
            *body,
            expected_attach_type=ATTACH_TYPES[expected] if expected else None,
            helper_flags=op["helper_flags"] or None,
        )

    def prog_array_create(self, op: Op) -> None:
        self.call(
            f"{op['map']} = map_create", "BPF_MAP_TYPE_PROG_ARRAY", "U32", "U32",
            max_entries=op.get("slots", 1),
        )  # fmt: skip

    def prog_array_update(self, op: Op) -> None:
        self.call("map_update_elem", op["map"], op.get("slot", 0), op["prog"])

    def prog_test_run(self, op: Op) -> None:
        self.call("prog_test_run", op["prog"], op["repeat"])

    def prog_attach(self, op: Op) -> None:
        flags = _flags(AttachFlag, op["flags"])
        at = ATTACH_TYPES[op["attach_type"]]
        given = [op["cgroup"], op["prog"], at, *([flags] if flags else [])]
        self.call("prog_attach", *given, replace=op["replace"])

    def prog_detach(self, op: Op) -> None:
        self.call("prog_detach", op["cgroup"], op["prog"], ATTACH_TYPES[op["attach_type"]])

    def prog_query(self, op: Op) -> None:
        flags = ["BPF_F_QUERY_EFFECTIVE"] if op["effective"] else []
        self.call("prog_query", op["cgroup"], ATTACH_TYPES[op["attach_type"]], *flags)

    # -- links and descriptors ----------------------------------------------------------------

    def link_create(self, op: Op) -> None:
        at = ATTACH_TYPES[op["attach_type"]]
        self.call(f"{op['link']} = link_create", op["cgroup"], op["prog"], at)

    def link_update(self, op: Op) -> None:
        old = op["old_prog"]
        flags = "BPF_F_REPLACE" if old else None
        self.call("link_update", op["link"], op["new_prog"], flags=flags, old_prog=old)

    def link_detach(self, op: Op) -> None:
        self.call("link_detach", op["link"])

    def close(self, op: Op) -> None:
        self.call("close", _object(op))

    def obj_pin(self, op: Op) -> None:
        self.call("obj_pin", repr(op["path"]), _object(op))

    def obj_get(self, op: Op) -> None:
        flags = _flags(MapFlag, op.get("flags", 0))
        self.call(f"{_object(op)} = obj_get", repr(op["path"]), *([flags] if flags else []))
        made = self.space.get(_object(op))
        if getattr(getattr(made, "object", None), "storage_kind", 0):
            self.widths[_object(op)] = "percpu"

    def unlink(self, op: Op) -> None:
        self.call("unlink", repr(op["path"]))


def _object(op: Op) -> str:
    name: str = op.get("map") or op.get("prog") or op["link"]
    return name


def _flags(kind: Any, flags: int) -> str | None:
    """Flags as their names where all of them are known, else the number."""
    if not flags:
        return None
    text = repr(kind(flags & 0xFFFFFFFF))
    if flags >> 32:
        text += f"|{flags >> 32} << 32"
    return text.replace("|", " | ")


def _shape(text: str) -> str:
    text = text.removeprefix("typedef ")
    if not text.startswith("struct {"):
        return _SCALARS[text]
    members = [part.strip() for part in text[len("struct {") : -1].split(";")]
    named = [f"m{number}={_SCALARS[name]}" for number, name in enumerate(members) if name != "pad"]
    return f"Struct({', '.join(named)})"


def _step(kind: str, *arguments: Any) -> str:
    made, kinds = STEPS[kind]
    given = [
        repr(argument) if letter == "h" else str(argument)
        for letter, argument in zip(kinds, arguments, strict=False)
    ]
    return f"{made.__name__}({', '.join(given)})"
