# SPDX-License-Identifier: GPL-2.0-only
"""Who owns a storage, when it is made and when it goes.

One section for each semantics: up to 5.8 a storage belongs to an attachment; in the proposal to a
cgroup; from 5.9 on to its key.
"""

from __future__ import annotations

from typing import Any

import pytest
from support_programs import (
    EGRESS,
    INGRESS,
    LEGACY,
    SHARED,
    before,
    counter,
    percpu_map,
    since,
    skb,
    storage_map,
)
from support_state import (
    answer,
    differences,
    dump,
    out_of_memory,
    refused,
    undefined,
    without_memory,
)

from reference_model import (
    BOGUS_KEY,
    BPF_CGROUP_SOCK_OPS,
    BPF_F_ALLOW_MULTI,
    BPF_F_ALLOW_OVERRIDE,
    BPF_F_REPLACE,
    MAINLINE,
    STORAGE_KEY,
    U64,
    UNINITIALISED,
    Add,
    Bytes,
    Cgroup,
    Kernel,
    MapFd,
    Mention,
    ProgFd,
    Release,
    Type,
    errors,
)

MULTI, OVERRIDE, REPLACE = (
    int(flag) for flag in (BPF_F_ALLOW_MULTI, BPF_F_ALLOW_OVERRIDE, BPF_F_REPLACE)
)
LEGACY_KERNELS = [*LEGACY, "4.19.108", "5.4.59", "5.8.18"]
BY_KEY = [*SHARED, "5.10.223", "6.1.176", "6.12.107", "7.2.13"]
KEPT = [*BY_KEY, "proposal"]
"""The kernels where data outlive the attachment."""


def value(kernel: Kernel, found: MapFd, cgroup: Cgroup, attach_type: Any = EGRESS) -> object:
    """What a lookup answers: the value or an errno's name."""
    key = (cgroup, attach_type) if found.object.key.size == 16 else cgroup
    return answer(lambda: kernel.map_lookup_elem(found, key))


def keys(kernel: Kernel, found: MapFd) -> list[int]:
    """The cgroup ids of the map's keys, the newest first."""
    listed: list[int] = []
    key = None
    while True:
        try:
            key = kernel.map_get_next_key(found, key)
        except errors.NoMoreKeys:
            return listed
        if key is BOGUS_KEY:
            return listed
        listed.append(key[0] if isinstance(key, tuple) else key)
        key = (key[0], EGRESS) if isinstance(key, tuple) else key


def fired(kernel: Kernel, cgroup: Cgroup, times: int = 1) -> None:
    for _ in range(times):
        kernel.fire(cgroup, EGRESS)


# -- what all semantics have in common ---------------------------------------------------------


@pytest.mark.parametrize("release", [*MAINLINE, "proposal"])
def test_an_attach_makes_a_zeroed_storage(release: str) -> None:
    """Entries come only from attaching."""
    kernel = Kernel(release)
    cgroup, counts = kernel.mkdir(), storage_map(kernel)
    prog = counter(kernel, counts)
    assert value(kernel, counts, cgroup) == "ENOENT"
    kernel.prog_attach(cgroup, prog, EGRESS)
    assert value(kernel, counts, cgroup) == 0


@pytest.mark.parametrize("release", since("4.20"))
def test_one_storage_for_each_kind_of_map(release: str) -> None:
    kernel = Kernel(release)
    cgroup, shared, percpu = kernel.mkdir(), storage_map(kernel), percpu_map(kernel)
    prog = skb(kernel, Add(shared), Add(percpu))
    kernel.prog_attach(cgroup, prog, EGRESS)
    fired(kernel, cgroup)
    assert value(kernel, shared, cgroup) == 1
    assert value(kernel, percpu, cgroup) == [1, 0]


@pytest.mark.parametrize("release", since("5.10"))
def test_a_map_that_is_only_held_makes_no_storage(release: str) -> None:
    """BPF_PROG_BIND_MAP does not assign."""
    kernel = Kernel(release)
    cgroup, counts = kernel.mkdir(), storage_map(kernel)
    prog = skb(kernel)
    kernel.prog_bind_map(prog, counts)
    kernel.prog_attach(cgroup, prog, EGRESS)
    assert value(kernel, counts, cgroup) == "ENOENT"


