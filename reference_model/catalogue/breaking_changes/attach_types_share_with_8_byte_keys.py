# SPDX-License-Identifier: GPL-2.0-only
"""Attach types share a storage only with 8-byte keys, which exist since 5.9."""

from __future__ import annotations

from typing import Any

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_CGROUP_INET_INGRESS,
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
    """Attach to both directions with each kind of key, then receive a packet and send one."""
    web = kernel.mkdir("web")
    ingress, egress = BPF_CGROUP_INET_INGRESS, BPF_CGROUP_INET_EGRESS

    def attach_to_both(name: str, counted: Any) -> None:
        program = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counted), prog_name=name)
        kernel.prog_attach(web, program, ingress, BPF_F_ALLOW_MULTI)
        kernel.prog_attach(web, program, egress, BPF_F_ALLOW_MULTI)

    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
    attach_to_both("count", counts)
    totals = observe(
        "create with 8-byte key",
        lambda: kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, U64, U64, map_name="totals"),
    )
    if totals is not None:
        attach_to_both("total", totals)

    kernel.fire(web, ingress)
    observe("16 bytes, ingress", lambda: kernel.map_lookup_elem(counts, (web, ingress)))
    observe("16 bytes, egress", lambda: kernel.map_lookup_elem(counts, (web, egress)))
    if totals is not None:
        observe("8 bytes", lambda: kernel.map_lookup_elem(totals, web))

    kernel.fire(web, egress)
    observe("16 bytes, egress, later", lambda: kernel.map_lookup_elem(counts, (web, egress)))
    if totals is not None:
        observe("8 bytes, later", lambda: kernel.map_lookup_elem(totals, web))


STORY = BreakingChange(
    title="Attach types share a storage with 8-byte keys",
    nav="Sharing with 8-byte keys",
    summary="""
Since Linux 5.9, a map with an 8-byte key, the cgroup id, has one storage for all attach types of a
cgroup. With the 16-byte ``struct bpf_cgroup_storage_key``, each attach type has its own storage on
every release.
""",
    affects="both",
    affected="""
* You are affected if you change a map to the 8-byte key and count directions or hooks apart: their
  values are added up.
* If you keep the 16-byte key, no change is needed.
""",
    signs=(
        Sign(
            "C",
            "__type\\(key, *(__u64|u64|uint64_t)\\)|key_size, *8\\)|sizeof\\(__u64\\)",
            "keys that may have 8 bytes",
        ),
        Sign("Go", "KeySize: *8", "keys that may have 8 bytes"),
    ),
    fix="""
Declare the map with the 16-byte key where attach types must stay apart:
""",
    details="""
The cover letter of July 2020 announced two changes that break programs. The second was that attach
types would no longer be isolated. As posted (RFC to v4), the series ignored the attach type in
every comparison.

The reviewers objected: an attach type in the key that has no meaning would mislead users, because 0
is not "none" but ``BPF_CGROUP_INET_INGRESS``. Version 5 therefore made sharing depend on the size
of the key, and its cover letter no longer lists the second change. This was merged in 5.9 (commit
:commit:`7d9c3427894f`):

* With 16 bytes, ``struct bpf_cgroup_storage_key``, the cgroup and the attach type select a storage,
  as before.
* With 8 bytes, a ``__u64``, only the cgroup selects it. Attach types share, also between program
  types.

With either key, all LSM hooks of a cgroup share one storage, because they have the same attach
type, ``BPF_LSM_CGROUP``.
""",
    shown_by="object",
    run=run,
    outcomes=(
        Outcome(
            None,
            {
                "create with 8-byte key": "EINVAL",
                "16 bytes, ingress": 1,
                "16 bytes, egress": 0,
                "16 bytes, egress, later": 1,
            },
            "kernels 4.19.108, 5.4.59 and 5.8.18; ``local_storage.c:cgroup_storage_lookup``",
        ),
        Outcome(
            changes.KEY_IS_CGROUP_ID,
            {
                "create with 8-byte key": "ok",
                "16 bytes, ingress": 1,
                "16 bytes, egress": 0,
                "8 bytes": 1,
                "16 bytes, egress, later": 1,
                "8 bytes, later": 2,
            },
            "kernels 5.9.1 to 7.2.13; ``local_storage.c:bpf_cgroup_storage_key_cmp``",
        ),
        Outcome(
            changes.ATTACH_TYPE_IGNORED,
            {
                "create with 8-byte key": "EINVAL",
                "16 bytes, ingress": 1,
                "16 bytes, egress": 1,
                "16 bytes, egress, later": 2,
            },
            "kernel 5.8.18 with the July 2020 proposal, where a lookup with another attach type "
            "finds the storage, and the keys have an attach type that was never written; cover "
            "letter of the series, v1, second change",
        ),
    ),
    evidence=(
        Evidence("order", same={8: "16 bytes, egress", 9: "16 bytes, ingress"}),
        Evidence(
            "shared-key8-across-types",
            same={1: "create with 8-byte key"},
            zero={9: "8 bytes", 13: "8 bytes, later"},
        ),
    ),
    before="5.8",
    after="5.9",
    symptoms=(
        "ingress and egress are added up",
        "a value changes although nothing was sent",
        "the cover letter says that attach types are no longer isolated",
    ),
    rules=("share.attach-types-struct", "share.attach-types-id", "create.key-id"),
    recipes=("keep_attach_types_apart", "share_configuration"),
    explains=(Explains(changes.ATTACH_TYPE_IGNORED, ("map_*",)),),
)
