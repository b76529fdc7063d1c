# SPDX-License-Identifier: GPL-2.0-only
"""Program arrays: who goes together in one, and what its commands answer."""

from __future__ import annotations

import pytest
from support import SHARED, at_least, machine, outcome
from support_programs import EGRESS, INGRESS, SKB, prog_array, since
from support_state import refused, undefined

from reference_model import (
    BPF_CGROUP_INET4_BIND,
    BPF_CGROUP_INET4_CONNECT,
    BPF_EXIST,
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    BPF_NOEXIST,
    BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
    BPF_PROG_TYPE_SOCK_OPS,
    MAINLINE,
    STORAGE_KEY,
    U64,
    Add,
    Kernel,
    MapFd,
    ProgFd,
    Step,
    TailCall,
    errors,
)

COOKIES = (
    *("5.15.192", "6.1.151", "6.1.176", "6.6.105", "6.12.46", "6.16.1"),
    *since("6.17"),
)
"""Releases that compare storage maps."""
TIGHT = ("6.12.97", "6.12.107", "6.18.40", "7.1.5", "7.2.13", *since("7.2"))
"""Releases that take a program without a storage only if it makes no tail calls."""
BARELY_TIGHT = ("5.15.212", "6.1.178", "6.1.192", "6.6.145")
"""Stable releases whose backport sees only tail calls from functions of a program."""
NO_COOKIES = (
    *(name for name in MAINLINE if not at_least(name, "6.17")),
    *("5.10.223", "5.15.191", "6.1.150", "6.6.104", "6.12.45"),
)


class Arrays:
    """A kernel with a program array and two storage maps."""

    def __init__(self, release: str) -> None:
        self.kernel = Kernel(release)
        self.array = prog_array(self.kernel, 2)
        self.one, self.two = (self.kernel.map_create(SHARED, STORAGE_KEY, U64) for _ in range(2))

    def load(self, *steps: Step, expected: int = 0) -> ProgFd:
        return self.kernel.prog_load(SKB, steps, expected_attach_type=expected)

    def caller(self, *maps: MapFd) -> ProgFd:
        """A program that uses these maps and jumps into the array: it becomes the owner."""
        return self.load(*map(Add, maps), TailCall(self.array))

    def put(self, prog: ProgFd, slot: int = 0) -> str:
        return outcome(self.kernel.map_update_elem, self.array, slot, prog)


# -- tail calls ------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", NO_COOKIES)
def test_without_cookies_any_map_goes(release: str) -> None:
    """Trace tail-callee-with-another-map."""
    arrays = Arrays(release)
    arrays.caller(arrays.one)
    assert arrays.put(arrays.load(Add(arrays.two))) == "ok"
    assert arrays.put(arrays.load()) == "ok"


@pytest.mark.parametrize("release", [*COOKIES, *TIGHT])
def test_a_callee_with_another_map(release: str) -> None:
    """At update; EINVAL."""
    arrays = Arrays(release)
    arrays.caller(arrays.one)
    other, same, none = (arrays.load(*body) for body in ([Add(arrays.two)], [Add(arrays.one)], []))
    with refused(arrays.kernel, "EINVAL", errors.TailCallIncompatible):
        arrays.kernel.map_update_elem(arrays.array, 0, other)
    assert arrays.put(same) == "ok"
    assert arrays.put(none) == "ok"


@pytest.mark.parametrize("release", [*COOKIES, *TIGHT])
def test_a_caller_with_another_map(release: str) -> None:
    """Error (a), at load; the owner is the first to enter or to use the array."""
    arrays = Arrays(release)
    assert arrays.put(arrays.load(Add(arrays.one))) == "ok"
    with refused(arrays.kernel, "EINVAL", errors.TailCallIncompatible):
        arrays.caller(arrays.two)
    arrays.caller(arrays.one)


@pytest.mark.parametrize("release", COOKIES)
def test_an_owner_without_storage_takes_none(release: str) -> None:
    """Per type the cookie equals the owner's, or the program has none."""
    arrays = Arrays(release)
    arrays.caller()
    assert arrays.put(arrays.load(Add(arrays.one))) == "EINVAL"
    assert arrays.put(arrays.load()) == "ok"


@pytest.mark.parametrize("release", COOKIES)
def test_each_kind_is_compared(release: str) -> None:
    """Per storage type; trace tail-percpu-and-shared."""
    arrays = Arrays(release)
    percpu = arrays.kernel.map_create(BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, STORAGE_KEY, U64)
    arrays.caller(arrays.one)
    assert arrays.put(arrays.load(Add(percpu))) == "EINVAL"
    assert arrays.put(arrays.load(Add(arrays.one), Add(percpu))) == "EINVAL"
    assert arrays.put(arrays.load(Add(arrays.one))) == "ok"


