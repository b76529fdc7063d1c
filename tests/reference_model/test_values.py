# SPDX-License-Identifier: GPL-2.0-only
"""Types: sizes as a C compiler on x86-64 gives them, and values to bytes and back."""

from __future__ import annotations

import ctypes
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_model import (
    ENUM,
    KPTR,
    RES_SPIN_LOCK,
    S8,
    S16,
    S32,
    S64,
    SPIN_LOCK,
    STORAGE_KEY,
    TIMER,
    U8,
    U16,
    U32,
    U64,
    Array,
    Bytes,
    CgroupStorageKey,
    Struct,
    Type,
)
from reference_model.map_create import is_storage_key
from reference_model.values import Field

C_TYPES: dict[Type, Any] = {
    U8: ctypes.c_uint8,
    U16: ctypes.c_uint16,
    U32: ctypes.c_uint32,
    U64: ctypes.c_uint64,
    S8: ctypes.c_int8,
    S16: ctypes.c_int16,
    S32: ctypes.c_int32,
    S64: ctypes.c_int64,
    ENUM: ctypes.c_int32,
    Bytes(3): ctypes.c_char * 3,
    Array(U16, 3): ctypes.c_uint16 * 3,
    Struct(a=U8, b=U64): type(
        "Inner", (ctypes.Structure,), {"_fields_": [("a", ctypes.c_uint8), ("b", ctypes.c_uint64)]}
    ),
}
"""Types, and what the C compiler of this machine makes of them."""


@pytest.mark.parametrize("one", C_TYPES, ids=repr)
def test_sizes_and_alignments(one: Type) -> None:
    assert (one.size, one.align) == (ctypes.sizeof(C_TYPES[one]), ctypes.alignment(C_TYPES[one]))


@given(st.lists(st.sampled_from(list(C_TYPES)), min_size=1, max_size=6))
def test_structs_are_laid_out_as_in_c(members: list[Type]) -> None:
    named = {f"m{number}": member for number, member in enumerate(members)}
    ours = Struct(**named)
    fields = [(name, C_TYPES[member]) for name, member in named.items()]
    theirs: Any = type("Outer", (ctypes.Structure,), {"_fields_": fields})
    assert (ours.size, ours.align) == (ctypes.sizeof(theirs), ctypes.alignment(theirs))
    assert ours.offsets == {name: getattr(theirs, name).offset for name in named}


def test_the_key_of_16_bytes() -> None:
    """struct bpf_cgroup_storage_key, with 4 bytes of padding."""
    assert STORAGE_KEY.size == 16
    assert STORAGE_KEY.offsets == {"cgroup_inode_id": 0, "attach_type": 8}
    assert repr(STORAGE_KEY) == "STORAGE_KEY"
    assert CgroupStorageKey(7, 1) == (7, 1)


@pytest.mark.parametrize(
    ("one", "size", "align"),
    [(SPIN_LOCK, 4, 4), (RES_SPIN_LOCK, 4, 4), (TIMER, 16, 8), (KPTR, 8, 8)],
)
def test_special_fields(one: Type, size: int, align: int) -> None:
    """User space reads zeros and cannot write them."""
    assert (one.size, one.align) == (size, align)
    assert one.encode(b"\xff") == bytes(size)
    assert one.decode(b"\xff" * size) == 0


@given(st.integers(-(1 << 70), 1 << 70))
def test_integers_wrap_as_in_c(number: int) -> None:
    for one, c_type in list(C_TYPES.items())[:8]:
        assert one.decode(one.encode(number)) == c_type(number).value


def test_integers_are_little_endian() -> None:
    assert U32.encode(0x01020304) == struct.pack("<I", 0x01020304)
    assert S16.decode(b"\xfe\xff") == -2


@pytest.mark.parametrize("value", ["1", 1.0, None, [1], b"\1"])
def test_what_is_no_integer(value: object) -> None:
    with pytest.raises(TypeError, match="U64 takes an int"):
        U64.encode(value)


