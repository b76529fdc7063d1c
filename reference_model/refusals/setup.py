# SPDX-License-Identifier: GPL-2.0-only
"""A kernel with what it takes to be refused: a cgroup, a map, a program, a key.

>>> from reference_model import Kernel
>>> setup = Setup(Kernel("5.9"))
>>> setup.kernel.map_delete_elem(setup.counts, setup.key)
Traceback (most recent call last):
    ...
reference_model.errors.DeleteRefused: [Errno 22] EINVAL: entries of this map type cannot be deleted
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .. import errors
from ..cgroups import Cgroup
from ..errors import BpfError
from ..kernel import Kernel
from ..links import LinkFd
from ..maps import MapFd
from ..programs import ProgFd
from ..releases import Change, Release, release
from ..steps import Add
from ..uapi import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_ALLOW_MULTI,
    BPF_F_RDONLY,
    BPF_F_WRONLY,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    BPF_PROG_TYPE_CGROUP_SOCK,
)
from ..values import STORAGE_KEY, U64, Type

EGRESS = BPF_CGROUP_INET_EGRESS
STORAGE, PERCPU_STORAGE = BPF_MAP_TYPE_CGROUP_STORAGE, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE
SKB = BPF_PROG_TYPE_CGROUP_SKB


class Setup:
    """A kernel, and things in it that are made when they are asked for."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel

    @cached_property
    def web(self) -> Cgroup:
        """A cgroup."""
        return self.kernel.mkdir("web")

    @cached_property
    def gone(self) -> Cgroup:
        """A cgroup that was removed."""
        cgroup = self.kernel.mkdir("gone")
        self.kernel.rmdir(cgroup)
        return cgroup

    @cached_property
    def closed_cgroup(self) -> Cgroup:
        """A cgroup whose descriptor was closed."""
        cgroup = self.kernel.mkdir("closed")
        self.kernel.close(cgroup)
        return cgroup

    @property
    def key(self) -> Any:
        """The key of the entry that attach() makes."""
        return (self.web, EGRESS)

    def map(self, value: Type = U64, **options: Any) -> MapFd:
        """A new map."""
        return self.kernel.map_create(STORAGE, STORAGE_KEY, value, **options)

    @cached_property
    def counts(self) -> MapFd:
        """A map."""
        return self.map(map_name="counts")

    @cached_property
    def closed_map(self) -> MapFd:
        """A map's descriptor that was closed."""
        found = self.map()
        self.kernel.close(found)
        return found

    def opened(self, mode: int) -> Any:
        """Another descriptor of the map, that may only read or only write."""
        path = f"/sys/fs/bpf/opened_{mode}"
        self.kernel.obj_pin(path, self.counts)
        return self.kernel.obj_get(path, mode)

    @cached_property
    def reader(self) -> Any:
        """A descriptor of the map that may only read."""
        return self.opened(BPF_F_RDONLY)

    @cached_property
    def writer(self) -> Any:
        """A descriptor of the map that may only write."""
        return self.opened(BPF_F_WRONLY)

    @cached_property
    def count(self) -> ProgFd:
        """A program that uses the map."""
        return self.kernel.prog_load(SKB, Add(self.counts), prog_name="count")

    def plain(self, **options: Any) -> ProgFd:
        """A new program without maps."""
        return self.kernel.prog_load(SKB, **options)

    @cached_property
    def sock(self) -> ProgFd:
        """A program of another type."""
        return self.kernel.prog_load(BPF_PROG_TYPE_CGROUP_SOCK)

    @cached_property
    def closed_prog(self) -> ProgFd:
        """A program's descriptor that was closed."""
        found = self.plain()
        self.kernel.close(found)
        return found

    def attach(self, prog: Any = None, flags: int = BPF_F_ALLOW_MULTI, **options: Any) -> None:
        """Attach the program, or another, to the cgroup."""
        self.kernel.prog_attach(self.web, prog or self.count, EGRESS, flags, **options)

    def link(self, prog: Any = None, flags: int = 0, **options: Any) -> LinkFd:
        """Attach the program, or another, to the cgroup by a link."""
        return self.kernel.link_create(self.web, prog or self.count, EGRESS, flags, **options)

    @cached_property
    def linked(self) -> LinkFd:
        """A link of the program."""
        return self.link()

    @cached_property
    def closed_link(self) -> LinkFd:
        """A link's descriptor that was closed."""
        link = self.link(self.plain())
        self.kernel.close(link)
        return link


RULES: dict[type[BpfError], str] = {
    errors.BadDescriptor: "errors.descriptor",
    errors.BadInfoDescriptor: "errors.descriptor",
    errors.NoDescriptorToPin: "errors.descriptor",
    errors.WrongDescriptor: "errors.descriptor",
    errors.CgroupGone: "errors.removed-cgroup",
    errors.LinkDefunct: "errors.removed-cgroup",
    errors.LinkWithoutCgroup: "errors.removed-cgroup",
    errors.UnknownCommand: "errors.unknown-command",
    errors.AccessMode: "flags.descriptor",
    errors.HierarchyForbids: "attach.hierarchy",
    errors.OtherFlagsAttached: "attach.hierarchy",
    errors.TooManyPrograms: "limit.programs",
    errors.StaleRevision: "attach.position",
    errors.Position: "attach.position",
    errors.NoSuchId: "attach.position",
    errors.NoAnchor: "attach.position",
    errors.UnknownProgramType: "helper.program-types",
    errors.ValueAccess: "helper.bounds",
    errors.SpecialFieldReadOnly: "btf.spin-lock-flags",
    errors.SpecialFieldNotSupported: "btf.special-fields",
    errors.FreezeNotSupported: "btf.no-freeze",
    errors.BtfIds: "btf.both",
    errors.MapName: "create.name",
    errors.ProgName: "load.name",
    errors.OutOfMemory: "errors.memory",
    errors.PathExists: "errors.path",
    errors.ReturnValue: "load.return-value",
    errors.ExpectedAttachType: "attach.type",
    errors.WrongAttachType: "attach.type",
    errors.AttachFlags: "flags.unknown",
    errors.QueryFlags: "flags.unknown",
    errors.NotAttached: "detach.absent",
    errors.DetachNeedsProgram: "detach.absent",
    errors.LinkHasOtherProgram: "link-update.refused",
    errors.LinkProgramType: "link-update.refused",
    errors.TestRunNotSupported: "test-run.types",
}
"""The rules of the reference on reasons that are the same for every operation."""


@dataclass(frozen=True)
class Refusal:
    """One reason for which an operation is refused."""

    operation: str
    """The method of the kernel."""
    error: type[BpfError]
    when: str
    """In a few words of reStructuredText, without a full stop."""
    provoke: Callable[[Setup], object]
    """Does it, in a fresh setup."""
    since: Change | None = None
    """The change that brought the refusal; None: there from the beginning."""
    until: Change | None = None
    """The change that ended it; None: it is still there."""
    rule: str = ""
    """The rule of the reference that says so; empty: the one in RULES, if any."""

    def on(self, name: Release | str) -> bool:
        """Whether a release refuses this."""
        has = release(name).has
        begun = self.since is None or has(self.since)
        return begun and not (self.until is not None and has(self.until))

    @property
    def said_by(self) -> str:
        """The name of the rule of the reference that says so, or nothing."""
        return self.rule or RULES.get(self.error, "")
