# SPDX-License-Identifier: GPL-2.0-only
"""The cgroup tree: ids, removal, and who keeps a cgroup's BPF state."""

from __future__ import annotations

import pytest
from support_programs import EGRESS, before, counter, since, skb, storage_map
from support_state import refused, undefined

from reference_model import (
    BPF_F_ALLOW_MULTI,
    BPF_MAP_TYPE_CGRP_STORAGE,
    MAINLINE,
    S32,
    U64,
    Cgroup,
    Kernel,
    MapFd,
    Release,
    Socket,
    errors,
)

MULTI = int(BPF_F_ALLOW_MULTI)
HELD = [*before("5.3"), "5.4.13", "5.4.59", *since("5.5"), "proposal"]
"""A removed cgroup with sockets keeps its ancestors: by the structure, then by e10360f815ca."""
NOT_HELD = ["5.3", "5.4", "5.4.12"]


# -- ids ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", MAINLINE)
def test_ids(release: str) -> None:
    """st_ino from 5.5 on, before with a generation in the upper half."""
    kernel = Kernel(release)
    cgroup = kernel.mkdir()
    assert kernel.root.st_ino == 1
    assert cgroup.id & 0xFFFFFFFF == cgroup.st_ino
    assert (cgroup.id == cgroup.st_ino) == (Release(release) >= Release("5.5"))
    assert kernel.root.id in (1, 0x100000001)


def test_ids_are_not_used_again() -> None:
    """Ids of removed cgroups are not reused soon."""
    kernel = Kernel()
    numbers = []
    for _ in range(4):
        cgroup = kernel.mkdir()
        numbers.append(cgroup.id)
        kernel.rmdir(cgroup)
    assert len(set(numbers)) == 4


def test_names() -> None:
    kernel = Kernel()
    assert repr(kernel.root) == "Cgroup('/')"
    assert repr(kernel.mkdir("web")) == "Cgroup('web')"
    assert repr(kernel.mkdir()) == "Cgroup('cgroup3')"


# -- mkdir and rmdir ---------------------------------------------------------------------------


@pytest.mark.parametrize("release", MAINLINE)
def test_removal_in_order(release: str) -> None:
    """A child cgroup must be removed first."""
    kernel = Kernel(release)
    above = kernel.mkdir()
    below = kernel.mkdir(parent=above)
    for busy in (kernel.root, above):
        with refused(kernel, "EBUSY", errors.CgroupBusy):
            kernel.rmdir(busy)
    kernel.rmdir(below)
    kernel.rmdir(above)
    for gone in (above, below):
        with refused(kernel, "ENOENT", errors.CgroupGone):
            kernel.rmdir(gone)
        with refused(kernel, "ENOENT", errors.CgroupGone):
            kernel.mkdir(parent=gone)
    assert list(kernel.cgroups.values()) == [kernel.root]


@pytest.mark.parametrize("release", MAINLINE)
def test_a_dying_child_does_not_keep_the_directory(release: str) -> None:
    kernel = Kernel(release)
    above = kernel.mkdir()
    below = kernel.mkdir(parent=above)
    socket = kernel.socket(below)
    kernel.rmdir(below)
    kernel.rmdir(above)
    kernel.close_socket(socket)
    assert list(kernel.cgroups.values()) == [kernel.root]
    kernel.check_invariants()


@pytest.mark.parametrize("release", MAINLINE)
def test_nothing_new_is_attached_to_a_removed_cgroup(release: str) -> None:
    """fd lookup ENOENT; also while a socket keeps what is there."""
    kernel = Kernel(release)
    cgroup, prog = kernel.mkdir(), skb(kernel)
    kernel.prog_attach(cgroup, prog, EGRESS)
    kernel.socket(cgroup)
    kernel.rmdir(cgroup)
    with refused(kernel, "ENOENT", errors.CgroupGone):
        kernel.prog_attach(cgroup, prog, EGRESS)
    with refused(kernel, "ENOENT", errors.CgroupGone):
        kernel.prog_detach(cgroup, prog, EGRESS)
    with refused(kernel, "ENOENT", errors.CgroupGone):
        kernel.prog_query(cgroup, EGRESS)


def test_closing_the_directory_is_not_removing_it() -> None:
    kernel = Kernel()
    cgroup = kernel.mkdir()
    kernel.close(cgroup)
    with refused(kernel, "EBADF", errors.BadDescriptor):
        kernel.close(cgroup)
    kernel.mkdir(parent=cgroup)  # by its path
    with refused(kernel, "EBUSY", errors.CgroupBusy):
        kernel.rmdir(cgroup)


# -- 6.3: when cgroup_bpf is released ----------------------------------------------------------


@pytest.mark.parametrize("release", [*MAINLINE, "proposal"])
def test_rmdir_ends_programs_and_storages(release: str) -> None:
    """The entry goes, the map stays."""
    kernel = Kernel(release)
    cgroup, counts = kernel.mkdir(), storage_map(kernel)
    prog = counter(kernel, counts)
    kernel.prog_attach(cgroup, prog, EGRESS, MULTI)
    kernel.obj_pin("counts", counts)
    kernel.close(prog)
    kernel.rmdir(cgroup)
    with refused(kernel, "ENOENT", errors.NoEntry):
        kernel.map_lookup_elem(counts, (cgroup, EGRESS))
    assert kernel.objects["prog"] == {}
    assert list(kernel.objects["map"].values()) == [counts.object]


