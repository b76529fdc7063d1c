# SPDX-License-Identifier: GPL-2.0-only
"""Walk the entries of a map, and do not stumble over the key that is none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_ALLOW_MULTI,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    STORAGE_KEY,
    U64,
    Add,
    BpfError,
    KernelInterface,
    changes,
)

from ..story import Observe, Outcome, Promise, Recipe

WHOLE = {"values": [1, 2], "keys": 2}


def old(kernel: KernelInterface, observe: Observe) -> None:
    """Take each key that get_next_key delivers for a key of the map."""
    counts = _two_entries(kernel)

    def keys() -> Iterator[Any]:
        key = None
        while (key := _next(kernel, counts, key)) is not None:
            yield key

    observe("values", lambda: [kernel.map_lookup_elem(counts, key) for key in keys()])
    observe("keys", lambda: len(list(keys())))
    _end(kernel, observe, counts)


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Take a key for one when a lookup finds it."""
    counts = _two_entries(kernel)
    observe("values", lambda: [value for _, value in entries(kernel, counts)])
    observe("keys", lambda: len(list(entries(kernel, counts))))
    _end(kernel, observe, counts)


def entries(kernel: KernelInterface, found: Any) -> Iterator[tuple[Any, Any]]:
    """Each key of the map with its value, newest first; safe on every release."""
    key = None
    while (key := _next(kernel, found, key)) is not None:
        try:
            value = kernel.map_lookup_elem(found, key)
        except BpfError:
            continue  # ENOENT: it went just now, or it never was a key
        yield key, value


def _next(kernel: KernelInterface, found: Any, key: Any) -> Any:
    """The next key, or None at the end."""
    try:
        return kernel.map_get_next_key(found, key)
    except BpfError:
        return None


def _two_entries(kernel: KernelInterface) -> Any:
    web, db = kernel.mkdir("web"), kernel.mkdir("db")
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")
    for cgroup in (web, db):
        kernel.prog_attach(cgroup, count, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI)
    for cgroup in (web, web, db):
        kernel.fire(cgroup, BPF_CGROUP_INET_EGRESS)
    return counts


def _end(kernel: KernelInterface, observe: Observe, counts: Any) -> None:
    oldest = kernel.map_get_next_key(counts, kernel.map_get_next_key(counts))
    observe("after the last", lambda: kernel.map_get_next_key(counts, oldest))


STORY = Recipe(
    title="Walk all keys safely on every release",
    problem="""
A reader walks the map with bpf_map_get_next_key() until ``ENOENT``. Before 7.1 the last key is
followed by one more that is none: bytes of the map's own bookkeeping, a kernel address among them.
A reader that trusts it prints garbage or stops with an error.
""",
    summary="""
Look each key up before you believe in it. The key that is none is never found. Go on until
get_next_key itself says ``ENOENT``, and take ``ENOENT`` from a lookup for "not an entry". If an
entry is removed while you iterate, the iteration can end early; where every entry matters, iterate
again until two iterations agree.
""",
    details="""
The kernel took the head of its list for one more element (commit :commit:`5828b9e5b272`, in 7.1 and
in the stable releases 7.0.10, 6.18.33, 6.12.91, 6.6.141, 6.1.175, 5.15.215 (or earlier) and
5.10.258). The walk goes from the newest storage to the oldest. From 5.9 on, detaching and attaching
again does not move an entry.

The proposal leaves the attach type in its keys uninitialised; this walk does not mind.
""",
    run=run,
    old=old,
    old_release="latest",
    fails_on="5.9",
    outcomes=(
        Outcome(
            None,
            {**WHOLE, "after the last": "bogus key"},
            "kernels 4.19.108 to 5.10.223, traces next-key-end and next-key-end8; "
            "local_storage.c:cgroup_storage_get_next_key",
        ),
        Outcome(
            changes.NEXT_KEY_END,
            {**WHOLE, "after the last": "ENOENT"},
            "kernels 6.1.176, 6.12.107 and 7.2.13, traces next-key-end and next-key-end8",
        ),
    ),
    promises=(
        Promise(
            "The walk sees each entry once and nothing else",
            lambda seen: seen["values"] == [1, 2] and seen["keys"] == 2,
        ),
    ),
    pitfalls="""
* Never print or log a key that was not found: it may hold a kernel address.
* An unknown key ends the walk with ``ENOENT``. A hash map would start again from the first key. So
  when the entry that you stand on goes, because its cgroup is removed or (up to 5.8) its program
  detached, the walk ends early. If every entry matters, walk again until two walks agree.
* An entry that is made during the walk is put before the ones you have seen, and is missed.
* There are no batch commands and no BPF iterator for these maps. ``bpftool map dump`` walks in the
  same way and shows ``<no entry>`` for the key that is none.
""",
    rules=("next-key.order", "next-key.end", "next-key.bogus"),
)
