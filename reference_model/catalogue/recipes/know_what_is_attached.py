# SPDX-License-Identifier: GPL-2.0-only
"""Ask the hook what is attached, since an entry in the map no longer shows it."""

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
    """Conclude from an entry that a program is attached, and from ENOENT that none is."""
    _look(kernel, observe, query=False)


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Ask with BPF_PROG_QUERY."""
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
    title="Find out what is attached",
    nav="Find out what is attached",
    problem="""
A process looks up an entry to find out whether a program is attached. Before 5.9, ``ENOENT`` meant
that it is not. Since 5.9 the entry remains, so a successful lookup proves nothing.
""",
    when="""
* Use it on every release: the query gives the right answer before 5.9, too.
* It requires ``CAP_NET_ADMIN``, which a process that only reads the map may not have.
* It does not work after rmdir(2), although programs still run for open sockets of the cgroup.
""",
    summary="""
Ask the hook with ``BPF_PROG_QUERY``. It returns the ids of the programs that are attached there.
With ``BPF_F_QUERY_EFFECTIVE`` it returns all that run there, including those of the ancestors.
""",
    details="""
Compare ids, from ``BPF_OBJ_GET_INFO_BY_FD``, and not names: several programs may have the same
name. The list includes programs that are attached through links. ``bpftool cgroup show`` prints it.

Since 5.9, an entry shows that a program was attached at some time since the map was created. It
also shows that the cgroup still has its BPF state. Before 5.9, an entry showed that a program is
attached now.
""",
    shown_by="user space",
    run=run,
    old=old,
    old_release="5.8",
    outcomes=(
        Outcome(
            None,
            {**ASKED, "entry after detach": "ENOENT"},
            "kernels 4.19.108, 5.4.59 and 5.8.18; ``cgroup.c:__cgroup_bpf_query``",
        ),
        Outcome(
            changes.SHARED_STORAGE,
            {**ASKED, "entry after detach": 1},
            "kernels 5.9.1 and later; ``cgroup.c:__cgroup_bpf_query``, __cgroup_bpf_detach",
        ),
    ),
    evidence=(Evidence("s1-0336", same={14: "entry after detach"}),),
    promises=(
        Promise(
            "The query finds the program while it is attached, and not afterwards",
            lambda seen: (seen["attached"], seen["after detach"]) == (1, 0),
        ),
    ),
    pitfalls="""
* Whether a program runs for a packet depends on the cgroup of its socket, and on the flags of all
  attachments from there to the root. Use the effective query.
* After rmdir(2) the query fails with ``ENOENT``.
* Traffic of a child never creates an entry for the child. A missing entry does not mean that no
  program runs.
* If the buffer for the ids is too small, the kernel fills it, and the query fails with ``ENOSPC``.
* From 6.17 to 7.1 the query writes 8 bytes at offset 56, even if your attribute is shorter. Pass
  an attribute of 64 bytes: see :rule:`query.attribute-size`.
* systemd, and container runtimes such as Docker and runc, attach ``CGROUP_DEVICE`` programs of
  their own. A query of that hook lists them, too.
""",
    rules=("lifetime.detach", "lifetime.attachment"),
)
