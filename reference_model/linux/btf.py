# SPDX-License-Identifier: GPL-2.0-only
"""BTF: a blob that describes value types, and what the kernel's own BTF says of its code.

The format is that of ``Documentation/bpf/btf.rst`` and ``include/uapi/linux/btf.h``.  Left out:
everything that ``values`` has no type for.
"""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path

from ..values import KPTR, RES_SPIN_LOCK, SPIN_LOCK, TIMER, Array, Bytes, Int, Special, Struct, Type

MAGIC, HEADER = 0xEB9F, struct.Struct("<HBBIIIII")
INT, PTR, ARRAY, STRUCT, UNION, ENUM, FUNC, TYPE_TAG = 1, 2, 3, 4, 5, 6, 12, 18
_MODIFIERS = (8, 9, 10, 11, TYPE_TAG)
"""TYPEDEF, VOLATILE, CONST, RESTRICT and TYPE_TAG: kinds that only name another type."""
SIGNED = 1 << 24
"""In the word after an INT: BTF_INT_SIGNED."""

_VMLINUX = Path("/sys/kernel/btf/vmlinux")

# The words that follow a type, beside those for each of its members: kind -> (fixed, each).
_EXTRA = {1: (4, 0), 3: (12, 0), 4: (0, 12), 5: (0, 12), 6: (0, 8), 13: (0, 8), 14: (4, 0)}
_EXTRA |= {15: (0, 12), 17: (4, 0), 19: (0, 12)}


class Builder:
    """Collects types; the same type is described once.

    ``tags`` says whether the kernel supports BTF_KIND_TYPE_TAG (5.17), which a kptr needs.
    """

    def __init__(self, *, tags: bool = True) -> None:
        self.tags = tags
        self._strings = bytearray(1)
        self._types: list[bytes] = []
        self._ids: dict[object, int] = {}

    def add(self, described: Type) -> int:
        """The id of a type, described with all that it is made of."""
        known = self._ids.get(described)
        if known is None:
            known = self._ids[described] = self._describe(described)
        return known

    def blob(self) -> bytes:
        """Header, types and strings, as BPF_BTF_LOAD takes them."""
        types, strings = b"".join(self._types), bytes(self._strings)
        sizes = (0, len(types), len(types), len(strings))
        return HEADER.pack(MAGIC, 1, 0, HEADER.size, *sizes) + types + strings

    def _describe(self, described: Type) -> int:
        if isinstance(described, Special):
            return self._special(described)
        if isinstance(described, Int):
            if described.kind == "ENUM":
                return self._type("", ENUM, 4, self._string("ZERO"), 0, vlen=1)
            return self._int(described.name, described.size, signed=described.signed)
        if isinstance(described, Struct):
            return self._struct("", described)
        if isinstance(described, Bytes):
            return self._array(self._named("char", 1, signed=True), described.size)
        if isinstance(described, Array):
            return self._array(self.add(described.element), described.length)
        raise TypeError(f"no BTF for {described!r}")

    def _special(self, special: Special) -> int:
        if special is KPTR:
            target = self._type("task_struct", STRUCT, 0)
            if self.tags:
                target = self._type("kptr", TYPE_TAG, target)
            return self._type("", PTR, target)
        if special is TIMER:
            words = self._array(self._named("U64", 8), 2)
            member = (self._string("__opaque"), words, 0)
            return self._type("bpf_timer", STRUCT, special.size, *member, vlen=1)
        name = {SPIN_LOCK: "bpf_spin_lock", RES_SPIN_LOCK: "bpf_res_spin_lock"}[special]
        member = (self._string("val"), self._named("U32", 4), 0)
        return self._type(name, STRUCT, special.size, *member, vlen=1)

    def _struct(self, name: str, described: Struct) -> int:
        words: list[int] = []
        for member, member_type in described.members.items():
            offset = 8 * described.offsets[member]
            words += self._string(member), self.add(member_type), offset
        return self._type(name, STRUCT, described.size, *words, vlen=len(described.members))

    def _array(self, element: int, length: int) -> int:
        return self._type("", ARRAY, 0, element, self._named("U32", 4), length)

    def _named(self, name: str, size: int, *, signed: bool = False) -> int:
        known = self._ids.get(name)
        if known is None:
            known = self._ids[name] = self._int(name, size, signed=signed)
        return known

    def _int(self, name: str, size: int, *, signed: bool) -> int:
        return self._type(name, INT, size, (SIGNED if signed else 0) | 8 * size)

    def _type(self, name: str, kind: int, size_or_type: int, *words: int, vlen: int = 0) -> int:
        """Append a type; the words are those that follow ``struct btf_type``."""
        info = kind << 24 | vlen
        text = self._string(name)
        self._types.append(struct.pack(f"<{3 + len(words)}I", text, info, size_or_type, *words))
        return len(self._types)

    def _string(self, text: str) -> int:
        if not text:
            return 0
        offset = len(self._strings)
        self._strings += text.encode() + b"\0"
        return offset


