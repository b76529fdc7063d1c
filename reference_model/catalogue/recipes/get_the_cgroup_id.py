# SPDX-License-Identifier: GPL-2.0-only
"""The id that stands in keys comes from name_to_handle_at(), not from stat()."""

from __future__ import annotations

from typing import Any

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_EXIST,
    BPF_F_ALLOW_MULTI,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    STORAGE_KEY,
    U64,
    Add,
    KernelInterface,
    changes,
)

from ..story import Evidence, Observe, Outcome, Promise, Recipe

FOUND = {"count": 1, "write": "ok", "goes on at": 51}


def old(kernel: KernelInterface, observe: Observe) -> None:
    """Take the inode number of the directory for the id."""
    _count(kernel, observe, lambda cgroup: cgroup.st_ino)


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Take the id that name_to_handle_at() tells."""
    _count(kernel, observe, lambda cgroup: cgroup.id)


def _count(kernel: KernelInterface, observe: Observe, number: Any) -> None:
    web = kernel.mkdir("web")
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")
    kernel.prog_attach(web, count, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI)
    kernel.fire(web, BPF_CGROUP_INET_EGRESS)
    observe("id is st_ino", lambda: int(web.id == web.st_ino))
    key = (number(web), BPF_CGROUP_INET_EGRESS)
    observe("count", lambda: kernel.map_lookup_elem(counts, key))
    observe("write", lambda: kernel.map_update_elem(counts, key, 50, BPF_EXIST))
    kernel.fire(web, BPF_CGROUP_INET_EGRESS)
    observe("goes on at", lambda: kernel.map_lookup_elem(counts, key))


STORY = Recipe(
    title="Get the cgroup id right on every kernel",
    problem="""
A key holds the cgroup's id. Much code takes ``st_ino`` of the directory for it, and that works from
5.5 on. On 5.4 and 4.19 every lookup then says ``ENOENT``, as if nothing were attached.
""",
    summary="""
Ask name_to_handle_at(2) for a handle of the cgroup's directory: its 8 bytes are the id, on every
release. Programs get the same number from bpf_get_current_cgroup_id() and bpf_skb_cgroup_id().
""",
    details="""
Before 5.5 the id of a kernfs node had two halves: the inode number in the lower, a generation of at
least 1 in the upper. From 5.5 on, on 64-bit kernels, id and inode number are the same. On 32-bit
kernels the upper half holds a generation on every release, while ``st_ino`` has room for the lower
half only.

In C: a struct file_handle with ``handle_bytes`` = 8, ``name_to_handle_at(AT_FDCWD, path, handle,
&mount_id, 0)``, then copy the 8 bytes of ``f_handle`` to a __u64. That is what the kernel's
selftests do, in cgroup_helpers.c:get_cgroup_id().

That ``st_ino`` fails before 5.5 was read in include/linux/kernfs.h of 5.4.59.
""",
    run=run,
    old=old,
    old_release="5.5",
    fails_on="5.4",
    outcomes=(
        Outcome(
            None,
            {"id is st_ino": 0, **FOUND},
            "include/linux/kernfs.h, union kernfs_node_id, of 4.19 and 5.4",
        ),
        Outcome(
            changes.ID_IS_INODE,
            {"id is st_ino": 1, **FOUND},
            "include/linux/kernfs.h, kernfs_ino(), of 5.8 and later",
        ),
    ),
    evidence=(
        Evidence("rmdir-with-live-socket", same={7: "count", 12: "write", 14: "goes on at"}),
    ),
    promises=(
        Promise(
            "User space reads and writes the entry that the program counts in",
            lambda seen: (seen["count"], seen["goes on at"]) == (1, 51),
        ),
    ),
    pitfalls="""
* Only cgroup v2 directories have entries here. On a hybrid system the path is often
  /sys/fs/cgroup/unified.
* The id belongs to one directory. A cgroup that is removed and made again under the same name has
  another id, and a new, empty entry.
* Take the id while the cgroup exists. After rmdir there is no path to ask, though the entry may
  live on with an open socket.
* In a container the id is the host's; it does not depend on the cgroup namespace.
""",
    rules=("key.id", "key.id-inode", "key.id-generation"),
)
