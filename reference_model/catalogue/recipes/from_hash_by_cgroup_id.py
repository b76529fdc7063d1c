# SPDX-License-Identifier: GPL-2.0-only
"""From a hash map keyed by cgroup id: the same key, and an attachment where you want an entry."""

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
    """The hash's key, a u64 of the cgroup id, taken over as it is."""
    counts = observe("u64 key", lambda: _map(kernel, U64))
    if counts is not None:
        _count(kernel, observe, counts, wide=False)


def run(kernel: KernelInterface, observe: Observe) -> None:
    """The same, with the struct as key where the kernel wants it."""
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
    title="From a hash keyed by cgroup id to this map",
    problem="""
A program counts in a ``BPF_MAP_TYPE_HASH`` whose key is bpf_skb_cgroup_id(). Each packet costs a
lookup, the size must be guessed, and somebody must delete the entries of removed cgroups. This map
does away with all three, but an entry now needs an attachment.
""",
    summary="""
Drop ``max_entries``, replace the lookup by ``bpf_get_local_storage(&counts, 0)``, keep the u64 key
(before 5.9: the struct), and attach the program to *each* cgroup that is to have an entry, with
``BPF_F_ALLOW_OVERRIDE``. Then each packet is counted once, in the nearest cgroup that has the
program.
""",
    details="""
In a hash the entry is that of the packet's cgroup, wherever the program is attached. Here it is
that of the *attachment*: a program on a parent counts its children's packets into the parent's
entry, and the children have none. With ``BPF_F_ALLOW_OVERRIDE`` a child's attachment hides the
parent's, and the counts are disjoint. With ``BPF_F_ALLOW_MULTI`` both run, and the parent's entry
counts the subtree.

What else changes: user space cannot create entries (an update of an unknown key is ``ENOENT``,
whatever the flags), so attach first and write limits afterwards. Deleting is ``EINVAL``: the entry
goes with its cgroup, up to 5.8 with its attachment. The helper never returns NULL.

The hash itself is not modelled. That ``BPF_F_ALLOW_OVERRIDE`` hides the parent's program is also in
the trace "hierarchy".
""",
    run=run,
    old=old,
    old_release="5.9",
    fails_on="5.8",
    outcomes=(
        Outcome(
            None,
            {"u64 key": "EINVAL", **COUNTED},
            "kernels 4.19.108, 5.4.59 and 5.8.18 (key size); "
            "cgroup.c:compute_effective_progs; selftest cg_storage_multi",
        ),
        Outcome(
            changes.KEY_IS_CGROUP_ID,
            {"u64 key": "ok", **COUNTED},
            "kernels 5.9.1 and later (key size); cgroup.c:compute_effective_progs; "
            "selftest cg_storage_multi",
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
* Cgroups that are made later have no entry until you attach to them. Watch for them, or let the
  parent's entry stand for all.
* The last value goes with the cgroup, some time after rmdir. A hash kept it until you deleted it.
  Read before the cgroup is removed.
* In a hash, data outlives the program. Here, up to 5.8, detaching frees it.
* Where programs that are not attached to cgroups need the data too, or where the packet's own
  cgroup is what you want, ``BPF_MAP_TYPE_CGRP_STORAGE`` is
  :story:`the better way <to_cgrp_storage>`.
""",
    rules=("create.key-id", "storage.attachment", "delete.refused", "lifetime.cgroup"),
)