@pytest.mark.parametrize("release", [*MAINLINE, "proposal"])
def test_a_live_socket_keeps_them(release: str) -> None:
    """Recorded as rmdir-with-live-socket."""
    kernel = Kernel(release)
    cgroup, counts = kernel.mkdir(), storage_map(kernel)
    kernel.prog_attach(cgroup, counter(kernel, counts), EGRESS)
    socket, another = kernel.socket(cgroup), kernel.socket(cgroup)
    kernel.rmdir(cgroup)
    kernel.fire(socket, EGRESS)
    kernel.close_socket(socket)
    kernel.fire(another, EGRESS)
    assert kernel.map_lookup_elem(counts, (cgroup, EGRESS)) == 2
    kernel.close_socket(another)
    with refused(kernel, "ENOENT", errors.NoEntry):
        kernel.map_lookup_elem(counts, (cgroup, EGRESS))


@pytest.mark.parametrize("release", since("5.9"))
def test_storages_go_with_the_cgroup_even_if_nothing_is_attached_any_more(release: str) -> None:
    """From 5.9."""
    kernel = Kernel(release)
    cgroup, counts = kernel.mkdir(), storage_map(kernel)
    prog = counter(kernel, counts)
    kernel.prog_attach(cgroup, prog, EGRESS)
    kernel.prog_detach(cgroup, prog, EGRESS)
    assert kernel.map_lookup_elem(counts, (cgroup, EGRESS)) == 0
    kernel.rmdir(cgroup)
    with refused(kernel, "ENOENT", errors.NoEntry):
        kernel.map_lookup_elem(counts, (cgroup, EGRESS))


def family(kernel: Kernel) -> tuple[Cgroup, Cgroup, Socket, MapFd]:
    """A removed cgroup with a socket below a removed one that counts."""
    above, counts = kernel.mkdir(), storage_map(kernel)
    below = kernel.mkdir(parent=above)
    kernel.prog_attach(above, counter(kernel, counts), EGRESS)
    socket = kernel.socket(below)
    kernel.rmdir(below)
    kernel.rmdir(above)
    return above, below, socket, counts


@pytest.mark.parametrize("release", HELD)
def test_a_dying_child_with_sockets_keeps_its_ancestors(release: str) -> None:
    """Before 5.3 by the cgroup structure; e10360f815ca, in 5.5 and 5.4.13."""
    kernel = Kernel(release)
    above, _, socket, counts = family(kernel)
    kernel.fire(socket, EGRESS)
    assert kernel.map_lookup_elem(counts, (above, EGRESS)) == 1
    kernel.close_socket(socket)
    with refused(kernel, "ENOENT", errors.NoEntry):
        kernel.map_lookup_elem(counts, (above, EGRESS))
    assert list(kernel.cgroups.values()) == [kernel.root]


@pytest.mark.parametrize("release", NOT_HELD)
def test_before_that_the_ancestors_programs_ran_after_their_release(release: str) -> None:
    """e10360f815ca: released out of order, and still run by the child's sockets."""
    kernel = Kernel(release)
    above, below, socket, counts = family(kernel)
    with refused(kernel, "ENOENT", errors.NoEntry):
        kernel.map_lookup_elem(counts, (above, EGRESS))
    with undefined(kernel, "freed before those of its descendant", socket):
        kernel.fire(socket, EGRESS)
    kernel.close_socket(socket)
    assert list(kernel.cgroups.values()) == [kernel.root]
    assert above.freed
    assert below.freed


@pytest.mark.parametrize("release", [*HELD, *NOT_HELD])
def test_only_the_last_reference_counts(release: str) -> None:
    """An ancestor with a socket or a child of its own goes later."""
    kernel = Kernel(release)
    top = kernel.mkdir()
    middle = kernel.mkdir(parent=top)
    one, two = kernel.mkdir(parent=middle), kernel.mkdir(parent=middle)
    counts = storage_map(kernel)
    prog = counter(kernel, counts)
    for cgroup in (top, middle, one, two):
        kernel.prog_attach(cgroup, prog, EGRESS, MULTI)
    sockets = [kernel.socket(cgroup) for cgroup in (one, two, middle)]
    for cgroup in (one, two, middle):
        kernel.rmdir(cgroup)

    def kept() -> set[str]:
        kernel.check_invariants()
        return {cgroup.name for cgroup in kernel.cgroups.values()} - {"/", top.name}

    def counted(cgroup: Cgroup) -> bool:
        try:
            return bool(kernel.map_lookup_elem(counts, (cgroup, EGRESS)) == 0)
        except errors.NoEntry:
            return False

    assert kept() == {middle.name, one.name, two.name}
    kernel.close_socket(sockets[0])
    assert kept() == {middle.name, two.name}
    kernel.close_socket(sockets[1])
    assert kept() == {middle.name}
    assert [counted(cgroup) for cgroup in (top, middle, one)] == [True, True, False]
    kernel.close_socket(sockets[2])
    assert kept() == set()
    assert [counted(cgroup) for cgroup in (top, middle)] == [True, False]


@pytest.mark.parametrize("release", since("6.2"))
def test_elements_of_cgrp_storage_go_with_the_cgroup(release: str) -> None:
    """With the cgroup structure, whatever is attached."""
    kernel = Kernel(release)
    cgroup = kernel.mkdir()
    found = kernel.map_create(BPF_MAP_TYPE_CGRP_STORAGE, S32, U64, map_flags=1, btf=True)
    kernel.map_update_elem(found, cgroup, 7)
    socket = kernel.socket(cgroup)
    kernel.rmdir(cgroup)
    assert kernel.cgrp_storage_get(found, cgroup) == 7
    kernel.close_socket(socket)
    assert kernel.cgrp_storage_get(found, cgroup) is None
    assert cgroup.local_storages == {}
