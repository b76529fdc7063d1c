# SPDX-License-Identifier: GPL-2.0-only
"""Steps assembled to BPF bytecode, so that a kernel runs the bodies that the model runs.

Each access calls bpf_get_local_storage() anew, as the model counts it.  Numbers are added
atomically where they have 4 or 8 bytes; BPF has no atomic addition of 1 or 2.  The instructions
are those of ``Documentation/bpf/standardization/instruction-set.rst`` that 4.19 knows too.

>>> from reference_model import Return
>>> from reference_model.linux.assembler import program
>>> program(Return(0), maps=int).hex(" ", 8)
'b700000000000000 9500000000000000'
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable

from ..maps import Map, MapFd
from ..state import Object
from ..steps import (
    Access,
    Add,
    BitVerdict,
    Call,
    CgroupOf,
    CgrpAdd,
    CgrpStep,
    Copy,
    Flush,
    Guard,
    Mention,
    Mix,
    Return,
    SetRetval,
    Step,
    Store,
    TailCall,
    Verdict,
)
from ..values import U64
from .btf import kernel_functions, member_offset

HELPERS = {
    "bpf_map_lookup_elem": 1,
    "bpf_map_update_elem": 2,
    "bpf_map_delete_elem": 3,
    "bpf_ktime_get_ns": 5,
    "bpf_tail_call": 12,
    "bpf_perf_event_output": 25,
    "bpf_skb_under_cgroup": 33,
    "bpf_current_task_under_cgroup": 37,
    "bpf_redirect_map": 51,
    "bpf_sk_redirect_map": 52,
    "bpf_get_local_storage": 81,
    "bpf_map_push_elem": 87,
    "bpf_map_pop_elem": 88,
    "bpf_map_peek_elem": 89,
    "bpf_sk_storage_get": 107,
    "bpf_get_current_task_btf": 158,
    "bpf_for_each_map_elem": 164,
    "bpf_set_retval": 187,
    "bpf_map_lookup_percpu_elem": 195,
    "bpf_cgrp_storage_get": 210,
    "bpf_cgrp_storage_delete": 211,
}
"""Numbers of helpers, ``__BPF_FUNC_MAPPER`` of ``include/uapi/linux/bpf.h``."""

R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10 = range(11)
_VALUE_FIRST = ("bpf_map_push_elem", "bpf_map_pop_elem", "bpf_map_peek_elem")
_PSEUDO_MAP_FD, _PSEUDO_KFUNC_CALL = 1, 2
_STACK = 512
"""Bytes of a program's stack."""

# Sizes of loads and stores, in bytes -> the bits of the opcode.
_SIZE = {1: 0x10, 2: 0x08, 4: 0x00, 8: 0x18}


def program(
    body: Step | Iterable[Step],
    *,
    maps: Callable[[MapFd], int],
    helper_flags: int = 0,
    context: str = "",
) -> bytes:
    """The instructions of a body, 8 bytes each, in little endian.

    ``maps`` gives the number of a map's descriptor; ``helper_flags`` is the second argument of
    every bpf_get_local_storage(); ``context`` is the kernel's struct that holds the socket of the
    program, as ``struct.member``.  KeyError names an unknown helper of a Call, or what the running
    kernel's BTF does not have.
    """
    steps = (body,) if isinstance(body, Step) else tuple(body)
    code = _Code(maps, helper_flags, context)
    if any(isinstance(step, TailCall | CgrpStep) for step in steps):
        code.move(R6, R1)  # the context, which calls overwrite
    for position, step in enumerate(steps):
        code.step(step, last=position == len(steps) - 1)
    if not steps or not isinstance(steps[-1], (Return, Verdict, BitVerdict)):
        code.leave(1)
    return code.assembled()


