# SPDX-License-Identifier: GPL-2.0-only
"""Write zeros after attaching, which itself reset the data before 5.9; shared and per-CPU."""

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
    """Measure, and write zeros each time the program is attached."""
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
    title="Reset a storage by writing zeros",
    nav="Reset with zeros",
    problem="""
Each measurement should start at zero. Since 5.9 a program that is attached again continues with
its old numbers.
""",
    when="""
* Use it if the few packets that arrive between attaching and writing the zeros do not matter.
* If they matter, :story:`subtract a baseline <subtract_a_baseline>`, or start each measurement with
  :story:`a new map <fresh_map_per_generation>`.
* Do not use it if other programs share the entry: the zeros reset the value for them too.
""",
    summary="""
After attaching, write zeros: one value to the shared map, one value for each possible CPU to the
per-CPU map. Kernels before 5.9 zero the storage themselves, and the code does no harm there.
""",
    details="""
The entry exists as soon as attaching has succeeded, so the update does not fail with ``ENOENT``. If
it does, the program was attached to another cgroup or attach type than the key names.

A per-CPU update takes one value for each *possible* CPU, also for CPUs that are offline, each
rounded up to 8 bytes. ``libbpf_num_possible_cpus()`` returns their number. Since 7.0
``BPF_F_ALL_CPUS`` writes one value to all of them.
""",
    shown_by="user space",
    run=run,
    old=old,
    old_release="5.8",
    outcomes=(
        Outcome(
            None,
            {"per-CPU map": "EINVAL", **SHARED_FROM_ZERO},
            "``local_storage.c:cgroup_storage_update_elem``; kernel 4.19.108 has no per-CPU type",
        ),
        Outcome(
            changes.PERCPU_STORAGE,
            {"per-CPU map": "ok", **SHARED_FROM_ZERO, **PERCPU_FROM_ZERO},
            "``local_storage.c:cgroup_storage_update_elem``, "
            "``bpf_percpu_cgroup_storage_update``, all releases",
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
* *The program already runs.* It counts packets as soon as it is attached. What it counts before
  your update arrives is lost.
* *An update of the shared map replaces the buffer.* A program that has just called
  ``bpf_get_local_storage()`` still writes to the old buffer, so its increment is lost.
* *An update of the per-CPU map writes in place.* An increment that is in progress on another CPU
  may undo your zero there.
""",
    rules=("update.existing", "percpu.update-all"),
)
