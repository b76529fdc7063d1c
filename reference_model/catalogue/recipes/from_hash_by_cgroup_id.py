# SPDX-License-Identifier: GPL-2.0-only
"""Replace a hash map keyed by cgroup id: keep the key, and attach where an entry is needed."""

from __future__ import annotations

from typing import Any

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_ALLOW_OVERRIDE,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    STORAGE_KEY,
    U64,
    Add,
    KernelInterface,
    changes,
)

from ..story import Evidence, Observe, Outcome, Promise, Recipe

COUNTED = {
    "child unattached": "ENOENT",
    "parent": 1,
    "child": 2,
    "delete": "EINVAL",
    "after rmdir": "ENOENT",
}


def old(kernel: KernelInterface, observe: Observe) -> None:
    """Use the key of the hash map, the cgroup id as a u64."""
    counts = observe("u64 key", lambda: _map(kernel, U64))
    if counts is not None:
        _count(kernel, observe, counts, wide=False)


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Use the same key, or the struct where the kernel rejects a u64."""
    counts = observe("u64 key", lambda: _map(kernel, U64))
    wide = counts is None
    _count(kernel, observe, _map(kernel, STORAGE_KEY) if wide else counts, wide=wide)


def _map(kernel: KernelInterface, key: Any) -> Any:
    return kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, key, U64, map_name="counts")


def _count(kernel: KernelInterface, observe: Observe, counts: Any, *, wide: bool) -> None:
    web = kernel.mkdir("web")
    app = kernel.mkdir("app", web)
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")

    def key(cgroup: Any) -> Any:
        return (cgroup, BPF_CGROUP_INET_EGRESS) if wide else cgroup

    kernel.prog_attach(web, count, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_OVERRIDE)
    kernel.fire(app, BPF_CGROUP_INET_EGRESS)
    observe("child unattached", lambda: kernel.map_lookup_elem(counts, key(app)))
    kernel.prog_attach(app, count, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_OVERRIDE)
    for _ in range(2):
        kernel.fire(app, BPF_CGROUP_INET_EGRESS)
    observe("parent", lambda: kernel.map_lookup_elem(counts, key(web)))
    observe("child", lambda: kernel.map_lookup_elem(counts, key(app)))
    observe("delete", lambda: kernel.map_delete_elem(counts, key(app)))
    kernel.rmdir(app)
    observe("after rmdir", lambda: kernel.map_lookup_elem(counts, key(app)))


STORY = Recipe(
    title="Replace a hash map keyed by cgroup id",
    nav="Replace a hash by cgroup id",
    problem="""
A program counts in a ``BPF_MAP_TYPE_HASH`` whose key is ``bpf_skb_cgroup_id()``. Each packet costs
a lookup, and your agent guesses the size of the map and deletes the entries of removed cgroups.
""",
    when="""
* Use it if you can attach the program to each cgroup that needs an entry.
* If you need the cgroup of each packet instead, or if programs of other types need the data, use
  :story:`BPF_MAP_TYPE_CGRP_STORAGE <to_cgrp_storage>`.
""",
    summary="""
Drop ``max_entries``, and replace the lookup with ``bpf_get_local_storage()``. Then attach the
program to *each* cgroup. A packet counts once, in the nearest cgroup that has the program.
""",
    details="""
In a hash map, the entry belongs to the cgroup of the packet, wherever the program is attached. In
this map, it belongs to the *attachment*. A program on a parent counts the packets of the children
in the entry of the parent, and the children have no entry. With ``BPF_F_ALLOW_OVERRIDE``, the
attachment of a child hides that of the parent, so no packet counts twice. With
``BPF_F_ALLOW_MULTI`` both run, and the entry of the parent counts the whole subtree.

User space cannot create entries: updating an unknown key fails with ``ENOENT``, whatever the flags.
Attach the program first, and write limits afterwards. Deleting an entry fails with ``EINVAL``. The
kernel frees the entry with its cgroup, and before 5.9 with its attachment. The helper never returns
NULL.
""",
    shown_by="neither",
    run=run,
    old=old,
    old_release="5.9",
    fails_on="5.8",
    outcomes=(
        Outcome(
            None,
            {"u64 key": "EINVAL", **COUNTED},
            "kernels 4.19.108, 5.4.59 and 5.8.18 (key size); "
            "``cgroup.c:compute_effective_progs``; selftest ``cg_storage_multi``; trace hierarchy "
            "(``BPF_F_ALLOW_OVERRIDE``); the hash map itself was not tested",
        ),
        Outcome(
            changes.KEY_IS_CGROUP_ID,
            {"u64 key": "ok", **COUNTED},
            "kernels 5.9.1 and later (key size); ``cgroup.c:compute_effective_progs``; selftest "
            "``cg_storage_multi``",
        ),
    ),
    evidence=(
        Evidence("shared-key8-across-types", same={1: "u64 key"}),
        Evidence("s1-0227", same={22: "child unattached"}),
        Evidence("map-fd-closed-prog-attached", same={8: "after rmdir"}),
        Evidence("s1-0427", same={22: "delete"}),
    ),
    promises=(
        Promise(
            "A packet is counted once, in the nearest cgroup that has the program",
            lambda seen: (seen.get("parent"), seen.get("child")) == (1, 2),
        ),
    ),
    pitfalls="""
* A cgroup that is created later has no entry until you attach the program to it. Watch for new
  cgroups, or let the entry of the parent count for all of them.
* The kernel frees the last value some time after rmdir(2). A hash map keeps it until you delete it.
  Read the value before you remove the cgroup.
* In a hash map, data outlives the program. In this map, detaching the program freed the data before
  5.9.
""",
    rules=("create.key-id", "storage.attachment", "delete.refused", "lifetime.cgroup"),
)
