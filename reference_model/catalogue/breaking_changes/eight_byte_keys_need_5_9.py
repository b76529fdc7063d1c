# SPDX-License-Identifier: GPL-2.0-only
"""8-byte keys: creating the map fails with EINVAL before 5.9."""

from __future__ import annotations

from typing import Any

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_ALLOW_MULTI,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    STORAGE_KEY,
    U64,
    Add,
    Bytes,
    KernelInterface,
    changes,
)

from ..story import BreakingChange, Evidence, Explains, Observe, Outcome, Sign


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Try the keys, use the 8-byte key or else the struct, and count two packets."""
    web = kernel.mkdir("web")
    shared, percpu = BPF_MAP_TYPE_CGROUP_STORAGE, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE
    egress = BPF_CGROUP_INET_EGRESS

    observe("12 bytes", lambda: kernel.map_create(shared, Bytes(12), U64, map_name="twelve"))
    observe("8 bytes, per-CPU", lambda: kernel.map_create(percpu, U64, U64, map_name="percpu"))
    counts = observe("8 bytes", lambda: kernel.map_create(shared, U64, U64, map_name="counts"))
    key: Any = web
    if counts is None:
        counts = kernel.map_create(shared, STORAGE_KEY, U64, map_name="counts")
        key = (web, egress)

    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")
    kernel.prog_attach(web, count, egress, BPF_F_ALLOW_MULTI)
    kernel.fire(web, egress)
    kernel.fire(web, egress)
    observe("two packets", lambda: kernel.map_lookup_elem(counts, key))


STORY = BreakingChange(
    title="8-byte keys need Linux 5.9",
    nav="8-byte keys need 5.9",
    summary="""
Since Linux 5.9 a map can have an 8-byte key, the cgroup id. Before 5.9 creating such a map fails
with ``EINVAL``: only the 16-byte ``struct bpf_cgroup_storage_key`` is accepted.
""",
    affects="both",
    affected="""
* You are affected if your map has a ``__u64`` key and you support kernels before 5.9.
* If you do not need one storage for several attach types, use the 16-byte key: it works everywhere.
""",
    signs=(
        Sign(
            "C",
            "__type\\(key, *(__u64|u64|uint64_t)\\)|key_size, *(8|12)\\)|sizeof\\(__u64\\)",
            "keys that may have 8 bytes",
        ),
        Sign("Go", "KeySize: *(8|12)", "keys that may have 8 bytes"),
    ),
    fix="""
Try the 8-byte key, and fall back to the 16-byte key. With the 16-byte key, read one entry for each
attach type and add them up:
""",
    details="""
The kernel checks the key size first, so an invalid size hides every other mistake
(``local_storage.c:cgroup_storage_map_alloc``). It accepts 16 bytes on every release, and 8 bytes
since 5.9 (commit :commit:`7d9c3427894f`). It rejects all others with ``EINVAL``. This includes 12,
the size of the two members without padding, which some documentation names.

The size of the key also decides what is shared: with 8 bytes, all attach types of a cgroup have one
storage. With the fallback to 16 bytes, each attach type counts in its own storage.

The only way to detect support is to create a map. The feature was not backported to 5.8 or older.
""",
    shown_by="object",
    run=run,
    outcomes=(
        Outcome(
            None,
            {
                "12 bytes": "EINVAL",
                "8 bytes, per-CPU": "EINVAL",
                "8 bytes": "EINVAL",
                "two packets": 2,
            },
            "kernels 4.19.108, 5.4.59, 5.8.18, the July 2020 proposal",
        ),
        Outcome(
            changes.KEY_IS_CGROUP_ID,
            {
                "12 bytes": "EINVAL",
                "8 bytes, per-CPU": "ok",
                "8 bytes": "ok",
                "two packets": 2,
            },
            "kernels 5.9.1 to 7.2.13; ``local_storage.c:cgroup_storage_map_alloc``",
        ),
    ),
    evidence=(
        Evidence("next-key-end8", same={1: "8 bytes"}),
        Evidence("btf-key-shapes", same={8: "8 bytes", 15: "8 bytes, per-CPU"}),
        Evidence("s1-0349", same={6: "12 bytes"}),
    ),
    before="5.8",
    after="5.9",
    symptoms=(
        "EINVAL (Invalid argument) from BPF_MAP_CREATE",
        "EINVAL: libbpf failed to create the map",
        "the object loads on newer kernels only",
    ),
    rules=("create.key-id", "create.key-struct", "create.key-size"),
    recipes=("one_object_for_all_kernels", "share_configuration"),
    explains=(Explains(changes.KEY_IS_CGROUP_ID),),
)
