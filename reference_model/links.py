# SPDX-License-Identifier: GPL-2.0-only
"""Links: attachments that last as long as somebody holds their descriptor.

Modelled: ``kernel/bpf/cgroup.c``: ``cgroup_bpf_link_attach``, ``cgroup_bpf_replace``,
``bpf_cgroup_link_release``; ``kernel/bpf/syscall.c``: ``link_create``, ``link_update``,
``link_detach``.  Left out: links of other kinds.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from . import changes, errors
from .attachments import Attachment
from .cgroups import Cgroup
from .parts import KernelPart
from .programs import ATTACH_TYPES, ProgFd, Program
from .state import Descriptor, Object, changing
from .uapi import (
    BPF_F_AFTER,
    BPF_F_ALLOW_MULTI,
    BPF_F_BEFORE,
    BPF_F_ID,
    BPF_F_LINK,
    BPF_F_PREORDER,
    BPF_F_REPLACE,
    BPF_LSM_CGROUP,
    BPF_PROG_TYPE_CGROUP_SKB,
    AttachFlag,
    AttachType,
)

_CREATE_FLAGS = int(BPF_F_ID | BPF_F_BEFORE | BPF_F_AFTER | BPF_F_PREORDER | BPF_F_LINK)


@changing()
class LinkFd(Descriptor):
    """A descriptor of a link; closing the last one detaches."""

    object: Link


class LinkInfo(NamedTuple):
    """``struct bpf_link_info``: ``cgroup_id`` is 0 once the link has lost its cgroup."""

    prog_id: int
    cgroup_id: int
    attach_type: AttachType


@changing("cgroup", "program")
class Link(Object):
    """``struct bpf_cgroup_link``: holds its program; ``cgroup`` is None once it is detached."""

    __slots__ = ("attach_type", "cgroup", "hook_id", "program")

    kind: ClassVar[str] = "link"

    def __init__(self, number: int, program: Program, attach_type: AttachType) -> None:
        super().__init__(number, "")
        self.program = program
        self.attach_type = attach_type
        self.hook_id = program.lsm_hook if attach_type is BPF_LSM_CGROUP else attach_type
        self.cgroup: Cgroup | None = None


class LinkCommands(KernelPart):
    """BPF_LINK_CREATE, BPF_LINK_UPDATE, BPF_LINK_DETACH, and the end of a link."""

    def link_create(
        self,
        cgroup: Cgroup,
        prog: ProgFd,
        attach_type: AttachType,
        flags: int = 0,
        *,
        relative: Descriptor | int | None = None,
        expected_revision: int = 0,
    ) -> LinkFd:
        # checks
        self._check_command()
        if not self.has(changes.LINKS):
            raise errors.UnknownCommand
        if not self.has(changes.CAP_BPF) and not self._net_admin():
            raise errors.NotPermitted("CAP_NET_ADMIN")
        if (relative or expected_revision) and not self.has(changes.LINK_CREATE_FIELDS):
            raise errors.AttachFlags("this kernel has no relative_fd and no expected_revision")
        if expected_revision >> 32 and not self.has(changes.LINK_CREATE_MORE_FIELDS):
            raise errors.AttachFlags(
                "this kernel has no field where expected_revision has its upper half"
            )
        known = self._attach_type(attach_type)
        if self.has(changes.LINK_CREATE_PROGRAM_FIRST):
            program = self._program(prog)
            if program.type is BPF_PROG_TYPE_CGROUP_SKB:
                self._check_attach_type(program, known)
        if known is None:
            raise errors.WrongAttachType(attach_type)
        program = self._program(prog)
        fits = program.type is ATTACH_TYPES[known][0]
        if not fits and not self._link_type_unchecked(program, known):
            raise errors.WrongDescriptor
        self._check_attach_type(program, known)
        if flags & ~(_CREATE_FLAGS if self.has(changes.ORDERING) else 0):
            raise errors.AttachFlags(AttachFlag(flags))
        self._live_cgroup(cgroup)
        link = Link(0, program, known)
        self._cgroup_attach(
            cgroup,
            known,
            program,
            link,
            flags | BPF_F_ALLOW_MULTI,
            relative=relative,
            expected_revision=expected_revision,
        )
        # act
        link.id = self._new_id("link")
        self.objects["link"][link.id] = link
        link.refs = 1
        link.cgroup = cgroup
        program.refs += 1
        if not fits:
            self._attachment(link).sound = False
        # answer
        return LinkFd(link)

    def link_update(
        self, link: LinkFd, new_prog: ProgFd, *, flags: int = 0, old_prog: ProgFd | None = None
    ) -> None:
        # checks
        self._check_command()
        if not self.has(changes.LINK_UPDATE):
            raise errors.UnknownCommand
        if not self.has(changes.CAP_BPF) and not self._net_admin():
            raise errors.NotPermitted("CAP_NET_ADMIN")
        if flags & ~int(BPF_F_REPLACE):
            raise errors.AttachFlags(AttachFlag(flags))
        found = self._link(link)
        new = self._program(new_prog)
        if flags & BPF_F_REPLACE:
            old = self._program(old_prog)
        elif old_prog is not None:
            raise errors.AttachFlags("old_prog_fd requires BPF_F_REPLACE")
        if found.cgroup is None:
            if self.has(changes.LINK_UPDATE_ENOLINK):
                raise errors.LinkDefunct
            raise errors.LinkWithoutCgroup
        current = found.program
        if flags & BPF_F_REPLACE and old is not current:
            raise errors.LinkHasOtherProgram
        if new.type is not current.type:
            raise errors.LinkProgramType
        if found.attach_type is BPF_LSM_CGROUP and new.lsm_hook != found.hook_id:
            if self.lsm_slots.find(new.lsm_hook) is None:
                raise errors.TooManyHooks
            raise errors.NotAttached
        same_maps = new.storage_maps == current.storage_maps
        if not same_maps and self.has(changes.LINK_UPDATE_COMPARES_MAPS):
            raise errors.LinkStorageMaps
        entry = self._attachment(found)
        self._check_index(found.hook_id, entry)
        if new is not current:
            self._check_put([current])
        # act
        found.program = new
        new.refs += 1
        entry.sound = entry.sound and same_maps
        entry.cgroup.hooks[found.hook_id].revision += 1
        self._put_program(current)

    def _link_type_unchecked(self, program: Program, attach_type: AttachType) -> bool:
        """Whether a link accepts a CGROUP_SKB program of another type (CVE-2024-38564).

        ``bpf_check_attach_target()`` still rejects a program without an LSM hook.
        """
        unchecked = self.has(changes.LINK_TYPE_UNCHECKED) and not self.has(
            changes.LINK_TYPE_CHECKED
        )
        skb = program.type is BPF_PROG_TYPE_CGROUP_SKB
        return unchecked and skb and attach_type is not BPF_LSM_CGROUP

    def link_detach(self, link: LinkFd) -> None:
        self._check_command()
        if not self.has(changes.LINK_DETACH):
            raise errors.UnknownCommand
        self._release(self._link(link))

    def _attachment(self, link: Link) -> Attachment:
        assert link.cgroup is not None
        entries = link.cgroup.hooks[link.hook_id].attachments
        return next(entry for entry in entries if entry.link is link)

    def _release(self, link: Link) -> None:
        """``bpf_cgroup_link_release()``: detach, unless the cgroup went first."""
        if link.cgroup is not None:
            self._cgroup_detach(link.cgroup, link.hook_id, self._attachment(link))
            link.cgroup = None

    def _put_link(self, link: Link) -> None:
        if link.refs == 1:
            freed = self._attachment(link).storages if link.cgroup is not None else ()
            self._check_put([link.program], freed)
            self._release(link)
            del self.objects["link"][link.id]
            self._put_program(link.program)
        link.refs -= 1
