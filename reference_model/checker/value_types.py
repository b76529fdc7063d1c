# SPDX-License-Identifier: GPL-2.0-only
"""The types of keys and values in an object's BTF, as types of the model.

A key keeps its members, because the kernel looks at its shape.  Of a value the kernel looks at the
size and the special fields, such as a ``bpf_spin_lock``, at any depth.
"""

from __future__ import annotations

from .. import values
from ..values import Field, Special, Type
from . import btf
from .btf import Btf

_SPECIALS: dict[str, Special] = {
    "bpf_spin_lock": values.SPIN_LOCK,
    "bpf_res_spin_lock": values.RES_SPIN_LOCK,
    "bpf_timer": values.TIMER,
}
_KPTRS = {"kptr", "kptr_untrusted", "percpu_kptr", "uptr"}


class ValueType(Type):
    """The type of a value: its size in bytes, and where its special fields stand."""

    def __init__(self, size: int, special: dict[Special, Field] | None = None) -> None:
        self.size = size
        self._special = special or {}
        self.nested_lock = False
        """Whether a spin lock is a member of a member; old kernels do not find it there."""
        self.name = f"ValueType({size}, {self._special})"

    def specials(self) -> dict[Special, Field]:
        """The special fields inside, and where they stand."""
        return self._special

    def field(self, name: str | None = None) -> Field:
        """Where a number stands: ``name`` is its offset and its width, ``"8:4"``."""
        if name is None:
            return super().field()
        offset, _, width = name.partition(":")
        return Field(int(offset), int(width))


def value_type(types: Btf, number: int) -> ValueType:
    """The type of a value; Malformed if it has no size."""
    found = ValueType(types.size(number), _special_fields(types, number, {}))
    value = types.resolved(number)
    names = (
        [types.resolved(member.type).name for member in types.members(value)]
        if (value.kind == btf.STRUCT)
        else []
    )
    found.nested_lock = values.SPIN_LOCK in found.specials() and "bpf_spin_lock" not in names
    return found


def _special_fields(
    types: Btf, number: int, known: dict[int, dict[Special, Field]]
) -> dict[Special, Field]:
    """The special fields of a type; ``known`` has those of the types that were looked at before."""
    number = types.resolved_id(number)
    if number in known:
        return known[number]
    fields = known[number] = {}
    found = types[number]
    if found.kind == btf.PTR:
        if _KPTRS.intersection(types.tags(found.number)):
            fields[values.KPTR] = Field(0, 8)
    elif found.kind == btf.STRUCT and found.name in _SPECIALS:
        fields[_SPECIALS[found.name]] = Field(0, found.number)
    elif found.kind == btf.STRUCT:
        for member in types.members(found):
            for special, field in _special_fields(types, member.type, known).items():
                fields[special] = Field(member.offset // 8 + field.offset, field.width)
    return fields


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
