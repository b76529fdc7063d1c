# SPDX-License-Identifier: GPL-2.0-only
"""Replace a program with another: before 5.9 the old map lost its entry, since 5.9 it remains."""

from __future__ import annotations

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
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
    """Replace a program with one that has another map, go back, and use the same map."""
    web = kernel.mkdir("web")
    old, new = (
        kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name=name)
        for name in ("old_counts", "new_counts")
    )
    first = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(old), prog_name="first")
    second = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(new), prog_name="second")
    egress = BPF_CGROUP_INET_EGRESS

    kernel.prog_attach(web, first, egress)
    kernel.fire(web, egress)
    kernel.fire(web, egress)
    kernel.prog_attach(web, second, egress)
    kernel.fire(web, egress)
    observe("old entry", lambda: kernel.map_lookup_elem(old, (web, egress)))
    observe("new entry", lambda: kernel.map_lookup_elem(new, (web, egress)))

    kernel.prog_attach(web, first, egress)
    observe("after going back", lambda: kernel.map_lookup_elem(old, (web, egress)))

    third = observe(
        "load a successor",
        lambda: kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(old, 10), prog_name="third"),
    )
    if third is not None:
        kernel.prog_attach(web, third, egress)
        kernel.fire(web, egress)
        observe("after the successor", lambda: kernel.map_lookup_elem(old, (web, egress)))


STORY = BreakingChange(
    title="Replacing a program keeps the entry of the old one",
    nav="Replaced program keeps entry",
    summary="""
Since Linux 5.9 the entry of a replaced program remains. A program that uses the same map continues
with the old value, and so does the first program when it is attached again. Before 5.9 the entry
was freed with the replaced program.
""",
    affects="both",
    affected="""
* You are affected if you update programs in place with the same map, and expect zeros.
* You are affected if you wait for ``ENOENT`` in the old map to detect the switch.
* If the new program has a new map, it starts with zeros on every release.
""",
    signs=(
        Sign(
            "C",
            "BPF_F_REPLACE|bpf_map__reuse_fd|bpf_obj_get|bpf_prog_attach",
            "programs that are replaced",
        ),
        Sign("Go", "ReplaceProgram|MapReplacements|PinByName", "programs that are replaced"),
        Sign("Rust", "reuse_pinned_map|reuse_fd|set_pin_path", "programs that get a map again"),
        Sign("shell", "bpftool cgroup attach|pinmaps", "programs that are replaced"),
    ),
    fix="""
Write zeros after replacing the program:
""",
    details="""
Before 5.9, a map was bound to one program: loading another program with it fails with ``EBUSY``.
The successor therefore always had its own map, and its values started at zero. The old storage
belonged to the attachment, and was freed when the program was replaced
(``cgroup.c:__cgroup_bpf_attach`` of 5.8).

Since 5.9 (commit :commit:`7d9c3427894f`) the kernel looks up the key in the map of the successor.
If the successor uses the old map, it gets the old storage. If it has its own map, it gets a new
storage there. The old storage then remains unused in the old map, as long as that map and the
cgroup exist. If the first program is attached again, it continues with its old value.

With a new map for each version of a program you get the old behaviour: each version starts with
zeros.
""",
    shown_by="user space",
    run=run,
    outcomes=(
        Outcome(
            None,
            {
                "old entry": "ENOENT",
                "new entry": 1,
                "after going back": 0,
                "load a successor": "EBUSY",
            },
            "kernels 4.19.108, 5.4.59 and 5.8.18; ``cgroup.c:__cgroup_bpf_attach`` of 4.19, 5.4, "
            "5.8",
        ),
        Outcome(
            changes.SHARED_STORAGE,
            {
                "old entry": 2,
                "new entry": 1,
                "after going back": 2,
                "load a successor": "ok",
                "after the successor": 12,
            },
            "kernels 5.9.1 to 7.2.13, the July 2020 proposal; "
            "``cgroup.c:bpf_cgroup_storages_alloc``",
        ),
    ),
    evidence=(
        Evidence("hierarchy", there={19: "old entry"}),
        Evidence("s1-0007", there={37: "old entry"}),
        Evidence("legacy-attached-keeps-map", same={5: "load a successor"}),
    ),
    before="5.8",
    after="5.9",
    symptoms=(
        "a new version of the program starts with the old numbers",
        "entries of an old program are still in the map",
    ),
    rules=("replace.keep", "replace.reset", "share.maps"),
    recipes=("replace_a_program", "fresh_map_per_generation"),
    explains=(
        Explains(
            changes.SHARED_STORAGE,
            ("map_lookup: ENOENT / value", "map_update: *", "map_keys: *", "map_next_key: *"),
            unless=("prog_detach", "link_detach", "close"),
        ),
    ),
)
