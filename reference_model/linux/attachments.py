# SPDX-License-Identifier: GPL-2.0-only
"""BPF_PROG_ATTACH, BPF_PROG_DETACH and BPF_PROG_QUERY on the running kernel.

Each method has the parameters, answers and errors of the interface.
"""

from __future__ import annotations

import ctypes
import errno
import time
from collections.abc import Callable

from ..attachments import ProgQuery, check_query
from ..cgroups import Cgroup as AnyCgroup
from ..programs import ProgFd as AnyProgFd
from ..state import Descriptor
from ..uapi import BPF_LSM_CGROUP, QUERY_SIZE, AttachFlag, AttachType
from .deferred import wait_for, wait_for_slots
from .descriptors import Link, ProgFd, relative_word, word
from .errors import KernelError
from .parts import LinuxPart
from .syscall import Attach, Command, Query, address, bpf

_MOST = 4096
"""Program ids that a query can take."""
_UNTOUCHED = 0xA5
"""What stands behind a short attribute before a query."""
_SLOT = 10.0
"""Seconds within which the slot of an LSM hook becomes free."""


class AttachCommands(LinuxPart):
    """Attaching, detaching and querying programs."""

    def prog_attach(
        self,
        cgroup: AnyCgroup,
        prog: AnyProgFd,
        attach_type: AttachType,
        flags: int = 0,
        *,
        replace: AnyProgFd | None = None,
        relative: Descriptor | int | None = None,
        expected_revision: int = 0,
    ) -> None:
        self._check_twice(cgroup, prog, attach_type)
        self._limit_memory()
        attr = Attach(
            target_fd=word(cgroup),
            attach_bpf_fd=word(prog),
            attach_type=attach_type,
            attach_flags=flags,
            replace_bpf_fd=word(replace),
            relative=relative_word(relative),
            expected_revision=expected_revision,
        )
        self._when_slot_is_free(attach_type, lambda: bpf(Command.BPF_PROG_ATTACH, attr))
        self.guard.attached(flags)
        if replace is not None:
            self._direct.discard((cgroup.id, int(attach_type), replace.id))
        self._direct.add((cgroup.id, int(attach_type), prog.id))

    def prog_detach(
        self,
        cgroup: AnyCgroup,
        prog: AnyProgFd | None,
        attach_type: AttachType,
        flags: int = 0,
        *,
        expected_revision: int = 0,
    ) -> None:
        attr = Attach(
            target_fd=word(cgroup),
            attach_bpf_fd=word(prog),
            attach_type=attach_type,
            attach_flags=flags,
            expected_revision=expected_revision,
        )
        self._unless_slots_are_taken(attach_type, lambda: bpf(Command.BPF_PROG_DETACH, attr))
        self.slots_settled = False
        if self.guard.wants_links_counted():
            self._forget(cgroup, attach_type, prog)

    def prog_query(
        self,
        cgroup: AnyCgroup,
        attach_type: AttachType,
        query_flags: int = 0,
        *,
        prog_attach_flags: bool = False,
        count: int | None = None,
        size: int = QUERY_SIZE,
    ) -> ProgQuery:
        check_query(attach_type, count, size, prog_attach_flags=prog_attach_flags)
        most = _MOST if count is None else count
        room = min(most, _MOST)
        ids, flags = (ctypes.c_uint32 * room)(), (ctypes.c_uint32 * room)()
        attr = Query(
            target_fd=word(cgroup),
            attach_type=attach_type,
            query_flags=query_flags,
            prog_ids=address(ids) if most else 0,
            prog_cnt=most,
            prog_attach_flags=address(flags) if prog_attach_flags else 0,
        )
        behind = bytes([_UNTOUCHED]) * (QUERY_SIZE - size)
        ctypes.memmove(address(attr) + size, behind, len(behind))
        failed: KernelError | None = None
        try:
            bpf(Command.BPF_PROG_QUERY, attr, size)
        except KernelError as error:
            if error.errno != errno.ENOSPC:
                raise
            failed = error
        written = min(attr.prog_cnt, most)
        answer = ProgQuery(
            AttachFlag(attr.attach_flags),
            tuple(ids[:written]),
            attr.revision if size == QUERY_SIZE else 0,
            tuple(map(AttachFlag, flags[:written])) if prog_attach_flags else (),
            attr.prog_cnt,
            sum(byte != _UNTOUCHED for byte in bytes(attr)[size:]),
        )
        if failed is not None:
            failed.answer = answer
            raise failed
        return answer

    def _programs_on_hook_of(self, link: Link) -> int | None:
        if link.cgroup is None:
            return None
        lsm = link.attach_type == BPF_LSM_CGROUP
        try:
            return self.prog_query(link.cgroup, link.attach_type, prog_attach_flags=lsm).prog_cnt
        except KernelError:
            return None

    def _when_slot_is_free(self, attach_type: int, attach: Callable[[], int]) -> int:
        if attach_type != BPF_LSM_CGROUP:
            return self._when_memory_is_back(attach)
        if not self.slots_settled:
            wait_for_slots(self.root)
            self.slots_settled = self.held.slots = True
            self.slots_until = time.monotonic() + _SLOT
        result: list[int] = []

        def attempt() -> bool:
            try:
                result.append(attach())
            except KernelError as error:
                return error.name != "EINVAL"
            return True

        wait_for(attempt, max(0, self.slots_until - time.monotonic()))
        return result[0] if result else attach()

    def _unless_slots_are_taken(self, attach_type: int, act: Callable[[], int]) -> None:
        try:
            act()
        except KernelError as error:
            if attach_type != BPF_LSM_CGROUP or error.name != "EINVAL":
                raise
            self._when_slot_is_free(attach_type, act)

    # -- the guard's ----------------------------------------------------------------------------

    def _check_twice(
        self, cgroup: AnyCgroup, prog: object, attach_type: int, *, link: bool = False
    ) -> None:
        if not (isinstance(prog, ProgFd) and self.guard.wants_links_counted()):
            return
        try:
            ids = self.prog_query(cgroup, AttachType(attach_type)).prog_ids
        except (KernelError, ValueError):
            return
        count = ids.count(prog.id)
        if not link and (cgroup.id, int(attach_type), prog.id) in self._direct:
            count -= 1
        self.guard.attach_twice(prog.object, elsewhere=count > 0)

    def _forget(self, cgroup: AnyCgroup, attach_type: AttachType, prog: AnyProgFd | None) -> None:
        """A program was detached; off a hook without MULTI the only one, whatever was named."""
        hook = cgroup.id, int(attach_type)
        left = self.prog_query(cgroup, attach_type).prog_ids
        self._direct -= {
            known
            for known in self._direct
            if known[:2] == hook and (not left or (prog is not None and known[2] == prog.id))
        }
