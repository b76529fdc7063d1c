# SPDX-License-Identifier: GPL-2.0-only
"""The types of keys and values in an object's BTF, as types of the model.

A key keeps its members, because the kernel looks at its shape.  Of a value the kernel looks at the
size and the special fields, such as a ``bpf_spin_lock``, at any depth.
"""

from __future__ import annotations

from collections.abc import Iterable

from .. import values
from ..values import Array, Field, Special, Struct, Type
from . import btf
from .btf import Btf

_SPECIALS: dict[str, Special] = {
    "bpf_spin_lock": values.SPIN_LOCK,
    "bpf_res_spin_lock": values.RES_SPIN_LOCK,
    "bpf_timer": values.TIMER,
}
_KPTRS = {"kptr", "kptr_untrusted", "percpu_kptr", "uptr"}


class ValueType(Struct):
    """The type of a value: its size in bytes, and the members that have special fields."""

    def __init__(self, size: int, members: Iterable[tuple[int, Type]] = ()) -> None:
        self.size, self.align = size, 1
        self.members, self.offsets = {}, {}
        for number, (offset, member) in enumerate(members):
            self.members[f"m{number}"], self.offsets[f"m{number}"] = member, offset
        self.name = f"ValueType({size})"

    def field(self, name: str | None = None) -> Field:
        """Where a number stands: ``name`` is its offset and its width, ``"8:4"``."""
        if name is None:
            return super().field()
        offset, _, width = name.partition(":")
        return Field(int(offset), int(width))


def value_type(types: Btf, number: int) -> ValueType:
    """The type of a value; Malformed if it has no size."""
    size = types.size(number)
    found = _special(types, number, {})
    return found if isinstance(found, ValueType) else ValueType(size)


def _special(types: Btf, number: int, known: dict[int, Type | None]) -> Type | None:
    """A type with special fields, or None; ``known`` has the types that were looked at before."""
    number = types.resolved_id(number)
    if number not in known:
        known[number] = None  # what is inside itself has no special fields
        known[number] = _described(types, number, known)
    return known[number]


def _described(types: Btf, number: int, known: dict[int, Type | None]) -> Type | None:
    found = types[number]
    if found.kind == btf.PTR and _KPTRS.intersection(types.tags(found.number)):
        return values.KPTR
    if found.kind == btf.ARRAY:
        kind, count = types.element(found)
        element = _special(types, kind, known)
        types.size(number)
        return element and Array(element, count)
    if found.kind != btf.STRUCT:
        return None
    if found.name in _SPECIALS:
        return _SPECIALS[found.name]
    inside = [
        (member.offset // 8, described)
        for member in types.members(found)
        if (described := _special(types, member.type, known)) is not None
    ]
    return ValueType(found.number, inside) if inside else None


def key_type(types: Btf, number: int) -> Type:
    """The type of a key, with its members if it is a struct; Malformed if it has no size."""
    found = types.resolved(number)
    if found.kind == btf.INT:
        bits, encoding = types.encoding(found)
        plain = {8: values.U8, 16: values.U16, 32: values.U32, 64: values.U64}
        if bits == 8 * found.number and bits in plain and not encoding & 6:
            return plain[bits]
    if found.kind == btf.STRUCT and found.length <= 16:
        members = list(types.members(found))
        simple = [_member(types, member.type) for member in members]
        shape = values.Struct(**{f"m{place}": one for place, one in enumerate(simple)})
        offsets = [member.offset for member in members]
        if shape.size == found.number and offsets == [8 * at for at in shape.offsets.values()]:
            return shape
    return ValueType(types.size(number))


def _member(types: Btf, number: int) -> Type:
    """The type of a member of a key: an integer, an enum, or bytes."""
    found = types.resolved(number)
    if found.kind == btf.INT and found.number in (1, 2, 4, 8):
        return values.Int(8 * found.number)
    if found.kind == btf.ENUM and found.number == 4:
        return values.ENUM
    return values.Bytes(types.size(number))
