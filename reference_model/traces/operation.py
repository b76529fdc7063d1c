# SPDX-License-Identifier: GPL-2.0-only
"""What an operation of the format is: its fields, its effect on names, and its call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .kinds import Kind, Name
from .names import DESCRIPTORS

Op = dict[str, Any]
"""An operation: its kind in ``op``, and its fields."""

ANY = "descriptor"
"""In a call, and of what an operation makes and ends: its map, program or link."""

KernelCall = tuple[str, tuple[str, ...], tuple[str, ...]]
"""A call of the interface of a kernel, its fields by position, and its fields by name."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What an operation consists of, and what it does to names."""

    fields: Mapping[str, Kind]
    """All fields that it can have."""
    optional: Mapping[str, Any] = field(default_factory=dict)
    """The fields that can be absent, and what they are then."""
    either: tuple[tuple[str, ...], ...] = ()
    """Groups of fields: those of one group must be there, and replace those of the others."""
    makes: str | None = None
    """The field with the name that it makes, if it succeeds."""
    ends: str | None = None
    """The field with the name that it ends, if it succeeds."""
    reads: bool = False
    """Whether it changes nothing, also where it succeeds."""
    call: KernelCall | None = None
    """The one call that it is, if it is one."""

    @cached_property
    def _needed(self) -> tuple[str, ...]:
        """The fields that are always there."""
        grouped = {name for group in self.either for name in group}
        return tuple(name for name in self.fields if name not in grouped | self.optional.keys())

    @cached_property
    def _naming(self) -> dict[str, Kind]:
        """The fields that can hold names of objects."""
        plain = Kind.names
        return {name: kind for name, kind in self.fields.items() if type(kind).names is not plain}

    def check(self, op: Op) -> None:
        """ValueError says what is wrong with the fields of an operation."""
        fields, name = self.fields, "op"
        try:
            for name, given in op.items():
                if name != "op":
                    fields[name].check(given)
        except KeyError:
            known = ", ".join(fields)
            raise ValueError(f"unknown field {name!r}: known are {known}") from None
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
        needed = self._needed
        if self.either:
            needed += self._chosen(op)
        for name in needed:
            if name not in op:
                raise ValueError(f"has no {name!r}")

    def _chosen(self, op: Op) -> tuple[str, ...]:
        """Return the group of fields of which one is there."""
        begun = [group for group in self.either if not op.keys().isdisjoint(group)]
        names = [repr(group[0]) for group in begun or self.either]
        if len(begun) > 1:
            raise ValueError(f"has both {' and '.join(names)}")
        if not begun:
            raise ValueError(f"has no {', '.join(names[:-1])} or {names[-1]}")
        return tuple(name for name in begun[0] if name not in self.optional)

    def made(self, op: Op) -> str | None:
        """Return the name that the operation makes, if it succeeds."""
        return None if self.makes is None else _given(op, self.makes)

    def ended(self, op: Op) -> str | None:
        """Return the name that the operation ends, if it succeeds."""
        return None if self.ends is None else _given(op, self.ends)

    def names(self, op: Op) -> Iterator[tuple[str, str]]:
        """Yield the kind and the name of each object of the operation, but not those of keys."""
        for name, kind in self._naming.items():
            if type(kind) is Name and name in op:
                yield kind.of, op[name]
            elif name in op:
                yield from kind.names(op[name])


def descriptor_of(op: Op) -> str:
    """Return the name of the map, program or link of an operation on any of them."""
    name: str = next(op[kind] for kind in DESCRIPTORS if kind in op)
    return name


def _given(op: Op, name: str) -> str:
    found: str = descriptor_of(op) if name == ANY else op[name]
    return found