@pytest.mark.parametrize("release", [*COOKIES, *TIGHT, *BARELY_TIGHT])
def test_a_second_caller_without_storage(release: str) -> None:
    """ "tighten" refuses one that is tail-call-reachable; tail-middle-..."""
    arrays = Arrays(release)
    arrays.caller(arrays.one)
    answer = outcome(arrays.caller)
    assert answer == ("EINVAL" if release in TIGHT else "ok")
    # but a caller with the owner's map, or a plain callee without one, is always fine
    arrays.caller(arrays.one)
    assert arrays.put(arrays.load()) == "ok"


@pytest.mark.parametrize("release", COOKIES)
def test_the_owner_is_permanent(release: str) -> None:
    """The first program's cookies stay when it is long gone."""
    arrays = Arrays(release)
    arrays.kernel.close(arrays.caller(arrays.one))
    assert arrays.put(arrays.load(Add(arrays.two))) == "EINVAL"
    assert arrays.put(arrays.load(Add(arrays.one))) == "ok"
    arrays.kernel.map_delete_elem(arrays.array, 0)
    assert arrays.put(arrays.load(Add(arrays.two))) == "EINVAL"


@pytest.mark.parametrize("release", MAINLINE)
def test_program_types(release: str) -> None:
    """Program type, always."""
    arrays = Arrays(release)
    arrays.caller()
    other = arrays.kernel.prog_load(BPF_PROG_TYPE_SOCK_OPS)
    with refused(arrays.kernel, "EINVAL", errors.TailCallIncompatible):
        arrays.kernel.map_update_elem(arrays.array, 0, other)
    with refused(arrays.kernel, "EINVAL", errors.TailCallIncompatible):
        arrays.kernel.prog_load(BPF_PROG_TYPE_SOCK_OPS, TailCall(arrays.array))


ATTACH_TYPES = ("5.10.270", "5.15.221", "6.1.156", "6.6.112", "6.12.53", "6.17.3")
"""Stable releases that compare expected attach types."""
NO_ATTACH_TYPES = ("5.10.269", "5.15.220", "6.1.155", "6.6.111", "6.12.52", "6.17.2")
"""The releases before them."""


@pytest.mark.parametrize("release", [*MAINLINE, *NO_ATTACH_TYPES, *ATTACH_TYPES])
def test_expected_attach_types(release: str) -> None:
    """From 6.18 and its backports."""
    compared = release in (*ATTACH_TYPES, *since("6.18"))
    answer = "EINVAL" if compared else "ok"
    arrays = Arrays(release)
    load, array = arrays.kernel.prog_load, arrays.array
    address = BPF_PROG_TYPE_CGROUP_SOCK_ADDR
    load(address, TailCall(array), expected_attach_type=BPF_CGROUP_INET4_BIND)
    connect = load(address, expected_attach_type=BPF_CGROUP_INET4_CONNECT)
    assert arrays.put(connect) == answer
    assert arrays.put(load(address, expected_attach_type=BPF_CGROUP_INET4_BIND)) == "ok"


def test_a_refused_program_leaves_the_array_as_it_was() -> None:
    """A program that the verifier refuses does not become the owner."""
    arrays = Arrays("7.3")
    with refused(arrays.kernel, "EINVAL"):
        arrays.kernel.prog_load(SKB, [Add(arrays.one), TailCall(arrays.array)], helper_flags=1)
    arrays.caller(arrays.two)
    assert arrays.array.object.owner.storage_maps == (arrays.two.object, None)  # type: ignore[attr-defined]


# -- the array's own commands ---------------------------------------------------------------------


def test_commands() -> None:
    arrays = Arrays("latest")
    kernel, array = arrays.kernel, arrays.array
    prog, other = arrays.load(), arrays.load()
    kernel.map_update_elem(array, 1, prog)
    assert kernel.map_lookup_elem(array, 1) == prog.id
    kernel.map_update_elem(array, 1, other)
    assert kernel.map_lookup_elem(array, 1) == other.id
    assert [kernel.map_get_next_key(array, key) for key in (None, 0, 2**32 - 1, 7)] == [0, 1, 0, 0]
    with refused(kernel, "ENOENT", errors.NoMoreKeys):
        kernel.map_get_next_key(array, 1)
    kernel.map_delete_elem(array, 1)
    for missing in (0, 1, 2):
        with refused(kernel, "ENOENT", errors.NoEntry):
            kernel.map_lookup_elem(array, missing)


def test_order_of_update_errors() -> None:
    """``bpf_fd_array_map_update_elem()``: flags, slot, descriptor, owner."""
    arrays = Arrays("latest")
    kernel, array = arrays.kernel, arrays.array
    closed, wrong = arrays.load(), kernel.prog_load(BPF_PROG_TYPE_SOCK_OPS)
    kernel.close(closed)
    arrays.caller()
    update = kernel.map_update_elem
    for flags in (BPF_NOEXIST, BPF_EXIST):
        with refused(kernel, "EINVAL", errors.ElementFlags):
            update(array, 2, closed, flags)
    with refused(kernel, "E2BIG", errors.IndexTooBig):
        update(array, 2, closed)
    with refused(kernel, "EBADF", errors.BadDescriptor):
        update(array, 0, closed)
    with refused(kernel, "EINVAL", errors.WrongDescriptor):
        update(array, 0, arrays.one)
    with refused(kernel, "EINVAL", errors.TailCallIncompatible):
        update(array, 0, wrong)
    with pytest.raises(TypeError, match="'a' is not a key"):
        update(array, "a", wrong)
    with refused(kernel, "E2BIG", errors.IndexTooBig):
        kernel.map_delete_elem(array, 2**32 - 1)
    with refused(kernel, "ENOENT", errors.NoEntry):
        kernel.map_delete_elem(array, 0)


