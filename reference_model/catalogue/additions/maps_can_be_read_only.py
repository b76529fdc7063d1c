# SPDX-License-Identifier: GPL-2.0-only
"""BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG and BPF_MAP_FREEZE: EINVAL up to 5.1, there from 5.2 on."""

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
    title="A map can be read-only for programs, or for user space",
    summary="""
From Linux 5.2 on ``BPF_F_RDONLY_PROG`` makes a map that programs can only read, which is right for
settings. ``BPF_F_WRONLY_PROG`` makes one that they can only write. ``BPF_MAP_FREEZE`` shuts out the
writes of user space for ever, while programs go on writing. Before, the flags and the command are
``EINVAL``.
""",
    probe="""
Create a map with ``BPF_F_RDONLY_PROG``: ``EINVAL`` means that neither the flags nor the freeze are
there, since both came in 5.2. Do not try the freeze on a map that is in use: there is no way back.
""",
    without="""
Do without. The flags guard against mistakes of one's own programs, and what the verifier accepts
with them works without them. To keep other processes from writing, pin the map and let them open
the pin by ``BPF_OBJ_GET`` with ``BPF_F_RDONLY``, which is there on 4.19. A descriptor that was
opened for writing stays so.
""",
    details="""
:commit:`591fe9888d78` ("bpf: add program side {rd, wr}only support for maps") brought the flags,
:commit:`87df15de441b` ("bpf: add syscall side map freeze support") the command. Both flags at once
are ``EINVAL``. For cgroup storages neither says anything about user space: here it blocks the
cgroup by writing 1 to a map that its program only reads.

The verifier does the checking, when the program is loaded: a store into a value of a
``BPF_F_RDONLY_PROG`` map, atomic additions included, is ``EACCES``, and so is a load from one of a
``BPF_F_WRONLY_PROG`` map.

A frozen map still gets new storages by attaching, and these start with zeros that nobody but a
program can change. To fill in a value, attach first, write, and freeze then. Entries still go with
their cgroups. A second freeze is ``EBUSY``, from 6.5 on ``EPERM``.

Who may freeze: ``CAP_SYS_ADMIN`` up to 5.7, ``CAP_BPF`` or that up to 6.4, and from 6.5 on whoever
has a descriptor that can write. A map whose value holds a ``bpf_spin_lock`` cannot be frozen from
6.2 on, and cannot be ``BPF_F_RDONLY_PROG`` at all.
""",
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
            "kernel 4.19.108; local_storage.c of 4.19",
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
            "kernels 5.4.59 to 7.2.13 and the proposal; syscall.c:map_freeze, "
            "verifier.c:check_map_access_type of 5.4 and 7.3",
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
