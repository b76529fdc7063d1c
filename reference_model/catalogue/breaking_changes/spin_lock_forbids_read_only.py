# SPDX-License-Identifier: GPL-2.0-only
"""A map with a bpf_spin_lock in its value: not write-only and not frozen since 6.2."""

from __future__ import annotations

from typing import Any

from reference_model import (
    BPF_F_RDONLY_PROG,
    BPF_F_WRONLY_PROG,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    SPIN_LOCK,
    STORAGE_KEY,
    U64,
    KernelInterface,
    Struct,
    changes,
)

from ..story import BreakingChange, Evidence, Explains, Observe, Outcome, Sign


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Create maps with a lock that programs only read or only write, and freeze one."""
    locked = Struct(count=U64, lock=SPIN_LOCK)

    def create(map_flags: int) -> Any:
        return kernel.map_create(
            BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, locked, btf=True, map_flags=map_flags
        )

    observe("programs only read", lambda: create(BPF_F_RDONLY_PROG))
    observe("programs only write", lambda: create(BPF_F_WRONLY_PROG))
    limits = observe("programs read and write", lambda: create(0))
    if limits is not None:
        observe("freeze", lambda: kernel.map_freeze(limits))


STORY = BreakingChange(
    title="Maps with a spin lock cannot be frozen",
    nav="Spin lock: no freezing",
    summary="""
Since Linux 6.2 a map whose value has a ``bpf_spin_lock`` cannot be frozen or write-only:
``BPF_MAP_FREEZE`` fails with ``ENOTSUPP`` (524), and ``BPF_F_WRONLY_PROG`` with ``EACCES``. Before
6.2 both worked. ``BPF_F_RDONLY_PROG`` with a lock never worked.
""",
    affects="shared",
    affected="""
* You are affected if you freeze a map whose value contains a lock.
* You are affected if you create such a map with ``BPF_F_WRONLY_PROG``.
* Otherwise no change is needed.
""",
    signs=(
        Sign(
            "C",
            "bpf_spin_lock|bpf_map_freeze|BPF_F_WRONLY_PROG",
            "locks, and the calls that reject them",
        ),
        Sign(
            "Go",
            "bpf_spin_lock|\\.Freeze\\(\\)|BPF_F_WRONLY_PROG",
            "locks, and the calls that reject them",
        ),
    ),
    fix="""
Remove the lock from the value. A frozen map needs none, because user space writes it only before it
is frozen:
""",
    details="""
Commit :commit:`db559117828d` ("bpf: Consolidate spin_lock, timer management into btf_record", Linux
6.2) treats all special fields of a value alike: locks, timers and kernel pointers. The strictest of
the earlier restrictions now applies to all of them. Programs must be able to read and write a map
with such a field (``syscall.c:map_check_btf``), and it cannot be frozen (``map_freeze``). Creating
it requires ``CAP_BPF``; before, these maps required no capability.

The kernel checks for the lock before it checks the privileges of the caller. Freezing therefore
fails with ``ENOTSUPP`` even through a read-only descriptor.

Programs write to the value to take the lock. ``BPF_F_RDONLY_PROG`` with a lock has therefore been
rejected since the flag exists (5.2).

To have both, put the settings in a map without a lock, which can be frozen. Put the lock and the
values that it protects in another map. A program can use one map of each type, so one of the
two must be a per-CPU map or an array. You can also open the map read-only, with ``BPF_F_RDONLY`` in
``BPF_OBJ_GET``, where it must not be written.
""",
    shown_by="user space",
    run=run,
    outcomes=(
        Outcome(
            None,
            {
                "programs only read": "EINVAL",
                "programs only write": "EINVAL",
                "programs read and write": "ENOTSUPP",
            },
            "kernel 4.19.108: neither these flags nor BTF",
        ),
        Outcome(
            changes.BTF_KEY_AND_VALUE,
            {
                "programs only read": "EINVAL",
                "programs only write": "EINVAL",
                "programs read and write": "ok",
                "freeze": "EINVAL",
            },
            "``local_storage.c:cgroup_storage_map_alloc``, ``syscall.c`` of 5.1: no such flags, "
            "no freeze",
            step="A map whose BTF shows a lock can be created.",
        ),
        Outcome(
            changes.PROG_ACCESS_FLAGS,
            {
                "programs only read": "EACCES",
                "programs only write": "ok",
                "programs read and write": "ok",
                "freeze": "ok",
            },
            "kernels 5.4.59 to 6.1.176; ``syscall.c:map_check_btf``, ``map_freeze``",
            step="A map with a lock can be frozen or have ``BPF_F_WRONLY_PROG``, but not "
            "``BPF_F_RDONLY_PROG``.",
        ),
        Outcome(
            changes.BTF_RECORD,
            {
                "programs only read": "EACCES",
                "programs only write": "EACCES",
                "programs read and write": "ok",
                "freeze": "ENOTSUPP",
            },
            "kernels 6.12.107 and 7.2.13; ``syscall.c:map_check_btf``, ``map_freeze`` of 6.12 and "
            "7.3",
            step="On a map with a lock ``BPF_MAP_FREEZE`` fails with ``ENOTSUPP`` (524). "
            "Creating it with ``BPF_F_WRONLY_PROG`` fails with ``EACCES``.",
        ),
    ),
    evidence=(
        Evidence(
            "spin-lock-values",
            same={
                1: "programs read and write",
                3: "programs only read",
                4: "programs only write",
                26: "freeze",
            },
        ),
    ),
    before="6.1",
    after="6.2",
    symptoms=(
        "EACCES (Permission denied) from BPF_MAP_CREATE",
        "ENOTSUPP (Unknown error 524) from BPF_MAP_FREEZE",
    ),
    rules=("btf.spin-lock-flags", "btf.no-freeze", "command.freeze"),
    recipes=("update_concurrently",),
    explains=(
        Explains(changes.BTF_RECORD, ("map_create: * / EACCES", "map_freeze: ok / ENOTSUPP")),
    ),
)
