# SPDX-License-Identifier: GPL-2.0-only
"""Links, and what becomes of their storages."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import pytest
from support import at_least, outcome
from support_programs import (
    EGRESS,
    INGRESS,
    SKB,
    before,
    counter,
    percpu_map,
    prog_array,
    since,
    skb,
    storage_map,
)
from support_state import refused, undefined

from reference_model import (
    BPF_CGROUP_INET4_BIND,
    BPF_CGROUP_INET4_CONNECT,
    BPF_F_AFTER,
    BPF_F_ALLOW_MULTI,
    BPF_F_ALLOW_OVERRIDE,
    BPF_F_BEFORE,
    BPF_F_PREORDER,
    BPF_F_QUERY_EFFECTIVE,
    BPF_F_RDONLY,
    BPF_F_REPLACE,
    BPF_F_WRONLY,
    BPF_LSM_CGROUP,
    BPF_PROG_TYPE_CGROUP_SOCK,
    BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
    BPF_PROG_TYPE_LSM,
    U32,
    U64,
    Add,
    Cgroup,
    Kernel,
    LinkFd,
    MapFd,
    Release,
    Type,
    changes,
    errors,
)

MULTI, REPLACE = int(BPF_F_ALLOW_MULTI), int(BPF_F_REPLACE)
SOCK, ADDR = BPF_PROG_TYPE_CGROUP_SOCK, BPF_PROG_TYPE_CGROUP_SOCK_ADDR
CONNECT, BIND = BPF_CGROUP_INET4_CONNECT, BPF_CGROUP_INET4_BIND

LINKS = ["5.8.18", "proposal", *since("5.7")]
LEGACY_LINKS = ["5.7", "5.8", "5.8.18"]
COMPARES = ["6.1.191", "6.12.110", "7.2.6", "7.2.13", "7.3", "latest"]
SWAPS_BLINDLY = ["5.9", "5.10.223", "6.1.176", "6.12.107", "7.1", "7.2.5"]


def ids(kernel: Kernel, cgroup: Cgroup) -> list[int]:
    return list(kernel.prog_query(cgroup, EGRESS).prog_ids)


# -- create ------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", [*before("5.7"), "4.19.108", "5.4.59"])
def test_no_links_before_5_7(release: str) -> None:
    kernel = Kernel(release)
    cgroup, prog = kernel.mkdir(), skb(kernel)
    with refused(kernel, "EINVAL", errors.UnknownCommand):
        kernel.link_create(cgroup, prog, EGRESS)
    with refused(kernel, "EINVAL", errors.UnknownCommand):
        kernel.link_update(None, prog)  # type: ignore[arg-type]
    with refused(kernel, "EINVAL", errors.UnknownCommand):
        kernel.link_detach(None)  # type: ignore[arg-type]


def told(kernel: Kernel, link: Any) -> tuple[int, int, Any]:
    """What a kernel says of a link; 5.7 says nothing, so there it is what the model knows."""
    if kernel.has(changes.LINK_IDS):
        return kernel.link_info(link)
    found = link.object
    return found.program.id, found.cgroup.id if found.cgroup else 0, found.attach_type


@pytest.mark.parametrize("release", LINKS)
def test_create_checks_in_order(release: str) -> None:
    kernel = Kernel(release, unprivileged_bpf_disabled=0)
    ordering = kernel.has(changes.ORDERING)
    closed, dead, prog = skb(kernel), kernel.mkdir(), skb(kernel)
    wrong, binds = kernel.prog_load(SOCK), kernel.prog_load(ADDR, expected_attach_type=BIND)
    kernel.close(closed)
    kernel.close(dead)

    def create(prog: Any, attach_type: Any, cgroup: Any, *capabilities: str) -> None:
        with kernel.user("CAP_BPF", *always, *capabilities):
            kernel.link_create(cgroup, prog, attach_type, 1 << 20)

    always: tuple[str, ...] = ()
    if Release(release) < Release("5.8"):
        with refused(kernel, "EPERM", errors.NotPermitted):
            create(closed, 99, dead)
        always = ("CAP_NET_ADMIN",)
    program_first = kernel.has(changes.LINK_CREATE_PROGRAM_FIRST)
    with refused(
        kernel,
        *(("EBADF", errors.BadDescriptor) if program_first else ("EINVAL", errors.WrongAttachType)),
    ):
        create(closed, 99, dead)
    with refused(kernel, "EBADF", errors.BadDescriptor):
        create(closed, EGRESS, dead)
    with refused(kernel, "EINVAL", errors.WrongDescriptor):
        create(wrong, EGRESS, dead)
    with refused(kernel, "EINVAL", errors.WrongAttachType):
        create(binds, CONNECT, dead)
    if Release(release) >= Release("5.8"):
        with refused(kernel, "EPERM", errors.NotPermitted):  # and not EINVAL
            create(prog, EGRESS, dead)
    with refused(kernel, "EINVAL", errors.AttachFlags):
        create(prog, EGRESS, dead, "CAP_NET_ADMIN")
    with refused(kernel, "EBADF", errors.BadDescriptor):
        kernel.link_create(dead, prog, EGRESS)
    cgroup = kernel.mkdir()
    kernel.rmdir(cgroup)
    with refused(kernel, "ENOENT", errors.CgroupGone):
        kernel.link_create(cgroup, prog, EGRESS)
    allowed = [BPF_F_BEFORE, BPF_F_AFTER, BPF_F_PREORDER]
    never = [BPF_F_ALLOW_OVERRIDE, BPF_F_ALLOW_MULTI, BPF_F_REPLACE]
    for flag in allowed + never:
        if ordering and flag in allowed:
            kernel.link_create(kernel.mkdir(), prog, EGRESS, flag)
        else:
            cgroup = kernel.mkdir()
            with refused(kernel, "EINVAL", errors.AttachFlags):
                kernel.link_create(cgroup, prog, EGRESS, flag)


@pytest.mark.parametrize("release", [r for r in LINKS if Release(r) < Release("6.17")])
@pytest.mark.parametrize("field", ["relative", "expected_revision"])
def test_create_has_no_positions_before_6_17(release: str, field: str) -> None:
    """CHECK_ATTR() refuses unknown fields; in 5.9 fields for others came to stand there."""
    kernel = Kernel(release)
    cgroup, prog, other = kernel.mkdir(), skb(kernel), skb(kernel)
    kernel.prog_attach(cgroup, other, EGRESS, BPF_F_ALLOW_MULTI)
    given: dict[str, Any] = {field: other if field == "relative" else 7}
    if Release(release) < Release("5.9"):
        with refused(kernel, "EINVAL", errors.AttachFlags):
            kernel.link_create(cgroup, prog, EGRESS, **given)
    else:
        kernel.link_create(cgroup, prog, EGRESS, **given)
        assert kernel.prog_query(cgroup, EGRESS).prog_ids == (other.id, prog.id)


@pytest.mark.parametrize("release", LINKS)
def test_the_table_of_attach_holds_for_links(release: str) -> None:
    """A link is always MULTI."""
    kernel = Kernel(release)
    prog = skb(kernel)
    for flags in (0, BPF_F_ALLOW_OVERRIDE):
        cgroup = kernel.mkdir()
        kernel.prog_attach(cgroup, skb(kernel), EGRESS, flags)
        with refused(kernel, "EPERM", errors.OtherFlagsAttached):
            kernel.link_create(cgroup, prog, EGRESS)
    below = kernel.mkdir(parent=kernel.mkdir())
    assert below.parent is not None
    kernel.prog_attach(below.parent, skb(kernel), EGRESS)
    with refused(kernel, "EPERM", errors.HierarchyForbids):
        kernel.link_create(below, prog, EGRESS)
    empty = kernel.mkdir()
    kernel.link_create(empty, prog, EGRESS)
    assert kernel.prog_query(empty, EGRESS).attach_flags == BPF_F_ALLOW_MULTI
    with refused(kernel, "EPERM", errors.OtherFlagsAttached):
        kernel.prog_attach(empty, prog, EGRESS)


@pytest.mark.parametrize("release", LINKS)
def test_a_program_is_attached_once_directly_and_through_many_links(release: str) -> None:
    """The limit counts them all."""
    kernel = Kernel(release)
    cgroup, prog = kernel.mkdir(), skb(kernel)
    kernel.prog_attach(cgroup, prog, EGRESS, MULTI)
    for _ in range(63):
        kernel.link_create(cgroup, prog, EGRESS)
    with refused(kernel, "E2BIG", errors.TooManyPrograms):
        kernel.link_create(cgroup, prog, EGRESS)
    kernel.prog_detach(cgroup, prog, EGRESS)
    kernel.link_create(cgroup, prog, EGRESS)
    assert ids(kernel, cgroup) == [prog.id] * 64


@pytest.mark.parametrize(
    "release", [*since("5.7"), "5.10.29", "5.10.30", "5.10.223", "5.11.13", "5.11.14"]
)
@pytest.mark.parametrize("flags", [BPF_F_RDONLY, BPF_F_WRONLY])
def test_a_pinned_link_is_opened_for_reading_and_writing(release: str, flags: int) -> None:
    """``inode.c:bpf_obj_get_user`` of 5.12.9 and 5.19; kernels 5.10.262 to 7.3.4 agree."""
    kernel = Kernel(release)
    link = kernel.link_create(kernel.mkdir("web"), kernel.prog_load(SKB), EGRESS)
    kernel.obj_pin("/sys/fs/bpf/link", link)
    stable = {"5.10.29": False, "5.10.30": True, "5.10.223": True}
    stable |= {"5.11.13": False, "5.11.14": True}
    refused = stable[release] if release in stable else at_least(release, "5.12")
    answer = outcome(kernel.obj_get, "/sys/fs/bpf/link", flags)
    assert answer == ("EINVAL" if refused else "ok")
    assert outcome(kernel.obj_get, "/sys/fs/bpf/link") == "ok"


@pytest.mark.parametrize("release", LINKS)
@pytest.mark.parametrize("allocation", ["storage", "node", "effective"])
def test_create_without_memory(release: str, allocation: str) -> None:
    """Nothing is left."""
    kernel = Kernel(release)
    cgroup, counts = kernel.mkdir(), storage_map(kernel)
    prog = counter(kernel, counts)
    kernel.fail_next(allocation)
    if release == "proposal" and allocation == "effective":
        with pytest.raises(errors.OutOfMemory):
            kernel.link_create(cgroup, prog, EGRESS)
        assert kernel.map_lookup_elem(counts, (cgroup, EGRESS)) == 0  # 0.5
    else:
        with refused(kernel, "ENOMEM", errors.OutOfMemory):
            kernel.link_create(cgroup, prog, EGRESS)
    assert ids(kernel, cgroup) == []


# -- update ------------------------------------------------------------------------------------


def without_cgroup(kernel: Kernel) -> AbstractContextManager[None]:
    """The block updates a link whose cgroup is gone: ENOLINK, and EINVAL on 5.7."""
    if kernel.has(changes.LINK_UPDATE_ENOLINK):
        return refused(kernel, "ENOLINK", errors.LinkDefunct)
    return refused(kernel, "EINVAL", errors.LinkWithoutCgroup)


@pytest.mark.parametrize("release", LINKS)
def test_update_checks_in_order(release: str) -> None:
    kernel = Kernel(release)
    cgroup, prog, other = kernel.mkdir(), skb(kernel), skb(kernel)
    sock, counting = kernel.prog_load(SOCK), counter(kernel, storage_map(kernel))
    closed = skb(kernel)
    kernel.close(closed)
    link = kernel.link_create(cgroup, prog, EGRESS)
    closed_link = kernel.link_create(cgroup, prog, EGRESS)
    kernel.close(closed_link)
    update = kernel.link_update

    if Release(release) < Release("5.8"):
        with kernel.user("CAP_SYS_ADMIN"), refused(kernel, "EPERM", errors.NotPermitted):
            update(closed_link, closed, flags=1)
    for flags in (1, MULTI, REPLACE | 1):
        with refused(kernel, "EINVAL", errors.AttachFlags):
            update(closed_link, closed, flags=flags, old_prog=closed)
    with refused(kernel, "EBADF", errors.BadDescriptor):
        update(closed_link, closed, old_prog=closed)
    with refused(kernel, "EINVAL", errors.WrongDescriptor):
        update(sock, closed, old_prog=closed)  # type: ignore[arg-type]
    with refused(kernel, "EBADF", errors.BadDescriptor):
        update(link, closed, old_prog=closed)
    with refused(kernel, "EINVAL", errors.WrongDescriptor):
        update(link, link, old_prog=closed)  # type: ignore[arg-type]
    with refused(kernel, "EINVAL", errors.AttachFlags):  # without REPLACE
        update(link, sock, old_prog=closed)
    with refused(kernel, "EBADF", errors.BadDescriptor):
        update(link, sock, flags=REPLACE, old_prog=closed)
    with refused(kernel, "EINVAL", errors.WrongDescriptor):
        update(link, sock, flags=REPLACE, old_prog=link)  # type: ignore[arg-type]
    with refused(kernel, "EPERM", errors.LinkHasOtherProgram):
        update(link, sock, flags=REPLACE, old_prog=other)
    with refused(kernel, "EINVAL", errors.LinkProgramType):
        update(link, sock, flags=REPLACE, old_prog=prog)
    if Release(release) >= Release("7.3"):
        with refused(kernel, "EINVAL", errors.LinkStorageMaps):
            update(link, counting, flags=REPLACE, old_prog=prog)
    update(link, other, flags=REPLACE, old_prog=prog)
    update(link, prog)
    assert ids(kernel, cgroup) == [prog.id]
    kernel.rmdir(cgroup)
    with without_cgroup(kernel):
        update(link, sock, flags=REPLACE, old_prog=other)


@pytest.mark.parametrize("release", LINKS)
def test_update_does_not_compare_expected_attach_types(release: str) -> None:
    """A link on connect4 accepts a bind4 program."""
    kernel = Kernel(release)
    connects, binds = (kernel.prog_load(ADDR, expected_attach_type=at) for at in (CONNECT, BIND))
    link = kernel.link_create(kernel.mkdir(), connects, CONNECT)
    kernel.link_update(link, binds)
    assert told(kernel, link)[0] == binds.id


@pytest.mark.parametrize("release", since("6.0"))
def test_update_looks_for_the_new_programs_lsm_hook(release: str) -> None:
    """LSM: the hook id is looked up from the new program; not in list: ENOENT."""
    kernel = Kernel(release)
    bind, bind_too, connect = (
        kernel.prog_load(
            BPF_PROG_TYPE_LSM, expected_attach_type=BPF_LSM_CGROUP, lsm_hook=f"socket_{hook}"
        )
        for hook in ("bind", "bind", "connect")
    )
    link = kernel.link_create(kernel.mkdir(), bind, BPF_LSM_CGROUP)
    with refused(kernel, "ENOENT", errors.NotAttached):
        kernel.link_update(link, connect)
    kernel.link_update(link, bind_too)


@pytest.mark.parametrize("release", since("6.0"))
def test_update_looks_for_a_slot_of_the_new_programs_lsm_hook(release: str) -> None:
    """LSM: __cgroup_bpf_replace() calls bpf_cgroup_atype_find(): EINVAL if all are taken."""
    kernel = Kernel(release)
    web = kernel.mkdir()
    calls = "bind connect create sendmsg recvmsg listen accept shutdown getsockname post_create"
    progs = [
        kernel.prog_load(
            BPF_PROG_TYPE_LSM, expected_attach_type=BPF_LSM_CGROUP, lsm_hook=f"socket_{call}"
        )
        for call in (*calls.split(), "getpeername")
    ]
    links = [kernel.link_create(web, prog, BPF_LSM_CGROUP) for prog in progs[:10]]
    with refused(kernel, "EINVAL", errors.TooManyHooks):
        kernel.link_update(links[0], progs[10])
    with refused(kernel, "ENOENT", errors.NotAttached):
        kernel.link_update(links[0], progs[1])
    kernel.link_detach(links[9])
    with refused(kernel, "ENOENT", errors.NotAttached):
        kernel.link_update(links[0], progs[10])


@pytest.mark.parametrize("release", [*SWAPS_BLINDLY, *COMPARES])
def test_update_to_a_program_of_the_same_map_keeps_the_data(release: str) -> None:
    """LINK_UPDATE leaves the storage; same map: correct."""
    kernel = Kernel(release)
    cgroup, counts, counts_too = kernel.mkdir(), storage_map(kernel), percpu_map(kernel)
    by_one = skb(kernel, Add(counts), Add(counts_too))
    by_ten = skb(kernel, Add(counts_too, 10), Add(counts, 10))
    link = kernel.link_create(cgroup, by_one, EGRESS)
    kernel.fire(cgroup, EGRESS)
    kernel.link_update(link, by_ten)
    kernel.fire(cgroup, EGRESS, cpu=1)
    assert kernel.map_lookup_elem(counts, (cgroup, EGRESS)) == 11
    assert kernel.map_lookup_elem(counts_too, (cgroup, EGRESS)) == [1, 10]


@pytest.mark.parametrize("release", COMPARES)
def test_update_to_other_storage_maps_is_refused(release: str) -> None:
    """Per storage type the map pointers must be equal; both none is equal."""
    kernel = Kernel(release)
    cgroup = kernel.mkdir()
    shared, shared_too, percpu = storage_map(kernel), storage_map(kernel), percpu_map(kernel)
    bodies = [
        [],
        [Add(shared)],
        [Add(shared_too)],
        [Add(percpu)],
        [Add(shared), Add(percpu)],
        [Add(shared_too), Add(percpu)],
    ]
    progs = [skb(kernel, *body) for body in bodies]
    for old in progs:
        link = kernel.link_create(cgroup, old, EGRESS)
        for new in progs:
            if new is old:
                kernel.link_update(link, new)
            else:
                with refused(kernel, "EINVAL", errors.LinkStorageMaps):
                    kernel.link_update(link, new)


def swapped(kernel: Kernel, old: MapFd | None, new: MapFd | None) -> tuple[Cgroup, LinkFd]:
    """A cgroup with a link that went from a program of the old map to one of the new."""
    cgroup = kernel.mkdir()
    progs = [counter(kernel, found) if found else skb(kernel) for found in (old, new)]
    link = kernel.link_create(cgroup, progs[0], EGRESS)
    kernel.link_update(link, progs[1])
    for prog in progs:
        kernel.close(prog)
    return cgroup, link


@pytest.mark.parametrize("release", ["5.7", "5.8.18", "proposal", *SWAPS_BLINDLY])
def test_update_to_a_map_where_there_was_none(release: str) -> None:
    """The helper dereferences NULL; recorded as link-update-no-map-to-map."""
    kernel = Kernel(release)
    cgroup, link = swapped(kernel, None, storage_map(kernel))
    with undefined(kernel, "no storage for the program's map"):
        kernel.fire(cgroup, EGRESS)
    kernel.close(link)
    kernel.fire(cgroup, EGRESS)


@pytest.mark.parametrize("release", ["5.7", "5.8.18", "proposal", *SWAPS_BLINDLY])
def test_update_to_another_map(release: str) -> None:
    """The new program works on the old map's storage; as recorded in link-update-other-map."""
    kernel = Kernel(release)
    old, new = storage_map(kernel), storage_map(kernel)
    cgroup, _ = swapped(kernel, old, new)
    kernel.fire(cgroup, EGRESS)
    assert kernel.map_lookup_elem(old, (cgroup, EGRESS)) == 1
    with refused(kernel, "ENOENT", errors.NoEntry):
        kernel.map_lookup_elem(new, (cgroup, EGRESS))