@cache
def kernel_functions() -> dict[str, int]:
    """The running kernel's own functions by name, with their BTF ids; none without BTF."""
    return {name: number for name, (kind, number) in _kernel_types().items() if kind == FUNC}


def member_offset(of: str, path: str) -> int:
    """The offset in bytes of a member of a kernel's struct, such as ``"sk_cgrp_data.cgroup"``.

    KeyError if the running kernel's BTF has no such struct or member.
    """
    data, strings, types = _kernel_btf()
    kind, number = _kernel_types()[of]
    if kind != STRUCT:
        raise KeyError(of)
    offset = 0
    for name in path.split("."):
        below, number = _member(data, strings, types, number, name)
        offset += below
    return offset


def _member(data: bytes, strings: int, types: list[int], number: int, name: str) -> tuple[int, int]:
    """The offset and the type of a member, which may stand in a member without a name."""
    while True:
        _, info, size_or_type = struct.unpack_from("<III", data, types[number])
        if info >> 24 & 0x1F not in _MODIFIERS:
            break
        number = size_or_type
    if info >> 24 & 0x1F not in (STRUCT, UNION):
        raise KeyError(name)
    for at in range(types[number] + 12, types[number] + 12 + 12 * (info & 0xFFFF), 12):
        text, kind, bits = struct.unpack_from("<III", data, at)
        offset = (bits & 0xFFFFFF if info >> 31 else bits) // 8
        if _text(data, strings + text) == name:
            return offset, kind
        if not text:
            try:
                below, found = _member(data, strings, types, kind, name)
            except KeyError:
                continue
            return offset + below, found
    raise KeyError(name)


@cache
def _kernel_btf() -> tuple[bytes, int, list[int]]:
    """The running kernel's BTF, where its strings begin, and where each type does."""
    try:
        data = _VMLINUX.read_bytes()
    except OSError:
        return b"", 0, []
    _, _, _, header, type_at, type_size, string_at, _ = HEADER.unpack_from(data)
    at, end = header + type_at, header + type_at + type_size
    unpack = struct.Struct("<I").unpack_from
    types = [0]
    while at < end:
        types.append(at)
        (info,) = unpack(data, at + 4)
        fixed, each = _EXTRA.get(info >> 24 & 0x1F, (0, 0))
        at += 12 + fixed + each * (info & 0xFFFF)
    return data, header + string_at, types


@cache
def _kernel_types() -> dict[str, tuple[int, int]]:
    """The functions and structs of the running kernel: their kinds and BTF ids by name."""
    data, strings, types = _kernel_btf()
    found: dict[str, tuple[int, int]] = {}
    unpack = struct.Struct("<II").unpack_from
    for number, at in enumerate(types[1:], start=1):
        text, info = unpack(data, at)
        kind = info >> 24 & 0x1F
        if kind in (FUNC, STRUCT):
            found[_text(data, strings + text)] = kind, number
    return found


def _text(data: bytes, at: int) -> str:
    return data[at : data.index(0, at)].decode()
