# SPDX-License-Identifier: GPL-2.0-only
"""What can stand in a field of an operation: one class for each kind of field.

A kind checks what a file holds, and yields the names of the objects in it.  How a value becomes an
argument of a kernel, or a piece of Python, is the matter of those who do that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntFlag
from functools import cached_property
from typing import Any, NoReturn

from ..steps import CgroupOf
from . import bodies, shapes
from .names import ATTACH_TYPES, GARBAGE

Names = Iterator[tuple[str, str]]
"""Kinds of objects (``"map"``), and the names of such."""


def _fail(given: Any, expected: str) -> NoReturn:
    text = repr(given)
    raise ValueError(f"expected {expected}, not {text[:40]}{'...' * (len(text) > 40)}")


class Kind:
    """Anything at all."""

    def check(self, given: Any) -> None:
        """ValueError says what is wrong with a value."""

    def names(self, given: Any) -> Names:
        """Yield the objects that the value names."""
        yield from ()


@dataclass(frozen=True)
class Name(Kind):
    """The name of an object."""

    of: str
    """Which kind of object: ``"map"``."""

    def check(self, given: Any) -> None:
        if not isinstance(given, str) or not given.isidentifier():
            _fail(given, f"the name of a {self.of}")

    def names(self, given: Any) -> Names:
        yield self.of, given


class Ever(Name):
    """The name of an object that lives or has lived."""


@dataclass(frozen=True)
class Maybe(Kind):
    """A value of a kind, or null."""

    kind: Kind

    def check(self, given: Any) -> None:
        if given is not None:
            self.kind.check(given)

    def names(self, given: Any) -> Names:
        if given is not None:
            yield from self.kind.names(given)


@dataclass(frozen=True)
class Some(Kind):
    """A list of values of a kind."""

    kind: Kind
    least: int = 0

    def check(self, given: Any) -> None:
        if not isinstance(given, list) or len(given) < self.least:
            _fail(given, f"a list of at least {self.least}" if self.least else "a list")
        for each in given:
            self.kind.check(each)

    def names(self, given: Any) -> Names:
        for each in given:
            yield from self.kind.names(each)


@dataclass(frozen=True)
class Number(Kind):
    """A whole number within limits."""

    most: int = (1 << 64) - 1
    least: int = 0

    def check(self, given: Any) -> None:
        if type(given) is not int:
            _fail(given, "a number")
        if not self.least <= given <= self.most:
            _fail(given, f"a number from {self.least} to {self.most}")


@dataclass(frozen=True)
class Flags(Number):
    """A number that is made of flags; some sequences also use flags without a name."""

    of: type[IntFlag] = IntFlag


@dataclass(frozen=True)
class Text(Kind):
    """Any text."""

    def check(self, given: Any) -> None:
        if not isinstance(given, str):
            _fail(given, "a text")


@dataclass(frozen=True)
class Choice(Kind):
    """One of a few values."""

    of: tuple[Any, ...]

    def check(self, given: Any) -> None:
        if not any(given == known and type(given) is type(known) for known in self.of):
            raise ValueError(f"unknown {given!r}: known are {', '.join(map(str, self.of))}")


@dataclass(frozen=True, eq=False)
class Word(Kind):
    """A name of the format for something of the kernel's."""

    meaning: Mapping[str, Any]

    def check(self, given: Any) -> None:
        if not isinstance(given, str) or given not in self.meaning:
            raise ValueError(f"unknown {given!r}: known are {', '.join(self.meaning)}")

    @cached_property
    def word(self) -> dict[Any, str]:
        """The name of each thing."""
        return {meant: name for name, meant in self.meaning.items()}


class Hex(Kind):
    """Bytes as hexadecimal digits."""

    def check(self, given: Any) -> None:
        try:
            bytes.fromhex(given)
        except (TypeError, ValueError):
            _fail(given, "hexadecimal digits")


class Shape(Kind):
    """The shape of a type."""

    def check(self, given: Any) -> None:
        if not isinstance(given, str):
            _fail(given, "a shape")
        shapes.shape(given)


class Key(Kind):
    """``[cgroup, attach type]``; its cgroup may be removed, so the key names no living object."""

    def check(self, given: Any) -> None:
        if given == GARBAGE:
            return
        if not isinstance(given, list) or len(given) != 2 or not isinstance(given[0], str):
            _fail(given, "[cgroup, attach type]")
        if not isinstance(given[1], str) or given[1] not in ATTACH_TYPES:
            raise ValueError(f"unknown {given[1]!r}: known are {', '.join(ATTACH_TYPES)}")


class Body(Kind):
    """``["add", number]``: one step, done on each of the maps."""

    def check(self, given: Any) -> None:
        if not isinstance(given, list) or len(given) != 2 or type(given[1]) is not int:
            _fail(given, "[step, number]")
        Choice(bodies.BODIES).check(given[0])


class StepList(Kind):
    """A step of a body."""

    _NUMBER, _MAP = Number(least=-1 << 63), Name("map")

    def check(self, given: Any) -> None:
        if not isinstance(given, list) or not given:
            _fail(given, "a step")
        Choice(tuple(bodies.STEPS)).check(given[0])
        kinds = bodies.ARGUMENTS[given[0]]
        needed = sum(kind is not bodies.FIELD for kind in kinds)
        if given[0] in ("tail_call", "cgrp_add", "cgrp_delete"):
            needed = 1  # the others have defaults
        if not needed <= len(given) - 1 <= len(kinds):
            _fail(given, f"{given[0]} with {', '.join(kinds)}")
        for kind, argument in zip(kinds, given[1:], strict=False):
            if kind is bodies.NUMBER:
                self._NUMBER.check(argument)
            elif kind is bodies.MAP:
                self._MAP.check(argument)
            elif kind is bodies.HELPER:
                Text().check(argument)
            elif kind is bodies.CGROUP:
                Choice(tuple(map(str, CgroupOf))).check(argument)
            elif kind is bodies.RCU:
                Choice((False, True)).check(argument)
            elif kind is bodies.FIELD and argument is not None:
                Some(Number(1 << 16)).check(argument)
                if len(argument) != 2 or argument[1] not in (1, 2, 4, 8):
                    _fail(argument, kind)

    def names(self, given: Any) -> Names:
        for name in bodies.maps_of(given):
            yield "map", name
