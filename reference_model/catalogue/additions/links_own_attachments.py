# SPDX-License-Identifier: GPL-2.0-only
"""Links: EINVAL before 5.7; they own their attachments, and can be detached since 5.9."""

from __future__ import annotations

from typing import Any

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    STORAGE_KEY,
    U64,
    Add,
    KernelInterface,
    changes,
)

from ..story import Addition, Evidence, Explains, Observe, Outcome


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Attach by links, end one by command and one by closing it."""
    web, db = kernel.mkdir("web"), kernel.mkdir("db")
    egress = BPF_CGROUP_INET_EGRESS
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")

    def attached(cgroup: Any) -> int:
        return len(kernel.prog_query(cgroup, egress).prog_ids)

    link = observe("link", lambda: kernel.link_create(web, count, egress))
    if link is None:
        return
    kernel.fire(web, egress)
    observe("packets", lambda: kernel.map_lookup_elem(counts, (web, egress)))
    observe("detach the program", lambda: kernel.prog_detach(web, count, egress))
    observe("detach the link", lambda: kernel.link_detach(link))
    observe("programs then", lambda: attached(web))

    other = kernel.link_create(db, count, egress)
    observe("programs of another cgroup", lambda: attached(db))
    kernel.close(other)
    observe("once its link is closed", lambda: attached(db))


STORY = Addition(
    title="A link owns its attachment",
    nav="Links own attachments",
    affects="both",
    summary="""
Since Linux 5.7 ``BPF_LINK_CREATE`` attaches a program to a cgroup and returns a file descriptor.
The program stays attached as long as a process or a pin holds the link, and ``BPF_PROG_DETACH``
cannot remove it. Since 5.9 ``BPF_LINK_DETACH`` detaches it. Older kernels reject these commands
with ``EINVAL``.
""",
    probe="""
Call ``BPF_LINK_CREATE`` with the attach type that you want and -1 for the program. ``EINVAL`` means
that the kernel does not have the command, ``EBADF`` that it does. ``BPF_LINK_DETACH`` with -1 for
the link gives the same answers.
""",
    without="""
* Attach with ``BPF_PROG_ATTACH`` and ``BPF_F_ALLOW_MULTI``, and detach whenever your process exits.
* A process that is killed leaves its programs attached. When it starts again, query the hook and
  detach its old programs.
* Instead of ``BPF_LINK_DETACH``, close every descriptor of the link and remove its pin.
""",
    details="""
:commit:`af6eea57437a` ("bpf: Implement bpf_link-based cgroup BPF program attachment") is in 5.7,
:commit:`73b11c2ab072` ("bpf: Add support for forced LINK_DETACH command") in 5.9.

The kernel frees a link when its last descriptor is closed. This happens when the process exits,
unless the link is pinned in bpffs. A link counts as attached with ``BPF_F_ALLOW_MULTI``. Creating
it fails with ``EPERM`` where programs are attached with other flags, or where an ancestor does not
allow it. ``BPF_PROG_QUERY`` lists its program, but ``BPF_PROG_DETACH`` with that program fails with
``ENOENT``.

For storages, a link is an attachment like any other. Before 5.9 detaching it frees the storages;
since 5.9 they remain until the cgroup or the map is freed. A detached link keeps its program, and
so the map. ``BPF_LINK_UPDATE``, also new in 5.7, replaces the program and keeps the storages.

From 6.6 to 6.9 ``BPF_LINK_CREATE`` accepts a ``CGROUP_SKB`` program at the attach types of other
programs, such as ``INET4_CONNECT``. The program then runs with the wrong context. Every other
release rejects it with ``EINVAL``, and ``BPF_PROG_ATTACH`` always does. The fault is
CVE-2024-38564, fixed in 6.10 and in 6.6.33, 6.8.12 and 6.9.3: see :rule:`attach.link-type`.

On 5.7 and 5.8 do not attach one program twice to a hook of a cgroup, by two links or by a link and
directly: this corrupts the map's tree of storages.
""",
    shown_by="user space",
    run=run,
    outcomes=(
        Outcome(None, {"link": "EINVAL"}, "kernels 4.19.108 and 5.4.59: no such command"),
        Outcome(
            changes.LINKS,
            {
                "link": "ok",
                "packets": 1,
                "detach the program": "ENOENT",
                "detach the link": "EINVAL",
                "programs then": 1,
                "programs of another cgroup": 1,
                "once its link is closed": 0,
            },
            "kernel 5.8.18, the July 2020 proposal; ``syscall.c``, "
            "``cgroup.c:bpf_cgroup_link_release`` of 5.8",
        ),
        Outcome(
            changes.LINK_DETACH,
            {
                "link": "ok",
                "packets": 1,
                "detach the program": "ENOENT",
                "detach the link": "ok",
                "programs then": 0,
                "programs of another cgroup": 1,
                "once its link is closed": 0,
            },
            "kernels 5.9.1 to 7.2.13; ``syscall.c:link_detach``, "
            "``cgroup.c:bpf_cgroup_link_detach`` of 5.9 and 7.3",
        ),
    ),
    evidence=(Evidence("s1-0235", same={6: "link", 11: "detach the link"}),),
    before="5.6",
    after="5.9",
    symptoms=(
        "EINVAL from BPF_LINK_CREATE",
        "EINVAL from BPF_LINK_DETACH",
        "ENOENT from BPF_PROG_DETACH though the query lists the program",
    ),
    rules=(
        "share.links",
        "detach.absent",
        "lifetime.attachment",
        "link-update.keep",
        "attach.link-type",
    ),
    recipes=("know_what_is_attached", "replace_a_program"),
    explains=(
        Explains(changes.LINKS, ("link_create: EINVAL / ok", "link_create: EINVAL / EPERM")),
        Explains(changes.LINK_DETACH),
        Explains(changes.LINK_TYPE_UNCHECKED),
        Explains(changes.LINK_TYPE_CHECKED),
    ),
)
