# SPDX-License-Identifier: GPL-2.0-only
"""What an arithmetic instruction makes of what is known of its operands."""

from __future__ import annotations

from collections.abc import Callable

from .abstract import MOST, Abstract, changed, number, numbers, places, stack, storage
from .code import ALU64, Insn

_ADD, _SUB, _NEG, _MOV, _END = 0x00, 0x10, 0x80, 0xB0, 0xD0
_REGISTER_SOURCE = 0x08

_OPERATIONS: dict[int, Callable[[int, int, int], int]] = {
    _ADD: lambda one, other, bits: one + other,
    _SUB: lambda one, other, bits: one - other,
    0x20: lambda one, other, bits: one * other,
    0x40: lambda one, other, bits: one | other,
    0x50: lambda one, other, bits: one & other,
    0x60: lambda one, other, bits: one << (other & (bits - 1)),
    0x70: lambda one, other, bits: one >> (other & (bits - 1)),
    0xA0: lambda one, other, bits: one ^ other,
}


def result(insn: Insn, registers: tuple[Abstract, ...]) -> Abstract:
    """What is known of the register that the instruction writes."""
    bits = 64 if insn.op & 7 == ALU64 else 32
    operation = insn.op & 0xF0
    source = registers[insn.src] if insn.op & _REGISTER_SOURCE else number(insn.imm)
    target = registers[insn.dst]
    if operation == _MOV:
        return _moved(source, bits)
    if operation in (_NEG, _END):
        return _derived(target, None)
    offsets = numbers(source)
    if operation in (_ADD, _SUB) and target and target[0] in ("storage", "stack") and bits == 64:
        sign = 1 if operation == _ADD else -1
        return _pointer(target, sign, offsets)
    if operation == _ADD and source and source[0] == "storage" and bits == 64:
        return _pointer(source, 1, numbers(target))
    if operation in _OPERATIONS and numbers(target) is not None and offsets is not None:
        compute, mask = _OPERATIONS[operation], (1 << bits) - 1
        found = {
            compute(one & mask, other & mask, bits) & mask
            for one in numbers(target) or ()
            for other in offsets
        }
        return number(*found) if len(found) <= MOST else None
    return _derived(target, source)


def _moved(source: Abstract, bits: int) -> Abstract:
    found = numbers(source)
    if found is not None:
        return number(*(one & (1 << bits) - 1 for one in found))
    return source if bits == 64 or places(source) else None


def _pointer(base: Abstract, sign: int, offsets: frozenset[int] | None) -> Abstract:
    """A pointer that was moved; the offset stays known if there is one only."""
    assert base is not None
    offset = None
    if offsets is not None and len(offsets) == 1:
        (one,) = offsets
        offset = sign * (one - (1 << 64) if one >= 1 << 63 else one)
    if base[0] == "stack":
        return None if offset is None else stack(base[1] + offset)
    return storage(base[1], None if None in (offset, base[2]) else base[2] + offset)


def _derived(one: Abstract, other: Abstract) -> Abstract:
    """A number that was computed from loaded ones remembers from which."""
    found = places(one) | places(other)
    return changed(*found) if 0 < len(found) <= MOST else None
