# SPDX-License-Identifier: GPL-2.0-only
"""Canonical form of a state: states that differ only in ids or creation order have the same form.

It covers everything that an operation of the trace format can show, now or later, as each class of
the model declares beside its attributes.  An object that an operation created has a name, and other
objects are numbered in the order in which the form meets them.  The parameters that an object was
created with are covered by the operation that created it.
"""

from __future__ import annotations

import marshal
from functools import cache
from hashlib import blake2b
from typing import Any

from ..state import VISIBLE
from .side import Getter, Side, getter_of

Form = tuple[object, ...]

_PLAIN = frozenset({bool, int, str, bytes, type(None)})
"""The types of values that stand for themselves."""


def digest(form: Any) -> bytes:
    """Sixteen bytes that identify a form, the same in every process."""
    return blake2b(marshal.dumps(form, 2), digest_size=16).digest()


def form(side: Side, names: dict[str, str]) -> Form:
    """The canonical form of a side under other names; ValueError if it has an LSM hook."""
    kernel = side.kernel
    if any(kernel.lsm_slots.counts):
        raise ValueError("the canonical form of a state has no place for LSM hooks")
    made = sorted([(names.get(name, name), thing) for name, thing in side.made.items()])
    definitions = {names.get(name, name): op for name, op in side.definitions.items()}
    writer = _Writer({thing: name for name, thing in reversed(made)})
    writer.label[kernel.root] = "/"
    return (
        [(name, definitions[name], writer.record(thing)) for name, thing in made],
        sorted([names.get(name, name) for name in side.live]),
        kernel.locked_pages if kernel.memlock is not None else 0,
        sorted(kernel.capabilities),
        writer.value(kernel.pins),
    )


class _Writer:
    """Values as plain Python, with the names of objects in their place."""

    def __init__(self, label: dict[Any, object]) -> None:
        self.label = label
        """What stands for an object: its name, or the number of one that has been met."""

    def record(self, thing: Any) -> Form:
        """The attributes of an object that answers can show."""
        return (*map(self.value, _visible(thing)),)

    def value(self, value: Any) -> object:
        """A value of an attribute."""
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind in VISIBLE:
            label = self.label
            if value in label:
                return label[value]
            label[value] = len(label)
            return self.record(value)
        if kind is list or kind is tuple:
            return [*map(self.value, value)]
        if kind is bytearray:
            return bytes(value)
        if kind is dict:
            return self.pairs(value)
        return int(value)

    def pairs(self, pairs: dict[Any, Any]) -> Form:
        """A dictionary in the order of its keys, without objects that only hold zeros."""
        found = [
            (self.value(key), item)
            for key, item in pairs.items()
            if type(item) not in VISIBLE or any(_visible(item))
        ]
        found.sort()
        return (*[(key, self.value(item)) for key, item in found],)


def _visible(thing: Any) -> tuple[object, ...]:
    """The attributes of an object that distinguish two states."""
    kind: type = type(thing)
    return _getter(kind)(thing)


@cache
def _getter(kind: type) -> Getter:
    return getter_of(VISIBLE[kind])
