# SPDX-License-Identifier: GPL-2.0-only
"""One of the two kernels in lockstep, which can be put back to where it was.

Nothing is copied: a Checkpoint knows what can change in a kernel and what it was, and puts it back
in place.  It knows no rule of the model, only which of its classes have a state.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any

from ..attachments import Attachment, Hook
from ..cgroups import Cgroup, Socket
from ..cgrp_storage import CgrpStorageMap
from ..errors import UndefinedBehaviour
from ..kernel import Kernel
from ..links import Link, LinkFd
from ..maps import Map, MapFd, StorageMap
from ..prog_arrays import ProgArray
from ..programs import ProgFd, Program
from ..releases import Release
from ..state import CAPABILITIES, Descriptor
from ..storages import Storage
from ..traces import Answer, Op, Replayer
from .world import World

_Getter = Callable[[Any], tuple[Any, ...]]

UNDEFINED = "undefined"
"""The answer of an operation that the model does not define."""

STATEFUL = frozenset(
    {MapFd, ProgFd, LinkFd, Map, StorageMap, ProgArray, CgrpStorageMap, Program, Link}
    | {Cgroup, Socket, Hook, Attachment, Storage}
)
"""The classes of the model that have a state."""
_CHANGING = STATEFUL | {list, dict, bytearray}
CHANGES = frozenset(
    {"attachments", "cgroup", "children", "data", "entries", "flags", "freed", "frozen", "hooks"}
    | {"link", "local_storages", "newer", "newest", "older", "online", "open", "owner", "prog"}
    | {"program", "refs", "released", "revision", "slots", "sockets", "sound", "storages"}
    | {"unfreed_children", "urefs"}
)
"""The attributes that the model sets again after an object is made, or changes in place."""


class Side(Replayer):
    """A kernel in a world."""

    def __init__(self, release: Release, world: World) -> None:
        super().__init__(Kernel(release, **world.setup))
        self.made: dict[str, Any] = {}
        """What was made under each name; it may be gone."""
        self.definitions: dict[str, str] = {}
        """The operation that made it."""

    def answer(self, op: Op) -> Answer:
        """Run one operation; its answer, UNDEFINED among them."""
        try:
            return super().answer(op)
        except UndefinedBehaviour:
            return UNDEFINED

    def user(self, op: Op) -> None:
        """From now on the caller has just these capabilities."""
        given = op["capabilities"]
        self.kernel.capabilities = CAPABILITIES if given is None else frozenset(given)

    def note(self, name: str, definition: str) -> None:
        """Remember what was made under a name."""
        self.definitions[name] = definition
        found = self.live[name]
        self.made[name] = found.object if isinstance(found, Descriptor) else found


class Checkpoint:
    """What can change in a side, as it is now."""

    def __init__(self, side: Side) -> None:
        self._objects: list[tuple[Any, _Getter, tuple[str, ...], Any]] = []
        self._lists: list[tuple[list[Any], list[Any]]] = []
        self._dicts: list[tuple[dict[Any, Any], dict[Any, Any]]] = []
        self._bytes: list[tuple[bytearray, bytes]] = []
        seen: set[int] = set()
        waiting: list[Any] = [vars(side), vars(side.kernel)]
        for thing in waiting:
            if id(thing) in seen:
                continue
            seen.add(id(thing))
            kind: type = type(thing)
            values: Any
            if kind is list:
                self._lists.append((thing, thing[:]))
                values = thing
            elif kind is dict:
                self._dicts.append((thing, thing.copy()))
                if not thing:
                    continue
                values = (*thing, *thing.values())
            elif kind is bytearray:
                self._bytes.append((thing, bytes(thing)))
                continue
            else:
                getter, names = _fields(kind)
                values = getter(thing)
                self._objects.append((thing, getter, names, values))
            waiting += [value for value in values if type(value) in _CHANGING]

    def restore(self) -> None:
        """Put it back."""
        for thing, getter, names, values in self._objects:
            now = getter(thing)
            if now != values:
                for name, value, other in zip(names, values, now, strict=True):
                    if value is not other:
                        setattr(thing, name, value)
        for a_list, items in self._lists:
            if a_list != items:
                a_list[:] = items
        for a_dict, pairs in self._dicts:
            if a_dict != pairs:
                a_dict.clear()
                a_dict.update(pairs)
        for buffer, data in self._bytes:
            if buffer != data:
                buffer[:] = data


@cache
def _fields(kind: type) -> tuple[_Getter, tuple[str, ...]]:
    """The slots of a class of the model that can change."""
    names = tuple(name for name in slots(kind) if name in CHANGES)
    if len(names) == 1:
        names *= 2  # an attrgetter of one name returns no tuple
    return attrgetter(*names), names


def slots(kind: type) -> tuple[str, ...]:
    """The slots of a class and of those that it comes from."""
    bases = [getattr(base, "__slots__", ()) for base in kind.__mro__]
    return tuple(dict.fromkeys(name for names in bases for name in names))
