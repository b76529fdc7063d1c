# SPDX-License-Identifier: GPL-2.0-only
"""Changes between releases that the model does not ask for, each with the reason, in order.

Users of the maps can observe these changes too: most are fixes of crashes, of races, or of commands
that the model leaves out.  The history page shows them beside those in ``changes``.
"""

from __future__ import annotations

from .releases import UAPI, Change, Marker, Read

_RACE = "programs of the model run one after another"

TRACING_KEEPS_STORAGES = Change(
    "bpf: Don't do bpf_cgroup_storage_set() for kuprobe/tp programs",
    "05a68ce5fa51",
    "5.12",
    "Kprobe, tracepoint and perf event programs no longer reset the pointers to the storages of a "
    "cgroup program that they interrupt; before, ``bpf_get_local_storage()`` returned NULL after "
    "such an interruption.  4.19.184 has the commit, too, but 4.19 never had the fault: there a "
    "program without a storage leaves the pointer as it is.",
    backports=("4.19.184", "5.4.109", "5.10.27", "5.11.11"),
    changelogs=("4.19.184", "5.4.109", "5.10.27", "5.11.11"),
    read=[
        Read("include/linux/bpf.h:__BPF_PROG_RUN_ARRAY", "5.9.1", "5.12.9"),
        Read("include/linux/bpf-cgroup.h:bpf_cgroup_storage_set", "4.19.325", "5.9.1"),
    ],
    unmodelled=_RACE,
    marker=Marker(
        "include/linux/bpf.h", r"RUN_ARRAY\(array, ctx, func, check_non_null\)", until=True
    ),
)
NESTED_RUNS = Change(
    "bpf: Fix NULL pointer dereference in bpf_get_local_storage() helper",
    "b910eaaaa4b8",
    "5.13",
    "A program that is interrupted by another one on the same CPU keeps its storages; before, "
    "``bpf_get_local_storage()`` returned NULL or the storage of the other attachment.  A ninth "
    "run inside eight others fails with ``EBUSY``, and the programs behind it are skipped.",
    backports=("5.10.62",),
    changelogs=("5.10.62",),
    read=[Read("include/linux/bpf-cgroup.h:bpf_cgroup_storage_set", "5.9.1", "5.10.262")],
    unmodelled=_RACE,
    marker=Marker(
        "include/linux/bpf-cgroup.h", r"this_cpu_write\(bpf_cgroup_storage\b", until=True
    ),
)
NESTED_RUN_SLOTS = Change(
    "bpf: Fix potentially incorrect results with bpf_get_local_storage()",
    "a2baf4e8bb0f",
    "5.14",
    "A run that interrupts another run of the same task uses a slot of its own for its storages; "
    "before, it could get the storages of the interrupted run.",
    backports=("5.10.62", "5.13.12"),
    changelogs=("5.10.62", "5.13.12"),
    read=[Read("include/linux/bpf-cgroup.h:bpf_cgroup_storage_set", "5.10.262")],
    unmodelled=_RACE,
    marker=Marker(
        "kernel/bpf/helpers.c",
        r"i < BPF_CGROUP_STORAGE_NEST_MAX|read\(bpf_cgroup_storage\b",
        until=True,
    ),
)
RUN_CONTEXT = Change(
    "bpf: Add ambient BPF runtime context stored in current",
    "c7603cfa04e7",
    "5.15",
    "Each run keeps its storages in a context of its own, so the number of runs inside each other "
    "has no limit of eight.",
    read=[Read("include/linux/bpf.h:bpf_cg_run_ctx", "5.19")],
    unmodelled=_RACE,
    marker=Marker("include/linux/bpf.h", r"struct bpf_cg_run_ctx \{"),
)
CGRP_STORAGE_FREE_DEADLOCK = Change(
    "bpf: Fix deadlock when freeing cgroup storage",
    "c78f4afbd962",
    "6.14",
    "Freeing a ``CGRP_STORAGE`` map no longer deadlocks with a tracing program that runs in the "
    "middle of it, on the same CPU, and calls a helper for a map of this type.",
    cve="CVE-2024-58088",
    backports=("6.6.80", "6.12.17", "6.13.5"),
    changelogs=("6.6.80", "6.12.17", "6.13.5"),
    unmodelled=_RACE,
    marker=Marker(
        "kernel/bpf/bpf_cgrp_storage.c",
        r"map_free\(map, &cgroup_cache(, &bpf_cgrp_storage_busy)?\)",
    ),
)
FD_ARRAY_BINDS = Change(
    "bpf: Add fd_array_cnt attribute for prog_load",
    "4d3ae294f900",
    "6.14",
    "``BPF_PROG_LOAD`` with ``fd_array_cnt`` binds all maps of ``fd_array`` to the program, so a "
    "second storage map of one type in it fails with ``EBUSY``.",
    read=[Read("verifier.c:__add_used_map", "6.13.7", "6.18.35")],
    unmodelled="programs of the model have no fd_array",
    marker=Marker(UAPI, "fd_array_cnt"),
)
CGRP_STORAGE_BUSY_ON_CREATE = Change(
    "bpf: Only fails the busy counter check in bpf_cgrp_storage_get if it creates storage",
    "f4edc66e48a6",
    "6.15",
    "``bpf_cgrp_storage_get()`` that interrupts another call on its CPU returns NULL only where it "
    "would create the entry; before, it returned NULL for entries that exist, too.",
    backports=("6.6.89", "6.12.26", "6.14.5"),
    changelogs=("6.6.89", "6.12.26", "6.14.5"),
    read=[Read("bpf_cgrp_storage.c:bpf_cgrp_storage_get", "6.12.117", "6.13.7", "6.18.35")],
    unmodelled=_RACE,
    marker=Marker("kernel/bpf/bpf_cgrp_storage.c", r"nobusy|if \(sdata\)\s+goto out;"),
)
CGROUP_FROM_ID_NAMESPACE = Change(
    "bpf: Do not limit bpf_cgroup_from_id to current's namespace",
    "2c8951339506",
    "6.18",
    "``bpf_cgroup_from_id()`` finds cgroups outside the cgroup namespace of the running process; "
    "before, it returned NULL for them.",
    backports=("6.6.117", "6.12.58", "6.17.8"),
    changelogs=("6.6.117", "6.12.58", "6.17.8"),
    read=[Read("kernel/cgroup/cgroup.c:cgroup_get_from_id", "6.8", "6.13.7", "6.18.35")],
    unmodelled="programs of the model do not call bpf_cgroup_from_id()",
    marker=Marker("kernel/bpf/helpers.c", "__cgroup_get_from_id"),
)
EXCLUSIVE_MAPS = Change(
    "maps can be created for one program, named by its hash",
    "",
    "6.18",
    "Loading another program with a map that was created with ``excl_prog_hash`` fails with "
    "``EACCES``.",
    read=[Read("verifier.c:check_map_prog_compatibility", "6.18.35")],
    unmodelled="maps of the model have no excl_prog_hash",
    marker=Marker(UAPI, "excl_prog_hash"),
)
STATISTICS_OF_DUMMY = Change(
    "bpf: Fix invalid prog->stats access when update_effective_progs fails",
    "7dc211c1159d",
    "6.19",
    "If memory is short while a program is detached, the kernel no longer leaves a dummy program "
    "without statistics in its place; before, the kernel crashed there if "
    "``kernel.bpf_stats_enabled`` was set.",
    cve="CVE-2025-68742",
    backports=("6.1.160", "6.6.120", "6.12.63", "6.17.13", "6.18.2"),
    changelogs=("6.1.160", "6.6.120", "6.12.63", "6.17.13"),
    unmodelled="the model has no statistics of programs",
    marker=Marker("include/linux/filter.h", r"likely\(prog->stats\)"),
)
LSM_SHIM_LIFETIME = Change(
    "bpf: Fix a UAF issue in bpf_trampoline_link_cgroup_shim",
    "56145d237385",
    "7.0",
    "Attaching a program to an LSM hook while the last program there is being detached no longer "
    "uses memory that was freed.",
    cve="CVE-2026-23319",
    backports=("6.1.167", "6.6.130", "6.12.77", "6.18.17", "6.19.7"),
    changelogs=("6.1.167", "6.6.130", "6.12.77", "6.18.17"),
    read=[Read("trampoline.c:bpf_trampoline_link_cgroup_shim", "6.1.192", "6.12.118", "7.2.13")],
    unmodelled=_RACE,
    marker=Marker(
        "kernel/bpf/trampoline.c:bpf_trampoline_link_cgroup_shim", "bpf_link_inc_not_zero"
    ),
)
CGRP_STORAGE_WITHOUT_COUNTER = Change(
    "Merge branch 'remove-task-and-cgroup-local-storage-percpu-counters'",
    "db975debcb8c",
    "7.0",
    "Calls of the ``CGRP_STORAGE`` helpers that interrupt each other on one CPU no longer fail.",
    read=[Read("bpf_cgrp_storage.c", "6.19.9", "7.0.0")],
    unmodelled=_RACE,
    marker=Marker("include/linux/bpf_local_storage.h", "rqspinlock"),
)
VOID_HOOKS_DENY_NOTHING = Change(
    "a program that returns 0 at an LSM hook without an errno sets none",
    "",
    "7.2",
    "At LSM hooks that return nothing, a return value of 0 no longer sets ``EPERM`` for the "
    "programs that run after it.",
    backports=("7.1.5",),
    read=[Read("cgroup.c:cgroup_bpf_hook_returns_errno", "7.1.3", "7.1.5", "7.2.13")],
    unmodelled="programs at these hooks can return only 1, and programs of the model do not ask "
    "for the value that others set",
    marker=Marker("kernel/bpf/cgroup.c", "cgroup_bpf_hook_returns_errno"),
)

ALL: tuple[Change, ...] = tuple(value for value in globals().values() if isinstance(value, Change))
"""All records, in the order above."""

NAMES = {value: name for name, value in globals().items() if isinstance(value, Change)}
"""Their names."""
