# SPDX-License-Identifier: GPL-2.0-only
"""BPF_F_CPU and BPF_F_ALL_CPUS on the per-CPU type: EINVAL before 7.0, accepted since."""

from __future__ import annotations

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_ALL_CPUS,
    BPF_F_ALLOW_MULTI,
    BPF_F_CPU,
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    STORAGE_KEY,
    U64,
    Add,
    KernelInterface,
    changes,
)

from ..story import BreakingChange, Evidence, Explains, Observe, Outcome, Sign


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Count a packet on CPU 1, then read and write single CPUs and all of them by flags."""
    web = kernel.mkdir("web")
    counts = observe(
        "create",
        lambda: kernel.map_create(
            BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts"
        ),
    )
    if counts is None:
        return
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")
    key = (web, BPF_CGROUP_INET_EGRESS)
    kernel.prog_attach(web, count, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI)
    kernel.fire(web, BPF_CGROUP_INET_EGRESS, cpu=1)

    cpu_1 = int(BPF_F_CPU) | 1 << 32
    observe("every CPU", lambda: kernel.map_lookup_elem(counts, key))
    observe("read CPU 1", lambda: kernel.map_lookup_elem(counts, key, cpu_1))
    observe("write CPU 0", lambda: kernel.map_update_elem(counts, key, 7, BPF_F_CPU))
    observe("then every CPU", lambda: kernel.map_lookup_elem(counts, key))
    observe("write all CPUs", lambda: kernel.map_update_elem(counts, key, 5, BPF_F_ALL_CPUS))
    observe("in the end", lambda: kernel.map_lookup_elem(counts, key))


STORY = BreakingChange(
    title="Flags can address the value of one CPU",
    nav="Flags for one CPU",
    summary="""
Since Linux 7.0 ``BPF_F_CPU`` reads or writes the value of one CPU, and ``BPF_F_ALL_CPUS`` writes
one value to all CPUs. Before 7.0 both flags fail with ``EINVAL``. Since 7.0 the padding between the
values is no longer stored.
""",
    affects="per-CPU",
    affected="""
* You are affected if you use these flags and support kernels before 7.0.
* You are affected if you store data in the padding after each value (up to 7 bytes).
* Otherwise no change is needed.
""",
    signs=(
        Sign("C", "BPF_F_CPU|BPF_F_ALL_CPUS|ALL_CPUS|F_CPU", "the flags"),
        Sign("Go", "BPF_F_CPU|BPF_F_ALL_CPUS|MapLookupFlags", "the flags"),
    ),
    fix="""
Read the values of all CPUs and pick one. This works on every release:
""",
    details="""
The upper 32 bits of the flags contain the number of the CPU. With either flag, the buffer holds one
value of ``value_size`` bytes. Without them it holds, on every release, one slot for each possible
CPU, each rounded up to a multiple of 8 bytes.

These calls fail:

* Both flags together fail with ``EINVAL``.
* A CPU that the machine cannot have fails with ``ERANGE``.
* On the shared type, both flags fail with ``EINVAL``.
* A lookup with ``BPF_F_ALL_CPUS`` fails with ``EINVAL``: the flag is for updates only.

The commit is :commit:`47c79f05aa0d` ("bpf: Add BPF_F_CPU and BPF_F_ALL_CPUS flags support for
percpu_cgroup_storage maps"). On 7.0 to 7.2.6, a full update is wrong on machines whose possible
CPUs have gaps in their numbers. Commit :commit:`75b0a6db4300` ("bpf: Fix percpu map update indexing
with sparse CPU IDs") fixed this in 7.3 and 7.2.7.

On 4.19 the per-CPU type does not exist, and creating the map fails with ``EINVAL``.
""",
    shown_by="user space",
    run=run,
    outcomes=(
        Outcome(None, {"create": "EINVAL"}, "kernel 4.19.108: no per-CPU type"),
        Outcome(
            changes.PERCPU_STORAGE,
            {
                "create": "ok",
                "every CPU": [0, 1],
                "read CPU 1": "EINVAL",
                "write CPU 0": "EINVAL",
                "then every CPU": [0, 1],
                "write all CPUs": "EINVAL",
                "in the end": [0, 1],
            },
            "kernels 5.4.59 to 6.12.107, the July 2020 proposal; ``syscall.c:map_lookup_elem`` of "
            "5.4, 6.12",
            step="Per-CPU maps can be created. Lookups and updates with either flag fail with "
            "``EINVAL``.",
        ),
        Outcome(
            changes.CPU_FLAGS,
            {
                "create": "ok",
                "every CPU": [0, 1],
                "read CPU 1": 1,
                "write CPU 0": "ok",
                "then every CPU": [7, 1],
                "write all CPUs": "ok",
                "in the end": [5, 5],
            },
            "kernel 7.2.13; ``local_storage.c:bpf_percpu_cgroup_storage_update`` and _copy of 7.3",
        ),
    ),
    evidence=(
        Evidence(
            "lookup-flags-without-lock",
            same={2: "create", 11: "every CPU", 14: "write all CPUs", 15: "in the end"},
        ),
        Evidence("s1-0269", same={23: "write CPU 0"}),
    ),
    before="6.19",
    after="7.0",
    symptoms=(
        "EINVAL from a lookup or an update with flags 8 or 16",
        "ERANGE from a lookup with BPF_F_CPU",
        "bytes in the padding of a slot read back as zero",
    ),
    rules=("percpu.flags", "percpu.layout", "percpu.update-all"),
    recipes=("read_percpu_totals",),
    explains=(Explains(changes.CPU_FLAGS),),
)
