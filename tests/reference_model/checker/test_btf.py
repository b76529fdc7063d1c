# SPDX-License-Identifier: GPL-2.0-only
"""The reader of BTF agrees with ``bpftool btf dump -j`` on every type."""

from __future__ import annotations

import json
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support_objects import COUNT, MAP, compiled, needs_compiler

from reference_model.checker import Malformed, btf, elf
from reference_model.checker.btf import Btf, lines
from reference_model.checker.value_types import value_type
from reference_model.special_fields import kinds

TYPES = """
enum colour { RED = -1, GREEN, BLUE };
enum wide { BIG = 1ULL << 40 };
union either { __u32 number; char text[12]; };
typedef const struct node {
	struct node *next;
	int bits : 3, more : 5;
	volatile enum colour colour;
	enum wide wide;
	union either either[2][3];
	__u64 (*call)(struct node *, int);
	_Bool flag;
} node_t;
node_t nodes[4] = { { .bits = 1 } };
int forward(struct unknown *unknown) { return !unknown; }
"""

KINDS = {
    "INT": btf.INT,
    "PTR": btf.PTR,
    "ARRAY": btf.ARRAY,
    "STRUCT": btf.STRUCT,
    "UNION": btf.UNION,
    "ENUM": btf.ENUM,
    "FWD": 7,
    "TYPEDEF": btf.TYPEDEF,
    "VOLATILE": btf.VOLATILE,
    "CONST": btf.CONST,
    "RESTRICT": btf.RESTRICT,
    "FUNC": btf.FUNC,
    "FUNC_PROTO": btf.FUNC_PROTO,
    "VAR": btf.VAR,
    "DATASEC": btf.DATASEC,
    "FLOAT": 16,
    "DECL_TAG": btf.DECL_TAG,
    "TYPE_TAG": btf.TYPE_TAG,
    "ENUM64": btf.ENUM64,
}


def dumped(types: Btf, number: int) -> dict[str, Any]:
    """A type as bpftool prints it, as far as the check reads it."""
    found = types[number]
    shown: dict[str, Any] = {"id": number, "kind": found.kind, "name": found.name or "(anon)"}
    if found.kind == btf.INT:
        bits, encoding = types.encoding(found)
        shown |= {"size": found.number, "nr_bits": bits, "encoding": encoding}
    elif found.kind in (btf.STRUCT, btf.UNION):
        shown |= {"size": found.number, "vlen": found.length}
        shown["members"] = [
            {"name": one.name or "(anon)", "type_id": one.type, "bits_offset": one.offset}
            for one in types.members(found)
        ]
    elif found.kind == btf.ARRAY:
        kind, count = types.element(found)
        shown |= {"type_id": kind, "nr_elems": count}
    elif found.kind in (btf.PTR, btf.TYPEDEF, btf.CONST, btf.VOLATILE, btf.VAR, btf.FUNC):
        shown["type_id"] = found.number
    elif found.kind == btf.DATASEC:
        shown["vars"] = [(one.offset, one.size) for one in types.variables(found.name)]
    return shown


ENCODINGS = {"(none)": 0, "SIGNED": 1, "CHAR": 2, "BOOL": 4}


def expected(one: dict[str, Any]) -> dict[str, Any]:
    """The same of what bpftool prints."""
    shown: dict[str, Any] = {"id": one["id"], "kind": KINDS[one["kind"]], "name": one["name"]}
    kind = one["kind"]
    if kind == "INT":
        shown |= {"size": one["size"], "nr_bits": one["nr_bits"]}
        shown["encoding"] = ENCODINGS[one["encoding"]]
    elif kind in ("STRUCT", "UNION"):
        shown |= {"size": one["size"], "vlen": one["vlen"]}
        shown["members"] = [
            {name: member[name] for name in ("name", "type_id", "bits_offset")}
            for member in one["members"]
        ]
    elif kind == "ARRAY":
        shown |= {"type_id": one["type_id"], "nr_elems": one["nr_elems"]}
    elif kind in ("PTR", "TYPEDEF", "CONST", "VOLATILE", "VAR", "FUNC"):
        shown["type_id"] = one["type_id"]
    elif kind == "DATASEC":
        shown["vars"] = [(part["offset"], part["size"]) for part in one["vars"]]
    return shown


