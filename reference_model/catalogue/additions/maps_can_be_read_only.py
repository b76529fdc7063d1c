# SPDX-License-Identifier: GPL-2.0-only
"""BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG and BPF_MAP_FREEZE: EINVAL before 5.2."""

from __future__ import annotations

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_F_ALLOW_MULTI,
    BPF_F_RDONLY_PROG,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    STORAGE_KEY,
    U64,
    Add,
    KernelInterface,
    Verdict,
    changes,
)

from ..story import Addition, Evidence, Explains, Observe, Outcome


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Freeze a map that a program writes, and make one that programs can only read."""
    web = kernel.mkdir("web")
    egress = BPF_CGROUP_INET_EGRESS
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")
    kernel.prog_attach(web, count, egress, BPF_F_ALLOW_MULTI)
    kernel.fire(web, egress)
    observe("freeze counts", lambda: kernel.map_freeze(counts))
    observe("user space sets counts to 0", lambda: kernel.map_update_elem(counts, (web, egress), 0))
    kernel.fire(web, egress)
    observe("counts", lambda: kernel.map_lookup_elem(counts, (web, egress)))

    blocked = observe(
        "create blocked, read-only for programs",
        lambda: kernel.map_create(
            BPF_MAP_TYPE_CGROUP_STORAGE,
            STORAGE_KEY,
            U64,
            map_flags=BPF_F_RDONLY_PROG,
            map_name="blocked",
        ),
    )
    if blocked is None:
        return
    skb = BPF_PROG_TYPE_CGROUP_SKB
    observe("load a program that writes", lambda: kernel.prog_load(skb, Add(blocked)))
    guard = kernel.prog_load(skb, Verdict(blocked, below=1), prog_name="guard")
    kernel.prog_attach(web, guard, egress, BPF_F_ALLOW_MULTI)
    observe("packet", lambda: kernel.fire(web, egress))
    observe(
        "user space sets blocked to 1", lambda: kernel.map_update_elem(blocked, (web, egress), 1)
    )
    observe("next packet", lambda: kernel.fire(web, egress))


STORY = Addition(
    title="Maps can be read-only for programs or for user space",
    nav="Read-only and frozen maps",
    affects="both",
    summary="""
Since Linux 5.2 programs can only read a map that has ``BPF_F_RDONLY_PROG``, and can only write one
that has ``BPF_F_WRONLY_PROG``. ``BPF_MAP_FREEZE`` permanently forbids user space to write, while
programs still can. Older kernels reject the flags and the command with ``EINVAL``.
""",
    probe="""
Create a map with ``BPF_F_RDONLY_PROG``. ``EINVAL`` means that the kernel has neither the flags nor
the command, because 5.2 added both. Do not test with ``BPF_MAP_FREEZE`` on a map in use: freezing
cannot be undone.
""",
    without="""
* Leave the flags out. They only guard against mistakes in your own programs: a program that loads
  with them also works without them.
* To keep other processes from writing, pin the map and let them open it with ``BPF_OBJ_GET`` and
  ``BPF_F_RDONLY``, which 4.19 has. A descriptor that was opened for writing stays writable.
""",
    details="""
:commit:`591fe9888d78` ("bpf: add program side {rd, wr}only support for maps") added the flags,
:commit:`87df15de441b` ("bpf: add syscall side map freeze support") the command. Setting both flags
fails with ``EINVAL``. The flags do not restrict user space: in the example it blocks a cgroup by
writing 1 into a map that its program only reads.

The verifier checks the flags when a program is loaded. A store into a value of a
``BPF_F_RDONLY_PROG`` map fails with ``EACCES``, and so does an atomic addition. A load from a value
of a ``BPF_F_WRONLY_PROG`` map fails in the same way.

Attaching a program still creates storages in a frozen map. They start with zeros, and only programs
can change them. To set a value, attach first, then write, then freeze. The kernel still frees
entries with their cgroups. Freezing a second time fails with ``EBUSY``, since 6.5 with ``EPERM``.

Before 5.8 freezing requires ``CAP_SYS_ADMIN``; from 5.8 to 6.4 ``CAP_BPF`` is enough. Since 6.5 it
requires a writable descriptor instead. Since 6.2 a map whose value has a ``bpf_spin_lock`` cannot
be frozen. Such a map can never have ``BPF_F_RDONLY_PROG``.
""",
    shown_by="object",
    run=run,
    outcomes=(
        Outcome(
            None,
            {
                "freeze counts": "EINVAL",
                "user space sets counts to 0": "ok",
                "counts": 1,
                "create blocked, read-only for programs": "EINVAL",
            },
            "kernel 4.19.108; ``local_storage.c`` of 4.19",
        ),
        Outcome(
            changes.MAP_FREEZE,
            {
                "freeze counts": "ok",
                "user space sets counts to 0": "EPERM",
                "counts": 2,
                "create blocked, read-only for programs": "ok",
                "load a program that writes": "EACCES",
                "packet": "ok",
                "user space sets blocked to 1": "ok",
                "next packet": "denied",
            },
            "kernels 5.4.59 to 7.2.13, the July 2020 proposal; ``syscall.c:map_freeze``, "
            "``verifier.c:check_map_access_type`` of 5.4 and 7.3",
        ),
    ),
    evidence=(
        Evidence("s1-0174", same={2: "create blocked, read-only for programs"}),
        Evidence("s1-0375", same={14: "freeze counts"}),
    ),
    before="5.1",
    after="5.2",
    symptoms=(
        "EINVAL from BPF_MAP_CREATE with BPF_F_RDONLY_PROG or BPF_F_WRONLY_PROG",
        "EINVAL from BPF_MAP_FREEZE",
        "EACCES from BPF_PROG_LOAD: write into map forbidden",
        "EPERM from BPF_MAP_UPDATE_ELEM on a frozen map",
    ),
    rules=("create.flags", "helper.access-flags", "command.freeze", "btf.no-freeze"),
    recipes=("share_configuration",),
    explains=(Explains(changes.PROG_ACCESS_FLAGS), Explains(changes.MAP_FREEZE)),
)
