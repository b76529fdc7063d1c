# SPDX-License-Identifier: GPL-2.0-only
"""Replace a program with itself: before 5.9 it got a zeroed storage, since 5.9 the old one."""

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

from ..story import BreakingChange, Evidence, Explains, Observe, Outcome, Sign


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Count a packet and replace the program with itself, in each of the three modes."""
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
    title="Replacing a program keeps its data",
    nav="Replacing keeps data",
    summary="""
Since Linux 5.9 a program that replaces another one with the same map continues with the old data.
Before 5.9 replacing a program created a new, zeroed storage, even if the program replaced itself.
""",
    affects="both",
    affected="""
* You are affected if you attach a program a second time to reset its counters.
* You are affected if your agent attaches at each start and so reset the counters unintentionally.
* This concerns flags 0, ``BPF_F_ALLOW_OVERRIDE``, and ``BPF_F_ALLOW_MULTI`` with ``BPF_F_REPLACE``.
""",
    signs=(
        Sign(
            "C",
            "bpf_prog_attach|BPF_F_ALLOW_OVERRIDE|BPF_F_REPLACE",
            "calls that may replace a program",
        ),
        Sign(
            "Go",
            "RawAttachProgram|AttachCgroup|ReplaceProgram",
            "calls that may replace a program",
        ),
        Sign("Rust", "attach_cgroup\\(|CgroupAttachMode", "calls that may replace a program"),
        Sign("Python", "attach_func\\(", "calls that may replace a program"),
        Sign("shell", "bpftool cgroup attach", "commands that may replace a program"),
    ),
    fix="""
Write zeros after attaching. Older kernels zero the storage themselves, so the code works on every
release:
""",
    details="""
The kernel replaces a program in three cases. With flags 0 and with ``BPF_F_ALLOW_OVERRIDE``, a hook
has one program, and attaching another one with the same flags replaces it. With
``BPF_F_ALLOW_MULTI`` a hook has a list, and ``BPF_F_REPLACE`` (since 5.6) names the program to
replace.

Before 5.9, ``__cgroup_bpf_attach()`` allocated a new storage in each of these cases, and freed the
old one with its values. Since 5.9 it looks up the key first. The same map, cgroup and attach type
mean the same storage, with its value.

Before 5.6 ``BPF_F_REPLACE`` does not exist: attaching fails with ``EINVAL`` and changes nothing. On
5.6 and 5.7 ``BPF_F_REPLACE`` cannot replace a program with itself and fails with ``EINVAL`` too.
Since 5.8 it can (:change:`REPLACE_BY_ITSELF`).

``BPF_LINK_UPDATE`` is different: it replaces the program of a link and never changes its storages,
on any release.
""",
    shown_by="user space",
    run=run,
    outcomes=(
        Outcome(
            None,
            {"flags 0": 0, "override": 0, "replace": "EINVAL", "after replace": 1},
            "kernels 4.19.108 and 5.4.59; ``cgroup.c:__cgroup_bpf_attach`` of 4.19 and 5.4",
        ),
        Outcome(
            changes.REPLACE_FLAG,
            {"flags 0": 0, "override": 0, "replace": "EINVAL", "after replace": 1},
            "kernels 5.6.4 and 5.7.14; ``cgroup.c:find_attach_entry`` of 5.7",
            step="``BPF_F_REPLACE`` exists. Replacing a program by itself with this flag fails"
            " with ``EINVAL``.",
        ),
        Outcome(
            changes.REPLACE_BY_ITSELF,
            {"flags 0": 0, "override": 0, "replace": "ok", "after replace": 0},
            "kernel 5.8.18; ``cgroup.c:__cgroup_bpf_attach`` of 5.8",
            step="``BPF_F_REPLACE`` can replace a program by itself, which resets its data to "
            "zero.",
        ),
        Outcome(
            changes.SHARED_STORAGE,
            {"flags 0": 1, "override": 1, "replace": "ok", "after replace": 1},
            "kernels 5.9.1 to 7.2.13, the July 2020 proposal; "
            "``cgroup.c:bpf_cgroup_storages_alloc``",
            step="A program that replaces another one with the same map continues with the old"
            " data.",
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
    rules=("replace.keep", "replace.reset"),
    recipes=("replace_a_program", "zero_explicitly", "subtract_a_baseline"),
    explains=(
        Explains(changes.REPLACE_BY_ITSELF),
        Explains(
            changes.SHARED_STORAGE,
            ("map_lookup: value / value",),
            unless=("prog_detach", "link_detach", "close"),
        ),
    ),
)
