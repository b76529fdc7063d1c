# SPDX-License-Identifier: GPL-2.0-only
"""BPF_MAP_TYPE_CGRP_STORAGE, the migration target: its commands and its two helpers."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from support import SHARED, outcome, reopened
from support_programs import since
from support_state import refused

from reference_model import (
    BPF_CGROUP_INET4_CONNECT,
    BPF_CGROUP_INET_EGRESS,
    BPF_CGROUP_INET_INGRESS,
    BPF_CGROUP_INET_SOCK_CREATE,
    BPF_EXIST,
    BPF_F_ALLOW_OVERRIDE,
    BPF_F_LOCK,
    BPF_F_NO_PREALLOC,
    BPF_F_SLEEPABLE,
    BPF_LOCAL_STORAGE_GET_F_CREATE,
    BPF_LSM_CGROUP,
    BPF_MAP_TYPE_CGRP_STORAGE,
    BPF_NOEXIST,
    BPF_PROG_TYPE_CGROUP_DEVICE,
    BPF_PROG_TYPE_CGROUP_SKB,
    BPF_PROG_TYPE_CGROUP_SOCK,
    BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
    BPF_PROG_TYPE_LSM,
    BPF_PROG_TYPE_SOCK_OPS,
    BPF_PROG_TYPE_SOCKET_FILTER,
    SPIN_LOCK,
    STORAGE_KEY,
    U32,
    U64,
    Add,
    Cgroup,
    CgroupOf,
    CgrpAdd,
    CgrpDelete,
    Kernel,
    MapFd,
    ProgType,
    Struct,
    Type,
    UndefinedBehaviour,
    errors,
)

CREATE = BPF_LOCAL_STORAGE_GET_F_CREATE
LOCKED = Struct(lock=SPIN_LOCK, n=U64)
RELEASES = pytest.mark.parametrize("release", [*since("6.2"), "6.12.107", "7.2.13"])


def setup(release: str = "latest", value: Type = U64) -> tuple[Kernel, MapFd, Cgroup]:
    """A kernel with such a map and a cgroup."""
    kernel = Kernel(release)
    found = kernel.map_create(
        BPF_MAP_TYPE_CGRP_STORAGE, U32, value, map_flags=BPF_F_NO_PREALLOC, btf=True
    )
    return kernel, found, kernel.mkdir("web")


# -- the table of syscalls -------------------------------------------------------------------------


@RELEASES
def test_update_lookup_delete(release: str) -> None:
    """Trace cgrp-storage-entries."""
    kernel, found, web = setup(release)
    update, lookup, delete = (
        *(kernel.map_update_elem, kernel.map_lookup_elem),
        kernel.map_delete_elem,
    )
    for operation in (lambda: lookup(found, web), lambda: delete(found, web)):
        with refused(kernel, "ENOENT", errors.NoEntry):
            operation()
    with refused(kernel, "ENOENT", errors.NoEntry):
        update(found, web, 1, BPF_EXIST)
    update(found, web, 7, BPF_NOEXIST)
    assert lookup(found, web) == 7
    with refused(kernel, "EEXIST", errors.EntryExists):
        update(found, web, 8, BPF_NOEXIST)
    update(found, web, 9, BPF_EXIST)
    update(found, web, 10)
    assert lookup(found, web) == 10
    delete(found, web)
    assert outcome(lookup, found, web) == "ENOENT"


@RELEASES
def test_update_flags(release: str) -> None:
    """(flags without F_LOCK) > EXIST EINVAL; F_LOCK without a lock EINVAL."""
    kernel, found, web = setup(release)
    for flags in (3, 4, 5, 6, 7, 8, 16, 1 << 32):
        with refused(kernel, "EINVAL", errors.ElementFlags):
            kernel.map_update_elem(found, web, 1, flags)
    kernel, found, web = setup(release, LOCKED)
    with refused(kernel, "EINVAL", errors.ElementFlags):
        kernel.map_update_elem(found, web, {"n": 1}, BPF_F_LOCK | 3)
    with refused(kernel, "ENOENT", errors.NoEntry):
        kernel.map_update_elem(found, web, {"n": 1}, BPF_F_LOCK | BPF_EXIST)
    kernel.map_update_elem(found, web, {"n": 1}, BPF_F_LOCK)
    assert kernel.map_lookup_elem(found, web, BPF_F_LOCK) == {"n": 1}
    with refused(kernel, "EEXIST", errors.EntryExists):
        kernel.map_update_elem(found, web, {"n": 1}, BPF_F_LOCK | BPF_NOEXIST)


@RELEASES
def test_lookup_flags(release: str) -> None:
    """Trace cgrp-storage-entries."""
    kernel, found, web = setup(release)
    kernel.map_update_elem(found, web, 1)
    for flags in (1, 2, 4, 8, 16, 1 << 32):
        with refused(kernel, "EINVAL", errors.ElementFlags):
            kernel.map_lookup_elem(found, web, flags)


@RELEASES
def test_keys(release: str) -> None:
    """A bad descriptor EBADF, a dying cgroup ENOENT; before the flags' EEXIST."""
    kernel, found, web = setup(release)
    kernel.map_update_elem(found, web, 1)
    gone = kernel.mkdir("gone")
    kernel.map_update_elem(found, gone, 1)
    kernel.socket(gone)
    kernel.rmdir(gone)
    closed = kernel.mkdir("closed")
    kernel.close(closed)
    keys: list[tuple[Any, str]] = [
        *((gone, "ENOENT"), (closed, "EBADF")),
        *((key, "EBADF") for key in (None, 5, web.id, (web, 1))),
    ]
    for key, answer in keys:
        with refused(kernel, answer):
            kernel.map_lookup_elem(found, key)
        with refused(kernel, answer):
            kernel.map_update_elem(found, key, 1, BPF_NOEXIST)
        with refused(kernel, answer):
            kernel.map_delete_elem(found, key)


