# SPDX-License-Identifier: GPL-2.0-only
"""What the kernel's own selftests check of these maps, as behaviour.

Of ``tools/testing/selftests/bpf``: ``cg_storage_multi`` (egress only, isolated, shared, and the
exclusive use that it replaced), ``netcnt``, ``test_cgroup_storage``, ``udp_limit``,
``test_cgroup_attach`` (the programs of MULTI and OVERRIDE), each on every mainline release that it
applies to.
"""

from __future__ import annotations

import pytest
from support_programs import (
    EGRESS,
    INGRESS,
    LEGACY,
    SHARED,
    counter,
    mixer,
    percpu_map,
    since,
    skb,
    storage_map,
)
from support_state import refused

from reference_model import (
    BPF_CGROUP_INET_SOCK_CREATE,
    BPF_CGROUP_INET_SOCK_RELEASE,
    BPF_F_ALLOW_MULTI,
    BPF_F_ALLOW_OVERRIDE,
    BPF_F_PREORDER,
    BPF_F_QUERY_EFFECTIVE,
    BPF_F_REPLACE,
    BPF_PROG_TYPE_CGROUP_SOCK,
    MAINLINE,
    U32,
    U64,
    Add,
    BitVerdict,
    Cgroup,
    Denied,
    Flush,
    Guard,
    Kernel,
    MapFd,
    ProgFd,
    Return,
    Struct,
    errors,
)

MULTI, OVERRIDE, REPLACE = (
    int(flag) for flag in (BPF_F_ALLOW_MULTI, BPF_F_ALLOW_OVERRIDE, BPF_F_REPLACE)
)
COUNTS = Struct(egress_pkts=U32, ingress_pkts=U32)


def hierarchy(kernel: Kernel) -> tuple[Cgroup, Cgroup]:
    """A parent and a child."""
    parent = kernel.mkdir("parent")
    return parent, kernel.mkdir("child", parent)


def counters(kernel: Kernel, counts: MapFd) -> list[ProgFd]:
    """Two programs of egress and one of ingress on one map."""
    return [
        skb(kernel, Add(counts, field=f"{way}_pkts")) for way in ("egress", "egress", "ingress")
    ]


# -- cg_storage_multi --------------------------------------------------------------------------


@pytest.mark.parametrize("release", MAINLINE)
def test_egress_only(release: str) -> None:
    """One program: first on the parent, then on the child too; traffic always in the child."""
    kernel = Kernel(release)
    parent, child = hierarchy(kernel)
    counts = storage_map(kernel)
    prog = counter(kernel, counts)

    kernel.prog_attach(parent, prog, EGRESS, MULTI)
    kernel.fire(child, EGRESS)
    assert kernel.map_lookup_elem(counts, (parent, EGRESS)) == 1
    with refused(kernel, "ENOENT", errors.NoEntry):
        kernel.map_lookup_elem(counts, (child, EGRESS))

    kernel.prog_attach(child, prog, EGRESS, MULTI)
    kernel.fire(child, EGRESS)
    assert kernel.map_lookup_elem(counts, (parent, EGRESS)) == 2
    assert kernel.map_lookup_elem(counts, (child, EGRESS)) == 1


@pytest.mark.parametrize("release", SHARED)
def test_isolated(release: str) -> None:
    """16-byte key: two egress programs share a storage, the ingress program has another."""
    kernel = Kernel(release)
    parent, child = hierarchy(kernel)
    counts = storage_map(kernel, value=COUNTS)
    egress1, egress2, ingress = counters(kernel, counts)

    def values(cgroup: Cgroup) -> list[tuple[int, int]]:
        found = [kernel.map_lookup_elem(counts, (cgroup, hook)) for hook in (EGRESS, INGRESS)]
        return [(value["egress_pkts"], value["ingress_pkts"]) for value in found]

    for prog, hook in ((egress1, EGRESS), (egress2, EGRESS), (ingress, INGRESS)):
        kernel.prog_attach(parent, prog, hook, MULTI)
    kernel.run_hooks(child, EGRESS, INGRESS)
    assert values(parent) == [(2, 0), (0, 1)]
    for hook in (EGRESS, INGRESS):
        with refused(kernel, "ENOENT", errors.NoEntry):
            kernel.map_lookup_elem(counts, (child, hook))

    for prog, hook in ((egress1, EGRESS), (egress2, EGRESS), (ingress, INGRESS)):
        kernel.prog_attach(child, prog, hook, MULTI)
    kernel.run_hooks(child, EGRESS, INGRESS)
    assert values(parent) == [(4, 0), (0, 2)]
    assert values(child) == [(2, 0), (0, 1)]


