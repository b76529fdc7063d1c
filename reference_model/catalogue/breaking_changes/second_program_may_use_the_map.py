# SPDX-License-Identifier: GPL-2.0-only
"""Load a second program with the same map: EBUSY before 5.9, one shared storage since 5.9."""

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

from ..story import BreakingChange, Evidence, Explains, Observe, Outcome, Sign


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
    title="Several programs can use one map (no EBUSY)",
    nav="No EBUSY for a second program",
    summary="""
Since Linux 5.9 any number of programs can use a map. Programs on the same cgroup and attach type
share one storage. Before 5.9 a map belonged to one program, and loading a second one failed with
``EBUSY``.
""",
    affects="both",
    affected="""
* You are affected if you relied on ``EBUSY`` to keep out a second instance of your agent, or
  programs that would write each other's data.
* On kernels before 5.9 you are affected if two programs use one map: the second does not load.
* If each program has a map of its own, no change is needed.
""",
    signs=(
        Sign(
            "C",
            "EBUSY|bpf_obj_get\\(|LIBBPF_PIN_BY_NAME|bpf_map__reuse_fd",
            "a guard, or a map that is opened again",
        ),
        Sign(
            "Go",
            "EBUSY|LoadPinnedMap|PinByName|MapReplacements",
            "a guard, or a map that is opened again",
        ),
        Sign(
            "Rust",
            "EBUSY|ResourceBusy|reuse_pinned_map|reuse_fd",
            "a guard, or a map that is opened again",
        ),
        Sign("Python", "EBUSY", "a guard"),
        Sign("shell", "bpftool prog load.* map ", "a map that is used again"),
    ),
    fix="""
Before 5.9, give each program its own map.

Since 5.9, pin the map before you load the program: pinning is atomic, so in a second instance it
fails with ``EEXIST``. Pass the map to the object with ``bpf_map__reuse_fd()``.
""",
    details="""
Before 5.9 the verifier bound a map to the first program that referred to it, even if that program
never called ``bpf_get_local_storage()``. The binding ended when the program was freed: after all
its descriptors, pins, attachments and links were closed. The kernel frees programs in the
background, so loading a program right after closing another one could still fail. Before 5.5 some
maps stayed bound forever, because the kernel lost track of the program that had bound them (fixed
by commit :commit:`e47304232b37`).

Since 5.9 (commit :commit:`7d9c3427894f`) only one restriction remains: a program can use one map of
each of the two types. Loading a program with a second map of one type fails with ``EBUSY`` on every
release. Before 5.9, the verifier's message "only one cgroup storage of each type is allowed" had
either of the two causes.

If two programs count in one storage, they count each packet twice. With a 16-byte key, only
programs on the same attach type share a storage. With an 8-byte key, all programs on the cgroup do.
""",
    shown_by="object",
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
            "kernels 4.19.108, 5.4.59 and 5.8.18; ``local_storage.c:bpf_cgroup_storage_assign``",
        ),
        Outcome(
            changes.SHARED_STORAGE,
            {
                "load with two maps": "EBUSY",
                "load a second program": "ok",
                "after one packet": 2,
                "load once the first is gone": "ok",
            },
            "kernels 5.9.1 to 7.2.13, the July 2020 proposal; "
            "``local_storage.c:bpf_cgroup_storage_assign``",
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
    rules=("load.exclusive", "load.shared", "load.one-of-each", "share.programs"),
    recipes=("keep_a_map_exclusive", "share_configuration", "update_concurrently"),
    explains=(Explains(changes.SHARED_STORAGE, ("prog_load: EBUSY / ok",)),),
)
