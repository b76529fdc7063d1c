# SPDX-License-Identifier: GPL-2.0-only
"""BPF_PROG_ATTACH and BPF_PROG_DETACH.

Every refusal here is also a test that it changed nothing: see ``support_state.refused``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support_programs import (
    EGRESS,
    INGRESS,
    before,
    counter,
    since,
    skb,
    storage_map,
)
from support_state import out_of_memory, refused, undefined, without_memory

from reference_model import (
    BPF_CGROUP_GETSOCKOPT,
    BPF_CGROUP_INET4_BIND,
    BPF_CGROUP_INET4_CONNECT,
    BPF_CGROUP_INET4_GETPEERNAME,
    BPF_CGROUP_INET4_POST_BIND,
    BPF_CGROUP_INET_SOCK_CREATE,
    BPF_CGROUP_INET_SOCK_RELEASE,
    BPF_CGROUP_SETSOCKOPT,
    BPF_CGROUP_SYSCTL,
    BPF_CGROUP_UDP4_RECVMSG,
    BPF_CGROUP_UNIX_CONNECT,
    BPF_F_AFTER,
    BPF_F_ALLOW_MULTI,
    BPF_F_ALLOW_OVERRIDE,
    BPF_F_BEFORE,
    BPF_F_ID,
    BPF_F_LINK,
    BPF_F_PREORDER,
    BPF_F_REPLACE,
    BPF_LSM_CGROUP,
    BPF_PROG_TYPE_CGROUP_SOCK,
    BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
    BPF_PROG_TYPE_CGROUP_SOCKOPT,
    BPF_PROG_TYPE_LSM,
    MAINLINE,
    Add,
    AttachType,
    BpfError,
    Cgroup,
    Kernel,
    ProgFd,
    ProgType,
    Release,
    Return,
    changes,
    errors,
)

OVERRIDE, MULTI, REPLACE = (
    int(flag) for flag in (BPF_F_ALLOW_OVERRIDE, BPF_F_ALLOW_MULTI, BPF_F_REPLACE)
)
BEFORE, AFTER, ID, LINK, PREORDER = (
    int(flag) for flag in (BPF_F_BEFORE, BPF_F_AFTER, BPF_F_ID, BPF_F_LINK, BPF_F_PREORDER)
)
SOCK, ADDR = BPF_PROG_TYPE_CGROUP_SOCK, BPF_PROG_TYPE_CGROUP_SOCK_ADDR
SOCK_CREATE, POST_BIND = BPF_CGROUP_INET_SOCK_CREATE, BPF_CGROUP_INET4_POST_BIND

ORDERING = ["6.12.110", *since("6.17")]
NO_ORDERING = [*before("6.17"), "6.12.109", "proposal"]
PREORDERING = ["6.6.93", "6.12.31", "6.14.9", *since("6.15")]
NO_PREORDERING = [*before("6.15"), "6.6.92", "6.12.30", "6.14.8", "proposal"]


def tree(kernel: Kernel) -> tuple[Cgroup, Cgroup, Cgroup]:
    """The cgroups a, a/b and a/b/c."""
    a = kernel.mkdir("a")
    b = kernel.mkdir("b", a)
    return a, b, kernel.mkdir("c", b)


def crowd(kernel: Kernel, cgroup: Cgroup, size: int) -> list[ProgFd]:
    """So many programs on the cgroup's egress hook."""
    progs = [skb(kernel) for _ in range(size)]
    for prog in progs:
        kernel.prog_attach(cgroup, prog, EGRESS, MULTI)
    return progs


def ids(kernel: Kernel, cgroup: Cgroup, *, effective: bool = False) -> list[int]:
    """The ids of the programs attached to egress, or that run there, in order."""
    return list(kernel.prog_query(cgroup, EGRESS, int(effective)).prog_ids)


# -- 3.1: before the cgroup code ---------------------------------------------------------------


