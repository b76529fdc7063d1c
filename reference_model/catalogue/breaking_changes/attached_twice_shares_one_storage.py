# SPDX-License-Identifier: GPL-2.0-only
"""A program twice on one hook: EINVAL before 5.7, a corrupted map before 5.9, then one storage."""

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
    """Attach a program directly and through a link, count a packet, detach, count another."""
    web = kernel.mkdir("web")
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")
    key = (web, BPF_CGROUP_INET_EGRESS)

    observe(
        "attach",
        lambda: kernel.prog_attach(web, count, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI),
    )
    observe("link", lambda: kernel.link_create(web, count, BPF_CGROUP_INET_EGRESS))
    kernel.fire(web, BPF_CGROUP_INET_EGRESS)
    observe("one packet", lambda: kernel.map_lookup_elem(counts, key))

    kernel.prog_detach(web, count, BPF_CGROUP_INET_EGRESS)
    observe("after detach", lambda: kernel.map_lookup_elem(counts, key))
    kernel.fire(web, BPF_CGROUP_INET_EGRESS)
    observe("one more packet", lambda: kernel.map_lookup_elem(counts, key))


STORY = BreakingChange(
    title="A program that is attached twice has one storage",
    nav="Attached twice, one storage",
    summary="""
Since Linux 5.7 a program can be on one hook several times, through links. Since 5.9 all of them
share one storage, so each packet counts once for each attachment. On 5.7 and 5.8 the second
attachment corrupts the map.
""",
    affects="both",
    affected="""
* You are affected if you attach a program with a link, and it may already be attached, for example
  by a second instance of your agent.
* If your program is attached once to each hook, no change is needed.
""",
    signs=(
        Sign(
            "C",
            "bpf_link_create|attach_cgroup|BPF_LINK_CREATE",
            "links that may attach a program again",
        ),
        Sign(
            "Go",
            "link\\.AttachCgroup|link\\.AttachRawLink",
            "links that may attach a program again",
        ),
        Sign("Rust", "attach_cgroup\\(", "links that may attach a program again"),
    ),
    fix="""
Before you create the link, ask whether the program is attached already:
""",
    details="""
On every release, ``BPF_PROG_ATTACH`` fails with ``EINVAL`` if the program is already attached
directly. It does not check links, and ``BPF_LINK_CREATE`` (since 5.7) checks neither.

On 5.7 and 5.8, each attachment creates its own storage, and both storages have the same key. The
second insertion finds the key in use, and the kernel warns in ``bpf_cgroup_storage_link()``. The
second storage is then in the list of the map but not in its tree. Freeing it erases a node that is
not in the tree. This may empty the tree and so hide other entries (from source).

Since 5.9, the second attachment uses the storage of the first. Detaching one of them changes
nothing for the other.
""",
    shown_by="user space",
    run=run,
    outcomes=(
        Outcome(
            None,
            {
                "attach": "ok",
                "link": "EINVAL",
                "one packet": 1,
                "after detach": "ENOENT",
                "one more packet": "ENOENT",
            },
            "kernels 4.19.108 and 5.4.59: no such command",
        ),
        Outcome(
            changes.LINKS,
            {"attach": "ok", "link": "undefined"},
            "kernel 5.8.18, which warned at ``local_storage.c:577``; "
            "``local_storage.c:bpf_cgroup_storage_link``",
            step="A link can attach a program a second time to a hook, which corrupts the map.",
        ),
        Outcome(
            changes.SHARED_STORAGE,
            {
                "attach": "ok",
                "link": "ok",
                "one packet": 2,
                "after detach": 2,
                "one more packet": 3,
            },
            "kernels 5.9.1 to 7.2.13, the July 2020 proposal; "
            "``cgroup.c:bpf_cgroup_storages_alloc``",
            step="All attachments of the program share one storage.",
        ),
    ),
    evidence=(
        Evidence(
            "dup-legacy",
            same={
                3: "attach",
                4: "link",
                6: "one packet",
                8: "after detach",
                10: "one more packet",
            },
        ),
    ),
    unsafe=True,
    before="5.6",
    after="5.9",
    symptoms=(
        "WARNING in bpf_cgroup_storage_link",
        "each packet is counted twice",
        "entries disappear from the map after a link was closed",
    ),
    rules=("share.links", "share.own"),
    recipes=("know_what_is_attached", "keep_a_map_exclusive"),
    explains=(
        Explains(changes.LINKS, ("link_create: EINVAL / undefined",)),
        Explains(
            changes.SHARED_STORAGE, ("link_create: undefined / ok", "prog_attach: undefined / ok")
        ),
    ),
)
