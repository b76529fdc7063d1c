# SPDX-License-Identifier: GPL-2.0-only
"""Lookup, update, delete, next key, batches, freeze: what each release answers and refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support import (
    PERCPU,
    SHARED,
    Machine,
    at_least,
    key_of,
    machine,
    outcome,
    reopened,
)
from support_programs import EGRESS, INGRESS, SKB, before, since
from support_state import refused, undefined

from reference_model import (
    BOGUS_KEY,
    BPF_EXIST,
    BPF_F_ALL_CPUS,
    BPF_F_CPU,
    BPF_F_LOCK,
    BPF_F_NO_PREALLOC,
    BPF_F_RDONLY,
    BPF_F_WRONLY,
    BPF_MAP_TYPE_ARRAY_OF_MAPS,
    BPF_MAP_TYPE_CGRP_STORAGE,
    BPF_NOEXIST,
    MAINLINE,
    SPIN_LOCK,
    STORAGE_KEY,
    U8,
    U32,
    U64,
    UNINITIALISED,
    Bytes,
    CgroupStorageKey,
    Kernel,
    MapFd,
    MapType,
    Mention,
    Struct,
    errors,
)
from reference_model.maps import StorageMap
from reference_model.storages import Storage

LOCKED = Struct(lock=SPIN_LOCK, n=U64)
TYPES = [pytest.param(SHARED, id="shared"), pytest.param(PERCPU, id="percpu")]
UPPER = 1 << 32
"""A CPU number, 1, in the upper half of the flags."""


def storages_of(found: MapFd) -> dict[object, Storage]:
    """The storages of a map, by their identities."""
    assert isinstance(found.object, StorageMap)
    return found.object.entries


def locked(release: str) -> Machine:
    """A shared entry with a bpf_spin_lock; its program only mentions the map."""
    return machine(release, value=LOCKED, btf=True, body=Mention)


def names(release: str, map_type: MapType) -> bool:
    """Whether the release has the map type: 19 since 4.19, 21 since 4.20."""
    return map_type is SHARED or at_least(release, "4.20")


# -- lookup ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", MAINLINE)
def test_lookup_flags_on_a_shared_map(release: str) -> None:
    """Without a lock; trace lookup-flags-without-lock."""
    kernel, _, counts, _, key = machine(release)
    assert kernel.map_lookup_elem(counts, key) == 0
    for flags in (1, 2, 3, 4, 5, 8, 8 | UPPER, 16, UPPER, 32, 1 << 31):
        assert outcome(kernel.map_lookup_elem, counts, key, flags) == "EINVAL", flags


@pytest.mark.parametrize("release", since("5.1"))
def test_lookup_flags_with_a_lock(release: str) -> None:
    """Trace spin-lock-values."""
    kernel, _, counts, _, key = locked(release)
    assert kernel.map_lookup_elem(counts, key, BPF_F_LOCK) == {"n": 0}
    for flags in (1, 2, 3, 5, 6, 12, 20, 4 | UPPER):
        assert outcome(kernel.map_lookup_elem, counts, key, flags) == "EINVAL", flags


def test_lookup_lock_before_5_1() -> None:
    """Without BPF_F_LOCK in the kernel, EINVAL."""
    kernel, _, counts, _, key = machine("5.0", value=LOCKED, btf=True, body=Mention)
    assert outcome(kernel.map_lookup_elem, counts, key, BPF_F_LOCK) == "EINVAL"


@pytest.mark.parametrize("release", since("4.20"))
def test_lookup_flags_on_a_percpu_map(release: str) -> None:
    """Trace lookup-flags-without-lock."""
    kernel, cgroup, counts, _, key = machine(release, PERCPU)
    kernel.fire(cgroup, EGRESS, cpu=1)
    assert kernel.map_lookup_elem(counts, key) == [0, 1]
    if at_least(release, "7.0"):
        assert kernel.map_lookup_elem(counts, key, BPF_F_CPU) == 0
        assert kernel.map_lookup_elem(counts, key, BPF_F_CPU | UPPER) == 1
        assert outcome(kernel.map_lookup_elem, counts, key, BPF_F_CPU | 2 << 32) == "ERANGE"
    else:
        for flags in (8, 8 | UPPER, 8 | 2 << 32):
            assert outcome(kernel.map_lookup_elem, counts, key, flags) == "EINVAL"
    for flags in (1, 2, 3, 4, 16, 24, UPPER, 4 | UPPER, 12 | UPPER):
        assert outcome(kernel.map_lookup_elem, counts, key, flags) == "EINVAL", flags


def test_one_cpu_is_value_size_bytes() -> None:
    """Exactly value_size bytes of that CPU, and not a padded slot."""
    kernel, _, found, _, key = machine("7.0", PERCPU, value=Bytes(5), cpus=3)
    kernel.map_update_elem(found, key, [b"aaaaa", b"bbbbb", b"ccccc"])
    assert kernel.map_lookup_elem(found, key, BPF_F_CPU | 2 << 32) == b"ccccc"


@pytest.mark.parametrize("release", MAINLINE)
def test_order_of_lookup_errors(release: str) -> None:
    """Order: flags (first, up to some 6.18), fd, EPERM (kernel 6.19.14), ENOENT."""
    kernel, cgroup, counts, prog, key = machine(release)
    missing, late = (cgroup, INGRESS), at_least(release, "6.19")
    blind = reopened(kernel, counts, write=True)
    closed: Any = kernel.dup(counts)
    kernel.close(closed)
    lookup = kernel.map_lookup_elem
    with refused(kernel, "EBADF", errors.BadDescriptor):
        lookup(closed, missing)
    with refused(kernel, "EINVAL", errors.WrongDescriptor):
        lookup(prog, missing)  # type: ignore[arg-type]
    with refused(kernel, "EBADF" if late else "EINVAL"):
        lookup(closed, missing, 1)
    with refused(kernel, "EPERM", errors.AccessMode):
        lookup(blind, missing)
    with refused(kernel, "EPERM" if late else "EINVAL"):
        lookup(blind, missing, 1)
    # F_LOCK on a map without a lock is looked at behind the descriptor, once it is a flag at all
    with refused(kernel, "EPERM" if at_least(release, "5.1") else "EINVAL"):
        lookup(blind, missing, BPF_F_LOCK)
    with refused(kernel, "EINVAL", errors.ElementFlags):
        lookup(counts, missing, BPF_F_LOCK)
    with refused(kernel, "ENOENT", errors.NoEntry):
        lookup(counts, missing)
    assert lookup(counts, key) == 0


# -- update ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", MAINLINE)
def test_update_of_a_shared_map(release: str) -> None:
    """Without a spin lock."""
    kernel, cgroup, counts, _, key = machine(release)
    for flags in (0, BPF_EXIST):
        kernel.map_update_elem(counts, key, 7 + flags, flags)
        assert kernel.map_lookup_elem(counts, key) == 7 + flags
        with refused(kernel, "ENOENT", errors.NoEntry):
            kernel.map_update_elem(counts, (cgroup, INGRESS), 1, flags)
    for flags in (1, 3, 4, 5, 6, 7, 8, 9, 10, 16, 18, 24, 32, UPPER, 8 | UPPER, 2 | UPPER):
        # also of a missing entry: the flags are looked at first
        assert outcome(kernel.map_update_elem, counts, key, 1, flags) == "EINVAL", flags
        assert outcome(kernel.map_update_elem, counts, (cgroup, INGRESS), 1, flags) == "EINVAL"
    assert kernel.map_lookup_elem(counts, key) == 9


@pytest.mark.parametrize("release", since("5.1"))
def test_update_of_a_shared_map_with_a_lock(release: str) -> None:
    """Trace spin-lock-values."""
    kernel, cgroup, found, _, key = locked(release)
    for number, flags in enumerate((0, 2, BPF_F_LOCK, BPF_F_LOCK | BPF_EXIST)):
        kernel.map_update_elem(found, key, {"n": number}, flags)
        assert kernel.map_lookup_elem(found, key, BPF_F_LOCK) == {"n": number}
        with refused(kernel, "ENOENT", errors.NoEntry):
            kernel.map_update_elem(found, (cgroup, INGRESS), {"n": 1}, flags)
    for flags in (1, 3, 5, 7, 8, 12, 16, 20, UPPER):
        with refused(kernel, "EINVAL", errors.ElementFlags):
            kernel.map_update_elem(found, key, {"n": 9}, flags)


@pytest.mark.parametrize("release", since("5.1"))
@pytest.mark.parametrize("flags", [0, BPF_F_LOCK], ids=["new-buffer", "in-place"])
def test_the_lock_itself_is_not_written(release: str, flags: int) -> None:
    """Lock bytes of user space are ignored; it reads back as zero."""
    kernel, _, found, _, key = locked(release)
    given = b"\xff" * 4 + bytes(4) + (77).to_bytes(8, "little")
    kernel.map_update_elem(found, key, given, flags)
    assert kernel.map_lookup_elem(found, key) == {"n": 77}
    assert storages_of(found)[key[0].id, EGRESS].data[:4] == bytes(4)


@pytest.mark.parametrize("release", before("7.0"))
def test_update_of_a_percpu_map(release: str) -> None:
    """Per-CPU, 4.20 - 6.19: flags 0 or 2, anything else EINVAL."""
    if not names(release, PERCPU):
        return
    kernel, cgroup, counts, _, key = machine(release, PERCPU)
    for flags in (0, BPF_EXIST):
        kernel.map_update_elem(counts, key, [5 + flags, 6 + flags], flags)
        assert kernel.map_lookup_elem(counts, key) == [5 + flags, 6 + flags]
        with refused(kernel, "ENOENT", errors.NoEntry):
            kernel.map_update_elem(counts, (cgroup, INGRESS), [1, 1], flags)
    for flags in (1, 3, 4, 6, 8, 16, 18, 24, 8 | UPPER, UPPER, 2 | UPPER):
        with refused(kernel, "EINVAL", errors.ElementFlags):
            kernel.map_update_elem(counts, key, [0, 0], flags)


@pytest.mark.parametrize("release", since("7.0"))
def test_update_of_one_or_all_cpus(release: str) -> None:
    """Per-CPU, 7.0+; trace lookup-flags-without-lock."""
    kernel, cgroup, counts, _, key = machine(release, PERCPU)
    update, missing = kernel.map_update_elem, (cgroup, INGRESS)
    for exist in (0, BPF_EXIST):
        update(counts, key, [5, 6], exist)
        update(counts, key, 9, BPF_F_CPU | UPPER | exist)
        assert kernel.map_lookup_elem(counts, key) == [5, 9]
        update(counts, key, 8, BPF_F_CPU | exist)
        assert kernel.map_lookup_elem(counts, key) == [8, 9]
        update(counts, key, 3, BPF_F_ALL_CPUS | exist)
        assert kernel.map_lookup_elem(counts, key) == [3, 3]
        for flags in (BPF_F_CPU, BPF_F_ALL_CPUS, 0):
            with refused(kernel, "ENOENT", errors.NoEntry):
                update(counts, missing, [1, 1] if not flags else 1, flags | exist)
    for flags in (1, 3, 4, 6, 24, 24 | UPPER, 9 | UPPER, 17, UPPER, 16 | UPPER, 2 | UPPER, 32):
        with refused(kernel, "EINVAL", errors.ElementFlags):
            update(counts, key, 0, flags)
    with refused(kernel, "ERANGE", errors.NoSuchCpu):
        update(counts, missing, 0, BPF_F_CPU | 2 << 32)  # the flags win over ENOENT


@pytest.mark.parametrize("release", MAINLINE)
@pytest.mark.parametrize("map_type", TYPES)
def test_order_of_update_errors(release: str, map_type: MapType) -> None:
    """Order: fd, EPERM of the descriptor or a frozen map, flags, ENOENT."""
    if not names(release, map_type):
        return
    kernel, cgroup, counts, prog, key = machine(release, map_type)
    update, missing = kernel.map_update_elem, (cgroup, INGRESS)
    quiet = reopened(kernel, counts, write=False)
    closed: Any = kernel.dup(counts)
    kernel.close(closed)
    with refused(kernel, "EBADF", errors.BadDescriptor):
        update(closed, missing, 1, BPF_NOEXIST)
    with refused(kernel, "EINVAL", errors.WrongDescriptor):
        update(prog, missing, 1, BPF_NOEXIST)  # type: ignore[arg-type]
    with refused(kernel, "EPERM", errors.AccessMode):
        update(quiet, missing, 1, BPF_NOEXIST)
    with refused(kernel, "EINVAL", errors.ElementFlags):
        update(counts, missing, 1, BPF_NOEXIST)
    if at_least(release, "5.2"):
        kernel.map_freeze(counts)
        with refused(kernel, "EPERM", errors.AccessMode):
            update(counts, missing, 1, BPF_NOEXIST)
        with refused(kernel, "EPERM", errors.AccessMode):
            update(counts, key, 1)


def test_update_without_memory() -> None:
    """A shared update allocates a buffer, ENOMEM; in place it does not."""
    kernel, cgroup, found, _, key = locked("latest")
    kernel.fail_next("storage")
    with pytest.raises(errors.OutOfMemory):
        kernel.map_update_elem(found, key, {"n": 1})
    assert kernel.map_lookup_elem(found, key) == {"n": 0}
    kernel.fail_next("storage")
    assert outcome(kernel.map_update_elem, found, (cgroup, INGRESS), {"n": 1}) == "ENOENT"
    kernel.map_update_elem(found, key, {"n": 2}, BPF_F_LOCK)
    assert kernel.map_lookup_elem(found, key) == {"n": 2}


# -- delete ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", MAINLINE)
@pytest.mark.parametrize("map_type", TYPES)
def test_delete(release: str, map_type: MapType) -> None:
    """EINVAL whether or not the key exists; fd and EPERM before."""
    if not names(release, map_type):
        return
    kernel, cgroup, counts, _, key = machine(release, map_type)
    quiet = reopened(kernel, counts, write=False)
    closed: Any = kernel.dup(counts)
    kernel.close(closed)
    for one in (key, (cgroup, INGRESS), (12345, EGRESS)):
        with refused(kernel, "EINVAL", errors.DeleteRefused):
            kernel.map_delete_elem(counts, one)
        with refused(kernel, "EPERM", errors.AccessMode):
            kernel.map_delete_elem(quiet, one)
        with refused(kernel, "EBADF", errors.BadDescriptor):
            kernel.map_delete_elem(closed, one)
    if at_least(release, "5.2"):
        kernel.map_freeze(counts)
        with refused(kernel, "EPERM", errors.AccessMode):
            kernel.map_delete_elem(counts, key)


# -- get_next_key ----------------------------------------------------------------------------------

FIXED = (
    "5.10.258",
    *("6.1.175", "6.1.176", "6.6.141", "6.12.91", "6.12.107", "6.18.33", "7.0.10", "7.1"),
    *("7.2", "7.2.13", "7.3", "latest"),
)
NOT_FIXED = (
    *before("7.1"),
    *(
        "4.19.108",
        "5.4.59",
        "5.8.18",
        "5.10.223",
        "5.10.257",
        "6.1.174",
        "6.6.140",
        "6.12.90",
        "6.18.32",
    ),
    *("6.17.99", "7.0.9"),
)


def walk(kernel: Kernel, found: MapFd) -> list[Any]:
    """All keys, from None on, and then the errno that ends them."""
    keys: list[Any] = []
    key = None
    while len(keys) < 10:
        try:
            key = kernel.map_get_next_key(found, key)
        except errors.NoMoreKeys as error:
            return [*keys, error.name]
        keys.append(key)
    return keys


@pytest.mark.parametrize(
    ("release", "bogus"),
    [*((name, False) for name in FIXED), *((name, True) for name in NOT_FIXED)],
)
def test_walk_over_all_keys(release: str, bogus: bool) -> None:
    """Newest first; before the fix one bogus key, and then ENOENT."""
    kernel, web, counts, prog, _ = machine(release)
    db = kernel.mkdir("db")
    kernel.prog_attach(db, prog, EGRESS)
    end = [BOGUS_KEY, "ENOENT"] if bogus else ["ENOENT"]
    assert walk(kernel, counts) == [key_of(db), key_of(web), *end]


def test_walk_on_the_proposal() -> None:
    """The attach type is uninitialised memory; trace next-key-end."""
    kernel, web, counts, _, _ = machine("proposal")
    assert walk(kernel, counts) == [CgroupStorageKey(web.id, UNINITIALISED), BOGUS_KEY, "ENOENT"]
    key = kernel.map_get_next_key(counts)
    assert kernel.map_lookup_elem(counts, key) == 0  # it is not compared either


@pytest.mark.parametrize(("release", "end"), [("5.9", [BOGUS_KEY, "ENOENT"]), ("7.3", ["ENOENT"])])
def test_walk_over_keys_of_8_bytes(release: str, end: list[object]) -> None:
    """Trace next-key-end8: the id alone."""
    kernel, web, counts, _, _ = machine(release, key=U64)
    assert walk(kernel, counts) == [web.id, *end]


@pytest.mark.parametrize("release", MAINLINE)
def test_next_key_errors(release: str) -> None:
    """An empty map, an unknown key (no restart), EPERM and EBADF before."""
    kernel, cgroup, counts, prog, _ = machine(release)
    empty = kernel.map_create(SHARED, STORAGE_KEY, U64)
    blind = reopened(kernel, counts, write=True)
    closed: Any = kernel.dup(counts)
    kernel.close(closed)
    following = kernel.map_get_next_key
    with refused(kernel, "ENOENT", errors.NoMoreKeys):
        following(empty)
    with refused(kernel, "ENOENT", errors.NoMoreKeys):
        following(empty, (cgroup, EGRESS))
    for unknown in ((cgroup, INGRESS), (12345, EGRESS), BOGUS_KEY):
        with refused(kernel, "ENOENT", errors.NoMoreKeys):
            following(counts, unknown)
    with refused(kernel, "EPERM", errors.AccessMode):
        following(blind)
    with refused(kernel, "EBADF", errors.BadDescriptor):
        following(closed)
    with refused(kernel, "EINVAL", errors.WrongDescriptor):
        following(prog)  # type: ignore[arg-type]


def test_order_of_keys_is_that_of_creation() -> None:
    """From 5.9 reuse does not move an entry; in legacy each attach makes one."""
    for release, newest in (("5.8", "web"), ("5.9", "db")):
        kernel, web, counts, prog, _ = machine(release)
        db = kernel.mkdir("db")
        kernel.prog_attach(db, prog, EGRESS)
        kernel.prog_detach(web, prog, EGRESS)
        kernel.prog_attach(web, prog, EGRESS)
        first = kernel.map_get_next_key(counts)
        assert first == key_of({"web": web, "db": db}[newest])


# -- the commands that these maps do not have ------------------------------------------------------


@pytest.mark.parametrize("release", MAINLINE)
@pytest.mark.parametrize("map_type", TYPES)
def test_lookup_and_delete(release: str, map_type: MapType) -> None:
    """Trace commands-the-type-does-not-know."""
    if not names(release, map_type):
        return
    kernel, _, counts, prog, key = machine(release, map_type)
    command = kernel.map_lookup_and_delete_elem
    if release == "4.19":
        for descriptor in (counts, prog):
            with refused(kernel, "EINVAL", errors.UnknownCommand):
                command(descriptor, key)  # type: ignore[arg-type]
        return
    closed: Any = kernel.dup(counts)
    kernel.close(closed)
    with refused(kernel, "ENOTSUPP", errors.CommandNotSupported):
        command(counts, key)
    with refused(kernel, "EBADF", errors.BadDescriptor):
        command(closed, key)
    with refused(kernel, "EINVAL", errors.ElementFlags):
        command(closed, key, 1)  # the flags come first
    # F_LOCK is a flag of the command from 5.14; then a map without a lock refuses it
    with refused(kernel, "EBADF" if at_least(release, "5.14") else "EINVAL"):
        command(closed, key, BPF_F_LOCK)
    with refused(kernel, "EINVAL", errors.ElementFlags):
        command(counts, key, BPF_F_LOCK)
    reader, writer = (reopened(kernel, counts, write=write) for write in (False, True))
    with refused(kernel, "EPERM", errors.AccessMode):
        command(reader, key)
    with refused(kernel, "EPERM" if at_least(release, "5.8") else "ENOTSUPP"):
        command(writer, key)


@pytest.mark.parametrize(("release", "answer"), [("5.13", "EINVAL"), ("5.14", "ENOTSUPP")])
def test_lookup_and_delete_with_a_lock(release: str, answer: str) -> None:
    """From 5.14 F_LOCK passes on a map with a lock."""
    kernel, _, found, _, key = locked(release)
    with refused(kernel, answer):
        kernel.map_lookup_and_delete_elem(found, key, BPF_F_LOCK)


BATCHES: dict[str, tuple[bool, bool]] = {
    "map_lookup_batch": (True, False),
    "map_lookup_and_delete_batch": (True, True),
    "map_update_batch": (False, True),
    "map_delete_batch": (False, True),
}
"""Whether the command reads and whether it writes."""


@pytest.mark.parametrize("release", MAINLINE)
@pytest.mark.parametrize("command", BATCHES)
def test_batches(release: str, command: str) -> None:
    """EINVAL up to 5.5; then fd, EPERM, and always ENOTSUPP."""
    kernel, _, counts, prog, _ = machine(release)
    batch: Callable[[object], None] = getattr(kernel, command)
    blind, quiet = reopened(kernel, counts, write=True), reopened(kernel, counts, write=False)
    closed: Any = kernel.dup(counts)
    kernel.close(closed)
    if not at_least(release, "5.6"):
        for descriptor in (counts, closed, blind, prog):
            with refused(kernel, "EINVAL", errors.UnknownCommand):
                batch(descriptor)
        return
    reads, writes = BATCHES[command]
    with refused(kernel, "ENOTSUPP", errors.CommandNotSupported):
        batch(counts)
    with refused(kernel, "EBADF", errors.BadDescriptor):
        batch(closed)
    with refused(kernel, "EINVAL", errors.WrongDescriptor):
        batch(prog)
    with refused(kernel, "EPERM" if reads else "ENOTSUPP"):
        batch(blind)
    with refused(kernel, "EPERM" if writes else "ENOTSUPP"):
        batch(quiet)
    kernel.map_freeze(counts)
    with refused(kernel, "EPERM" if writes else "ENOTSUPP"):
        batch(counts)


# -- freeze ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", MAINLINE)
def test_freeze(release: str) -> None:
    """User space no longer writes, programs do."""
    kernel, cgroup, counts, _, key = machine(release)
    if not at_least(release, "5.2"):
        with refused(kernel, "EINVAL", errors.UnknownCommand):
            kernel.map_freeze(counts)
        return
    kernel.map_freeze(counts)
    assert counts.frozen
    assert outcome(kernel.map_update_elem, counts, key, 5) == "EPERM"
    kernel.fire(cgroup, EGRESS)
    assert kernel.map_lookup_elem(counts, key) == 1
    assert kernel.map_get_next_key(counts) == key_of(cgroup)
    # EBUSY; from 6.5 EPERM, as a frozen map's descriptor cannot write: traces s1-0464
    with refused(kernel, "EPERM" if at_least(release, "6.5") else "EBUSY"):
        kernel.map_freeze(counts)


@pytest.mark.parametrize("release", since("5.2"))
def test_order_of_freeze_errors(release: str) -> None:
    """The second EBUSY wins over the capability (5.2 - 6.4)."""
    kernel, _, counts, prog, _ = machine(release)
    kernel.unprivileged_bpf_disabled = 0
    quiet = reopened(kernel, counts, write=False)
    closed: Any = kernel.dup(counts)
    kernel.close(closed)
    with refused(kernel, "EBADF", errors.BadDescriptor):
        kernel.map_freeze(closed)
    with refused(kernel, "EINVAL", errors.WrongDescriptor):
        kernel.map_freeze(prog)  # type: ignore[arg-type]
    if at_least(release, "6.5"):
        with refused(kernel, "EPERM", errors.FreezeReadOnly):
            kernel.map_freeze(quiet)
        with kernel.user():
            kernel.map_freeze(counts)
        return
    enough, missing = ("CAP_BPF", "CAP_NET_ADMIN")
    if not at_least(release, "5.8"):
        enough, missing = ("CAP_SYS_ADMIN", "CAP_BPF")
    with kernel.user(missing):
        assert outcome(kernel.map_freeze, counts) == "EPERM"
    assert not counts.frozen
    with kernel.user(enough):
        kernel.map_freeze(quiet)  # the descriptor does not matter yet
    with kernel.user(missing):
        assert outcome(kernel.map_freeze, counts) == "EBUSY"


@pytest.mark.parametrize("release", since("5.2"))
def test_freeze_of_a_map_with_a_lock(release: str) -> None:
    """ENOTSUPP before the permission, from 6.2; trace spin-lock-values."""
    kernel, _, found, _, _ = locked(release)
    if not at_least(release, "6.2"):
        kernel.map_freeze(found)
        return
    for descriptor in (found, reopened(kernel, found, write=False)):
        with refused(kernel, "ENOTSUPP", errors.FreezeNotSupported):
            kernel.map_freeze(descriptor)


# -- access flags ----------------------------------------------------------------------------------


@pytest.mark.parametrize("release", MAINLINE)
def test_descriptors_made_with_access_flags(release: str) -> None:
    """RDONLY refuses update and delete, WRONLY lookup and next key; EPERM."""
    kernel, _, quiet, _, key = machine(release, map_flags=BPF_F_RDONLY)
    assert kernel.map_lookup_elem(quiet, key) == 0
    assert kernel.map_get_next_key(quiet)
    assert outcome(kernel.map_update_elem, quiet, key, 1) == "EPERM"
    assert outcome(kernel.map_delete_elem, quiet, key) == "EPERM"
    kernel, _, blind, _, key = machine(release, map_flags=BPF_F_WRONLY)
    kernel.map_update_elem(blind, key, 1)
    assert outcome(kernel.map_delete_elem, blind, key) == "EINVAL"
    assert outcome(kernel.map_lookup_elem, blind, key) == "EPERM"
    assert outcome(kernel.map_get_next_key, blind) == "EPERM"


# -- layout per CPU --------------------------------------------------------------------------------


@pytest.mark.parametrize("release", ["4.20", "5.9", "6.19", "7.0", "7.3"])
@pytest.mark.parametrize("size", [1, 4, 7, 8, 9, 16, 100])
def test_percpu_slots(release: str, size: int) -> None:
    """round_up(value_size, 8) bytes for each possible CPU, and nothing between."""
    kernel, _, found, _, key = machine(release, PERCPU, value=Bytes(size), cpus=3, body=Mention)
    slot = -(-size // 8) * 8
    values = [bytes([number + 1]) * size for number in range(3)]
    kernel.map_update_elem(found, key, b"".join(value.ljust(slot, b"\0") for value in values))
    assert kernel.map_lookup_elem(found, key) == values
    kernel.map_update_elem(found, key, values[::-1])
    assert kernel.map_lookup_elem(found, key) == values[::-1]


@pytest.mark.parametrize(
    ("release", "kept"), [*((name, True) for name in before("7.0")), ("7.0", False), ("7.3", False)]
)
def test_pads_of_the_users_slots(release: str, kept: bool) -> None:
    """Stored up to 6.19, dropped from 7.0."""
    if not names(release, PERCPU):
        return
    kernel, cgroup, found, _, key = machine(release, PERCPU, value=Bytes(5), body=Mention)
    kernel.map_update_elem(found, key, b"valueabcVALUEABC")
    assert kernel.map_lookup_elem(found, key) == [b"value", b"VALUE"]
    data = bytes(storages_of(found)[cgroup.id, EGRESS].data)
    assert data == (b"valueabcVALUEABC" if kept else b"value\0\0\0VALUE\0\0\0")


def test_percpu_update_takes_a_value_for_each_cpu() -> None:
    kernel, _, counts, _, key = machine("7.3", PERCPU)
    for value in (1, [1], [1, 2, 3], bytes(8)):
        with pytest.raises(ValueError, match="list of 2 values, one for each possible CPU, or 16"):
            kernel.map_update_elem(counts, key, value)
    kernel.map_update_elem(counts, key, (1, 2))
    assert kernel.map_lookup_elem(counts, key) == [1, 2]


@pytest.mark.parametrize("release", [*since("4.20"), "7.2.6", "7.2.7", "7.2.13"])
@pytest.mark.parametrize("last", [2, 3])
def test_holes_among_the_possible_cpus(release: str, last: int) -> None:
    """7.0 - 7.2.6 index the user's value by CPU number; right before and after."""
    kernel, cgroup, counts, _, key = machine(release, PERCPU, cpus=(0, last))
    kernel.fire(cgroup, EGRESS, cpu=last)
    assert kernel.map_lookup_elem(counts, key) == [0, 1]
    if release in ("7.0", "7.1", "7.2", "7.2.6"):
        with undefined(kernel, "holes"):
            kernel.map_update_elem(counts, key, [5, 6])
        kernel.map_update_elem(counts, key, 7, BPF_F_ALL_CPUS)
        assert kernel.map_lookup_elem(counts, key) == [7, 7]
    else:
        kernel.map_update_elem(counts, key, [5, 6])
        assert kernel.map_lookup_elem(counts, key) == [5, 6]