@RELEASES
def test_nothing_is_listed(release: str) -> None:
    """get_next_key, batch and lookup_and_delete ENOTSUPP (524)."""
    kernel, found, web = setup(release)
    kernel.map_update_elem(found, web, 1)
    for command in (
        lambda: kernel.map_get_next_key(found),
        lambda: kernel.map_get_next_key(found, web),
        lambda: kernel.map_lookup_batch(found),
        lambda: kernel.map_update_batch(found),
        lambda: kernel.map_delete_batch(found),
        lambda: kernel.map_lookup_and_delete_batch(found),
        lambda: kernel.map_lookup_and_delete_elem(found, web),
    ):
        with refused(kernel, "ENOTSUPP", errors.CommandNotSupported):
            command()


@RELEASES
def test_access(release: str) -> None:
    """As of any map; a freeze bars user space; trace cgrp-storage-entries."""
    kernel, found, web = setup(release)
    kernel.map_update_elem(found, web, 1)
    blind, quiet = reopened(kernel, found, write=True), reopened(kernel, found, write=False)
    assert outcome(kernel.map_lookup_elem, blind, web) == "EPERM"
    assert outcome(kernel.map_update_elem, quiet, web, 1) == "EPERM"
    assert outcome(kernel.map_delete_elem, quiet, web) == "EPERM"
    kernel.map_freeze(found)
    assert outcome(kernel.map_update_elem, found, web, 2) == "EPERM"
    assert kernel.cgrp_storage_get(found, web) == 1
    kernel.cgrp_storage_delete(found, web)


def test_update_without_memory() -> None:
    """ENOMEM; the tests of the flags come before."""
    kernel, found, web = setup()
    kernel.fail_next("storage")
    assert outcome(kernel.map_update_elem, found, web, 1, BPF_EXIST) == "ENOENT"
    assert outcome(kernel.map_update_elem, found, web, 1) == "ENOMEM"
    assert outcome(kernel.map_lookup_elem, found, web) == "ENOENT"


# -- helpers ---------------------------------------------------------------------------------------


@RELEASES
def test_get(release: str) -> None:
    """Get: NULL where nothing is there; CREATE makes it, zeroed or given."""
    kernel, found, web = setup(release)
    get = kernel.cgrp_storage_get
    assert get(found, web) is None
    assert get(found, web, 5) is None
    assert get(found, web, flags=CREATE) == 0
    kernel.map_update_elem(found, web, 3)
    assert get(found, web) == get(found, web, 5, CREATE) == 3
    assert get(found, kernel.mkdir("db"), 5, CREATE) == 5


