# SPDX-License-Identifier: GPL-2.0-only
"""Attaching, replacing and detaching programs, and the order in which they run.

Modelled: ``kernel/bpf/cgroup.c``: ``__cgroup_bpf_attach``, ``__cgroup_bpf_detach``,
``hierarchy_allows_attach``, ``get_prog_list``, ``compute_effective_progs``, ``__cgroup_bpf_query``;
``kernel/bpf/syscall.c``: ``bpf_prog_attach``, ``bpf_prog_detach``, ``bpf_prog_query``.  Left out:
the LSM trampolines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from . import changes, errors
from .cgroups import Cgroup
from .errors import UndefinedBehaviour
from .parts import KernelPart
from .programs import ATTACH_TYPES, ProgFd, Program
from .state import Descriptor, changing
from .storages import NOT_FOUND, Storages
from .uapi import (
    BPF_CGROUP_MAX_PROGS,
    BPF_F_AFTER,
    BPF_F_ALLOW_MULTI,
    BPF_F_ALLOW_OVERRIDE,
    BPF_F_BEFORE,
    BPF_F_ID,
    BPF_F_LINK,
    BPF_F_PREORDER,
    BPF_F_QUERY_EFFECTIVE,
    BPF_F_REPLACE,
    BPF_LSM_CGROUP,
    QUERY_SIZE,
    AttachFlag,
    AttachType,
)

if TYPE_CHECKING:
    from .links import Link

_OVERRIDE, _MULTI, _REPLACE, _PREORDER = map(
    int, (BPF_F_ALLOW_OVERRIDE, BPF_F_ALLOW_MULTI, BPF_F_REPLACE, BPF_F_PREORDER)
)
_BEFORE, _AFTER, _ID, _LINK = map(int, (BPF_F_BEFORE, BPF_F_AFTER, BPF_F_ID, BPF_F_LINK))


@changing("flags", "prog", "sound", "storages", fixed=("link",))
class Attachment:
    """A program on one hook of one cgroup: ``struct bpf_prog_list``."""

    __slots__ = ("cgroup", "flags", "link", "prog", "sound", "storages")

    def __init__(self, cgroup: Cgroup) -> None:
        self.cgroup = cgroup
        self.prog: Program | None = None
        self.link: Link | None = None
        self.flags = 0
        self.storages: Storages = NOT_FOUND
        self.sound = True
        """Whether the storages are surely those of the program's maps."""

    @property
    def program(self) -> Program:
        """The program that runs: attached directly, or the link's."""
        program = self.prog if self.link is None else self.link.program
        assert program is not None
        return program

    def __repr__(self) -> str:
        return f"Attachment({self.program.id}, {self.cgroup!r})"


@changing("attachments", "flags", "revision", hidden=("revision",))
class Hook:
    """The programs of one cgroup at one hook, their common flags, and the hook's revision."""

    __slots__ = ("attachments", "flags", "revision")

    def __init__(self) -> None:
        self.attachments: list[Attachment] = []
        self.flags = 0
        self.revision = 1


class ProgQuery(NamedTuple):
    """The answer of BPF_PROG_QUERY: program ids in order of their list, or as they run."""

    attach_flags: AttachFlag
    prog_ids: tuple[int, ...]
    revision: int
    prog_attach_flags: tuple[AttachFlag, ...] = ()
    """The flags with which each program is attached, if they were asked for."""
    prog_cnt: int = 0
    """How many programs there are, also if the buffer takes fewer ids."""
    overwritten: int = 0
    """How many bytes behind the caller's attribute the kernel wrote."""


_DEVICES = (46, 47, 54, 55)
"""Attach types of network devices: for ``BPF_TCX_*`` and ``BPF_NETKIT_*`` (since 6.12.118 or
earlier) a kernel takes ``target_fd`` for the number of an interface."""


def check_query(attach_type: int, count: int | None, size: int, *, prog_attach_flags: bool) -> None:
    """ValueError for what the interface does not take: hooks of devices, and such buffers."""
    if attach_type in _DEVICES:
        raise ValueError(
            f"attach_type: {attach_type} is a hook of network devices, not of cgroups; pass one "
            "such as BPF_CGROUP_INET_EGRESS"
        )
    if count is not None and not 0 <= count < 1 << 32:
        raise ValueError(f"count must be from 0 to {(1 << 32) - 1}, not {count!r}")
    least = 40 if prog_attach_flags else 28
    if not least <= size <= QUERY_SIZE:
        raise ValueError(f"size must be from {least} to {QUERY_SIZE} bytes, not {size!r}")