class Request:
    """A BPF_PROG_ATTACH where everything is wrong, to be put right piece by piece."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.user: tuple[str, ...] = ("CAP_BPF",)
        self.cgroup = kernel.mkdir()
        self.prog, self.replace = (skb(kernel, expected=EGRESS) for _ in range(2))
        self.attach_type: Any = 99
        self.flags = MULTI | REPLACE | 1 << 20
        for descriptor in (self.cgroup, self.prog, self.replace):
            kernel.close(descriptor)

    def attach(self) -> None:
        with self.kernel.user(*self.user):
            self.kernel.prog_attach(
                self.cgroup, self.prog, self.attach_type, self.flags, replace=self.replace
            )

    def refused(self, name: str, reason: type[BpfError]) -> None:
        with refused(self.kernel, name, reason):
            self.attach()


@pytest.mark.parametrize("release", since("5.6"))
def test_attach_checks_in_order(release: str) -> None:
    """From 5.6 on, where BPF_F_REPLACE exists."""
    kernel = Kernel(release, unprivileged_bpf_disabled=0)
    request = Request(kernel)
    late = Release(release) >= Release("5.8")
    if not late:  # capability: first of all, EPERM
        request.refused("EPERM", errors.NotPermitted)
        request.user = ("CAP_NET_ADMIN",)
    request.refused("EINVAL", errors.AttachFlags)
    request.flags = MULTI | REPLACE
    request.refused("EINVAL", errors.WrongAttachType)
    request.attach_type = SOCK_CREATE
    request.refused("EBADF", errors.BadDescriptor)
    request.prog = storage_map(kernel)  # type: ignore[assignment]
    request.refused("EINVAL", errors.WrongDescriptor)
    request.prog = skb(kernel)
    request.refused("EINVAL", errors.WrongDescriptor)
    request.prog = kernel.prog_load(SOCK, expected_attach_type=POST_BIND)
    request.refused("EINVAL", errors.WrongAttachType)
    request.attach_type, request.prog = EGRESS, skb(kernel)
    if late:  # only CGROUP_SKB needs it, and the EPERM becomes EINVAL
        request.refused("EINVAL", errors.WrongAttachType)
        request.user = ("CAP_NET_ADMIN",)
    request.refused("EBADF", errors.BadDescriptor)  # the cgroup
    request.cgroup = kernel.mkdir()
    kernel.rmdir(request.cgroup)
    request.refused("ENOENT", errors.CgroupGone)
    request.cgroup = kernel.mkdir()
    request.refused("EBADF", errors.BadDescriptor)  # the program to replace
    request.replace = kernel.prog_load(SOCK)
    request.refused("EINVAL", errors.WrongDescriptor)
    request.replace = skb(kernel)
    request.refused("ENOENT", errors.NothingToReplace)  # 3.2
    request.flags = MULTI
    request.attach()


@pytest.mark.parametrize("release", [*before("5.6"), "4.19.108", "5.4.59"])
def test_attach_checks_in_order_before_replace(release: str) -> None:
    kernel = Kernel(release, unprivileged_bpf_disabled=0)
    request = Request(kernel)
    request.refused("EPERM", errors.NotPermitted)
    request.user = ("CAP_NET_ADMIN",)
    request.refused("EINVAL", errors.AttachFlags)
    request.flags = MULTI
    request.refused("EINVAL", errors.AttachFlags)  # CHECK_ATTR: no such field as replace_bpf_fd
    request.replace = None  # type: ignore[assignment]
    request.refused("EINVAL", errors.WrongAttachType)
    request.attach_type = EGRESS
    request.refused("EBADF", errors.BadDescriptor)
    request.prog = kernel.prog_load(SOCK)
    request.refused("EINVAL", errors.WrongDescriptor)
    request.prog = skb(kernel)
    request.refused("EBADF", errors.BadDescriptor)
    request.cgroup = kernel.mkdir()
    request.attach()


@pytest.mark.parametrize("release", since("5.6"))
@pytest.mark.parametrize("flags", [0, OVERRIDE, MULTI])
def test_a_bogus_program_to_replace_is_ignored_without_the_flag(release: str, flags: int) -> None:
    """Looked up only where MULTI and REPLACE are both set."""
    kernel = Kernel(release)
    closed = skb(kernel)
    kernel.close(closed)
    kernel.prog_attach(kernel.mkdir(), skb(kernel), EGRESS, flags, replace=closed)


@pytest.mark.parametrize(
    ("flag", "releases"),
    [
        (REPLACE, before("5.6")),
        (PREORDER, NO_PREORDERING),
        *((flag, NO_ORDERING) for flag in (BEFORE, AFTER, ID, LINK)),
    ],
)
def test_flags_of_later_releases(flag: int, releases: list[str]) -> None:
    """EINVAL outside the mask."""
    for release in releases:
        kernel = Kernel(release)
        cgroup, prog = kernel.mkdir(), skb(kernel)
        with refused(kernel, "EINVAL", errors.AttachFlags):
            kernel.prog_attach(cgroup, prog, EGRESS, MULTI | flag)


@pytest.mark.parametrize("release", NO_ORDERING)
def test_fields_of_later_releases(release: str) -> None:
    """relative_fd and expected_revision must be 0 before 6.17."""
    kernel = Kernel(release)
    cgroup, prog = kernel.mkdir(), skb(kernel)
    with refused(kernel, "EINVAL", errors.AttachFlags):
        kernel.prog_attach(cgroup, prog, EGRESS, MULTI, relative=prog)
    with refused(kernel, "EINVAL", errors.AttachFlags):
        kernel.prog_attach(cgroup, prog, EGRESS, MULTI, expected_revision=1)
    kernel.prog_attach(cgroup, prog, EGRESS, MULTI)
    with refused(kernel, "EINVAL", errors.AttachFlags):
        kernel.prog_detach(cgroup, prog, EGRESS, expected_revision=2)


@pytest.mark.parametrize("release", MAINLINE)
def test_who_may_attach_and_detach(release: str) -> None:
    kernel = Kernel(release, unprivileged_bpf_disabled=0)
    cgroup, packets, sockets = kernel.mkdir(), skb(kernel), kernel.prog_load(SOCK)
    with kernel.user():
        if Release(release) < Release("5.8"):
            for prog, hook in ((packets, EGRESS), (sockets, SOCK_CREATE)):
                with refused(kernel, "EPERM", errors.NotPermitted):
                    kernel.prog_attach(cgroup, prog, hook)
                with refused(kernel, "EPERM", errors.NotPermitted):
                    kernel.prog_detach(cgroup, prog, hook)
            return
        with refused(kernel, "EINVAL", errors.WrongAttachType):
            kernel.prog_attach(cgroup, packets, EGRESS)
        kernel.prog_attach(cgroup, sockets, SOCK_CREATE)
        kernel.prog_detach(cgroup, sockets, SOCK_CREATE)
    with kernel.user("CAP_NET_ADMIN"):
        kernel.prog_attach(cgroup, packets, EGRESS)
    with kernel.user():
        kernel.prog_detach(cgroup, packets, EGRESS)
    with kernel.user("CAP_SYS_ADMIN"):  # kernels 5.10.262, 6.1.192 and 6.12.117
        if Release(release) >= Release("6.9"):
            kernel.prog_attach(cgroup, packets, EGRESS)
        else:
            with refused(kernel, "EINVAL", errors.WrongAttachType):
                kernel.prog_attach(cgroup, packets, EGRESS)


# -- 2.4: which program at which attach type ---------------------------------------------------


@pytest.mark.parametrize("release", MAINLINE)
@pytest.mark.parametrize("declared", [INGRESS, EGRESS])
def test_one_packet_program_serves_both_directions(release: str, declared: int) -> None:
    kernel = Kernel(release)
    cgroup, prog = kernel.mkdir(), skb(kernel, expected=declared)
    kernel.prog_attach(cgroup, prog, EGRESS)
    kernel.prog_attach(cgroup, prog, INGRESS)


@pytest.mark.parametrize("release", since("5.3"))
def test_a_program_that_returns_only_2_or_3_belongs_to_egress(release: str) -> None:
    kernel = Kernel(release)
    cgroup, prog = kernel.mkdir(), skb(kernel, Return(2), expected=EGRESS)
    with refused(kernel, "EINVAL", errors.WrongAttachType):
        kernel.prog_attach(cgroup, prog, INGRESS)
    kernel.prog_attach(cgroup, prog, EGRESS)


DECLARING = [
    (SOCK, SOCK_CREATE, POST_BIND, "4.19"),
    (ADDR, BPF_CGROUP_INET4_CONNECT, BPF_CGROUP_INET4_BIND, "4.19"),
    (BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_CGROUP_GETSOCKOPT, BPF_CGROUP_SETSOCKOPT, "5.3"),
]


@pytest.mark.parametrize(("prog_type", "declared", "other", "first"), DECLARING)
def test_a_program_that_declares_its_attach_type_keeps_to_it(
    prog_type: ProgType, declared: AttachType, other: AttachType, first: str
) -> None:
    for release in since(first):
        kernel = Kernel(release)
        cgroup = kernel.mkdir()
        prog = kernel.prog_load(prog_type, expected_attach_type=declared)
        with refused(kernel, "EINVAL", errors.WrongAttachType):
            kernel.prog_attach(cgroup, prog, other)
        kernel.prog_attach(cgroup, prog, declared)


@pytest.mark.parametrize(
    ("attach_type", "first"),
    [
        (BPF_CGROUP_SYSCTL, "5.2"),
        (BPF_CGROUP_UDP4_RECVMSG, "5.2"),
        (BPF_CGROUP_GETSOCKOPT, "5.3"),
        (BPF_CGROUP_INET4_GETPEERNAME, "5.8"),
        (BPF_CGROUP_INET_SOCK_RELEASE, "5.9"),
        (BPF_LSM_CGROUP, "6.0"),
        (BPF_CGROUP_UNIX_CONNECT, "6.7"),
    ],
)
def test_attach_types_that_came_later(attach_type: AttachType, first: str) -> None:
    """'attach type known': before, EINVAL, which no program fd could change."""
    for release in before(first):
        kernel = Kernel(release)
        cgroup, prog = kernel.mkdir(), skb(kernel)
        with refused(kernel, "EINVAL", errors.WrongAttachType):
            kernel.prog_attach(cgroup, prog, attach_type)
        with refused(kernel, "EINVAL", errors.WrongAttachType):
            kernel.prog_detach(cgroup, prog, attach_type)
    for release in since(first):
        kernel = Kernel(release)
        cgroup, prog = kernel.mkdir(), skb(kernel)
        with refused(kernel, "EINVAL", errors.WrongDescriptor):
            kernel.prog_attach(cgroup, prog, attach_type)


# -- 3.2: __cgroup_bpf_attach ------------------------------------------------------------------


def all_wrong(kernel: Kernel) -> tuple[Cgroup, Cgroup, list[ProgFd], ProgFd]:
    """A parent whose program forbids, a full child, its programs, and one that is not there.

    The parent takes flags 0 although the child has programs already.
    """
    parent = kernel.mkdir()
    child = kernel.mkdir(parent=parent)
    progs = crowd(kernel, child, 64)
    kernel.prog_attach(parent, skb(kernel), EGRESS)
    return parent, child, progs, skb(kernel)


def fails_in_turn(kernel: Kernel, attach: Callable[[], object], *allocations: str) -> None:
    """ENOMEM by each of these allocations, in this order, all of them failing at first."""
    for allocation in allocations:
        kernel.fail_next(allocation)
    for number, allocation in enumerate(allocations):
        with without_memory(kernel) if allocation == "storage" else out_of_memory(kernel):
            attach()
        assert kernel.failing == set(allocations[number + 1 :])


@pytest.mark.parametrize("release", since("5.6"))
def test_cgroup_attach_checks_in_order(release: str) -> None:
    """With the ordering rows from 6.17."""
    kernel = Kernel(release)
    ordering = kernel.has(changes.ORDERING)
    parent, child, progs, new = all_wrong(kernel)
    here, absent = progs[0], skb(kernel)
    stale = 7 if ordering else 0

    def attach(prog: ProgFd, flags: int) -> None:
        kernel.prog_attach(child, prog, EGRESS, flags, replace=absent, expected_revision=stale)

    with refused(kernel, "EINVAL", errors.AttachFlags):
        attach(here, OVERRIDE | MULTI)
    with refused(kernel, "EINVAL", errors.AttachFlags):
        attach(here, REPLACE)
    with refused(kernel, "EINVAL", errors.AttachFlags):
        attach(here, OVERRIDE | REPLACE)
    if ordering:
        for beside in (BEFORE, AFTER):
            with refused(kernel, "EINVAL", errors.AttachFlags):
                attach(here, MULTI | REPLACE | beside)
        with refused(kernel, "ESTALE", errors.StaleRevision):
            attach(here, OVERRIDE)
        stale = 0
    with refused(kernel, "EPERM", errors.HierarchyForbids):
        attach(here, OVERRIDE)
    kernel.prog_detach(parent, None, EGRESS)
    with refused(kernel, "EPERM", errors.OtherFlagsAttached):
        attach(here, OVERRIDE)
    for flags in (MULTI, MULTI | REPLACE):
        with refused(kernel, "E2BIG", errors.TooManyPrograms):
            attach(here, flags)
    kernel.prog_detach(child, progs[-1], EGRESS)
    for allocation in ("storage", "node", "effective"):
        kernel.fail_next(allocation)
    for flags in (MULTI, MULTI | REPLACE):
        with refused(kernel, "EINVAL", errors.AlreadyAttached):
            attach(here, flags)
    with refused(kernel, "ENOENT", errors.NothingToReplace):
        attach(new, MULTI | REPLACE)
    kernel.failing.clear()
    new = counter(kernel, storage_map(kernel))
    fails_in_turn(kernel, lambda: attach(new, MULTI), "storage", "node")
    kernel.fail_next("effective")
    if ordering:
        with refused(kernel, "EINVAL", errors.Position):
            attach(new, MULTI | BEFORE | AFTER)
    fails_in_turn(kernel, lambda: attach(new, MULTI), "effective")
    attach(new, MULTI)


@pytest.mark.parametrize("release", [*before("5.6"), "4.19.108", "5.4.59"])
def test_cgroup_attach_checks_in_order_before_5_6(release: str) -> None:
    """Up to 5.5 'attached already' came after the allocation of storages."""
    kernel = Kernel(release)
    parent, child, progs, _ = all_wrong(kernel)
    here = counter(kernel, storage_map(kernel))

    def attach(prog: ProgFd, flags: int) -> None:
        kernel.prog_attach(child, prog, EGRESS, flags)

    with refused(kernel, "EINVAL", errors.AttachFlags):
        attach(here, OVERRIDE | MULTI)
    with refused(kernel, "EPERM", errors.HierarchyForbids):
        attach(here, OVERRIDE)
    kernel.prog_detach(parent, None, EGRESS)
    with refused(kernel, "EPERM", errors.OtherFlagsAttached):
        attach(here, OVERRIDE)
    with refused(kernel, "E2BIG", errors.TooManyPrograms):
        attach(here, MULTI)
    kernel.prog_detach(child, progs[-1], EGRESS)
    fails_in_turn(kernel, lambda: attach(here, MULTI), "storage", "node", "effective")
    attach(here, MULTI)
    kernel.prog_detach(child, progs[0], EGRESS)
    for allocation in ("storage", "node"):
        kernel.fail_next(allocation)
    with without_memory(kernel):
        attach(here, MULTI)
    assert kernel.failing == {"node"}
    with refused(kernel, "EINVAL", errors.AlreadyAttached):
        attach(here, MULTI)
    assert kernel.failing == {"node"}


@pytest.mark.parametrize("release", [*since("5.11")])
def test_nothing_but_storages_is_allocated_for_a_program_in_place_of_another(release: str) -> None:
    """A replacement needs no list node."""
    kernel = Kernel(release)
    cgroup = kernel.mkdir()
    kernel.prog_attach(cgroup, skb(kernel), EGRESS)
    kernel.fail_next("node")
    kernel.prog_attach(cgroup, skb(kernel), EGRESS)
    assert kernel.failing == {"node"}


# The transition table of 3.2: what is there, new flags, and what comes of it.
TRANSITIONS = [
    (None, 0, "attached"),
    (None, OVERRIDE, "attached"),
    (None, MULTI, "attached"),
    (0, 0, "replaced"),
    (0, OVERRIDE, "EPERM"),
    (0, MULTI, "EPERM"),
    (OVERRIDE, 0, "EPERM"),
    (OVERRIDE, OVERRIDE, "replaced"),
    (OVERRIDE, MULTI, "EPERM"),
    (MULTI, 0, "EPERM"),
    (MULTI, OVERRIDE, "EPERM"),
    (MULTI, MULTI, "appended"),
]


@pytest.mark.parametrize(("old", "new", "expected"), TRANSITIONS)
@pytest.mark.parametrize("release", MAINLINE)
def test_transitions(release: str, old: int | None, new: int, expected: str) -> None:
    kernel = Kernel(release)
    cgroup, first, second = kernel.mkdir(), skb(kernel), skb(kernel)
    if old is not None:
        kernel.prog_attach(cgroup, first, EGRESS, old)
    if expected == "EPERM":
        with refused(kernel, "EPERM", errors.OtherFlagsAttached):
            kernel.prog_attach(cgroup, second, EGRESS, new)
        return
    kernel.prog_attach(cgroup, second, EGRESS, new)
    kept = [first.id] if expected == "appended" else []
    assert ids(kernel, cgroup) == [*kept, second.id]
    assert kernel.prog_query(cgroup, EGRESS).attach_flags == new


@pytest.mark.parametrize("release", MAINLINE)
def test_the_same_program_again(release: str) -> None:
    """With flags 0 or OVERRIDE it takes its own place, with MULTI EINVAL."""
    kernel = Kernel(release)
    for flags in (0, OVERRIDE):
        cgroup, prog = kernel.mkdir(), skb(kernel)
        kernel.prog_attach(cgroup, prog, EGRESS, flags)
        kernel.prog_attach(cgroup, prog, EGRESS, flags)
        assert ids(kernel, cgroup) == [prog.id]
    cgroup = kernel.mkdir()
    kernel.prog_attach(cgroup, prog, EGRESS, MULTI)
    with refused(kernel, "EINVAL", errors.AlreadyAttached):
        kernel.prog_attach(cgroup, prog, EGRESS, MULTI)


@pytest.mark.parametrize("release", MAINLINE)
def test_the_flags_go_with_the_last_program(release: str) -> None:
    """Stored flags return to 0 when the last program goes."""
    kernel = Kernel(release)
    cgroup, prog = kernel.mkdir(), skb(kernel)
    for flags in (MULTI, OVERRIDE, 0, MULTI):
        kernel.prog_attach(cgroup, prog, EGRESS, flags)
        assert kernel.prog_query(cgroup, EGRESS).attach_flags == flags
        kernel.prog_detach(cgroup, prog, EGRESS)
        assert kernel.prog_query(cgroup, EGRESS).attach_flags == 0


@pytest.mark.parametrize("release", since("5.6"))
def test_replace_keeps_the_place(release: str) -> None:
    """Since 5.8 a program may replace itself; a link does not count."""
    kernel = Kernel(release)
    cgroup = kernel.mkdir()
    one, two, three = crowd(kernel, cgroup, 3)
    new = skb(kernel)
    kernel.prog_attach(cgroup, new, EGRESS, MULTI | REPLACE, replace=two)
    assert ids(kernel, cgroup) == [one.id, new.id, three.id]
    if kernel.has(changes.REPLACE_BY_ITSELF):
        kernel.prog_attach(cgroup, new, EGRESS, MULTI | REPLACE, replace=new)
    else:
        with refused(kernel, "EINVAL", errors.AlreadyAttached):
            kernel.prog_attach(cgroup, new, EGRESS, MULTI | REPLACE, replace=new)
    assert ids(kernel, cgroup) == [one.id, new.id, three.id]
    if Release(release) >= Release("5.7"):
        kernel.link_create(cgroup, two, EGRESS)
        other = skb(kernel)
        with refused(kernel, "ENOENT", errors.NothingToReplace):
            kernel.prog_attach(cgroup, other, EGRESS, MULTI | REPLACE, replace=two)


@pytest.mark.parametrize("release", ["5.9", "5.15", "latest"])
@pytest.mark.parametrize("flags", [0, OVERRIDE])
def test_a_replaced_program_is_let_go(release: str, flags: int) -> None:
    """An attachment holds its program, and only as long as it lasts."""
    kernel = Kernel(release)
    cgroup, counts = kernel.mkdir(), storage_map(kernel)
    prog = counter(kernel, counts)
    kernel.prog_attach(cgroup, prog, EGRESS, flags)
    kernel.close(prog)
    assert prog.id in kernel.objects["prog"]
    kernel.prog_attach(cgroup, skb(kernel), EGRESS, flags)
    assert prog.id not in kernel.objects["prog"]


# -- 3.3: the hierarchy rule -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("above", "allowed"), [(None, True), (0, False), (OVERRIDE, True), (MULTI, True)]
)
@pytest.mark.parametrize("flags", [0, OVERRIDE, MULTI])
@pytest.mark.parametrize("release", MAINLINE)
def test_the_nearest_ancestor_decides(
    release: str, above: int | None, allowed: bool, flags: int
) -> None:
    kernel = Kernel(release)
    (a, _, c), prog = tree(kernel), skb(kernel)
    if above is not None:
        kernel.prog_attach(a, skb(kernel), EGRESS, above)
    if allowed:
        kernel.prog_attach(c, prog, EGRESS, flags)
    else:
        with refused(kernel, "EPERM", errors.HierarchyForbids):
            kernel.prog_attach(c, prog, EGRESS, flags)
    kernel.prog_attach(c, prog, INGRESS, flags)  # another hook is another matter


@pytest.mark.parametrize(
    ("grandparent", "parent", "allowed"),
    [
        (0, None, False),
        (MULTI, 0, False),  # a non-MULTI program is nearer
        (MULTI, OVERRIDE, True),
        (OVERRIDE, 0, False),
        (OVERRIDE, MULTI, True),
        (OVERRIDE, OVERRIDE, True),
        (MULTI, MULTI, True),
    ],
)
@pytest.mark.parametrize("release", ["4.19", "5.8.18", "5.9", "latest"])
def test_an_ancestor_further_up(
    release: str, grandparent: int, parent: int | None, allowed: bool
) -> None:
    kernel = Kernel(release)
    (a, b, c), prog = tree(kernel), skb(kernel)
    kernel.prog_attach(a, skb(kernel), EGRESS, grandparent)
    if parent is not None:
        kernel.prog_attach(b, skb(kernel), EGRESS, parent)
    if allowed:
        kernel.prog_attach(c, prog, EGRESS)
    else:
        with refused(kernel, "EPERM", errors.HierarchyForbids):
            kernel.prog_attach(c, prog, EGRESS)


@pytest.mark.parametrize("release", MAINLINE)
def test_descendants_are_not_examined(release: str) -> None:
    """The children's programs stay, can be detached, and not be replaced."""
    kernel = Kernel(release)
    parent = kernel.mkdir()
    child = kernel.mkdir(parent=parent)
    prog = skb(kernel)
    kernel.prog_attach(child, prog, EGRESS)
    kernel.prog_attach(parent, skb(kernel), EGRESS)
    with refused(kernel, "EPERM", errors.HierarchyForbids):
        kernel.prog_attach(child, prog, EGRESS)
    assert ids(kernel, child, effective=True) == [prog.id]
    kernel.prog_detach(child, prog, EGRESS)