@pytest.mark.parametrize("release", [*MAINLINE, "proposal"])
def test_a_map_that_is_only_mentioned_makes_one(release: str) -> None:
    """Even if the helper is never called."""
    kernel = Kernel(release)
    cgroup, counts = kernel.mkdir(), storage_map(kernel)
    kernel.prog_attach(cgroup, skb(kernel, Mention(counts)), EGRESS)
    assert value(kernel, counts, cgroup) == 0


@pytest.mark.parametrize("release", [*MAINLINE, "proposal"])
def test_an_attachment_keeps_map_and_data_without_any_descriptor(release: str) -> None:
    """Recorded as map-fd-closed-prog-attached."""
    kernel = Kernel(release)
    cgroup, counts = kernel.mkdir(), storage_map(kernel)
    kernel.obj_pin("counts", counts)
    prog = counter(kernel, counts)
    kernel.prog_attach(cgroup, prog, EGRESS)
    kernel.close(prog)
    kernel.close(counts)
    again = kernel.obj_get("counts")
    kernel.unlink("counts")
    assert isinstance(again, MapFd)
    fired(kernel, cgroup)
    assert value(kernel, again, cgroup) == 1
    kernel.close(again)
    fired(kernel, cgroup)
    kernel.prog_detach(cgroup, None, EGRESS)
    assert kernel.objects == {"map": {}, "prog": {}, "link": {}}
    assert cgroup.storages == {}


@pytest.mark.parametrize("release", [*MAINLINE, "proposal"])
def test_an_attach_that_fails_leaves_nothing(release: str) -> None:
    """In the proposal the last allocation is too late."""
    kernel = Kernel(release)
    cgroup, counts = kernel.mkdir(), storage_map(kernel)
    prog = counter(kernel, counts)
    kernel.fail_next("storage")
    with without_memory(kernel):
        kernel.prog_attach(cgroup, prog, EGRESS)
    kernel.fail_next("node")
    with out_of_memory(kernel):
        kernel.prog_attach(cgroup, prog, EGRESS)
    kernel.fail_next("effective")
    with pytest.raises(errors.OutOfMemory):
        kernel.prog_attach(cgroup, prog, EGRESS)
    assert value(kernel, counts, cgroup) == (0 if release == "proposal" else "ENOENT")
    assert kernel.prog_query(cgroup, EGRESS).prog_ids == ()


@pytest.mark.parametrize("release", since("4.20"))
def test_of_two_storages_both_or_none(release: str) -> None:
    """The second allocation fails, the first is given back."""
    kernel = Kernel(release, memlock=3 * 4096)
    cgroup, shared, percpu = kernel.mkdir(), storage_map(kernel), percpu_map(kernel)
    prog = skb(kernel, Add(shared), Add(percpu))
    if Release(release) < Release("5.11"):  # two maps and one storage fit
        with refused(kernel, "ENOMEM", errors.OutOfMemory):
            kernel.prog_attach(cgroup, prog, EGRESS)
        kernel.memlock = None
    kernel.prog_attach(cgroup, prog, EGRESS)


@pytest.mark.parametrize("release", [*MAINLINE, "proposal"])
def test_memory_is_charged_up_to_5_10(release: str) -> None:
    """ENOMEM inside attach, not EPERM; 5.11 and later count nothing."""
    kernel = Kernel(release, memlock=2 * 4096)
    counts = storage_map(kernel)
    prog = counter(kernel, counts)
    first, second = kernel.mkdir(), kernel.mkdir()
    kernel.prog_attach(first, prog, EGRESS)
    if Release(release) >= Release("5.11"):
        kernel.prog_attach(second, prog, EGRESS)
        assert kernel.locked_pages == 0
        return
    with without_memory(kernel):
        kernel.prog_attach(second, prog, EGRESS)
    assert kernel.locked_pages == 2
    kernel.rmdir(first)
    kernel.prog_attach(second, prog, EGRESS)
    kernel.rmdir(second)
    assert kernel.locked_pages == 1


