# SPDX-License-Identifier: GPL-2.0-only
"""Use a map for each attach type, so that counts cannot mix on any kernel."""

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
)

from ..story import Observe, Outcome, Promise, Recipe


def old(kernel: KernelInterface, observe: Observe) -> None:
    """Use one program and one map for both attach types."""
    both = _load(kernel, "both", "count")
    _count(kernel, observe, both, both)


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Use a map and a program for each attach type."""
    incoming, outgoing = _load(kernel, "in", "count_in"), _load(kernel, "out", "count_out")
    _count(kernel, observe, incoming, outgoing)


def _load(kernel: KernelInterface, name: str, prog_name: str) -> tuple[Any, Any]:
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name=name)
    return counts, kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name=prog_name)


def _count(
    kernel: KernelInterface, observe: Observe, incoming: tuple[Any, Any], outgoing: tuple[Any, Any]
) -> None:
    web = kernel.mkdir("web")
    kernel.prog_attach(web, incoming[1], BPF_CGROUP_INET_INGRESS, BPF_F_ALLOW_MULTI)
    kernel.prog_attach(web, outgoing[1], BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI)
    kernel.fire(web, BPF_CGROUP_INET_INGRESS)
    for _ in range(2):
        kernel.fire(web, BPF_CGROUP_INET_EGRESS)
    observe("in", lambda: kernel.map_lookup_elem(incoming[0], (web, BPF_CGROUP_INET_INGRESS)))
    observe("out", lambda: kernel.map_lookup_elem(outgoing[0], (web, BPF_CGROUP_INET_EGRESS)))


STORY = Recipe(
    title="Keep attach types apart",
    nav="Keep attach types apart",
    problem="""
One program with one map counts ingress and egress, and the two counts must not mix. The cover
letter of July 2020 announced that all attach types of a cgroup would share a storage.
""",
    when="""
* With the 16-byte key, no change is needed: every released kernel keeps attach types apart.
* Use it with the 8-byte key, which shares a storage between attach types.
* Use it for ``LSM_CGROUP`` programs: all their hooks have the attach type ``BPF_LSM_CGROUP``.
""",
    summary="""
Declare a map for each attach type, and a program for each map.
""",
    details="""
A storage belongs to its map, so the storages of two maps are separate on every release.

The announced change was never made for the 16-byte key. Since the fifth version of the series, only
the 8-byte key, new in 5.9, shares a storage between attach types. With ``struct
bpf_cgroup_storage_key``, each attach type keeps its own storage.
""",
    shown_by="neither",
    run=run,
    old=old,
    old_release="5.8",
    fails_on="proposal",
    outcomes=(
        Outcome(
            None,
            {"in": 1, "out": 2},
            "``local_storage.c``: a storage belongs to its map, all releases; for one map, trace "
            "order: after a packet to the cgroup, the egress entry holds 0 on kernels 4.19.108 to "
            "7.2.13 and 1 on the July 2020 proposal",
        ),
    ),
    promises=(
        Promise(
            "Packets in and packets out are counted apart",
            lambda seen: (seen["in"], seen["out"]) == (1, 2),
        ),
    ),
    pitfalls="""
* A program can use one shared map and one per-CPU map. With a second map of the same type, loading
  fails with ``EBUSY``. Two maps of one type therefore need two programs, or one program that is
  loaded twice.
* The 8-byte key contains no attach type, so a lookup in a single map cannot select one.
""",
    rules=("share.maps",),
)
