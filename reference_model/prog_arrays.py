# SPDX-License-Identifier: GPL-2.0-only
"""BPF_MAP_TYPE_PROG_ARRAY: where tail calls jump to, and which programs go together in it.

Modelled: ``kernel/bpf/core.c:__bpf_prog_map_compatible``, ``kernel/bpf/arraymap.c`` (fd arrays).
Left out: the rules on JIT and XDP fragments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from . import changes, errors, lsm
from .maps import Map, StorageMap
from .state import changing
from .uapi import BPF_ANY, MapType, ProgType
from .values import Type, Value

if TYPE_CHECKING:
    from .parts import KernelPart
    from .programs import Program


@changing(fixed=("type", "expected_attach_type", "storage_maps"))
class Owner(NamedTuple):
    """What the first program left in the array for ever: ``struct bpf_map_owner``.

    ``storage_maps`` are those that it uses, shared and per-CPU: the kernel keeps their ids.
    """

    type: ProgType
    expected_attach_type: int
    storage_maps: tuple[StorageMap | None, ...]
    sleepable: bool
    lsm_hook: str


@changing("owner", "slots")
class ProgArray(Map):
    """An array of programs; user space's last descriptor or pin empties it."""

    __slots__ = ("owner", "slots")

    def __init__(
        self,
        number: int,
        name: str,
        map_type: MapType,
        key: Type,
        value: Type,
        flags: int,
        max_entries: int,
    ) -> None:
        super().__init__(number, name, map_type, key, value, flags)
        self.owner: Owner | None = None
        self.slots: list[Program | None] = [None] * max_entries

    def check_compatible(self, kernel: KernelPart, program: Program) -> None:
        """``bpf_prog_map_compatible()``: EINVAL unless the program fits the array's owner."""
        owner = self.owner
        if owner is None:
            return
        if owner.type is not program.type:
            raise errors.TailCallIncompatible("the program types differ")
        if owner.sleepable is not program.sleepable and kernel.has(changes.SLEEPABLE_TAIL_CALLS):
            raise errors.TailCallIncompatible("only one of them is sleepable")
        if kernel.has(changes.TAIL_CALL_COOKIES):
            none_is_fine = not (program.arrays and kernel.has(changes.TAIL_CALL_COOKIES_TIGHT))
            for mine, needed in zip(program.storage_maps, owner.storage_maps, strict=True):
                if mine is not needed and not (mine is None and none_is_fine):
                    raise errors.TailCallIncompatible("the cgroup storage maps differ")
        declared = program.expected_attach_type
        if kernel.has(changes.TAIL_CALL_ATTACH_TYPE) and owner.expected_attach_type != declared:
            raise errors.TailCallIncompatible("the expected_attach_types differ")
        same = lsm.same_parameters(owner.lsm_hook, program.lsm_hook)
        if not same and kernel.has(changes.TAIL_CALLS_BETWEEN_HOOKS):
            raise errors.TailCallIncompatible("the parameters of the LSM hooks differ")

    def take_owner(self, program: Program) -> None:
        """The first program to use or to enter the array becomes its owner."""
        if self.owner is None:
            self.owner = Owner(
                program.type,
                program.expected_attach_type,
                tuple(program.storage_maps),
                program.sleepable,
                program.lsm_hook,
            )

    def _number(self, key: Any) -> int:
        """The number in a 4-byte key."""
        if not isinstance(key, int):
            raise TypeError(f"the key of a program array is an index, not {key!r}")
        if not 0 <= key < 1 << 32:
            raise ValueError(f"the key of a program array has 4 bytes, and {key} does not fit")
        return key

    def _slot(self, key: Any) -> int:
        number = self._number(key)
        if number >= len(self.slots):
            raise errors.IndexTooBig(key)
        return number

    def lookup(self, kernel: KernelPart, key: Any, flags: int) -> Value:
        """The id of the program in the slot."""
        number = self._number(key)
        program = self.slots[number] if number < len(self.slots) else None
        if program is None:
            raise errors.NoEntry
        return program.id

    def update(self, kernel: KernelPart, key: Any, value: Value, flags: int) -> None:
        """Put a program, given by its descriptor, into a slot."""
        if flags != BPF_ANY:
            raise errors.ElementFlags(flags)
        slot = self._slot(key)
        program = kernel._program(value)
        self.check_compatible(kernel, program)
        old = self.slots[slot]
        if old is not None:
            kernel._check_put([old])
        self.take_owner(program)
        program.refs += 1
        self.slots[slot] = program
        if old is not None:
            kernel._put_program(old)

    def delete(self, kernel: KernelPart, key: Any) -> None:
        """Empty a slot."""
        slot = self._slot(key)
        program = self.slots[slot]
        if program is None:
            raise errors.NoEntry
        kernel._check_put([program])
        self.slots[slot] = None
        kernel._put_program(program)

    def next_key(self, kernel: KernelPart, key: Any) -> int:
        """The next slot's number, whether or not the slot is empty."""
        number = len(self.slots) if key is None else self._number(key)
        following = 0 if number >= len(self.slots) else number + 1
        if following >= len(self.slots):
            raise errors.NoMoreKeys
        return following

    def destroy(self, kernel: KernelPart) -> None:
        """Give its page back."""
        kernel._uncharge(1)

    def clear(self, kernel: KernelPart) -> None:
        """``bpf_fd_array_map_clear()``"""
        programs = [program for program in self.slots if program is not None]
        self.slots = [None] * len(self.slots)
        for program in programs:
            kernel._put_program(program)