@pytest.mark.parametrize(
    ("release", "size", "cpus", "pages"),
    [  # shared: storage, buffer header and value; per-CPU: the slots of all possible CPUs
        ("5.8", 8, None, 1),
        ("5.8", 4096, None, 2),
        ("5.10", 4096, None, 2),
        ("5.8", 1025, 4, 2),
        ("5.8", 1020, 4, 1),
        ("5.10", 4096, 3, 3),
    ],
)
def test_pages_of_a_storage(release: str, size: int, cpus: int | None, pages: int) -> None:
    """Rounded up to whole pages."""
    kernel = Kernel(release, cpus=cpus or 2)
    found = (percpu_map if cpus else storage_map)(kernel, value=Bytes(size))
    before_attach = kernel.locked_pages
    kernel.prog_attach(kernel.mkdir(), skb(kernel, Mention(found)), EGRESS)
    assert kernel.locked_pages - before_attach == pages


# -- 4.2: what two attachments share -----------------------------------------------------------


@pytest.mark.parametrize("key", [STORAGE_KEY, U64])
@pytest.mark.parametrize("release", BY_KEY)
def test_sharing_from_5_9(release: str, key: Type) -> None:
    """The whole matrix: program, attach type, cgroup, map, direct or link."""
    kernel = Kernel(release)
    cgroup, other = kernel.mkdir(), kernel.mkdir()
    counts, other_map = storage_map(kernel, key), storage_map(kernel, key)
    prog = counter(kernel, counts)
    kernel.prog_attach(cgroup, prog, EGRESS, MULTI)
    kernel.prog_attach(cgroup, counter(kernel, counts, 10), EGRESS, MULTI)  # program
    kernel.prog_attach(cgroup, counter(kernel, other_map), EGRESS, MULTI)  # map
    kernel.link_create(cgroup, prog, EGRESS)  # direct or link
    kernel.prog_attach(other, prog, EGRESS, MULTI)  # cgroup
    kernel.prog_attach(cgroup, counter(kernel, counts, 100), INGRESS, MULTI)  # attach type
    fired(kernel, cgroup)
    fired(kernel, other)
    kernel.run_hooks(cgroup, INGRESS)
    if key == U64:
        assert value(kernel, counts, cgroup) == 112
    else:
        assert value(kernel, counts, cgroup) == 12
        assert value(kernel, counts, cgroup, INGRESS) == 100
    assert value(kernel, counts, other) == 1
    assert value(kernel, other_map, cgroup) == 1


def test_sharing_in_the_proposal() -> None:
    """(map, cgroup); the attach type is ignored in every comparison."""
    kernel = Kernel("proposal")
    cgroup, other = kernel.mkdir(), kernel.mkdir()
    counts, other_map = storage_map(kernel), storage_map(kernel)
    prog = counter(kernel, counts)
    kernel.prog_attach(cgroup, prog, EGRESS, MULTI)
    kernel.prog_attach(cgroup, counter(kernel, counts, 10), INGRESS, MULTI)
    kernel.prog_attach(cgroup, counter(kernel, other_map), EGRESS, MULTI)
    kernel.link_create(cgroup, prog, EGRESS)
    kernel.prog_attach(other, prog, EGRESS)
    fired(kernel, cgroup)
    fired(kernel, other)
    kernel.run_hooks(cgroup, INGRESS)
    for attach_type in (EGRESS, INGRESS, BPF_CGROUP_SOCK_OPS):
        assert value(kernel, counts, cgroup, attach_type) == 12
    assert value(kernel, counts, other) == 1
    assert value(kernel, other_map, cgroup) == 1
    assert kernel.map_get_next_key(counts) == (other.id, UNINITIALISED)