# -- 3.4: effective programs and their order ---------------------------------------------------

# (flags, programs) of a, a/b and a/b/c, the topmost attached last; what runs in a/b/c, in order.
HIDING = [
    ([(MULTI, "p"), (MULTI, "q"), (MULTI, "rs")], "rsqp"),
    ([(0, "p"), None, None], "p"),
    ([(OVERRIDE, "p"), (OVERRIDE, "q"), None], "q"),
    ([(MULTI, "p"), (0, "q"), None], "qp"),
    ([(MULTI, "p"), (OVERRIDE, "q"), None], "qp"),
    ([(OVERRIDE, "p"), (MULTI, "q"), None], "q"),
    ([(OVERRIDE, "p"), (MULTI, "q"), (OVERRIDE, "r")], "rq"),
    ([(MULTI, "p"), (OVERRIDE, "q"), (MULTI, "r")], "rp"),
    ([(0, "p"), (MULTI, "q"), (MULTI, "r")], "rq"),
    ([(MULTI, "p"), None, (0, "r")], "rp"),
    ([None, None, None], ""),
]


@pytest.mark.parametrize(("attached", "expected"), HIDING)
@pytest.mark.parametrize("release", MAINLINE)
def test_effective_programs(
    release: str, attached: list[tuple[int, str] | None], expected: str
) -> None:
    kernel = Kernel(release)
    names: dict[int, str] = {}
    cgroups = tree(kernel)
    for cgroup, given in reversed([*zip(cgroups, attached, strict=True)]):
        flags, progs = given or (0, "")
        for name in progs:
            prog = skb(kernel)
            names[prog.id] = name
            kernel.prog_attach(cgroup, prog, EGRESS, flags)
    assert "".join(names[n] for n in ids(kernel, cgroups[2], effective=True)) == expected


