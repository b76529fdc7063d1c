# SPDX-License-Identifier: GPL-2.0-only
"""BPF_MAP_TYPE_CGRP_STORAGE: EINVAL before 6.2; programs and user space create its entries."""

from __future__ import annotations

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_NO_PREALLOC,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_MAP_TYPE_CGRP_STORAGE,
    BPF_NOEXIST,
    S32,
    STORAGE_KEY,
    U64,
    KernelInterface,
    changes,
)

from ..story import Addition, Evidence, Explains, Observe, Outcome


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Make and delete an entry where nothing is attached, with the old type and the new one."""
    web = kernel.mkdir("web")
    key = (web, BPF_CGROUP_INET_EGRESS)
    old = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="old")
    observe("make an old entry", lambda: kernel.map_update_elem(old, key, 7))
    observe("delete an old entry", lambda: kernel.map_delete_elem(old, key))

    new = observe(
        "create the new map",
        lambda: kernel.map_create(
            BPF_MAP_TYPE_CGRP_STORAGE,
            S32,
            U64,
            map_flags=BPF_F_NO_PREALLOC,
            map_name="new",
            btf=True,
        ),
    )
    if new is None:
        return
    observe("make a new entry", lambda: kernel.map_update_elem(new, web, 7, BPF_NOEXIST))
    observe("read it", lambda: kernel.map_lookup_elem(new, web))
    observe("delete it", lambda: kernel.map_delete_elem(new, web))
    observe("read it again", lambda: kernel.map_lookup_elem(new, web))


STORY = Addition(
    title="CGRP_STORAGE keeps data without an attachment",
    nav="CGRP_STORAGE maps",
    affects="CGRP_STORAGE",
    summary="""
Since Linux 6.2 there is ``BPF_MAP_TYPE_CGRP_STORAGE``, type 32, the successor of the old types. Its
entries belong to a cgroup, not to an attachment. Programs of nearly every type create them on
demand, and user space creates and deletes them with a file descriptor of the cgroup. Older kernels
reject the type with ``EINVAL``.
""",
    probe="""
Create a map of type 32 with a 4-byte integer key, BTF for key and value, ``BPF_F_NO_PREALLOC`` and
``max_entries`` 0. ``EINVAL`` means that the kernel does not have the type. Without BTF or without
the flag, creating the map fails with ``EINVAL`` on every release. If your libbpf knows the type,
``libbpf_probe_bpf_map_type()`` does the check for you.
""",
    without="""
* If your program is attached to cgroups, use ``BPF_MAP_TYPE_CGROUP_STORAGE``. It works on every
  release, although the header calls it deprecated.
* Otherwise use a hash map with the cgroup id as its key, and delete the entries of removed cgroups
  yourself.
""",
    details="""
Commit :commit:`c4bcfb38a95e` ("bpf: Implement cgroup storage available to non-cgroup-attached bpf
progs") added the type. Its name differs from the old one by a few letters; its behaviour differs
in nearly everything:

* The helpers are ``bpf_cgrp_storage_get()`` and ``bpf_cgrp_storage_delete()``. The first one
  creates the entry if asked to, and can return NULL. ``bpf_get_local_storage()`` takes the old
  types only.
* Attaching a program creates no entry, and detaching it deletes none. An entry is freed with its
  cgroup, with its map, or by a delete.
* User space cannot list the entries: ``BPF_MAP_GET_NEXT_KEY`` fails with 524 (``ENOTSUPP``).
* Creating the map requires ``CAP_BPF`` and BTF.
* There is no per-CPU variant.

The C version counts processes that enter a cgroup, from a tracing program that is attached to no
cgroup. The old types cannot do that. The tracing program needs the kernel's BTF, so the Python
version looks at user space alone.

The old types have not changed: updating a missing entry fails with ``ENOENT``, and
``BPF_MAP_DELETE_ELEM`` fails with ``EINVAL``.
""",
    shown_by="object",
    run=run,
    outcomes=(
        Outcome(
            None,
            {
                "make an old entry": "ENOENT",
                "delete an old entry": "EINVAL",
                "create the new map": "EINVAL",
            },
            "kernels 4.19.108 to 6.1.176: the type is unknown",
        ),
        Outcome(
            changes.CGRP_STORAGE,
            {
                "make an old entry": "ENOENT",
                "delete an old entry": "EINVAL",
                "create the new map": "ok",
                "make a new entry": "ok",
                "read it": 7,
                "delete it": "ok",
                "read it again": "ENOENT",
            },
            "kernels 6.12.107 and 7.2.13, trace cgrp-storage-entries; ``bpf_cgrp_storage.c``",
        ),
    ),
    evidence=(
        Evidence("cgrp-storage-creation", same={0: "create the new map"}),
        Evidence(
            "cgrp-storage-entries",
            same={
                2: "create the new map",
                6: "read it",
                16: "delete it",
                18: "read it again",
                19: "make a new entry",
            },
        ),
    ),
    before="6.1",
    after="6.2",
    symptoms=(
        "EINVAL from BPF_MAP_CREATE with map type 32",
        "ENOENT from BPF_MAP_UPDATE_ELEM: an update creates no entry",
        "EINVAL from BPF_MAP_DELETE_ELEM",
    ),
    rules=("cgrp.create", "cgrp.entries", "cgrp.helper", "update.existing", "delete.refused"),
    recipes=("to_cgrp_storage", "from_hash_by_cgroup_id"),
    explains=(Explains(changes.CGRP_STORAGE),),
)
