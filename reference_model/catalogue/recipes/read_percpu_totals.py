# SPDX-License-Identifier: GPL-2.0-only
"""Read all CPUs of a per-CPU entry in one lookup, and add their values in user space."""

from __future__ import annotations

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
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

from ..story import Evidence, Observe, Outcome, Promise, Recipe


def old(kernel: KernelInterface, observe: Observe) -> None:
    """Read one CPU after the other, which requires 7.0."""
    _count(kernel, observe, one_by_one=True)


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Read all CPUs in one lookup."""
    _count(kernel, observe, one_by_one=False)


def _count(kernel: KernelInterface, observe: Observe, *, one_by_one: bool) -> None:
    web = kernel.mkdir("web")
    key = (web, BPF_CGROUP_INET_EGRESS)
    counts = observe(
        "per-CPU map",
        lambda: kernel.map_create(
            BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="bytes"
        ),
    )
    if counts is None:
        return
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts, 5), prog_name="count")
    kernel.prog_attach(web, count, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI)
    for cpu in (0, 1, 1):
        kernel.fire(web, BPF_CGROUP_INET_EGRESS, cpu=cpu)

    def values() -> list[int]:
        if one_by_one:
            return [kernel.map_lookup_elem(counts, key, BPF_F_CPU | cpu << 32) for cpu in (0, 1)]
        return list(kernel.map_lookup_elem(counts, key))

    observe("CPUs 0 and 1", lambda: values()[:2])
    observe("total", lambda: sum(values()))


STORY = Recipe(
    title="Read the total of a per-CPU entry",
    nav="Read per-CPU totals",
    problem="""
A per-CPU entry has one value for each possible CPU. A reader that takes only the first 8 bytes
misses the other CPUs. If its buffer is only 8 bytes large, the kernel writes beyond the buffer.
""",
    when="""
* Use it wherever you read a per-CPU map: it works since 4.20.
* ``BPF_F_CPU``, which reads a single CPU, fails with ``EINVAL`` before 7.0.
* The sum is not a snapshot: programs count while you read.
""",
    summary="""
Pass a buffer with one slot for each possible CPU to ``bpf_map_lookup_elem()``, and add the slots. A
slot is the size of the value, rounded up to 8 bytes.
""",
    details="""
The buffer has ``roundup(value_size, 8) * libbpf_num_possible_cpus()`` bytes. The possible CPUs
count, not the online ones, so there may be more slots than running CPUs. The slots are in ascending
order of CPU numbers, without gaps even if the numbers have some. The kernel cannot check the size
of your buffer, and always writes all slots.

Each CPU has its own copy, and the helper returns the copy of the CPU that it runs on. The program
should still add with an atomic instruction. A softirq can run it again on the same CPU during a
plain addition, and then one of the two increments is lost.

User space reads while programs write, so the sum may mix values of different moments. For counters
this does not matter.
""",
    shown_by="object",
    run=run,
    old=old,
    old_release="latest",
    fails_on="6.12",
    since=changes.PERCPU_STORAGE,
    outcomes=(
        Outcome(None, {"per-CPU map": "EINVAL"}, "kernel 4.19.108: the type is unknown"),
        Outcome(
            changes.PERCPU_STORAGE,
            {"per-CPU map": "ok", "CPUs 0 and 1": [5, 10], "total": 15},
            "kernels 5.4.59 to 7.2.13, trace percpu-values",
        ),
    ),
    evidence=(Evidence("percpu-values", same={1: "per-CPU map", 7: "CPUs 0 and 1"}),),
    promises=(
        Promise("The total counts every CPU's packets", lambda seen: seen.get("total") == 15),
    ),
    pitfalls="""
* If the size of the value is not a multiple of 8, use the rounded size as the stride. Before 7.0,
  the bytes in between contain what an update left there.
* Libraries differ in what a lookup returns. Some return only the value of the first CPU unless you
  ask for a slice.
* Do not use the number of online CPUs, from nproc(1) or ``sysconf(_SC_NPROCESSORS_ONLN)``.
* ``bpftool map dump`` prints one value for each CPU and no total.
""",
    rules=("percpu.own", "percpu.layout"),
)