@pytest.mark.parametrize("release", PREORDERING)
def test_preorder_programs_run_first_the_root_most_before_all(release: str) -> None:
    kernel = Kernel(release)
    names: dict[int, str] = {}
    cgroups = tree(kernel)
    attached = [["p", "Q", "R"], ["s", "T"], ["U", "v", "W"]]  # capitals: with PREORDER
    for cgroup, progs in zip(cgroups, attached, strict=True):
        for name in progs:
            prog = skb(kernel)
            names[prog.id] = name
            flags = MULTI | (PREORDER if name.isupper() else 0)
            kernel.prog_attach(cgroup, prog, EGRESS, flags)
    ran = ["".join(names[n] for n in ids(kernel, at, effective=True)) for at in cgroups]
    assert ran == ["QRp", "QRTsp", "QRTUWvsp"]
    assert "".join(names[n] for n in ids(kernel, cgroups[2])) == "UvW"


@pytest.mark.parametrize("release", PREORDERING)
def test_preorder_hides_like_any_other_program(release: str) -> None:
    """A list is taken if nothing has been collected yet, or it is MULTI."""
    kernel = Kernel(release)
    a, b, _ = tree(kernel)
    above, below = skb(kernel), skb(kernel)
    kernel.prog_attach(a, above, EGRESS, OVERRIDE)
    kernel.prog_attach(b, below, EGRESS, PREORDER)
    assert ids(kernel, b, effective=True) == [below.id]
    assert kernel.prog_query(b, EGRESS).attach_flags == 0