@pytest.mark.parametrize("release", ["5.7", "5.8.18", "proposal", *SWAPS_BLINDLY])
@pytest.mark.parametrize(("old", "new", "fits"), [(U32, U64, False), (U64, U32, True)])
def test_update_to_a_map_of_another_value_size(
    release: str, old: Type, new: Type, fits: bool
) -> None:
    """Out of bounds if the new program's value is bigger."""
    kernel = Kernel(release)
    small = storage_map(kernel, value=old)
    cgroup, _ = swapped(kernel, small, storage_map(kernel, value=new))
    if fits:
        kernel.fire(cgroup, EGRESS)
        assert kernel.map_lookup_elem(small, (cgroup, EGRESS)) == 1
    else:
        with undefined(kernel, "smaller than the value"):
            kernel.fire(cgroup, EGRESS)


@pytest.mark.parametrize("release", ["proposal", *SWAPS_BLINDLY])
def test_update_and_then_the_old_map_goes(release: str) -> None:
    """Once the old program is freed and its map with it, freed memory."""
    kernel = Kernel(release)
    old = storage_map(kernel)
    cgroup, link = swapped(kernel, old, storage_map(kernel))
    kernel.close(old)
    with undefined(kernel, "freed with its map"):
        kernel.fire(cgroup, EGRESS)
    kernel.close(link)


