# SPDX-License-Identifier: GPL-2.0-only
"""Runs operations on a kernel, of the model or a real one, and answers in words of the format.

An operation that is one call of the kernel runs as the table says, see ``one_call``; the others
have a method here.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from typing import Any, Generic, TypeVar

from .. import uapi
from ..attachments import ProgQuery
from ..errors import BpfError, Denied
from ..ids import MapInfo, ProgInfo
from ..interface import KernelInterface
from ..links import LinkInfo
from ..maps import BOGUS_KEY
from ..state import Descriptor
from ..values import STORAGE_KEY, U32, U64, Bytes, Field
from . import bodies
from .names import ATTACH_NAMES, ATTACH_TYPES, EVENTS, GARBAGE, MAP_TYPES, PROG_TYPES
from .one_call import add_calls
from .operation import Op, descriptor_of
from .shapes import shape
from .trace import Answer

K = TypeVar("K", bound=KernelInterface)

ONE_VALUE = int(uapi.BPF_F_CPU | uapi.BPF_F_ALL_CPUS)
"""The flags of an update of a per-CPU map that gives one value instead of a list."""


class NotLiving(Exception):
    """A name in the operation does not live."""


class _Value(Bytes):
    """A value of which the format knows the size, and where its programs find their numbers."""

    def field(self, name: str | None = None) -> Field:
        """Return the first word, or the field ``"offset:width"``."""
        if name is None:
            return super().field()
        offset, width = map(int, name.split(":"))
        return Field(offset, width)


_value = cache(_Value)


class Replayer(Generic[K]):
    """A kernel, and the objects that the operations so far have made on it."""

    def __init__(self, kernel: K) -> None:
        self.kernel = kernel
        self.live: dict[str, Any] = {}
        """The objects that live, by their names."""
        self.cgroups: dict[str, Any] = {}
        """All cgroups that ever lived: their ids are still used in keys."""
        self.cgroup_names: dict[int, str] = {}
        """The names of cgroup ids."""
        self.prog_names: dict[int, str] = {}
        """The names of program ids; the first one if a program has several."""
        self._user = ExitStack()

    def answer(self, op: Op) -> Answer:
        """Run one operation and return its answer; raises UndefinedBehaviour."""
        try:
            done = getattr(self, op["op"])(op)
        except NotLiving:
            return "skip"
        except BpfError as error:
            return error.name
        except Denied as denied:
            return denied.answer
        return "ok" if done is None else done

    def _named(self, name: str | None) -> Any:
        if name is None:
            return None
        try:
            return self.live[name]
        except KeyError:
            raise NotLiving from None

    def _ever(self, name: str | None) -> Any:
        if name is None:
            return None
        try:
            return self.cgroups[name]
        except KeyError:
            raise NotLiving from None

    def _key(self, op: Op, wide: bool) -> Any:
        key = op["key"]
        if key is None:
            return None
        if key == GARBAGE:
            return BOGUS_KEY
        cgroup = self.cgroups.get(key[0])
        if cgroup is None:
            raise NotLiving
        number = cgroup.st_ino if op.get("by") == "st_ino" else cgroup.id
        return (number, ATTACH_TYPES[key[1]]) if wide else number

    def user(self, op: Op) -> None:
        self._user.close()
        if op["capabilities"] is not None:
            self._user.enter_context(self.kernel.user(*op["capabilities"]))

    # -- cgroups, sockets, events -------------------------------------------------------------

    def mkdir(self, op: Op) -> None:
        made = self.kernel.mkdir(op["cgroup"], self._named(op["parent"]))
        self.live[op["cgroup"]] = self.cgroups[op["cgroup"]] = made
        self.cgroup_names[made.id] = op["cgroup"]

    def rmdir(self, op: Op) -> None:
        cgroup = self._named(op["cgroup"])
        self.kernel.rmdir(cgroup)
        self.kernel.close(cgroup)
        del self.live[op["cgroup"]]

    def cgroup_ids(self, op: Op) -> Answer:
        cgroup = self._named(op["cgroup"])
        low, high = cgroup.id & 0xFFFFFFFF, cgroup.id >> 32
        return {"inode": low == cgroup.st_ino, "generation": high != 0}

    def fire(self, op: Op) -> None:
        self._fire(self._named(op["cgroup"]), op, op["cpu"])

    def sock_send(self, op: Op) -> None:
        self._fire(self._named(op["sock"]), op, 0)

    def _fire(self, where: Any, op: Op, cpu: int) -> None:
        if "event" in op:
            self.kernel.fire(where, EVENTS[op["event"]], cpu=cpu)
        else:
            self.kernel.run_hooks(where, *[ATTACH_TYPES[hook] for hook in op["hooks"]], cpu=cpu)

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
        value: Any = self.kernel.map_lookup_elem(found, key, op.get("flags", 0))
        if op.get("whole"):
            return [data.hex() for data in (value if isinstance(value, list) else [value])]
        return _words(value)

    def map_update(self, op: Op) -> None:
        found = self._named(op["map"])
        key = self._key(op, found.object.wide_key)
        flags = op["flags"]
        value: Any = bytes.fromhex(op["data"]) if "data" in op else op["value"]
        if found.object.storage_kind and not flags & ONE_VALUE:
            value = [
                value if "data" in op else value + number for number in range(len(self.kernel.cpus))
            ]
        self.kernel.map_update_elem(found, key, value, flags)

    def map_keys(self, op: Op) -> list[list[str | None]]:
        found, key = self._named(op["map"]), None
        keys: list[list[str | None]] = []
        for _ in range(op["count"]):
            try:
                key = self.kernel.map_get_next_key(found, key)
            except BpfError as error:
                return [*keys, [error.name]]
            keys.append(self.key_names(key))
            if key is BOGUS_KEY:
                return keys
        return keys

    def key_names(self, key: Any) -> list[str | None]:
        """Return a key in words of the format."""
        if key is BOGUS_KEY:
            return [*GARBAGE]
        if isinstance(key, tuple):
            return [self.cgroup_names[key[0]], ATTACH_NAMES[key[1]]]
        return [self.cgroup_names[key]]

    # -- programs -----------------------------------------------------------------------------

    def prog_array_create(self, op: Op) -> None:
        self.live[op["map"]] = self.kernel.map_create(
            uapi.BPF_MAP_TYPE_PROG_ARRAY, U32, U32, max_entries=op.get("slots", 1)
        )

    def prog_load(self, op: Op) -> None:
        expected = op["expected_attach_type"]
        program = self.kernel.prog_load(
            PROG_TYPES[op["type"]],
            bodies.read_all(op, self._named),
            expected_attach_type=ATTACH_TYPES[expected] if expected else 0,
            helper_flags=op["helper_flags"],
            lsm_hook=op.get("lsm_hook", ""),
            prog_flags=int(uapi.BPF_F_SLEEPABLE) if op.get("sleepable") else 0,
        )
        self.live[op["prog"]] = program
        self.prog_names[program.id] = op["prog"]

    def prog_detach(self, op: Op) -> None:
        prog = self._named(op["prog"])
        if op.get("closed", False):
            prog = self.kernel.dup(prog)
            self.kernel.close(prog)
        self.kernel.prog_detach(
            self._named(op["cgroup"]),
            prog,
            ATTACH_TYPES[op["attach_type"]],
            op.get("flags", 0),
            expected_revision=op.get("expected_revision", 0),
        )

    def prog_query(self, op: Op) -> Answer:
        error = None
        try:
            found = self.kernel.prog_query(
                self._named(op["cgroup"]),
                ATTACH_TYPES[op["attach_type"]],
                int(op["effective"]),
                prog_attach_flags=op.get("prog_attach_flags", False),
                count=op.get("count"),
                size=op.get("size", uapi.QUERY_SIZE),
            )
        except BpfError as refusal:
            if not isinstance(refusal.answer, ProgQuery):
                raise
            error, found = refusal.name, refusal.answer
        names = [self.prog_names[number] for number in found.prog_ids]
        answer: dict[str, Any] = {
            "flags": int(found.attach_flags),
            "progs": [name if name in self.live else None for name in names],
        }
        if "count" in op:
            answer |= {"count": found.prog_cnt, "error": error}
        if "size" in op:
            answer["overwritten"] = found.overwritten
        if op.get("prog_attach_flags", False):
            answer["prog_flags"] = [int(flags) for flags in found.prog_attach_flags]
        if op.get("revision", False):
            answer["revision"] = found.revision
        return answer

    # -- links and descriptors ----------------------------------------------------------------

    def link_update(self, op: Op) -> None:
        link, new = self._named(op["link"]), self._named(op["new_prog"])
        old = self._named(op["old_prog"])
        flags = int(uapi.BPF_F_REPLACE) if old is not None else 0
        self.kernel.link_update(link, new, flags=flags, old_prog=old)

    def obj_info(self, op: Op) -> Answer:
        found = self.kernel.obj_info(self._named(descriptor_of(op)))
        match found:
            case MapInfo():
                return {
                    "type": int(found.type),
                    "key_size": found.key_size,
                    "value_size": found.value_size,
                    "max_entries": found.max_entries,
                    "flags": int(found.map_flags),
                    "btf": found.btf,
                }
            case ProgInfo():
                names = [self._alive("map", number) for number in found.map_ids]
                return {"type": int(found.type), "maps": names}
            case LinkInfo():
                return {
                    "prog": self.prog_names[found.prog_id],
                    "cgroup": self.cgroup_names.get(found.cgroup_id),
                    "attach_type": ATTACH_NAMES[found.attach_type],
                }

    def object_ids(self, op: Op) -> Answer:
        """Open each object by its id as well."""
        get = getattr(self.kernel, f"{op['of']}_get_fd_by_id")
        following = getattr(self.kernel, f"{op['of']}_get_next_id")
        names: list[str | None] = []
        number = 0
        while True:
            try:
                number = following(number)
            except BpfError as error:
                if error.name != "ENOENT":
                    raise
                return names
            self.kernel.close(get(number))
            names.append(self._alive(op["of"], number))

    def _alive(self, kind: str, number: int) -> str | None:
        """The first name that lives of the object with this id."""
        for name, found in self.live.items():
            if isinstance(found, Descriptor) and (found.object.kind, found.id) == (kind, number):
                return name
        return None

    def obj_get(self, op: Op) -> None:
        got = self.live[descriptor_of(op)] = self.kernel.obj_get(op["path"], op.get("flags", 0))
        if "prog" in op:
            self.prog_names.setdefault(got.id, op["prog"])


def _words(value: Any) -> list[int]:
    """Return the first word of each value of an answer."""
    values = value if isinstance(value, list) else [value]
    return [int.from_bytes(data[: 8 if len(data) >= 8 else 4], "little") for data in values]


_RETURNS: dict[str, Callable[[Replayer[Any], Any], Answer]] = {
    "map_next_key": Replayer.key_names,
    "cgrp_lookup": lambda replayer, value: _words(value),
    "cgrp_next": lambda replayer, key: None,
    "prog_test_run": lambda replayer, number: {"retval": number},
}
"""The answers of the operations that have another one than "ok"."""

add_calls(Replayer, _RETURNS)
