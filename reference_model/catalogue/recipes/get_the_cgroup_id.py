# SPDX-License-Identifier: GPL-2.0-only
"""Get the id for the keys from name_to_handle_at(), not from stat()."""

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
    title="Get the id of a cgroup on every kernel",
    nav="Get the cgroup id",
    problem="""
A key contains the id of the cgroup. Much code uses ``st_ino`` of the directory for it. On 5.4 and
4.19 every lookup with that key fails with ``ENOENT``.
""",
    when="""
* Use it wherever you build a key in user space: it works on every release.
* ``st_ino`` is enough only if you never run on kernels before 5.5 or on 32-bit kernels.
* Get the id while the cgroup exists: after rmdir(2) there is no path to ask for.
""",
    summary="""
Call name_to_handle_at(2) on the directory of the cgroup. The 8 bytes of the handle are the id.
""",
    details="""
Before 5.5 the id had two halves: the inode number in the lower half, and a generation of at least 1
in the upper half. Since 5.5, id and inode number are the same on 64-bit kernels. On 32-bit kernels
the upper half contains a generation on every release, while ``st_ino`` has room for the lower half
only.

BPF programs get the same id from ``bpf_get_current_cgroup_id()`` and ``bpf_skb_cgroup_id()``. The
kernel's selftests call name_to_handle_at(2) too, in cgroup_helpers.c:get_cgroup_id().

That ``st_ino`` does not work before 5.5 was read in include/linux/kernfs.h of 5.4.59.
""",
    shown_by="user space",
    run=run,
    old=old,
    old_release="5.5",
    fails_on="5.4",
    outcomes=(
        Outcome(
            None,
            {"id is st_ino": 0, **FOUND},
            "``include/linux/kernfs.h``, union ``kernfs_node_id``, of 4.19 and 5.4",
        ),
        Outcome(
            changes.ID_IS_INODE,
            {"id is st_ino": 1, **FOUND},
            "``include/linux/kernfs.h``, ``kernfs_ino()``, of 5.8 and later",
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
* Only directories of cgroup v2 have entries in these maps. On a hybrid system the path is often
  ``/sys/fs/cgroup/unified``.
* A cgroup that is removed and created again under the same name has another id, and a new, empty
  entry.
* An entry may exist after its cgroup was removed, as long as a socket of the cgroup is open.
* In a container, the id is the same as on the host: it does not depend on the cgroup namespace.
* To find the directory of a container (Docker, Podman, runc) or of a systemd unit, take one of its
  processes. On the host, ``/proc/PID/cgroup`` has the path in the line that begins with ``0::``.
""",
    rules=("key.id", "key.id-inode", "key.id-generation"),
)