@pytest.mark.parametrize("release", SHARED)
def test_shared(release: str) -> None:
    """8-byte key: all three programs share one storage for each cgroup."""
    kernel = Kernel(release)
    parent, child = hierarchy(kernel)
    counts = storage_map(kernel, U64, COUNTS)
    egress1, egress2, ingress = counters(kernel, counts)

    for prog, hook in ((egress1, EGRESS), (egress2, EGRESS), (ingress, INGRESS)):
        kernel.prog_attach(parent, prog, hook, MULTI)
    kernel.run_hooks(child, EGRESS, INGRESS)
    assert kernel.map_lookup_elem(counts, parent) == {"egress_pkts": 2, "ingress_pkts": 1}
    with refused(kernel, "ENOENT", errors.NoEntry):
        kernel.map_lookup_elem(counts, child)

    for prog, hook in ((egress1, EGRESS), (egress2, EGRESS), (ingress, INGRESS)):
        kernel.prog_attach(child, prog, hook, MULTI)
    kernel.run_hooks(child, EGRESS, INGRESS)
    assert kernel.map_lookup_elem(counts, parent) == {"egress_pkts": 4, "ingress_pkts": 2}
    assert kernel.map_lookup_elem(counts, child) == {"egress_pkts": 2, "ingress_pkts": 1}


@pytest.mark.parametrize("release", LEGACY)
def test_exclusive(release: str) -> None:
    """Up to 5.8 no second program loads; and a key of 8 bytes is refused."""
    kernel = Kernel(release)
    counts = storage_map(kernel)
    prog = counter(kernel, counts)
    with refused(kernel, "EBUSY", errors.StorageBusy):
        counter(kernel, counts)
    kernel.close(prog)
    counter(kernel, counts)
    with refused(kernel, "EINVAL", errors.KeySize):
        storage_map(kernel, U64)


# -- netcnt ------------------------------------------------------------------------------------

BATCH = Struct(packets=U64, bytes=U64)


@pytest.mark.parametrize("release", since("4.20"))
def test_netcnt(release: str) -> None:
    """Counted per CPU, flushed to the shared storage now and then: nothing is lost or doubled."""
    kernel = Kernel(release)
    cgroup = kernel.mkdir()
    total, batch = storage_map(kernel, value=BATCH), percpu_map(kernel, value=BATCH)
    prog = skb(
        kernel,
        Add(batch, field="packets"),
        Add(batch, 40, field="bytes"),
        Flush(batch, total, 32, "packets", "packets"),
        Flush(batch, total, 32 * 40, "bytes", "bytes"),
    )
    kernel.prog_attach(cgroup, prog, EGRESS)
    sent = 10000
    for number in range(sent):
        kernel.fire(cgroup, EGRESS, cpu=number % 3 % 2)
    flushed = kernel.map_lookup_elem(total, (cgroup, EGRESS))
    waiting = kernel.map_lookup_elem(batch, (cgroup, EGRESS))
    assert all(one["packets"] < 32 for one in waiting)
    assert flushed["packets"] % 32 == 0
    assert flushed["packets"] + sum(one["packets"] for one in waiting) == sent
    assert flushed["bytes"] + sum(one["bytes"] for one in waiting) == sent * 40


# -- test_cgroup_storage -----------------------------------------------------------------------


