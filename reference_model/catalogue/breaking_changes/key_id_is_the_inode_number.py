# SPDX-License-Identifier: GPL-2.0-only
"""The id in the key: it contains a generation before 5.5, and is the inode number since."""

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

from ..story import BreakingChange, Explains, Observe, Outcome, Sign


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Count two packets and look them up by the cgroup id and by st_ino."""
    web = kernel.mkdir("web")
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")
    egress = BPF_CGROUP_INET_EGRESS

    kernel.prog_attach(web, count, egress, BPF_F_ALLOW_MULTI)
    kernel.fire(web, egress)
    kernel.fire(web, egress)
    observe("by id", lambda: kernel.map_lookup_elem(counts, (web.id, egress)))
    observe("by st_ino", lambda: kernel.map_lookup_elem(counts, (web.st_ino, egress)))
    observe("lower half is st_ino", lambda: int(web.id & 0xFFFFFFFF == web.st_ino))
    observe("upper half is in use", lambda: int(web.id >> 32 != 0))


STORY = BreakingChange(
    title="The cgroup id in the key is the inode number",
    nav="Cgroup id is the inode number",
    summary="""
Since Linux 5.5, on 64-bit kernels, the id in the key is the inode number of the cgroup's directory,
``st_ino``. Before 5.5 the upper half of the id contained a generation number, and a lookup with
``st_ino`` failed with ``ENOENT``.
""",
    affects="both",
    affected="""
* You are affected if you take the id from stat(2) and support kernels before 5.5.
* You are affected if you store ids in 32 bits.
* If you use name_to_handle_at(2) or ``bpf_get_current_cgroup_id()``, no change is needed.
""",
    signs=(
        Sign("C", "st_ino|cgroup_inode_id", "where the key gets its id"),
        Sign("Go", "\\.Ino\\b|Stat_t", "where the key gets its id"),
        Sign("Rust", "\\.ino\\(\\)|st_ino", "where the key gets its id"),
        Sign("Python", "st_ino", "where the key gets its id"),
        Sign("shell", "stat .*%i|ls -[a-z]*i", "where the key gets its id"),
    ),
    fix="""
Get the id from name_to_handle_at(2). This id is correct on every release:
""",
    details="""
The name ``cgroup_inode_id`` suggested an inode number from the beginning, but 4.19 to 5.4 used the
id of the kernfs node. Its upper half is a generation of at least 1, and its lower half is the inode
number. The root cgroup had the id 0x100000001.

Commit :commit:`67c0496e87d1` ("kernfs: convert kernfs_node->id from union kernfs_node_id to u64")
and its series made the id a plain number. On 64-bit machines, it is the inode number. On 32-bit
machines, the upper half contains a generation on every release.

On every release, name_to_handle_at(2) on the directory returns the id, as the 8 bytes of the
handle.

See also issue 225 of cilium/tetragon ("kernels prior to 5.5 have different kernfs_node id").
""",
    shown_by="user space",
    run=run,
    outcomes=(
        Outcome(
            None,
            {
                "by id": 2,
                "by st_ino": "ENOENT",
                "lower half is st_ino": 1,
                "upper half is in use": 1,
            },
            "``include/linux/kernfs.h`` and ``kernel/bpf/cgroup.c`` of 4.19 and 5.4",
        ),
        Outcome(
            changes.ID_IS_INODE,
            {
                "by id": 2,
                "by st_ino": 2,
                "lower half is st_ino": 1,
                "upper half is in use": 0,
            },
            "``include/linux/cgroup.h:cgroup_id`` of 5.8 and later",
        ),
    ),
    before="5.4",
    after="5.5",
    symptoms=(
        "ENOENT with the inode number of the cgroup",
        "ids such as 4294967297 (0x100000001)",
        "the key works on 5.10 and not on 5.4",
    ),
    rules=("key.id", "key.id-inode", "key.id-generation"),
    recipes=("get_the_cgroup_id",),
    explains=(Explains(changes.ID_IS_INODE),),
)
