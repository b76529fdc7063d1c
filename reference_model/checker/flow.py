# SPDX-License-Identifier: GPL-2.0-only
"""What a program does with the values of its maps: an abstract interpretation of its code.

Each instruction is followed with what is known of the registers and the stack until nothing new
comes, through calls of functions too.  A branch is always taken both ways, so what is found can
happen as far as the code shows; a condition may still forbid it.  Left out: what a called function
writes into the stack of its caller, and values that a program keeps in other maps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from . import arithmetic, code
from .abstract import (
    CGROUP_ID,
    Abstract,
    Locks,
    Place,
    State,
    address,
    frame,
    function,
    loaded,
    number,
    numbers,
    places,
    stack,
    storage,
)
from .code import Code, Insn
from .objects import CGRP, HASH, STORAGES, Function, Map, Object, Program

MOST_STEPS = 100_000
"""Instructions followed in a program, each as often as something new is known of it."""
_DEEPEST = 8
"""Calls in calls, as in the kernel."""
_READS_STACK = frozenset({code.MAP_LOOKUP, code.MAP_UPDATE, code.MAP_DELETE})
"""Helpers that read what the stack holds, and do not write there."""
_VALUES = STORAGES | {CGRP}
"""The map types whose values are followed."""
_FRAME = 10
"""The frame pointer; the numbers 11 to 15 fit into an instruction, and no register has them."""
_LOCKS = ("bpf_res_spin_lock", "bpf_res_spin_lock_irqsave")
_UNLOCKS = ("bpf_res_spin_unlock", "bpf_res_spin_unlock_irqrestore")


class Access(NamedTuple):
    """A number of a value that the program reads or writes."""

    map: Map
    offset: int | None
    width: int
    writes: bool
    lost: bool
    """Whether it writes what it computed from the same number, without atomic operation or lock."""
    atomic: bool = False
    """Whether an atomic instruction does it."""


@dataclass(eq=False, repr=False)
class Behaviour:
    """What a program does; each entry has the places in the source that show it."""

    complete: bool = True
    """Whether all of it could be followed, with all pointers into storages."""
    mentions: list[Map] = field(default_factory=list)
    """The maps whose addresses stand in its instructions, in order, each once."""
    storages: dict[Map, set[str]] = field(default_factory=dict)
    """Of which maps it gets storages with bpf_get_local_storage()."""
    unknown_storages: set[str] = field(default_factory=set)
    """Where it gets the storage of a map that is not known."""
    register_calls: set[str] = field(default_factory=set)
    """Where it calls what a register holds, which is not followed."""
    flags: dict[int, set[str]] = field(default_factory=dict)
    """The flags of bpf_get_local_storage() other than 0."""
    unknown_flags: set[str] = field(default_factory=set)
    """Where the flags of bpf_get_local_storage() are not known."""
    wrong: dict[tuple[Map, int], set[str]] = field(default_factory=dict)
    """Helpers that are called with a map that they do not take."""
    accesses: dict[Access, set[str]] = field(default_factory=dict)
    locks: dict[Map, set[str]] = field(default_factory=dict)
    calls_with_lock: set[str] = field(default_factory=set)
    """Where it calls a function while it holds a lock."""
    tail_calls: dict[tuple[Map, int | None], set[str]] = field(default_factory=dict)
    keyed_by_cgroup: dict[Map, set[str]] = field(default_factory=dict)
    """Hash maps in which it looks up the id of a cgroup."""
    returns: set[int] | None = field(default_factory=set)
    """What it can return; None: any number."""
    returns_at: set[str] = field(default_factory=set)


def behaviour(of: Object, source: Code, program: Program) -> Behaviour:
    """What a program does."""
    found = _Follower(of, source).run(program.function)
    for body in source.closure(program.function):
        for one in body.maps:
            if one not in found.mentions:
                found.mentions.append(one)
    return found


class _Follower:
    """Follows the code of one program."""

    def __init__(self, of: Object, source: Code) -> None:
        self._of, self._source = of, source
        self._steps = 0
        self._known: dict[tuple[Function, tuple[Abstract, ...], Locks], Abstract] = {}
        self._callers: list[Function] = []
        self.found = Behaviour()

    def run(self, entry: Function) -> Behaviour:
        """Follow a program from its entry."""
        start = State((None,) * 16, {}, frozenset())
        result = self._call(entry, (None,) * 5, start)
        returned = numbers(result)
        self.found.returns = set(returned) if returned is not None else None
        called = {one for body in self._source.closure(entry) for one in body.calls}
        for one in called - {followed for followed, *_ in self._known}:
            self._call(one, (None,) * 5, start)  # a callback: a helper calls it
        return self.found

    def _call(self, callee: Function, arguments: tuple[Abstract, ...], state: State) -> Abstract:
        """Follow a function once for each kind of arguments; what it returns."""
        if len(self._callers) >= _DEEPEST or callee in self._callers:
            self.found.complete = False
            return None
        passed = tuple(_passed(one, state) for one in arguments)
        key = (callee, passed, state.locks)
        if key in self._known:
            return self._known[key]
        self._callers.append(callee)
        self._known[key] = self._follow(*key)
        self._callers.pop()
        return self._known[key]

    def _follow(self, callee: Function, arguments: tuple[Abstract, ...], locks: Locks) -> Abstract:
        insns = self._source.body(callee).insns
        registers = (None, *arguments, *(None,) * 4, stack(0), *(None,) * 5)
        states: dict[int, State] = {0: State(registers, {}, locks)}
        waiting = [0]
        result: list[Abstract] = []
        while waiting:
            at = waiting.pop()
            if not 0 <= at < len(insns) or self._steps >= MOST_STEPS:
                self.found.complete = False
                break
            self._steps += 1
            insn = insns[at]
            if insn.op == code.EXIT:
                value = states[at].registers[0]
                result = [value if not result else _joined(result[0], value)]
                if len(self._callers) == 1:
                    self.found.returns_at.add(self._place(insn))
                continue
            after = self._step(insn, states[at], insns[at + 1] if at + 1 < len(insns) else insn)
            for target in _targets(insn, at):
                known = states.get(target)
                met = after if known is None else known.meet(after)
                if met != known:
                    states[target] = met
                    waiting.append(target)
        return result[0] if result else None

    # -- one instruction ----------------------------------------------------------------------

    def _place(self, insn: Insn) -> str:
        return self._of.place(self._callers[-1], insn.at)

    def _step(self, insn: Insn, state: State, following: Insn) -> State:
        """What is known after an instruction."""
        kind = insn.op & 7
        if insn.op == code.LD_IMM64:
            constant = insn.imm & 0xFFFFFFFF | (following.imm & 0xFFFFFFFF) << 32
            value = function(insn.function) if insn.function else number(constant)
            if insn.map is not None:
                value = address(insn.map)
            elif insn.src and not insn.function:
                value = None
            return _set(state, insn.dst, value)
        if insn.op == code.CALL_REGISTER:
            self.found.register_calls.add(self._place(insn))
            return State((None,) * 6 + state.registers[6:], {}, state.locks)
        if insn.op == code.CALL:
            return self._called(insn, state)
        if kind == code.LD:
            return _set(state, 0, None)
        if kind == code.LDX:
            return _set(state, insn.dst, self._load(insn, state))
        if kind in (code.ST, code.STX):
            return self._store(insn, state)
        if kind in (code.ALU, code.ALU64):
            return _set(state, insn.dst, arithmetic.result(insn, state.registers))
        return state

    def _load(self, insn: Insn, state: State) -> Abstract:
        source, width = state.registers[insn.src], code.WIDTHS[insn.op & 0x18]
        if source and source[0] == "storage":
            _, found, base, moved = source
            offset = None if base is None or moved is not None else base + insn.off
            self._access(Access(found, offset, width, writes=False, lost=False), insn)
            return None if base is None else loaded(Place(found, base + insn.off, width, moved))
        if source and source[0] == "stack":
            return state.stack.get((source[1] + insn.off, width))
        if source and source[0] == "frame":
            return dict(source[2]).get((source[1] + insn.off, width))
        return None

    def _store(self, insn: Insn, state: State) -> State:
        target, width = state.registers[insn.dst], code.WIDTHS[insn.op & 0x18]
        atomic = insn.op & 7 == code.STX and insn.op & 0xE0 == code.ATOMIC
        value = state.registers[insn.src] if insn.op & 7 == code.STX else number(insn.imm)
        if target and target[0] == "storage":
            _, found, base, moved = target
            offset = None if base is None or moved is not None else base + insn.off
            place = None if base is None else Place(found, base + insn.off, width, moved)
            same = place in _computed(value)
            lost = same and not atomic and found.type in _VALUES and not state.locks
            made = Access(found, offset, width, writes=True, lost=lost, atomic=atomic)
            self._access(made, insn)
            if atomic:
                self._access(Access(found, offset, width, writes=False, lost=False), insn)
        if target and target[0] == "stack":
            begin = target[1] + insn.off
            end = begin + width
            slots = {
                (at, wide): known
                for (at, wide), known in state.stack.items()
                if at >= end or at + wide <= begin
            }
            left = None if atomic else arithmetic.cut(value, 8 * width)
            state = state._replace(stack=slots | ({} if left is None else {(begin, width): left}))
        if target and target[0] == "frame":
            if value and value[0] == "storage":
                self.found.complete = False
            state = _forgotten(state)
        if atomic and insn.imm & 1:
            return _set(state, 0 if insn.imm == code.CMPXCHG else insn.src, None)
        return state

    def _access(self, access: Access, insn: Insn) -> None:
        self.found.accesses.setdefault(access, set()).add(self._place(insn))

    # -- calls --------------------------------------------------------------------------------

    def _called(self, insn: Insn, state: State) -> State:
        """What is known after a call: of the caller's own registers and stack only."""
        arguments = state.registers[1:6]
        result: Abstract = None
        locks = state.locks
        if insn.src == code.PSEUDO_CALL:
            if insn.function is None:
                self.found.complete = False
            else:
                result = self._call(insn.function, arguments, state)
                if insn.function.shared:
                    result = None
                if locks:
                    self.found.calls_with_lock.add(self._place(insn))
        elif insn.src == 0:
            result = self._helper(insn, state)
            self._call_back(insn, state)
        first = arguments[0]
        holder = first[1] if first and first[0] == "storage" else None
        if (insn.src, insn.imm) == (0, code.SPIN_LOCK) or insn.symbol in _LOCKS:
            locks |= {holder}
            if holder:
                self.found.locks.setdefault(holder, set()).add(self._place(insn))
        elif (insn.src, insn.imm) == (0, code.SPIN_UNLOCK) or insn.symbol in _UNLOCKS:
            locks -= {holder}
        reads = insn.src == 0 and insn.imm in _READS_STACK
        passed = any(one and one[0] == "stack" for one in arguments)
        slots = {} if passed and not reads else state.stack
        after = State((result, *(None,) * 5, *state.registers[6:]), slots, locks)
        outer = any(one and one[0] == "frame" for one in arguments)
        return _forgotten(after) if outer and not reads else after

    def _call_back(self, insn: Insn, state: State) -> None:
        """Follow the function that a helper calls."""
        if insn.imm in code.CALLBACKS:
            called, context, number_there = code.CALLBACKS[insn.imm]
            target = state.registers[called]
            if target and target[0] == "function":
                arguments: list[Abstract] = [None] * 5
                arguments[number_there - 1] = state.registers[context]
                self._call(target[1], tuple(arguments), state)

    def _helper(self, insn: Insn, state: State) -> Abstract:
        """What a helper returns, noted if it has to do with these maps."""
        first, second, third = state.registers[1:4]
        place = self._place(insn)
        if insn.imm in code.CGROUP_IDS:
            return CGROUP_ID
        if insn.imm == code.TAIL_CALL and second and second[0] == "map":
            slots = numbers(third)
            for slot in slots if slots else [None]:
                self.found.tail_calls.setdefault((second[1], slot), set()).add(place)
        found: Map | None = first[1] if first and first[0] == "map" else None
        if insn.imm == code.GET_LOCAL_STORAGE:
            if numbers(second) is None:
                self.found.unknown_flags.add(place)
            for flag in numbers(second) or ():
                if flag:
                    self.found.flags.setdefault(flag, set()).add(place)
            if found is None:
                self.found.unknown_storages.add(place)
                return None
            self.found.storages.setdefault(found, set()).add(place)
            if found.type in STORAGES:
                return storage(found)
        if found is None or not found.type:
            return None
        if insn.imm == code.CGRP_STORAGE_GET and found.type == CGRP:
            return storage(found)
        wanted = insn.imm == code.GET_LOCAL_STORAGE
        if (found.type in STORAGES) is not wanted and (wanted or found.type in STORAGES):
            self.found.wrong.setdefault((found, insn.imm), set()).add(place)
        key = state.stack.get((second[1], 8)) if second and second[0] == "stack" else None
        if insn.imm in _READS_STACK and found.type == HASH and key == CGROUP_ID:
            self.found.keyed_by_cgroup.setdefault(found, set()).add(place)
        return None