@RELEASES
def test_get_null(release: str) -> None:
    """Get: other flags, no cgroup, a dying one, no memory."""
    kernel, found, web = setup(release)
    get = kernel.cgrp_storage_get
    for flags in (2, 3, 4, 1 << 32):
        assert get(found, web, 1, flags) is None
    assert get(found, None, 1, CREATE) is None
    kernel.fail_next("storage")
    assert get(found, web, 1, CREATE) is None
    assert get(found, web, 1, CREATE) == 1


@RELEASES
def test_a_dying_cgroup(release: str) -> None:
    """Its element lives with the cgroup structure; a new one is not made."""
    kernel, found, web = setup(release)
    db = kernel.mkdir("db")
    kernel.map_update_elem(found, web, 7)
    sockets = [kernel.socket(cgroup) for cgroup in (web, db)]
    for cgroup in (web, db):
        kernel.rmdir(cgroup)
    assert kernel.cgrp_storage_get(found, web) == 7
    assert kernel.cgrp_storage_get(found, db, 1, CREATE) is None
    for socket in sockets:
        kernel.close_socket(socket)
    assert web.freed
    assert kernel.cgrp_storage_get(found, web, 1, CREATE) is None
    assert outcome(kernel.cgrp_storage_delete, found, web) == "ENOENT"


@RELEASES
def test_delete_helper(release: str) -> None:
    """Delete: EINVAL, ENOENT, 0."""
    kernel, found, web = setup(release)
    with refused(kernel, "EINVAL"):
        kernel.cgrp_storage_delete(found, None)
    with refused(kernel, "ENOENT", errors.NoEntry):
        kernel.cgrp_storage_delete(found, web)
    kernel.cgrp_storage_get(found, web, 1, CREATE)
    kernel.cgrp_storage_delete(found, web)
    assert kernel.cgrp_storage_get(found, web) is None


@RELEASES
def test_helpers_on_other_maps(release: str) -> None:
    """Only map type 32 is accepted by them."""
    kernel, _, web = setup(release)
    counts = kernel.map_create(SHARED, STORAGE_KEY, U64)
    with refused(kernel, "EINVAL", errors.HelperMapType):
        kernel.cgrp_storage_get(counts, web)
    with refused(kernel, "EINVAL", errors.HelperMapType):
        kernel.cgrp_storage_delete(counts, web)


# -- lifetime --------------------------------------------------------------------------------------


@RELEASES
def test_elements_go_with_the_map(release: str) -> None:
    """With the cgroup structure or the map; independent of attachments."""
    kernel, found, web = setup(release)
    kernel.map_update_elem(found, web, 1)
    kernel.map_update_elem(found, kernel.mkdir("db"), 2)
    kernel.close(found)
    assert all(not cgroup.local_storages for cgroup in kernel.cgroups.values())


def test_two_maps_share_nothing() -> None:
    kernel, one, web = setup()
    two = kernel.map_create(
        BPF_MAP_TYPE_CGRP_STORAGE, U32, U64, map_flags=BPF_F_NO_PREALLOC, btf=True
    )
    for found, number in ((one, 1), (two, 2)):
        kernel.map_update_elem(found, web, number)
    assert [kernel.map_lookup_elem(found, web) for found in (one, two)] == [1, 2]
    kernel.close(one)
    assert kernel.map_lookup_elem(two, web) == 2


def test_every_flag_of_an_update_has_its_answer() -> None:
    """Flags 0 to 7 by whether the entry and a lock exist."""
    for flags, exists, lock in itertools.product(range(8), (False, True), (False, True)):
        kernel, found, web = setup(value=LOCKED if lock else Struct(n=U64))
        if exists:
            kernel.map_update_elem(found, web, {"n": 1})
        plain = flags & ~4
        if plain > 2 or (flags & 4 and not lock):
            answer = "EINVAL"
        elif plain == 1 and exists:
            answer = "EEXIST"
        else:
            answer = "ENOENT" if plain == 2 and not exists else "ok"
        assert outcome(kernel.map_update_elem, found, web, {"n": 2}, flags) == answer


# -- programs that call the helpers ----------------------------------------------------------------

EGRESS, CONNECT = BPF_CGROUP_INET_EGRESS, BPF_CGROUP_INET4_CONNECT
SKB, ADDRESS = BPF_PROG_TYPE_CGROUP_SKB, BPF_PROG_TYPE_CGROUP_SOCK_ADDR


def value_of(kernel: Kernel, found: MapFd, cgroup: Cgroup) -> Any:
    """The value of a cgroup, or ENOENT."""
    try:
        return kernel.map_lookup_elem(found, cgroup)
    except errors.NoEntry as error:
        return error.name


