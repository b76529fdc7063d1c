# SPDX-License-Identifier: GPL-2.0-only
"""The largest value: one page before 5.15, then 65407 bytes, and 32768 in the per-CPU type."""

from __future__ import annotations

from reference_model import (
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    STORAGE_KEY,
    Bytes,
    KernelInterface,
    MapType,
    changes,
)

from ..story import BreakingChange, Evidence, Explains, Observe, Outcome, Sign


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Create maps at the limits and one byte above them."""

    def create(name: str, map_type: MapType, size: int) -> None:
        map_name = f"{name.lower().replace('-', '')}_{size}"
        observe(
            f"{name} {size}",
            lambda: kernel.map_create(map_type, STORAGE_KEY, Bytes(size), map_name=map_name),
        )

    for size in (4096, 8192, 65407, 65408):
        create("shared", BPF_MAP_TYPE_CGROUP_STORAGE, size)
    for size in (4096, 32768, 32769):
        create("per-CPU", BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, size)


STORY = BreakingChange(
    title="Values may be larger than a page",
    nav="Values above 4096 bytes",
    summary="""
Since Linux 5.15 a value can have up to 65407 bytes, and 32768 bytes in the per-CPU type. Before
5.15 the limit was 4096 bytes. Creating a map with a larger value fails with ``E2BIG``.
""",
    affects="both",
    affected="""
* You are affected if your values exceed 4096 bytes and you support kernels before 5.15.
* You are affected if you rely on ``E2BIG`` at 4097 bytes.
* If your values are smaller, no change is needed.
""",
    signs=(
        Sign(
            "C",
            "BPF_MAP_TYPE_(PERCPU_)?CGROUP_STORAGE",
            "the maps, whose value types you must measure",
        ),
        Sign("Go", "ebpf\\.(PerCPU)?CGroupStorage", "the maps, whose value types you must measure"),
    ),
    fix="""
Let the compiler check the size:
""",
    details="""
Commit :commit:`33b57e0cc78e` ("bpf: Increase supported cgroup storage value size") replaced the
limit of one page with that of the local storage maps, ``BPF_LOCAL_STORAGE_MAX_VALUE_SIZE``. On
x86-64, with cache lines of 64 bytes, this is 65407. The per-CPU type is limited further, to
``PCPU_MIN_UNIT_SIZE`` in whole pages, 32768.

Machines with longer cache lines have a smaller limit: 65279 with 128 bytes. Before 5.15, the limit
is the page size of the machine: 65536 on arm64 with pages of 64 KiB.

If the value of a per-CPU map is within the limit, attaching a program can still fail with
``ENOMEM``. The kernel allocates the memory for all CPUs only then.
""",
    shown_by="user space",
    run=run,
    outcomes=(
        Outcome(
            None,
            {
                "shared 4096": "ok",
                "shared 8192": "E2BIG",
                "shared 65407": "E2BIG",
                "shared 65408": "E2BIG",
                "per-CPU 4096": "EINVAL",
                "per-CPU 32768": "EINVAL",
                "per-CPU 32769": "EINVAL",
            },
            "kernel 4.19.108: no per-CPU type",
        ),
        Outcome(
            changes.PERCPU_STORAGE,
            {
                "shared 4096": "ok",
                "shared 8192": "E2BIG",
                "shared 65407": "E2BIG",
                "shared 65408": "E2BIG",
                "per-CPU 4096": "ok",
                "per-CPU 32768": "E2BIG",
                "per-CPU 32769": "E2BIG",
            },
            "kernels 5.4.59 to 5.10.223; ``local_storage.c:cgroup_storage_map_alloc``",
            step="Per-CPU maps can be created, with values of up to 4096 bytes.",
        ),
        Outcome(
            changes.BIGGER_VALUES,
            {
                "shared 4096": "ok",
                "shared 8192": "ok",
                "shared 65407": "ok",
                "shared 65408": "E2BIG",
                "per-CPU 4096": "ok",
                "per-CPU 32768": "ok",
                "per-CPU 32769": "E2BIG",
            },
            "kernels 6.1.176 to 7.2.13; computed from the structures in "
            "``include/linux/bpf_local_storage.h`` and ``percpu.h`` of 6.1 and 7.3",
        ),
    ),
    evidence=(
        Evidence("s1-0374", same={1: "shared 4096", 2: "shared 8192"}),
        Evidence("s1-0449", same={7: "per-CPU 32769"}),
    ),
    before="5.14",
    after="5.15",
    symptoms=("E2BIG (Argument list too long) from BPF_MAP_CREATE",),
    rules=("create.value-limit", "limit.value-size"),
    recipes=("one_object_for_all_kernels",),
    explains=(Explains(changes.BIGGER_VALUES),),
)
