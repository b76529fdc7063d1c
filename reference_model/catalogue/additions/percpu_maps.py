# SPDX-License-Identifier: GPL-2.0-only
"""BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE: EINVAL on 4.19, a value for each CPU since 4.20."""

from __future__ import annotations

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_ALLOW_MULTI,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    STORAGE_KEY,
    U64,
    Add,
    KernelInterface,
    changes,
)

from ..story import Addition, Evidence, Explains, Observe, Outcome


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Count bytes on each CPU, and packets in one value, with one program."""
    web = kernel.mkdir("web")
    key = (web, BPF_CGROUP_INET_EGRESS)
    packets = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="packets")
    sent = observe(
        "per-CPU map",
        lambda: kernel.map_create(
            BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="bytes"
        ),
    )
    body = [Add(packets)] if sent is None else [Add(packets), Add(sent, 5)]
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, body, prog_name="count")
    kernel.prog_attach(web, count, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI)
    for cpu in (0, 1, 1):
        kernel.fire(web, BPF_CGROUP_INET_EGRESS, cpu=cpu)

    observe("packets", lambda: kernel.map_lookup_elem(packets, key))
    if sent is not None:
        observe("bytes on CPUs 0 and 1", lambda: kernel.map_lookup_elem(sent, key)[:2])


STORY = Addition(
    title="A map can hold a value for each CPU",
    nav="Per-CPU maps",
    affects="per-CPU",
    summary="""
Since Linux 4.20 there is ``BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE``, type 21. Each storage holds one
value for each possible CPU, and a program gets the value of its own CPU, so CPUs do not compete for
one counter. A program can use one map of each type. Linux 4.19 rejects the type with ``EINVAL``.
""",
    probe="""
Create a map of type 21 with a 16-byte key and an 8-byte value, and close it. ``EINVAL`` means that
the kernel does not have the type: nothing else is wrong with these attributes. It can also mean
that the kernel is built without ``CONFIG_CGROUP_BPF``, but then type 19 fails too.
""",
    without="""
Use the shared type, and count with ``__sync_fetch_and_add()``. It is correct on every release, but
slower where many CPUs send at once. Keep both programs in one object, and let user space choose
which one to load, as in the C version below.
""",
    details="""
Commit :commit:`b741f1630346` ("bpf: introduce per-cpu cgroup local storage") added the type. Each
attachment then has a storage of each type. A program can use one map of each type; loading a
program with a second one fails with ``EBUSY``.

A program can still interrupt another one on the same CPU. If a softirq runs the program between the
read and the write of a plain addition, one of the two increments is lost. An
atomic instruction prevents that. :doc:`/map_cgroup_storage`, section Concurrency, has the cases.

User space reads and writes the values of all CPUs at once. The buffer holds one value for each
possible CPU, each rounded up to 8 bytes. Since 7.0 a flag selects one CPU.

A per-CPU value cannot hold a ``bpf_spin_lock``, and one CPU's value cannot enforce a limit for all
CPUs. The kernel's selftest ``netcnt`` counts per CPU, and now and then adds its count to a shared
value.

Linux 4.19 returns ``EINVAL`` for every map of this type. Newer kernels have other errnos if the
value is too large or if the map has BTF.
""",
    shown_by="object",
    run=run,
    outcomes=(
        Outcome(None, {"per-CPU map": "EINVAL", "packets": 3}, "kernel 4.19.108: no per-CPU type"),
        Outcome(
            changes.PERCPU_STORAGE,
            {"per-CPU map": "ok", "packets": 3, "bytes on CPUs 0 and 1": [5, 10]},
            "kernels 5.4.59 to 7.2.13, the July 2020 proposal, trace percpu-values",
        ),
    ),
    evidence=(Evidence("percpu-values", same={1: "per-CPU map", 7: "bytes on CPUs 0 and 1"}),),
    before="4.19",
    after="4.20",
    symptoms=("EINVAL from BPF_MAP_CREATE with map type 21",),
    rules=("create.percpu", "percpu.own", "load.one-of-each"),
    recipes=("read_percpu_totals", "zero_explicitly"),
    explains=(Explains(changes.PERCPU_STORAGE),),
)
