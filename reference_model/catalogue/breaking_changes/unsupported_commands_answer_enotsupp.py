# SPDX-License-Identifier: GPL-2.0-only
"""Commands that these maps never had: EINVAL, then ENOTSUPP since 4.20 and 5.6."""

from __future__ import annotations

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_RDONLY,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    STORAGE_KEY,
    U64,
    KernelInterface,
    changes,
)

from ..story import BreakingChange, Evidence, Explains, Observe, Outcome, Sign


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Try commands that the map type lacks, also through a read-only descriptor."""
    web = kernel.mkdir("web")
    key = (web, BPF_CGROUP_INET_EGRESS)
    counts, reader = (
        kernel.map_create(
            BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name=name, map_flags=flags
        )
        for name, flags in (("counts", 0), ("reader", BPF_F_RDONLY))
    )

    observe("lookup and delete", lambda: kernel.map_lookup_and_delete_elem(counts, key))
    observe("lookup and delete, read-only", lambda: kernel.map_lookup_and_delete_elem(reader, key))
    observe("lookup batch", lambda: kernel.map_lookup_batch(counts))
    observe("delete batch, read-only", lambda: kernel.map_delete_batch(reader))


STORY = BreakingChange(
    title="Unsupported commands fail with ENOTSUPP",
    nav="ENOTSUPP for batch commands",
    summary="""
These maps have no ``BPF_MAP_LOOKUP_AND_DELETE_ELEM`` and no batch commands. Since these commands
exist (4.20 and 5.6), they fail with ``ENOTSUPP``, errno 524, or with ``EPERM`` if the descriptor
does not allow the access. Older kernels reject them with ``EINVAL``.
""",
    affects="both",
    affected="""
* You are affected if you try such a command and fall back on ``EINVAL`` only.
* You are affected if you read ``EINVAL`` as "this kernel has no batch commands".
* If you never use these commands on these maps, no change is needed.
""",
    signs=(
        Sign(
            "C",
            "bpf_map_(lookup|update|delete)_batch|lookup_and_delete|LOOKUP_BATCH",
            "the commands",
        ),
        Sign("Go", "Batch(Lookup|Update|Delete)|LookupAndDelete", "the commands"),
    ),
    fix="""
Iterate over the keys instead:
""",
    details="""
Commit :commit:`bd513cd08f10` ("bpf: add MAP_LOOKUP_AND_DELETE_ELEM syscall", Linux 4.20) and commit
:commit:`cb4d03ab499d` ("bpf: Add generic support for lookup batch op", Linux 5.6) added the
commands for other map types. The kernel checks in this order (``syscall.c:bpf_map_do_batch``,
``map_lookup_and_delete_elem``):

* If the descriptor is not open, the command fails with ``EBADF``.
* If the descriptor does not allow the access, the command fails with ``EPERM``. The same is true if
  the command writes and the map is frozen.
* Then the command fails with ``ENOTSUPP`` because of the map type.

Before 5.8 the kernel did not check read permission for ``BPF_MAP_LOOKUP_AND_DELETE_ELEM``: with a
``BPF_F_WRONLY`` descriptor, it failed with ``ENOTSUPP``. Since 5.8 it fails with ``EPERM`` (commit
:commit:`1ea0f9120c8c`, "bpf: Fix map permissions check", also in 5.4.48 and 5.7.5).

524 is internal to the kernel. libc has no name for it, and strerror(3) returns "Unknown error 524".
It differs from ``EOPNOTSUPP`` (95), which libc also calls ``ENOTSUP``.

``BPF_MAP_DELETE_ELEM`` fails with ``EINVAL`` on every release.
""",
    shown_by="user space",
    run=run,
    outcomes=(
        Outcome(
            None,
            {
                "lookup and delete": "EINVAL",
                "lookup and delete, read-only": "EINVAL",
                "lookup batch": "EINVAL",
                "delete batch, read-only": "EINVAL",
            },
            "kernel 4.19.108; ``syscall.c`` of 4.19: the default of the switch",
        ),
        Outcome(
            changes.LOOKUP_AND_DELETE,
            {
                "lookup and delete": "ENOTSUPP",
                "lookup and delete, read-only": "EPERM",
                "lookup batch": "EINVAL",
                "delete batch, read-only": "EINVAL",
            },
            "kernel 5.4.59; ``syscall.c:map_lookup_and_delete_elem`` of 5.4",
        ),
        Outcome(
            changes.BATCH_COMMANDS,
            {
                "lookup and delete": "ENOTSUPP",
                "lookup and delete, read-only": "EPERM",
                "lookup batch": "ENOTSUPP",
                "delete batch, read-only": "EPERM",
            },
            "kernels 5.8.18 to 7.3.4; ``syscall.c:bpf_map_do_batch``",
        ),
    ),
    evidence=(
        Evidence(
            "commands-the-type-does-not-know", same={5: "lookup and delete", 6: "lookup batch"}
        ),
        Evidence("divergence-creation-c531ffec", same={2: "lookup and delete, read-only"}),
    ),
    before="4.19",
    after="5.6",
    symptoms=(
        "ENOTSUPP (Unknown error 524) from BPF_MAP_LOOKUP_BATCH",
        "ENOTSUPP (Unknown error 524) from BPF_MAP_LOOKUP_AND_DELETE_ELEM",
        "EPERM instead of EINVAL from a batch command",
    ),
    rules=("command.batch", "command.lookup-and-delete", "errors.unknown-command"),
    recipes=("walk_all_keys",),
    explains=(
        Explains(changes.LOOKUP_AND_DELETE),
        Explains(changes.BATCH_COMMANDS),
        Explains(changes.LOOKUP_AND_DELETE_READS),
    ),
)
