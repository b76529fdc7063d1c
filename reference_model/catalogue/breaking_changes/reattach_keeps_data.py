# SPDX-License-Identifier: GPL-2.0-only
"""Detach and attach again: up to 5.8 a fresh storage, from 5.9 on the old one."""

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

from ..story import BreakingChange, Evidence, Explains, Observe, Outcome


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
    title="Re-attaching a program no longer zeroes its storage",
    summary="""
Up to Linux 5.8 each attachment got a fresh, zeroed storage, so detaching a program and attaching it
again reset its data. From 5.9 on the attachment finds the storage that is there and goes on with
it.
""",
    affected="""
Everybody who detaches and attaches as a short way to zero: agents that restart, scripts that begin
a new measurement, tests. Who reads differences, or writes zeros, has nothing to do. Who makes a new
map for each run has nothing to do either: a new map starts empty on every release.
""",
    details="""
A storage used to belong to its attachment. Since commit :commit:`7d9c3427894f` ("bpf: Make cgroup
storages shared between programs on the same cgroup") it belongs to its key in the map, that is, to
the cgroup and the attach type. It lives until the map is destroyed or the cgroup's BPF state is
released. Nothing zeroes it on the way.

It makes no difference how the program was attached and detached: by ``BPF_PROG_ATTACH`` and
``BPF_PROG_DETACH``, or by a link that is closed and made again. Nor does it matter whether the same
program comes back or another one that uses the map.

The reviewers chose this on purpose. To free a storage at the last detach would have made the answer
depend on whether some other program happens to be attached (patch v6 of the series, 2020). The
cover letter named it as the first break, and it is true of every release since.

The per-CPU type behaves in the same way.
""",
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
            "kernels 4.19.108, 5.4.59 and 5.8.18; cgroup.c:__cgroup_bpf_attach of 4.19, 5.4, 5.8",
        ),
        Outcome(
            changes.SHARED_STORAGE,
            {
                "before detach": 3,
                "while detached": 3,
                "after attaching again": 3,
                "one packet later": 4,
            },
            "kernels 5.9.1 to 7.2.13 and the proposal; cgroup.c:bpf_cgroup_storages_alloc",
        ),
    ),
    evidence=(Evidence("s1-0336", zero={14: "while detached", 18: "after attaching again"}),),
    before="5.8",
    after="5.9",
    symptoms=(
        "counters do not start at zero",
        "old values after a restart of the agent",
        "a limit is reached too early after re-attaching",
    ),
    find="""
Search for ``BPF_PROG_DETACH``, ``bpf_prog_detach`` or ``bpf_prog_detach2`` followed by an attach of
the same program, for links that are closed and made again, and for agents that attach when they
start and keep their map pinned. A comment such as "reset the counters" beside an attach is a sure
sign.
""",
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