@pytest.mark.parametrize("release", LEGACY_LINKS)
def test_update_and_then_the_old_map_goes_in_legacy(release: str) -> None:
    """The map cannot be destroyed with a storage in it; whoever lets go of it last."""
    reason = "freed while an attachment still owns one"
    kernel = Kernel(release)
    counts, cgroup = storage_map(kernel), kernel.mkdir()
    prog = counter(kernel, counts)
    link = kernel.link_create(cgroup, prog, EGRESS)
    new = skb(kernel)
    kernel.close(prog)
    kernel.close(counts)
    with undefined(kernel, reason):  # the link is the program's last holder
        kernel.link_update(link, new)

    kernel = Kernel(release)
    counts, cgroup = storage_map(kernel), kernel.mkdir()
    prog = counter(kernel, counts)
    link = kernel.link_create(cgroup, prog, EGRESS)
    kernel.link_update(link, skb(kernel))
    kernel.obj_pin("counts", counts)
    kernel.close(counts)
    kernel.close(prog)
    with undefined(kernel, reason):  # the pin
        kernel.unlink("counts")
    counts_again = kernel.obj_get("counts")
    kernel.unlink("counts")
    with undefined(kernel, reason):  # the descriptor
        kernel.close(counts_again)
    kernel.close(link)
    kernel.close(counts_again)


