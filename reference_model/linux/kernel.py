# SPDX-License-Identifier: GPL-2.0-only
"""The running kernel, with the interface of the model's Kernel.

Composes the parts beside it, in the order of the model's Kernel.
"""

from __future__ import annotations

from types import TracebackType

from .attachments import AttachCommands
from .cgroups import CgroupCommands
from .cgrp_storage import CgrpStorageHelpers
from .events import EventCommands
from .ids import IdCommands
from .links import LinkCommands
from .map_create import MapCreate
from .maps import MapCommands
from .pins import DescriptorCommands
from .programs import ProgCommands


class LinuxKernel(
    CgroupCommands,
    EventCommands,
    MapCreate,
    MapCommands,
    CgrpStorageHelpers,
    ProgCommands,
    AttachCommands,
    LinkCommands,
    IdCommands,
    DescriptorCommands,
):
    """The running kernel: the methods, parameters, answers and errors of Kernel.

    Every refusal is a KernelError with the kernel's errno; Denied means what it means there.
    ``memlock``: RLIMIT_MEMLOCK in bytes for maps and storages; ``unprivileged_bpf_disabled``: the
    sysctl, which only a guest may change; ``allow_unsafe``: do also what may crash the kernel,
    which only works in a virtual machine; ``release``: what to take the kernel for, instead of the
    release that uname(2) names; ``runs_nothing``: the caller runs no program, so that what only
    crashes when a program runs is done.  Raises Missing if the machine lacks something.

    What it makes is below one cgroup of its own.  Use it in a ``with`` block, or call shutdown():
    both give everything back, as do a failure and the end of Python.
    """

    def __repr__(self) -> str:
        return f"LinuxKernel({self.running!r})"

    def __enter__(self) -> LinuxKernel:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.shutdown()