class AttachCommands(KernelPart):
    """BPF_PROG_ATTACH, BPF_PROG_DETACH and BPF_PROG_QUERY."""

    def prog_attach(
        self,
        cgroup: Cgroup,
        prog: ProgFd,
        attach_type: AttachType,
        flags: int = 0,
        *,
        replace: ProgFd | None = None,
        relative: Descriptor | int | None = None,
        expected_revision: int = 0,
    ) -> None:
        # checks: bpf_prog_attach()
        self._check_command()
        if not self.has(changes.CAP_BPF) and not self._net_admin():
            raise errors.NotPermitted("CAP_NET_ADMIN")
        if flags & ~self._attach_flags():
            raise errors.AttachFlags(AttachFlag(flags))
        if replace is not None and not self.has(changes.REPLACE_FLAG):
            raise errors.AttachFlags("this kernel has no replace_bpf_fd")
        if (relative or expected_revision) and not self.has(changes.ORDERING):
            raise errors.AttachFlags("this kernel has no relative_fd and no expected_revision")
        known = self._attach_type(attach_type)
        if known is None:
            raise errors.WrongAttachType(attach_type)
        program = self._program(prog, ATTACH_TYPES[known][0])
        try:
            self._check_attach_type(program, known)
        except errors.NotPermitted:
            raise errors.WrongAttachType("without CAP_NET_ADMIN") from None
        self._live_cgroup(cgroup)
        replaced = None
        if flags & _MULTI and flags & _REPLACE:
            replaced = self._program(replace, program.type)
        # act
        self._cgroup_attach(
            cgroup, known, program, None, flags, replaced, relative, expected_revision
        )

    def _attach_flags(self) -> int:
        mask = _OVERRIDE | _MULTI
        if self.has(changes.REPLACE_FLAG):
            mask |= _REPLACE
        if self.has(changes.PREORDER):
            mask |= _PREORDER
        if self.has(changes.ORDERING):
            mask |= _BEFORE | _AFTER | _ID | _LINK
        return mask

    def _cgroup_attach(
        self,
        cgroup: Cgroup,
        attach_type: AttachType,
        program: Program,
        link: Link | None,
        flags: int,
        replaced: Program | None = None,
        relative: Descriptor | int | None = None,
        expected_revision: int = 0,
    ) -> None:
        hook_id = program.lsm_hook if attach_type is BPF_LSM_CGROUP else attach_type
        saved_flags = flags & (_OVERRIDE | _MULTI)
        # checks
        if saved_flags == _OVERRIDE | _MULTI or flags & (_REPLACE | _MULTI) == _REPLACE:
            raise errors.AttachFlags(AttachFlag(flags))
        if flags & _REPLACE and flags & (_BEFORE | _AFTER):
            raise errors.AttachFlags(AttachFlag(flags))
        slot, hook = self._slot_and_hook(cgroup, hook_id)
        if self.has(changes.ORDERING) and expected_revision not in (0, hook.revision):
            raise errors.StaleRevision(hook.revision)
        if not _hierarchy_allows_attach(cgroup, hook_id):
            raise errors.HierarchyForbids
        if hook.attachments and hook.flags != saved_flags:
            raise errors.OtherFlagsAttached(AttachFlag(hook.flags))
        if len(hook.attachments) >= BPF_CGROUP_MAX_PROGS:
            raise errors.TooManyPrograms
        tests_before = self.has(changes.REPLACE_FLAG)
        entry = None
        if tests_before:
            entry = self._find_entry(hook, program, link, replaced, saved_flags)
        storages = self.storages.acquire(program, cgroup, attach_type)
        old = entry.storages if entry is not None else NOT_FOUND
        try:
            if not tests_before:
                entry = self._find_entry(hook, program, link, replaced, saved_flags)
                old = entry.storages if entry is not None else NOT_FOUND
            if entry is None and self._fails("node"):
                raise errors.OutOfMemory
            place = len(hook.attachments)
            if entry is None and self.has(changes.ORDERING):
                place = self._position(hook, link, flags, relative)
        except errors.BpfError:
            self.storages.undo(storages, NOT_FOUND, node=True)
            raise
        if self._fails("effective"):
            self.storages.undo(storages, old, node=False)
            raise errors.OutOfMemory
        going = entry.prog if entry is not None else None
        try:
            self.storages.check_publish(storages, old)
            if going is not None and going is not program:
                self._check_put([going], old)
        except UndefinedBehaviour:
            self.storages.discard(storages)
            raise
        # act
        if entry is None:
            if slot is not None:
                self.lsm_slots.take(slot, program.lsm_hook, self.cgroups.values())
            entry = Attachment(cgroup)
            hook.attachments.insert(place, entry)
            cgroup.hooks[hook_id] = hook
        else:
            self.storages.replace(old)
        entry.prog, entry.link = (program, None) if link is None else (None, link)
        entry.flags = flags & _PREORDER
        entry.storages = storages
        entry.sound = True
        hook.flags = saved_flags
        hook.revision += 1
        self.storages.publish(storages)
        if link is None:
            program.refs += 1
        if going is not None:
            self._put_program(going)

    def _slot_and_hook(
        self, cgroup: Cgroup, hook_id: AttachType | str | None
    ) -> tuple[int | None, Hook]:
        """``bpf_cgroup_atype_find()``: the slot, if it is an LSM hook, and what is attached there.

        None stands for the LSM hook of no program.
        """
        if isinstance(hook_id, AttachType):
            return None, cgroup.hooks.get(hook_id) or Hook()
        slot = self.lsm_slots.find(hook_id)
        if slot is None:
            raise errors.TooManyHooks
        return slot, cgroup.hooks.get(self.lsm_slots.names[slot]) or Hook()

    def _find_entry(
        self,
        hook: Hook,
        program: Program,
        link: Link | None,
        replaced: Program | None,
        saved_flags: int,
    ) -> Attachment | None:
        """``find_attach_entry()``: the entry to take over, or None for a new one."""
        if not saved_flags & _MULTI:
            return hook.attachments[0] if hook.attachments else None
        if link is not None:
            return None
        by_itself = program is replaced and self.has(changes.REPLACE_BY_ITSELF)
        if not by_itself and any(entry.prog is program for entry in hook.attachments):
            raise errors.AlreadyAttached
        if replaced is None:
            return None
        for entry in hook.attachments:
            if entry.prog is replaced:
                return entry
        raise errors.NothingToReplace

    def _position(
        self, hook: Hook, link: Link | None, flags: int, relative: Descriptor | int | None
    ) -> int:
        """Where a new entry is inserted: ``get_prog_list()`` and ``insert_pl_to_hlist()``."""
        wanted = flags & (_BEFORE | _AFTER)
        if not flags & (_LINK | _ID) and not relative:
            if hook.attachments and wanted == _BEFORE | _AFTER:
                raise errors.Position(AttachFlag(wanted))
            return 0 if wanted & _BEFORE else len(hook.attachments)
        if wanted not in (_BEFORE, _AFTER):
            raise errors.Position("relative_fd requires either BPF_F_BEFORE or BPF_F_AFTER")
        if bool(flags & _LINK) != (link is not None):
            raise errors.Position(
                "a link must be placed next to a link, a program next to a program"
            )
        anchor = self._anchor(flags, relative)
        for place, entry in enumerate(hook.attachments):
            if anchor is (entry.prog if link is None else entry.link):
                if entry.flags != flags & _PREORDER:
                    raise errors.Position("the two programs differ in BPF_F_PREORDER")
                return place if wanted == _BEFORE else place + 1
        raise errors.NoAnchor

    def _anchor(self, flags: int, relative: Descriptor | int | None) -> object:
        """The program or link named by ``relative``: ``bpf_get_anchor_prog()`` and ``_link()``."""
        if flags & _ID:
            found = self.objects["link" if flags & _LINK else "prog"].get(int(relative or 0))  # type: ignore[arg-type]
            if found is None:
                raise errors.NoSuchId(relative)
            return found
        if flags & _LINK:
            if not relative:
                raise errors.Position("BPF_F_LINK requires a link")
            return self._link(relative)
        return self._program(relative)

    # -- detach -------------------------------------------------------------------------------

    def prog_detach(
        self,
        cgroup: Cgroup,
        prog: ProgFd | None,
        attach_type: AttachType,
        flags: int = 0,
        *,
        expected_revision: int = 0,
    ) -> None:
        # checks
        self._check_command()
        if not self.has(changes.CAP_BPF) and not self._net_admin():
            raise errors.NotPermitted("CAP_NET_ADMIN")
        if flags:
            raise errors.AttachFlags(AttachFlag(flags))
        if expected_revision and not self.has(changes.ORDERING):
            raise errors.AttachFlags("this kernel has no expected_revision")
        known = self._attach_type(attach_type)
        if known is None:
            raise errors.WrongAttachType(attach_type)
        self._live_cgroup(cgroup)
        try:
            program = self._program(prog, ATTACH_TYPES[known][0])
        except errors.BpfError:
            program = None
        hook_id: AttachType | str | None = known
        if known is BPF_LSM_CGROUP:
            hook_id = None if program is None else program.lsm_hook
        hook = self._slot_and_hook(cgroup, hook_id)[1]
        if expected_revision not in (0, hook.revision):
            raise errors.StaleRevision(hook.revision)
        entry = _find_detach_entry(hook, program)
        assert hook_id is not None, "a free slot has no entry"
        if self._fails("effective"):
            if not self.has(changes.DETACH_NEVER_FAILS):
                raise errors.OutOfMemory
            self._check_index(hook_id, entry)
        going = entry.program
        self._check_put([going], entry.storages)
        # act
        self._cgroup_detach(cgroup, hook_id, entry)
        self._put_program(going)

    def _cgroup_detach(self, cgroup: Cgroup, hook_id: AttachType | str, entry: Attachment) -> None:
        hook = cgroup.hooks[hook_id]
        hook.attachments.remove(entry)
        hook.revision += 1
        if not hook.attachments:
            hook.flags = 0
        if not isinstance(hook_id, AttachType):
            self.lsm_slots.put(hook_id)
        self.storages.detach(entry)

    def _check_index(self, hook_id: AttachType | str, entry: Attachment) -> None:
        if not self.has(changes.PREORDER) or self.has(changes.PREORDER_INDEX):
            return
        for cgroup in self.cgroups.values():
            entries = effective(cgroup, hook_id)
            if entry in entries and any(e.flags for e in entries):
                raise UndefinedBehaviour(
                    "with BPF_F_PREORDER programs, updating a link or detaching without memory may "
                    "change the wrong program of the array (CVE-2026-72427)"
                )

    def _check_release(self, cgroups: list[Cgroup]) -> None:
        going = [
            entry.prog
            for cgroup in cgroups
            if not cgroup.released
            for entry in cgroup.attachments()
            if entry.prog is not None
        ]
        self._check_put(going, [storage for cgroup in cgroups for storage in cgroup.storages])

    def _cgroup_bpf_release(self, cgroup: Cgroup) -> None:
        cgroup.released = True
        self.storages.release(cgroup)
        for hook_id, hook in cgroup.hooks.items():
            if not isinstance(hook_id, AttachType):
                for _ in hook.attachments:
                    self.lsm_slots.put(hook_id)
        for entry in cgroup.attachments():
            entry.sound = False
            if entry.link is not None:
                entry.link.cgroup = None
            else:
                self._put_program(entry.program)

    # -- query --------------------------------------------------------------------------------

    def prog_query(
        self,
        cgroup: Cgroup,
        attach_type: AttachType,
        query_flags: int = 0,
        *,
        prog_attach_flags: bool = False,
        count: int | None = None,
        size: int = QUERY_SIZE,
    ) -> ProgQuery:
        check_query(attach_type, count, size, prog_attach_flags=prog_attach_flags)
        self._check_command()
        if not self._net_admin():
            raise errors.NotPermitted("CAP_NET_ADMIN")
        if query_flags & ~BPF_F_QUERY_EFFECTIVE:
            raise errors.QueryFlags(query_flags)
        if prog_attach_flags and not self.has(changes.LSM_CGROUP):
            raise errors.QueryFlags("this kernel has no prog_attach_flags")
        known = self._attach_type(attach_type)
        if known is None:
            raise errors.WrongAttachType(attach_type)
        self._live_cgroup(cgroup)
        if query_flags and prog_attach_flags and self.has(changes.EFFECTIVE_QUERY_FLAGS):
            raise errors.QueryFlags("prog_attach_flags cannot be used with BPF_F_QUERY_EFFECTIVE")
        lsm = known is BPF_LSM_CGROUP
        if lsm and not query_flags and not prog_attach_flags and count != 0:
            raise errors.QueryFlags("BPF_LSM_CGROUP requires prog_attach_flags")
        places: list[AttachType | str] = [*self.lsm_slots.names] if lsm else [known]
        hooks = [cgroup.hooks.get(place) or Hook() for place in places]
        flags, revision = (0, 0) if lsm else (hooks[0].flags, hooks[0].revision)
        parts = [[(entry, hook.flags) for entry in hook.attachments] for hook in hooks]
        if query_flags:
            parts = [[(entry, 0) for entry in effective(cgroup, place)] for place in places]
            revision = 0
            if self.has(changes.EFFECTIVE_QUERY_FLAGS):
                flags = 0
        entries = [entry for part in parts for entry in part]
        found = len(entries)
        overwritten = 0
        if not self.has(changes.ORDERING) or size < QUERY_SIZE:
            if self.has(changes.ORDERING) and not self.has(changes.QUERY_WRITES_NO_REVISION):
                overwritten = min(QUERY_SIZE - size, 8)
            revision = 0
        entries = entries[:count]
        answer = ProgQuery(
            AttachFlag(flags),
            tuple(entry.program.id for entry, _ in entries),
            revision,
            tuple(AttachFlag(kept) for _, kept in entries) if prog_attach_flags else (),
            found,
            overwritten,
        )
        if count and count < found and (not query_flags or _cuts_a_hook(parts, count)):
            raise errors.QueryTooSmall(found, answer=answer)
        return answer