@pytest.mark.parametrize("release", LEGACY_KERNELS)
def test_nothing_is_shared_in_legacy(release: str) -> None:
    """Every attachment has its own."""
    kernel = Kernel(release)
    cgroup, other, counts = kernel.mkdir(), kernel.mkdir(), storage_map(kernel)
    prog = counter(kernel, counts)
    for at, hook in ((cgroup, EGRESS), (cgroup, INGRESS), (other, EGRESS)):
        kernel.prog_attach(at, prog, hook)
    fired(kernel, cgroup, 2)
    kernel.run_hooks(cgroup, INGRESS)
    assert value(kernel, counts, cgroup) == 2
    assert value(kernel, counts, cgroup, INGRESS) == 1
    assert value(kernel, counts, other) == 0


# -- 3.8, first table: legacy ------------------------------------------------------------------


@pytest.mark.parametrize("release", LEGACY_KERNELS)
def test_legacy_frees_at_detach(release: str) -> None:
    kernel = Kernel(release)
    cgroup, counts = kernel.mkdir(), storage_map(kernel)
    prog = counter(kernel, counts)
    kernel.prog_attach(cgroup, prog, EGRESS)
    fired(kernel, cgroup)
    kernel.prog_detach(cgroup, prog, EGRESS)
    assert value(kernel, counts, cgroup) == "ENOENT"
    kernel.prog_attach(cgroup, prog, EGRESS)
    assert value(kernel, counts, cgroup) == 0


@pytest.mark.parametrize("release", ["5.7", "5.8", "5.8.18"])
def test_legacy_frees_with_the_link(release: str) -> None:
    kernel = Kernel(release)
    cgroup, counts = kernel.mkdir(), storage_map(kernel)
    link = kernel.link_create(cgroup, counter(kernel, counts), EGRESS)
    fired(kernel, cgroup)
    assert value(kernel, counts, cgroup) == 1
    kernel.close(link)
    assert value(kernel, counts, cgroup) == "ENOENT"


@pytest.mark.parametrize("flags", [0, OVERRIDE])
@pytest.mark.parametrize("release", LEGACY_KERNELS)
def test_legacy_starts_at_zero_after_a_replacement(release: str, flags: int) -> None:
    """Also by itself; recorded as override-replace."""
    kernel = Kernel(release)
    cgroup, counts, other_map = kernel.mkdir(), storage_map(kernel), storage_map(kernel)
    prog, other = counter(kernel, counts), counter(kernel, other_map)
    kernel.prog_attach(cgroup, prog, EGRESS, flags)
    fired(kernel, cgroup)
    kernel.prog_attach(cgroup, prog, EGRESS, flags)
    assert value(kernel, counts, cgroup) == 0
    fired(kernel, cgroup)
    kernel.prog_attach(cgroup, other, EGRESS, flags)
    assert value(kernel, counts, cgroup) == "ENOENT"
    assert value(kernel, other_map, cgroup) == 0


def test_legacy_starts_at_zero_after_replace() -> None:
    """REPLACE of a program by itself is legal and resets; recorded as multi-replace-self."""
    kernel = Kernel("5.8.18")
    cgroup, counts = kernel.mkdir(), storage_map(kernel)
    prog = counter(kernel, counts)
    kernel.prog_attach(cgroup, prog, EGRESS, MULTI)
    fired(kernel, cgroup)
    kernel.prog_attach(cgroup, prog, EGRESS, MULTI | REPLACE, replace=prog)
    assert value(kernel, counts, cgroup) == 0


@pytest.mark.parametrize("release", LEGACY_KERNELS)
def test_legacy_puts_the_old_storage_back_at_the_head(release: str) -> None:
    """The failure itself moves the entry to the front of the iteration."""
    kernel = Kernel(release, memlock=1 << 20)
    first, second, third, counts = *(kernel.mkdir() for _ in range(3)), storage_map(kernel)
    prog = counter(kernel, counts)
    for cgroup in (first, second, third):
        kernel.prog_attach(cgroup, prog, EGRESS)
        fired(kernel, cgroup)
    assert keys(kernel, counts) == [third.id, second.id, first.id]
    new = counter(kernel, storage_map(kernel))
    for allocation, order in [
        ("storage", [third, second, first]),
        ("effective", [second, third, first]),
    ]:
        kernel.fail_next(allocation)
        before_it = dump(kernel, order=False)
        with (
            without_memory(kernel) if allocation == "storage" else pytest.raises(errors.OutOfMemory)
        ):
            kernel.prog_attach(second, new, EGRESS)
        assert differences(before_it, dump(kernel, order=False)) == []
        assert keys(kernel, counts) == [cgroup.id for cgroup in order]
        assert value(kernel, counts, second) == 1
        kernel.check_invariants()


