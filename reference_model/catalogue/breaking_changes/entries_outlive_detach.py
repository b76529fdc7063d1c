# SPDX-License-Identifier: GPL-2.0-only
"""After detaching: before 5.9 the entry is freed, since 5.9 it can be read and written."""

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
    """Count a packet, detach, look for the entry in every way, and remove the cgroup."""
    web = kernel.mkdir("web")
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")
    key = (web, BPF_CGROUP_INET_EGRESS)

    kernel.prog_attach(web, count, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI)
    kernel.fire(web, BPF_CGROUP_INET_EGRESS)
    kernel.prog_detach(web, count, BPF_CGROUP_INET_EGRESS)
    observe(
        "attached programs", lambda: len(kernel.prog_query(web, BPF_CGROUP_INET_EGRESS).prog_ids)
    )
    observe("after detach", lambda: kernel.map_lookup_elem(counts, key))
    observe("first key is that of web", lambda: int(kernel.map_get_next_key(counts)[0] == web.id))
    observe("write", lambda: kernel.map_update_elem(counts, key, 7))
    observe("after writing", lambda: kernel.map_lookup_elem(counts, key))

    kernel.rmdir(web)
    observe("after rmdir", lambda: kernel.map_lookup_elem(counts, key))


STORY = BreakingChange(
    title="Entries remain after a program is detached",
    nav="Entries outlive detaching",
    summary="""
Since Linux 5.9 an entry remains after the program is detached, until the cgroup or the map is
freed. Before 5.9 the entry was freed with the attachment: looking it up failed with ``ENOENT``.
""",
    affects="both",
    affected="""
* You are affected if you read ``ENOENT`` as "no program is attached", or an entry as "a program is
  attached".
* You are affected if you iterate over the keys to count attachments.
* Otherwise no change is needed, and you can read the last values after detaching.
""",
    signs=(
        Sign(
            "C",
            "ENOENT|bpf_map_get_next_key|bpf_map_lookup_elem",
            "lookups that may test for an attachment",
        ),
        Sign("Go", "ErrKeyNotExist|\\.Iterate\\(\\)", "lookups that may test for an attachment"),
        Sign(
            "Rust",
            "ErrorKind::NotFound|KeyNotFound|\\.lookup\\(",
            "lookups that may test for an attachment",
        ),
        Sign("Python", "KeyError|ENOENT", "lookups that may test for an attachment"),
        Sign(
            "shell", "bpftool map (lookup|dump|getnext)", "lookups that may test for an attachment"
        ),
    ),
    fix="""
Ask the cgroup for its programs, not the map for its entries:
""",
    details="""
Since commit :commit:`7d9c3427894f`, a storage is freed with the BPF state of its cgroup or with its
map. User space cannot free it: ``BPF_MAP_DELETE_ELEM`` fails with ``EINVAL`` on every release.

After rmdir(2), the kernel removes the entry of the cgroup, even from a map that is open or pinned.
This happens a little later, after the last socket of the cgroup is closed. If no descriptor, pin or
program holds the map any more, the kernel frees the map with all its entries.

To find out what is attached, use ``BPF_PROG_QUERY``, on every release.
""",
    shown_by="user space",
    run=run,
    outcomes=(
        Outcome(
            None,
            {
                "attached programs": 0,
                "after detach": "ENOENT",
                "first key is that of web": "ENOENT",
                "write": "ENOENT",
                "after writing": "ENOENT",
                "after rmdir": "ENOENT",
            },
            "kernels 4.19.108, 5.4.59 and 5.8.18; ``cgroup.c:__cgroup_bpf_detach`` of 4.19, 5.4, "
            "5.8",
        ),
        Outcome(
            changes.SHARED_STORAGE,
            {
                "attached programs": 0,
                "after detach": 1,
                "first key is that of web": 1,
                "write": "ok",
                "after writing": 7,
                "after rmdir": "ENOENT",
            },
            "kernels 5.9.1 to 7.2.13, the July 2020 proposal; ``cgroup.c:cgroup_bpf_release``",
        ),
    ),
    evidence=(
        Evidence("s1-0336", same={14: "after detach"}),
        Evidence("s1-0277", same={13: "write"}, zero={14: "after writing"}),
        Evidence("s1-0404", same={30: "after detach"}),
        Evidence("map-fd-closed-prog-attached", same={8: "after rmdir"}),
    ),
    before="5.8",
    after="5.9",
    symptoms=(
        "a lookup succeeds although nothing is attached",
        "iterating over the map shows cgroups whose program was detached",
        "ENOENT no longer comes after detaching a program",
    ),
    rules=("lifetime.detach", "lifetime.attachment", "lifetime.cgroup"),
    recipes=("know_what_is_attached", "walk_all_keys"),
    explains=(
        Explains(
            changes.SHARED_STORAGE,
            ("map_lookup: ENOENT / value", "map_update: *", "map_keys: *", "map_next_key: *"),
            after=("prog_detach", "link_detach", "close"),
        ),
    ),
)
