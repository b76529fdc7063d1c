# SPDX-License-Identifier: GPL-2.0-only
"""After the last key: one invalid key before 7.1, ENOENT since."""

from __future__ import annotations

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_ALLOW_MULTI,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    STORAGE_KEY,
    U64,
    Add,
    KernelInterface,
    changes,
)

from ..story import BreakingChange, Evidence, Explains, Observe, Outcome, Sign


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Attach to two cgroups and iterate over the keys: first, second, and beyond."""
    web, db = kernel.mkdir("web"), kernel.mkdir("db")
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")
    for cgroup in (web, db):
        kernel.prog_attach(cgroup, count, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI)
        kernel.fire(cgroup, BPF_CGROUP_INET_EGRESS)

    first = kernel.map_get_next_key(counts)
    second = kernel.map_get_next_key(counts, first)
    observe("first key is that of db", lambda: int(first[0] == db.id))
    observe("second key is that of web", lambda: int(second[0] == web.id))
    beyond = observe("after the last key", lambda: kernel.map_get_next_key(counts, second))
    if beyond is not None:
        observe("its value", lambda: kernel.map_lookup_elem(counts, beyond))
        observe("the key after it", lambda: kernel.map_get_next_key(counts, beyond))


STORY = BreakingChange(
    title="Iterating over keys ends with the last key",
    nav="No key after the last",
    summary="""
Since Linux 7.1, and on stable kernels with the fix, ``BPF_MAP_GET_NEXT_KEY`` fails with ``ENOENT``
after the last key. Before, it returned one more key first: an invalid trailing key that no lookup
finds.
""",
    affects="both",
    affected="""
* You are affected if your loop treats a failed lookup as a fatal error.
* You are affected if your loop drops the last key to get rid of the invalid one.
* If your loop skips keys whose lookup fails with ``ENOENT``, no change is needed.
""",
    signs=(
        Sign("C", "bpf_map_get_next_key", "loops over the keys"),
        Sign("Go", "\\.Iterate\\(\\)|\\.NextKey\\(", "loops over the keys"),
        Sign("Rust", "\\.keys\\(\\)|next_key", "iterations over keys"),
        Sign("Python", "next_key", "iterations over keys"),
        Sign("shell", "bpftool map (getnext|dump)", "iterations over keys"),
    ),
    fix="""
Skip keys whose lookup fails with ``ENOENT``, and keep all others:
""",
    details="""
The kernel asked for the next entry of a list, and did not notice that it had returned to the head
of the list (``local_storage.c:cgroup_storage_get_next_key``). It returned a key that consists of
internal data of the map. With the struct key, this data contains kernel addresses, so do not print
or export it (from source). Commit :commit:`5828b9e5b272` fixed this in 7.1, 7.0.10, 6.18.33,
6.12.91, 6.6.141, 6.1.175, 5.15.209 and 5.10.258 (CVE-2026-45838).

The iteration ends after the invalid key, because ``BPF_MAP_GET_NEXT_KEY`` with an unknown key fails
with ``ENOENT``. A hash map would restart at its first key.

The entry that was created last is the first key.
""",
    shown_by="user space",
    run=run,
    outcomes=(
        Outcome(
            None,
            {
                "first key is that of db": 1,
                "second key is that of web": 1,
                "after the last key": "bogus key",
                "its value": "ENOENT",
                "the key after it": "ENOENT",
            },
            "kernels 4.19.108 to 5.10.223, the July 2020 proposal; "
            "``local_storage.c:cgroup_storage_get_next_key`` of 4.19 to 5.10",
        ),
        Outcome(
            changes.NEXT_KEY_END,
            {
                "first key is that of db": 1,
                "second key is that of web": 1,
                "after the last key": "ENOENT",
            },
            "kernels 6.1.176, 6.12.107 and 7.2.13; ``local_storage.c:cgroup_storage_get_next_key``",
        ),
    ),
    evidence=(
        Evidence("next-key-end", same={7: "after the last key"}, part={7: 2}),
        Evidence("next-key-end8", same={5: "after the last key"}, part={5: 1}),
        Evidence("s1-0233", same={18: "after the last key"}, part={18: 2}),
    ),
    before="7.0",
    after="7.1",
    symptoms=(
        "bpftool map dump shows <no entry> at the end",
        "one key too many, with a huge cgroup id",
        "ENOENT from the lookup of a key that the kernel just returned",
    ),
    rules=("next-key.end", "next-key.bogus", "next-key.bogus-lookup", "next-key.order"),
    recipes=("walk_all_keys",),
    explains=(Explains(changes.NEXT_KEY_END),),
)