@pytest.mark.parametrize("release", LEGACY_KERNELS)
def test_legacy_keeps_the_order_of_attaching(release: str) -> None:
    """Attach order reversed; each attach creates."""
    kernel = Kernel(release)
    first, second, counts = kernel.mkdir(), kernel.mkdir(), storage_map(kernel)
    prog = counter(kernel, counts)
    for cgroup in (first, second, first):
        kernel.prog_attach(cgroup, prog, EGRESS)
    assert keys(kernel, counts) == [first.id, second.id]


# -- 3.8, second table: 5.9 and later, and the proposal ----------------------------------------


@pytest.mark.parametrize("release", KEPT)
def test_detach_keeps_and_attach_finds(release: str) -> None:
    """Lookup still works; the next attach sees the old values."""
    kernel = Kernel(release)
    cgroup, counts = kernel.mkdir(), storage_map(kernel)
    prog, other = counter(kernel, counts), counter(kernel, counts, 10)
    kernel.prog_attach(cgroup, prog, EGRESS)
    fired(kernel, cgroup)
    kernel.prog_detach(cgroup, prog, EGRESS)
    assert value(kernel, counts, cgroup) == 1
    kernel.map_update_elem(counts, (cgroup, EGRESS), 5)
    kernel.prog_attach(cgroup, other, EGRESS, MULTI)
    fired(kernel, cgroup)
    assert value(kernel, counts, cgroup) == 15
    link = kernel.link_create(cgroup, prog, EGRESS)
    fired(kernel, cgroup)
    kernel.close(link)
    assert value(kernel, counts, cgroup) == 26


@pytest.mark.parametrize("release", KEPT)
@pytest.mark.parametrize("flags", [0, OVERRIDE, MULTI | REPLACE])
def test_replacement_keeps_the_data_of_the_map(release: str, flags: int) -> None:
    """Same map, same storage; other map, its own; the old map's storage stays."""
    kernel = Kernel(release)
    cgroup, counts, other_map = kernel.mkdir(), storage_map(kernel), storage_map(kernel)
    one, ten, other = (
        counter(kernel, counts),
        counter(kernel, counts, 10),
        counter(kernel, other_map),
    )

    def attach(prog: ProgFd, old: ProgFd | None = None) -> None:
        kernel.prog_attach(cgroup, prog, EGRESS, flags if old else flags & ~REPLACE, replace=old)
        fired(kernel, cgroup)

    attach(one)
    attach(ten, one)
    attach(ten, ten)  # by itself: a no-op for the data
    assert value(kernel, counts, cgroup) == 21
    attach(other, ten)
    assert value(kernel, counts, cgroup) == 21
    assert value(kernel, other_map, cgroup) == 1
    attach(one, other)  # switching back continues
    assert value(kernel, counts, cgroup) == 22
    assert value(kernel, other_map, cgroup) == 1


@pytest.mark.parametrize("release", KEPT)
def test_reuse_does_not_move_an_entry(release: str) -> None:
    """The order is that of the first creation, reversed."""
    kernel = Kernel(release)
    first, second, counts = kernel.mkdir(), kernel.mkdir(), storage_map(kernel)
    prog = counter(kernel, counts)
    for cgroup in (first, second):
        kernel.prog_attach(cgroup, prog, EGRESS)
    kernel.prog_detach(first, prog, EGRESS)
    kernel.prog_attach(first, prog, EGRESS)
    listed = [kernel.map_get_next_key(counts)]
    listed.append(kernel.map_get_next_key(counts, (second, EGRESS)))
    assert [key[0] for key in listed] == [second.id, first.id]


