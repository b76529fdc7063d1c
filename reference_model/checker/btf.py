# SPDX-License-Identifier: GPL-2.0-only
"""BTF, the types of an object, and the source lines of its instructions: ``.BTF``, ``.BTF.ext``.

Source: ``Documentation/bpf/btf.rst``.  Left out: relocations of CO-RE and function types.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from . import Malformed

MAGIC = 0xEB9F
INT, PTR, ARRAY, STRUCT, UNION, ENUM = 1, 2, 3, 4, 5, 6
TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, FUNC_PROTO, VAR, DATASEC = 8, 9, 10, 11, 12, 13, 14, 15
DECL_TAG, TYPE_TAG, ENUM64 = 17, 18, 19

_MODIFIERS = {TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG}
_MOST_STEPS = 64
"""A chain of types longer than this has a cycle, or nobody wrote it."""
_EXTRA = {INT: 4, VAR: 4, DECL_TAG: 4, ARRAY: 12}
_EACH = {STRUCT: 12, UNION: 12, ENUM: 8, FUNC_PROTO: 8, DATASEC: 12, ENUM64: 12}
_LAST_KIND = ENUM64


class Type(NamedTuple):
    """A type as it stands in the section."""

    kind: int
    name: str
    length: int
    """``vlen``: the number of members, values, parameters or variables."""
    flag: bool
    """``kind_flag``: a struct has bit-fields, or an enum is signed."""
    number: int
    """The size in bytes, or the id of the type that this one is about."""
    at: int
    """Where what belongs to its kind begins in the section."""


class Member(NamedTuple):
    """A member of a struct or union, or a variable of a section."""

    name: str
    type: int
    offset: int
    """In bits for a member, in bytes for a variable."""
    size: int = 0
    """Of a variable, in bytes."""


class Btf:
    """The types of an object by their ids; Malformed if the section cannot be read."""

    def __init__(self, data: bytes, order: str) -> None:
        """Read a section; ``order`` is ``<`` or ``>``, as of the object."""
        self._data, self._order = data, order
        head = self._unpack("HBBIIIII", 0)
        magic, _, _, length, type_at, type_size, text_at, text_size = head
        if magic != MAGIC:
            raise Malformed("the section .BTF does not begin with 0xeb9f")
        self._text = data[length + text_at : length + text_at + text_size]
        self.types: list[Type] = [Type(0, "void", 0, False, 0, 0)]
        at, end = length + type_at, length + type_at + type_size
        if end > len(data):
            raise Malformed("the section .BTF ends before its last type")
        while at < end:
            name, info, number = self._unpack("III", at)
            kind, count = info >> 24 & 0x1F, info & 0xFFFF
            if not 0 < kind <= _LAST_KIND:
                raise Malformed(f"the type {len(self.types)} of .BTF has the unknown kind {kind}")
            at += 12
            self.types.append(Type(kind, self.text(name), count, bool(info >> 31), number, at))
            at += _EXTRA.get(kind, 0) + _EACH.get(kind, 0) * count

    def _unpack(self, form: str, at: int) -> tuple[int, ...]:
        try:
            return struct.unpack_from(self._order + form, self._data, at)
        except struct.error:
            raise Malformed("the section .BTF is too short") from None

    def text(self, at: int) -> str:
        """The string at an offset."""
        end = self._text.find(b"\0", at)
        return self._text[at : max(end, at)].decode("utf-8", "replace")

    def __getitem__(self, number: int) -> Type:
        """The type of an id; Malformed if there is none."""
        if not 0 <= number < len(self.types):
            raise Malformed(f".BTF has no type {number}")
        return self.types[number]

    def resolved(self, number: int) -> Type:
        """The type of an id without typedefs, const and the like."""
        return self[self.resolved_id(number)]

    def resolved_id(self, number: int) -> int:
        """The id of a type without typedefs, const and the like; Malformed at a cycle."""
        for _ in range(_MOST_STEPS):
            found = self[number]
            if found.kind not in _MODIFIERS:
                return number
            number = found.number
        raise Malformed(f"the type {number} of .BTF is defined by itself")

    def tags(self, number: int) -> Iterator[str]:
        """The type tags on the way to a pointer's target, such as ``kptr``."""
        for _ in range(_MOST_STEPS):
            found = self[number]
            if found.kind == TYPE_TAG:
                yield found.name
            if found.kind not in _MODIFIERS:
                return
            number = found.number

    def members(self, of: Type) -> Iterator[Member]:
        """The members of a struct or union."""
        for number in range(of.length):
            name, kind, offset = self._unpack("III", of.at + 12 * number)
            yield Member(self.text(name), kind, offset & 0xFFFFFF if of.flag else offset)

    def variables(self, section: str) -> Iterator[Member]:
        """The variables of a section such as ``.maps``; their offsets may all be 0."""
        for found in self.types:
            if found.kind == DATASEC and found.name == section:
                for number in range(found.length):
                    variable, offset, size = self._unpack("III", found.at + 12 * number)
                    yield Member(self[variable].name, self[variable].number, offset, size)

    def element(self, array: Type) -> tuple[int, int]:
        """The type of an array's elements, and their number."""
        kind, _, count = self._unpack("III", array.at)
        return kind, count

    def encoding(self, integer: Type) -> tuple[int, int]:
        """The width of an integer in bits, and its encoding: 1 signed, 2 char, 4 bool."""
        (info,) = self._unpack("I", integer.at)
        return info & 0xFF, info >> 24 & 0xF

    def size(self, number: int) -> int:
        """The size of a type in bytes, 8 for a pointer; Malformed if it has none."""
        times = 1
        for _ in range(_MOST_STEPS):
            found = self.resolved(number)
            if found.kind != ARRAY:
                break
            number, count = self.element(found)
            times *= count
        else:
            raise Malformed(f"the type {number} of .BTF is defined by itself")
        if found.kind not in (INT, STRUCT, UNION, ENUM, ENUM64, PTR):
            raise Malformed(f"the type {number} of .BTF has no size")
        size = 8 if found.kind == PTR else found.number
        if size * times >= 1 << 32:
            raise Malformed(f"the type {number} of .BTF has more than 32 bits of bytes")
        return size * times


def lines(data: bytes, order: str, btf: Btf) -> dict[str, list[tuple[int, str]]]:
    """The source lines of ``.BTF.ext``: by section the byte of an instruction, and file:line."""
    found: dict[str, list[tuple[int, str]]] = {}
    try:
        length = struct.unpack_from(f"{order}I", data, 4)[0]
        at, size = struct.unpack_from(f"{order}II", data, 16)
        at, end = length + at, min(length + at + size, len(data))
        (each,) = struct.unpack_from(f"{order}I", data, at)
        at += 4
        if each < 16:
            return found
        while at + 8 <= end:
            name, count = struct.unpack_from(f"{order}II", data, at)
            at += 8
            section = found.setdefault(btf.text(name), [])
            for _ in range(min(count, (end - at) // each)):
                offset, file, _, place = struct.unpack_from(f"{order}IIII", data, at)
                section.append((offset, f"{btf.text(file).rsplit('/', 1)[-1]}:{place >> 10}"))
                at += each
            section.sort()
    except struct.error:
        pass  # lines are a help only: without them a place is an instruction
    return found