@pytest.mark.parametrize("release", ["7.0", "7.2", "7.2.6"])
def test_one_cpu_among_holes_before_the_fix(release: str) -> None:
    """ "Fix BPF_F_CPU validation for sparse CPU IDs" (7.3, 7.2.7): before it,
    the number was compared with the count of CPUs."""
    kernel, _, counts, _, key = machine(release, PERCPU, cpus=(0, 3))
    assert kernel.map_lookup_elem(counts, key, BPF_F_CPU) == 0
    with undefined(kernel, "hole"):
        kernel.map_lookup_elem(counts, key, BPF_F_CPU | UPPER)
    with undefined(kernel, "hole"):
        kernel.map_update_elem(counts, key, 1, BPF_F_CPU | UPPER)
    with refused(kernel, "ERANGE", errors.NoSuchCpu):
        kernel.map_lookup_elem(counts, key, BPF_F_CPU | 3 << 32)


@pytest.mark.parametrize("release", ["7.2.7", "7.2.13", "7.3"])
def test_one_cpu_among_holes(release: str) -> None:
    """A CPU that is not possible is ERANGE, one that is answers."""
    kernel, _, counts, _, key = machine(release, PERCPU, cpus=(0, 3))
    kernel.map_update_elem(counts, key, 7, BPF_F_CPU | 3 << 32)
    assert kernel.map_lookup_elem(counts, key) == [0, 7]
    assert kernel.map_lookup_elem(counts, key, BPF_F_CPU | 3 << 32) == 7
    for cpu in (1, 2, 4):
        with refused(kernel, "ERANGE", errors.NoSuchCpu):
            kernel.map_lookup_elem(counts, key, BPF_F_CPU | cpu << 32)