def _cuts_a_hook(parts: list[list[tuple[Attachment, int]]], count: int) -> bool:
    """Whether the buffer ends amid the programs of one hook.

    An effective query fails only then: each hook's result replaces that of the hook before.
    """
    for part in parts:
        if count < len(part):
            return count > 0
        count -= len(part)
    return False


def _hierarchy_allows_attach(cgroup: Cgroup, hook_id: AttachType | str) -> bool:
    """``hierarchy_allows_attach()``: the nearest ancestor with programs decides."""
    at = cgroup.parent
    while at is not None:
        hook = at.hooks.get(hook_id)
        if hook is not None:
            if hook.flags & _MULTI:
                return True
            if hook.attachments:
                return bool(hook.flags & _OVERRIDE)
        at = at.parent
    return True


def _find_detach_entry(hook: Hook, program: Program | None) -> Attachment:
    """``find_detach_entry()``, for a directly attached program."""
    if not hook.flags & _MULTI:
        if not hook.attachments:
            raise errors.NotAttached
        return hook.attachments[0]
    if program is None:
        raise errors.DetachNeedsProgram
    for entry in hook.attachments:
        if entry.prog is program:
            return entry
    raise errors.NotAttached


def effective(cgroup: Cgroup, hook_id: AttachType | str) -> list[Attachment]:
    """``compute_effective_progs()``: what runs for an event in this cgroup, in order.

    The cgroup's own programs and then its ancestors', a lower one hiding those of an ancestor
    without BPF_F_ALLOW_MULTI; before all, root-most first, the BPF_F_PREORDER programs.
    """
    found: list[Attachment] = []
    preorder: list[Attachment] = []
    at: Cgroup | None = cgroup
    while at is not None:
        hook = at.hooks.get(hook_id)
        if hook is not None and (hook.flags & _MULTI or not (found or preorder)):
            first = [entry for entry in hook.attachments if entry.flags]
            if first:
                preorder = first + preorder
                found += [entry for entry in hook.attachments if not entry.flags]
            else:
                found += hook.attachments
        at = at.parent
    return preorder + found
