# SPDX-License-Identifier: GPL-2.0-only
"""Move to BPF_MAP_TYPE_CGRP_STORAGE, where programs and user space create and delete entries."""

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
    """Use CGROUP_STORAGE: attaching creates the data, and detaching removes it."""
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
    """Copy the value to CGRP_STORAGE, and then create and delete the entry explicitly."""
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
    nav="Move to CGRP_STORAGE",
    problem="""
``BPF_MAP_TYPE_CGROUP_STORAGE`` is marked as deprecated. Other program types cannot use it, and user
space cannot delete entries. ``BPF_MAP_TYPE_CGRP_STORAGE`` allows both, but is no drop-in
replacement.
""",
    when="""
* Use it if your programs run only on 6.2 and later, or on 6.8 and later with cgroup v1.
* Do not use it for per-CPU values that user space reads: it has no per-CPU variant. Since 6.7 a
  program can keep a per-CPU kptr in the value.
* User space must be able to open the cgroup: the key is a file descriptor.
""",
    summary="""
Change the declaration, name the cgroup in the program, and check for NULL. In user space, use the
descriptor of the cgroup's directory as the key, and delete entries where you detached programs.
""",
    details="""
These differences matter:

* *Which cgroup.* The old helper uses the cgroup of the attachment, and no helper returns that
  cgroup. If the program is attached to a parent, the cgroup of the socket or task is the child. To
  keep the meaning, go up to a fixed level with ``bpf_cgroup_ancestor()``. Do not use
  ``bpf_cgroup_from_id()`` for this before 6.18 (and 6.17.8, 6.12.58 and 6.6.117). It returns NULL
  if the cgroup is outside the cgroup namespace of the current process, which may belong to any
  container.
* *NULL.* The helper creates the entry at run time, which can fail, so the verifier requires the
  check. If user space updates the entry first, the program does not have to create it.
* *Iteration.* ``BPF_MAP_GET_NEXT_KEY`` fails with errno 524, so the map cannot be dumped. Iterate
  over the cgroup tree instead.
* *Lifetime.* Entries exist until the cgroup or the map is freed, or until they are deleted.
  Detaching a program does not delete them. The kernel's page on the new type says that the old
  type deletes entries when a program is detached. This is true only before 5.9.
* *Concurrency.* Use atomic instructions or a ``bpf_spin_lock``.
* *Privileges.* Creating the map requires ``CAP_BPF``.
""",
    shown_by="object",
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
            "kernels 6.12.107 and 7.2.13, trace cgrp-storage-entries; ``bpf_cgrp_storage.c``, "
            "``bpf_local_storage.c:bpf_local_storage_update``; for the helper, which the example "
            "does not call, ``bpf_cgrp_storage.c:bpf_cgrp_storage_get``",
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
            "After that, a measurement starts at zero", lambda seen: seen["starts again at"] == 0
        ),
    ),
    pitfalls="""
* With the new type, ``__type(key, struct bpf_cgroup_storage_key)`` does not work: the key is an
  int. See libbpf issue 922.
* Copy values with ``BPF_NOEXIST``. ``EEXIST`` then means that the new program created the entry
  first. Packets that the old program counts after you read its value are lost, unless both
  programs run for a while and you add their values.
* In cilium/ebpf for Go, ``CGroupStorage`` is type 19 and ``CgroupStorage`` is type 32: only one
  capital letter differs.
* On 6.2 to 6.19, the helper may return NULL if it interrupts another call on the same CPU. Before
  6.15 (and 6.14.5, 6.12.26 and 6.6.89), this can happen even if the entry exists, and deleting can
  fail with ``EBUSY``. Later it only happens if the entry would be created.
* Updating an entry replaces it with a new one, so an increment of a program may be lost, as with
  the old type.
""",
    rules=("cgrp.create", "cgrp.entries"),
)
