# SPDX-License-Identifier: GPL-2.0-only
"""One of the two kernels in lockstep, which can be put back to where it was.

Nothing is copied: a Checkpoint keeps what can change in a kernel and restores it in place.  Each
class of the model declares which of its attributes change.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any

from ..errors import UNDEFINED, UndefinedBehaviour
from ..kernel import TrustingKernel
from ..releases import Release
from ..state import CAPABILITIES, STATEFUL, Descriptor
from ..traces import Answer, Op, Replayer
from .world import World

Getter = Callable[[Any], tuple[Any, ...]]

_CHANGING = {kind for kind, names in STATEFUL.items() if names} | {list, dict, bytearray}
"""The types of what a checkpoint looks into."""


class Side(Replayer[TrustingKernel]):
    """A kernel in a world."""

    def __init__(self, release: Release, world: World) -> None:
        super().__init__(TrustingKernel(release, **world.setup))
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
        self._objects: list[tuple[Any, Getter, tuple[str, ...], Any]] = []
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
def _fields(kind: type) -> tuple[Getter, tuple[str, ...]]:
    """The attributes of a class that can change."""
    names = STATEFUL[kind]
    return getter_of(names), names if len(names) > 1 else names * 2


def getter_of(names: tuple[str, ...]) -> Getter:
    """Return a function that returns these attributes of an object; one alone it returns twice."""
    return attrgetter(*(names if len(names) > 1 else names * 2))
