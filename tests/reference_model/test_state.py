# SPDX-License-Identifier: GPL-2.0-only
"""Descriptors, pins, capabilities, RLIMIT_MEMLOCK: what holds what, and what is charged."""

from __future__ import annotations

import pickle

import pytest
from support import PERCPU, SHARED, at_least, machine, outcome
from support_programs import EGRESS, INGRESS, SKB, before, since
from support_state import refused, without_memory

from reference_model import (
    BPF_F_ALLOW_MULTI,
    BPF_F_NO_PREALLOC,
    BPF_F_RDONLY,
    BPF_F_WRONLY,
    BPF_MAP_TYPE_PROG_ARRAY,
    MAINLINE,
    STORAGE_KEY,
    U32,
    U64,
    Add,
    Bytes,
    Kernel,
    MapType,
    Mention,
    TailCall,
    errors,
)

PIN = "/sys/fs/bpf/counts"
PAGE = 4096


# -- descriptors ----------------------------------------------------------------------------------


def test_a_map_lives_as_long_as_somebody_holds_it() -> None:
    """Descriptors, pins and programs; an attachment holds the program."""
    kernel, web, counts, prog, _ = machine()
    again = kernel.dup(counts)
    kernel.close(counts)
    kernel.close(again)
    kernel.close(prog)
    kernel.fire(web, EGRESS)
    (found,) = kernel.objects["map"].values()
    kernel.rmdir(web)
    assert kernel.objects == {"map": {}, "prog": {}, "link": {}}
    assert found.refs == 0


def test_closed_descriptors() -> None:
    kernel, web, counts, prog, key = machine()
    link = kernel.link_create(web, prog, EGRESS)
    for descriptor in (counts, prog, link):
        again = kernel.dup(descriptor)
        assert again.id == descriptor.id
        kernel.close(again)
        with refused(kernel, "EBADF", errors.BadDescriptor):
            kernel.close(again)
        with refused(kernel, "EBADF", errors.BadDescriptor):
            kernel.dup(again)
        with refused(kernel, "EINVAL", errors.NoDescriptorToPin):
            kernel.obj_pin(PIN, again)
    assert kernel.map_lookup_elem(counts, key) == 0


def test_a_cgroups_descriptor() -> None:
    """A closed one is EBADF; the cgroup goes on."""
    kernel, web, counts, prog, key = machine()
    kernel.close(web)
    with refused(kernel, "EBADF", errors.BadDescriptor):
        kernel.close(web)
    with refused(kernel, "EBADF", errors.BadDescriptor):
        kernel.prog_attach(web, prog, INGRESS)
    assert kernel.map_lookup_elem(counts, key) == 0


@pytest.mark.parametrize("other", [None, 3, "counts"])
def test_what_cannot_be_closed(other: object) -> None:
    with pytest.raises(errors.WrongDescriptor if other is None else TypeError):
        Kernel().close(other)  # type: ignore[arg-type]


def test_reprs() -> None:
    kernel = Kernel("5.8")
    counts = kernel.map_create(SHARED, STORAGE_KEY, U64, map_name="counts")
    prog = kernel.prog_load(SKB)
    assert (repr(kernel), repr(counts), repr(prog)) == (
        *("Kernel('5.8')", "MapFd(1, 'counts')"),
        "ProgFd(1)",
    )
    assert counts.id == prog.id == 1


def test_ids_are_not_used_again() -> None:
    kernel = Kernel()
    for number in (1, 2, 3):
        counts = kernel.map_create(SHARED, STORAGE_KEY, U64)
        assert counts.id == number
        kernel.close(counts)
    assert outcome(kernel.map_create, SHARED, Bytes(1), U64) == "EINVAL"
    assert kernel.map_create(SHARED, STORAGE_KEY, U64).id == 4  # a refusal takes no id


# -- pins -----------------------------------------------------------------------------------------


