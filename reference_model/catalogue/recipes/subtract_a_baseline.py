# SPDX-License-Identifier: GPL-2.0-only
"""Read the counter at the start and subtract: nothing is written, so nothing is lost."""

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

from ..story import Evidence, Observe, Outcome, Promise, Recipe

MASK = (1 << 64) - 1


def old(kernel: KernelInterface, observe: Observe) -> None:
    """Use the counter itself as the measurement."""
    _measure(kernel, observe, subtract=False)


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Also read the counter at the start of a measurement, and subtract."""
    _measure(kernel, observe, subtract=True)


def _measure(kernel: KernelInterface, observe: Observe, *, subtract: bool) -> None:
    web = kernel.mkdir("web")
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")

    def counter() -> int:
        value: int = kernel.map_lookup_elem(counts, (web, BPF_CGROUP_INET_EGRESS))
        return value

    kernel.prog_attach(web, count, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI)
    baseline = counter() if subtract else 0
    kernel.fire(web, BPF_CGROUP_INET_EGRESS)
    observe("first measurement", lambda: counter() - baseline & MASK)

    kernel.prog_detach(web, count, BPF_CGROUP_INET_EGRESS)
    kernel.prog_attach(web, count, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI)
    observe("counter at the start", counter)
    if subtract:
        baseline = counter()
    for _ in range(2):
        kernel.fire(web, BPF_CGROUP_INET_EGRESS)
    observe("second measurement", lambda: counter() - baseline & MASK)


STORY = Recipe(
    title="Subtract a baseline instead of zeroing",
    nav="Subtract a baseline",
    problem="""
A measurement should count what happened since its start. Before 5.9, attaching a program set its
counter to zero. Since 5.9 it does not, and writing zeros races with packets.
""",
    when="""
* Use it if no packet may be lost, or if other programs share the entry.
* If your process may restart during a measurement, store the baseline, for example in a pinned map.
* If values are not counters, :story:`write zeros <zero_explicitly>` instead.
""",
    summary="""
Read the counter when a measurement starts, and subtract that number from every later reading. You
never write to the map, so no packet is lost, on any release.
""",
    details="""
The counter may start anywhere: at zero after attaching on 5.8, at the last value on 5.9. The
difference is right in both cases. It is right even if the counter wraps, if you subtract in the
unsigned type of the counter. For a per-CPU map, subtract the sums, or a baseline for each CPU.
""",
    shown_by="user space",
    run=run,
    old=old,
    old_release="5.8",
    outcomes=(
        Outcome(
            None,
            {"first measurement": 1, "counter at the start": 0, "second measurement": 2},
            "kernels 4.19.108, 5.4.59 and 5.8.18; ``cgroup.c:__cgroup_bpf_attach``",
        ),
        Outcome(
            changes.SHARED_STORAGE,
            {"first measurement": 1, "counter at the start": 1, "second measurement": 2},
            "kernels 5.9.1 and later; ``cgroup.c:bpf_cgroup_storages_alloc``",
        ),
    ),
    evidence=(Evidence("s1-0336", same={18: "counter at the start"}),),
    promises=(
        Promise(
            "A measurement counts the packets since its start",
            lambda seen: seen["second measurement"] == 2,
        ),
    ),
    pitfalls="""
* Before 5.9, the counter returns to zero if another process detaches and attaches the program. The
  value is then below the baseline. Treat the baseline as zero in this case.
* When the cgroup is removed, its entry is freed, and the lookup fails with ``ENOENT``. Read the
  counter before you remove the cgroup.
* Packets between attaching the program and the first reading belong to no measurement.
""",
    rules=("attach.reuse", "attach.fresh"),
)
