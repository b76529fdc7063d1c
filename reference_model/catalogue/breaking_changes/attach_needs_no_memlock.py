# SPDX-License-Identifier: GPL-2.0-only
"""RLIMIT_MEMLOCK limits storages before 5.11: attaching a program fails with ENOMEM."""

from __future__ import annotations

from typing import Any

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_ALLOW_MULTI,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    PAGE_SIZE,
    STORAGE_KEY,
    U64,
    Add,
    KernelInterface,
    changes,
)

from ..story import BreakingChange, Explains, Observe, Outcome, Sign


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Attach to more cgroups than the limit has pages for, detach one, and try another."""
    cgroups = [kernel.mkdir(name) for name in ("web", "db", "mail", "cache")]
    spare = kernel.mkdir("spare")
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")
    egress = BPF_CGROUP_INET_EGRESS

    def attach(*to: Any) -> None:
        for cgroup in to:
            kernel.prog_attach(cgroup, count, egress, BPF_F_ALLOW_MULTI)

    observe("attach to four", lambda: attach(*cgroups))
    kernel.fire(cgroups[0], egress)
    observe("the first still counts", lambda: kernel.map_lookup_elem(counts, (cgroups[0], egress)))
    kernel.prog_detach(cgroups[0], count, egress)
    observe("attach to another", lambda: attach(spare))


STORY = BreakingChange(
    title="RLIMIT_MEMLOCK no longer limits storages",
    nav="No RLIMIT_MEMLOCK",
    summary="""
Since Linux 5.11, maps and storages are charged to the memory cgroup. Before 5.11 they counted
against ``RLIMIT_MEMLOCK``, 64 KiB by default: attaching a program failed with ``ENOMEM`` although
the machine had plenty of memory.
""",
    affects="both",
    affected="""
* You are affected if you support kernels before 5.11 and attach programs to many cgroups.
* On 5.9 and 5.10, detaching does not help: the storages remain and are still charged.
* If your loader uses libbpf 1.0 or later, it raises the limit itself.
""",
    signs=(
        Sign("C", "RLIMIT_MEMLOCK|memlock_rlim", "code that sets the limit; no line is a bad sign"),
        Sign(
            "Go",
            "rlimit\\.RemoveMemlock|RLIMIT_MEMLOCK",
            "code that sets the limit; no line is a bad sign",
        ),
        Sign("Rust", "RLIMIT_MEMLOCK|memlock", "code that sets the limit; no line is a bad sign"),
        Sign("Python", "RLIMIT_MEMLOCK", "code that sets the limit; no line is a bad sign"),
        Sign(
            "shell", "ulimit -l|LimitMEMLOCK", "commands that set the limit; no line is a bad sign"
        ),
    ),
    fix="""
Raise the limit before you create the first map. The call does no harm on newer kernels:
""",
    details="""
Each storage occupies whole pages: one for a value of up to almost a page. In the per-CPU type, the
values of all CPUs together are rounded up (``local_storage.c:bpf_cgroup_storage_calculate_size``).
The map occupies one page, and so does each program.

If the limit is too small, creating the map fails with ``EPERM``. Attaching a program fails with
``ENOMEM`` instead, which hides the cause (``cgroup.c:bpf_cgroup_storages_alloc``). The failed call
changes nothing.

Before 5.9, detaching a program returned its page. On 5.9 and 5.10, the storage and its page remain
until the cgroup or the map is freed. Creating another map can then fail with ``EPERM`` and a test
run with ``ENOMEM``.

On 4.20 to 5.5 the kernel can crash here. If there is no memory for the storage of a shared map, it
frees a pointer that was never initialized. This is fixed in 5.6, 5.5.14 and 5.4.29
(:change:`STORAGE_POINTERS`).

libbpf 1.0 and later raises the limit itself, unless it finds that the kernel does not need it.

The example sets the limit to four pages of 4096 bytes. The map occupies one of them, and on a real
kernel the program another one. Attaching to four cgroups therefore exceeds the limit.
""",
    shown_by="user space",
    run=run,
    outcomes=(
        Outcome(
            None,
            {"attach to four": "ENOMEM", "the first still counts": 1, "attach to another": "ok"},
            "kernel 4.19.108; ``local_storage.c:bpf_cgroup_storage_alloc``",
        ),
        Outcome(
            changes.STORAGES_BY_TYPE,
            {"attach to four": "undefined"},
            "kernels 4.20.1, 5.0.0, 5.2.1 and 5.3.1, which crashed in "
            "``bpf_cgroup_storage_free()``",
        ),
        Outcome(
            changes.STORAGE_POINTERS,
            {"attach to four": "ENOMEM", "the first still counts": 1, "attach to another": "ok"},
            "kernels 5.4.59, 5.6.4, 5.7.14 and 5.8.18",
        ),
        Outcome(
            changes.SHARED_STORAGE,
            {
                "attach to four": "ENOMEM",
                "the first still counts": 1,
                "attach to another": "ENOMEM",
            },
            "``local_storage.c`` of 5.9 and 5.10; the July 2020 proposal, tested by hand, which "
            "needs a page for a moment even if the storage exists",
            step="The storage of a detached program still counts against the limit.",
        ),
        Outcome(
            changes.MEMCG_ACCOUNTING,
            {"attach to four": "ok", "the first still counts": 1, "attach to another": "ok"},
            "``local_storage.c:bpf_cgroup_storage_alloc`` of 6.1",
        ),
    ),
    kernel={"memlock": 4 * PAGE_SIZE},
    unsafe=True,
    before="5.10",
    after="5.11",
    symptoms=(
        "ENOMEM from BPF_PROG_ATTACH or BPF_LINK_CREATE",
        "ENOMEM (Cannot allocate memory) with gigabytes free",
        "EPERM (Operation not permitted) from BPF_MAP_CREATE as root",
    ),
    rules=("create.memlock", "attach.failed"),
    recipes=(),
    explains=(
        Explains(changes.MEMCG_ACCOUNTING),
        Explains(changes.STORAGES_BY_TYPE),
        Explains(changes.STORAGE_POINTERS),
        Explains(changes.SHARED_STORAGE, ("*: ENOMEM / *", "*: * / ENOMEM", "*: * / EPERM")),
        Explains(changes.ATTACH_TYPE_IGNORED, ("*: ENOMEM / *", "*: * / ENOMEM")),
    ),
)