@RELEASES
def test_a_program_creates_a_value_if_its_flags_say_so(release: str) -> None:
    """Trace cgrp-storage-programs."""
    kernel, found, web = setup(release)
    for flags, value in ((0, "ENOENT"), (2, "ENOENT"), (3, "ENOENT"), (1, 5)):
        prog = kernel.prog_load(SKB, CgrpAdd(found, 5, flags=flags))
        kernel.prog_attach(web, prog, EGRESS, BPF_F_ALLOW_OVERRIDE)
        kernel.fire(web, EGRESS)
        assert value_of(kernel, found, web) == value


def test_memory_that_is_short_makes_the_helper_return_null() -> None:
    """``bpf_cgrp_storage.c:bpf_cgrp_storage_get``: the program continues without a value."""
    kernel, found, web = setup()
    kernel.prog_attach(web, kernel.prog_load(SKB, CgrpAdd(found)), EGRESS)
    kernel.fail_next("storage")
    kernel.fire(web, EGRESS)
    assert value_of(kernel, found, web) == "ENOENT"
    kernel.fire(web, EGRESS)
    assert value_of(kernel, found, web) == 1


def test_programs_share_the_value_and_one_deletes_it() -> None:
    """Trace cgrp-storage-programs."""
    kernel, found, web = setup()
    shop = kernel.mkdir("shop", web)
    count = kernel.prog_load(SKB, CgrpAdd(found))
    connect = kernel.prog_load(ADDRESS, CgrpAdd(found, 10), expected_attach_type=int(CONNECT))
    end = kernel.prog_load(
        BPF_PROG_TYPE_CGROUP_SOCK,
        CgrpDelete(found, CgroupOf.SOCKET),
        expected_attach_type=int(BPF_CGROUP_INET_SOCK_CREATE),
    )
    kernel.prog_attach(web, count, EGRESS)
    kernel.prog_attach(web, connect, CONNECT)
    kernel.fire(shop, EGRESS)
    kernel.fire(shop, CONNECT)
    assert value_of(kernel, found, shop) == 11
    assert value_of(kernel, found, web) == "ENOENT"
    kernel.prog_attach(shop, end, BPF_CGROUP_INET_SOCK_CREATE)
    for _ in range(2):  # what is not there is not deleted
        kernel.fire(shop, BPF_CGROUP_INET_SOCK_CREATE)
        assert value_of(kernel, found, shop) == "ENOENT"


def test_which_cgroup() -> None:
    """The owner of an open socket is a process in the root cgroup; cgrp-storage-programs."""
    kernel, found, web = setup()
    shop = kernel.mkdir("shop", web)
    steps = [
        CgrpAdd(found, amount, cgroup=of)
        for amount, of in ((1, CgroupOf.TASK), (10, CgroupOf.PARENT), (100, CgroupOf.SOCKET))
    ]
    kernel.prog_attach(web, kernel.prog_load(SKB, steps), EGRESS)
    kernel.fire(shop, EGRESS)
    assert [value_of(kernel, found, cgroup) for cgroup in (shop, web)] == [101, 10]
    kernel.fire(kernel.socket(shop), EGRESS)
    assert [value_of(kernel, found, cgroup) for cgroup in (shop, web)] == [201, 10]
    assert value_of(kernel, found, kernel.root) == 1


def test_a_plain_text_names_a_cgroup() -> None:
    kernel, found, web = setup()
    prog = kernel.prog_load(SKB, CgrpAdd(found, cgroup="socket"))  # type: ignore[arg-type]
    kernel.prog_attach(web, prog, EGRESS)
    kernel.fire(web, EGRESS)
    assert value_of(kernel, found, web) == 1
    with pytest.raises(TypeError, match=r"CgrpAdd\.cgroup: 'here' is not a cgroup"):
        kernel.prog_load(SKB, CgrpAdd(found, cgroup="here"))  # type: ignore[arg-type]


