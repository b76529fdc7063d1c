# SPDX-License-Identifier: GPL-2.0-only
"""BPF_MAP_TYPE_CGRP_STORAGE: EINVAL up to 6.1, entries made and deleted by hand from 6.2 on."""

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
    title="CGRP_STORAGE keeps data without any attachment",
    summary="""
Linux 6.2 has ``BPF_MAP_TYPE_CGRP_STORAGE``, type 32, the successor. Its entries belong to a cgroup
and not to an attachment: programs of nearly every type make them on demand, for a cgroup that they
name, and user space makes and deletes them by a descriptor of the cgroup. On older kernels the type
is unknown: ``EINVAL``.
""",
    probe="""
Create a map of type 32 with BTF for key and value: a key of 4 bytes that is an int,
``BPF_F_NO_PREALLOC``, ``max_entries`` 0. Without BTF or without the flag the answer is ``EINVAL``
on every release and says nothing. ``libbpf_probe_bpf_map_type()`` of a libbpf that knows the type
does it for you.
""",
    without="""
Programs that are attached to cgroups use ``BPF_MAP_TYPE_CGROUP_STORAGE``: it still works on every
release, though the header calls it deprecated. Others use a hash map with the cgroup id as its key,
and remove the entries of cgroups that are gone themselves.
""",
    details="""
Commit :commit:`c4bcfb38a95e` ("bpf: Implement cgroup storage available to non-cgroup-attached bpf
progs"). The names differ by a few letters, and nearly everything else does too:

* The helpers are ``bpf_cgrp_storage_get()``, which makes the entry if asked to and may return NULL,
  and ``bpf_cgrp_storage_delete()``. ``bpf_get_local_storage()`` takes the old types only.
* Nothing is made by an attach or removed by a detach. An entry ends with its cgroup, its map or a
  delete.
* User space cannot list the entries: get_next_key is 524, ENOTSUPP.
* To create the map takes ``CAP_BPF``, and BTF is needed.
* There is no per-CPU variant.

The example counts processes that enter a cgroup, from a tracing program that is attached to no
cgroup at all, which the old types cannot do. The program needs the kernel's BTF. It is left out of
the story in Python, which looks at user space alone.

With the old types nothing has changed: an update makes no entry (``ENOENT``), and a delete is
``EINVAL``.
""",
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
            "kernels 6.12.107 and 7.2.13, trace cgrp-storage-entries; bpf_cgrp_storage.c",
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
        "ENOENT from BPF_MAP_UPDATE_ELEM: an update makes no entry",
        "EINVAL from BPF_MAP_DELETE_ELEM",
    ),
    rules=("cgrp.create", "cgrp.entries", "cgrp.helper", "update.existing", "delete.refused"),
    recipes=("to_cgrp_storage", "from_hash_by_cgroup_id"),
    explains=(Explains(changes.CGRP_STORAGE),),
)
