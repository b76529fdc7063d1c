# SPDX-License-Identifier: GPL-2.0-only
"""Types of keys and values: how Python values become a map's bytes, and how BTF sees them.

Modelled: C types on x86-64, little endian with natural alignment, and what ``kernel/bpf/btf.c``
describes them to ``map_check_btf()``.  Left out: bit-fields, unions, pointers.

A value of an integer type is an ``int``, of a struct a ``dict``, of an array a ``list``, of
``Bytes`` a ``bytes``; what is not given is zero.

>>> packets = Struct(packets=U64, bytes=U64)
>>> packets
Struct(packets=U64, bytes=U64)
>>> packets.size, packets.encode({"packets": 1})[:2]
(16, b'\\x01\\x00')
>>> packets.decode(bytes(16))
{'packets': 0, 'bytes': 0}
"""

from __future__ import annotations

from typing import Any, NamedTuple

Value = Any
"""A Python value of some type: an int, dict, list or bytes."""
Key = Any
"""The key of an entry: ``(cgroup, attach_type)``, a cgroup, or a number."""
Bits64 = int
"""A number of 64 bits without a sign; other numbers in the interface have 32."""


class Field(NamedTuple):
    """Where a number stands in a value: offset and width in bytes."""

    offset: int
    width: int


class Type:
    """A C type: its size and alignment in bytes, and the conversion of its values."""

    name: str
    size: int
    align: int = 1

    def __repr__(self) -> str:
        return self.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Type) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def encode(self, value: Value) -> bytes:
        """The bytes of a value; TypeError or ValueError name what does not fit."""
        raise NotImplementedError

    def decode(self, data: bytes | bytearray | memoryview) -> Value:
        """The value that stands in these bytes, ``size`` of them."""
        raise NotImplementedError

    def field(self, name: str | None = None) -> Field:
        """Where the number called ``name`` stands; None: the first word of the value.

        The first word is the first 8 bytes, or the first 4 of a value smaller than 8.
        """
        if name is None:
            return Field(0, 8 if self.size >= 8 else 4)
        raise ValueError(f"{self!r} has no field {name!r}: it is not a struct")


def _count(number: int, kind: str) -> int:
    """A number of elements or bytes, which Linux keeps in 32 bits."""
    if not isinstance(number, int):
        raise TypeError(f"{kind} takes a number, not {number!r}")
    if not 0 <= number < 1 << 32:
        raise ValueError(f"{kind} takes 0 to {(1 << 32) - 1} elements and bytes, not {number}")
    return number


class Int(Type):
    """An integer of 1, 2, 4 or 8 bytes; larger numbers wrap as in C."""

    def __init__(self, bits: int, *, signed: bool = False, kind: str = "INT") -> None:
        self.name = f"{'S' if signed else 'U'}{bits}" if kind == "INT" else kind
        self.size = self.align = bits // 8
        self.signed = signed
        self.kind = kind

    def encode(self, value: Value) -> bytes:
        """Little endian, wrapped to the width; TypeError unless it is an int."""
        if not isinstance(value, int):
            raise TypeError(f"{self!r} takes an int, not {value!r}")
        return (value & (1 << 8 * self.size) - 1).to_bytes(self.size, "little")

    def decode(self, data: bytes | bytearray | memoryview) -> int:
        """The integer in these bytes."""
        return int.from_bytes(data, "little", signed=self.signed)


class Bytes(Type):
    """``n`` bytes without structure, ``char[n]``; a shorter value is filled up with zeros.

    An ``int`` is taken as the first word, as the traces do.
    """

    def __init__(self, size: int) -> None:
        self.size = _count(size, "Bytes")
        self.name = f"Bytes({size})"

    def encode(self, value: Value) -> bytes:
        """The bytes, zero-filled to the size; ValueError if there are too many."""
        if isinstance(value, int):
            width = min(self.size, self.field().width)
            value = (value & (1 << 8 * width) - 1).to_bytes(width, "little")
        data = bytes(value)
        if len(data) > self.size:
            raise ValueError(f"{self!r} holds {self.size} bytes, not {len(data)}")
        return data.ljust(self.size, b"\0")

    def decode(self, data: bytes | bytearray | memoryview) -> bytes:
        """The bytes themselves."""
        return bytes(data)