@pytest.mark.parametrize("release", LEGACY_LINKS)
def test_update_and_then_the_old_program_leaves_its_last_slot(release: str) -> None:
    """Slots of program arrays hold programs, these their maps."""
    kernel = Kernel(release)
    counts, cgroup, array = storage_map(kernel), kernel.mkdir(), prog_array(kernel)
    prog, other = counter(kernel, counts), skb(kernel)
    link = kernel.link_create(cgroup, prog, EGRESS)
    kernel.link_update(link, other)
    kernel.map_update_elem(array, 0, prog)
    kernel.close(prog)
    kernel.close(counts)
    reason = "freed while an attachment still owns one"
    with undefined(kernel, reason):
        kernel.map_update_elem(array, 0, other)
    with undefined(kernel, reason):
        kernel.map_delete_elem(array, 0)
    with undefined(kernel, reason):  # user space's last reference empties the array
        kernel.close(array)
    kernel.close(link)
    kernel.close(array)
    assert list(kernel.objects["map"].values()) == []


@pytest.mark.parametrize("release", LEGACY_LINKS)
def test_update_and_then_a_cgroup_with_the_old_program_goes(release: str) -> None:
    """6.2 once more: rmdir, or the last socket of a removed cgroup, lets go of the program."""
    reason = "freed while an attachment still owns one"
    kernel = Kernel(release)
    counts, linked = storage_map(kernel), kernel.mkdir()
    above = kernel.mkdir()
    below = kernel.mkdir(parent=above)
    prog, other = counter(kernel, counts), skb(kernel)
    link = kernel.link_create(linked, prog, EGRESS)
    kernel.prog_attach(above, prog, EGRESS)
    kernel.link_update(link, other)
    kernel.close(prog)
    kernel.close(counts)
    socket = kernel.socket(below)
    kernel.rmdir(below)
    kernel.rmdir(above)  # held by the socket below
    with undefined(kernel, reason, socket):
        kernel.close_socket(socket)
    kernel.close(link)
    kernel.close_socket(socket)
    assert kernel.objects["map"] == {}

    counts, linked, other_cgroup = storage_map(kernel), kernel.mkdir(), kernel.mkdir()
    prog = counter(kernel, counts)
    link = kernel.link_create(linked, prog, EGRESS)
    kernel.prog_attach(other_cgroup, prog, EGRESS)
    kernel.link_update(link, other)
    kernel.close(prog)
    kernel.close(counts)
    with undefined(kernel, reason):
        kernel.rmdir(other_cgroup)
    kernel.rmdir(linked)
    kernel.rmdir(other_cgroup)