@pytest.mark.parametrize("release", MAINLINE)
def test_cgroup_storage(release: str) -> None:
    """Every second packet passes: the lowest bit of the counter decides."""
    kernel = Kernel(release)
    cgroup, counts = kernel.mkdir(), storage_map(kernel)
    kernel.prog_attach(cgroup, skb(kernel, Add(counts), BitVerdict(counts)), EGRESS)
    key = kernel.map_get_next_key(counts)
    assert key == (cgroup.id, EGRESS)
    assert kernel.map_lookup_elem(counts, key) == 0
    for packets in (2, 4):
        kernel.fire(cgroup, EGRESS)
        with pytest.raises(Denied):
            kernel.fire(cgroup, EGRESS)
        assert kernel.map_lookup_elem(counts, key) == packets
    kernel.map_update_elem(counts, key, 1000)
    kernel.fire(cgroup, EGRESS)
    assert kernel.map_lookup_elem(counts, key) == 1001


# -- test_cgroup_attach ------------------------------------------------------------------------


@pytest.mark.parametrize("release", MAINLINE)
def test_attach_multi(release: str) -> None:
    """cg1 (MULTI: A, B) / cg2 (OVERRIDE: C) / cg3 (MULTI: D) / cg4 (OVERRIDE: E) / cg5 (0: F)."""
    kernel = Kernel(release)
    names: dict[int, str] = {}
    cgroups = [kernel.mkdir()]
    for _ in range(4):
        cgroups.append(kernel.mkdir(parent=cgroups[-1]))
    progs = {}
    for name, cgroup, flags in zip(
        "ABCDEF",
        [cgroups[0], *cgroups],
        [MULTI, MULTI, OVERRIDE, MULTI, OVERRIDE, 0],
        strict=True,
    ):
        progs[name] = skb(kernel)
        names[progs[name].id] = name
        kernel.prog_attach(cgroup, progs[name], EGRESS, flags)
    with refused(kernel, "EINVAL", errors.AlreadyAttached):
        kernel.prog_attach(cgroups[0], progs["A"], EGRESS, MULTI)

    def runs(cgroup: Cgroup) -> str:
        found = kernel.prog_query(cgroup, EGRESS, BPF_F_QUERY_EFFECTIVE)
        return "".join(names[number] for number in found.prog_ids)

    assert [runs(cgroup) for cgroup in cgroups] == ["AB", "CAB", "DAB", "EDAB", "FDAB"]
    kernel.prog_detach(cgroups[4], None, EGRESS)  # F goes: E is seen from below again
    assert runs(cgroups[4]) == "EDAB"
    kernel.prog_detach(cgroups[2], progs["D"], EGRESS)
    assert runs(cgroups[4]) == "EAB"
    kernel.prog_detach(cgroups[3], None, EGRESS)
    assert runs(cgroups[4]) == "CAB"
    kernel.prog_detach(cgroups[1], None, EGRESS)
    assert runs(cgroups[4]) == "AB"


@pytest.mark.parametrize("release", since("5.6"))
def test_attach_multi_replace(release: str) -> None:
    """BPF_F_REPLACE: wrong flags EINVAL, a closed descriptor EBADF, not attached ENOENT."""
    kernel = Kernel(release)
    cgroup = kernel.mkdir()
    one, two, three, closed = (skb(kernel) for _ in range(4))
    kernel.close(closed)
    for prog in (one, two):
        kernel.prog_attach(cgroup, prog, EGRESS, MULTI)
    for flags in (REPLACE, REPLACE | OVERRIDE):
        with refused(kernel, "EINVAL", errors.AttachFlags):
            kernel.prog_attach(cgroup, three, EGRESS, flags, replace=one)
    with refused(kernel, "EBADF", errors.BadDescriptor):
        kernel.prog_attach(cgroup, three, EGRESS, MULTI | REPLACE, replace=closed)
    with refused(kernel, "ENOENT", errors.NothingToReplace):
        kernel.prog_attach(cgroup, three, EGRESS, MULTI | REPLACE, replace=three)
    with refused(kernel, "EINVAL", errors.AlreadyAttached):
        kernel.prog_attach(cgroup, two, EGRESS, MULTI | REPLACE, replace=one)
    kernel.prog_attach(cgroup, three, EGRESS, MULTI | REPLACE, replace=one)
    assert kernel.prog_query(cgroup, EGRESS).prog_ids == (three.id, two.id)


