# SPDX-License-Identifier: GPL-2.0-only
"""Put a new program in the place of the old one, with its data or without."""

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
    """Load the new version with the old map, and give up where that fails."""
    _replace(kernel, observe, fall_back=False)


def run(kernel: KernelInterface, observe: Observe) -> None:
    """The same; where the map is taken, carry the value to a map of its own."""
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
    title="Replace a program, with its data or without",
    problem="""
A new version of a program should take over on a hook without a gap, and its data should either go
on or begin anew. What happens to the data depends on the release, and up to 5.8 the new version
cannot even be loaded while the old one holds the map.
""",
    summary="""
To keep the data, load the new version with the *same map* and replace. To begin anew, load it with
a *new map*. Where the kernel says ``EBUSY`` (up to 5.8), keeping means a new map too, and writing
the old value into it right after the switch.
""",
    details="""
From 5.9 on the attachment looks up its storage by the map and the key, so the map decides. Up to
5.8 each attach makes a zeroed storage, and a map belongs to one program.

How to replace without a gap: with flags 0 or ``BPF_F_ALLOW_OVERRIDE`` attach again with the same
flags, on every release. With ``BPF_F_ALLOW_MULTI`` add ``BPF_F_REPLACE`` and the old program's
descriptor, from 5.6 on; without that flag the new program is appended, and both count. With links
use ``BPF_LINK_UPDATE``, from 5.7 on, but only between programs that use the same maps.
""",
    run=run,
    old=old,
    old_release="latest",
    fails_on="5.8",
    outcomes=(
        Outcome(
            None,
            {"same map": "EBUSY", **REPLACED},
            "kernels 4.19.108, 5.4.59 and 5.8.18, trace legacy-map-released-by-unload; "
            "local_storage.c:bpf_cgroup_storage_assign",
        ),
        Outcome(
            changes.SHARED_STORAGE,
            {"same map": "ok", **REPLACED},
            "kernels 5.9.1 and later, traces legacy-map-released-by-unload and override-replace; "
            "cgroup.c:bpf_cgroup_storages_alloc",
        ),
    ),
    evidence=(
        Evidence("legacy-map-released-by-unload", same={3: "same map"}),
        Evidence("s1-0467", zero={24: "kept"}),
        Evidence("s1-0481", same={31: "fresh"}),
    ),
    promises=(
        Promise(
            "Data goes on where it should and starts at zero where it should",
            lambda seen: (seen.get("kept"), seen.get("fresh")) == (2, 0),
        ),
    ),
    pitfalls="""
* The fallback has a race: packets between reading the old value and writing it to the new map are
  not in the sum. Up to 5.8 there is no way without it.
* ``BPF_LINK_UPDATE`` never looks at storages. Between programs with different maps it runs the new
  program on the old one's storage, or oopses; from 7.3 on (and 6.1.191, 6.12.110, 7.2.6) it is
  ``EINVAL``.
* Replacing a program by itself zeroed its data up to 5.8 and does nothing to it since.
* A hook that has 64 programs refuses ``BPF_F_REPLACE`` as well: ``E2BIG``.
* In a map with a new value layout the old data cannot go on. Use a new map and convert.
""",
    rules=("load.exclusive", "load.shared", "replace.keep", "share.maps"),
)
