# SPDX-License-Identifier: GPL-2.0-only
"""After rmdir: storages wait for the last socket; in 5.3 and 5.4 those of ancestors did not."""

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
* You are affected on 5.3 and early 5.4 if you remove a cgroup and its parent, both with programs,
  while a socket is open: the kernel may crash.
* If you read the values before you remove the cgroup, no change is needed.
""",
    signs=(
        Sign("C", "rmdir|remove_cgroup|ENOENT", "code that removes cgroups or waits for it"),
        Sign(
            "Go",
            "os\\.Remove|unix\\.Rmdir|ErrKeyNotExist",
            "code that removes cgroups or waits for it",
        ),
    ),
    fix="""
Read the last values before you remove the cgroup:
""",
    details="""
Up to 5.2 the programs and storages of a removed cgroup went with the kernel's cgroup structure, and
that can be held for long, for one by page cache that is charged to it. Commit
:commit:`4bfc0bb2c60e` ("bpf: decouple the lifetime of cgroup_bpf from cgroup itself", Linux 5.3)
counts sockets instead. After rmdir(2) the last socket, or the lack of any, starts a work item that
detaches the programs and frees the storages, from maps that are open or pinned too. It comes a
little later, with no promise when.

A socket belongs for ever to the cgroup in which it was made; an accepted one to that of its
listener. It does not matter where its process is now.

The programs of ancestors run for the socket as well. In 5.3 they could be released before it, so
the next packet ran freed programs on freed storages. Commit :commit:`e10360f815ca` ("bpf: cgroup:
prevent out-of-order release of cgroup bpf") lets a cgroup hold its ancestors; it is in 5.5 and
5.4.13.

No kernel was recorded that releases in the wrong order: that outcome was deduced from what the
commit repaired. A cgroup that is held by something other than a socket (up to 5.2) is not modelled.
""",
    run=run,
    outcomes=(
        Outcome(None, _WAITS, "kernel 4.19.108; cgroup_bpf goes with the css in 4.19"),
        Outcome(
            changes.CGROUP_BPF_REFCOUNT,
            {
                "before rmdir": 1,
                "after rmdir": 1,
                "one packet later": 2,
                "packet after both are gone": "undefined",
            },
            "deduced from what commit e10360f815ca repaired; not recorded",
        ),
        Outcome(
            changes.ANCESTORS_HELD,
            _WAITS,
            "kernels 5.4.59 to 7.2.13 and the proposal; cgroup.c:cgroup_bpf_inherit",
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