# -- keys ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", since("5.9"))
def test_keys(release: str) -> None:
    """A cgroup or its id; other attach types only where the key has them."""
    kernel, web, wide, _, _ = machine(release)
    narrow = kernel.map_create(SHARED, U64, U64)
    prog = kernel.prog_load(SKB, Mention(narrow))
    kernel.prog_attach(kernel.mkdir("db"), prog, INGRESS)
    other = kernel.mkdir("other")
    key: object
    for key in ((web, EGRESS), (web.id, EGRESS), CgroupStorageKey(web.id, 1)):
        assert kernel.map_lookup_elem(wide, key) == 0
    for key in ((web, INGRESS), (other, EGRESS), (0, EGRESS), BOGUS_KEY):
        assert outcome(kernel.map_lookup_elem, wide, key) == "ENOENT"
    assert kernel.map_lookup_elem(narrow, kernel.map_get_next_key(narrow)) == 0
    for narrow_key in (web, web.id, other, 0, BOGUS_KEY):
        assert outcome(kernel.map_lookup_elem, narrow, narrow_key) == "ENOENT"


@pytest.mark.parametrize("release", MAINLINE)
def test_key_of_a_removed_cgroup(release: str) -> None:
    kernel, web, counts, _, _ = machine(release)
    key = key_of(web)
    kernel.rmdir(web)
    assert outcome(kernel.map_lookup_elem, counts, key) == "ENOENT"
    assert outcome(kernel.map_update_elem, counts, key, 1) == "ENOENT"
    assert outcome(kernel.map_delete_elem, counts, key) == "EINVAL"