@pytest.mark.parametrize("release", PREORDERING)
def test_a_replacement_brings_its_own_preorder(release: str) -> None:
    kernel = Kernel(release)
    cgroup = kernel.mkdir()
    one, two = crowd(kernel, cgroup, 2)
    kernel.prog_attach(cgroup, two, EGRESS, MULTI | REPLACE | PREORDER, replace=two)
    assert ids(kernel, cgroup, effective=True) == [two.id, one.id]
    kernel.prog_attach(cgroup, two, EGRESS, MULTI | REPLACE, replace=two)
    assert ids(kernel, cgroup, effective=True) == [one.id, two.id]


# -- 3.5: detach -------------------------------------------------------------------------------


@pytest.mark.parametrize("release", MAINLINE)
def test_detach_checks_in_order(release: str) -> None:
    kernel = Kernel(release)
    ordering = kernel.has(changes.ORDERING)
    cgroup, prog, other = kernel.mkdir(), skb(kernel), skb(kernel)
    gone, closed, wrong = kernel.mkdir(), kernel.mkdir(), kernel.prog_load(SOCK)
    kernel.rmdir(gone)
    kernel.close(closed)
    with refused(kernel, "EINVAL", errors.WrongAttachType):
        kernel.prog_detach(closed, wrong, 99)  # type: ignore[arg-type]
    with refused(kernel, "EBADF", errors.BadDescriptor):
        kernel.prog_detach(closed, wrong, EGRESS)
    with refused(kernel, "ENOENT", errors.CgroupGone):
        kernel.prog_detach(gone, wrong, EGRESS)
    if ordering:
        with refused(kernel, "ESTALE", errors.StaleRevision):
            kernel.prog_detach(cgroup, wrong, EGRESS, expected_revision=2)
    with refused(kernel, "ENOENT", errors.NotAttached):  # nothing here
        kernel.prog_detach(cgroup, wrong, EGRESS)
    kernel.prog_attach(cgroup, prog, EGRESS, MULTI)
    if ordering:
        with refused(kernel, "ESTALE", errors.StaleRevision):
            kernel.prog_detach(cgroup, wrong, EGRESS, expected_revision=1)
    for not_one in (wrong, None):
        with refused(kernel, "EINVAL", errors.DetachNeedsProgram):
            kernel.prog_detach(cgroup, not_one, EGRESS)
    with refused(kernel, "ENOENT", errors.NotAttached):
        kernel.prog_detach(cgroup, other, EGRESS)
    if Release(release) >= Release("5.7"):
        kernel.link_create(cgroup, other, EGRESS)
        with refused(kernel, "ENOENT", errors.NotAttached):
            kernel.prog_detach(cgroup, other, EGRESS)
    kernel.prog_detach(cgroup, prog, EGRESS)
    assert prog.id not in ids(kernel, cgroup)