def _joined(one: Abstract, other: Abstract) -> Abstract:
    return State((one,), {}, frozenset()).meet(State((other,), {}, frozenset())).registers[0]


def _computed(value: Abstract) -> frozenset[Place]:
    """The places of a number that was computed; one that was only loaded is not changed."""
    return places(value) if value and value[0] == "changed" else frozenset()


def _passed(value: Abstract, state: State) -> Abstract:
    """What a function knows of an argument: of a pointer into the stack, what stands there."""
    if value and value[0] == "stack":
        here = (slot for slot in state.stack.items() if slot[1] and slot[1][0] != "stack")
        return frame(value[1], frozenset(here))
    return value


def _forgotten(state: State) -> State:
    """What is still known once something was written into the stack of a caller."""

    def kept(value: Abstract) -> Abstract:
        return None if value and value[0] == "frame" else value

    registers = tuple(map(kept, state.registers))
    slots = {at: value for at, value in state.stack.items() if kept(value)}
    return State(registers, slots, state.locks)


def _set(state: State, register: int, value: Abstract) -> State:
    if register >= _FRAME:
        return state
    registers = list(state.registers)
    registers[register] = value
    return state._replace(registers=tuple(registers))


def _targets(insn: Insn, at: int) -> Iterator[int]:
    """Where the program continues."""
    kind = insn.op & 7
    if insn.op == code.JA:
        yield at + 1 + insn.off
    elif insn.op == code.JA32:
        yield at + 1 + insn.imm
    elif insn.op == code.LD_IMM64:
        yield at + 2
    else:
        yield at + 1
        if kind in (code.JMP, code.JMP32) and insn.op not in (code.CALL, code.CALL_REGISTER):
            yield at + 1 + insn.off
