# SPDX-License-Identifier: GPL-2.0-only
"""Ask for the 8-byte key, and fall back to the 16-byte one where the kernel refuses."""

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
    Type,
    changes,
)

from ..story import Evidence, Observe, Outcome, Promise, Recipe
from .walk_all_keys import entries


def old(kernel: KernelInterface, observe: Observe) -> None:
    """The 8-byte key or nothing."""
    counts = observe("8-byte key", lambda: _map(kernel, U64))
    if counts is not None:
        _count(kernel, observe, counts)


def run(kernel: KernelInterface, observe: Observe) -> None:
    """The 8-byte key or the 16-byte key, and a reader that adds up what there is."""
    counts = observe("8-byte key", lambda: _map(kernel, U64))
    if counts is None:
        counts = _map(kernel, STORAGE_KEY)
    _count(kernel, observe, counts)


def _map(kernel: KernelInterface, key: Type) -> Any:
    return kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, key, U64, map_name="counts")


def _count(kernel: KernelInterface, observe: Observe, counts: Any) -> None:
    web = kernel.mkdir("web")
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")
    for attach_type in (BPF_CGROUP_INET_INGRESS, BPF_CGROUP_INET_EGRESS):
        kernel.prog_attach(web, count, attach_type, BPF_F_ALLOW_MULTI)
    kernel.fire(web, BPF_CGROUP_INET_INGRESS)
    for _ in range(2):
        kernel.fire(web, BPF_CGROUP_INET_EGRESS)
    observe("entries", lambda: len(list(entries(kernel, counts))))
    observe("packets", lambda: sum(_of(web, entries(kernel, counts))))


def _of(cgroup: Any, found: Any) -> list[int]:
    """The values of one cgroup, whichever form the keys have."""
    return [value for key, value in found if cgroup.id == (key if isinstance(key, int) else key[0])]


STORY = Recipe(
    title="One object for old and new kernels: probe, then fall back",
    problem="""
A program counts the packets of a cgroup in both directions, and declares the 8-byte key so that
both attach types share a storage. On kernels before 5.9 the map cannot be created: ``EINVAL``.
""",
    summary="""
Try the 8-byte key. If that is ``EINVAL``, create the map with the 16-byte key. The BPF program is
the same for both: it never sees the key. Only the reader differs, and one that adds up all entries
of the cgroup does for both.
""",
    details="""
With libbpf: create a small map with bpf_map_create() to probe, and call bpf_map__set_key_size(map,
16) before loading where the probe failed. Declare the map by sizes (``__uint(key_size, 8)``), or
without BTF for the key: a BTF key of 8 bytes does not go with a key size of 16.

Probing is better than looking at the release number, because distributions carry backports. Other
things that old kernels refuse at creation: the per-CPU type (before 4.20), any BTF (before 5.0,
error 524), a ``bpf_spin_lock`` (before 5.1), ``BPF_F_RDONLY_PROG`` and ``BPF_F_WRONLY_PROG``
(before 5.2), and values larger than one page (before 5.15, ``E2BIG``).
""",
    run=run,
    old=old,
    old_release="5.9",
    fails_on="5.8",
    outcomes=(
        Outcome(
            None,
            {"8-byte key": "EINVAL", "entries": 2, "packets": 3},
            "kernels 4.19.108, 5.4.59 and 5.8.18; local_storage.c:cgroup_storage_map_alloc",
        ),
        Outcome(
            changes.ATTACH_TYPE_IGNORED,
            {"8-byte key": "EINVAL", "entries": 1, "packets": 3},
            "the recorded proposal: no 8-byte key, and the 16-byte key shares, trace order",
        ),
        Outcome(
            changes.KEY_IS_CGROUP_ID,
            {"8-byte key": "ok", "entries": 1, "packets": 3},
            "kernels 5.9.1 and later, trace shared-key8-across-types",
        ),
    ),
    evidence=(
        Evidence("next-key-end8", same={1: "8-byte key"}),
        Evidence("btf-key-shapes", same={8: "8-byte key"}),
    ),
    promises=(
        Promise(
            "The sum over a cgroup's entries counts every packet once",
            lambda seen: seen.get("packets") == 3,
        ),
    ),
    pitfalls="""
* Do not add up one lookup for each attach type without knowing the key: with the 8-byte key both
  lookups find the same entry, and you count it twice.
* The fallback shares nothing. It does for numbers that can be added. One configuration for several
  programs has :story:`a recipe of its own <share_configuration>`.
* ``EINVAL`` has many reasons here: ``max_entries`` other than 0, an unknown flag, a wrong BTF
  shape. Probe with a map that differs from a working one in its key size only.
* Up to 5.8 a map serves one program. Two programs (not one on two attach types) need two maps
  there.
""",
    rules=("create.key-id", "share.attach-types-id", "share.own"),
)