@pytest.mark.parametrize("flags", [0, OVERRIDE])
@pytest.mark.parametrize("release", MAINLINE)
def test_a_single_program_is_detached_by_any_descriptor(release: str, flags: int) -> None:
    kernel = Kernel(release)
    cgroup, closed = kernel.mkdir(), skb(kernel)
    kernel.close(closed)
    for anything in (None, closed, skb(kernel), kernel.prog_load(SOCK)):
        kernel.prog_attach(cgroup, skb(kernel), EGRESS, flags)
        kernel.prog_detach(cgroup, anything, EGRESS)
        assert ids(kernel, cgroup) == []


@pytest.mark.parametrize(
    ("releases", "fails"),
    [
        ([*before("6.0"), "5.10.137", "5.15.60", "5.18.17", "5.19.1", "proposal"], True),
        ([*since("6.0"), "5.10.138", "5.10.223", "5.15.61", "5.18.18", "5.19.2"], False),
    ],
)
def test_detach_without_memory(releases: list[str], fails: bool) -> None:
    """ENOMEM and nothing changes, up to the fix 4c46091ee985."""
    for release in releases:
        kernel = Kernel(release)
        cgroup, counts = kernel.mkdir(), storage_map(kernel)
        prog = counter(kernel, counts)
        kernel.prog_attach(cgroup, prog, EGRESS, MULTI)
        kernel.fire(cgroup, EGRESS)
        kernel.fail_next("effective")
        if fails:
            with refused(kernel, "ENOMEM", errors.OutOfMemory):
                kernel.prog_detach(cgroup, prog, EGRESS)
            assert kernel.map_lookup_elem(counts, (cgroup, EGRESS)) == 1
        kernel.prog_detach(cgroup, prog, EGRESS)
        assert ids(kernel, cgroup) == []


@pytest.mark.parametrize("release", ["6.6.93", "6.12.31", "6.15", "6.18", "7.1", "6.12.96"])
def test_detach_without_memory_beside_preorder_programs(release: str) -> None:
    """9, f08aaee3152d: 'PREORDER index in replace/purge'; purging is detaching without memory."""
    kernel = Kernel(release)
    cgroup = kernel.mkdir()
    one, two = crowd(kernel, cgroup, 2)
    kernel.fail_next("effective")
    kernel.prog_detach(cgroup, one, EGRESS)
    kernel.prog_attach(cgroup, one, EGRESS, MULTI | PREORDER)
    kernel.fail_next("effective")
    with undefined(kernel, "CVE-2026-72427"):
        kernel.prog_detach(cgroup, two, EGRESS)
    kernel.prog_detach(cgroup, two, EGRESS)  # with memory nothing is purged


