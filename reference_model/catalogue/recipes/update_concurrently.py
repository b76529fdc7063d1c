# SPDX-License-Identifier: GPL-2.0-only
"""Give each value one kind of writer: per-CPU counters for programs, a lock for user space."""

from __future__ import annotations

from typing import Any

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_EXIST,
    BPF_F_ALLOW_MULTI,
    BPF_F_LOCK,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    SPIN_LOCK,
    STORAGE_KEY,
    U64,
    Add,
    KernelInterface,
    Struct,
    Verdict,
    changes,
)

from ..story import Evidence, Observe, Outcome, Promise, Recipe

LIMITS = Struct(lock=SPIN_LOCK, closed=U64)
ARRIVED = {"packet": "ok", "next packet": "denied", "packets": 2}


def old(kernel: KernelInterface, observe: Observe) -> None:
    """Use a spin lock in the value and BPF_F_LOCK, and give up without them."""
    _control(kernel, observe, fall_back=False)


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Use a spin lock and BPF_F_LOCK, or a plain update where the kernel has no lock."""
    _control(kernel, observe, fall_back=True)


def _control(kernel: KernelInterface, observe: Observe, *, fall_back: bool) -> None:
    web = kernel.mkdir("web")
    key = (web, BPF_CGROUP_INET_EGRESS)
    counts = observe(
        "per-CPU map",
        lambda: kernel.map_create(
            BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts"
        ),
    )
    if counts is None:
        return
    limits = observe("lock in value", lambda: _limits(kernel, btf=True))
    if limits is None and fall_back:
        limits = _limits(kernel, btf=False)
    if limits is None:
        return
    body = [Add(counts), Verdict(limits, field="closed")]
    gate = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, body, prog_name="gate")
    kernel.prog_attach(web, gate, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI)
    observe("packet", lambda: kernel.fire(web, BPF_CGROUP_INET_EGRESS))

    closed = {"closed": 1}
    locked = BPF_F_LOCK | BPF_EXIST
    observe("locked update", lambda: kernel.map_update_elem(limits, key, closed, locked))
    if fall_back and kernel.map_lookup_elem(limits, key) != closed:
        kernel.map_update_elem(limits, key, closed, BPF_EXIST)
    observe("next packet", lambda: kernel.fire(web, BPF_CGROUP_INET_EGRESS, cpu=1))
    observe("packets", lambda: sum(kernel.map_lookup_elem(counts, key)))


def _limits(kernel: KernelInterface, *, btf: bool) -> Any:
    return kernel.map_create(
        BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, LIMITS, map_name="limits", btf=btf
    )


STORY = Recipe(
    title="Update values while programs run",
    nav="Update while programs run",
    problem="""
Programs run on all CPUs at once, and user space writes as well. Some updates are lost, some values
are torn, and ``BPF_F_LOCK`` fails with ``EINVAL`` before 5.1.
""",
    when="""
* Use it for settings that user space writes and programs read.
* For counters, use atomic instructions, in a per-CPU map too, and do not write them from user
  space.
* It cannot protect a read-modify-write of user space: the lock does not cover both steps.
""",
    summary="""
Make sure that each field is written either by programs or by user space. Put a ``bpf_spin_lock`` in
the value, and update it with ``BPF_F_LOCK``. Without a lock, use a plain update.
""",
    details="""
The right way depends on who writes:

* *Programs add to one number.* Use ``__sync_fetch_and_add()``, on every release. A per-CPU map
  (since 4.20) avoids contention between CPUs, but does not replace the atomic instruction. A
  softirq can run the program again on the same CPU during a plain addition.
* *Programs change several numbers together.* Use a ``bpf_spin_lock`` in the shared value (since
  5.1, requires BTF), with ``bpf_spin_lock()`` and ``bpf_spin_unlock()``. A per-CPU value cannot
  have a lock: creating the map fails with ``EOPNOTSUPP``, and before 6.2 with errno 524.
* *User space writes, and programs only read.* Use a plain update of the shared map. The kernel
  creates a new buffer and swaps the pointer, so a program sees the whole old or the whole new
  value.
* *Both write.* Use a ``bpf_spin_lock``, and ``BPF_F_LOCK`` in every update and lookup of user
  space. The kernel then copies the value in place, under the lock. A plain update would swap the
  buffer, and a program that runs would still write to the old one.

A program can use one shared map and one per-CPU map.
""",
    shown_by="user space",
    run=run,
    old=old,
    old_release="latest",
    fails_on="5.0",
    since=changes.PERCPU_STORAGE,
    outcomes=(
        Outcome(None, {"per-CPU map": "EINVAL"}, "kernel 4.19.108: the type is unknown"),
        Outcome(
            changes.PERCPU_STORAGE,
            {
                "per-CPU map": "ok",
                "lock in value": "ENOTSUPP",
                **ARRIVED,
                "locked update": "EINVAL",
            },
            "``local_storage.c`` and ``syscall.c`` of 4.20: no BTF for this type (kernel 4.19.108 "
            "says the same), no ``BPF_F_LOCK``",
        ),
        Outcome(
            changes.BTF_KEY_AND_VALUE,
            {"per-CPU map": "ok", "lock in value": "ok", **ARRIVED, "locked update": "EINVAL"},
            "``syscall.c`` of 5.0: BTF, but ``bpf_spin_lock`` is a struct like any other",
        ),
        Outcome(
            changes.SPIN_LOCK,
            {"per-CPU map": "ok", "lock in value": "ok", **ARRIVED, "locked update": "ok"},
            "kernels 5.4.59 to 7.2.13, trace spin-lock-values; lost increments were not tested, "
            "but read in ``local_storage.c:cgroup_storage_update_elem``, and in "
            "__BPF_PROG_RUN_ARRAY of 4.20, which does not disable softirqs",
        ),
    ),
    evidence=(
        Evidence("spin-lock-values", same={1: "lock in value", 19: "locked update"}),
        Evidence("percpu-values", same={1: "per-CPU map"}),
    ),
    promises=(
        Promise(
            "The next packet obeys what user space sets, and every packet is counted",
            lambda seen: (seen.get("next packet"), seen.get("packets")) == ("denied", 2),
        ),
    ),
    pitfalls="""
* ``BPF_F_LOCK`` copies the *whole* value. If user space reads a value, changes one field and writes
  the value back, it overwrites what programs wrote to other fields in between.
* Without ``BPF_F_LOCK``, a lookup of a shared value may return half of a program's change.
* The lock reads back as zero, and the kernel ignores what you write there.
* Since 6.2, a map with a spin lock cannot be frozen. On every release, it cannot have
  ``BPF_F_RDONLY_PROG``.
* Linux 5.0 accepts the BTF but does not support the lock. Creating the map therefore does not show
  that the lock works. Test the flag instead: without support, a lookup with ``BPF_F_LOCK`` fails
  with ``EINVAL``.
""",
    rules=("btf.spin-lock", "update.lock", "load.one-of-each"),
)