@needs_compiler
@pytest.mark.parametrize("text", [MAP + COUNT, MAP + COUNT + TYPES], ids=["map", "types"])
def test_it_reads_what_bpftool_reads(tmp_path: Path, text: str) -> None:
    (tmp_path / "one.o").write_bytes(compiled(text))
    shown = subprocess.run(
        ["bpftool", "-j", "btf", "dump", "file", tmp_path / "one.o"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    wanted = json.loads(shown)["types"]
    types = section(compiled(text))
    assert len(types.types) == len(wanted) + 1
    assert [dumped(types, one["id"]) for one in wanted] == list(map(expected, wanted))


def section(data: bytes) -> Btf:
    found = elf.read(data)
    types = found.section(".BTF")
    assert types is not None
    return Btf(types.data, found.order)


@needs_compiler
def test_sizes() -> None:
    types = section(compiled(TYPES))
    by_name = {one.name: number for number, one in enumerate(types.types) if one.name}
    assert types.size(by_name["either"]) == 12
    assert types.size(by_name["node_t"]) == types[by_name["node"]].number
    (array,) = (v.type for v in types.variables(".rodata"))
    assert types.size(array) == 4 * types[by_name["node"]].number


@needs_compiler
def test_big_endian_is_the_same() -> None:
    little, big = (section(compiled(MAP + TYPES, "-g", f"--target={one}"))
                   for one in ("bpfel", "bpfeb"))  # fmt: skip
    assert [one[:5] for one in little.types] == [one[:5] for one in big.types]


@needs_compiler
def test_lines() -> None:
    found = elf.read(compiled(MAP + COUNT))
    more = found.section(".BTF.ext")
    assert more is not None
    shown = lines(more.data, "<", section(compiled(MAP + COUNT)))
    offsets = [offset for offset, _ in shown["cgroup_skb/egress"]]
    assert offsets == sorted(offsets)
    assert offsets[0] == 0
    assert all(place.startswith("<stdin>:") for _, place in shown["cgroup_skb/egress"])
    assert lines(more.data[:30], "<", section(compiled(MAP + COUNT))) == {}
    assert lines(b"", "<", section(compiled(MAP + COUNT))) == {}


# -- sections that no compiler writes --------------------------------------------------------------


def made(*types: bytes, names: bytes = b"\0one\0") -> bytes:
    """A section with these types."""
    data = b"".join(types)
    head = struct.pack("<HBBIIIII", btf.MAGIC, 1, 0, 24, 0, len(data), len(data), len(names))
    return head + data + names


def one(kind: int, number: int, length: int = 0, more: bytes = b"") -> bytes:
    return struct.pack("<III", 1, kind << 24 | length, number) + more


def test_a_cycle_of_typedefs_ends() -> None:
    types = Btf(made(one(btf.TYPEDEF, 2), one(btf.CONST, 1)), "<")
    with pytest.raises(Malformed, match="is defined by itself"):
        types.resolved(1)
    assert list(types.tags(1)) == []


def test_an_array_of_itself_has_no_size() -> None:
    types = Btf(made(one(btf.ARRAY, 0, more=struct.pack("<III", 1, 1, 1))), "<")
    with pytest.raises(Malformed, match="is defined by itself"):
        types.size(1)


def test_a_struct_in_itself_has_no_special_fields() -> None:
    members = struct.pack("<III", 1, 1, 0) * 50
    types = Btf(made(one(btf.STRUCT, 8, 50, members)), "<")
    assert kinds(value_type(types, 1)) == set()


def test_too_many_bytes() -> None:
    element = one(btf.INT, 8, more=struct.pack("<I", 64))
    types = Btf(made(element, one(btf.ARRAY, 0, more=struct.pack("<III", 1, 1, 1 << 31))), "<")
    with pytest.raises(Malformed, match="more than 32 bits"):
        types.size(2)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "too short"),
        (b"\0" * 24, "does not begin with 0xeb9f"),
        (made(one(btf.INT, 4, more=bytes(4)))[:30], "ends before its last type"),
        (made(one(31, 4)), "unknown kind 31"),
        (made(one(0, 4)), "unknown kind 0"),
    ],
)
def test_a_malformed_section(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        Btf(data, "<")


def test_a_type_that_does_not_exist() -> None:
    with pytest.raises(Malformed, match="no type 7"):
        Btf(made(one(btf.PTR, 7)), "<").resolved(7)


def test_a_hundred_thousand_types() -> None:
    types = Btf(made(*(one(btf.PTR, number) for number in range(100_000))), "<")
    assert types.size(100_000) == 8