@pytest.mark.parametrize("release", ["6.6.145", "6.12.97", "6.18.40", "7.1.5", "7.2", "latest"])
def test_purging_beside_preorder_programs_once_fixed(release: str) -> None:
    kernel = Kernel(release)
    cgroup = kernel.mkdir()
    (one,) = crowd(kernel, cgroup, 1)
    first = skb(kernel)
    kernel.prog_attach(cgroup, first, EGRESS, MULTI | PREORDER)
    kernel.fail_next("effective")
    kernel.prog_detach(cgroup, one, EGRESS)
    assert ids(kernel, cgroup, effective=True) == [first.id]


# -- LSM_CGROUP: one attach type, a list for each hook -----------------------------------------


@pytest.mark.parametrize("release", since("6.0"))
def test_lsm_hooks_have_lists_of_their_own_and_one_storage(release: str) -> None:
    """Even the 16-byte key does not separate LSM hooks."""
    kernel = Kernel(release)
    cgroup, counts = kernel.mkdir(), storage_map(kernel)
    binds, connects = (
        kernel.prog_load(
            BPF_PROG_TYPE_LSM, Add(counts), expected_attach_type=BPF_LSM_CGROUP, lsm_hook=hook
        )
        for hook in ("socket_bind", "socket_connect")
    )
    kernel.prog_attach(cgroup, binds, BPF_LSM_CGROUP)
    kernel.prog_attach(cgroup, connects, BPF_LSM_CGROUP, MULTI)  # other flags: another list
    kernel.fire(cgroup, "socket_bind")
    kernel.fire(cgroup, "socket_connect")
    kernel.fire(cgroup, "socket_connect")
    assert kernel.map_lookup_elem(counts, (cgroup, BPF_LSM_CGROUP)) == 3
    with refused(kernel, "ENOENT", errors.NotAttached):  # it looks in a free slot
        kernel.prog_detach(cgroup, None, BPF_LSM_CGROUP)
    kernel.prog_detach(cgroup, binds, BPF_LSM_CGROUP)
    with refused(kernel, "ENOENT", errors.NotAttached):
        kernel.prog_detach(cgroup, binds, BPF_LSM_CGROUP)
    kernel.fire(cgroup, "socket_bind")
    assert kernel.map_lookup_elem(counts, (cgroup, BPF_LSM_CGROUP)) == 3


# -- 3.6: positions ----------------------------------------------------------------------------


@pytest.fixture(params=ORDERING)
def ordering(request: pytest.FixtureRequest) -> Kernel:
    """A kernel where position flags and revisions exist."""
    return Kernel(request.param)


def test_positions_without_an_anchor(ordering: Kernel) -> None:
    kernel, cgroup = ordering, ordering.mkdir()
    first, head, tail, last = (skb(kernel) for _ in range(4))
    kernel.prog_attach(cgroup, first, EGRESS, MULTI | BEFORE | AFTER)  # the list is empty
    with refused(kernel, "EINVAL", errors.Position):
        kernel.prog_attach(cgroup, head, EGRESS, MULTI | BEFORE | AFTER)
    kernel.prog_attach(cgroup, head, EGRESS, MULTI | BEFORE)
    kernel.prog_attach(cgroup, tail, EGRESS, MULTI | AFTER)
    kernel.prog_attach(cgroup, last, EGRESS, MULTI)
    assert ids(kernel, cgroup) == [head.id, first.id, tail.id, last.id]


def test_positions_beside_a_program(ordering: Kernel) -> None:
    kernel, cgroup = ordering, ordering.mkdir()
    one, two = crowd(kernel, cgroup, 2)
    order = [one.id, two.id]
    positions: list[tuple[int, ProgFd | int, int]] = [
        (BEFORE, two, 1),
        (AFTER, one, 1),
        (AFTER, two, 4),
        (BEFORE | ID, one.id, 0),
        (AFTER | ID, two.id, 5),
    ]
    for flags, relative, place in positions:
        prog = skb(kernel)
        kernel.prog_attach(cgroup, prog, EGRESS, MULTI | flags, relative=relative)
        order.insert(place, prog.id)
        assert ids(kernel, cgroup) == order


def test_positions_beside_a_link(ordering: Kernel) -> None:
    kernel, cgroup = ordering, ordering.mkdir()
    one, two = (kernel.link_create(cgroup, skb(kernel), EGRESS) for _ in range(2))
    order = [kernel.link_info(link).prog_id for link in (one, two)]
    places: list[tuple[int, Any, int]] = [
        (BEFORE, two, 1),
        (AFTER, one, 1),
        (BEFORE | ID, one.id, 0),
        (AFTER | ID, two.id, 5),
    ]
    for flags, relative, place in places:
        prog = skb(kernel)
        kernel.link_create(cgroup, prog, EGRESS, flags | LINK, relative=relative)
        order.insert(place, prog.id)
        assert ids(kernel, cgroup) == order


