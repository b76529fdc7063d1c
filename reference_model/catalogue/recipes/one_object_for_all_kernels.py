# SPDX-License-Identifier: GPL-2.0-only
"""Try the 8-byte key, and fall back to the 16-byte key where the kernel rejects it."""

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
    """Use the 8-byte key, and give up without it."""
    counts = observe("8-byte key", lambda: _map(kernel, U64))
    if counts is not None:
        _count(kernel, observe, counts)


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Use the 8-byte key or else the 16-byte key, and add up all entries of the cgroup."""
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
    title="Support old and new kernels with one object",
    nav="Support old and new kernels",
    problem="""
A program counts packets in both directions, and declares the 8-byte key so that both attach types
share a storage. Before 5.9, creating that map fails with ``EINVAL``.
""",
    when="""
* Use it if your program must also run before 5.9, and its values can be added.
* If programs share a configuration instead, see :story:`share_configuration`.
* If nothing is shared, use the 16-byte key: it works on every release.
""",
    summary="""
Try the 8-byte key, and fall back to the 16-byte key. The BPF program is the same for both. To read,
add up all entries of the cgroup, which works with both keys.
""",
    details="""
The BPF program never sees the key, so only user space differs. Declare the map by sizes
(``__uint(key_size, 8)``) or without BTF for the key. With an 8-byte BTF key, the kernel rejects a
key size of 16. The code sets the size before the object is loaded.

Probing is better than comparing release numbers, because distributions backport features. Older
kernels also reject these when a map is created:

* the per-CPU type, before 4.20;
* BTF, before 5.0, with errno 524;
* a ``bpf_spin_lock``, before 5.1;
* ``BPF_F_RDONLY_PROG`` and ``BPF_F_WRONLY_PROG``, before 5.2;
* values larger than one page, before 5.15, with ``E2BIG``.
""",
    shown_by="object",
    run=run,
    old=old,
    old_release="5.9",
    fails_on="5.8",
    outcomes=(
        Outcome(
            None,
            {"8-byte key": "EINVAL", "entries": 2, "packets": 3},
            "kernels 4.19.108, 5.4.59 and 5.8.18; ``local_storage.c:cgroup_storage_map_alloc``",
        ),
        Outcome(
            changes.ATTACH_TYPE_IGNORED,
            {"8-byte key": "EINVAL", "entries": 1, "packets": 3},
            "the July 2020 proposal: no 8-byte key, and the 16-byte key shares, trace order",
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
* Do not look up one key for each attach type and add the values. With the 8-byte key both lookups
  find the same entry, so you would count it twice.
* With the fallback, attach types do not share. That is enough for numbers that can be added.
* ``EINVAL`` has many causes here: ``max_entries`` other than 0, an unknown flag, an invalid BTF
  key. Probe with a map that differs from a working one in its key size only.
* Before 5.9, only one program can use a map. One program on two attach types is fine, but two
  programs need two maps there.
""",
    rules=("create.key-id", "share.attach-types-id", "share.own"),
)
