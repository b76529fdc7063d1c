# SPDX-License-Identifier: GPL-2.0-only
"""Replace a program without a gap, and keep or reset its data."""

from __future__ import annotations

from typing import Any

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_EXIST,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    STORAGE_KEY,
    U64,
    Add,
    KernelInterface,
    changes,
)

from ..story import Evidence, Observe, Outcome, Promise, Recipe

REPLACED = {"kept": 2, "goes on at": 3, "fresh": 0}


def old(kernel: KernelInterface, observe: Observe) -> None:
    """Load the new version with the old map, and give up if loading fails."""
    _replace(kernel, observe, fall_back=False)


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Load the new version with the old map; if loading fails, copy the value to a new map."""
    _replace(kernel, observe, fall_back=True)


def _replace(kernel: KernelInterface, observe: Observe, *, fall_back: bool) -> None:
    web = kernel.mkdir("web")
    key = (web, BPF_CGROUP_INET_EGRESS)

    def load(counts: Any, name: str) -> Any:
        return kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name=name)

    counts = _map(kernel, "counts")
    kernel.prog_attach(web, load(counts, "v1"), BPF_CGROUP_INET_EGRESS)
    for _ in range(2):
        kernel.fire(web, BPF_CGROUP_INET_EGRESS)

    # with its data
    v2 = observe("same map", lambda: load(counts, "v2"))
    if v2 is not None:
        kernel.prog_attach(web, v2, BPF_CGROUP_INET_EGRESS)
    elif fall_back:
        value, counts = kernel.map_lookup_elem(counts, key), _map(kernel, "counts2")
        kernel.prog_attach(web, load(counts, "v2"), BPF_CGROUP_INET_EGRESS)
        kernel.map_update_elem(counts, key, value, BPF_EXIST)
    else:
        return
    observe("kept", lambda: kernel.map_lookup_elem(counts, key))
    kernel.fire(web, BPF_CGROUP_INET_EGRESS)
    observe("goes on at", lambda: kernel.map_lookup_elem(counts, key))

    # without
    fresh = _map(kernel, "fresh")
    kernel.prog_attach(web, load(fresh, "v3"), BPF_CGROUP_INET_EGRESS)
    observe("fresh", lambda: kernel.map_lookup_elem(fresh, key))


def _map(kernel: KernelInterface, name: str) -> Any:
    return kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name=name)


STORY = Recipe(
    title="Replace a program, with or without its data",
    nav="Replace a program",
    problem="""
A new version of a program should replace the old one without a gap, and either keep or reset its
data. Before 5.9, the new version cannot be loaded while the old one uses the map.
""",
    when="""
* Use it if the hook must not be without a program, even for a moment.
* Before 5.9, keeping the data loses the packets between reading the old value and writing it.
* If the new version has another value layout, use a new map, and convert the old values.
""",
    summary="""
To keep the data, load the new version with the *same map*. To reset it, load the new version with a
*new map*. If loading fails with ``EBUSY`` (before 5.9), copy the old value to a new map.
""",
    details="""
Since 5.9, an attachment finds its storage by the map and the key, so the choice of the map decides.
Before 5.9, attaching always created a zeroed storage, and a map belonged to one program.

There are three ways to replace a program without a gap:

* On a hook with flags 0 or ``BPF_F_ALLOW_OVERRIDE``, attach again with the same flags. This works
  on every release.
* With ``BPF_F_ALLOW_MULTI``, add ``BPF_F_REPLACE`` and the descriptor of the old program (since
  5.6). Without that flag, the kernel appends the new program, and both count.
* With links, use ``BPF_LINK_UPDATE`` (since 5.7), but only between programs that use the same maps.
""",
    shown_by="user space",
    run=run,
    old=old,
    old_release="latest",
    fails_on="5.8",
    outcomes=(
        Outcome(
            None,
            {"same map": "EBUSY", **REPLACED},
            "kernels 4.19.108, 5.4.59 and 5.8.18, trace legacy-map-released-by-unload; "
            "``local_storage.c:bpf_cgroup_storage_assign``",
        ),
        Outcome(
            changes.SHARED_STORAGE,
            {"same map": "ok", **REPLACED},
            "kernels 5.9.1 and later, traces legacy-map-released-by-unload and override-replace; "
            "``cgroup.c:bpf_cgroup_storages_alloc``",
        ),
    ),
    evidence=(
        Evidence("legacy-map-released-by-unload", same={3: "same map"}),
        Evidence("s1-0467", zero={24: "kept"}),
        Evidence("s1-0481", same={31: "fresh"}),
    ),
    promises=(
        Promise(
            "The value is kept with the same map, and starts at zero with a new map",
            lambda seen: (seen.get("kept"), seen.get("fresh")) == (2, 0),
        ),
    ),
    pitfalls="""
* ``BPF_LINK_UPDATE`` keeps the storages of the link. If the programs use different maps, the new
  program uses the storage of the old one, or the kernel crashes. Since 7.3 (and 6.1.191, 6.12.110,
  6.18.52 and 7.2.6) this fails with ``EINVAL``.
* Replacing a program with itself resets its data only before 5.9.
* On a hook with 64 programs, ``BPF_F_REPLACE`` fails with ``E2BIG``.
""",
    rules=("load.exclusive", "load.shared", "replace.keep", "share.maps"),
)
