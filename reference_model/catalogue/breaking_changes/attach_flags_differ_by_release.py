# SPDX-License-Identifier: GPL-2.0-only
"""Attach flags: BPF_F_REPLACE since 5.6, BPF_F_PREORDER since 6.15, BPF_F_BEFORE since 6.17."""

from __future__ import annotations

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_ALLOW_MULTI,
    BPF_F_BEFORE,
    BPF_F_PREORDER,
    BPF_F_QUERY_EFFECTIVE,
    BPF_F_REPLACE,
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
    """Attach four programs, three of them with a newer flag, and see in which order they run."""
    web = kernel.mkdir("web")
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
    skb, egress, multi = BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI
    first = kernel.prog_load(skb, Add(counts), prog_name="first")
    second, third, fourth = (
        kernel.prog_load(skb, prog_name=name) for name in ("second", "third", "fourth")
    )
    number = {first.id: 1, second.id: 2, third.id: 3, fourth.id: 4}

    def order() -> list[int]:
        query = kernel.prog_query(web, egress, BPF_F_QUERY_EFFECTIVE)
        return [number[found] for found in query.prog_ids]

    kernel.prog_attach(web, first, egress, multi)
    kernel.fire(web, egress)
    observe(
        "replace first",
        lambda: kernel.prog_attach(web, second, egress, multi | BPF_F_REPLACE, replace=first),
    )
    observe("preorder", lambda: kernel.prog_attach(web, third, egress, multi | BPF_F_PREORDER))
    observe("before", lambda: kernel.prog_attach(web, fourth, egress, multi | BPF_F_BEFORE))
    observe("order", order)
    observe("entry of first", lambda: kernel.map_lookup_elem(counts, (web, egress)))


STORY = BreakingChange(
    title="Supported attach flags depend on the release",
    nav="Attach flags by release",
    summary="""
``BPF_F_REPLACE`` exists since Linux 5.6, ``BPF_F_PREORDER`` since 6.15, and ``BPF_F_BEFORE``,
``BPF_F_AFTER``, ``BPF_F_ID`` and ``BPF_F_LINK`` since 6.17. Older kernels reject them with
``EINVAL``, as they reject many other mistakes.
""",
    affects="both",
    affected="""
* You are affected if you use one of these flags on kernels that you do not choose.
* Some stable kernels have the newer flags, so do not compare versions: try the flag.
""",
    signs=(
        Sign(
            "C",
            "BPF_F_(REPLACE|PREORDER|BEFORE|AFTER|ID|LINK)\\b|replace_prog_fd|expected_revision",
            "the flags and their options",
        ),
        Sign(
            "Go",
            "ReplaceProgram|link\\.(Before|After|Head|Tail|ReplaceProgram)|Anchor",
            "the flags and their options",
        ),
    ),
    fix="""
Try the flag, and fall back on ``EINVAL``. The fallback for ``BPF_F_REPLACE`` has a short time in
which no program runs:
""",
    details="""
The commits are :commit:`7dd68b3279f1` ("bpf: Support replacing cgroup-bpf program in MULTI mode"),
:commit:`4b82b181a26c` ("bpf: Allow pre-ordering for bpf cgroup progs", also in 6.14.9, 6.12.31 and
6.6.93) and :commit:`120933984460` ("bpf: Implement mprog API on top of existing cgroup progs", also
in 6.12.110).

The kernel rejects an unknown flag before it changes anything, so a fallback is safe. The fallback
may mean something else, however. With ``BPF_F_ALLOW_MULTI`` but without ``BPF_F_REPLACE``, the
kernel appends the second program, and both run. If you detach the old program first, no program
runs for a moment.

The order matters to programs that share a storage (since 5.9), because they write it one after the
other. The programs of a cgroup run before those of its ancestors, in the order in which they were
attached. ``BPF_F_PREORDER`` programs run before all others, those of the topmost cgroup first.
``BPF_F_BEFORE`` without an anchor puts a program first in the list of its cgroup.

Before 5.6, nothing is replaced. On 5.6 to 5.8, the kernel frees the storage of the replaced
program. Since 5.9, that storage remains.

Before 6.17, the flags of ``BPF_LINK_CREATE`` must be 0.
""",
    shown_by="user space",
    run=run,
    outcomes=(
        Outcome(
            None,
            {
                "replace first": "EINVAL",
                "preorder": "EINVAL",
                "before": "EINVAL",
                "order": [1],
                "entry of first": 1,
            },
            "kernels 4.19.108 and 5.4.59; ``syscall.c:bpf_prog_attach``",
        ),
        Outcome(
            changes.REPLACE_FLAG,
            {
                "replace first": "ok",
                "preorder": "EINVAL",
                "before": "EINVAL",
                "order": [2],
                "entry of first": "ENOENT",
            },
            "kernel 5.8.18; ``cgroup.c:__cgroup_bpf_attach`` of 5.8",
            step="``BPF_PROG_ATTACH`` accepts ``BPF_F_REPLACE``.",
        ),
        Outcome(
            changes.SHARED_STORAGE,
            {
                "replace first": "ok",
                "preorder": "EINVAL",
                "before": "EINVAL",
                "order": [2],
                "entry of first": 1,
            },
            "kernels 5.9.1 to 6.1.176, the July 2020 proposal; ``cgroup.c:__cgroup_bpf_attach`` "
            "of 5.9",
            step="A program that is replaced with ``BPF_F_REPLACE`` leaves its entry in the map.",
        ),
        Outcome(
            changes.PREORDER,
            {
                "replace first": "ok",
                "preorder": "ok",
                "before": "EINVAL",
                "order": [3, 2],
                "entry of first": 1,
            },
            "kernel 6.12.107; ``cgroup.c:compute_effective_progs`` of 6.12.107",
            step="``BPF_PROG_ATTACH`` accepts ``BPF_F_PREORDER``. Programs attached with it "
            "run first.",
        ),
        Outcome(
            changes.ORDERING,
            {
                "replace first": "ok",
                "preorder": "ok",
                "before": "ok",
                "order": [3, 4, 2],
                "entry of first": 1,
            },
            "kernel 7.2.13; ``cgroup.c:get_prog_list``, ``insert_pl_to_hlist`` of 7.3",
        ),
    ),
    evidence=(
        Evidence("multi-replace-self", same={5: "replace first"}),
        Evidence("s1-0156", same={7: "preorder"}),
        Evidence("s1-0386", same={12: "before"}),
    ),
    before="5.5",
    after="6.17",
    symptoms=(
        "EINVAL from BPF_PROG_ATTACH",
        "two versions of a program run after an update",
        "EINVAL from BPF_LINK_CREATE with flags",
    ),
    rules=("flags.unknown",),
    recipes=("replace_a_program",),
    explains=(
        Explains(changes.REPLACE_FLAG),
        Explains(changes.PREORDER),
        Explains(changes.ORDERING),
    ),
)
