# SPDX-License-Identifier: GPL-2.0-only
"""To BPF_MAP_TYPE_CGRP_STORAGE, where programs and user space make and delete entries."""

from __future__ import annotations

from typing import Any

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_ALLOW_MULTI,
    BPF_F_NO_PREALLOC,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_MAP_TYPE_CGRP_STORAGE,
    BPF_NOEXIST,
    BPF_PROG_TYPE_CGROUP_SKB,
    S32,
    STORAGE_KEY,
    U64,
    Add,
    KernelInterface,
    changes,
)

from ..story import Evidence, Observe, Outcome, Promise, Recipe


def old(kernel: KernelInterface, observe: Observe) -> None:
    """CGROUP_STORAGE: an attachment makes the data, its end removes it."""
    web = kernel.mkdir("web")
    key = (web, BPF_CGROUP_INET_EGRESS)
    counts, count = _load(kernel)
    observe("nothing yet", lambda: kernel.map_lookup_elem(counts, key))
    kernel.prog_attach(web, count, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI)
    kernel.fire(web, BPF_CGROUP_INET_EGRESS)
    observe("measured", lambda: kernel.map_lookup_elem(counts, key))
    observe("remove", lambda: kernel.prog_detach(web, count, BPF_CGROUP_INET_EGRESS))
    observe("removed", lambda: kernel.map_lookup_elem(counts, key))
    kernel.prog_attach(web, count, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI)
    observe("starts again at", lambda: kernel.map_lookup_elem(counts, key))


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Carry the value over to CGRP_STORAGE, and then make and delete the entry by hand."""
    web = kernel.mkdir("web")
    app = kernel.mkdir("app", web)
    target = observe(
        "create",
        lambda: kernel.map_create(
            BPF_MAP_TYPE_CGRP_STORAGE,
            S32,
            U64,
            map_flags=BPF_F_NO_PREALLOC,
            map_name="cgrp_counts",
            btf=True,
        ),
    )
    if target is None:
        return
    observe("nothing yet", lambda: kernel.map_lookup_elem(target, web))

    counts, count = _load(kernel)
    kernel.prog_attach(web, count, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI)
    kernel.fire(web, BPF_CGROUP_INET_EGRESS)
    value = kernel.map_lookup_elem(counts, (web, BPF_CGROUP_INET_EGRESS))
    observe("carry over", lambda: kernel.map_update_elem(target, web, value, BPF_NOEXIST))
    kernel.prog_detach(web, count, BPF_CGROUP_INET_EGRESS)
    kernel.close(count)
    kernel.close(counts)

    observe("measured", lambda: kernel.map_lookup_elem(target, web))
    observe("child", lambda: kernel.map_lookup_elem(target, app))
    observe("next key", lambda: kernel.map_get_next_key(target, web))
    observe("remove", lambda: kernel.map_delete_elem(target, web))
    observe("removed", lambda: kernel.map_lookup_elem(target, web))
    kernel.map_update_elem(target, web, 0, BPF_NOEXIST)
    observe("starts again at", lambda: kernel.map_lookup_elem(target, web))


def _load(kernel: KernelInterface) -> tuple[Any, Any]:
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
    return counts, kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts, 7), prog_name="count")


STORY = Recipe(
    title="Move to BPF_MAP_TYPE_CGRP_STORAGE",
    problem="""
The old map types are marked deprecated. Programs that are not attached to cgroups cannot use them,
and nobody can delete an entry. ``BPF_MAP_TYPE_CGRP_STORAGE`` can do both, but renaming the type is
not enough: nearly everything about it is different.
""",
    summary="""
Create the map with BTF, ``BPF_F_NO_PREALLOC`` and an int key. In user space the key is a descriptor
of the cgroup's directory. In the program name the cgroup yourself and call
``bpf_cgrp_storage_get(&counts, cgrp, 0, BPF_LOCAL_STORAGE_GET_F_CREATE)``, which may return NULL.
Delete an entry where a detach used to do it.
""",
    details="""
The differences that bite:

* *Which cgroup.* The old helper took the cgroup of the attachment. No helper tells the new one
  which that is. The socket's or the task's cgroup is the child where the program is attached to the
  parent. To keep the meaning, walk up to a fixed level with bpf_cgroup_ancestor(). Before 6.18 (and
  6.12.58) do not use bpf_cgroup_from_id() for that: it returns NULL if the cgroup is outside the
  cgroup namespace of the process that happens to run, which may be any container.
* *NULL.* The entry is created at run time, and that can fail. The verifier requires the test. If
  user space updates the entry beforehand, the program does not have to create it.
* *Key.* A descriptor instead of an id: user space must be able to open the cgroup. There is no
  get_next_key (error 524), so no dump. Walk the cgroup tree instead.
* *End.* Entries live until the cgroup or the map goes, or somebody deletes them. Detaching does
  nothing. (That the old type deletes at detach, as the kernel's page on the new one says, is true
  up to 5.8 only.)
* *No per-CPU variant.* Use atomics or a ``bpf_spin_lock``.
* *Privileges.* ``CAP_BPF`` to create the map.

The helper is left out of the run: it needs a cgroup that the verifier knows. What is said of it was
read in kernel/bpf/bpf_cgrp_storage.c:bpf_cgrp_storage_get.
""",
    run=run,
    old=old,
    old_release="5.8",
    since=changes.CGRP_STORAGE,
    outcomes=(
        Outcome(None, {"create": "EINVAL"}, "kernels 4.19.108 to 6.1.176: the type is unknown"),
        Outcome(
            changes.CGRP_STORAGE,
            {
                "create": "ok",
                "nothing yet": "ENOENT",
                "carry over": "ok",
                "measured": 7,
                "child": "ENOENT",
                "next key": "ENOTSUPP",
                "remove": "ok",
                "removed": "ENOENT",
                "starts again at": 0,
            },
            "kernels 6.12.107 and 7.2.13, trace cgrp-storage-entries; "
            "bpf_cgrp_storage.c, bpf_local_storage.c:bpf_local_storage_update",
        ),
    ),
    evidence=(
        Evidence("cgrp-storage-creation", same={0: "create"}),
        Evidence(
            "cgrp-storage-entries",
            same={
                2: "create",
                3: "nothing yet",
                6: "measured",
                14: "child",
                15: "next key",
                16: "remove",
                18: "removed",
                19: "carry over",
            },
        ),
    ),
    promises=(
        Promise("Data can be removed", lambda seen: seen["removed"] == "ENOENT"),
        Promise(
            "After that a measurement starts at zero", lambda seen: seen["starts again at"] == 0
        ),
    ),
    pitfalls="""
* ``__type(key, struct bpf_cgroup_storage_key)`` under the new type does not work: the key is an
  int. libbpf issue 922 is somebody who tried.
* Carry values over with ``BPF_NOEXIST``: ``EEXIST`` then says that the new program was there first.
  What the old one counts between your reading and its end is lost, unless both run for a while and
  you add up.
* In Go's cilium/ebpf, CGroupStorage is type 19 and CgroupStorage is type 32: one capital letter
  between them.
* Cgroup v1 works from 6.8 on only.
* From 6.2 to 6.19 a call of the helper that meets another one on the same CPU, because of an
  interrupt or a preemption, may return NULL. Before 6.15 (and 6.12.26) this happens even if the
  entry exists, and deleting fails with ``EBUSY``; later only where the entry would be created.
* Writing a value makes a new element in the place of the old one, so a program's increment may be
  lost, as with the old type.
""",
    rules=("cgrp.create", "cgrp.entries"),
)
