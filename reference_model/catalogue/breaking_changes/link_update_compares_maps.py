# SPDX-License-Identifier: GPL-2.0-only
"""Link update to a program with another map: wrong data or a crash before 7.3, then EINVAL."""

from __future__ import annotations

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    STORAGE_KEY,
    U64,
    KernelInterface,
    Mix,
    changes,
)

from ..story import BreakingChange, Evidence, Explains, Observe, Outcome, Sign


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Update one link to a program with another map, and one from a program without any."""
    web, db = kernel.mkdir("web"), kernel.mkdir("db")
    counts, others = (
        kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name=name)
        for name in ("counts", "others")
    )
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Mix(counts, 1), prog_name="count")
    other = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Mix(others, 5), prog_name="other")
    plain = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, prog_name="plain")
    egress = BPF_CGROUP_INET_EGRESS

    link = observe("link", lambda: kernel.link_create(web, count, egress))
    if link is None:
        return
    kernel.fire(web, egress)
    observe("update to another map", lambda: kernel.link_update(link, other))
    kernel.fire(web, egress)
    observe("counts", lambda: kernel.map_lookup_elem(counts, (web, egress)))
    observe("others", lambda: kernel.map_lookup_elem(others, (web, egress)))

    bare = kernel.link_create(db, plain, egress)
    observe("update from no map", lambda: kernel.link_update(bare, other))
    observe("packet", lambda: kernel.fire(db, egress))


STORY = BreakingChange(
    title="BPF_LINK_UPDATE requires the same storage maps",
    nav="Link update: same maps",
    summary="""
Since Linux 7.3, and on stable kernels with the fix, ``BPF_LINK_UPDATE`` fails with ``EINVAL`` if
the new program uses another storage map. Before, the new program worked on the data of the old map,
or crashed the kernel if the old program had none.
""",
    affects="both",
    affected="""
* You are affected if you update programs through links, and each version has maps of its own. This
  is what libbpf does by default.
* If both programs use the same map, no change is needed since 5.9.
""",
    signs=(
        Sign("C", "bpf_link_update|bpf_link__update_program", "updates of links"),
        Sign("Go", "\\.Update\\(", "updates of links"),
        Sign("Rust", "update_prog\\(", "updates of links"),
    ),
    fix="""
Load the new program with the map of the old one. A new map with the same name is another map:
""",
    details="""
An attachment gets its storages when it is created. A link update (since 5.7) changes only the
program (``cgroup.c:__cgroup_bpf_replace``), so the helper returns the storage of the old map to the
new program.

The example shows both consequences. The new program computes 3 * 1 + 5 = 8 in the old map, and its
own map stays empty. If the old program used no map, the helper dereferences a NULL pointer at the
next packet. If the values of the new map are larger, the program reads and writes beyond the end of
the storage.

Commit :commit:`3f562c537e9e` ("bpf, cgroup: Fix storage null-ptr-deref after replacing prog")
compares the shared map and the per-CPU map of both programs. They must be the same, or both
programs must have none. It is in 7.3, 7.2.6, 6.18.52, 6.12.110 and 6.1.191. 5.10.262 and 5.15.215
do not have it. The record of CVE-2026-90250 (September 2026) names no release of 5.15 or 6.6.

On 5.7 and 5.8 a map belongs to one program, so no link update between two programs with storage is
safe. The attachment does not keep the map alive either. If the old program and the map are closed,
the storage belongs to a freed map, and what follows is undefined.
""",
    shown_by="user space",
    run=run,
    outcomes=(
        Outcome(None, {"link": "EINVAL"}, "kernels 4.19.108 and 5.4.59: no such command"),
        Outcome(
            changes.LINKS,
            {
                "link": "ok",
                "update to another map": "ok",
                "counts": 8,
                "others": "ENOENT",
                "update from no map": "ok",
                "packet": "undefined",
            },
            "kernels 5.8.18 to 6.12.107, the July 2020 proposal, which crashed in the last step",
            step="Links exist, and ``BPF_LINK_UPDATE`` accepts a program with any storage maps.",
        ),
        Outcome(
            changes.LINK_UPDATE_COMPARES_MAPS,
            {
                "link": "ok",
                "update to another map": "EINVAL",
                "counts": 4,
                "others": "ENOENT",
                "update from no map": "EINVAL",
                "packet": "ok",
            },
            "kernel 7.2.13; ``cgroup.c:cgroup_bpf_storages_compatible`` of 7.2.6",
        ),
    ),
    evidence=(
        Evidence(
            "link-update-other-map",
            same={5: "link", 9: "update to another map", 12: "counts", 13: "others"},
        ),
        Evidence("link-update-no-map-to-map", same={5: "update from no map", 7: "packet"}),
    ),
    unsafe=True,
    before="7.2",
    after="7.3",
    symptoms=(
        "EINVAL from BPF_LINK_UPDATE",
        "a crash of the kernel: NULL pointer dereference in bpf_get_local_storage",
        "the new program's map stays empty, and the old map continues to count",
    ),
    rules=("link-update.same-maps", "link-update.other-maps", "link-update.keep"),
    recipes=("replace_a_program",),
    explains=(
        Explains(changes.LINK_UPDATE_COMPARES_MAPS),
        Explains(
            changes.SHARED_STORAGE,
            ("close: undefined / ok", "link_*: undefined / ok"),
            after=("link_update",),
        ),
        Explains(changes.SHARED_STORAGE, ("link_update: undefined / ok",)),
    ),
)
