# SPDX-License-Identifier: GPL-2.0-only
"""A bpf_spin_lock in a per-CPU value: a plain struct in 5.0, rejected since 5.1."""

from __future__ import annotations

from typing import Any

from reference_model import (
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    SPIN_LOCK,
    STORAGE_KEY,
    U64,
    KernelInterface,
    MapType,
    Struct,
    changes,
)

from ..story import BreakingChange, Evidence, Explains, Observe, Outcome, Sign


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Create maps of both types whose values have a lock, with BTF that says so."""
    locked = Struct(count=U64, lock=SPIN_LOCK)

    def create(map_type: MapType) -> Any:
        return kernel.map_create(map_type, STORAGE_KEY, locked, btf=True)

    observe("lock in a per-CPU value", lambda: create(BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE))
    observe("lock in a shared value", lambda: create(BPF_MAP_TYPE_CGROUP_STORAGE))


STORY = BreakingChange(
    title="Per-CPU values cannot contain a spin lock",
    nav="No spin lock per CPU",
    summary="""
Since Linux 5.1 creating a per-CPU map whose BTF shows a ``struct bpf_spin_lock`` fails with
``ENOTSUPP`` (524), and since 6.2 with ``EOPNOTSUPP`` (95). Before 5.1 the kernel treated the
struct like any other and created the map.
""",
    affects="per-CPU",
    affected="""
* You are affected if the shared and the per-CPU map have one value type with a lock.
* You are affected if you compare the errno: it changed in 6.2.
* Otherwise no change is needed.
""",
    signs=(
        Sign("C", "struct bpf_spin_lock", "value types with a lock"),
        Sign("Go", "bpf_spin_lock|SpinLock", "value types with a lock"),
    ),
    fix="""
Use a value type without the lock for the per-CPU map:
""",
    details="""
The kernel looks for a member of type ``struct bpf_spin_lock`` in the BTF of the value, by the name
of the struct (``syscall.c:map_check_btf``). Only a few map types may have one, such as
``BPF_MAP_TYPE_CGROUP_STORAGE``. Without BTF, the kernel finds no lock: it creates the map, but no
program can use the lock.

Commit :commit:`96049f3afd50` ("bpf: introduce BPF_F_LOCK flag", Linux 5.1) belongs to the series
that added the lock. Commit :commit:`db559117828d` ("bpf: Consolidate spin_lock, timer management
into btf_record", Linux 6.2) replaced 524, for which libc has no name, with 95.

libbpf passes BTF for ``__type(value, ...)``. If the kernel rejects the map, libbpf prints a warning
and tries again without BTF. Loading may then succeed with a map that has no lock.

A per-CPU value needs no lock against programs on other CPUs. User space may still read it in the
middle of a program's write, and a lock cannot prevent this.
""",
    shown_by="object",
    run=run,
    outcomes=(
        Outcome(
            None,
            {"lock in a per-CPU value": "EINVAL", "lock in a shared value": "ENOTSUPP"},
            "kernel 4.19.108: no per-CPU type, and no BTF for the other one",
        ),
        Outcome(
            changes.PERCPU_STORAGE,
            {"lock in a per-CPU value": "ENOTSUPP", "lock in a shared value": "ENOTSUPP"},
            "``local_storage.c`` of 4.20: ``map_check_no_btf``",
            step="Creating a per-CPU map with BTF fails with ``ENOTSUPP`` (524), with a lock "
            "or without.",
        ),
        Outcome(
            changes.BTF_KEY_AND_VALUE,
            {"lock in a per-CPU value": "ok", "lock in a shared value": "ok"},
            "from source: in 5.0 ``syscall.c:map_check_btf`` does not look for a lock yet",
            step="A per-CPU map whose BTF shows a lock can be created. The kernel treats the "
            "lock like any other struct.",
        ),
        Outcome(
            changes.SPIN_LOCK,
            {"lock in a per-CPU value": "ENOTSUPP", "lock in a shared value": "ok"},
            "kernels 5.4.59 to 6.1.176; ``syscall.c:map_check_btf``",
            step="Creating a per-CPU map whose BTF shows a lock fails with ``ENOTSUPP`` (524).",
        ),
        Outcome(
            changes.BTF_RECORD,
            {"lock in a per-CPU value": "EOPNOTSUPP", "lock in a shared value": "ok"},
            "kernels 6.12.107 and 7.2.13; ``syscall.c:map_check_btf`` of 6.12 and 7.3",
            step="Creating a per-CPU map whose BTF shows a lock fails with ``EOPNOTSUPP`` (95)"
            " instead of ``ENOTSUPP`` (524).",
        ),
    ),
    evidence=(
        Evidence(
            "spin-lock-values", same={1: "lock in a shared value", 2: "lock in a per-CPU value"}
        ),
    ),
    before="5.0",
    after="5.1",
    symptoms=(
        "ENOTSUPP (Unknown error 524) from BPF_MAP_CREATE of a per-CPU map",
        "EOPNOTSUPP (Operation not supported) from BPF_MAP_CREATE of a per-CPU map",
        "libbpf: Retrying without BTF",
    ),
    rules=("btf.spin-lock",),
    recipes=("update_concurrently",),
    explains=(
        Explains(changes.SPIN_LOCK, ("map_create: ok / ENOTSUPP",)),
        Explains(changes.BTF_RECORD, ("map_create: * / EOPNOTSUPP",)),
    ),
)