@pytest.mark.parametrize("release", MAINLINE)
def test_attach_override(release: str) -> None:
    """foo / bar: what may be attached below OVERRIDE, and below nothing of the kind."""
    kernel = Kernel(release)
    foo, bar = hierarchy(kernel)
    prog, stops = skb(kernel), skb(kernel, Return(0))
    kernel.prog_attach(foo, stops, EGRESS, OVERRIDE)
    with pytest.raises(Denied):
        kernel.fire(bar, EGRESS)
    kernel.prog_attach(bar, prog, EGRESS, OVERRIDE)
    kernel.fire(bar, EGRESS)
    kernel.prog_detach(bar, None, EGRESS)
    with pytest.raises(Denied):
        kernel.fire(bar, EGRESS)
    kernel.prog_detach(foo, None, EGRESS)
    kernel.fire(bar, EGRESS)
    kernel.prog_attach(bar, stops, EGRESS, OVERRIDE)
    with refused(kernel, "EPERM", errors.OtherFlagsAttached):
        kernel.prog_attach(bar, prog, EGRESS)
    kernel.prog_detach(bar, None, EGRESS)
    with refused(kernel, "ENOENT", errors.NotAttached):
        kernel.prog_detach(foo, None, EGRESS)
    kernel.prog_attach(foo, prog, EGRESS)
    with refused(kernel, "EPERM", errors.HierarchyForbids):
        kernel.prog_attach(bar, prog, EGRESS, OVERRIDE)


@pytest.mark.parametrize("release", since("7.0"))
def test_preorder(release: str) -> None:
    """cgroup_preorder: digits appended by parent and child, each with and without the flag."""
    kernel = Kernel(release)
    parent, child = hierarchy(kernel)
    order = BPF_F_PREORDER
    names: dict[int, int] = {}
    for number, cgroup, flags in [
        (1, child, MULTI),
        (2, child, MULTI | order),
        (3, parent, MULTI),
        (4, parent, MULTI | order),
    ]:
        prog = mixer(kernel, storage_map(kernel), 1)
        names[prog.id] = number
        kernel.prog_attach(cgroup, prog, EGRESS, flags)
    running = kernel.prog_query(child, EGRESS, BPF_F_QUERY_EFFECTIVE).prog_ids
    assert [names[number] for number in running] == [4, 2, 1, 3]
    kernel.fire(child, EGRESS)


# -- udp_limit ----------------------------------------------------------------------------------


@pytest.mark.parametrize("release", SHARED)
def test_one_socket_at_a_time(release: str) -> None:
    """A program of INET_SOCK_CREATE allows one socket, one of INET_SOCK_RELEASE counts it out.

    The selftest keeps its counts in global variables; here they are a storage with an 8-byte key.
    A denied socket does not run INET_SOCK_RELEASE.
    """
    kernel = Kernel(release)
    cgroup, counts = kernel.mkdir(), storage_map(kernel, U64, Struct(runs=U64, in_use=U64))
    sock = BPF_PROG_TYPE_CGROUP_SOCK
    limit = [Add(counts, 1, "runs"), Guard(counts, 1, "in_use"), Add(counts, 1, "in_use")]
    created = kernel.prog_load(sock, limit)
    release_type = BPF_CGROUP_INET_SOCK_RELEASE
    ended = kernel.prog_load(
        sock,
        [Add(counts, 1, "runs"), Add(counts, -1, "in_use")],
        expected_attach_type=int(release_type),
    )
    kernel.prog_attach(cgroup, created, BPF_CGROUP_INET_SOCK_CREATE)
    kernel.prog_attach(cgroup, ended, release_type)

    def seen() -> tuple[int, int]:
        value = kernel.map_lookup_elem(counts, cgroup)
        return value["runs"], value["in_use"]

    first = kernel.socket(cgroup)
    assert seen() == (1, 1)
    with pytest.raises(Denied):
        kernel.socket(cgroup)
    assert seen() == (2, 1)
    kernel.close_socket(first)
    assert seen() == (3, 0)
    second = kernel.socket(cgroup)
    assert seen() == (4, 1)
    kernel.close_socket(second)
    assert seen() == (5, 0)
