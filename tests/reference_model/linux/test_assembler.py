# SPDX-License-Identifier: GPL-2.0-only
"""The bytecode of steps, and the BTF of types: what a kernel is given, seen without a kernel.

The instructions are run by an interpreter of the ones that are used, after the kernel's
``Documentation/bpf/standardization/instruction-set.rst``; what they do to the values must be what
the model's own steps do.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    BPF_MAP_TYPE_PROG_ARRAY,
    BPF_PROG_TYPE_CGROUP_SKB,
    ENUM,
    KPTR,
    S32,
    SPIN_LOCK,
    STORAGE_KEY,
    TIMER,
    U8,
    U16,
    U32,
    U64,
    Add,
    Array,
    BitVerdict,
    Bytes,
    Call,
    Copy,
    Denied,
    Flush,
    Guard,
    Kernel,
    MapFd,
    Mention,
    Mix,
    Return,
    SetRetval,
    Step,
    Store,
    Struct,
    TailCall,
    Type,
    Verdict,
)
from reference_model.linux.assembler import HELPERS, program
from reference_model.linux.btf import HEADER, MAGIC, Builder

EGRESS = BPF_CGROUP_INET_EGRESS
MASK = (1 << 64) - 1


class Insn(NamedTuple):
    """An instruction of 8 bytes, decoded."""

    code: int
    dst: int
    src: int
    off: int
    imm: int


def decode(code: bytes) -> list[Insn]:
    parts = struct.iter_unpack("<BBhi", code)
    return [Insn(code, regs & 15, regs >> 4, off, imm) for code, regs, off, imm in parts]


def assemble(*steps: Step, helper_flags: int = 0) -> bytes:
    return program(steps, maps=lambda m: m.id, helper_flags=helper_flags)


# -- exact instructions ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kernel() -> Kernel:
    return Kernel("latest")


@pytest.fixture(scope="module")
def counts(kernel: Kernel) -> MapFd:
    return kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64)


@pytest.fixture(scope="module")
def array(kernel: Kernel) -> MapFd:
    return kernel.map_create(BPF_MAP_TYPE_PROG_ARRAY, U32, U32, max_entries=4)


def storage(map: MapFd, flags: int = 0) -> list[Insn]:
    """r0 = bpf_get_local_storage(map, flags)"""
    return [
        Insn(0x18, 1, 1, 0, map.id),  # r1 = the map, BPF_PSEUDO_MAP_FD
        Insn(0x00, 0, 0, 0, 0),
        Insn(0xB7, 2, 0, 0, flags),  # r2 = flags
        Insn(0x85, 0, 0, 0, 81),
    ]


ALLOW = [Insn(0xB7, 0, 0, 0, 1), Insn(0x95, 0, 0, 0, 0)]


def test_an_empty_body_allows() -> None:
    assert decode(assemble()) == ALLOW


def test_add_is_atomic(counts: MapFd) -> None:
    added = [Insn(0xB7, 1, 0, 0, 5), Insn(0xDB, 0, 1, 0, 0)]  # r1 = 5; lock *(u64 *)r0 += r1
    assert decode(assemble(Add(counts, 5))) == storage(counts) + added + ALLOW


def test_a_number_of_64_bits_takes_two_instructions(counts: MapFd) -> None:
    stored = [
        Insn(0x18, 1, 0, 0, -1),
        Insn(0x00, 0, 0, 0, 0),
        Insn(0x7B, 0, 1, 0, 0),
    ]  # r1 = 0xffffffff ll; *(u64 *)r0 = r1
    assert decode(assemble(Store(counts, 0xFFFFFFFF))) == storage(counts) + stored + ALLOW


def test_mix(counts: MapFd) -> None:
    mixed = [
        Insn(0x79, 1, 0, 0, 0),  # r1 = *(u64 *)r0
        Insn(0x27, 1, 0, 0, 3),  # r1 *= 3
        Insn(0xB7, 2, 0, 0, 7),  # r2 = 7
        Insn(0x0F, 1, 2, 0, 0),  # r1 += r2
        Insn(0x7B, 0, 1, 0, 0),  # *(u64 *)r0 = r1
    ]
    assert decode(assemble(Mix(counts, 7))) == storage(counts) + mixed + ALLOW


def test_each_access_calls_the_helper_anew_with_its_flags(counts: MapFd) -> None:
    code = decode(assemble(Copy(counts, counts), Add(counts), helper_flags=2))
    assert [insn.imm for insn in code if insn.code == 0x85] == [81, 81, 81]
    assert code.count(Insn(0xB7, 2, 0, 0, 2)) == 3


def test_a_mention_is_the_address_alone(counts: MapFd) -> None:
    assert decode(assemble(Mention(counts))) == storage(counts)[:2] + ALLOW


def test_a_tail_call_passes_the_context_on(array: MapFd) -> None:
    assert decode(assemble(TailCall(array, 3))) == [
        Insn(0xBF, 6, 1, 0, 0),  # r6 = r1
        Insn(0xBF, 1, 6, 0, 0),  # r1 = r6
        Insn(0x18, 2, 1, 0, array.id),
        Insn(0x00, 0, 0, 0, 0),
        Insn(0xB7, 3, 0, 0, 3),
        Insn(0x85, 0, 0, 0, 12),
        *ALLOW,
    ]


@pytest.mark.parametrize("helper", HELPERS)
def test_another_helper_gets_the_map_first(counts: MapFd, helper: str) -> None:
    code = decode(assemble(Call(counts, helper)))
    called = code.index(Insn(0x85, 0, 0, 0, HELPERS[helper]))
    assert Insn(0x18, 1, 1, 0, counts.id) in code[:called]
    written = {insn.off for insn in code[:called] if insn.code == 0x7A and insn.dst == 10}
    assert written == {-8, -16, -24}, "the key's 16 bytes and the value's 8 are initialised"


def test_the_errno_is_passed_negative() -> None:
    chosen = [Insn(0xB7, 1, 0, 0, -2), Insn(0x85, 0, 0, 0, 187)]  # bpf_set_retval(-2)
    assert decode(assemble(SetRetval(2))) == chosen + ALLOW


def test_an_unknown_helper_is_named(counts: MapFd) -> None:
    with pytest.raises(KeyError, match="bpf_no_such"):
        assemble(Call(counts, "bpf_no_such"))


def test_an_unknown_step_is_named() -> None:
    class Odd(Step):
        pass

    with pytest.raises(TypeError, match=r"no instructions for .*Odd"):
        assemble(Odd())


@pytest.mark.parametrize("verdict", [False, True])
def test_what_follows_the_end_can_be_reached(counts: MapFd, verdict: bool) -> None:
    ends = Verdict(counts) if verdict else Return(0)
    code = decode(assemble(ends, Add(counts)))
    reached, todo = set(), [0]
    while todo:
        at = todo.pop()
        if at in reached:
            continue
        reached.add(at)
        insn = code[at]
        if insn.code == 0x95:
            continue
        wide = insn.code == 0x18
        todo.append(at + (2 if wide else 1))
        if wide:
            reached.add(at + 1)
        if insn.code & 7 == 5 and insn.code != 0x85:
            todo.append(at + 1 + insn.off)
    assert reached == set(range(len(code)))


# -- an interpreter -------------------------------------------------------------------------------


def execute(code: bytes, values: dict[int, bytearray]) -> int:
    """Run a program on the values of its maps, by their ids; its return value."""
    insns = decode(code)
    # Memory: the value of map n begins at n << 32, the stack ends at 1 << 60.
    stack = bytearray(512)
    memory = {number << 32: data for number, data in values.items()} | {(1 << 60) - 512: stack}
    reg = [0] * 10 + [1 << 60]

    def place(address: int, width: int) -> tuple[bytearray, int]:
        for start, data in memory.items():
            if start <= address and address + width <= start + len(data):
                return data, address - start
        raise AssertionError(f"access to {address:#x}")

    def load(address: int, width: int) -> int:
        data, at = place(address & MASK, width)
        return int.from_bytes(data[at : at + width], "little")

    def store(address: int, width: int, number: int) -> None:
        data, at = place(address & MASK, width)
        data[at : at + width] = (number & (1 << 8 * width) - 1).to_bytes(width, "little")

    at = 0
    for _ in range(10_000):
        code_, dst, src, off, imm = insns[at]
        width = {0x00: 4, 0x08: 2, 0x10: 1, 0x18: 8}[code_ & 0x18]
        at += 1
        if code_ == 0x18:
            reg[dst] = (imm & 0xFFFFFFFF) | (insns[at].imm & 0xFFFFFFFF) << 32
            at += 1
        elif code_ == 0x95:
            return reg[0]
        elif code_ == 0x85:
            numbers = {81: reg[1] << 32, 5: 12345, 12: reg[0]}
            reg[0] = numbers[imm]
            reg[1:6] = [0xDEAD] * 5
        elif code_ in (0xB7, 0xBF, 0x07, 0x0F, 0x27):
            other = reg[src] if code_ & 0x08 else imm
            old = reg[dst]
            reg[dst] = {0xB0: other, 0x00: old + other, 0x20: old * other}[code_ & 0xF0] & MASK
        elif code_ & 0xE7 == 0x61:
            reg[dst] = load(reg[src] + off, width)
        elif code_ & 0xE7 == 0x63:
            store(reg[dst] + off, width, reg[src])
        elif code_ in (0xC3, 0xDB):
            store(reg[dst] + off, width, load(reg[dst] + off, width) + reg[src])
        elif code_ == 0xAD:
            at += off if reg[dst] < reg[src] else 0
        elif code_ == 0x4D:
            at += off if reg[dst] & reg[src] else 0
        elif code_ == 0x15:
            at += off if reg[dst] == imm & MASK else 0
        else:
            raise AssertionError(f"opcode {code_:#x}")
    raise AssertionError("endless")


MIXED = Struct(a=U64, b=U32, c=U16, d=U8, e=S32)
BIG = Struct(room=Bytes(40000), late=U64)
TYPES: list[Type] = [U64, U32, MIXED, Bytes(5), BIG]
NUMBERS = st.one_of(st.integers(0, 3), st.integers(-(1 << 63), (1 << 64) - 1))


class World:
    """A model kernel with a map of each type, shared and per-CPU, and one program at most."""

    def __init__(self) -> None:
        self.kernel = Kernel("latest", cpus=1)
        self.cgroup = self.kernel.mkdir()
        create = self.kernel.map_create
        shared, percpu = BPF_MAP_TYPE_CGROUP_STORAGE, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE
        self.pairs = [
            (create(shared, U64, kind), create(percpu, U64, kind if kind is not BIG else U64))
            for kind in TYPES
        ]

    def values(self, maps: tuple[MapFd, MapFd]) -> Iterator[bytes]:
        for storage_map in maps:
            value = self.kernel.map_lookup_elem(storage_map, self.cgroup)
            yield storage_map.object.value.encode(value[0] if isinstance(value, list) else value)


@st.composite
def bodies(draw: st.DrawFn) -> tuple[World, tuple[MapFd, MapFd], list[Step]]:
    world = World()
    maps = draw(st.sampled_from(world.pairs))

    def access() -> tuple[MapFd, str | None]:
        chosen = draw(st.sampled_from(maps))
        kind = chosen.object.value
        names = [n for n in kind.members if n != "room"] if isinstance(kind, Struct) else []
        return chosen, draw(st.sampled_from([None, *names]))

    steps: list[Step] = []
    for _ in range(draw(st.integers(0, 5))):
        (one, field), (two, other) = access(), access()
        number = draw(NUMBERS)
        steps.append(
            draw(
                st.sampled_from(
                    [
                        Add(one, number, field),
                        Store(one, number, field),
                        Mix(one, number, field),
                        Copy(one, two, field, other),
                        Flush(one, two, number & MASK, field, other),
                        Mention(one),
                        Verdict(one, number & MASK, field),
                        BitVerdict(one, number & MASK, field),
                        Guard(one, number & MASK, field),
                        Return(number & 1),
                    ]
                )
            )
        )
    return world, maps, steps


@given(bodies())
def test_instructions_do_what_the_model_does(
    drawn: tuple[World, tuple[MapFd, MapFd], list[Step]],
) -> None:
    world, maps, steps = drawn
    kernel = world.kernel
    mention = [Mention(storage_map) for storage_map in maps]
    loaded = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, [*mention, *steps])
    kernel.prog_attach(world.cgroup, loaded, EGRESS)
    values = {storage_map.id: bytearray(storage_map.object.value_size) for storage_map in maps}
    code = program([*mention, *steps], maps=lambda m: m.id)
    for _ in range(2):
        try:
            kernel.fire(world.cgroup, EGRESS)
            allowed = 1
        except Denied:
            allowed = 0
        assert execute(code, values) == allowed
        assert [bytes(values[storage_map.id]) for storage_map in maps] == list(world.values(maps))


# -- BTF ------------------------------------------------------------------------------------------


def types_of(blob: bytes) -> list[tuple[str, int, int, list[int]]]:
    """Name, kind, size or type, and the words that follow, of each type in a blob."""
    magic, version, flags, header, at, size, strings_at, strings = HEADER.unpack_from(blob)
    assert (magic, version, flags, header, at) == (MAGIC, 1, 0, 24, 0)
    assert (strings_at, len(blob)) == (size, 24 + size + strings)
    words = struct.unpack(f"<{size // 4}I", blob[24 : 24 + size])
    table = blob[24 + size :]
    found, at = [], 0
    while at < len(words):
        name, info, size_or_type = words[at : at + 3]
        kind, vlen = info >> 24, info & 0xFFFF
        length = {1: 1, 2: 0, 3: 3, 4: 3 * vlen, 6: 2 * vlen, 18: 0}[kind]
        text = table[name : table.index(b"\0", name)].decode()
        found.append((text, kind, size_or_type, list(words[at + 3 : at + 3 + length])))
        at += 3 + length
    return found


def described(kind: Type, *, tags: bool = True) -> list[tuple[str, int, int, list[int]]]:
    types = Builder(tags=tags)
    assert types.add(kind) == types.add(kind), "the same type is described once"
    found = types_of(types.blob())
    assert types.add(kind) == len(found), "a type stands after those that it is made of"
    return found


def test_integers() -> None:
    assert described(U64) == [("U64", 1, 8, [64])]
    assert described(S32) == [("S32", 1, 4, [1 << 24 | 32])]


def test_a_struct_has_its_members_at_bit_offsets() -> None:
    *_, (name, kind, size, words) = described(STORAGE_KEY)
    assert (name, kind, size) == ("", 4, 16)
    assert words[1:3] == [1, 0]
    assert words[4:6] == [2, 64]


def test_an_enum_is_no_integer() -> None:
    assert [kind for _, kind, _, _ in described(ENUM)] == [6]


@pytest.mark.parametrize(
    ("kind", "element", "length"), [(Bytes(7), "char", 7), (Array(U16, 3), "U16", 3)]
)
def test_arrays(kind: Type, element: str, length: int) -> None:
    found = described(kind)
    assert found[-1][1:] == (3, 0, [1, 2, length])
    assert [name for name, *_ in found[:2]] == [element, "U32"]


@pytest.mark.parametrize(
    ("special", "name", "size"), [(SPIN_LOCK, "bpf_spin_lock", 4), (TIMER, "bpf_timer", 16)]
)
def test_the_kernel_knows_special_fields_by_name(special: Type, name: str, size: int) -> None:
    found = described(Struct(first=U64, special=special))
    assert (name, 4, size) in [entry[:3] for entry in found]


def test_a_kptr_is_a_tagged_pointer_where_tags_are_known() -> None:
    assert [kind for _, kind, _, _ in described(KPTR)] == [4, 18, 2]
    assert [kind for _, kind, _, _ in described(KPTR, tags=False)] == [4, 2]


def test_what_cannot_be_described_is_named() -> None:
    class Odd(Type):
        name = "Odd"

    with pytest.raises(TypeError, match="no BTF for Odd"):
        Builder().add(Odd())