# -- the PREORDER index ------------------------------------------------------------------------


@pytest.mark.parametrize("release", ["6.12.31", "6.12.96", "6.15", "6.17", "7.1"])
@pytest.mark.parametrize("where", ["here", "above", "below"])
def test_update_beside_preorder_programs(release: str, where: str) -> None:
    """9, f08aaee3152d (CVE-2026-72427): the wrong slot, unless no array holds a PREORDER one."""
    kernel = Kernel(release)
    above = kernel.mkdir()
    here = kernel.mkdir(parent=above)
    below = kernel.mkdir(parent=here)
    link, other, elsewhere = kernel.link_create(here, skb(kernel), EGRESS), skb(kernel), skb(kernel)
    flags = MULTI | BPF_F_PREORDER
    kernel.prog_attach(kernel.mkdir(), elsewhere, EGRESS, flags)
    kernel.prog_attach(here, elsewhere, INGRESS, flags)
    kernel.link_update(link, other)
    kernel.prog_attach({"here": here, "above": above, "below": below}[where], other, EGRESS, flags)
    with undefined(kernel, "CVE-2026-72427"):
        kernel.link_update(link, elsewhere)


@pytest.mark.parametrize("release", ["6.6.145", "6.12.97", "6.18.40", "7.1.5", "7.2", "latest"])
def test_update_beside_preorder_programs_once_fixed(release: str) -> None:
    kernel = Kernel(release)
    cgroup, first, new = kernel.mkdir(), skb(kernel), skb(kernel)
    link = kernel.link_create(cgroup, skb(kernel), EGRESS)
    kernel.prog_attach(cgroup, first, EGRESS, MULTI | BPF_F_PREORDER)
    kernel.link_update(link, new)
    running = kernel.prog_query(cgroup, EGRESS, BPF_F_QUERY_EFFECTIVE)
    assert running.prog_ids == (first.id, new.id)


