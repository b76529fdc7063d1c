# SPDX-License-Identifier: GPL-2.0-only
"""Attach and detach without CAP_NET_ADMIN: EPERM before 5.8, mostly allowed since."""

from __future__ import annotations

from reference_model import (
    BPF_CGROUP_INET4_CONNECT,
    BPF_CGROUP_INET_EGRESS,
    BPF_F_ALLOW_MULTI,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
    STORAGE_KEY,
    U64,
    Add,
    KernelInterface,
    changes,
)

from ..story import BreakingChange, Explains, Observe, Outcome, Sign


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Let a process without capabilities attach, detach and query, with descriptors of root."""
    web = kernel.mkdir("web")
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")
    guard = kernel.prog_load(
        BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
        expected_attach_type=BPF_CGROUP_INET4_CONNECT,
        prog_name="guard",
    )
    egress, multi = BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI

    with kernel.user():
        observe("attach cgroup_skb", lambda: kernel.prog_attach(web, count, egress, multi))
        observe(
            "attach sock_addr",
            lambda: kernel.prog_attach(web, guard, BPF_CGROUP_INET4_CONNECT, multi),
        )

    kernel.prog_attach(web, count, egress, multi)
    kernel.fire(web, egress)
    with kernel.user():
        observe("detach", lambda: kernel.prog_detach(web, count, egress))
        observe("query", lambda: kernel.prog_query(web, egress).prog_ids)


STORY = BreakingChange(
    title="Detaching needs no capability",
    nav="Detaching without privilege",
    summary="""
Since Linux 5.8, ``BPF_PROG_DETACH`` needs only a file descriptor of the cgroup, and attaching needs
``CAP_NET_ADMIN`` for ``CGROUP_SKB`` programs only. Without it, ``BPF_PROG_ATTACH`` fails with
``EINVAL``. Before 5.8 both commands required ``CAP_NET_ADMIN``, and failed with ``EPERM``.
""",
    affects="both",
    affected="""
* You are affected if less trusted processes can open your cgroups' directories.
* You are affected if you rely on ``EPERM`` to detect a missing privilege.
* If everything runs as root, no change is needed.
""",
    signs=(
        Sign(
            "C",
            "EPERM|bpf_prog_detach|BPF_PROG_DETACH",
            "calls whose errno or privilege changed",
        ),
        Sign(
            "Go",
            "EPERM|RawDetachProgram|ErrPermission",
            "calls whose errno or privilege changed",
        ),
        Sign(
            "Python",
            "EPERM|PermissionError|detach_func\\(",
            "calls whose errno or privilege changed",
        ),
        Sign(
            "shell", "bpftool cgroup (attach|detach)", "commands whose errno or privilege changed"
        ),
    ),
    fix="""
Attach the program with a link (since 5.7). ``BPF_PROG_DETACH`` does not detach it, so a descriptor
of the cgroup is not enough:
""",
    details="""
Commit :commit:`2c78ee898d8f` ("bpf: Implement CAP_BPF", Linux 5.8) moved the checks to loading,
which requires ``CAP_BPF`` together with ``CAP_NET_ADMIN`` for these program types. Attaching still
requires ``CAP_NET_ADMIN`` for ``CGROUP_SKB`` programs, which can be loaded without privileges.
``bpf_prog_attach()`` turns the ``EPERM`` of that check into ``EINVAL``, while ``BPF_LINK_CREATE``
returns ``-EPERM``. ``BPF_PROG_QUERY`` requires ``CAP_NET_ADMIN`` on every release, or since 6.9
``CAP_SYS_ADMIN``.

Since 5.8 you therefore have to protect the cgroup's directory: every process that can open it can
detach programs. On a hook with flags 0 or ``BPF_F_ALLOW_OVERRIDE``, this does not even require a
descriptor of the program. On 5.8, it frees the data of the program too. Since 5.9 the entry
remains.

The example sets ``kernel.unprivileged_bpf_disabled=0``. Where it is set, kernels before 5.19 reject
every bpf(2) command of a process without ``CAP_BPF``. Later kernels reject only
``BPF_MAP_CREATE`` and ``BPF_PROG_LOAD``.
""",
    shown_by="user space",
    run=run,
    outcomes=(
        Outcome(
            None,
            {
                "attach cgroup_skb": "EPERM",
                "attach sock_addr": "EPERM",
                "detach": "EPERM",
                "query": "EPERM",
            },
            "``syscall.c:bpf_prog_attach``, ``bpf_prog_detach`` of 4.19 and 5.4",
        ),
        Outcome(
            changes.CAP_BPF,
            {
                "attach cgroup_skb": "EINVAL",
                "attach sock_addr": "ok",
                "detach": "ok",
                "query": "EPERM",
            },
            "``syscall.c:bpf_prog_attach``, ``bpf_prog_attach_check_attach_type`` of 5.8, 6.12 "
            "and 7.3",
        ),
    ),
    kernel={"unprivileged_bpf_disabled": 0},
    before="5.7",
    after="5.8",
    symptoms=(
        "EINVAL from BPF_PROG_ATTACH without CAP_NET_ADMIN",
        "an unprivileged process detached the program",
        "EPERM no longer comes from BPF_PROG_DETACH",
    ),
    rules=("attach.capability", "detach.capability"),
    recipes=(),
    explains=(Explains(changes.CAP_BPF),),
)
