# SPDX-License-Identifier: GPL-2.0-only
"""Arguments of calls: whatever is given, no call ends in another error or in half a change."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support_programs import EGRESS, SKB, counter, percpu_map, prog_array, storage_map
from support_state import differences, dump, refused

from reference_model import (
    BOGUS_KEY,
    BPF_F_ALLOW_MULTI,
    BPF_F_NO_PREALLOC,
    BPF_MAP_TYPE_ARRAY_OF_MAPS,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_MAP_TYPE_CGRP_STORAGE,
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    BPF_MAP_TYPE_PROG_ARRAY,
    SPIN_LOCK,
    STORAGE_KEY,
    U32,
    U64,
    UNINITIALISED,
    Add,
    Array,
    AttachFlag,
    AttachType,
    BpfError,
    Bytes,
    Call,
    Copy,
    Denied,
    Flush,
    Kernel,
    MapType,
    Mix,
    ProgType,
    Release,
    Return,
    Store,
    Struct,
    TailCall,
    UndefinedBehaviour,
    Verdict,
    errors,
)
from reference_model.arguments import RULES
from reference_model.execution import MOST_REPEATS
from reference_model.interface import CALLS, KernelInterface
from reference_model.kernel import TrustingKernel
from reference_model.releases import release as named
from reference_model.values import Type

RELEASES = ("4.19", "5.8.18", "proposal", "5.10.223", "7.2.13", "latest")
ALLOWED = (BpfError, Denied, UndefinedBehaviour, TypeError, ValueError)
"""All that a call raises."""

NAMES = tuple(name for name in CALLS if name not in ("user", "check_invariants"))

NUMBERS = (0, 1, 2, 3, 5, 8, 16, 64, 65, 255, 999, 1 << 16, 1 << 31, 1 << 32, 1 << 63, 1 << 64)
ODD = (
    *(None, True, False, 3.5, "", "x", "egress", "socket_bind", "storage", "a/b", b"", b"12345678"),
    *([], [0, 0], [[]], {}, {"x": 1}, (), (1,), (1, 2), ([], 1), (1, 2, 3), (None, None), object()),
    *(-number for number in NUMBERS), *NUMBERS, BOGUS_KEY, (1, UNINITIALISED),
    *(U64, U32, STORAGE_KEY, Bytes(0), Bytes(3), Array(U64, 2), Struct(lock=SPIN_LOCK), U64.size),
    *(MapType, MapType(3), MapType(19), ProgType(8), ProgType(9), *AttachType, AttachFlag(2)),
    *(Return(0), Return(3), Return(-1), Return("x"), Add(None), Add("m")),  # type: ignore[arg-type]
)  # fmt: skip


class World:
    """Objects of two kernels, living and dead: what arguments are taken from."""

    def __init__(self, name: str) -> None:
        self.kernel = Kernel(name)
        self.own = self.objects(self.kernel)
        other = Kernel(name)
        other.mkdir("one more")
        foreign = self.objects(other)
        self.things: list[Any] = [*self.own, *foreign, *ODD]
        for thing in (*self.own, *foreign):
            self.things += [(thing, EGRESS), (thing, "egress"), Mix(thing, 1), Store(thing, 1, "y")]
            self.things += [
                Verdict(thing, -1),
                TailCall(thing, -1),
                Call(thing),
                Copy(thing, thing),
            ]
            self.things += [
                [Add(thing), Return(1)],
                Flush(thing, thing, 2),
                TailCall(thing, 1 << 32),
            ]

    @staticmethod
    def objects(kernel: Kernel) -> list[Any]:
        web, gone, closed = (kernel.mkdir(name) for name in ("web", "gone", "closed"))
        kernel.rmdir(gone)
        kernel.close(closed)
        sock, shut = kernel.socket(web), kernel.socket(web)
        kernel.close_socket(shut)
        maps = [storage_map(kernel), prog_array(kernel, 2)]
        if kernel.release >= Release("5.0"):
            maps.append(percpu_map(kernel))
        if kernel.release >= Release("6.2"):
            flags = BPF_F_NO_PREALLOC
            kind = BPF_MAP_TYPE_CGRP_STORAGE
            maps.append(kernel.map_create(kind, U32, U64, map_flags=flags, btf=True))
        count, dead = counter(kernel, maps[0]), storage_map(kernel)
        kernel.close(dead)
        kernel.prog_attach(web, count, EGRESS, BPF_F_ALLOW_MULTI)
        found = [web, gone, closed, sock, shut, *maps, dead, count]
        if kernel.release >= Release("5.7"):
            found.append(kernel.link_create(web, kernel.prog_load(SKB), EGRESS))
        return found


SAMPLES: dict[str, Callable[[Any], bool]] = {
    "int": lambda v: type(v) is int and 0 <= v < 9,
    "Bits64": lambda v: type(v) is int and 0 <= v < 9,
    "str": lambda v: isinstance(v, str),
    "bool": lambda v: isinstance(v, bool),
    "Type": lambda v: isinstance(v, Type),
    "MapType": lambda v: isinstance(v, MapType),
    "ProgType": lambda v: isinstance(v, ProgType),
    "AttachType": lambda v: isinstance(v, AttachType),
}
"""Of the annotations that name no object, which of the things fit most likely."""

Choice = tuple[int, int]
CHOICE = st.tuples(st.integers(0, 9), st.integers(0, 1 << 16))
CALL = st.tuples(st.sampled_from(NAMES), st.lists(CHOICE, min_size=11, max_size=11))


def chosen(world: World, annotation: str, choice: Choice) -> Any:
    """An argument: most often one that fits, else anything."""
    how, which = choice
    fits = SAMPLES.get(annotation.removesuffix(" | None"), world.own.__contains__)
    things = [thing for thing in world.things if how and fits(thing)] or world.things
    return things[which % len(things)]


def arguments(world: World, name: str, choices: list[Choice]) -> tuple[list[Any], dict[str, Any]]:
    by_place, by_name = [], {}
    parameters = list(inspect.signature(getattr(KernelInterface, name)).parameters.values())[1:]
    for parameter, choice in zip(parameters, choices, strict=False):
        value = chosen(world, str(parameter.annotation), choice)
        if parameter.kind is parameter.KEYWORD_ONLY or parameter.default is not parameter.empty:
            if choice[0] % 3 == 0:
                by_name[parameter.name] = value
        else:
            by_place.append(value)
    return by_place, by_name


@pytest.mark.parametrize("release", RELEASES)
def test_arbitrary_arguments(release: str) -> None:
    seen: set[type[BaseException]] = set()

    @settings(max_examples=60, deadline=None, database=None, derandomize=True)
    @given(st.lists(CALL, min_size=8, max_size=25))
    def run(calls: list[tuple[str, list[Choice]]]) -> None:
        world = World(release)
        kernel = world.kernel
        for name, choices in calls:
            by_place, by_name = arguments(world, name, choices)
            before = dump(kernel, world.own)
            changed: list[str] = []
            try:
                done = getattr(kernel, name)(*by_place, **by_name)
                world.own += [done] if hasattr(done, "open") else []
            except Denied:
                pass
            except ALLOWED as error:
                seen.add(type(error))
                changed = differences(before, dump(kernel, world.own))
            assert changed == [], name
            kernel.failing.clear()
            kernel.check_invariants()

    run()
    assert {TypeError, ValueError, errors.BadDescriptor, errors.WrongDescriptor} <= seen


def test_a_rule_for_each_annotation_and_no_other() -> None:
    annotations = {
        str(parameter.annotation)
        for name in CALLS
        for parameter in inspect.signature(getattr(KernelInterface, name)).parameters.values()
        if parameter.name != "self"
    }
    assert annotations == set(RULES)


# -- numbers in the place of names -----------------------------------------------------------------


def test_a_number_means_the_same_as_the_name() -> None:
    kernel = Kernel("7.2")
    counts = kernel.map_create(21, STORAGE_KEY, U64)  # type: ignore[arg-type]
    count = kernel.prog_load(8, Add(counts))  # type: ignore[arg-type]
    web = kernel.mkdir("web")
    kernel.prog_attach(web, count, 0)  # type: ignore[arg-type]
    kernel.fire(web, 0)  # type: ignore[arg-type]
    assert counts.object.type is BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE
    assert kernel.map_lookup_elem(counts, (web, 0)) == [1, 0]
    (link,) = [kernel.link_create(web, kernel.prog_load(SKB), 1)]  # type: ignore[arg-type]
    assert kernel.link_info(link).attach_type is EGRESS


@pytest.mark.parametrize("number", [0, 999, (1 << 32) - 1])
def test_a_number_that_no_type_has(number: Any) -> None:
    """syscall.c: find_and_alloc_map(), find_prog_type(), attach_type_to_prog_type(): EINVAL."""
    kernel = Kernel("7.2")
    web, prog = kernel.mkdir("web"), kernel.prog_load(SKB)
    with refused(kernel, "EINVAL", errors.UnknownMapType):
        kernel.map_create(number, STORAGE_KEY, U64)
    with refused(kernel, "EINVAL", errors.UnknownProgramType):
        kernel.prog_load(number)
    with refused(kernel, "EINVAL", errors.WrongAttachType):
        kernel.prog_attach(web, prog, number or 4)  # type: ignore[arg-type]


MISTAKES: dict[str, tuple[Callable[[Kernel], object], str]] = {
    "a map type of Linux": (
        lambda kernel: kernel.map_create(1, U32, U64),  # type: ignore[arg-type]
        r"map_create\(\): map_type: 1 is not modelled; pass one of BPF_MAP_TYPE_PROG_ARRAY \(3\)",
    ),
    "a size as a type": (
        lambda kernel: kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, 8),  # type: ignore[arg-type]
        r"map_create\(\): value: 8 is not a type; pass one such as U64 or Bytes\(8\)",
    ),
    "a misspelt hook": (
        lambda kernel: kernel.fire(kernel.root, "egress"),
        r"fire\(\): hook: 'egress' is not an LSM hook; pass BPF_CGROUP_INET_EGRESS without quotes",
    ),
    "no LSM hook": (
        lambda kernel: kernel.fire(kernel.root, "socket_bound"),
        r"fire\(\): hook: 'socket_bound' is not an LSM hook; pass one such as 'socket_bind'",
    ),
    "no hook": (
        lambda kernel: kernel.fire(kernel.root, 4),  # type: ignore[arg-type]
        r"fire\(\): hook: 4 is not an attach type of cgroups; pass one of BPF_CGROUP_INET_INGRESS",
    ),
    "an attach type in words": (
        lambda kernel: kernel.map_lookup_elem(storage_map(kernel), (kernel.root, "egress")),
        r"map_lookup_elem\(\): key\[1\]: 'egress' is not an attach type; pass one such as BPF_",
    ),
    "another kernel's cgroup": (
        lambda kernel: kernel.fire(Kernel().mkdir("web"), EGRESS),
        r"where: Cgroup\('web'\) belongs to another kernel; use objects of one kernel",
    ),
    "another kernel's map in a body": (
        lambda kernel: kernel.prog_load(SKB, Add(storage_map(Kernel()))),
        r"prog_load\(\): body: Add.map: MapFd\(1\) belongs to another kernel",
    ),
    "another kernel's program in an array": (
        lambda kernel: kernel.map_update_elem(prog_array(kernel), 0, Kernel().prog_load(SKB)),
        r"map_update_elem\(\): value: ProgFd\(1\) belongs to another kernel",
    ),
    "a key of an array beyond 4 bytes": (
        lambda kernel: kernel.map_lookup_elem(prog_array(kernel), 1 << 32),
        r"the key of a program array has 4 bytes, and 4294967296 does not fit",
    ),
    "flags beyond 32 bits": (
        lambda kernel: kernel.prog_attach(kernel.root, kernel.prog_load(SKB), EGRESS, 1 << 32),
        r"prog_attach\(\): flags: 4294967296 does not fit in 32 bits; pass 0 to 4294967295",
    ),
    "too many runs": (
        lambda kernel: kernel.prog_test_run(kernel.prog_load(SKB), MOST_REPEATS + 1),
        r"repeat: the model runs a program at most 1000000 times, not 1000001",
    ),
    "no runs": (
        lambda kernel: kernel.prog_test_run(kernel.prog_load(SKB), -1),
        r"prog_test_run\(\): repeat: -1 does not fit in 32 bits",
    ),
    "too many slots": (
        lambda kernel: prog_array(kernel, 1 << 20),
        r"max_entries: an array of the model has at most 65536 slots, not 1048576",
    ),
    "no text": (
        lambda kernel: kernel.prog_load(SKB, Call(storage_map(kernel), 5)),  # type: ignore[arg-type]
        r"prog_load\(\): body: Call.helper: 5 is not a str; pass a string",
    ),
    "negative bytes": (lambda kernel: Bytes(-8), r"Bytes takes 0 to 4294967295 .* not -8"),
    "negative elements": (lambda kernel: Array(U64, -1), r"Array takes 0 to .* not -1"),
    "no elements": (lambda kernel: Array(8, 2), r"Array takes a type such as U64, not 8"),  # type: ignore[arg-type]
    "no member": (lambda kernel: Struct(x=8), r"member x of a Struct is a type"),  # type: ignore[arg-type]
    "no release": (lambda kernel: Kernel(5.9), r"a release is a string such as '5.9', not 5.9"),  # type: ignore[arg-type]
    "no name": (lambda kernel: named(None), r"a release is a string such as '5.9', not None"),  # type: ignore[arg-type]
    "no reason": (lambda kernel: BpfError("x"), r"BpfError names no reason"),
    "cpus='2'": (lambda kernel: Kernel(cpus="2"), "cpus is the number of possible CPUs"),  # type: ignore[arg-type]
    "memlock": (lambda kernel: Kernel(memlock="1"), "memlock is a number of bytes"),  # type: ignore[arg-type]
    "negative memlock": (lambda kernel: Kernel(memlock=-1), "memlock is 0 bytes or more"),
    "no change": (lambda kernel: kernel.has("5.9"), "has.. takes a Change such as changes.SHARED"),  # type: ignore[arg-type]
    "flags of other programs": (
        lambda kernel: kernel.prog_load(SKB, prog_flags=1),
        "prog_flags: of 0x1 the model has only BPF_F_SLEEPABLE",
    ),
    "a tracing attach type": (
        lambda kernel: kernel.prog_load(ProgType(6), expected_attach_type=60),
        "expected_attach_type: 60 belongs to tracing programs",
    ),
    "a hook of devices": (
        lambda kernel: kernel.prog_query(kernel.root, 46),  # type: ignore[arg-type]
        "attach_type: 46 is a hook of network devices, not of cgroups",
    ),
    "a pin below a descriptor": (
        lambda kernel: kernel.obj_get("/sys/fs/bpf/x", 1 << 14),
        "file_flags: the model has no BPF_F_PATH_FD",
    ),
    "sysctl": (lambda kernel: Kernel(unprivileged_bpf_disabled=3), "must be 0, 1 or 2, not 3"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named(mistake: str) -> None:
    act, text = MISTAKES[mistake]
    with pytest.raises((TypeError, ValueError), match=text):
        act(Kernel("7.2"))


@pytest.mark.parametrize("cpus", [0, -1, (0, 0), (), (0, 8192), 1 << 40])
def test_numbers_of_cpus(cpus: int | tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"cpus takes different numbers from 0 to 8191, not"):
        Kernel(cpus=cpus)


# -- numbers of programs ---------------------------------------------------------------------------


def test_programs_compare_numbers_without_a_sign() -> None:
    """verifier.c, core.c: BPF_JLT is unsigned, and -1 as an operand is the largest number."""
    kernel = Kernel("7.2")
    counts = storage_map(kernel)
    assert kernel.prog_test_run(kernel.prog_load(SKB, [Add(counts), Verdict(counts, -1)])) == 1
    batch = percpu_map(kernel)
    body = [Add(batch), Flush(batch, counts, -1), Verdict(counts, 1)]
    assert kernel.prog_test_run(kernel.prog_load(SKB, body)) == 1


class _At(Bytes):
    """A value whose field is wherever a program says."""

    def field(self, name: str | None = None) -> Any:
        return (int(name or 0), 8)


@pytest.mark.parametrize("offset", ["-8", "9", "16"])
def test_a_field_outside_the_value(offset: str) -> None:
    """verifier.c:check_map_access: EACCES, below the value as well as above."""
    kernel = Kernel("7.2")
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, _At(16))
    with refused(kernel, "EACCES", errors.ValueAccess):
        kernel.prog_load(SKB, Store(counts, 1, offset))


@pytest.mark.parametrize("offset", ["-4", "1", "4", "9"])
def test_an_atomic_addition_to_a_field_that_is_not_aligned(offset: str) -> None:
    """verifier.c:check_ptr_alignment: strict for atomic instructions, also below the value."""
    kernel = Kernel("7.2")
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, _At(24))
    batch = kernel.map_create(BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, STORAGE_KEY, _At(24))
    for step in (Add(counts, 1, offset), Flush(batch, counts, 1, "0", offset)):
        with refused(kernel, "EACCES", errors.MisalignedAccess):
            kernel.prog_load(SKB, step)
    if offset != "-4":
        kernel.prog_load(SKB, [Mix(counts, 1, offset), Flush(batch, counts, 1, offset, "0")])


@pytest.mark.parametrize("map_type", [BPF_MAP_TYPE_PROG_ARRAY, BPF_MAP_TYPE_ARRAY_OF_MAPS])
@pytest.mark.parametrize(("key", "value", "slots"), [(U32, U32, 0), (U64, U32, 1), (U32, U64, 1)])
def test_attributes_of_an_array(map_type: MapType, key: Type, value: Type, slots: int) -> None:
    """arraymap.c:fd_array_map_alloc_check, array_map_alloc_check."""
    kernel = Kernel("7.2")
    with refused(kernel, "EINVAL", errors.ArrayAttributes):
        kernel.map_create(map_type, key, value, max_entries=slots)


def test_another_descriptor_is_not_pinned() -> None:
    """inode.c:bpf_obj_do_pin, bpf_fd_probe_obj: EINVAL, or EBADF if it is closed, before 5.7."""
    for release, closed in (("5.6", errors.BadDescriptor), ("7.2", errors.NoDescriptorToPin)):
        kernel = Kernel(release)
        web: Any = kernel.mkdir("web")
        with refused(kernel, "EINVAL", errors.WrongDescriptor):
            kernel.obj_pin("/sys/fs/bpf/web", web)
        kernel.close(web)
        with refused(kernel, errors.ERRNO_NAMES[closed.number], closed):
            kernel.obj_pin("/sys/fs/bpf/web", web)


def test_releases_compare_with_releases() -> None:
    with pytest.raises(TypeError):
        assert Release("5.8") < "5.9"


def test_a_trusting_kernel_checks_nothing() -> None:
    """The search and the replay of traces give only arguments that fit, and should be quick."""
    kernel = TrustingKernel("7.2")
    kernel.fire(kernel.root, "egress")
    assert all(not hasattr(getattr(kernel, name), "__wrapped__") for name in NAMES)
