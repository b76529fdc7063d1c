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
    BPF_EXIST,
    BPF_F_LOCK,
    BPF_F_NO_PREALLOC,
    BPF_LOCAL_STORAGE_GET_F_CREATE,
    BPF_MAP_TYPE_CGRP_STORAGE,
    BPF_NOEXIST,
    SPIN_LOCK,
    STORAGE_KEY,
    U32,
    U64,
    Cgroup,
    Kernel,
    MapFd,
    Struct,
    Type,
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