def test_a_pin_holds_its_object() -> None:
    """For each kind of object."""
    kernel, web, counts, prog, key = machine()
    link = kernel.link_create(web, prog, EGRESS)
    for number, descriptor in enumerate((counts, prog, link)):
        path = f"/sys/fs/bpf/{number}"
        kernel.obj_pin(path, descriptor)
        kernel.close(descriptor)
        again = kernel.obj_get(path)
        assert type(again) is type(descriptor)
        assert again.id == descriptor.id
        kernel.close(again)
        kernel.check_invariants()
    kernel.unlink("/sys/fs/bpf/2")
    assert kernel.objects["link"] == {}
    assert kernel.map_lookup_elem(kernel.obj_get("/sys/fs/bpf/0"), key) == 0  # type: ignore[arg-type]


def test_pin_errors() -> None:
    kernel, _, counts, prog, _ = machine()
    kernel.obj_pin(PIN, counts)
    with refused(kernel, "EEXIST", errors.PathExists):
        kernel.obj_pin(PIN, prog)
    with refused(kernel, "ENOENT", errors.NoSuchPath):
        kernel.obj_get("/sys/fs/bpf/missing")
    with refused(kernel, "ENOENT", errors.NoSuchPath):
        kernel.unlink("/sys/fs/bpf/missing")
    kernel.unlink(PIN)
    with refused(kernel, "ENOENT", errors.NoSuchPath):
        kernel.unlink(PIN)


