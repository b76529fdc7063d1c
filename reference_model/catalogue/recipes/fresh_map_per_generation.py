# SPDX-License-Identifier: GPL-2.0-only
"""A new map for each generation: it begins empty, and nothing is written over."""

from __future__ import annotations

from typing import Any

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

from ..story import Evidence, Observe, Outcome, Promise, Recipe

SECOND = {"second starts at": 0, "second generation": 1}


def old(kernel: KernelInterface, observe: Observe) -> None:
    """Begin a new generation by replacing the program by itself."""
    _generations(kernel, observe, fresh=False)


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Begin a new generation with a new map and a program for it."""
    _generations(kernel, observe, fresh=True)


def _generations(kernel: KernelInterface, observe: Observe, *, fresh: bool) -> None:
    web = kernel.mkdir("web")
    key = (web, BPF_CGROUP_INET_EGRESS)

    def load(number: int) -> tuple[Any, Any]:
        counts = kernel.map_create(
            BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name=f"counts{number}"
        )
        return counts, kernel.prog_load(
            BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name=f"count{number}"
        )

    first, count = load(1)
    kernel.prog_attach(web, count, BPF_CGROUP_INET_EGRESS)
    for _ in range(2):
        kernel.fire(web, BPF_CGROUP_INET_EGRESS)
    observe("first generation", lambda: kernel.map_lookup_elem(first, key))

    second, successor = load(2) if fresh else (first, count)
    kernel.prog_attach(web, successor, BPF_CGROUP_INET_EGRESS)  # in the place of the first
    observe("second starts at", lambda: kernel.map_lookup_elem(second, key))
    kernel.fire(web, BPF_CGROUP_INET_EGRESS)
    observe("second generation", lambda: kernel.map_lookup_elem(second, key))
    observe("first map later", lambda: kernel.map_lookup_elem(first, key))
    if fresh:
        kernel.close(count)
        kernel.close(first)


STORY = Recipe(
    title="Begin each generation with a fresh map",
    problem="""
Each measurement, or each version of a program, should begin with empty storages. Replacing the
program by itself did that up to 5.8. From 5.9 on it keeps the data. Writing zeros would lose the
packets of a short race.
""",
    summary="""
Create a new map, load the program for it, and attach that in the place of the old one. A new map is
empty on every release. The switch is one step, so each packet is counted in one generation and none
in both.
""",
    details="""
An attach with flags 0 or ``BPF_F_ALLOW_OVERRIDE`` replaces the program that is there. On a hook
with ``BPF_F_ALLOW_MULTI`` use ``BPF_F_REPLACE`` and the old program's descriptor, from 5.6 on.

From 5.9 on the old map keeps its last values until you close it, so you can read them after the
switch, when they no longer change. Closing the map and its program frees the storages. Up to 5.8
the old storage goes with the switch: read it before, and miss what passes in between.
""",
    run=run,
    old=old,
    old_release="5.8",
    outcomes=(
        Outcome(
            None,
            {"first generation": 2, **SECOND, "first map later": "ENOENT"},
            "kernels 4.19.108, 5.4.59 and 5.8.18; cgroup.c:__cgroup_bpf_attach",
        ),
        Outcome(
            changes.SHARED_STORAGE,
            {"first generation": 2, **SECOND, "first map later": 2},
            "kernels 5.9.1 and later; cgroup.c:bpf_cgroup_storages_alloc",
        ),
    ),
    evidence=(Evidence("s1-0481", same={31: "second starts at"}, zero={25: "first map later"}),),
    promises=(
        Promise("A generation starts at zero", lambda seen: seen["second starts at"] == 0),
        Promise(
            "A generation counts its own packets and no others",
            lambda seen: seen["second generation"] == 1,
        ),
    ),
    pitfalls="""
* ``BPF_LINK_UPDATE`` is no way to switch. It leaves the storage as it is, so the new program would
  work on the old map's storage or crash the kernel; new kernels refuse it with ``EINVAL``. Make a
  new link and close the old one; between the two both count, each in its own map.
* Whoever reads the map by its id or its pin must learn of the new one.
* A program that still runs elsewhere, or is attached elsewhere, keeps the old map alive.
* Up to 5.10 each map and each storage counts against ``RLIMIT_MEMLOCK``. During the switch you need
  room for two: the attach fails with ``ENOMEM`` otherwise, and the old program stays.
""",
    rules=("attach.create", "share.maps", "lifetime.detach", "lifetime.attachment"),
)
