# SPDX-License-Identifier: GPL-2.0-only
"""After rmdir: storages remain until the last socket is closed; those of ancestors since 5.5."""

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

from ..story import BreakingChange, Evidence, Explains, Observations, Observe, Outcome, Sign


def run(kernel: KernelInterface, observe: Observe) -> None:
    """Remove a cgroup and its parent while a socket of the child still sends."""
    shop = kernel.mkdir("shop")
    web = kernel.mkdir("web", shop)
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")
    egress = BPF_CGROUP_INET_EGRESS
    kernel.prog_attach(shop, count, egress, BPF_F_ALLOW_MULTI)
    kernel.prog_attach(web, count, egress, BPF_F_ALLOW_MULTI)

    socket = kernel.socket(web)
    kernel.fire(socket, egress)
    observe("before rmdir", lambda: kernel.map_lookup_elem(counts, (web, egress)))
    kernel.rmdir(web)
    observe("after rmdir", lambda: kernel.map_lookup_elem(counts, (web, egress)))
    kernel.fire(socket, egress)
    observe("one packet later", lambda: kernel.map_lookup_elem(counts, (web, egress)))

    kernel.rmdir(shop)
    observe("packet after both are gone", lambda: kernel.fire(socket, egress))
    observe("entry of shop", lambda: kernel.map_lookup_elem(counts, (shop, egress)))
    kernel.close_socket(socket)
    observe("socket closed", lambda: kernel.map_lookup_elem(counts, (web, egress)))
    observe("entry of shop, later", lambda: kernel.map_lookup_elem(counts, (shop, egress)))


_WAITS: Observations = {
    "before rmdir": 1,
    "after rmdir": 1,
    "one packet later": 2,
    "packet after both are gone": "ok",
    "entry of shop": 3,
    "socket closed": "ENOENT",
    "entry of shop, later": "ENOENT",
}

STORY = BreakingChange(
    title="Removed cgroups keep storages while sockets live",
    nav="Removed cgroups and sockets",
    summary="""
Removing a cgroup does not free its storages while a socket that was created in it is open, on every
release. Since Linux 5.3 only sockets keep them; before, anything that held the cgroup did. Kernels
5.3 and 5.4 before 5.4.13 could free the storages of the ancestors too early.
""",
    affects="both",
    affected="""
* You are affected if you expect entries to disappear with rmdir(2), or to remain for a while.
* On 5.3 and early 5.4, the kernel may crash if you remove a cgroup and its parent, both with
  programs, while a socket is open.
* If you read the values before you remove the cgroup, no change is needed.
""",
    signs=(
        Sign("C", "rmdir|remove_cgroup|ENOENT", "code that removes cgroups or waits for it"),
        Sign(
            "Go",
            "os\\.Remove|unix\\.Rmdir|ErrKeyNotExist",
            "code that removes cgroups or waits for it",
        ),
        Sign("Python", "os\\.rmdir\\(|\\.rmdir\\(", "code that removes cgroups"),
        Sign("shell", "rmdir", "commands that remove cgroups"),
    ),
    fix="""
Read the last values before you remove the cgroup:
""",
    details="""
Before 5.3, the programs and storages of a removed cgroup were freed with the kernel's cgroup
structure. That structure can remain for long, for example because of page cache that is charged to
it. Commit :commit:`4bfc0bb2c60e` ("bpf: decouple the lifetime of cgroup_bpf from cgroup itself",
Linux 5.3) counts sockets instead. After rmdir(2), once no socket is left, a work item detaches the
programs and frees the storages, even in maps that are open or pinned. This happens a little later,
at an unspecified time.

A socket always belongs to the cgroup in which it was created. An accepted socket belongs to the
cgroup of its listener. The current cgroup of the process does not matter.

The programs of ancestors run for the socket as well. In 5.3 they could be freed before it, so the
next packet ran freed programs on freed storages. Since commit :commit:`e10360f815ca` ("bpf: cgroup:
prevent out-of-order release of cgroup bpf"), a cgroup holds its ancestors. The commit is in 5.5 and
5.4.13.
""",
    shown_by="user space",
    run=run,
    outcomes=(
        Outcome(
            None,
            _WAITS,
            "kernel 4.19.108; ``cgroup_bpf`` is freed with the css in 4.19; what else holds it "
            "was not tested",
        ),
        Outcome(
            changes.CGROUP_BPF_REFCOUNT,
            {
                "before rmdir": 1,
                "after rmdir": 1,
                "one packet later": 2,
                "packet after both are gone": "undefined",
            },
            "from source: what commit e10360f815ca fixed; no tested kernel frees in this order",
        ),
        Outcome(
            changes.ANCESTORS_HELD,
            _WAITS,
            "kernels 5.4.59 to 7.2.13, the July 2020 proposal; ``cgroup.c:cgroup_bpf_inherit``",
        ),
    ),
    evidence=(
        Evidence(
            "rmdir-with-live-socket",
            same={7: "before rmdir", 9: "after rmdir", 11: "one packet later", 17: "socket closed"},
        ),
    ),
    unsafe=True,
    before="5.4",
    after="5.5",
    symptoms=(
        "entries of removed cgroups stay in the map",
        "a removed cgroup still counts packets",
        "5.3 or 5.4 crashes after cgroups were removed",
    ),
    rules=("lifetime.socket", "lifetime.cgroup"),
    recipes=(),
    explains=(Explains(changes.CGROUP_BPF_REFCOUNT), Explains(changes.ANCESTORS_HELD)),
)