@pytest.mark.parametrize("release", KEPT)
def test_the_map_takes_its_storages_along(release: str) -> None:
    """Map destroyed: all freed; a new map starts empty."""
    kernel = Kernel(release, memlock=1 << 20)
    locked = kernel.locked_pages
    cgroup, other, counts = kernel.mkdir(), kernel.mkdir(), storage_map(kernel)
    prog = counter(kernel, counts)
    for at in (cgroup, other):
        kernel.prog_attach(at, prog, EGRESS)
        kernel.prog_detach(at, prog, EGRESS)
    kernel.close(counts)
    assert len(cgroup.storages) == len(other.storages) == 1
    kernel.close(prog)
    assert cgroup.storages == other.storages == {}
    assert kernel.locked_pages == locked
    again = storage_map(kernel)
    assert value(kernel, again, cgroup) == "ENOENT"


@pytest.mark.parametrize("release", KEPT)
def test_user_space_never_deletes(release: str) -> None:
    kernel = Kernel(release)
    cgroup, counts = kernel.mkdir(), storage_map(kernel)
    prog = counter(kernel, counts)
    kernel.prog_attach(cgroup, prog, EGRESS)
    kernel.prog_detach(cgroup, prog, EGRESS)
    with refused(kernel, "EINVAL", errors.DeleteRefused):
        kernel.map_delete_elem(counts, (cgroup, EGRESS))


RESTORES = ["6.1.191", "6.6.157", "6.12.110", "6.18.52", "7.2.6", "7.3", "latest"]
DANGLES = [
    *before("7.3")[before("7.3").index("5.9") :],
    *("6.1.190", "6.6.156", "6.12.109", "6.18.51", "7.2.5", "proposal"),
]


def replacing_without_memory(kernel: Kernel, flags: int, *, same: bool) -> tuple[Any, ...]:
    """A program whose replacement is about to fail for want of memory."""
    cgroup, counts, other_map = kernel.mkdir(), storage_map(kernel), storage_map(kernel)
    old = counter(kernel, counts)
    new = counter(kernel, counts if same else other_map, 10)
    kernel.prog_attach(cgroup, old, EGRESS, flags & ~REPLACE)
    fired(kernel, cgroup)
    kernel.fail_next("effective")
    replace = old if flags & REPLACE else None
    return (
        cgroup,
        counts,
        other_map,
        lambda: kernel.prog_attach(cgroup, new, EGRESS, flags, replace=replace),
    )


@pytest.mark.parametrize("flags", [0, OVERRIDE, MULTI | REPLACE])
@pytest.mark.parametrize("release", DANGLES)
def test_a_failed_replacement_before_the_fix(release: str, flags: int) -> None:
    """CVE-2026-90313: pl->storage keeps the new pointers; harmless where they are the old."""
    kernel = Kernel(release, memlock=1 << 20)
    *_, replace = replacing_without_memory(kernel, flags, same=False)
    with undefined(kernel, "CVE-2026-90313"):
        replace()
    kernel = Kernel(release)
    cgroup, counts, _, replace = replacing_without_memory(kernel, flags, same=True)
    with refused(kernel, "ENOMEM", errors.OutOfMemory):
        replace()
    fired(kernel, cgroup)
    assert value(kernel, counts, cgroup) == 2


@pytest.mark.parametrize("flags", [0, OVERRIDE, MULTI | REPLACE])
@pytest.mark.parametrize("release", RESTORES)
def test_a_failed_replacement_once_fixed(release: str, flags: int) -> None:
    kernel = Kernel(release)
    cgroup, counts, other_map, replace = replacing_without_memory(kernel, flags, same=False)
    with refused(kernel, "ENOMEM", errors.OutOfMemory):
        replace()
    fired(kernel, cgroup)
    assert value(kernel, counts, cgroup) == 2
    assert value(kernel, other_map, cgroup) == "ENOENT"


