# SPDX-License-Identifier: GPL-2.0-only
"""A bpf_spin_lock in the value, and BPF_F_LOCK: since 5.1."""

from __future__ import annotations

from typing import Any

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_ALLOW_MULTI,
    BPF_F_LOCK,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    SPIN_LOCK,
    STORAGE_KEY,
    U64,
    Add,
    KernelInterface,
    Struct,
    changes,
)

from ..story import Addition, Evidence, Explains, Observe, Outcome


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Write and read a value under its lock, while a program counts in it."""
    web, db = kernel.mkdir("web"), kernel.mkdir("db")
    egress = BPF_CGROUP_INET_EGRESS
    locked = Struct(count=U64, lock=SPIN_LOCK)
    counts: Any = observe(
        "create with BTF",
        lambda: kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, locked, btf=True),
    )
    if counts is None:
        return

    def write(cgroup: Any, number: int) -> None:
        kernel.map_update_elem(counts, (cgroup, egress), {"count": number}, BPF_F_LOCK)

    observe("locked update of no entry", lambda: write(db, 0))
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts, field="count"))
    kernel.prog_attach(web, count, egress, BPF_F_ALLOW_MULTI)
    observe("locked update", lambda: write(web, 5))
    kernel.fire(web, egress)
    observe(
        "locked lookup",
        lambda: kernel.map_lookup_elem(counts, (web, egress), BPF_F_LOCK)["count"],
    )


STORY = Addition(
    title="A value can hold a spin lock",
    nav="Spin locks in values",
    affects="shared",
    summary="""
Since Linux 5.1 a value of the shared type can hold a ``struct bpf_spin_lock``. Programs take the
lock around changes that belong together. User space does the same with the flag ``BPF_F_LOCK`` for
lookups and updates. Older kernels reject the flag with ``EINVAL``.
""",
    details="""
The lock is a member of the value's struct, and BTF tells the kernel where it is. With
``__type(value, ...)`` libbpf passes the BTF, which these maps accept since 5.0. The per-CPU type
accepts no lock. Commit :commit:`96049f3afd50` ("bpf: introduce BPF_F_LOCK flag", Linux 5.1) added
the flag for hash maps, arrays and ``BPF_MAP_TYPE_CGROUP_STORAGE``.

An update with ``BPF_F_LOCK`` writes in place while it holds the lock. An update without the flag
replaces the buffer, so what a program writes into the old buffer meanwhile is lost. A lookup with
the flag copies the value under the lock; a lookup without it can see half of a change. The lock
itself reads as zero and is not overwritten
(``local_storage.c:cgroup_storage_update_elem``, ``syscall.c:map_lookup_elem``).

All writers must take the lock. An atomic addition in a program does not wait for it, so it can mix
with a locked update.

Since 6.2 creating a map with a lock requires ``CAP_BPF``, and the map cannot be frozen.
""",
    shown_by="object",
    run=run,
    outcomes=(
        Outcome(
            None,
            {"create with BTF": "ENOTSUPP"},
            "kernel 4.19.108: these maps take no BTF",
        ),
        Outcome(
            changes.BTF_KEY_AND_VALUE,
            {
                "create with BTF": "ok",
                "locked update of no entry": "EINVAL",
                "locked update": "EINVAL",
                "locked lookup": "EINVAL",
            },
            "kernel 5.0.0; ``cgroup_storage_update_elem`` of 5.0 takes ``BPF_EXIST`` alone",
            step="A map whose BTF shows a lock can be created. Lookups and updates with "
            "``BPF_F_LOCK`` fail with ``EINVAL``.",
        ),
        Outcome(
            changes.SPIN_LOCK,
            {
                "create with BTF": "ok",
                "locked update of no entry": "ENOENT",
                "locked update": "ok",
                "locked lookup": 6,
            },
            "kernels 5.4.59 to 7.2.13; ``local_storage.c:cgroup_storage_update_elem``",
        ),
    ),
    evidence=(
        Evidence(
            "spin-lock-values",
            same={1: "create with BTF", 16: "locked update"},
            there={20: "locked lookup"},
        ),
    ),
    before="5.0",
    after="5.1",
    symptoms=(
        "EINVAL from BPF_MAP_UPDATE_ELEM with BPF_F_LOCK",
        "EINVAL from BPF_MAP_LOOKUP_ELEM with BPF_F_LOCK",
        "libbpf: Retrying without BTF",
    ),
    probe="""
Create the map with BTF, and update a missing entry with ``BPF_F_LOCK``. ``ENOENT`` means that the
kernel supports the lock, ``EINVAL`` that it does not. Then load the program that takes the lock, or
the one that does not.
""",
    without="""
Let only one side write each number. Let programs add atomically, or count per CPU. Let user space
write only numbers that programs do not change, and always update the whole value.
""",
    rules=("btf.spin-lock", "update.lock", "lookup.flags"),
    recipes=("update_concurrently",),
    explains=(Explains(changes.SPIN_LOCK, ("map_lookup: EINVAL / *", "map_update: EINVAL / *")),),
)