@pytest.mark.parametrize("key", [1, None, "web", (1, 2, 3), [1, 2]])
def test_what_is_no_key_of_16_bytes(key: object) -> None:
    kernel, _, counts, _, _ = machine()
    with pytest.raises(TypeError, match=r"16 bytes is \(cgroup, attach_type\)|is not a key; pass"):
        kernel.map_lookup_elem(counts, key)


@pytest.mark.parametrize("key", [(1, 2), None, "web", 1.5])
def test_what_is_no_key_of_8_bytes(key: object) -> None:
    kernel, _, counts, _, _ = machine(key=U64)
    with pytest.raises(TypeError, match="8 bytes is a cgroup or its id|is not a key; pass"):
        kernel.map_lookup_elem(counts, key)


# -- other maps, other descriptors ----------------------------------------------------------------


def test_commands_on_a_map_of_maps() -> None:
    """The model knows these maps only as what refuses the storage maps."""
    kernel = Kernel()
    inner = kernel.map_create(
        BPF_MAP_TYPE_CGRP_STORAGE, U32, U64, map_flags=BPF_F_NO_PREALLOC, btf=True
    )
    outer = kernel.map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, U32, U32, max_entries=1, inner_map=inner)
    for command in (
        lambda: kernel.map_lookup_elem(outer, 0),
        lambda: kernel.map_update_elem(outer, 0, inner),
        lambda: kernel.map_delete_elem(outer, 0),
        lambda: kernel.map_get_next_key(outer),
    ):
        with refused(kernel, "ENOTSUPP", errors.CommandNotSupported):
            command()
    kernel.close(outer)
    kernel.close(inner)
    assert kernel.objects["map"] == {}


