# SPDX-License-Identifier: GPL-2.0-only
"""The instructions of functions: decoded, with what each refers to.

Source: ``Documentation/bpf/standardization/instruction-set.rst`` and ``include/uapi/linux/bpf.h``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from . import Malformed, elf
from .objects import INSN, Function, Map, Object

LD, LDX, ST, STX, ALU, JMP, JMP32, ALU64 = range(8)
"""Classes of instructions: the lower 3 bits of an opcode."""
MEM, MEMSX, ATOMIC = 0x60, 0x80, 0xC0
CMPXCHG = 0xF1
"""An atomic operation that returns the old value in R0; others do it in their source register."""
LD_IMM64, CALL, CALL_REGISTER, EXIT, JA, JA32 = 0x18, 0x85, 0x8D, 0x95, 0x05, 0x06
WIDTHS = {0x00: 4, 0x08: 2, 0x10: 1, 0x18: 8}
PSEUDO_CALL, PSEUDO_KFUNC = 1, 2

GET_LOCAL_STORAGE, TAIL_CALL, SPIN_LOCK, SPIN_UNLOCK = 81, 12, 93, 94
MAP_LOOKUP, MAP_UPDATE, MAP_DELETE = 1, 2, 3
CGRP_STORAGE_GET, CGRP_STORAGE_DELETE = 210, 211
CGROUP_IDS = frozenset({79, 80, 83, 123, 128, 129})
"""Helpers that return the id of a cgroup, such as bpf_get_current_cgroup_id()."""
CALLBACKS = {164: (2, 3, 4), 180: (3, 4, 3), 181: (2, 3, 2), 209: (2, 3, 2)}
"""Helpers that call a function, such as bpf_loop(): the registers that hold the function and its
context, and the register in which the function gets the context."""
MOST_INSTRUCTIONS = 500_000
"""More than an object has."""


class Insn(NamedTuple):
    """An instruction."""

    at: int
    """The byte of its section at which it stands."""
    op: int
    dst: int
    src: int
    off: int
    imm: int
    map: Map | None = None
    """The map whose address it loads."""
    function: Function | None = None
    """The function that it calls, or whose address it loads."""
    symbol: str = ""
    """The kernel function that it calls."""


@dataclass(eq=False, repr=False)
class Body:
    """A function with its instructions."""

    function: Function
    insns: list[Insn] = field(default_factory=list)
    maps: list[Map] = field(default_factory=list)
    """The maps whose addresses it loads, in order and as often."""
    helpers: set[int] = field(default_factory=set)
    calls: list[Function] = field(default_factory=list)


class Code:
    """The bodies of an object's functions, decoded when they are needed."""

    def __init__(self, of: Object) -> None:
        self._of = of
        self._bodies: dict[Function, Body] = {}
        self._maps = {(found.section, found.at): found for found in of.maps}
        self._functions = {(found.section, found.start): found for found in of.functions}
        self._left = MOST_INSTRUCTIONS

    def body(self, function: Function) -> Body:
        """The body of a function; Malformed if the object has too many instructions."""
        if function not in self._bodies:
            self._bodies[function] = self._decode(function)
        return self._bodies[function]

    def closure(self, function: Function) -> list[Body]:
        """The function and all that it calls, as libbpf appends them to a program."""
        found: dict[Function, Body] = {}
        waiting = [function]
        while waiting:
            one = waiting.pop(0)
            if one not in found:
                found[one] = self.body(one)
                waiting += found[one].calls
        return list(found.values())

    def _decode(self, function: Function) -> Body:
        body = Body(function)
        section = self._of.elf.sections[function.section]
        relocations = self._of.elf.relocations.get(section.number, {})
        for insn in self._plain(section.data, function):
            relocation = relocations.get(insn.at)
            if insn.op == LD_IMM64 and relocation is not None:
                symbol = relocation.symbol
                offset = symbol.at + (insn.imm if symbol.kind == elf.STT_SECTION else 0)
                if 0 <= symbol.section < len(self._of.elf.sections):
                    name = self._of.elf.sections[symbol.section].name
                    insn = insn._replace(
                        map=self._maps.get((name, offset)),
                        function=self._functions.get((symbol.section, offset)),
                    )
            elif insn.op == CALL and relocation is not None and relocation.symbol.section < 0:
                insn = insn._replace(src=PSEUDO_KFUNC, symbol=relocation.symbol.name)
            elif insn.op == CALL and insn.src == PSEUDO_CALL:
                place, start = section.number, insn.at + (insn.imm + 1) * INSN
                if relocation is not None:
                    place, start = relocation.symbol.section, relocation.symbol.at
                    if relocation.symbol.kind == elf.STT_SECTION:
                        start += (insn.imm + 1) * INSN
                insn = insn._replace(function=self._functions.get((place, start)))
            body.insns.append(insn)
            if insn.map is not None:
                body.maps.append(insn.map)
            if insn.function is not None:
                body.calls.append(insn.function)
            if insn.op == CALL and insn.src == 0:
                body.helpers.add(insn.imm)
        return body

    def _plain(self, data: bytes, function: Function) -> Iterator[Insn]:
        """The instructions as they stand; the second half of a 64-bit constant has opcode 0."""
        self._left -= (function.end - function.start) // INSN
        if self._left < 0:
            raise Malformed(f"it has more than {MOST_INSTRUCTIONS} instructions")
        order = self._of.elf.order
        part = data[function.start : function.end]
        fields = struct.iter_unpack(f"{order}BBhi", part[: len(part) // INSN * INSN])
        for number, (op, registers, off, imm) in enumerate(fields):
            low, high = registers & 0xF, registers >> 4
            dst, src = (low, high) if order == "<" else (high, low)
            yield Insn(function.start + number * INSN, op, dst, src, off, imm)