def test_what_is_undefined_changes_nothing() -> None:
    """In a softirq the current task can be any."""
    kernel, found, web = setup()
    counts = kernel.map_create(SHARED, STORAGE_KEY, U64)
    kernel.map_update_elem(found, web, 7)
    both = [Add(counts), CgrpAdd(found, cgroup=CgroupOf.SOCKET), CgrpAdd(found)]
    kernel.prog_attach(web, kernel.prog_load(SKB, both), BPF_CGROUP_INET_INGRESS)
    with pytest.raises(UndefinedBehaviour, match="softirq"):
        kernel.fire(web, BPF_CGROUP_INET_INGRESS)
    assert value_of(kernel, found, web) == 7
    assert kernel.map_lookup_elem(counts, (web, BPF_CGROUP_INET_INGRESS)) == 0


def test_a_test_run_has_no_cgroup_of_the_model() -> None:
    kernel, found, web = setup()
    prog = kernel.prog_load(SKB, [CgrpAdd(found), CgrpAdd(found, cgroup=CgroupOf.SOCKET)])
    assert kernel.prog_test_run(prog) == 1
    assert value_of(kernel, found, web) == "ENOENT"


@pytest.mark.parametrize(
    ("release", "prog_type", "answer"),
    [
        *[("6.11", prog_type, "EACCES") for prog_type in (SKB, ADDRESS, BPF_PROG_TYPE_SOCK_OPS)],
        *[("6.12.118", prog_type, "ok") for prog_type in (SKB, BPF_PROG_TYPE_CGROUP_DEVICE)],
        ("6.12.118", BPF_PROG_TYPE_SOCK_OPS, "EACCES"),
        ("6.19.14", BPF_PROG_TYPE_SOCK_OPS, "ok"),
        ("7.3.4", BPF_PROG_TYPE_SOCKET_FILTER, "EACCES"),
    ],
)
def test_who_may_call_kernel_functions(release: str, prog_type: ProgType, answer: str) -> None:
    """Trace cgrp-storage-refusals."""
    kernel, found, _ = setup(release)
    expected = int(CONNECT) if prog_type is ADDRESS else 0
    parent = CgrpAdd(found, cgroup=CgroupOf.PARENT)
    load = kernel.prog_load
    assert outcome(load, prog_type, parent, expected_attach_type=expected) == answer
    assert outcome(load, prog_type, CgrpAdd(found), expected_attach_type=expected) == "ok"


@pytest.mark.parametrize("of", [CgroupOf.TASK, CgroupOf.PARENT])
@pytest.mark.parametrize("rcu", [False, True])
@pytest.mark.parametrize("sleepable", [False, True])
def test_sleepable_programs_need_rcu(of: CgroupOf, rcu: bool, sleepable: bool) -> None:
    """Trace cgrp-storage-sleepable; only 6.19.14 of the kernels lets LSM programs sleep."""
    kernel, found, _ = setup("6.19.14")
    refusal = {CgroupOf.TASK: "EACCES", CgroupOf.PARENT: "EINVAL"}[of]
    for step in (CgrpAdd(found, cgroup=of, rcu=rcu), CgrpDelete(found, cgroup=of, rcu=rcu)):
        answer = outcome(
            kernel.prog_load,
            BPF_PROG_TYPE_LSM,
            step,
            expected_attach_type=int(BPF_LSM_CGROUP),
            lsm_hook="socket_bind",
            prog_flags=int(BPF_F_SLEEPABLE) if sleepable else 0,
        )
        assert answer == (refusal if sleepable and not rcu else "ok")


def test_what_else_the_verifier_rejects() -> None:
    """Trace cgrp-storage-refusals."""
    kernel, found, _ = setup(value=Struct(n=U64, lock=SPIN_LOCK))
    counts = kernel.map_create(SHARED, STORAGE_KEY, U64)
    for body, error in (
        (CgrpAdd(counts), errors.HelperMapType),
        (CgrpDelete(counts), errors.HelperMapType),
        (Add(found), errors.HelperMapType),
    ):
        with pytest.raises(error):
            kernel.prog_load(SKB, body)
    with kernel.user("CAP_BPF", "CAP_NET_ADMIN"), refused(kernel, "EINVAL", errors.UnknownHelper):
        kernel.prog_load(SKB, CgrpAdd(found))
    with pytest.raises(ValueError, match="the model has no socket"):
        kernel.prog_load(BPF_PROG_TYPE_CGROUP_DEVICE, CgrpAdd(found, cgroup=CgroupOf.SOCKET))
    old = Kernel("6.1")
    wrong = old.map_create(SHARED, STORAGE_KEY, U64)
    with refused(old, "EINVAL", errors.UnknownHelper):
        old.prog_load(SKB, CgrpAdd(wrong))
