# SPDX-License-Identifier: GPL-2.0-only
"""A call with two faults: which errno is returned changed in 5.3, 5.11 and 6.19."""

from __future__ import annotations

from typing import Any

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_WRONLY,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_NOEXIST,
    PAGE_SIZE,
    STORAGE_KEY,
    U64,
    KernelInterface,
    changes,
)

from ..story import BreakingChange, Evidence, Explains, Observe, Outcome, Sign


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Make two calls that are wrong in two ways each."""
    web = kernel.mkdir("web")

    def create(name: str, map_flags: int = 0) -> Any:
        return kernel.map_create(
            BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name=name, map_flags=map_flags
        )

    writer = create("writer", BPF_F_WRONLY)  # takes the only page of RLIMIT_MEMLOCK
    observe("bad name, no memory", lambda: create("no-name"))
    observe(
        "bad flags, write-only",
        lambda: kernel.map_lookup_elem(writer, (web, BPF_CGROUP_INET_EGRESS), BPF_NOEXIST),
    )


STORY = BreakingChange(
    title="Calls with two faults may fail with another errno",
    nav="Two faults, another errno",
    summary="""
The order in which the kernel checks arguments changes between releases. On Linux 5.3 to 5.10
creating a map with an invalid name fails with ``EPERM`` if ``RLIMIT_MEMLOCK`` is exceeded too; on
other releases with ``EINVAL``. Since 6.19 a lookup with invalid flags through a write-only
descriptor fails with ``EPERM`` instead of ``EINVAL``.
""",
    affects="both",
    affected="""
* You are affected if you provoke errors on purpose, in probes or tests, and expect one errno.
* If your calls are valid, no change is needed.
""",
    signs=(
        Sign("C", "EINVAL|EPERM|RLIMIT_MEMLOCK|memlock_rlim", "errnos that are compared"),
        Sign("Go", "EINVAL|EPERM|RemoveMemlock", "errnos that are compared"),
    ),
    fix="""
Probe with a call that has one fault at most: raise ``RLIMIT_MEMLOCK``, and then create a valid map
of the kind that you need:
""",
    details="""
Commit :commit:`c85d69135a91` ("bpf: move memory size checks to bpf_map_charge_init()", Linux 5.3)
moved charging the memory of the map into the function of the map type. It now happens before the
name and BTF are checked (``syscall.c:map_create``), so the ``EPERM`` of the limit comes first.
Since 5.11 these maps do not count against the limit, and the call fails with ``EINVAL`` for its
name.

The other change is in ``syscall.c:map_lookup_elem``. Since 6.19, the kernel checks the flags after
the descriptor (``bpf_map_check_op_flags()``, absent from 6.18.35 and present in 6.19.9). With a
readable descriptor, invalid flags fail with ``EINVAL`` on every release.

Other pairs changed places too. Since 7.2, the kernel checks ``BPF_F_RDONLY`` together with
``BPF_F_WRONLY`` after the sizes (``map_create_alloc()``, absent from 7.1.5 and present in 7.2.13).
With a value that is too large, the call therefore fails with ``E2BIG`` instead of ``EINVAL`` (from
source).

One call with one fault changed its errno. ``BPF_LINK_UPDATE`` of a link whose cgroup was removed
fails with ``EINVAL`` on 5.7, and with ``ENOLINK`` since 5.8 (:change:`LINK_UPDATE_ENOLINK`).

The example sets the limit to one page, which the first map occupies.
""",
    shown_by="user space",
    run=run,
    outcomes=(
        Outcome(
            None,
            {"bad name, no memory": "EINVAL", "bad flags, write-only": "EINVAL"},
            "``syscall.c:map_create``, ``map_lookup_elem`` of 4.19",
        ),
        Outcome(
            changes.MEMLOCK_BEFORE_ALLOCATION,
            {"bad name, no memory": "EPERM", "bad flags, write-only": "EINVAL"},
            "kernel 5.10.262; ``syscall.c:map_create``, ``local_storage.c`` of 5.4",
        ),
        Outcome(
            changes.MEMCG_ACCOUNTING,
            {"bad name, no memory": "EINVAL", "bad flags, write-only": "EINVAL"},
            "``local_storage.c:cgroup_storage_map_alloc`` of 6.1; kernels 6.1.192 and 6.12.117",
            step="Creating a map with an invalid name fails with ``EINVAL`` again, because "
            "``RLIMIT_MEMLOCK`` no longer limits maps.",
        ),
        Outcome(
            changes.LOOKUP_FLAGS_LATE,
            {"bad name, no memory": "EINVAL", "bad flags, write-only": "EPERM"},
            "kernels 6.19.14 and 7.3.4",
        ),
    ),
    kernel={"memlock": PAGE_SIZE},
    evidence=(Evidence("flags-and-modes", same={4: "bad flags, write-only"}),),
    before="6.18",
    after="6.19",
    symptoms=(
        "EPERM (Operation not permitted) from BPF_MAP_CREATE where EINVAL was expected",
        "EPERM from BPF_MAP_LOOKUP_ELEM where EINVAL was expected",
    ),
    rules=("create.name", "create.memlock", "create.order", "lookup.flags"),
    recipes=(),
    explains=(
        Explains(changes.MEMLOCK_BEFORE_ALLOCATION),
        Explains(changes.LINK_UPDATE_ENOLINK),
        Explains(changes.LOOKUP_FLAGS_LATE),
    ),
)
