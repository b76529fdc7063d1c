# SPDX-License-Identifier: GPL-2.0-only
"""Remember where the counter stood, and subtract: nothing is written, so nothing is lost."""

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
    """Take the counter for the measurement."""
    _measure(kernel, observe, subtract=False)


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Read the counter at the start of a measurement too, and take the difference."""
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
    problem="""
A measurement should tell what happened since its start. The program relied on a counter that an
attach set to zero, which is so up to 5.8 only. Writing zeros is a race with the packets.
""",
    summary="""
Read the counter when a measurement starts, keep that number in user space, and subtract it from
every later reading. Nothing is written to the map, so no packet is lost, on any release.
""",
    details="""
The counter may start anywhere: at zero after an attach on 5.8, at the last value on 5.9. The
difference is right in both cases, also when the counter wraps, as long as you subtract in the
counter's own unsigned type. For a per-CPU map subtract the sums, or each CPU's own baseline.
""",
    run=run,
    old=old,
    old_release="5.8",
    outcomes=(
        Outcome(
            None,
            {"first measurement": 1, "counter at the start": 0, "second measurement": 2},
            "kernels 4.19.108, 5.4.59 and 5.8.18; cgroup.c:__cgroup_bpf_attach",
        ),
        Outcome(
            changes.SHARED_STORAGE,
            {"first measurement": 1, "counter at the start": 1, "second measurement": 2},
            "kernels 5.9.1 and later; cgroup.c:bpf_cgroup_storages_alloc",
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
* The baseline lives in your process. An agent that restarts and must go on with a measurement has
  to keep it somewhere, for example in a second, pinned map.
* Up to 5.8 somebody else's detach and attach sets the counter back to zero. A value below the
  baseline says so; the baseline is then zero.
* When the cgroup is removed its entry goes, and a lookup says ``ENOENT``. Read before you remove.
* Packets between the attach and the first reading belong to no measurement.
""",
    rules=("attach.reuse", "attach.fresh"),
)
