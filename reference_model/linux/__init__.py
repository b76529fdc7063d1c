# SPDX-License-Identifier: GPL-2.0-only
"""The interface of the model on the kernel that runs: raw bpf(2), cgroup v2, real packets.

A LinuxKernel has the methods of Kernel, so a story runs on either::

    from reference_model.linux import LinuxKernel

    with LinuxKernel() as kernel:
        web = kernel.mkdir("web")
        counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64)
        ...

Needs Linux on x86-64, root, cgroup v2, and no library but libc; says what is missing.
"""

from __future__ import annotations

from .errors import KernelError, Missing, Unsafe
from .kernel import LinuxKernel
from .machine import missing

__all__ = ["KernelError", "LinuxKernel", "Missing", "Unsafe", "missing"]
