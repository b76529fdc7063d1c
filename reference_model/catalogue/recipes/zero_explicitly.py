# SPDX-License-Identifier: GPL-2.0-only
"""Write zeros where an attach used to bring them, shared and per-CPU."""

from __future__ import annotations

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_EXIST,
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

from ..story import Evidence, Observe, Outcome, Promise, Recipe

SHARED_FROM_ZERO = {"first measurement": 1, "second starts at": 0, "second measurement": 1}
PERCPU_FROM_ZERO = {"CPUs start at": [0, 0], "CPUs measure": [1, 0]}


def old(kernel: KernelInterface, observe: Observe) -> None:
    """Measure, and detach and attach to start a new measurement."""
    _measure(kernel, observe, zero=False)


def run(kernel: KernelInterface, observe: Observe) -> None:
    """The same, and write zeros after each attach."""
    _measure(kernel, observe, zero=True)


def _measure(kernel: KernelInterface, observe: Observe, *, zero: bool) -> None:
    web = kernel.mkdir("web")
    key = (web, BPF_CGROUP_INET_EGRESS)
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
    percpu = observe(
        "per-CPU map",
        lambda: kernel.map_create(
            BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="per_cpu"
        ),
    )
    body = [Add(counts)] if percpu is None else [Add(counts), Add(percpu)]
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, body, prog_name="count")

    def begin() -> None:
        kernel.prog_attach(web, count, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI)
        if zero:
            kernel.map_update_elem(counts, key, 0, BPF_EXIST)
        if zero and percpu is not None:
            zeros = [0] * len(kernel.map_lookup_elem(percpu, key))
            kernel.map_update_elem(percpu, key, zeros, BPF_EXIST)

    begin()
    kernel.fire(web, BPF_CGROUP_INET_EGRESS, cpu=1)
    observe("first measurement", lambda: kernel.map_lookup_elem(counts, key))

    kernel.prog_detach(web, count, BPF_CGROUP_INET_EGRESS)
    begin()
    observe("second starts at", lambda: kernel.map_lookup_elem(counts, key))
    if percpu is not None:
        observe("CPUs start at", lambda: kernel.map_lookup_elem(percpu, key)[:2])
    kernel.fire(web, BPF_CGROUP_INET_EGRESS)
    observe("second measurement", lambda: kernel.map_lookup_elem(counts, key))
    if percpu is not None:
        observe("CPUs measure", lambda: kernel.map_lookup_elem(percpu, key)[:2])


STORY = Recipe(
    title="Reset a storage by writing zeros when you attach",
    problem="""
A program counts, and each measurement should begin at zero. Detaching and attaching did that up to
5.8. From 5.9 on the old numbers go on.
""",
    summary="""
After each attach write zeros over the entry: one value for the shared map, one for each possible
CPU for the per-CPU map. On old kernels this writes zeros over zeros, so one program does for all.
""",
    details="""
The entry is there as soon as the attach has returned, so the update cannot fail with ``ENOENT``. If
it does, the attach went to another cgroup or another attach type than the key says.

A per-CPU update takes one slot for each *possible* CPU, also for those that are offline, each
rounded up to 8 bytes. libbpf_num_possible_cpus() tells how many. From 7.0 on ``BPF_F_ALL_CPUS``
writes one value to all of them.
""",
    run=run,
    old=old,
    old_release="5.8",
    outcomes=(
        Outcome(
            None,
            {"per-CPU map": "EINVAL", **SHARED_FROM_ZERO},
            "local_storage.c:cgroup_storage_update_elem; kernel 4.19.108 has no per-CPU type",
        ),
        Outcome(
            changes.PERCPU_STORAGE,
            {"per-CPU map": "ok", **SHARED_FROM_ZERO, **PERCPU_FROM_ZERO},
            "local_storage.c:cgroup_storage_update_elem, bpf_percpu_cgroup_storage_update, "
            "all releases",
        ),
    ),
    evidence=(
        Evidence("s1-0079", same={16: "second starts at"}),
        Evidence("s1-0467", same={18: "second starts at"}),
        Evidence("percpu-values", same={1: "per-CPU map"}),
    ),
    promises=(
        Promise("Each measurement starts at zero", lambda seen: seen["second starts at"] == 0),
        Promise(
            "Where there is a per-CPU map, each of its CPUs starts at zero",
            lambda seen: seen.get("CPUs start at", [0, 0]) == [0, 0],
        ),
    ),
    pitfalls="""
* *The race at the start.* The program runs from the moment of the attach. What it counts until your
  update arrives is forgotten.
* *The race of the update.* An update of the shared map puts a new buffer in place of the old one. A
  program that called bpf_get_local_storage() just before goes on in the old buffer, and its
  increment is lost. A per-CPU update writes in place instead: an increment that is under way on
  another CPU may undo your zero there.
* Where either race matters, :story:`subtract a baseline <subtract_a_baseline>`, or begin each
  measurement with :story:`a fresh map <fresh_map_per_generation>`.
* Zeros forget the data for everybody. From 5.9 on other programs may share the entry.
""",
    rules=("update.existing", "percpu.update-all"),
)