# -- detach, close, and the cgroup's death -----------------------------------------------------


@pytest.mark.parametrize("release", ["5.7", "5.8", "5.8.18", "proposal"])
def test_no_detach_before_5_9(release: str) -> None:
    kernel = Kernel(release)
    cgroup, prog = kernel.mkdir(), skb(kernel)
    link = kernel.link_create(cgroup, prog, EGRESS)
    with refused(kernel, "EINVAL", errors.UnknownCommand):
        kernel.link_detach(link)


@pytest.mark.parametrize("release", since("5.9"))
def test_detach(release: str) -> None:
    """0, and 0 again on a defunct link, which stays open; EBADF, EINVAL."""
    kernel = Kernel(release)
    cgroup, prog = kernel.mkdir(), skb(kernel)
    link = kernel.link_create(cgroup, prog, EGRESS)
    with refused(kernel, "EINVAL", errors.WrongDescriptor):
        kernel.link_detach(prog)  # type: ignore[arg-type]
    kernel.link_detach(link)
    kernel.link_detach(link)
    assert ids(kernel, cgroup) == []
    assert told(kernel, link) == (prog.id, 0, EGRESS)
    with refused(kernel, "ENOLINK", errors.LinkDefunct):
        kernel.link_update(link, prog)
    kernel.close(link)
    with refused(kernel, "EBADF", errors.BadDescriptor):
        kernel.link_detach(link)
    with refused(kernel, "EBADFD", errors.BadInfoDescriptor):
        kernel.link_info(link)


