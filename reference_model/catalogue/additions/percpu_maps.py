# SPDX-License-Identifier: GPL-2.0-only
"""BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE: EINVAL on 4.19, a value for each CPU from 4.20 on."""

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
    summary="""
From Linux 4.20 on there is ``BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE``, type 21. Each storage holds one
value for each possible CPU, and a program gets that of the CPU on which it runs, so CPUs do not
compete for one counter. On 4.19 the type is unknown: ``EINVAL``. A program may use one map of each
type.
""",
    probe="""
Create a map of type 21, with a key of 16 bytes and a value of 8, and close it again. ``EINVAL``
means that the type is not there, since nothing else can be wrong with these attributes. It may also
mean that the kernel is built without ``CONFIG_CGROUP_BPF``, but then type 19 is missing too.
""",
    without="""
Use the shared type and count with ``__sync_fetch_and_add``. That is right on every release; it
costs more where many CPUs send at a time. Keep two programs in the object, as here, and let user
space choose the one that is loaded.
""",
    details="""
Commit :commit:`b741f1630346` ("bpf: introduce per-cpu cgroup local storage") brought the type, and
with it a storage of each kind for each attachment. The limit is one map of each type for a program;
a second one is ``EBUSY`` at the load.

A program can still interrupt another one on the same CPU. If a softirq runs the program between the
read and the write of a plain addition, one of the two additions is lost, on every release. An
atomic instruction prevents that. :doc:`/map_cgroup_storage`, section Concurrency, has the cases.

User space reads and writes all CPUs at once, in a buffer with a slot for each possible CPU, of the
value's size rounded up to 8 bytes. From 7.0 on a flag names one CPU.

A per-CPU value is not for everything: there is no ``bpf_spin_lock`` in it, and a limit that holds
for all CPUs together cannot be tested in one of them. The kernel's own example, the selftest
``netcnt``, counts per CPU and adds that to a shared value now and then.

On 4.19 every map of this type is ``EINVAL``, also one whose value is too large or that has BTF,
which have errnos of their own later.
""",
    run=run,
    outcomes=(
        Outcome(None, {"per-CPU map": "EINVAL", "packets": 3}, "kernel 4.19.108: no per-CPU type"),
        Outcome(
            changes.PERCPU_STORAGE,
            {"per-CPU map": "ok", "packets": 3, "bytes on CPUs 0 and 1": [5, 10]},
            "kernels 5.4.59 to 7.2.13 and the proposal, trace percpu-values",
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
