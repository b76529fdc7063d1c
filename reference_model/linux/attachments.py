# SPDX-License-Identifier: GPL-2.0-only
"""BPF_PROG_ATTACH, DETACH and QUERY, and the commands on links, on the running kernel.

Each method has the parameters, answers and errors of the interface.
"""

from __future__ import annotations

import ctypes

from ..attachments import ProgQuery
from ..cgroups import Cgroup as AnyCgroup
from ..links import LinkFd as AnyLinkFd
from ..links import LinkInfo
from ..programs import ProgFd as AnyProgFd
from ..state import Descriptor
from ..uapi import AttachFlag, AttachType
from .descriptors import LinkFd, ProgFd, info, link_of, object_id, word
from .errors import KernelError
from .programs import ProgCommands
from .syscall import Attach, Command, LinkCreate, LinkUpdate, Query, address, bpf

_MOST = 4096
"""Program ids that a query can take."""

Hook = tuple[int, int, int]
"""Cgroup id, attach type and program id."""


class AttachCommands(ProgCommands):
    """Attachments and links."""

    _direct: set[Hook]
    """What was attached directly, as far as the guard needs it."""

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
        self.limit_memory()
        attr = Attach(
            target_fd=word(cgroup),
            attach_bpf_fd=word(prog),
            attach_type=attach_type,
            attach_flags=flags,
            replace_bpf_fd=word(replace),
            relative=_relative(relative),
            expected_revision=expected_revision,
        )
        self.when_memory_is_back(lambda: bpf(Command.BPF_PROG_ATTACH, attr))
        self.guard.attached(flags)
        if replace is not None:
            self._direct.discard((cgroup.id, int(attach_type), replace.id))
        self._direct.add((cgroup.id, int(attach_type), prog.id))

    def prog_detach(
        self,
        cgroup: AnyCgroup,
        prog: AnyProgFd | None,
        attach_type: AttachType,
        *,
        expected_revision: int = 0,
    ) -> None:
        attr = Attach(
            target_fd=word(cgroup),
            attach_bpf_fd=word(prog),
            attach_type=attach_type,
            expected_revision=expected_revision,
        )
        bpf(Command.BPF_PROG_DETACH, attr)
        if self.guard.wants_links_counted():
            self._forget(cgroup, attach_type, prog)

    def prog_query(
        self, cgroup: AnyCgroup, attach_type: AttachType, query_flags: int = 0
    ) -> ProgQuery:
        ids = (ctypes.c_uint32 * _MOST)()
        attr = Query(
            target_fd=word(cgroup),
            attach_type=attach_type,
            query_flags=query_flags,
            prog_ids=address(ids),
            prog_cnt=_MOST,
        )
        bpf(Command.BPF_PROG_QUERY, attr)
        return ProgQuery(AttachFlag(attr.attach_flags), tuple(ids[: attr.prog_cnt]), attr.revision)

    # -- links --------------------------------------------------------------------------------

    def link_create(
        self,
        cgroup: AnyCgroup,
        prog: AnyProgFd,
        attach_type: AttachType,
        flags: int = 0,
        *,
        relative: Descriptor | int | None = None,
        expected_revision: int = 0,
    ) -> LinkFd:
        self._check_twice(cgroup, prog, attach_type, link=True)
        self.limit_memory()
        attr = LinkCreate(
            prog_fd=word(prog),
            target_fd=word(cgroup),
            attach_type=attach_type,
            flags=flags,
            relative=_relative(relative),
            expected_revision=expected_revision,
        )
        fd = self.when_memory_is_back(lambda: bpf(Command.BPF_LINK_CREATE, attr))
        self.guard.attached(flags)
        try:
            number = object_id(fd)
        except KernelError:  # 5.7 tells nothing of links
            number = 0
        made = LinkFd(link_of(number, prog.object, AttachType(attach_type)), fd)
        self.held.descriptors.append(made)
        return made

    def link_update(
        self,
        link: AnyLinkFd,
        new_prog: AnyProgFd,
        *,
        flags: int = 0,
        old_prog: AnyProgFd | None = None,
    ) -> None:
        self.guard.link_update(link, new_prog, int(flags), old_prog)
        attr = LinkUpdate(
            link_fd=word(link), new_prog_fd=word(new_prog), flags=flags, old_prog_fd=word(old_prog)
        )
        bpf(Command.BPF_LINK_UPDATE, attr)
        link.object.program = new_prog.object

    def link_detach(self, link: AnyLinkFd) -> None:
        bpf(Command.BPF_LINK_DETACH, LinkUpdate(link_fd=word(link)))

    def link_info(self, link: AnyLinkFd) -> LinkInfo:
        data = info(word(link), 32)
        prog_id, cgroup_id, attach_type = (
            int.from_bytes(data[at : at + size], "little")
            for at, size in ((8, 4), (16, 8), (24, 4))
        )
        return LinkInfo(prog_id, cgroup_id, AttachType(attach_type))

    # -- the guard's ----------------------------------------------------------------------------

    def _check_twice(
        self, cgroup: AnyCgroup, prog: object, attach_type: int, *, link: bool = False
    ) -> None:
        """Unsafe if the program would have a second attachment on the hook, where that is a bug."""
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


def _relative(relative: Descriptor | int | None) -> int:
    return relative if isinstance(relative, int) else word(relative)