def test_bytes() -> None:
    assert Bytes(4).encode(b"ab") == b"ab\0\0"
    assert Bytes(4).encode(bytearray(b"abcd")) == b"abcd"
    assert Bytes(4).decode(bytearray(b"abcd")) == b"abcd"
    assert Bytes(0).encode(b"") == b""
    with pytest.raises(ValueError, match=r"Bytes\(4\) holds 4 bytes, not 5"):
        Bytes(4).encode(b"abcde")


@pytest.mark.parametrize(
    ("size", "number", "data"),
    [
        (16, 1, b"\1" + bytes(15)),
        (8, -1, b"\xff" * 8),
        (6, 0x1_0203_0405, b"\5\4\3\2\0\0"),  # a value smaller than 8: a word of 4
        (2, 0x10203, b"\3\2"),
    ],
)
def test_bytes_take_a_number_as_their_first_word(size: int, number: int, data: bytes) -> None:
    """The format of the traces: 8 bytes, or 4 where value_size < 8."""
    assert Bytes(size).encode(number) == data


def test_arrays() -> None:
    three = Array(U16, 3)
    assert three.encode([1, 2]) == b"\1\0\2\0\0\0"
    assert three.encode([1, 2, 3]) == b"\1\0\2\0\3\0"
    assert three.decode(b"\1\0\2\0\3\0") == [1, 2, 3]
    assert Array(three, 2).decode(bytes(12)) == [[0, 0, 0], [0, 0, 0]]
    with pytest.raises(ValueError, match=r"Array\(U16, 3\) holds 3 elements, not 4"):
        three.encode([1, 2, 3, 4])


def test_structs() -> None:
    both = Struct(n=U64, inner=Struct(a=U8, b=U32), lock=SPIN_LOCK)
    value = {"n": 1, "inner": {"a": 2, "b": 3}}
    assert both.decode(both.encode(value)) == value
    assert both.encode({"inner": {"b": 3}})[8:16] == b"\0\0\0\0\3\0\0\0"
    assert Struct().size == 0
    with pytest.raises(ValueError, match=r"has no member 'bytes'"):
        both.encode({"bytes": 1})
    with pytest.raises(TypeError, match="takes a dict, not 3"):
        both.encode(3)


def test_the_number_that_a_program_works_on() -> None:
    assert U64.field() == Bytes(100).field() == Array(U32, 2).field() == Field(0, 8)
    assert U32.field() == Bytes(7).field() == Field(0, 4)
    pair = Struct(small=U8, big=U64, list=Array(U8, 4))
    assert pair.field() == Field(0, 8)
    assert pair.field("small") == Field(0, 1)
    assert pair.field("big") == Field(8, 8)
    for name in ("list", "missing"):
        with pytest.raises(ValueError, match=f"no integer member '{name}'; it has: small, big"):
            pair.field(name)
    with pytest.raises(ValueError, match="it has: none"):
        Struct(name=Bytes(4)).field("name")
    with pytest.raises(ValueError, match="U64 has no field 'n': it is not a struct"):
        U64.field("n")


def test_equality_is_that_of_the_declaration() -> None:
    assert Struct(a=U64) == Struct(a=U64)
    assert hash(Struct(a=U64)) == hash(Struct(a=U64))
    assert Struct(a=U64) != Struct(b=U64)
    assert len({U32, S32, ENUM, SPIN_LOCK}) == 4
    assert U64 != "U64"
    assert repr(Struct(a=Array(U8, 2), b=Bytes(3))) == "Struct(a=Array(U8, 2), b=Bytes(3))"


def test_the_base_class_converts_nothing() -> None:
    for convert in (Type().encode, Type().decode):
        with pytest.raises(NotImplementedError):
            convert(b"")


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        (Struct(a=U64, b=U32), True),
        (Struct(a=U32, b=U64), False),
        (Struct(a=U64, b=U32, c=U32), False),
        (Struct(a=Struct(a=U64), b=U32), False),
        (Struct(a=U64, b=ENUM), False),
        (Struct(a=U64), False),
        (U64, True),
        (S64, True),
        (U32, False),
        (Bytes(8), False),
        (None, False),
    ],
    ids=repr,
)
def test_shapes_of_keys(key: Type | None, answer: bool) -> None:
    """The two points of the type's callback."""
    assert is_storage_key(key) is answer