def test_position_errors(ordering: Kernel) -> None:
    kernel, cgroup = ordering, ordering.mkdir()
    (here,) = crowd(kernel, cgroup, 1)
    closed, absent, wrong = skb(kernel), skb(kernel), storage_map(kernel)
    kernel.close(closed)
    link = kernel.link_create(kernel.mkdir(), absent, EGRESS)
    new = skb(kernel)

    def attach(flags: int, relative: Any = None) -> None:
        kernel.prog_attach(cgroup, new, EGRESS, MULTI | flags, relative=relative)

    def create(flags: int, relative: Any = None) -> None:
        kernel.link_create(cgroup, new, EGRESS, flags, relative=relative)

    def refuses(name: str, reason: type[BpfError], call: Any, *given: Any) -> None:
        with refused(kernel, name, reason):
            call(*given)

    for flags in (0, BEFORE | AFTER):  # rule 1: exactly one of BEFORE and AFTER
        refuses("EINVAL", errors.Position, attach, flags | ID, 77)
        refuses("EINVAL", errors.Position, attach, flags, closed)
        refuses("EINVAL", errors.Position, create, flags | LINK, closed)
    refuses("EINVAL", errors.Position, attach, BEFORE | LINK, link)  # rule 2
    refuses("EINVAL", errors.Position, create, BEFORE, closed)
    refuses("EINVAL", errors.Position, create, AFTER | ID, 77)
    refuses("EINVAL", errors.Position, create, AFTER | LINK)  # rule 3
    refuses("ENOENT", errors.NoSuchId, create, AFTER | LINK | ID, 77)
    refuses("ENOENT", errors.NoSuchId, attach, AFTER | ID, 777)
    refuses("ENOENT", errors.NoSuchId, attach, AFTER | ID)
    refuses("EBADF", errors.BadDescriptor, attach, AFTER, closed)
    refuses("EINVAL", errors.WrongDescriptor, attach, AFTER, wrong)
    refuses("EINVAL", errors.WrongDescriptor, create, AFTER | LINK, wrong)
    refuses("ENOENT", errors.NoAnchor, attach, AFTER, absent)  # rule 4
    refuses("ENOENT", errors.NoAnchor, attach, BEFORE | ID, absent.id)
    refuses("ENOENT", errors.NoAnchor, create, BEFORE | LINK, link)
    refuses("EINVAL", errors.Position, attach, AFTER | PREORDER, here)


def test_a_program_does_not_stand_beside_a_link_of_it(ordering: Kernel) -> None:
    """A program anchors on directly attached programs."""
    kernel, cgroup = ordering, ordering.mkdir()
    prog = skb(kernel)
    kernel.link_create(cgroup, prog, EGRESS)
    other = skb(kernel)
    with refused(kernel, "ENOENT", errors.NoAnchor):
        kernel.prog_attach(cgroup, other, EGRESS, MULTI | BEFORE, relative=prog)


def test_positions_among_preorder_programs(ordering: Kernel) -> None:
    kernel, cgroup = ordering, ordering.mkdir()
    one, two, three = (skb(kernel) for _ in range(3))
    kernel.prog_attach(cgroup, one, EGRESS, MULTI | PREORDER)
    kernel.prog_attach(cgroup, two, EGRESS, MULTI | PREORDER | BEFORE, relative=one)
    with refused(kernel, "EINVAL", errors.Position):  # rule 4
        kernel.prog_attach(cgroup, three, EGRESS, MULTI | BEFORE, relative=one)
    kernel.prog_attach(cgroup, three, EGRESS, MULTI | BEFORE)  # without an anchor: fine
    assert ids(kernel, cgroup) == [three.id, two.id, one.id]
    assert ids(kernel, cgroup, effective=True) == [two.id, one.id, three.id]


def test_positions_are_not_looked_at_where_a_program_takes_anothers_place(
    ordering: Kernel,
) -> None:
    """Used only when a new list entry is created."""
    kernel, cgroup = ordering, ordering.mkdir()
    kernel.prog_attach(cgroup, skb(kernel), EGRESS)
    new = skb(kernel)
    kernel.prog_attach(cgroup, new, EGRESS, BEFORE | AFTER)
    assert ids(kernel, cgroup) == [new.id]


def test_revisions(ordering: Kernel) -> None:
    """1 at first, one more at each attach, detach and link update."""
    kernel, cgroup = ordering, ordering.mkdir()
    one, two = skb(kernel), skb(kernel)

    def revision() -> int:
        return kernel.prog_query(cgroup, EGRESS).revision

    assert revision() == 1
    kernel.prog_attach(cgroup, one, EGRESS, MULTI, expected_revision=1)
    assert revision() == 2
    with refused(kernel, "ESTALE", errors.StaleRevision):
        kernel.prog_attach(cgroup, two, EGRESS, MULTI, expected_revision=1)
    kernel.prog_attach(cgroup, two, EGRESS, MULTI, expected_revision=2)
    kernel.prog_attach(cgroup, two, EGRESS, MULTI | REPLACE, replace=two, expected_revision=3)
    link = kernel.link_create(cgroup, one, EGRESS, expected_revision=4)
    with refused(kernel, "ESTALE", errors.StaleRevision):
        kernel.link_create(cgroup, one, EGRESS, expected_revision=4)
    assert revision() == 5
    kernel.link_update(link, two)
    assert revision() == 6
    kernel.link_detach(link)
    assert revision() == 7
    kernel.prog_detach(cgroup, one, EGRESS, expected_revision=7)
    kernel.prog_detach(cgroup, two, EGRESS)
    assert revision() == 9  # also where nothing is left
    assert kernel.prog_query(cgroup, INGRESS).revision == 1
    with refused(kernel, "ESTALE", errors.StaleRevision):  # before ENOENT
        kernel.prog_detach(cgroup, two, EGRESS, expected_revision=1)


# -- 3.8, undefined: what a map's exclusive owner and links do to each other ---------------------


@pytest.mark.parametrize("release", ["5.7", "5.8", "5.8.18"])
def test_replacing_the_last_user_of_a_map_with_a_storage_left(release: str) -> None:
    """legacy: a map cannot still have storages when it is destroyed."""
    kernel = Kernel(release, memlock=1 << 20)
    counts, linked, direct = storage_map(kernel), kernel.mkdir(), kernel.mkdir()
    prog = counter(kernel, counts)
    link = kernel.link_create(linked, prog, EGRESS)
    kernel.prog_attach(direct, prog, EGRESS)
    kernel.link_update(link, skb(kernel))
    kernel.close(prog)
    kernel.close(counts)
    new = counter(kernel, storage_map(kernel))
    with undefined(kernel, "freed while an attachment still owns one"):
        kernel.prog_attach(direct, new, EGRESS)
    with undefined(kernel, "freed while an attachment still owns one"):
        kernel.prog_detach(direct, None, EGRESS)
    kernel.close(link)
    kernel.prog_attach(direct, new, EGRESS)
