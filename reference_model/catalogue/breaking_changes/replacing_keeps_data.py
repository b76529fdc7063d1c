# SPDX-License-Identifier: GPL-2.0-only
"""Replace a program by itself: up to 5.8 a fresh storage, from 5.9 on the old one."""

from __future__ import annotations

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_ALLOW_MULTI,
    BPF_F_ALLOW_OVERRIDE,
    BPF_F_REPLACE,
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
    """Count a packet and replace the program by itself, in each of the three modes."""
    web, db, mail = (kernel.mkdir(name) for name in ("web", "db", "mail"))
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")
    egress = BPF_CGROUP_INET_EGRESS

    kernel.prog_attach(web, count, egress)
    kernel.fire(web, egress)
    kernel.prog_attach(web, count, egress)
    observe("flags 0", lambda: kernel.map_lookup_elem(counts, (web, egress)))

    kernel.prog_attach(db, count, egress, BPF_F_ALLOW_OVERRIDE)
    kernel.fire(db, egress)
    kernel.prog_attach(db, count, egress, BPF_F_ALLOW_OVERRIDE)
    observe("override", lambda: kernel.map_lookup_elem(counts, (db, egress)))

    flags = BPF_F_ALLOW_MULTI | BPF_F_REPLACE
    kernel.prog_attach(mail, count, egress, BPF_F_ALLOW_MULTI)
    kernel.fire(mail, egress)
    observe("replace", lambda: kernel.prog_attach(mail, count, egress, flags, replace=count))
    observe("after replace", lambda: kernel.map_lookup_elem(counts, (mail, egress)))


STORY = BreakingChange(
    title="Replacing a program no longer zeroes its storage",
    summary="""
Attaching over a program that is already there replaces it. Up to Linux 5.8 this brought a fresh,
zeroed storage, even where the program was replaced by itself. From 5.9 on the new attachment finds
the storage with its key and goes on with its value.
""",
    affected="""
Who attaches the same program a second time to reset its counters, and agents that attach blindly at
each start and so used to reset them without knowing. All three ways of replacing are affected:
flags 0, ``BPF_F_ALLOW_OVERRIDE``, and ``BPF_F_ALLOW_MULTI`` with ``BPF_F_REPLACE``.
""",
    details="""
The kernel replaces in three cases. With flags 0 and with ``BPF_F_ALLOW_OVERRIDE`` a hook holds one
program, and a second attach with the same flags takes its place. With ``BPF_F_ALLOW_MULTI`` a hook
holds a list, and ``BPF_F_REPLACE`` (Linux 5.6) names the program whose place is taken.

Up to 5.8 ``__cgroup_bpf_attach()`` allocated a new storage in each of these cases, unlinked the old
one and freed it: old values could not be read any more. From 5.9 on it looks the key up first. Same
map, same cgroup and same attach type mean same storage, with its contents.

Before 5.6 there is no ``BPF_F_REPLACE``: the attach fails with ``EINVAL`` and changes nothing.

``BPF_LINK_UPDATE`` is another matter: it exchanges the program of a link and never touches its
storages, on any release.
""",
    run=run,
    outcomes=(
        Outcome(
            None,
            {"flags 0": 0, "override": 0, "replace": "EINVAL", "after replace": 1},
            "kernels 4.19.108 and 5.4.59; cgroup.c:__cgroup_bpf_attach of 4.19 and 5.4",
        ),
        Outcome(
            changes.REPLACE_FLAG,
            {"flags 0": 0, "override": 0, "replace": "ok", "after replace": 0},
            "kernel 5.8.18; cgroup.c:__cgroup_bpf_attach of 5.8",
        ),
        Outcome(
            changes.SHARED_STORAGE,
            {"flags 0": 1, "override": 1, "replace": "ok", "after replace": 1},
            "kernels 5.9.1 to 7.2.13 and the proposal; cgroup.c:bpf_cgroup_storages_alloc",
        ),
    ),
    evidence=(
        Evidence("override-replace", same={7: "flags 0"}),
        Evidence("s1-0403", zero={28: "override"}),
        Evidence("multi-replace-self", same={5: "replace", 6: "after replace"}),
    ),
    before="5.8",
    after="5.9",
    symptoms=(
        "counters do not start at zero after an update of the program",
        "attaching a second time no longer resets",
    ),
    find="""
Search for attaches whose flags are 0, ``BPF_F_ALLOW_OVERRIDE`` or hold ``BPF_F_REPLACE``, and ask
of each whether something is attached there already. In libbpf: ``bpf_prog_attach`` without a detach
before it, and ``bpf_prog_attach_opts`` with ``replace_prog_fd``.
""",
    rules=("replace.keep", "replace.reset"),
    recipes=("replace_a_program", "zero_explicitly", "subtract_a_baseline"),
    explains=(
        Explains(
            changes.SHARED_STORAGE,
            ("map_lookup: value / value",),
            unless=("prog_detach", "link_detach", "close"),
        ),
    ),
)
