# SPDX-License-Identifier: GPL-2.0-only
"""The attach flags of an effective query: those of the cgroup before 6.1, then always 0."""

from __future__ import annotations

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_ALLOW_MULTI,
    BPF_F_QUERY_EFFECTIVE,
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
    """Attach a program to a cgroup and to its child, and query the child in both ways."""
    shop = kernel.mkdir("shop")
    web = kernel.mkdir("web", shop)
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")
    egress = BPF_CGROUP_INET_EGRESS
    kernel.prog_attach(shop, count, egress, BPF_F_ALLOW_MULTI)
    kernel.prog_attach(web, count, egress, BPF_F_ALLOW_MULTI)
    kernel.fire(web, egress)

    attached = kernel.prog_query(web, egress)
    observe("attached here", lambda: len(attached.prog_ids))
    observe("flags", lambda: int(attached.attach_flags))
    effective = kernel.prog_query(web, egress, BPF_F_QUERY_EFFECTIVE)
    observe("running here", lambda: len(effective.prog_ids))
    observe("flags of effective query", lambda: int(effective.attach_flags))


STORY = BreakingChange(
    title="Effective queries report no attach flags",
    nav="Effective query: no flags",
    summary="""
Since Linux 6.1 and 6.0.3, ``BPF_PROG_QUERY`` with ``BPF_F_QUERY_EFFECTIVE`` reports 0 as attach
flags. Before, it reported the attach flags of the cgroup, although it lists programs of the
ancestors too.
""",
    affects="both",
    affected="""
* You are affected if you read ``attach_flags`` from an effective query, for example to decide
  whether you may attach beside another program.
* If you query without ``BPF_F_QUERY_EFFECTIVE``, no change is needed.
""",
    signs=(
        Sign("C", "BPF_F_QUERY_EFFECTIVE", "queries whose flags are 0 now"),
        Sign("Go", "QueryEffective|BPF_F_QUERY_EFFECTIVE", "queries whose flags are 0 now"),
        Sign("shell", "bpftool cgroup (show|tree).* effective", "queries whose flags are 0 now"),
    ),
    fix="""
Ask for the flags in a second query, without ``BPF_F_QUERY_EFFECTIVE``:
""",
    details="""
The effective programs may belong to several cgroups with different flags, so one number for all of
them had little meaning. Since commit :commit:`0e426a3ae030` ("bpf, cgroup: Reject prog_attach_flags
array when effective query"), the number is always 0 (``cgroup.c:__cgroup_bpf_query``).

However, 0 is also a valid mode: one program, and none in descendants. A tool that reads an
effective query on 6.1 may therefore take a hook with many programs for an exclusive hook. Query
twice, once without the flag.

For ``BPF_LSM_CGROUP`` the number is 0 without the flag, too. Pass a buffer for
``prog_attach_flags`` instead, which receives the flags of each program.

The change does not affect storages: each effective program uses the storage of the cgroup to which
it is attached.
""",
    shown_by="user space",
    run=run,
    outcomes=(
        Outcome(
            None,
            {
                "attached here": 1,
                "flags": 2,
                "running here": 2,
                "flags of effective query": 2,
            },
            "kernels 4.19.108 to 5.10.223, the July 2020 proposal; "
            "``cgroup.c:__cgroup_bpf_query`` of 5.8",
        ),
        Outcome(
            changes.EFFECTIVE_QUERY_FLAGS,
            {
                "attached here": 1,
                "flags": 2,
                "running here": 2,
                "flags of effective query": 0,
            },
            "kernels 6.1.176, 6.12.107 and 7.2.13; ``cgroup.c:__cgroup_bpf_query`` of 6.1",
        ),
    ),
    evidence=(
        Evidence("s1-0127", same={14: "flags of effective query"}, part={14: "flags"}),
        Evidence("s1-0076", same={16: "flags of effective query"}, part={16: "flags"}),
    ),
    before="6.0",
    after="6.1",
    symptoms=(
        "bpftool cgroup show effective lists no flags",
        "attach_flags is 0 although programs were attached with BPF_F_ALLOW_MULTI",
    ),
    rules=("query.effective-flags",),
    recipes=("know_what_is_attached",),
    explains=(Explains(changes.EFFECTIVE_QUERY_FLAGS),),
)