def test_a_slot_keeps_its_program_alive() -> None:
    """prog-array slots are among what holds a program."""
    arrays = Arrays("5.8")
    kernel, array = arrays.kernel, arrays.array
    prog = arrays.load(Add(arrays.one))
    assert arrays.put(prog, 0) == arrays.put(prog, 1) == "ok"
    kernel.close(prog)
    assert outcome(arrays.load, Add(arrays.one)) == "EBUSY"
    kernel.map_delete_elem(array, 0)
    assert prog.id in kernel.objects["prog"]
    replacement = arrays.load()
    assert arrays.put(replacement, 1) == "ok"  # what stood there goes
    assert prog.id not in kernel.objects["prog"]
    assert outcome(arrays.load, Add(arrays.one)) == "ok"


@pytest.mark.parametrize("pinned", [False, True])
def test_user_spaces_last_reference_empties_it(pinned: bool) -> None:
    """``bpf_fd_array_map_clear()``: a program that jumps into it does not count."""
    arrays = Arrays("latest")
    kernel, array = arrays.kernel, arrays.array
    arrays.caller()
    prog = arrays.load()
    arrays.put(prog)
    kernel.close(prog)
    if pinned:
        kernel.obj_pin("/sys/fs/bpf/array", array)
    kernel.close(array)
    assert (prog.id in kernel.objects["prog"]) is pinned
    assert array.id in kernel.objects["map"]  # the caller holds it
    if pinned:
        kernel.unlink("/sys/fs/bpf/array")
        assert prog.id not in kernel.objects["prog"]


def test_an_array_that_is_destroyed_lets_its_programs_go() -> None:
    arrays = Arrays("latest")
    prog = arrays.load()
    arrays.put(prog)
    arrays.kernel.close(prog)
    arrays.kernel.close(arrays.array)
    assert arrays.kernel.objects["prog"] == {}
    assert arrays.array.id not in arrays.kernel.objects["map"]


def last_holder(release: str) -> tuple[Arrays, ProgFd]:
    """A slot alone keeps a program whose map an attachment has a storage of."""
    arrays = Arrays(release)
    kernel = arrays.kernel
    first, second = arrays.load(Add(arrays.one)), arrays.load()
    link = kernel.link_create(kernel.mkdir("web"), first, EGRESS)
    kernel.link_update(link, second)
    assert arrays.put(first) == "ok"
    kernel.close(first)
    kernel.close(arrays.one)
    return arrays, second


@pytest.mark.parametrize("release", ["5.7", "5.8", "5.8.18"])
def test_the_last_reference_to_a_map_in_use(release: str) -> None:
    """Up to 5.8 a map that is destroyed cannot still have storages."""
    arrays, second = last_holder(release)
    kernel, array = arrays.kernel, arrays.array
    with undefined(kernel, "the map is freed while an attachment still owns one"):
        kernel.map_update_elem(array, 0, second)
    with undefined(kernel, "the map is freed while an attachment still owns one"):
        kernel.map_delete_elem(array, 0)
    with undefined(kernel, "the map is freed while an attachment still owns one"):
        kernel.close(array)


@pytest.mark.parametrize("release", ["5.9", "7.2"])
def test_the_last_reference_to_a_map_of_5_9(release: str) -> None:
    """From 5.9 the map frees its storages."""
    arrays, second = last_holder(release)
    kernel = arrays.kernel
    kernel.map_update_elem(arrays.array, 0, second)
    assert arrays.one.id not in kernel.objects["map"]
    kernel.check_invariants()


def test_a_tail_call_works_on_the_storage_of_the_attachment() -> None:
    """The entry program's, whatever program is executing."""
    kernel, web, counts, _, key = machine("5.10")
    array = prog_array(kernel)
    other = kernel.map_create(SHARED, STORAGE_KEY, U64)
    callee = kernel.prog_load(SKB, Add(other, 5))
    caller = kernel.prog_load(SKB, [Add(counts, 2), TailCall(array), Add(counts, 100)])
    kernel.prog_attach(web, caller, INGRESS)
    kernel.map_update_elem(array, 0, callee)
    kernel.run_hooks(web, INGRESS)
    assert kernel.map_lookup_elem(counts, (web, INGRESS)) == 7
    assert kernel.map_lookup_elem(counts, key) == 0
    assert outcome(kernel.map_lookup_elem, other, (web, EGRESS)) == "ENOENT"
