# SPDX-License-Identifier: GPL-2.0-only
"""The commands on links, on the running kernel.

Each method has the parameters, answers and errors of the interface.
"""

from __future__ import annotations

from ..cgroups import Cgroup as AnyCgroup
from ..links import LinkFd as AnyLinkFd
from ..programs import ProgFd as AnyProgFd
from ..state import Descriptor
from ..uapi import AttachType
from .descriptors import LinkFd, link_of, object_id, relative_word, word
from .errors import KernelError
from .parts import LinuxPart
from .syscall import Command, LinkCreate, LinkUpdate, bpf


class LinkCommands(LinuxPart):
    """Links."""

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
        self._limit_memory()
        attr = LinkCreate(
            prog_fd=word(prog),
            target_fd=word(cgroup),
            attach_type=attach_type,
            flags=flags,
            relative=relative_word(relative),
            expected_revision=expected_revision,
        )
        fd = self._when_slot_is_free(attach_type, lambda: bpf(Command.BPF_LINK_CREATE, attr))
        self.guard.attached(flags)
        try:
            number = object_id(fd)
        except KernelError:  # 5.7 reports no info of links
            number = 0
        made = LinkFd(link_of(number, prog.object, AttachType(attach_type)), fd)
        made.object.cgroup = cgroup
        self.made["link"][number] = made.object
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
        attach_type = link.object.attach_type if isinstance(link, LinkFd) else 0
        self._unless_slots_are_taken(attach_type, lambda: bpf(Command.BPF_LINK_UPDATE, attr))
        link.object.program = new_prog.object

    def link_detach(self, link: AnyLinkFd) -> None:
        bpf(Command.BPF_LINK_DETACH, LinkUpdate(link_fd=word(link)))
        link.object.cgroup = None
        self.slots_settled = False