def test_what_is_no_descriptor() -> None:
    """Descriptor 0 and a cgroup's are of another kind; anything else is a mistake in Python."""
    kernel, cgroup, _, prog, key = machine()
    for descriptor in (None, cgroup, prog):
        with refused(kernel, "EINVAL", errors.WrongDescriptor):
            kernel.map_lookup_elem(descriptor, key)  # type: ignore[arg-type]
    kernel.close(prog)
    with refused(kernel, "EBADF", errors.BadDescriptor):
        kernel.map_lookup_elem(prog, key)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="3 is not a descriptor; pass"):
        kernel.map_lookup_elem(3, key)  # type: ignore[arg-type]


def test_values_are_of_the_maps_type() -> None:
    kernel, _, found, _, key = machine(value=Struct(packets=U64, kind=U8))
    kernel.map_update_elem(found, key, {"packets": 3})
    assert kernel.map_lookup_elem(found, key) == {"packets": 3, "kind": 0}
    kernel.map_update_elem(found, key, bytes(8) + b"\x07" + bytes(7))
    assert kernel.map_lookup_elem(found, key) == {"packets": 0, "kind": 7}
    with pytest.raises(TypeError):
        kernel.map_update_elem(found, key, 3)


def test_markers_read_well() -> None:
    assert repr(BOGUS_KEY) == "<bogus key>"
    assert repr(UNINITIALISED) == "<uninitialised>"