@pytest.mark.parametrize("release", LINKS)
def test_closing_the_last_holder_detaches(release: str) -> None:
    """The last descriptor or pin."""
    kernel = Kernel(release)
    cgroup, prog = kernel.mkdir(), skb(kernel)
    link = kernel.link_create(cgroup, prog, EGRESS)
    copy = kernel.dup(link)
    kernel.obj_pin("link", link)
    for descriptor in (prog, link, copy):
        kernel.close(descriptor)
    assert ids(kernel, cgroup) == [prog.id]
    again = kernel.obj_get("link")
    kernel.unlink("link")
    assert ids(kernel, cgroup) == [prog.id]
    assert isinstance(again, LinkFd)
    assert told(kernel, again) == (prog.id, cgroup.id, EGRESS)
    kernel.close(again)
    assert ids(kernel, cgroup) == []
    assert kernel.objects["prog"] == {}  # the link held it: 6.1


@pytest.mark.parametrize("release", LINKS)
def test_a_link_survives_its_cgroup(release: str) -> None:
    """cgroup_id 0, UPDATE fails, DETACH returns 0; once the last socket is gone."""
    kernel = Kernel(release)
    cgroup, prog = kernel.mkdir(), skb(kernel)
    link = kernel.link_create(cgroup, prog, EGRESS)
    socket = kernel.socket(cgroup)
    kernel.rmdir(cgroup)
    assert told(kernel, link)[1] == cgroup.id
    kernel.link_update(link, prog)
    kernel.close_socket(socket)
    assert told(kernel, link)[1] == 0
    with without_cgroup(kernel):
        kernel.link_update(link, prog)
    if Release(release) >= Release("5.9"):
        kernel.link_detach(link)
    kernel.close(prog)
    assert prog.id in kernel.objects["prog"]
    kernel.close(link)
    assert kernel.objects["prog"] == kernel.objects["link"] == {}


# -- 3.8: one program twice on one hook --------------------------------------------------------


@pytest.mark.parametrize("release", LEGACY_LINKS)
@pytest.mark.parametrize("first", ["direct", "link"])
def test_a_second_attachment_in_legacy(release: str, first: str) -> None:
    """Recorded as dup-legacy: the kernel warns in bpf_cgroup_storage_link."""
    kernel = Kernel(release, memlock=1 << 20)
    cgroup, other, counts = kernel.mkdir(), kernel.mkdir(), storage_map(kernel)
    prog = counter(kernel, counts)
    if first == "direct":
        kernel.prog_attach(cgroup, prog, EGRESS, MULTI)
    else:
        kernel.link_create(cgroup, prog, EGRESS)
        with undefined(kernel, "the kernel warns"):
            kernel.prog_attach(cgroup, prog, EGRESS, MULTI)
    with undefined(kernel, "the kernel warns"):
        kernel.link_create(cgroup, prog, EGRESS)
    kernel.link_create(cgroup, prog, INGRESS)  # another key
    kernel.link_create(other, prog, EGRESS)
    kernel.fire(cgroup, EGRESS)
    assert kernel.map_lookup_elem(counts, (cgroup, EGRESS)) == 1