class _Code:
    """Instructions in the making."""

    def __init__(self, maps: Callable[[MapFd], int], helper_flags: int, context: str) -> None:
        self._maps = maps
        self._flags = helper_flags
        self._context = context
        self._words: list[bytes] = []

    def part(self) -> _Code:
        """Other instructions, which are skipped or follow."""
        return _Code(self._maps, self._flags, self._context)

    def unless_zero(self, register: int, part: _Code) -> None:
        """Run a part unless the register is 0."""
        self.emit(0x15, register, off=len(part._words), imm=0)
        self._words += part._words

    def assembled(self) -> bytes:
        return b"".join(self._words)

    # -- instructions -------------------------------------------------------------------------

    def emit(self, code: int, dst: int = 0, src: int = 0, off: int = 0, imm: int = 0) -> None:
        self._words.append(struct.pack("<BBhi", code, dst | src << 4, off, imm))

    def move(self, dst: int, src: int) -> None:
        self.emit(0xBF, dst, src)

    def number(self, dst: int, number: int) -> None:
        """``dst = number``, of up to 64 bits."""
        if -(1 << 31) <= number < 1 << 31:
            self.emit(0xB7, dst, imm=number)
        else:
            low, high = struct.unpack("<ii", struct.pack("<Q", number & (1 << 64) - 1))
            self.emit(0x18, dst, imm=low)
            self.emit(0x00, imm=high)

    def map(self, dst: int, map: MapFd) -> None:
        self.emit(0x18, dst, _PSEUDO_MAP_FD, imm=self._maps(map))
        self.emit(0x00)

    def load(self, dst: int, src: int, off: int, width: int) -> None:
        self.emit(0x61 | _SIZE[width], dst, src, off)

    def store(self, dst: int, off: int, src: int, width: int) -> None:
        self.emit(0x63 | _SIZE[width], dst, src, off)

    def call(self, helper: str) -> None:
        self.emit(0x85, imm=HELPERS[helper])

    def kernel_function(self, name: str) -> None:
        self.emit(0x85, src=_PSEUDO_KFUNC_CALL, imm=kernel_functions()[name])

    def leave(self, number: int) -> None:
        self.number(R0, number)
        self.emit(0x95)

    def add(self, dst: int, off: int, src: int, width: int, spare: int) -> None:
        """``*(dst + off) += src``, atomically if the width allows it."""
        if width >= 4:
            self.emit(0xC3 | _SIZE[width], dst, src, off)
            return
        self.load(spare, dst, off, width)
        self.emit(0x0F, spare, src)
        self.store(dst, off, spare, width)

    # -- steps --------------------------------------------------------------------------------

    def pointer(self, access: Access) -> tuple[int, int]:
        """R0: the value of the map, moved so that the number stands at the offset, of a width.

        The offset of an instruction has 16 bits with a sign.
        """
        self.map(R1, access.map)
        self.number(R2, self._flags)
        self.call("bpf_get_local_storage")
        kind: Object = access.map.object
        value = kind.value if isinstance(kind, Map) else U64  # the verifier says no anyway
        offset, width = value.field(access.field)
        if offset >= 1 << 15:
            self.emit(0x07, R0, imm=offset)
            offset = 0
        return offset, width

    def step(self, step: Step, *, last: bool) -> None:
        """The instructions of one step; after a step that ends the program others may stand."""
        match step:
            case Add(amount=amount):
                offset, width = self.pointer(*step.accesses())
                self.number(R1, amount)
                self.add(R0, offset, R1, width, spare=R2)
            case Store(number=number):
                offset, width = self.pointer(*step.accesses())
                self.number(R1, number)
                self.store(R0, offset, R1, width)
            case Mix(number=number):
                offset, width = self.pointer(*step.accesses())
                self.load(R1, R0, offset, width)
                self.emit(0x27, R1, imm=3)
                self.number(R2, number)
                self.emit(0x0F, R1, R2)
                self.store(R0, offset, R1, width)
            case Copy():
                source, target = step.accesses()
                offset, width = self.pointer(source)
                self.load(R7, R0, offset, width)
                offset, width = self.pointer(target)
                self.store(R0, offset, R7, width)
            case Flush():
                self.flush(step)
            case Verdict(below=below):
                offset, width = self.pointer(*step.accesses())
                self.load(R1, R0, offset, width)
                self.number(R2, below)
                answer = R0 if last else R7
                self.number(answer, 1)
                self.emit(0xAD, R1, R2, off=1)  # if r1 < r2 keep the 1
                self.number(answer, 0)
                self.end(last=last)
            case BitVerdict(mask=mask):
                offset, width = self.pointer(*step.accesses())
                self.load(R1, R0, offset, width)
                self.number(R2, mask)
                answer = R0 if last else R7
                self.number(answer, 1)
                self.emit(0x4D, R1, R2, off=1)  # if r1 & r2 keep the 1
                self.number(answer, 0)
                self.end(last=last)
            case Guard(below=below):
                offset, width = self.pointer(*step.accesses())
                self.load(R1, R0, offset, width)
                self.number(R2, below)
                self.emit(0xAD, R1, R2, off=2)  # if r1 < r2 continue
                self.leave(0)
            case SetRetval(number=number):
                self.number(R1, -number)
                self.call("bpf_set_retval")
            case Return(number=number):
                self.number(R0 if last else R7, number)
                self.end(last=last)
            case TailCall(slot=slot):
                self.move(R1, R6)
                self.map(R2, step.array)
                self.number(R3, slot)
                self.call("bpf_tail_call")
            case Call():
                self.other_helper(step)
            case CgrpStep():
                self.on_cgroup(step)
            case Mention(map=map):
                self.map(R1, map)
            case _:
                raise TypeError(f"no instructions for {step!r}")

    def flush(self, step: Flush) -> None:
        batch, total = step.accesses()
        at, width = self.pointer(batch)
        self.move(R7, R0)
        self.load(R8, R0, at, width)
        total_at, total_width = self.pointer(total)
        self.number(R1, step.at)
        rest = self.part()
        rest.add(R0, total_at, R8, total_width, spare=R2)
        rest.number(R1, 0)
        rest.store(R7, at, R1, width)
        self.emit(0xAD, R8, R1, off=len(rest._words))  # if r8 < r1 skip the rest
        self._words += rest._words

    def on_cgroup(self, step: CgrpStep) -> None:
        """Get hold of a cgroup, and call a helper of CGRP_STORAGE with it."""
        if step.rcu:
            self.kernel_function("bpf_rcu_read_lock")
        use = self.part()
        if step.cgroup == CgroupOf.SOCKET:
            struct_name, _, member = self._context.partition(".")
            self.move(R1, R6)
            self.kernel_function("bpf_cast_to_kern_ctx")
            if member:
                self.load(R0, R0, member_offset(struct_name, member), 8)
            use.load(R2, R0, member_offset("sock", "sk_cgrp_data.cgroup"), 8)
            use.helper_of_cgroup(step)
            self.unless_zero(R0, use)
        else:
            self.call("bpf_get_current_task_btf")
            self.load(R1, R0, member_offset("task_struct", "cgroups"), 8)
            self.load(R2, R1, member_offset("css_set", "dfl_cgrp"), 8)
            if step.cgroup == CgroupOf.PARENT:
                self.move(R1, R2)
                self.load(R2, R1, member_offset("cgroup", "level"), 4)
                self.emit(0x07, R2, imm=-1)
                self.kernel_function("bpf_cgroup_ancestor")
                use.move(R7, R0)
                use.move(R2, R0)
                use.helper_of_cgroup(step)
                use.move(R1, R7)
                use.kernel_function("bpf_cgroup_release")
                self.unless_zero(R0, use)
            else:
                self.helper_of_cgroup(step)
        if step.rcu:
            self.kernel_function("bpf_rcu_read_unlock")

    def helper_of_cgroup(self, step: CgrpStep) -> None:
        """Call the helper with the cgroup in R2."""
        self.map(R1, step.map)
        if not isinstance(step, CgrpAdd):
            self.call("bpf_cgrp_storage_delete")
            return
        self.number(R3, 0)
        self.number(R4, step.flags)
        self.call("bpf_cgrp_storage_get")
        kind: Object = step.map.object
        value = kind.value if isinstance(kind, Map) else U64  # the verifier says no anyway
        offset, width = value.field(step.field)
        add = self.part()
        add.number(R1, step.amount)
        add.add(R0, offset, R1, width, spare=R2)
        self.unless_zero(R0, add)

    def end(self, *, last: bool) -> None:
        """Return R0, or R7 where steps follow.

        The verifier wants to see every later instruction reached, so the exit then seems to
        depend on a clock that is never 0.
        """
        if not last:
            self.call("bpf_ktime_get_ns")
            self.emit(0x15, R0, off=2, imm=0)
            self.move(R0, R7)
        self.emit(0x95)

    def other_helper(self, step: Call) -> None:
        """Call with good arguments, as far as they are known, so that only the map is wrong."""
        kind = step.map.object
        key, value = (-(-size // 8) * 8 for size in (kind.key.size, kind.value_size))
        value = value if key + value <= _STACK else 0
        for below in range(8, key + value + 1, 8):
            self.emit(0x7A, R10, off=-below)
        self.map(R1, step.map)
        for register, below in ((R2, key), (R3, key + value)):
            self.move(register, R10)
            self.emit(0x07, register, imm=-below)
        if step.helper in _VALUE_FIRST:
            self.move(R2, R3)
            self.number(R3, 0)
        self.number(R4, 0)
        self.number(R5, 0)
        self.call(step.helper)
