# SPDX-License-Identifier: GPL-2.0-only
"""A second program with the same map: up to 5.8 EBUSY, from 5.9 on it loads and shares."""

from __future__ import annotations

from typing import Any

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

from ..story import BreakingChange, Evidence, Explains, Observe, Outcome


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Load two programs with one map, let both count one packet, then unload the first."""
    web = kernel.mkdir("web")
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
    spare = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="spare")
    egress = BPF_CGROUP_INET_EGRESS

    def load(name: str, *maps: Any) -> Any:
        steps = [Add(used) for used in maps]
        return kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, steps, prog_name=name)

    observe("load with two maps", lambda: load("greedy", counts, spare))
    first = load("first", counts)
    second = observe("load a second program", lambda: load("second", counts))
    kernel.prog_attach(web, first, egress, BPF_F_ALLOW_MULTI)
    if second is not None:
        kernel.prog_attach(web, second, egress, BPF_F_ALLOW_MULTI)
    kernel.fire(web, egress)
    observe("after one packet", lambda: kernel.map_lookup_elem(counts, (web, egress)))

    kernel.prog_detach(web, first, egress)
    kernel.close(first)
    observe("load once the first is gone", lambda: load("third", counts))


STORY = BreakingChange(
    title="A second program may use the map, and gets no EBUSY",
    summary="""
Up to Linux 5.8 a map belonged to one program, and loading a second one with it failed with
``EBUSY``. From 5.9 on any number of programs may use it. Those that are attached to the same cgroup
and attach type share one storage.
""",
    affected="""
Who relied on ``EBUSY`` as a guard: against a second instance of the agent, or against programs that
write each other's data. Who works around ``EBUSY`` with a map for each program has nothing to do,
and may now drop the work-around.
""",
    details="""
Up to 5.8 the verifier bound a map to the first program that mentioned it, even if that program
never called ``bpf_get_local_storage()``. The binding ended when the program was freed: all its
descriptors, pins, attachments and links gone, and then a little later, since the kernel frees
programs in the background. So a reload right after a close could still fail. Before 5.5 some maps
stayed busy forever, because the kernel lost track of the program that had bound them (fixed by
commit :commit:`e47304232b37`).

From 5.9 on (commit :commit:`7d9c3427894f`) only one rule is left: a program may use one map of each
of the two types. A second map of one type is ``EBUSY`` on all releases. The verifier's message
"only one cgroup storage of each type is allowed" meant either of the two causes up to 5.8; now it
means what it says.

Two programs that count in one storage count each packet twice. With a key of 16 bytes only programs
on one attach type share; with 8 bytes all programs on the cgroup do.
""",
    run=run,
    outcomes=(
        Outcome(
            None,
            {
                "load with two maps": "EBUSY",
                "load a second program": "EBUSY",
                "after one packet": 1,
                "load once the first is gone": "ok",
            },
            "kernels 4.19.108, 5.4.59 and 5.8.18; local_storage.c:bpf_cgroup_storage_assign",
        ),
        Outcome(
            changes.SHARED_STORAGE,
            {
                "load with two maps": "EBUSY",
                "load a second program": "ok",
                "after one packet": 2,
                "load once the first is gone": "ok",
            },
            "kernels 5.9.1 to 7.2.13 and the proposal; local_storage.c:bpf_cgroup_storage_assign",
        ),
    ),
    evidence=(
        Evidence("ebusy-two-maps-one-program", same={4: "load with two maps"}),
        Evidence(
            "legacy-map-released-by-unload",
            same={3: "load a second program", 5: "load once the first is gone"},
        ),
        Evidence(
            "legacy-attached-keeps-map",
            same={5: "load a second program", 8: "load once the first is gone"},
        ),
    ),
    before="5.8",
    after="5.9",
    symptoms=(
        "EBUSY: only one cgroup storage of each type is allowed",
        "each packet is counted twice",
        "two instances of the agent write the same entry",
    ),
    find="""
Search for ``EBUSY`` around the load of a program, and for pinned maps that a second process opens
(``bpf_obj_get``, ``LIBBPF_PIN_BY_NAME``). On 5.9 and later nothing stops that process from using
them.
""",
    rules=("load.exclusive", "load.shared", "load.one-of-each", "share.programs"),
    recipes=("keep_a_map_exclusive", "share_configuration", "update_concurrently"),
    explains=(Explains(changes.SHARED_STORAGE, ("prog_load: EBUSY / ok",)),),
)
