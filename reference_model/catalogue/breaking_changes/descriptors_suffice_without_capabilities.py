# SPDX-License-Identifier: GPL-2.0-only
"""Without capabilities and with the sysctl set: EPERM before 5.19, then what descriptors allow."""

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

from ..story import BreakingChange, Evidence, Explains, Observe, Outcome, Sign


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Let a process without capabilities use the descriptors of root."""
    web = kernel.mkdir("web")
    egress, multi = BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")
    guard = kernel.prog_load(
        BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
        expected_attach_type=BPF_CGROUP_INET4_CONNECT,
        prog_name="guard",
    )
    kernel.prog_attach(web, count, egress, multi)
    kernel.fire(web, egress)

    with kernel.user():
        observe("lookup", lambda: kernel.map_lookup_elem(counts, (web, egress)))
        observe("update", lambda: kernel.map_update_elem(counts, (web, egress), 0))
        observe("attach", lambda: kernel.prog_attach(web, guard, BPF_CGROUP_INET4_CONNECT, multi))
        observe("detach", lambda: kernel.prog_detach(web, count, egress))
        observe(
            "create a map",
            lambda: kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64),
        )


STORY = BreakingChange(
    title="Descriptors suffice without capabilities",
    nav="Descriptors need no CAP_BPF",
    summary="""
Since Linux 5.19 a process without ``CAP_BPF`` can use the file descriptors that it holds: read and
write values, or detach programs of a cgroup. Before 5.19 every bpf(2) command of such a process
failed with ``EPERM`` where the sysctl ``kernel.unprivileged_bpf_disabled`` is set.
""",
    affects="both",
    affected="""
* You are affected if you pass descriptors of maps, programs or cgroups to processes with fewer
  privileges, and rely on the sysctl to stop them.
* You are affected if you read ``EPERM`` as "this process cannot use bpf(2)".
* If such processes hold no descriptors, no change is needed.
""",
    signs=(
        Sign(
            "C",
            "SCM_RIGHTS|bpf_obj_get|unprivileged_bpf|without_capabilities",
            "descriptors that other processes get",
        ),
        Sign(
            "Go",
            "LoadPinnedMap|UnixRights|unprivileged_bpf",
            "descriptors that other processes get",
        ),
        Sign("Rust", "from_pinned_path|unprivileged_bpf", "descriptors that other processes get"),
        Sign("shell", "unprivileged_bpf_disabled", "the sysctl"),
    ),
    fix="""
Give processes with fewer privileges a read-only descriptor of the map, and no descriptor of the
cgroup's directory:
""",
    details="""
Commit :commit:`c8644cd0efe7` ("bpf: refine kernel.unprivileged_bpf_disabled behaviour", Linux 5.19)
moved the check of the sysctl from the start of all commands to ``BPF_MAP_CREATE`` and
``BPF_PROG_LOAD``. The other commands still require what they required before. A query, and
attaching a ``CGROUP_SKB`` program, require ``CAP_NET_ADMIN``. An update requires a writable
descriptor. On 5.8 to 5.18 the commands required nothing else either, but the check of the sysctl
rejected the caller first.

Holding the descriptor is therefore what grants access. To processes that only read, pass a
descriptor that was opened with ``BPF_F_RDONLY``. Do not pass a descriptor of the cgroup's
directory, because it allows detaching. The permissions of a pin are those of its file.

The example sets ``kernel.unprivileged_bpf_disabled=2``. With 0, the same commands were open to all
processes before 5.19 already, see :story:`detach_needs_no_capability`.
""",
    shown_by="user space",
    run=run,
    outcomes=(
        Outcome(
            None,
            {
                "lookup": "EPERM",
                "update": "EPERM",
                "attach": "EPERM",
                "detach": "EPERM",
                "create a map": "EPERM",
            },
            "kernel 5.10.262; ``syscall.c:bpf`` of 4.19 and 5.4, __sys_bpf of 5.10",
        ),
        Outcome(
            changes.UNPRIVILEGED_COMMANDS,
            {
                "lookup": 1,
                "update": "ok",
                "attach": "ok",
                "detach": "ok",
                "create a map": "EPERM",
            },
            "kernels 6.1.192 to 7.3.4; ``syscall.c:__sys_bpf``, ``map_create`` of 6.1 and 7.3",
        ),
    ),
    evidence=(
        Evidence("divergence-users-2fbc4c58", there={5: "lookup"}),
        Evidence("divergence-users-17f5cd83", same={5: "update"}),
        Evidence("divergence-users-16cba168", same={5: "detach"}),
    ),
    kernel={"unprivileged_bpf_disabled": 2},
    before="5.18",
    after="5.19",
    symptoms=(
        "EPERM no longer comes from BPF_MAP_LOOKUP_ELEM without capabilities",
        "a process without capabilities changes values of a map",
        "an unprivileged process detached the program",
    ),
    rules=("errors.unprivileged", "attach.capability", "detach.capability"),
    recipes=(),
    explains=(Explains(changes.UNPRIVILEGED_COMMANDS),),
)
