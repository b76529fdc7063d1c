# SPDX-License-Identifier: GPL-2.0-only
"""A per-CPU entry is read whole: one value for each possible CPU, added up in user space."""

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
    """Ask for one CPU after the other, which takes 7.0."""
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
    problem="""
A per-CPU entry is not one number. A reader that takes the first 8 bytes sees CPU 0 only, and one
that gives the kernel a buffer of 8 bytes has memory written over. From 7.0 on ``BPF_F_CPU`` reads a
single CPU, but programs that use it fail with ``EINVAL`` on older kernels.
""",
    summary="""
Give bpf_map_lookup_elem() a buffer with a slot for each possible CPU, each slot the value's size
rounded up to 8 bytes, and add the slots up. That works from 4.20 on.
""",
    details="""
The buffer is ``roundup(value_size, 8) * libbpf_num_possible_cpus()`` bytes. Possible CPUs, not
online ones: a machine may have more slots than CPUs that run. Slots stand in ascending order of CPU
numbers, without holes even where the numbers have some. The kernel cannot know how large your
buffer is, and writes as much as it has.

Each CPU has its own copy, and the helper returns that of the CPU it runs on. The program should
still add with an atomic instruction: a softirq can run it again on the same CPU in the middle of a
plain addition, and one of the two additions is lost. User space reads while programs write, so the
sum is one of a moment that never quite was; for counters that is fine.
""",
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
* For values whose size is not a multiple of 8, walk the buffer by the rounded size. Up to 6.19 the
  bytes between hold whatever an update left there.
* Libraries differ in what a lookup returns: some hand out the first CPU only unless you ask for a
  slice.
* Do not use the number of online CPUs, ``nproc`` or sysconf(_SC_NPROCESSORS_ONLN).
* ``bpftool map dump`` prints one value for each CPU and no total.
""",
    rules=("percpu.own", "percpu.layout"),
)
