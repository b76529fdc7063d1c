# SPDX-License-Identifier: GPL-2.0-only
"""CAP_SYS_ADMIN without CAP_NET_ADMIN: not enough to attach and query before 6.9."""

from __future__ import annotations

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

from ..story import Addition, Evidence, Explains, Observe, Outcome


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Let a caller with CAP_SYS_ADMIN, and without CAP_NET_ADMIN, attach and query."""
    web, db = kernel.mkdir("web"), kernel.mkdir("db")
    egress = BPF_CGROUP_INET_EGRESS

    with kernel.user("CAP_SYS_ADMIN"):
        counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
        count = observe(
            "load",
            lambda: kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count"),
        )
        observe("attach", lambda: kernel.prog_attach(web, count, egress, BPF_F_ALLOW_MULTI))
        observe("link", lambda: kernel.link_create(db, count, egress))
        observe("programs", lambda: len(kernel.prog_query(web, egress).prog_ids))


STORY = Addition(
    title="CAP_SYS_ADMIN is enough to attach and to query",
    nav="CAP_SYS_ADMIN can attach",
    affects="both",
    summary="""
Attaching a ``CGROUP_SKB`` program and querying a hook require ``CAP_NET_ADMIN``. Since Linux 6.9
``CAP_SYS_ADMIN`` is enough, as it always was for loading. Before 6.9 a process with
``CAP_SYS_ADMIN`` alone could create maps and load programs, but could not attach them.
""",
    probe="""
Call ``BPF_PROG_QUERY`` on a cgroup, without ``CAP_NET_ADMIN``. ``EPERM`` means that the kernel
requires it. Do not test with attaching: from 5.8 to 6.8 it fails with ``EINVAL``, which has many
other reasons. ``BPF_LINK_CREATE`` fails with ``EPERM``.
""",
    without="""
Give the process ``CAP_NET_ADMIN`` as well. It works on every release. Since 5.8 ``CAP_BPF`` and
``CAP_NET_ADMIN`` together are enough for these maps and their programs, and are less than
``CAP_SYS_ADMIN``. LSM programs differ: loading them requires ``CAP_BPF`` and ``CAP_PERFMON``.
""",
    details="""
Commit :commit:`ed1ad5a7415d` ("bpf: align CAP_NET_ADMIN checks with bpf_capable() approach")
replaced the checks for ``CAP_NET_ADMIN`` with one function, ``bpf_net_capable()``, which accepts
either capability.

The errno depends on the release and the command:

* Before 5.8 attaching any program without ``CAP_NET_ADMIN`` fails with ``EPERM``.
* Since 5.8 only ``CGROUP_SKB`` programs require it for attaching, and ``BPF_PROG_ATTACH`` turns the
  ``EPERM`` into ``EINVAL``.
* ``BPF_LINK_CREATE``, new in 5.7, fails with ``EPERM``.

So since 6.9 a service that gave up ``CAP_NET_ADMIN`` and kept ``CAP_SYS_ADMIN`` can attach
programs. If you relied on the old behaviour, close the descriptors instead of dropping the
capability.
""",
    shown_by="user space",
    run=run,
    outcomes=(
        Outcome(
            None,
            {"load": "ok", "attach": "EPERM", "link": "EINVAL", "programs": "EPERM"},
            "``syscall.c:bpf_prog_attach``, ``bpf_prog_query`` of 4.19 and 5.4; no links yet",
        ),
        Outcome(
            changes.LINKS,
            {"load": "ok", "attach": "EPERM", "link": "EPERM", "programs": "EPERM"},
            "kernel 5.7.14; ``syscall.c:link_create`` of 5.7",
            step="``BPF_LINK_CREATE`` fails with ``EPERM`` without ``CAP_NET_ADMIN``.",
        ),
        Outcome(
            changes.CAP_BPF,
            {"load": "ok", "attach": "EINVAL", "link": "EPERM", "programs": "EPERM"},
            "kernels 5.10.262 and 6.1.192, trace net-admin; "
            "``syscall.c:bpf_prog_attach_check_attach_type`` of 5.8",
            step="Without ``CAP_NET_ADMIN`` attaching a ``CGROUP_SKB`` program fails with "
            "``EINVAL`` instead of ``EPERM``.",
        ),
        Outcome(
            changes.SYS_ADMIN_IS_NET_ADMIN,
            {"load": "ok", "attach": "ok", "link": "ok", "programs": 1},
            "kernels 6.12.117 to 7.3.4, trace net-admin; ``syscall.c:bpf_net_capable`` of 6.12",
        ),
    ),
    evidence=(Evidence("net-admin", same={5: "attach"}),),
    before="6.8",
    after="6.9",
    symptoms=(
        "EINVAL from BPF_PROG_ATTACH without CAP_NET_ADMIN",
        "EPERM from BPF_LINK_CREATE without CAP_NET_ADMIN",
        "EPERM from BPF_PROG_QUERY",
    ),
    rules=("attach.capability", "load.capability"),
    explains=(Explains(changes.SYS_ADMIN_IS_NET_ADMIN),),
)
