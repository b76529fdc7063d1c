# SPDX-License-Identifier: GPL-2.0-only
"""What is known of a register or a stack slot, and of all of them at an instruction.

A value is a tuple whose first member says what it is, or None where nothing is known.  Two values
that meet keep what they have in common.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .objects import Function, Map

Abstract = tuple[Any, ...] | None

MOST = 8
"""More numbers than these are not followed one by one."""


def number(*numbers: int) -> Abstract:
    """One of some numbers."""
    return ("number", frozenset(numbers))


def address(of: Map) -> Abstract:
    """The address of a map."""
    return ("map", of)


def storage(of: Map, offset: int | None = 0, moved: int | None = None) -> Abstract:
    """A pointer into a value of a map; the offset is None where it is unknown.

    ``moved`` is the instruction that added an unknown number; the offset is then relative to that.
    """
    return ("storage", of, offset, moved)


class Place(NamedTuple):
    """A number in the value of a map."""

    map: Map
    offset: int
    width: int
    moved: int | None = None
    """As of the pointer."""


def loaded(place: Place) -> Abstract:
    """A number that was loaded from the value of a map."""
    return ("loaded", place)


def changed(from_places: frozenset[Place], known: frozenset[int] | None = None) -> Abstract:
    """A number that was computed from loaded ones, and what it can be, if that is known."""
    return ("changed", from_places, known)


def stack(offset: int) -> Abstract:
    """A pointer into the stack, relative to the frame pointer."""
    return ("stack", offset)


Slot = tuple[int, int]
"""The offset of a stack slot from the frame pointer, and its width."""


def frame(offset: int, slots: frozenset[tuple[Slot, Abstract]]) -> Abstract:
    """A pointer into the stack of a caller, with what is known of its slots."""
    return ("frame", offset, slots)


def function(of: Function) -> Abstract:
    """The address of a function."""
    return ("function", of)


CGROUP_ID: Abstract = ("cgroup id",)


def numbers(value: Abstract) -> frozenset[int] | None:
    """The numbers that a value can be, or None if it can be any."""
    if value and value[0] in ("number", "changed"):
        found: frozenset[int] | None = value[-1]
        return found
    return None


def places(value: Abstract) -> frozenset[Place]:
    """The places from which a changed number was computed."""
    if value and value[0] == "loaded":
        return frozenset({value[1]})
    return value[1] if value and value[0] == "changed" else frozenset()


def few(found: frozenset[Any]) -> frozenset[Any] | None:
    """What is followed one by one, or None if it is too much."""
    return found if len(found) <= MOST else None


def join(one: Abstract, other: Abstract) -> Abstract:
    """What holds for both."""
    if one == other or one is None or other is None:
        return one if one == other else None
    if one[0] == other[0] == "storage" and one[1] is other[1]:
        return storage(one[1], None)
    ones, others = numbers(one), numbers(other)
    known = None if ones is None or others is None else few(ones | others)
    if places(one) and places(other):
        together = few(places(one) | places(other))
        return None if together is None else changed(together, known)
    return None if known is None else ("number", known)


Locks = frozenset[Map | None]
"""The maps of whose values a lock is held; None: of another one."""


class State(NamedTuple):
    """What is known before an instruction."""

    registers: tuple[Abstract, ...]
    stack: dict[Slot, Abstract]
    locks: Locks

    def meet(self, other: State) -> State:
        """What holds in both."""
        return State(
            tuple(map(join, self.registers, other.registers)),
            {
                at: joined
                for at, value in self.stack.items()
                if at in other.stack and (joined := join(value, other.stack[at])) is not None
            },
            self.locks & other.locks,
        )
