# SPDX-License-Identifier: GPL-2.0-only
"""Who writes what: per-CPU counters for programs, a locked or swapped value for user space."""

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
    """A spin lock in the value and BPF_F_LOCK, or nothing."""
    _control(kernel, observe, fall_back=False)


def run(kernel: KernelInterface, observe: Observe) -> None:
    """The same, and a plain update where the kernel has no lock."""
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
    title="Update concurrently: atomics, spin lock and BPF_F_LOCK, per-CPU",
    problem="""
Programs run on all CPUs at once and user space writes as well. Some updates get lost, some values
are torn, and ``BPF_F_LOCK``, which helps, is ``EINVAL`` on old kernels.
""",
    summary="""
Let each number have one kind of writer. Counters that programs write go into a per-CPU map.
Settings that user space writes go into a shared map, written with ``BPF_F_LOCK`` where the value
has a ``bpf_spin_lock`` (from 5.1 on) and by a plain update where there is none. A program may use
one map of each kind.
""",
    details="""
Which way for which data:

* *Programs add to one number:* ``__sync_fetch_and_add()``, on every release. A per-CPU map (4.20)
  saves the competition between CPUs, but does not replace the atomic instruction: a softirq can run
  a program in the middle of another one's plain addition on the same CPU.
* *Programs change several numbers together:* a ``bpf_spin_lock`` in the shared value (5.1, needs
  BTF), taken with bpf_spin_lock() and bpf_spin_unlock(). A per-CPU value takes no lock; creating
  such a map is an error, 524 up to 6.1 and ``EOPNOTSUPP`` from 6.2 on.
* *User space writes, programs only read:* a plain update of the shared map. The kernel makes a new
  buffer and swaps the pointer, so a program sees all of the old value or all of the new one.
* *Both write:* ``bpf_spin_lock``, and ``BPF_F_LOCK`` in every update and lookup of user space. Then
  the value is copied in place under the lock. A plain update would swap the buffer, and a program
  that took the address before would go on writing into the old one.

The model runs one thing after the other and cannot show a lost increment. What is said of it was
read in local_storage.c:cgroup_storage_update_elem, and in __BPF_PROG_RUN_ARRAY of 4.20, which does
not keep softirqs off.
""",
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
            "local_storage.c and syscall.c of 4.20: no BTF for this type (kernel 4.19.108 says "
            "the same), no BPF_F_LOCK",
        ),
        Outcome(
            changes.BTF_KEY_AND_VALUE,
            {"per-CPU map": "ok", "lock in value": "ok", **ARRIVED, "locked update": "EINVAL"},
            "syscall.c of 5.0: BTF, but bpf_spin_lock is a struct like any other",
        ),
        Outcome(
            changes.SPIN_LOCK,
            {"per-CPU map": "ok", "lock in value": "ok", **ARRIVED, "locked update": "ok"},
            "kernels 5.4.59 to 7.2.13, trace spin-lock-values",
        ),
    ),
    evidence=(
        Evidence("spin-lock-values", same={1: "lock in value", 19: "locked update"}),
        Evidence("percpu-values", same={1: "per-CPU map"}),
    ),
    promises=(
        Promise(
            "What user space sets holds for the next packet, and every packet is counted",
            lambda seen: (seen.get("next packet"), seen.get("packets")) == ("denied", 2),
        ),
    ),
    pitfalls="""
* ``BPF_F_LOCK`` copies the *whole* value. If user space reads, changes one field and writes back,
  it undoes what programs wrote to the others in between. The lock does not cover both steps.
* Without ``BPF_F_LOCK`` a lookup of a shared value may see half of a program's change.
* The lock reads back as zero, and what you write there is ignored.
* A map with a spin lock cannot be frozen from 6.2 on, and cannot have ``BPF_F_RDONLY_PROG``.
* 5.0 takes the BTF but does not know the lock, so a map that can be created proves nothing. Probe
  with the flag: a lookup with ``BPF_F_LOCK`` is ``EINVAL`` where the kernel found no lock.
""",
    rules=("btf.spin-lock", "update.lock", "load.one-of-each"),
)
