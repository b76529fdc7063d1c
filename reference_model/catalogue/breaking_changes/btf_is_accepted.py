# SPDX-License-Identifier: GPL-2.0-only
"""BTF for key and value: errno 524 on 4.19 and 4.20, accepted since 5.0."""

from __future__ import annotations

from typing import Any

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_ALLOW_MULTI,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    ENUM,
    STORAGE_KEY,
    U64,
    Add,
    KernelInterface,
    Struct,
    changes,
)

from ..story import BreakingChange, Evidence, Explains, Observe, Outcome, Sign


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Create the map with BTF, or without if the kernel rejects BTF, and count two packets."""
    web = kernel.mkdir("web")

    def create(**btf: Any) -> Any:
        return kernel.map_create(
            BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts", **btf
        )

    with_enum = Struct(cgroup_inode_id=U64, attach_type=ENUM)
    observe("enum in the key", lambda: create(btf_key=with_enum, btf_value=U64))
    bare = observe("create without BTF", create)
    counts: Any = observe("create with BTF", lambda: create(btf=True)) or bare

    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")
    kernel.prog_attach(web, count, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI)
    kernel.fire(web, BPF_CGROUP_INET_EGRESS)
    kernel.fire(web, BPF_CGROUP_INET_EGRESS)
    key = (web, BPF_CGROUP_INET_EGRESS)
    observe("two packets", lambda: kernel.map_lookup_elem(counts, key))


STORY = BreakingChange(
    title="BTF is accepted if the key has the right shape",
    nav="BTF of the key",
    summary="""
Since Linux 5.0 these maps accept BTF, and check the type of the key: creating a map with another
shape fails with ``EINVAL``. On 4.19 and 4.20, creating a map with BTF fails with errno 524. Without
BTF the map can be created on every release.
""",
    affects="both",
    affected="""
* You are affected if you support 4.19 or 4.20, and your loader does not try again without BTF.
  libbpf does, and prints a warning.
* You are affected if the key is a struct of your own.
* If the key is ``struct bpf_cgroup_storage_key``, no change is needed since 5.0.
""",
    signs=(
        Sign("C", "__type\\(key,|btf_key_type_id", "maps that are created with BTF"),
        Sign("Go", "MapSpec\\{|btf\\.", "maps that may be created with BTF"),
    ),
    fix="""
Declare sizes instead of types. The map is then created without BTF, on every release:
""",
    details="""
On 4.19 and 4.20, these maps have no function that checks BTF, and the kernel rejects BTF for such
maps with ``ENOTSUPP``. This number, 524, is internal to the kernel and differs from ``EOPNOTSUPP``
of libc (95), so strerror(3) returns "Unknown error 524". Commit :commit:`9a1126b63190` ("bpf: add
bpffs pretty print for cgroup local storage maps", Linux 5.0) added the function,
``cgroup_storage_check_btf()``.

For the 16-byte key, it requires a struct of exactly two members: a 64-bit integer and a 32-bit
integer. Their names and signs do not matter. With an enum as the second member, such as ``enum
bpf_attach_type attach_type``, creating the map fails with ``EINVAL``. The same is true of a third
member for the padding. For the 8-byte key (since 5.9), it requires a plain 64-bit integer.

BTF is required for a ``bpf_spin_lock`` in the value, and for reading the map with ``cat`` in bpffs.
``BPF_MAP_TYPE_CGRP_STORAGE`` always requires it.
""",
    shown_by="object",
    run=run,
    outcomes=(
        Outcome(
            None,
            {
                "enum in the key": "ENOTSUPP",
                "create without BTF": "ok",
                "create with BTF": "ENOTSUPP",
                "two packets": 2,
            },
            "kernel 4.19.108; ``local_storage.c`` of 4.19: ``map_check_no_btf``",
        ),
        Outcome(
            changes.BTF_KEY_AND_VALUE,
            {
                "enum in the key": "EINVAL",
                "create without BTF": "ok",
                "create with BTF": "ok",
                "two packets": 2,
            },
            "kernels 5.4.59 to 7.2.13; ``local_storage.c:cgroup_storage_check_btf``",
        ),
    ),
    evidence=(
        Evidence(
            "btf-key-shapes",
            same={0: "create with BTF", 3: "enum in the key", 17: "create without BTF"},
        ),
    ),
    before="4.20",
    after="5.0",
    symptoms=(
        "ENOTSUPP (Unknown error 524) from BPF_MAP_CREATE",
        "libbpf: Retrying without BTF",
        "EINVAL from BPF_MAP_CREATE with a key struct of one's own",
    ),
    rules=("btf.versions", "btf.key-struct"),
    recipes=("one_object_for_all_kernels",),
    explains=(Explains(changes.BTF_KEY_AND_VALUE),),
)
