# SPDX-License-Identifier: GPL-2.0-only
"""BPF_MAP_FREEZE: any descriptor with a capability before 6.5, a writable descriptor since."""

from __future__ import annotations

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_ALLOW_MULTI,
    BPF_F_RDONLY,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    STORAGE_KEY,
    U64,
    Add,
    KernelInterface,
    changes,
)

from ..story import BreakingChange, Explains, Observe, Outcome, Sign


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Freeze a map through a read-only descriptor, a writable one, and without capabilities."""
    web, egress = kernel.mkdir("web"), BPF_CGROUP_INET_EGRESS
    counts, others = (
        kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name=name)
        for name in ("counts", "others")
    )
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")
    kernel.prog_attach(web, count, egress, BPF_F_ALLOW_MULTI)
    kernel.obj_pin("/sys/fs/bpf/counts", counts)
    reader = kernel.obj_get("/sys/fs/bpf/counts", BPF_F_RDONLY)
    kernel.unlink("/sys/fs/bpf/counts")

    observe("freeze by reader", lambda: kernel.map_freeze(reader))
    observe("update by owner", lambda: kernel.map_update_elem(counts, (web, egress), 9))
    observe("freeze by owner", lambda: kernel.map_freeze(counts))
    observe("freeze again", lambda: kernel.map_freeze(counts))
    with kernel.user():
        observe("freeze without capability", lambda: kernel.map_freeze(others))


STORY = BreakingChange(
    title="Freezing a map needs a writable descriptor",
    nav="Freezing needs write access",
    summary="""
Since Linux 6.5 ``BPF_MAP_FREEZE`` requires a writable file descriptor, and no capability. A second
freeze fails with ``EPERM``. Before 6.5 a read-only descriptor was enough together with ``CAP_BPF``
(``CAP_SYS_ADMIN`` before 5.8), and a second freeze failed with ``EBUSY``.
""",
    affects="both",
    affected="""
* You are affected if you freeze through a descriptor that was opened with ``BPF_F_RDONLY``.
* You are affected if you rely on ``EBUSY`` to detect a frozen map.
* You are affected if a process without capabilities has a writable descriptor: it can freeze the
  map for all others.
""",
    signs=(
        Sign("C", "bpf_map_freeze|BPF_MAP_FREEZE", "calls that freeze a map"),
        Sign("Go", "\\.Freeze\\(\\)", "calls that freeze a map"),
        Sign("Rust", "\\.freeze\\(\\)", "calls that freeze a map"),
        Sign("shell", "bpftool map freeze", "commands that freeze a map"),
    ),
    fix="""
Freeze through the descriptor that ``bpf_map_create()`` returned, and remember that you did. The
errno of a second freeze depends on the release:
""",
    details="""
Commit :commit:`c4c84f6fb2c4` ("bpf: drop unnecessary bpf_capable() check in BPF_MAP_FREEZE
command") replaced the check of the capability with a check of the descriptor's mode. That check,
``syscall.c:map_get_sys_perms``, treats all descriptors of a frozen map as read-only, so a second
freeze fails there.

The example opens a pinned map for reading and freezes it. Before 6.5, this locks out the owner: the
next update fails with ``EPERM``, and the map cannot be unfrozen. Programs can still write. Since
6.5, the kernel rejects the freeze of the reader, and the update of the owner succeeds.

The mode of a descriptor is chosen when it is created, with ``BPF_F_RDONLY`` in ``BPF_MAP_CREATE``,
``BPF_OBJ_GET`` or ``BPF_MAP_GET_FD_BY_ID``. Before 5.2, the command does not exist and fails with
``EINVAL``.

The example sets ``kernel.unprivileged_bpf_disabled=0``. If it is not 0, kernels before 5.19 reject
processes without capabilities before any other check.
""",
    shown_by="user space",
    run=run,
    outcomes=(
        Outcome(
            None,
            {
                "freeze by reader": "EINVAL",
                "update by owner": "ok",
                "freeze by owner": "EINVAL",
                "freeze again": "EINVAL",
                "freeze without capability": "EINVAL",
            },
            "kernel 4.19.108: no such command",
        ),
        Outcome(
            changes.MAP_FREEZE,
            {
                "freeze by reader": "ok",
                "update by owner": "EPERM",
                "freeze by owner": "EBUSY",
                "freeze again": "EBUSY",
                "freeze without capability": "EPERM",
            },
            "``syscall.c:map_freeze`` of 5.4, 5.10 and 6.1",
            step="``BPF_MAP_FREEZE`` exists. It accepts a read-only descriptor, and requires "
            "``CAP_SYS_ADMIN``.",
        ),
        Outcome(
            changes.FREEZE_NEEDS_WRITE,
            {
                "freeze by reader": "EPERM",
                "update by owner": "ok",
                "freeze by owner": "ok",
                "freeze again": "EPERM",
                "freeze without capability": "ok",
            },
            "``syscall.c:map_freeze`` of 6.12 and 7.3",
        ),
    ),
    kernel={"unprivileged_bpf_disabled": 0},
    before="6.4",
    after="6.5",
    symptoms=(
        "EPERM (Operation not permitted) from BPF_MAP_FREEZE as root",
        "EBUSY no longer comes from a second BPF_MAP_FREEZE",
        "EPERM from BPF_MAP_UPDATE_ELEM although no privileged process has frozen the map",
    ),
    rules=("command.freeze",),
    recipes=(),
    explains=(Explains(changes.FREEZE_NEEDS_WRITE),),
)
