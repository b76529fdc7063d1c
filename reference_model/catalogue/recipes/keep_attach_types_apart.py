# SPDX-License-Identifier: GPL-2.0-only
"""One map for each attach type: they cannot mix, whatever the kernel compares."""

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
    """One program and one map for both attach types."""
    both = _load(kernel, "both", "count")
    _count(kernel, observe, both, both)


def run(kernel: KernelInterface, observe: Observe) -> None:
    """A map, and a program with it, for each attach type."""
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
    title="Keep attach types apart with a map for each",
    problem="""
Ingress and egress are counted apart, by one program with one map that is attached to both. The
cover letter of July 2020 warned that this would end: all attach types of a cgroup would share a
storage.
""",
    summary="""
With the 16-byte key nothing has to be done: every released kernel keeps attach types apart. Only
the series as first posted shared them. Where you want the 8-byte key for other reasons, or want to
be sure without looking at the key, use one map for each attach type.
""",
    details="""
The warning never came true for the 16-byte key. In its fifth version the series made sharing a
matter of the key's size: struct bpf_cgroup_storage_key keeps attach types apart, as before, and
only the 8-byte key, new in 5.9, shares a storage between them.

Two maps are apart because a storage belongs to its map, on every release. Of one map the trace
"order" tells: the program is attached to both, one packet comes in, and the egress entry holds 0 on
every released kernel that was asked, and 1 on the proposal.
""",
    run=run,
    old=old,
    old_release="5.8",
    fails_on="proposal",
    outcomes=(
        Outcome(
            None,
            {"in": 1, "out": 2},
            "local_storage.c: a storage belongs to its map, all releases; of one map, kernels "
            "4.19.108 to 7.2.13 and the proposal",
        ),
    ),
    promises=(
        Promise(
            "Packets in and packets out are counted apart",
            lambda seen: (seen["in"], seen["out"]) == (1, 2),
        ),
    ),
    pitfalls="""
* A program may use one shared map and one per-CPU map. A second map of a kind is ``EBUSY``, so two
  maps need two programs, or one program loaded twice.
* For ``LSM_CGROUP`` programs the 16-byte key does *not* tell hooks apart: all of them have the
  attach type ``BPF_LSM_CGROUP``. There a map for each hook is the only way.
* With the 8-byte key there is no attach type in the key, and nothing to look up apart.
""",
    rules=("share.maps",),
)
