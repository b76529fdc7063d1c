# SPDX-License-Identifier: GPL-2.0-only
"""Link update beside BPF_F_PREORDER: it could replace another program before 7.2."""

from __future__ import annotations

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_ALLOW_MULTI,
    BPF_F_PREORDER,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    STORAGE_KEY,
    U64,
    KernelInterface,
    Mix,
    changes,
)

from ..story import BreakingChange, Explains, Observe, Outcome, Sign


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Update a link below a cgroup whose program, which has no storage, runs first."""
    site = kernel.mkdir("site")
    web = kernel.mkdir("web", site)
    egress = BPF_CGROUP_INET_EGRESS
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
    guard = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, prog_name="guard")

    def run_first() -> str:
        kernel.prog_attach(site, guard, egress, BPF_F_ALLOW_MULTI | BPF_F_PREORDER)
        return "ok"

    if observe("attach the guard to run first", run_first) is None:
        return
    old, new = (
        kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Mix(counts, number), prog_name=name)
        for name, number in (("old", 1), ("new", 5))
    )
    link = kernel.link_create(web, old, egress)
    kernel.fire(web, egress)

    def update() -> None:
        kernel.link_update(link, new)
        kernel.fire(web, egress)

    observe("update, and a packet", update)
    observe("count", lambda: kernel.map_lookup_elem(counts, (web, egress)))


STORY = BreakingChange(
    title="BPF_LINK_UPDATE could replace the wrong program",
    nav="Link update and PREORDER",
    summary="""
Since Linux 7.2, and on stable kernels with the fix, ``BPF_LINK_UPDATE`` always replaces the program
of its own link. Before, it could replace a program that was attached with ``BPF_F_PREORDER`` on the
same hook. The old program then continued, and the new one could crash the kernel.
""",
    affects="both",
    affected="""
* You are affected if you update programs through links on 6.15 to 7.1.4, 6.6.93 to 6.6.144,
  6.12.31 to 6.12.96, or 6.14.9 and later. On the 6.18 branch, 6.18.40 and later are fixed.
* The fault occurs only if a program with ``BPF_F_PREORDER`` is on the same hook, in the cgroup or
  in an ancestor.
* If no program uses that flag, no change is needed.
""",
    signs=(
        Sign(
            "C",
            "BPF_F_PREORDER|bpf_link_update|bpf_link__update_program",
            "updates, and the flag",
        ),
        Sign("Go", "PREORDER|\\.Update\\(", "updates, and the flag"),
        Sign("Rust", "update_prog\\(", "updates of links"),
    ),
    fix="""
Attach the new program with a new link, and then close the old link. For a moment both programs run:
""",
    details="""
The kernel keeps two orders. Each cgroup has a list of its attachments, in the order in which they
were created. It also has an array of all programs that run there, including those of the ancestors.
Commit :commit:`4b82b181a26c` ("bpf: Allow pre-ordering for bpf cgroup progs", 6.15, stable 6.6.93,
6.12.31 and 6.14.9) put ``BPF_F_PREORDER`` programs at the front of the array.

A link update (``cgroup.c:replace_effective_prog``) still counted through the lists, from the cgroup
upwards, to find the place in the array. In the example, the link is the first in the list of its
cgroup. The update therefore overwrites the first place of the array, which belongs to the guard
program.

After the update, an effective query listed the new and the old program, but not the guard. The
kernel does not always crash. If the guard uses the same map, the new program counts in the storage
of the guard's cgroup. The old program still counts in that of the link's cgroup. Attaching or
detaching any program on the hook builds the array again, in the right order.

The update releases the old program. If nothing else holds it, the array refers to a freed program
(from source).

Commit :commit:`f08aaee3152d` ("bpf: Fix effective prog array index with BPF_F_PREORDER",
CVE-2026-72427) computes the place in the same way as the array is built. It is in 7.2, 7.1.5,
6.18.40, 6.12.97 and 6.6.145. It also fixes the same miscalculation when a program is detached and
memory is short.

Another workaround is to detach the program with the flag before the update, and attach it again
afterwards.
""",
    shown_by="user space",
    run=run,
    outcomes=(
        Outcome(
            None,
            {"attach the guard to run first": "EINVAL"},
            "kernels 5.10.262 and 6.1.192: no such flag",
        ),
        Outcome(
            changes.PREORDER,
            {"attach the guard to run first": "ok", "update, and a packet": "undefined"},
            "kernel 6.19.14, which crashed at the packet; the queries and the variant with one map "
            "were tested on it too; OSV record CVE-2026-72427",
            step="``BPF_F_PREORDER`` exists, and ``BPF_LINK_UPDATE`` can replace the wrong "
            "program beside it.",
        ),
        Outcome(
            changes.PREORDER_INDEX,
            {"attach the guard to run first": "ok", "update, and a packet": "ok", "count": 8},
            "kernels 6.12.117 and 7.3.4",
        ),
    ),
    unsafe=True,
    before="7.1",
    after="7.2",
    symptoms=(
        "EINVAL from BPF_PROG_ATTACH with BPF_F_PREORDER, before 6.15",
        "a crash of the kernel: NULL pointer dereference in bpf_get_local_storage",
        "after a link update the old program still runs, and another one does not",
    ),
    rules=("link-update.keep",),
    recipes=("know_what_is_attached",),
    explains=(Explains(changes.PREORDER_INDEX),),
)
