# SPDX-License-Identifier: GPL-2.0-only
"""Start each measurement with a new map: it is empty, and nothing is overwritten."""

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
    """Start a new measurement by replacing the program with itself."""
    _generations(kernel, observe, fresh=False)


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Start a new measurement with a new map and a program for it."""
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
    title="Start each measurement with a new map",
    nav="Start with a new map",
    problem="""
Each measurement should start at zero and count every packet. Since 5.9, attaching a program again
keeps its data, and writing zeros loses the packets of a short race.
""",
    when="""
* Use it if every packet must be counted in exactly one measurement.
* If a few packets do not matter, :story:`write zeros <zero_explicitly>`: this needs no second map.
* If you only need differences, :story:`subtract a baseline <subtract_a_baseline>`.
""",
    summary="""
Load the object again, which creates a new, empty map. Then attach its program in the place of the
old one. The switch is one step, so each packet is counted in one map only.
""",
    details="""
Attaching with flags 0 or ``BPF_F_ALLOW_OVERRIDE`` replaces the program that is attached. On a hook
with ``BPF_F_ALLOW_MULTI``, pass ``BPF_F_REPLACE`` and the descriptor of the old program (since
5.6).

Since 5.9, the old map keeps its last values until you close it. You can read them after the switch,
when they no longer change. Closing the map and its program frees the storages. Before 5.9,
the switch freed the old storage. There you have to read it before the switch, and you miss the
packets in between.
""",
    shown_by="user space",
    run=run,
    old=old,
    old_release="5.8",
    outcomes=(
        Outcome(
            None,
            {"first generation": 2, **SECOND, "first map later": "ENOENT"},
            "kernels 4.19.108, 5.4.59 and 5.8.18; ``cgroup.c:__cgroup_bpf_attach``",
        ),
        Outcome(
            changes.SHARED_STORAGE,
            {"first generation": 2, **SECOND, "first map later": 2},
            "kernels 5.9.1 and later; ``cgroup.c:bpf_cgroup_storages_alloc``",
        ),
    ),
    evidence=(Evidence("s1-0481", same={31: "second starts at"}, zero={25: "first map later"}),),
    promises=(
        Promise("A measurement starts at zero", lambda seen: seen["second starts at"] == 0),
        Promise(
            "A measurement counts its own packets and no others",
            lambda seen: seen["second generation"] == 1,
        ),
    ),
    pitfalls="""
* Do not switch with ``BPF_LINK_UPDATE``. It keeps the storages of the old program, so the new one
  would use the storage of the old map, or crash the kernel. Newer kernels reject it with
  ``EINVAL``. Create a new link instead, and then close the old one. For a moment both programs
  count, each in its own map.
* Readers that open the map by its id or its pin must open the new map.
* A program that still runs, or that is attached elsewhere, keeps the old map alive.
* Before 5.11, each map and each storage counts against ``RLIMIT_MEMLOCK``. The switch needs memory
  for two of each. Without it, attaching fails with ``ENOMEM``, and the old program stays attached.
""",
    rules=("attach.create", "share.maps", "lifetime.detach", "lifetime.attachment"),
)