@pytest.mark.parametrize(
    ("release", "errno"),
    [
        ("4.19", "ok"), ("5.10", "ok"), ("5.10.30", "ok"), ("5.10.262", "ok"), ("5.11", "ok"),
        ("5.11.14", "ok"), ("5.12", "EINVAL"), ("5.12.16", "EINVAL"), ("5.12.17", "ok"),
        ("5.13", "EINVAL"), ("5.13.1", "EINVAL"), ("5.13.2", "ok"), ("5.14", "ok"),
        ("5.15", "ok"), ("latest", "ok"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("flags", [BPF_F_RDONLY, BPF_F_WRONLY])
def test_a_pinned_program_is_opened_with_flags(release: str, errno: str, flags: int) -> None:
    """``inode.c:bpf_obj_get_user`` of 5.10.262, 5.12.9 and 6.1.192.

    d37300ed1821 was not taken over by 5.10.30 and 5.11.14, which reject the flags for links.
    """
    kernel = Kernel(release)
    kernel.obj_pin(PIN, kernel.prog_load(SKB))
    assert outcome(kernel.obj_get, PIN, flags) == errno
    assert outcome(kernel.obj_get, PIN) == "ok"
    kernel.check_invariants()


@pytest.mark.parametrize("flags", [BPF_F_RDONLY | BPF_F_WRONLY, BPF_F_NO_PREALLOC, 1 << 20])
def test_file_flags(flags: int) -> None:
    kernel, _, counts, _, _ = machine()
    kernel.obj_pin(PIN, counts)
    with refused(kernel, "EINVAL", errors.MapFlags):
        kernel.obj_get(PIN, flags)
    with refused(kernel, "EINVAL", errors.MapFlags):
        kernel.obj_get("/sys/fs/bpf/missing", flags)  # the flags come first


def test_access_of_a_pinned_map() -> None:
    """The descriptor decides, whatever another one may do."""
    kernel, _, counts, _, key = machine()
    kernel.obj_pin(PIN, counts)
    quiet = kernel.obj_get(PIN, BPF_F_RDONLY)
    assert quiet.mode == kernel.dup(quiet).mode == BPF_F_RDONLY
    assert outcome(kernel.map_update_elem, quiet, key, 1) == "EPERM"
    assert outcome(kernel.map_update_elem, kernel.obj_get(PIN), key, 1) == "ok"


# -- capabilities ---------------------------------------------------------------------------------


def test_user() -> None:
    kernel = Kernel()
    assert kernel._bpf_capable()
    assert kernel._net_admin()
    with kernel.user():
        assert not kernel._bpf_capable()
        with kernel.user("CAP_NET_ADMIN"):
            assert kernel._net_admin()
        assert not kernel._net_admin()
    with pytest.raises(ZeroDivisionError), kernel.user():
        _ = 1 / 0
    assert kernel._bpf_capable()
    known = r"known are \['CAP_BPF', 'CAP_NET_ADMIN', 'CAP_PERFMON', 'CAP_SYS_ADMIN'\]"
    with pytest.raises(ValueError, match=known), kernel.user("CAP_CHOWN"):
        pass


@pytest.mark.parametrize("release", MAINLINE)
@pytest.mark.parametrize(
    ("capability", "bpf", "net"),
    [
        ("CAP_SYS_ADMIN", ("ok", "ok"), ("", "ok")),
        ("CAP_BPF", ("", "ok"), ("", "")),
        ("CAP_NET_ADMIN", ("", ""), ("ok", "ok")),
    ],
)
def test_what_a_capability_is_good_for(
    release: str, capability: str, bpf: tuple[str, str], net: tuple[str, str]
) -> None:
    """From 5.8; CAP_SYS_ADMIN in CAP_NET_ADMIN's place from 6.9."""
    kernel = Kernel(release)
    with kernel.user(capability):
        assert kernel._bpf_capable() is bool(bpf[at_least(release, "5.8")])
        assert kernel._net_admin() is bool(net[at_least(release, "6.9")])


def test_the_sysctl() -> None:
    """Any value but 0 shuts the unprivileged out."""
    for value, answer in ((0, "ok"), (1, "EPERM"), (2, "EPERM")):
        kernel = Kernel(unprivileged_bpf_disabled=value)
        with kernel.user():
            assert outcome(kernel.map_create, SHARED, STORAGE_KEY, U64) == answer


# -- RLIMIT_MEMLOCK -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("map_type", "size", "cpus", "pages"),
    [
        (SHARED, 8, 2, 1),
        (SHARED, 4096, 2, 2),  # the headers make it more than a page
        (SHARED, 3000, 64, 1),
        (PERCPU, 8, 2, 1),
        (PERCPU, 4, 512, 1),  # 4 is rounded up to 8: just a page
        (PERCPU, 4, 513, 2),
        (PERCPU, 4096, 3, 3),
    ],
)
def test_pages_of_a_storage(map_type: MapType, size: int, cpus: int, pages: int) -> None:
    """Charged at attach, up to 5.10; the map itself charges one page."""
    for release in since("4.20" if map_type is PERCPU else "4.19"):
        kernel = Kernel(release, cpus=cpus)
        found = kernel.map_create(map_type, STORAGE_KEY, Bytes(size))
        charged = [kernel.locked_pages]
        web, prog = kernel.mkdir(), kernel.prog_load(SKB, Mention(found))
        kernel.prog_attach(web, prog, EGRESS)
        charged.append(kernel.locked_pages)
        kernel.rmdir(web)
        charged.append(kernel.locked_pages)
        kernel.close(prog)
        kernel.close(found)
        charged.append(kernel.locked_pages)
        counted = not at_least(release, "5.11")
        assert charged == ([1, 1 + pages, 1, 0] if counted else [0, 0, 0, 0]), release


@pytest.mark.parametrize("release", before("5.11"))
def test_attach_over_the_limit(release: str) -> None:
    """ENOMEM, not EPERM; nothing is left behind."""
    kernel = Kernel(release, memlock=2 * PAGE)
    counts = kernel.map_create(SHARED, STORAGE_KEY, U64)
    prog = kernel.prog_load(SKB, Add(counts))
    kernel.prog_attach(kernel.mkdir("web"), prog, EGRESS)
    db = kernel.mkdir("db")
    with without_memory(kernel):
        kernel.prog_attach(db, prog, EGRESS)
    kernel.memlock = 3 * PAGE
    kernel.prog_attach(db, prog, EGRESS)


@pytest.mark.parametrize("release", since("5.11"))
def test_no_limit_since_5_11(release: str) -> None:
    kernel = Kernel(release, memlock=0)
    counts = kernel.map_create(SHARED, STORAGE_KEY, U64)
    kernel.prog_attach(kernel.mkdir(), kernel.prog_load(SKB, Add(counts)), EGRESS)
    assert kernel.locked_pages == 0


def test_a_second_kind_that_does_not_fit() -> None:
    """Of two storages none stays."""
    for release in ("5.8", "5.9"):
        kernel = Kernel(release, memlock=3 * PAGE)
        maps = [kernel.map_create(kind, STORAGE_KEY, U64) for kind in (SHARED, PERCPU)]
        prog = kernel.prog_load(SKB, list(map(Add, maps)))
        web = kernel.mkdir()
        with refused(kernel, "ENOMEM", errors.OutOfMemory):
            kernel.prog_attach(web, prog, EGRESS)
        assert kernel.locked_pages == 2


# -- allocations that fail ------------------------------------------------------------------------


def test_fail_next() -> None:
    """Each fails once, and then no more."""
    for allocation in ("storage", "node", "effective"):
        kernel, web, counts, prog, _ = machine()
        kernel.fail_next(allocation)
        assert outcome(kernel.prog_attach, web, prog, INGRESS) == "ENOMEM"
        assert outcome(kernel.map_lookup_elem, counts, (web, INGRESS)) == "ENOENT"
        assert outcome(kernel.prog_attach, web, prog, INGRESS) == "ok"
    known = r"unknown 'page': known are \['effective', 'node', 'storage'\]"
    with pytest.raises(ValueError, match=known):
        Kernel().fail_next("page")


# -- machines -------------------------------------------------------------------------------------


def test_cpus() -> None:
    assert Kernel().cpus == (0, 1)
    assert Kernel(cpus=4).cpus == (0, 1, 2, 3)
    assert Kernel(cpus=(5, 0, 2)).cpus == (0, 2, 5)


def test_invariants_hold_and_are_looked_at() -> None:
    kernel, web, counts, prog, _ = machine()
    array = kernel.map_create(BPF_MAP_TYPE_PROG_ARRAY, U32, U32, max_entries=1)
    kernel.prog_attach(web, kernel.prog_load(SKB, TailCall(array)), INGRESS, BPF_F_ALLOW_MULTI)
    kernel.check_invariants()
    prog.object.refs = 0
    with pytest.raises(AssertionError, match="alive without a reference"):
        kernel.check_invariants()
    prog.object.refs = 2
    counts.object.newest = None  # type: ignore[attr-defined]
    with pytest.raises(AssertionError, match="list and tree differ"):
        kernel.check_invariants()


@pytest.mark.parametrize("release", ["4.19", "5.7", "5.8", "5.10", "5.18", "5.19", "7.3"])
def test_the_sysctl_and_the_other_commands(release: str) -> None:
    """Up to 5.18 it shuts the unprivileged out of every command (kernel 5.10.262 does)."""
    kernel, web, counts, prog, key = machine(release)
    answer = "ok" if at_least(release, "5.19") else "EPERM"
    with kernel.user("CAP_NET_ADMIN"):
        assert outcome(kernel.map_lookup_elem, counts, key) == answer
        assert outcome(kernel.map_get_next_key, counts) == answer
        assert outcome(kernel.prog_query, web, EGRESS) == answer
        assert outcome(kernel.prog_detach, web, prog, EGRESS) == answer


def test_a_kernel_with_programs_is_pickled() -> None:
    kernel, web, counts, prog, key = machine()
    array = kernel.map_create(BPF_MAP_TYPE_PROG_ARRAY, U32, U32, max_entries=1)
    kernel.prog_load(prog.object.type, TailCall(array))
    again, cgroup, found = pickle.loads(pickle.dumps((kernel, web, counts)))
    again.fire(cgroup, EGRESS)
    again.check_invariants()
    assert again.map_lookup_elem(found, (cgroup, EGRESS)) == 1
    assert kernel.map_lookup_elem(counts, key) == 0
