# SPDX-License-Identifier: GPL-2.0-only
"""Re-attach a program: before 5.9 its storage was zeroed, since 5.9 it keeps its value."""

from __future__ import annotations

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_ALLOW_MULTI,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    STORAGE_KEY,
    U64,
    Add,
    KernelInterface,
    changes,
)

from ..story import BreakingChange, Evidence, Explains, Observe, Outcome, Sign


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Count three packets, detach, attach again, and count one more; look in between."""
    web = kernel.mkdir("web")
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")
    key = (web, BPF_CGROUP_INET_EGRESS)

    kernel.prog_attach(web, count, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI)
    for _ in range(3):
        kernel.fire(web, BPF_CGROUP_INET_EGRESS)
    observe("before detach", lambda: kernel.map_lookup_elem(counts, key))

    kernel.prog_detach(web, count, BPF_CGROUP_INET_EGRESS)
    observe("while detached", lambda: kernel.map_lookup_elem(counts, key))

    kernel.prog_attach(web, count, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI)
    observe("after attaching again", lambda: kernel.map_lookup_elem(counts, key))

    kernel.fire(web, BPF_CGROUP_INET_EGRESS)
    observe("one packet later", lambda: kernel.map_lookup_elem(counts, key))


STORY = BreakingChange(
    title="Re-attaching a program keeps its data",
    nav="Re-attach keeps data",
    summary="""
Since Linux 5.9, a program that is detached and attached again continues with its old data. Before
5.9, attaching always created a new, zeroed storage.
""",
    affects="both",
    affected="""
* You are affected if you detach and attach a program to reset its counters, for example when an
  agent restarts or a new measurement starts.
* If you compute deltas, write zeros yourself, or create a new map for each run, no change is
  needed.
""",
    signs=(
        Sign(
            "C",
            "bpf_prog_detach2?\\(|BPF_PROG_DETACH|bpf_link__destroy",
            "calls that detach a program",
        ),
        Sign(
            "Go",
            "RawDetachProgram|DetachCgroup|link\\.AttachCgroup",
            "calls that attach or detach",
        ),
        Sign("Rust", "attach_cgroup\\(|CgroupSkb|\\.detach\\(", "calls that attach or detach"),
        Sign("Python", "detach_func\\(", "calls that detach a program"),
        Sign("shell", "bpftool cgroup detach", "commands that detach a program"),
    ),
    fix="""
Write zeros after attaching. The same code works on every release, because older kernels just get
zeros twice:
""",
    details="""
Before 5.9 a storage belonged to its attachment. Since commit :commit:`7d9c3427894f` ("bpf: Make
cgroup storages shared between programs on the same cgroup") it belongs to its key in the map, that
is, to the cgroup and the attach type. The storage is freed with the map, or after the cgroup is
removed. Nothing resets it in between.

It does not matter whether the program is attached with ``BPF_PROG_ATTACH`` or with a link that is
closed and created again. Nor does it matter whether the same program is attached again, or another
program that uses the map.

The reviewers chose this on purpose. If the last detached program freed the storage, the result
would depend on whether another program happens to be attached (patch v6 of the series, 2020). The
cover letter named this as the first change that breaks programs.

The per-CPU type behaves in the same way.
""",
    shown_by="user space",
    run=run,
    outcomes=(
        Outcome(
            None,
            {
                "before detach": 3,
                "while detached": "ENOENT",
                "after attaching again": 0,
                "one packet later": 1,
            },
            "kernels 4.19.108, 5.4.59 and 5.8.18; ``cgroup.c:__cgroup_bpf_attach`` of 4.19, 5.4, "
            "5.8",
        ),
        Outcome(
            changes.SHARED_STORAGE,
            {
                "before detach": 3,
                "while detached": 3,
                "after attaching again": 3,
                "one packet later": 4,
            },
            "kernels 5.9.1 to 7.2.13, the July 2020 proposal; "
            "``cgroup.c:bpf_cgroup_storages_alloc``",
        ),
    ),
    evidence=(Evidence("s1-0336", zero={14: "while detached", 18: "after attaching again"}),),
    before="5.8",
    after="5.9",
    symptoms=(
        "counters do not start at zero after a restart of the agent",
        "a value survives detaching and attaching again",
    ),
    rules=("attach.reuse", "attach.fresh"),
    recipes=("zero_explicitly", "subtract_a_baseline", "fresh_map_per_generation"),
    explains=(
        Explains(
            changes.SHARED_STORAGE,
            ("map_lookup: value / value",),
            after=("prog_detach", "link_detach", "close"),
        ),
    ),
)