@pytest.mark.parametrize("release", since("5.9"))
def test_a_failed_attach_does_not_take_what_was_there(release: str) -> None:
    """*new* storages freed; those that were found stay, as the second kind's."""
    kernel = Kernel(release, memlock=4 * 4096)
    cgroup, shared, percpu = kernel.mkdir(), storage_map(kernel), percpu_map(kernel)
    one, both = counter(kernel, shared), skb(kernel, Add(shared), Add(percpu))
    kernel.prog_attach(cgroup, one, EGRESS, MULTI)
    fired(kernel, cgroup)
    allocations = ["storage", "node", "effective"]
    for allocation in allocations:
        kernel.fail_next(allocation)
        with refused(kernel, "ENOMEM", errors.OutOfMemory):
            kernel.prog_attach(cgroup, both, EGRESS, MULTI)
    kernel.prog_attach(cgroup, both, EGRESS, MULTI)
    fired(kernel, cgroup)
    assert value(kernel, shared, cgroup) == 3
    assert value(kernel, percpu, cgroup) == [1, 0]


# -- 0.5: the proposal only --------------------------------------------------------------------


def test_the_proposal_needs_memory_for_a_spare_storage() -> None:
    """ENOMEM under RLIMIT_MEMLOCK although the storage exists; state intact."""
    kernel = Kernel("proposal", memlock=2 * 4096)
    cgroup, counts = kernel.mkdir(), storage_map(kernel)
    prog, other = counter(kernel, counts), counter(kernel, counts)
    kernel.prog_attach(cgroup, prog, EGRESS, MULTI)
    with refused(kernel, "ENOMEM", errors.OutOfMemory):
        kernel.prog_attach(cgroup, other, EGRESS, MULTI)
    kernel.memlock = 3 * 4096
    kernel.prog_attach(cgroup, other, EGRESS, MULTI)
    assert kernel.locked_pages == 2  # the spare is given back


def test_the_proposal_may_leave_a_storage_behind() -> None:
    """A failed attach may leave a new storage published; found ones stay as they are."""
    kernel = Kernel("proposal")
    cgroup, shared, percpu = kernel.mkdir(), storage_map(kernel), percpu_map(kernel)
    kernel.prog_attach(cgroup, counter(kernel, shared), EGRESS, MULTI)
    fired(kernel, cgroup)
    both = skb(kernel, Add(shared), Add(percpu))
    kernel.fail_next("effective")
    with pytest.raises(errors.OutOfMemory):
        kernel.prog_attach(cgroup, both, EGRESS, MULTI)
    assert value(kernel, shared, cgroup) == 1
    assert value(kernel, percpu, cgroup) == [0, 0]
    kernel.check_invariants()


def test_the_proposal_frees_what_others_share_when_a_list_node_fails() -> None:
    """The posted patch: it frees what bpf_cgroup_storages_alloc() gave, found or new."""
    kernel = Kernel("proposal", memlock=1 << 20)
    cgroup, shared, percpu = kernel.mkdir(), storage_map(kernel), percpu_map(kernel)
    both = skb(kernel, Add(shared), Add(percpu))
    kernel.fail_next("node")
    with refused(kernel, "ENOMEM", errors.OutOfMemory):  # all new: rightly freed
        kernel.prog_attach(cgroup, both, EGRESS, MULTI)
    kernel.prog_attach(cgroup, counter(kernel, shared), EGRESS, MULTI)
    kernel.fail_next("node")
    with undefined(kernel, "other attachments use"):
        kernel.prog_attach(cgroup, both, EGRESS, MULTI)


@pytest.mark.parametrize("release", ["5.8", "proposal", "latest"])
def test_storages_print_as_map_and_key(release: str) -> None:
    kernel = Kernel(release)
    cgroup, counts = kernel.mkdir(), storage_map(kernel)
    kernel.prog_attach(cgroup, counter(kernel, counts), EGRESS)
    (storage,) = cgroup.storages
    key = "2" if release == "proposal" else "(2, BPF_CGROUP_INET_EGRESS)"
    assert repr(storage) == f"Storage(1, {key})"
    (entry,) = cgroup.attachments()
    assert repr(entry) == "Attachment(1, Cgroup('cgroup2'))"
