# SPDX-License-Identifier: GPL-2.0-only
"""What the documentation of aya says of the storage that a program gets."""

from __future__ import annotations

from ..patch import Claim

AYA = Claim(
    "aya-ebpf, ``get_ptr_mut()``",
    "The storage is that of the cgroup in which the program is running.",
    "It is that of the cgroup to which the program is attached, also if a process in a child "
    "cgroup triggers the program.",
    "4.19",
    "``kernel/bpf/cgroup.c``: compute_effective_progs() copies the storages of the attachment",
    ("storage.attachment",),
)