class Array(Type):
    """``n`` elements of one type, in order."""

    def __init__(self, element: Type, length: int) -> None:
        if not isinstance(element, Type):
            raise TypeError(f"Array takes a type such as U64, not {element!r}")
        self.element, self.length = element, _count(length, "Array")
        _count(element.size * length, "Array")
        self.size, self.align = element.size * length, element.align
        self.name = f"Array({element!r}, {length})"

    def encode(self, value: Value) -> bytes:
        """The elements in order; ValueError if there are too many."""
        items = list(value)
        if len(items) > self.length:
            raise ValueError(f"{self!r} holds {self.length} elements, not {len(items)}")
        return b"".join(map(self.element.encode, items)).ljust(self.size, b"\0")

    def decode(self, data: bytes | bytearray | memoryview) -> list[Value]:
        """The list of the elements' values."""
        step = self.element.size
        return [self.element.decode(data[i * step : (i + 1) * step]) for i in range(self.length)]


class Special(Type):
    """A field that the kernel itself uses: user space reads zeros and cannot write it."""

    def __init__(self, name: str, size: int, align: int) -> None:
        self.name, self.size, self.align = name, size, align

    def encode(self, value: Value) -> bytes:
        """Zeros, whatever is given."""
        return bytes(self.size)

    def decode(self, data: bytes | bytearray | memoryview) -> int:
        """Zero, always."""
        return 0


class Struct(Type):
    """A C struct: members in order, each aligned to its size, padded at the end.

    Values are dicts.  Special fields are not shown in them.

    >>> Struct(id=U64, kind=U32).size
    16
    """

    def __init__(self, /, **members: Type) -> None:
        for name, member in members.items():
            if not isinstance(member, Type):
                raise TypeError(f"member {name} of a Struct is a type such as U64, not {member!r}")
        self.members = members
        self.offsets: dict[str, int] = {}
        end = 0
        self.align = max((member.align for member in members.values()), default=1)
        for name, member in members.items():
            self.offsets[name] = -(-end // member.align) * member.align
            end = self.offsets[name] + member.size
        self.size = -(-end // self.align) * self.align
        self.name = f"Struct({', '.join(f'{n}={t!r}' for n, t in members.items())})"

    def encode(self, value: Value) -> bytes:
        """The members at their offsets, zeros between; ValueError names an unknown member."""
        if not isinstance(value, dict):
            raise TypeError(f"{self!r} takes a dict, not {value!r}")
        data = bytearray(self.size)
        for name, item in value.items():
            if name not in self.members:
                raise ValueError(f"{self!r} has no member {name!r}")
            part = self.members[name].encode(item)
            data[self.offsets[name] : self.offsets[name] + len(part)] = part
        return bytes(data)

    def decode(self, data: bytes | bytearray | memoryview) -> dict[str, Value]:
        """A dict of the members, without special fields."""
        return {
            name: member.decode(data[self.offsets[name] : self.offsets[name] + member.size])
            for name, member in self.members.items()
            if not isinstance(member, Special)
        }

    def field(self, name: str | None = None) -> Field:
        """Where the member stands; ValueError lists the integers that there are."""
        if name is None:
            return super().field()
        member = self.members.get(name)
        if not isinstance(member, Int):
            known = ", ".join(n for n, t in self.members.items() if isinstance(t, Int)) or "none"
            raise ValueError(f"{self!r} has no integer member {name!r}; it has: {known}")
        return Field(self.offsets[name], member.size)


U8, U16, U32, U64 = (Int(bits) for bits in (8, 16, 32, 64))
S8, S16, S32, S64 = (Int(bits, signed=True) for bits in (8, 16, 32, 64))
ENUM = Int(32, kind="ENUM")
"""A C enum of 4 bytes: to BTF not an integer."""

SPIN_LOCK = Special("SPIN_LOCK", 4, 4)
"""``struct bpf_spin_lock``"""
RES_SPIN_LOCK = Special("RES_SPIN_LOCK", 4, 4)
"""``struct bpf_res_spin_lock``"""
TIMER = Special("TIMER", 16, 8)
"""``struct bpf_timer``"""
KPTR = Special("KPTR", 8, 8)
"""A pointer member marked ``__kptr``"""


class CgroupStorageKey(NamedTuple):
    """``struct bpf_cgroup_storage_key``: 16 bytes, the last 4 of them padding.

    ``cgroup_inode_id`` is the cgroup's id, ``attach_type`` an AttachType.
    """

    cgroup_inode_id: int
    attach_type: Any


class _StorageKey(Struct):
    """The struct as a map's key type: its values are CgroupStorageKey tuples."""

    def __init__(self) -> None:
        super().__init__(cgroup_inode_id=U64, attach_type=U32)
        self.name = "STORAGE_KEY"


STORAGE_KEY = _StorageKey()
"""The key type of 16 bytes, ``struct bpf_cgroup_storage_key``."""
