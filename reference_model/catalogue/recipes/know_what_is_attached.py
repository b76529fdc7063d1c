# SPDX-License-Identifier: GPL-2.0-only
"""Ask the hook what is attached; an entry in the map is no answer any more."""

from __future__ import annotations

from typing import Any

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_ALLOW_MULTI,
    BPF_F_QUERY_EFFECTIVE,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    STORAGE_KEY,
    U64,
    Add,
    BpfError,
    KernelInterface,
    changes,
)

from ..story import Evidence, Observe, Outcome, Promise, Recipe

ASKED = {"attached": 1, "runs for child": 1, "after detach": 0}


def old(kernel: KernelInterface, observe: Observe) -> None:
    """Take an entry for an attachment, and ENOENT for none."""
    _look(kernel, observe, query=False)


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Ask BPF_PROG_QUERY."""
    _look(kernel, observe, query=True)


def _look(kernel: KernelInterface, observe: Observe, *, query: bool) -> None:
    web = kernel.mkdir("web")
    app = kernel.mkdir("app", web)
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")

    def attached(cgroup: Any, flags: int = 0) -> int:
        if query:
            found = kernel.prog_query(cgroup, BPF_CGROUP_INET_EGRESS, flags)
            return int(count.id in found.prog_ids)
        try:
            kernel.map_lookup_elem(counts, (cgroup, BPF_CGROUP_INET_EGRESS))
        except BpfError:
            return 0
        return 1

    kernel.prog_attach(web, count, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI)
    kernel.fire(app, BPF_CGROUP_INET_EGRESS)
    observe("attached", lambda: attached(web))
    observe("runs for child", lambda: attached(app, BPF_F_QUERY_EFFECTIVE))

    kernel.prog_detach(web, count, BPF_CGROUP_INET_EGRESS)
    kernel.fire(app, BPF_CGROUP_INET_EGRESS)
    observe("after detach", lambda: attached(web))
    observe("entry after detach", lambda: kernel.map_lookup_elem(counts, (web, 1)))


STORY = Recipe(
    title="Know what is attached without ENOENT",
    problem="""
A program looks its entry up to learn whether it is attached: ``ENOENT`` meant no. From 5.9 on the
entry outlives the attachment, and the answer is always yes.
""",
    summary="""
Ask the hook: ``BPF_PROG_QUERY`` lists the ids of the programs that are attached to a cgroup and
attach type. With ``BPF_F_QUERY_EFFECTIVE`` it lists those that run there, the ancestors' included.
Both work on every release.
""",
    details="""
Compare ids, from ``BPF_OBJ_GET_INFO_BY_FD``, not names: several programs may have one name.
Programs that are attached through links are in the list too. bpf_prog_query() is libbpf's name for
it, and ``bpftool cgroup show`` prints it.

What an entry does tell: from 5.9 on, that somebody was attached here at some time since the map was
made, and that the cgroup still has its BPF state. Up to 5.8, that somebody is attached now.
""",
    run=run,
    old=old,
    old_release="5.8",
    outcomes=(
        Outcome(
            None,
            {**ASKED, "entry after detach": "ENOENT"},
            "kernels 4.19.108, 5.4.59 and 5.8.18; cgroup.c:__cgroup_bpf_query",
        ),
        Outcome(
            changes.SHARED_STORAGE,
            {**ASKED, "entry after detach": 1},
            "kernels 5.9.1 and later; cgroup.c:__cgroup_bpf_query, __cgroup_bpf_detach",
        ),
    ),
    evidence=(Evidence("s1-0336", same={14: "entry after detach"}),),
    promises=(
        Promise(
            "It says yes while the program is attached, and no afterwards",
            lambda seen: (seen["attached"], seen["after detach"]) == (1, 0),
        ),
    ),
    pitfalls="""
* A query needs ``CAP_NET_ADMIN``, which a mere reader of the map may not have.
* Whether a program *counts* for a packet depends on the cgroup of the packet's socket and on the
  flags of all attachments on the way up. Only the effective query knows.
* After rmdir the cgroup cannot be asked (``ENOENT``), though its programs run on for open sockets.
* A child's traffic never makes an entry for the child. No entry does not mean no program.
* If the buffer for the ids is too small, the kernel fills it and says ``ENOSPC``.
""",
    rules=("lifetime.detach", "lifetime.attachment"),
)
