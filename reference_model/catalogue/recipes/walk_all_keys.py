# SPDX-License-Identifier: GPL-2.0-only
"""Iterate over the entries of a map, and skip the invalid trailing key."""

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
    """Use each key that get_next_key returns."""
    counts = _two_entries(kernel)

    def keys() -> Iterator[Any]:
        key = None
        while (key := _next(kernel, counts, key)) is not None:
            yield key

    observe("values", lambda: [kernel.map_lookup_elem(counts, key) for key in keys()])
    observe("keys", lambda: len(list(keys())))
    _end(kernel, observe, counts)


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Use a key only if a lookup finds it."""
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
            continue  # ENOENT: the entry was just removed, or the key is invalid
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
    title="Iterate over all keys on every release",
    nav="Iterate over all keys",
    problem="""
A reader calls ``bpf_map_get_next_key()`` until it fails with ``ENOENT``. Before 7.1, the last key
is followed by an invalid key, which contains bytes of kernel memory.
""",
    when="""
* Use it wherever you iterate over a map: it works on every release.
* If you know the cgroups, look up their keys instead.
* If every entry matters, iterate again until two iterations return the same keys.
""",
    summary="""
Look up each key before you use it. The lookup of the invalid trailing key fails with ``ENOENT``:
skip it, and continue until ``bpf_map_get_next_key()`` itself fails.
""",
    details="""
Before the fix, the kernel treated the head of its list as one more element. The fix is commit
:commit:`5828b9e5b272`, in 7.1 and in the stable releases 7.0.10, 6.18.33, 6.12.91, 6.6.141,
6.1.175, 5.15.209 and 5.10.258.

The iteration returns the newest storage first. Since 5.9, attaching a program again does not move
its entry.
""",
    shown_by="user space",
    run=run,
    old=old,
    old_release="latest",
    fails_on="5.9",
    outcomes=(
        Outcome(
            None,
            {**WHOLE, "after the last": "bogus key"},
            "kernels 4.19.108 to 5.10.223, traces next-key-end and next-key-end8; "
            "``local_storage.c:cgroup_storage_get_next_key``; the July 2020 proposal also leaves "
            "the attach type in its keys uninitialised, which does not affect the iteration",
        ),
        Outcome(
            changes.NEXT_KEY_END,
            {**WHOLE, "after the last": "ENOENT"},
            "kernels 6.1.176, 6.12.107 and 7.2.13, traces next-key-end and next-key-end8",
        ),
    ),
    promises=(
        Promise(
            "The iteration returns each entry once and nothing else",
            lambda seen: seen["values"] == [1, 2] and seen["keys"] == 2,
        ),
    ),
    pitfalls="""
* Never print or log a key that was not found: it may contain a kernel address.
* If the current entry is removed while you iterate, the iteration ends early, because an unknown
  key fails with ``ENOENT``. A hash map would restart at its first key. An entry is removed with its
  cgroup, and before 5.9 when its program is detached.
* An entry that is created during the iteration is placed before those that you have seen, and is
  missed.
* These maps have no batch commands and no BPF iterator. ``bpftool map dump`` iterates in the same
  way, and shows ``<no entry>`` for the invalid key.
""",
    rules=("next-key.order", "next-key.end", "next-key.bogus"),
)