@pytest.mark.parametrize("release", ["proposal", *since("5.9")])
def test_two_attachments_of_a_program_share_one_storage(release: str) -> None:
    """Each event counts twice; so in the proposal, without the warning."""
    kernel = Kernel(release)
    cgroup, counts = kernel.mkdir(), storage_map(kernel)
    prog = counter(kernel, counts)
    kernel.prog_attach(cgroup, prog, EGRESS, MULTI)
    link, link_too = (kernel.link_create(cgroup, prog, EGRESS) for _ in range(2))
    kernel.fire(cgroup, EGRESS)
    assert kernel.map_lookup_elem(counts, (cgroup, EGRESS)) == 3
    kernel.close(link)
    kernel.prog_detach(cgroup, prog, EGRESS)
    kernel.fire(cgroup, EGRESS)
    assert kernel.map_lookup_elem(counts, (cgroup, EGRESS)) == 4
    kernel.close(link_too)
    kernel.fire(cgroup, EGRESS)
    assert kernel.map_lookup_elem(counts, (cgroup, EGRESS)) == 4


# -- invariants of an updated link -------------------------------------------------------------


def test_an_update_back_is_not_trusted_blindly() -> None:
    """The attachment's storage is looked at when it runs, not when the link is updated."""
    kernel = Kernel("5.10")
    cgroup, counts = kernel.mkdir(), storage_map(kernel)
    prog, none = counter(kernel, counts), skb(kernel)
    link = kernel.link_create(cgroup, prog, EGRESS)
    kernel.link_update(link, none)
    kernel.fire(cgroup, EGRESS)
    kernel.link_update(link, prog)
    kernel.fire(cgroup, EGRESS)
    assert kernel.map_lookup_elem(counts, (cgroup, EGRESS)) == 1
    kernel.check_invariants()


# -- links that took CGROUP_SKB programs of other attach types ----------------------------------

UNCHECKED = ("6.6", "6.6.32", "6.7", "6.8.11", "6.9", "6.9.2")


@pytest.mark.parametrize("release", UNCHECKED)
def test_a_link_took_a_program_of_another_type(release: str) -> None:
    """CVE-2024-38564: it attaches, and what it does there is undefined; PROG_ATTACH rejects it."""
    kernel = Kernel(release)
    cgroup, counts = kernel.mkdir(), storage_map(kernel)
    prog = counter(kernel, counts)
    with refused(kernel, "EINVAL", errors.WrongDescriptor):
        kernel.prog_attach(cgroup, prog, CONNECT)
    with refused(kernel, "EINVAL", errors.WrongDescriptor):
        kernel.link_create(cgroup, prog, BPF_LSM_CGROUP)
    link = kernel.link_create(cgroup, prog, CONNECT)
    assert kernel.map_lookup_elem(counts, (cgroup, CONNECT)) == 0
    with undefined(kernel, "the context of another program type"):
        kernel.fire(cgroup, CONNECT)
    kernel.link_detach(link)
    kernel.fire(cgroup, CONNECT)


@pytest.mark.parametrize(
    "release", [*before("6.6"), *since("6.10"), "6.1.190", "6.1.191", "6.6.33", "6.8.12", "6.9.3"]
)
def test_a_link_takes_no_program_of_another_type(release: str) -> None:
    kernel = Kernel(release)
    cgroup, prog = kernel.mkdir(), skb(kernel)
    if kernel.has(changes.LINKS):
        with refused(kernel, "EINVAL", errors.WrongDescriptor):
            kernel.link_create(cgroup, prog, CONNECT)


@pytest.mark.parametrize("release", UNCHECKED)
def test_only_skb_programs_were_unchecked(release: str) -> None:
    kernel = Kernel(release)
    cgroup, prog = kernel.mkdir(), kernel.prog_load(SOCK)
    with refused(kernel, "EINVAL", errors.WrongDescriptor):
        kernel.link_create(cgroup, prog, EGRESS)
