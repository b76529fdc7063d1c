# SPDX-License-Identifier: GPL-2.0-only
"""What an arithmetic instruction makes of what is known of its operands."""

from __future__ import annotations

from collections.abc import Callable

from .abstract import (
    MOST,
    Abstract,
    changed,
    few,
    frame,
    number,
    numbers,
    places,
    stack,
    storage,
)
from .code import ALU64, Insn

_ADD, _SUB, _AND, _RSH, _NEG, _MOV, _END = 0x00, 0x10, 0x50, 0x70, 0x80, 0xB0, 0xD0
_REGISTER_SOURCE = 0x08

_OPERATIONS: dict[int, Callable[[int, int, int], int]] = {
    _ADD: lambda one, other, bits: one + other,
    _SUB: lambda one, other, bits: one - other,
    0x20: lambda one, other, bits: one * other,
    0x40: lambda one, other, bits: one | other,
    _AND: lambda one, other, bits: one & other,
    0x60: lambda one, other, bits: one << (other & (bits - 1)),
    _RSH: lambda one, other, bits: one >> (other & (bits - 1)),
    0xA0: lambda one, other, bits: one ^ other,
}


def result(insn: Insn, registers: tuple[Abstract, ...]) -> Abstract:
    """What is known of the register that the instruction writes."""
    bits = 64 if insn.op & 7 == ALU64 else 32
    operation = insn.op & 0xF0
    source = registers[insn.src] if insn.op & _REGISTER_SOURCE else number(insn.imm)
    target = registers[insn.dst]
    if operation == _MOV:
        return cut(source, bits)
    if operation in (_NEG, _END):
        return _derived(target, None)
    offsets = numbers(source)
    if (
        operation in (_ADD, _SUB)
        and target
        and target[0] in ("storage", "stack", "frame")
        and bits == 64
    ):
        sign = 1 if operation == _ADD else -1
        return _pointer(target, sign, offsets, insn.at)
    if operation == _ADD and source and source[0] == "storage" and bits == 64:
        return _pointer(source, 1, numbers(target), insn.at)
    targets, found, mask = numbers(target), None, (1 << bits) - 1
    if operation in _OPERATIONS and targets is not None and offsets is not None:
        compute = _OPERATIONS[operation]
        found = few(
            frozenset(
                compute(one & mask, other & mask, bits) & mask
                for one in targets
                for other in offsets
            )
        )
    elif operation in (_AND, _RSH) and offsets is not None and len(offsets) == 1:
        (one,) = offsets
        largest = one & mask if operation == _AND else mask >> (one & bits - 1)
        found = frozenset(range(largest + 1)) if largest < MOST else None
    return _derived(target, source, found)


def cut(value: Abstract, bits: int) -> Abstract:
    """What is left of a value in so many bits."""
    found = numbers(value)
    if found is not None and not places(value):
        return number(*(one & (1 << bits) - 1 for one in found))
    return value if bits == 64 or places(value) else None


def _pointer(base: Abstract, sign: int, offsets: frozenset[int] | None, at: int) -> Abstract:
    """A pointer that was moved; the offset stays known if there is one only."""
    assert base is not None
    offset = None
    if offsets is not None and len(offsets) == 1:
        (one,) = offsets
        offset = sign * (one - (1 << 64) if one >= 1 << 63 else one)
    if base[0] == "stack":
        return None if offset is None else stack(base[1] + offset)
    if base[0] == "frame":
        return None if offset is None else frame(base[1] + offset, base[2])
    if offset is None:
        return storage(base[1], 0, at)
    return storage(base[1], None if base[2] is None else base[2] + offset, base[3])


def _derived(one: Abstract, other: Abstract, known: frozenset[int] | None = None) -> Abstract:
    """A number that was computed from loaded ones remembers from which."""
    found = few(places(one) | places(other))
    if found:
        return changed(found, known)
    return None if known is None else number(*known)
