# SPDX-License-Identifier: GPL-2.0-only
"""BPF_MAP_CREATE: each refusal, the order of refusals, and what each release accepts."""

from __future__ import annotations

from typing import Any

import pytest
from support import PERCPU, RECORDED, SHARED, at_least, outcome
from support_programs import before, since

from reference_model import (
    BPF_F_CLONE,
    BPF_F_NO_PREALLOC,
    BPF_F_NUMA_NODE,
    BPF_F_RDONLY,
    BPF_F_RDONLY_PROG,
    BPF_F_WRONLY,
    BPF_F_WRONLY_PROG,
    BPF_MAP_TYPE_ARRAY_OF_MAPS,
    BPF_MAP_TYPE_CGRP_STORAGE,
    BPF_MAP_TYPE_HASH_OF_MAPS,
    BPF_MAP_TYPE_PROG_ARRAY,
    ENUM,
    KPTR,
    MAINLINE,
    RES_SPIN_LOCK,
    S32,
    S64,
    SPIN_LOCK,
    STORAGE_KEY,
    TIMER,
    U8,
    U32,
    U64,
    Array,
    Bytes,
    Kernel,
    MapType,
    Struct,
    Type,
    errors,
)
from reference_model.special_fields import kinds

BOTH = [pytest.param(SHARED, id="shared"), pytest.param(PERCPU, id="percpu")]
CGRP = BPF_MAP_TYPE_CGRP_STORAGE
NUMA, RDONLY, WRONLY = BPF_F_NUMA_NODE, BPF_F_RDONLY, BPF_F_WRONLY
RDONLY_PROG, WRONLY_PROG = BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG


def create(
    release: str = "latest",
    map_type: MapType = SHARED,
    key: Type = STORAGE_KEY,
    value: Type = U64,
    **options: Any,
) -> str:
    """The outcome of one creation; a failed one must leave nothing behind."""
    kernel = Kernel(release)
    result = outcome(kernel.map_create, map_type, key, value, **options)
    assert len(kernel.objects["map"]) == (result == "ok")
    return result


# -- the attributes --------------------------------------------------------------------------------


@pytest.mark.parametrize("release", MAINLINE)
@pytest.mark.parametrize("map_type", BOTH)
def test_key_sizes(release: str, map_type: MapType) -> None:
    """The percpu type exists from 4.20."""
    if map_type is PERCPU and release == "4.19":
        assert create(release, map_type) == "EINVAL"
        return
    assert create(release, map_type, Bytes(16)) == "ok"
    assert create(release, map_type, Bytes(8)) == ("ok" if at_least(release, "5.9") else "EINVAL")
    for size in (0, 1, 4, 7, 9, 12, 15, 17, 24, 5000):
        assert create(release, map_type, Bytes(size)) == "EINVAL", size


def test_key_of_8_bytes_needs_the_merged_series_and_not_the_proposal() -> None:
    """Trace next-key-end8."""
    answers = {release: create(release, key=U64) for release in RECORDED}
    assert [release for release in RECORDED if answers[release] == "ok"] == list(RECORDED[4:])
    assert {answers[release] for release in RECORDED[:4]} == {"EINVAL"}


@pytest.mark.parametrize("release", ["4.19.1", "4.19.70", *RECORDED, *MAINLINE])
def test_value_size_zero(release: str) -> None:
    """local_storage.c:cgroup_storage_map_alloc of 4.19.0, 4.19.1, 4.19.40, 4.19.108 and later."""
    assert create(release, value=Bytes(0)) == "EINVAL"


@pytest.mark.parametrize("release", MAINLINE)
def test_value_size_limit(release: str) -> None:
    shared, percpu = (65407, 32768) if at_least(release, "5.15") else (4096, 4096)
    assert create(release, SHARED, value=Bytes(shared)) == "ok"
    assert create(release, SHARED, value=Bytes(shared + 1)) == "E2BIG"
    assert Kernel(release).value_size_limit(SHARED) == shared
    if release != "4.19":
        assert create(release, PERCPU, value=Bytes(percpu)) == "ok"
        assert create(release, PERCPU, value=Bytes(percpu + 1)) == "E2BIG"


@pytest.mark.parametrize("release", MAINLINE)
def test_map_flags(release: str) -> None:
    allowed = {2, 3, 4} | ({7, 8} if at_least(release, "5.2") else set())
    for bit in range(32):
        assert create(release, map_flags=1 << bit) == ("ok" if bit in allowed else "EINVAL")


@pytest.mark.parametrize("release", MAINLINE)
def test_both_program_access_flags(release: str) -> None:
    assert create(release, map_flags=RDONLY_PROG | WRONLY_PROG) == "EINVAL"
    together = create(release, map_flags=RDONLY_PROG | WRONLY | NUMA)
    assert together == ("ok" if at_least(release, "5.2") else "EINVAL")


@pytest.mark.parametrize("release", MAINLINE)
def test_max_entries(release: str) -> None:
    for number in (1, 64, 2**32 - 1):
        assert create(release, max_entries=number) == "EINVAL"


@pytest.mark.parametrize("release", MAINLINE)
def test_locked_memory(release: str) -> None:
    """EPERM up to 5.10; each map charges a page."""
    kernel = Kernel(release, memlock=2 * 4096)
    answers = [outcome(kernel.map_create, SHARED, STORAGE_KEY, U64) for _ in range(3)]
    assert answers == ["ok", "ok", "ok" if at_least(release, "5.11") else "EPERM"]


def test_locked_memory_comes_back_with_the_map() -> None:
    kernel = Kernel("5.8", memlock=4096)
    for _ in range(3):
        kernel.close(kernel.map_create(SHARED, STORAGE_KEY, U64))
    assert kernel.locked_pages == 0


def no_memlock(release: str, **options: Any) -> type[errors.BpfError]:
    """The reason of a refusal where RLIMIT_MEMLOCK has no page left."""
    with pytest.raises(errors.BpfError) as caught:
        Kernel(release, memlock=0).map_create(SHARED, STORAGE_KEY, U64, **options)
    return caught.type


@pytest.mark.parametrize("release", before("5.11"))
def test_place_of_the_locked_memory_test(release: str) -> None:
    """5.3 to 5.10 before the name and BTF, 4.19 to 5.2 after them."""
    early = at_least(release, "5.3")
    assert no_memlock(release, map_name="a b") is (errors.LockedMemory if early else errors.MapName)
    assert no_memlock(release, btf_key=U32, btf_value=U64) is (
        errors.LockedMemory if early else errors.BtfSize
    )
    assert no_memlock(release, max_entries=1) is errors.MaxEntries
    assert no_memlock(release) is errors.LockedMemory


@pytest.mark.parametrize("release", MAINLINE)
def test_a_dot_in_a_name(release: str) -> None:
    """``syscall.c:bpf_obj_name_cpy`` of 4.19.108, 4.20.1 and 5.0 takes no dot, that of 5.2.1 does.

    Kernels 5.10.262, 6.1.192, 6.12.118, 6.19.14 and 7.3.4 take it.
    """
    assert create(release, map_name="a.b") == ("ok" if at_least(release, "5.2") else "EINVAL")


# -- the order of them ----------------------------------------------------------------------------

WRONG: dict[type[errors.BpfError], dict[str, Any]] = {
    errors.KeySize: {"key": Bytes(12)},
    errors.ValueSizeZero: {"value": Bytes(0)},
    errors.ValueSizeTooBig: {"value": Bytes(1 << 17)},
    errors.MapFlags: {"map_flags": BPF_F_NO_PREALLOC},
    errors.MaxEntries: {"max_entries": 1},
    errors.MapName: {"map_name": "no spaces"},
    errors.BtfSize: {"btf_key": STORAGE_KEY, "btf_value": U8},
}
"""What earns each refusal, in the order of the kernel's checks."""


def refusal(release: str, **options: Any) -> type[errors.BpfError]:
    arguments = {"map_type": SHARED, "key": STORAGE_KEY, "value": U64, **options}
    with pytest.raises(errors.BpfError) as caught:
        Kernel(release).map_create(**arguments)
    return caught.type


@pytest.mark.parametrize("release", since("4.20"))
def test_order_of_refusals(release: str) -> None:
    """A bad key_size wins over all, E2BIG over flags and max_entries."""
    reasons = list(WRONG)
    for place, first in enumerate(reasons):
        for second in reasons[place + 1 :]:
            if WRONG[first].keys() & WRONG[second].keys():
                continue  # one field cannot be wrong in two ways
            assert refusal(release, **WRONG[second], **WRONG[first]) is first


@pytest.mark.parametrize("release", MAINLINE)
def test_everything_wrong_at_once_is_the_key_size(release: str) -> None:
    wrong = {name: given for options in WRONG.values() for name, given in options.items()}
    assert refusal(release, **wrong | {"value": Bytes(1 << 17)}) is errors.KeySize


# -- the checks that all maps share ----------------------------------------------------------------


@pytest.mark.parametrize("release", [*MAINLINE, "6.4.9", "6.4.10"])
def test_place_of_the_unprivileged_test(release: str) -> None:
    """At the entry of bpf(); later (6.5, 6.4.10) behind the attributes."""
    late = release == "6.4.10" or (release in MAINLINE and at_least(release, "6.5"))
    kernel = Kernel(release)
    with kernel.user("CAP_NET_ADMIN"):
        attributes: list[dict[str, Any]] = [
            {"btf_key": STORAGE_KEY},  # BTF ids
            {"map_flags": NUMA, "numa_node": 1},
        ]
        for options in attributes:
            answer = outcome(kernel.map_create, SHARED, STORAGE_KEY, U64, **options)
            assert answer == ("EINVAL" if late else "EPERM")
        # but the map type's own checks always come after it
        assert outcome(kernel.map_create, SHARED, Bytes(12), U64) == "EPERM"
        assert outcome(kernel.map_create, SHARED, STORAGE_KEY, Bytes(1 << 17)) == "EPERM"
        assert outcome(kernel.map_create, SHARED, STORAGE_KEY, U64) == "EPERM"


@pytest.mark.parametrize("release", MAINLINE)
@pytest.mark.parametrize("map_type", BOTH)
def test_unprivileged_creation(release: str, map_type: MapType) -> None:
    """No capability where the sysctl is 0."""
    if map_type is PERCPU and release == "4.19":
        return
    kernel = Kernel(release, unprivileged_bpf_disabled=0)
    with kernel.user():
        assert outcome(kernel.map_create, map_type, STORAGE_KEY, U64) == "ok"


@pytest.mark.parametrize(
    ("release", "capability", "answer"),
    [
        *((release, "CAP_SYS_ADMIN", "ok") for release in MAINLINE),
        *((release, "CAP_BPF", "EPERM") for release in before("5.8")),
        *((release, "CAP_BPF", "ok") for release in since("5.8")),
    ],
)
def test_capability_behind_the_sysctl(release: str, capability: str, answer: str) -> None:
    """CAP_SYS_ADMIN; 5.8+ also CAP_BPF."""
    kernel = Kernel(release, unprivileged_bpf_disabled=1)
    with kernel.user(capability):
        assert outcome(kernel.map_create, SHARED, STORAGE_KEY, U64) == answer


@pytest.mark.parametrize("release", MAINLINE)
def test_btf_ids(release: str) -> None:
    """A key needs a value; 4.19 wants both or neither."""
    assert refusal(release, btf_key=STORAGE_KEY) is errors.BtfIds
    alone = refusal(release, btf_value=U64)
    # 5.0+: the missing key type is "void", which the type's own test refuses (1.4)
    assert alone is (errors.BtfKeyShape if at_least(release, "5.0") else errors.BtfIds)


@pytest.mark.parametrize("release", MAINLINE)
def test_both_access_flags(release: str) -> None:
    """EINVAL; from 7.2 only after the type's tests, where E2BIG wins."""
    assert create(release, map_flags=RDONLY | WRONLY) == "EINVAL"
    big = create(release, map_flags=RDONLY | WRONLY, value=Bytes(1 << 17))
    assert big == ("E2BIG" if at_least(release, "7.2") else "EINVAL")


def test_both_access_flags_on_the_sources_read() -> None:
    """Read in the sources of 6.12.117 (before) and 7.2.13 (after)."""
    options: dict[str, Any] = {"map_flags": RDONLY | WRONLY, "value": Bytes(1 << 17)}
    assert create("6.12.117", **options) == "EINVAL"
    assert create("7.2.13", **options) == "E2BIG"


@pytest.mark.parametrize("release", MAINLINE)
def test_numa_node(release: str) -> None:
    """Looked at only with the flag; before the type and its tests."""
    assert create(release, map_flags=NUMA, numa_node=0) == "ok"
    assert create(release, numa_node=7) == "ok"
    assert refusal(release, map_flags=NUMA, numa_node=7, key=Bytes(12)) is errors.NumaNode


@pytest.mark.parametrize("release", MAINLINE)
def test_map_types(release: str) -> None:
    """19 since 4.19, 21 since 4.20, 32 since 6.2."""
    options: dict[str, Any] = {"map_flags": BPF_F_NO_PREALLOC, "btf": True}
    assert create(release, SHARED) == "ok"
    assert create(release, PERCPU) == ("ok" if at_least(release, "4.20") else "EINVAL")
    assert create(release, CGRP, U32, **options) == ("ok" if at_least(release, "6.2") else "EINVAL")


def test_unknown_type_wins_over_its_attributes() -> None:
    """The type comes before the flags of access."""
    assert refusal("4.19", map_type=PERCPU, value=Bytes(1 << 17)) is errors.UnknownMapType


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("", "ok"),
        ("counts", "ok"),
        ("A.z_09", "ok"),
        ("a" * 15, "ok"),
        ("a" * 16, "EINVAL"),
        ("a-b", "EINVAL"),
        ("a b", "EINVAL"),
        ("ä", "EINVAL"),
        ("a\n", "EINVAL"),
    ],
)
def test_map_name(name: str, answer: str) -> None:
    assert create(map_name=name) == answer


# -- BTF of the key --------------------------------------------------------------------------------

U64_U32 = Struct(id=U64, kind=U32)

KEY_SHAPES = [
    # key_size 16: a struct of exactly one 64-bit and one 32-bit integer
    pytest.param(Bytes(16), U64_U32, "ok", "ok", id="struct"),
    pytest.param(Bytes(16), STORAGE_KEY, "ok", "ok", id="bpf_cgroup_storage_key"),
    pytest.param(Bytes(16), Struct(a=S64, b=S32), "ok", "ok", id="signed"),
    pytest.param(Bytes(16), Struct(a=U64, b=ENUM), "EINVAL", "EINVAL", id="enum-member"),
    pytest.param(Bytes(16), Struct(a=U64, b=U32, c=U32), "EINVAL", "EINVAL", id="padding-member"),
    pytest.param(Bytes(16), Struct(a=U64, b=U64), "EINVAL", "EINVAL", id="second-64-bit"),
    pytest.param(Bytes(16), Struct(a=U32, b=U64), "EINVAL", "EINVAL", id="other-order"),
    pytest.param(Bytes(16), Struct(a=KPTR, b=U32), "EINVAL", "EINVAL", id="no-integer"),
    pytest.param(Bytes(16), Array(U64, 2), "EINVAL", "EINVAL", id="array"),
    pytest.param(Bytes(16), Bytes(16), "EINVAL", "EINVAL", id="bytes"),
    # key_size 8, from 5.9: an integer of 64 bits
    pytest.param(Bytes(8), U64, "EINVAL", "ok", id="u64"),
    pytest.param(Bytes(8), S64, "EINVAL", "ok", id="s64"),
    pytest.param(Bytes(8), Struct(a=U64), "EINVAL", "EINVAL", id="struct-of-u64"),
    pytest.param(Bytes(8), Struct(a=U32, b=U32), "EINVAL", "EINVAL", id="struct-of-two-u32"),
    # sizes that do not fit key_size
    pytest.param(Bytes(16), U64, "EINVAL", "EINVAL", id="u64-for-16"),
    pytest.param(Bytes(8), U64_U32, "EINVAL", "EINVAL", id="struct-for-8"),
    pytest.param(Bytes(16), U32, "EINVAL", "EINVAL", id="u32-for-16"),
]


@pytest.mark.parametrize(("key", "btf_key", "legacy", "modern"), KEY_SHAPES)
def test_btf_of_the_key(key: Type, btf_key: Type, legacy: str, modern: str) -> None:
    """Trace btf-key-shapes."""
    for release in (*before("5.9")[2:], *RECORDED[1:4]):
        assert create(release, key=key, btf_key=btf_key, btf_value=U64) == legacy, release
    for release in (*since("5.9"), *RECORDED[4:]):
        assert create(release, key=key, btf_key=btf_key, btf_value=U64) == modern, release


@pytest.mark.parametrize("release", ["4.19", "4.20", "4.19.108"])
def test_no_btf_before_5_0(release: str) -> None:
    """ENOTSUPP for any BTF whose sizes fit, else EINVAL; none is always fine."""
    assert create(release, btf=True) == "ENOTSUPP"
    assert create(release, btf_key=Struct(a=U64, b=U32, c=U32), btf_value=U64) == "ENOTSUPP"
    assert create(release, btf_key=U64, btf_value=U64) == "EINVAL"
    assert create(release, btf_key=STORAGE_KEY, btf_value=U32) == "EINVAL"
    assert create(release) == "ok"


@pytest.mark.parametrize("release", since("5.0"))
def test_btf_of_the_value(release: str) -> None:
    """Only its size is compared."""
    for value in (U64, S64, Struct(a=U32), Array(U8, 3), Bytes(100)):
        assert create(release, value=Bytes(value.size), btf_key=STORAGE_KEY, btf_value=value) == (
            "ok"
        )
        assert refusal(release, value=Bytes(7), btf_key=STORAGE_KEY, btf_value=value) is (
            errors.BtfSize
        )


def test_btf_option_takes_the_types_themselves() -> None:
    kernel = Kernel()
    found = kernel.map_create(SHARED, STORAGE_KEY, Struct(lock=SPIN_LOCK, n=U64), btf=True)
    assert found.object.has_lock
    assert create(btf=True, btf_key=U64) == "EINVAL"


# -- special fields of the value -------------------------------------------------------------------

LOCKED = Struct(lock=SPIN_LOCK, n=U64)


@pytest.mark.parametrize("release", since("5.0"))
def test_spin_lock(release: str) -> None:
    """Allowed in shared values, refused per CPU; 524 up to 6.1, 95 later."""
    known, modern = at_least(release, "5.1"), at_least(release, "6.2")
    assert create(release, SHARED, value=LOCKED, btf=True) == "ok"
    refused = "EOPNOTSUPP" if modern else "ENOTSUPP"
    assert create(release, PERCPU, value=LOCKED, btf=True) == (refused if known else "ok")


def test_errno_numbers_of_refused_fields() -> None:
    numbers = {}
    for release in ("6.1", "6.2"):
        with pytest.raises(errors.BpfError) as caught:
            Kernel(release).map_create(PERCPU, STORAGE_KEY, LOCKED, btf=True)
        numbers[release] = caught.value.errno
    assert numbers == {"6.1": 524, "6.2": 95}


@pytest.mark.parametrize("release", since("5.2"))
@pytest.mark.parametrize("value", [LOCKED, Struct(t=TIMER), Struct(p=KPTR)], ids=repr)
def test_special_fields_and_program_access(release: str, value: Type) -> None:
    """EACCES wins over the field's own refusal; spin-lock-values."""
    field = next(iter(kinds(value)))
    since_release = {SPIN_LOCK: "5.1", TIMER: "5.15", KPTR: "5.19"}[field]
    if not at_least(release, since_release):
        assert create(release, value=value, btf=True, map_flags=RDONLY_PROG) == "ok"
        return
    assert create(release, value=value, btf=True, map_flags=RDONLY_PROG) == "EACCES"
    if at_least(release, "6.2"):
        assert create(release, value=value, btf=True, map_flags=WRONLY_PROG) == "EACCES"
    else:
        answers = {SPIN_LOCK: "ok", TIMER: "EOPNOTSUPP", KPTR: "EACCES"}
        assert create(release, value=value, btf=True, map_flags=WRONLY_PROG) == answers[field]


@pytest.mark.parametrize("release", since("5.19"))
def test_a_kptr_needs_a_capability(release: str) -> None:
    """``syscall.c:map_check_btf`` of 5.19, 6.0.1 and 6.1.192: EPERM before EACCES, for a kptr."""
    kernel = Kernel(release, unprivileged_bpf_disabled=0)
    value = Struct(p=KPTR, n=U64)
    create = (kernel.map_create, SHARED, STORAGE_KEY, value)
    with kernel.user():
        assert outcome(*create, btf=True) == "EPERM"
        assert outcome(*create, btf=True, map_flags=WRONLY_PROG) == "EPERM"
    assert outcome(*create, btf=True) == "EOPNOTSUPP"
    if not at_least(release, "6.2"):
        timer = (kernel.map_create, SHARED, STORAGE_KEY, Struct(t=TIMER, n=U64))
        with kernel.user():
            assert outcome(*timer, btf=True) == "EOPNOTSUPP"


@pytest.mark.parametrize("release", MAINLINE)
@pytest.mark.parametrize("map_type", BOTH)
@pytest.mark.parametrize(("field", "first"), [(TIMER, "5.15"), (KPTR, "5.19")])
def test_fields_that_are_always_refused(
    release: str, map_type: MapType, field: Type, first: str
) -> None:
    """EOPNOTSUPP since the field exists; before, a struct like any other."""
    if not at_least(release, "5.0"):
        return  # no BTF
    answer = create(release, map_type, value=Struct(f=field, n=U64), btf=True)
    assert answer == ("EOPNOTSUPP" if at_least(release, first) else "ok")


@pytest.mark.parametrize("release", since("5.0"))
def test_res_spin_lock(release: str) -> None:
    """As a spin lock, from 6.15."""
    value = Struct(lock=RES_SPIN_LOCK, n=U64)
    assert create(release, SHARED, value=value, btf=True) == "ok"
    refused = at_least(release, "6.15")
    assert create(release, PERCPU, value=value, btf=True) == ("EOPNOTSUPP" if refused else "ok")


@pytest.mark.parametrize("release", since("5.1"))
@pytest.mark.parametrize("map_type", BOTH)
def test_special_fields_without_capability(release: str, map_type: MapType) -> None:
    """EPERM from 6.2, before EACCES and before the field's refusal."""
    kernel = Kernel(release, unprivileged_bpf_disabled=0)
    with kernel.user():
        answers = [
            outcome(kernel.map_create, map_type, STORAGE_KEY, LOCKED, btf=True, map_flags=flags)
            for flags in ([0, RDONLY_PROG] if at_least(release, "5.2") else [0])
        ]
    if at_least(release, "6.2"):
        assert answers == ["EPERM", "EPERM"]
    else:
        plain = "ok" if map_type is SHARED else "ENOTSUPP"
        assert answers == [plain, "EACCES"][: len(answers)]


def test_special_fields_before_the_shape_of_the_key() -> None:
    """Sizes, then special fields, then the type's callback."""
    options = {"btf_key": Struct(a=U32, b=U64), "btf_value": LOCKED, "value": LOCKED}
    assert refusal("5.8", map_type=PERCPU, **options) is errors.SpecialFieldNotSupportedLegacy
    assert refusal("latest", map_type=PERCPU, **options) is errors.SpecialFieldNotSupported
    assert refusal("latest", **options) is errors.BtfKeyShape


def test_special_fields_need_btf() -> None:
    """Without BTF the kernel sees bytes."""
    kernel = Kernel()
    assert not kernel.map_create(PERCPU, STORAGE_KEY, LOCKED).object.record


# -- inner maps ------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", MAINLINE)
@pytest.mark.parametrize("outer", [BPF_MAP_TYPE_ARRAY_OF_MAPS, BPF_MAP_TYPE_HASH_OF_MAPS])
def test_inner_map(release: str, outer: MapType) -> None:
    """ENOTSUPP (524) always; trace commands-the-type-does-not-know."""
    kernel = Kernel(release)
    for map_type in (SHARED, PERCPU)[: 2 if at_least(release, "4.20") else 1]:
        inner = kernel.map_create(map_type, STORAGE_KEY, U64)
        answer = outcome(kernel.map_create, outer, U32, U32, max_entries=1, inner_map=inner)
        assert answer == "ENOTSUPP"


def test_inner_map_of_other_types() -> None:
    """CGRP_STORAGE can be an inner map; a program array cannot."""
    kernel = Kernel()
    create_map = kernel.map_create
    cgrp = create_map(CGRP, U32, U64, map_flags=BPF_F_NO_PREALLOC, btf=True)
    array = create_map(BPF_MAP_TYPE_PROG_ARRAY, U32, U32, max_entries=1)
    outer = (BPF_MAP_TYPE_ARRAY_OF_MAPS, U32, U32)
    assert outcome(create_map, *outer, max_entries=1, inner_map=cgrp) == "ok"
    assert outcome(create_map, *outer, max_entries=1, inner_map=array) == "ENOTSUPP"
    assert outcome(create_map, *outer, max_entries=1) == "EINVAL"


# -- the migration target --------------------------------------------------------------------------

GOOD: dict[str, Any] = {
    "map_type": CGRP,
    "key": U32,
    "value": U64,
    "map_flags": BPF_F_NO_PREALLOC,
    "btf_key": U32,
    "btf_value": U64,
}


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        pytest.param({}, "ok", id="good"),
        pytest.param({"map_flags": BPF_F_NO_PREALLOC | BPF_F_CLONE}, "ok", id="clone"),
        pytest.param({"btf_key": S32}, "ok", id="signed"),
        pytest.param({"map_flags": 0}, "EINVAL", id="without-no-prealloc"),
        pytest.param({"map_flags": BPF_F_NO_PREALLOC | NUMA}, "EINVAL", id="other-flag"),
        pytest.param({"max_entries": 1}, "EINVAL", id="max-entries"),
        pytest.param({"key": U64, "btf_key": U64}, "EINVAL", id="key-size"),
        pytest.param({"value": Bytes(0)}, "EINVAL", id="value-size-0"),
        pytest.param({"btf_key": None}, "EINVAL", id="no-key-btf"),
        pytest.param({"btf_key": None, "btf_value": None}, "EINVAL", id="no-btf"),
        pytest.param({"value": Bytes(65407), "btf_value": Bytes(65407)}, "ok", id="limit"),
        pytest.param({"value": Bytes(65408), "btf_value": Bytes(65408)}, "E2BIG", id="too-big"),
        pytest.param({"btf_key": ENUM}, "EINVAL", id="enum-key"),
        pytest.param({"btf_key": Struct(fd=U32)}, "EINVAL", id="struct-key"),
        pytest.param({"btf_value": U32}, "EINVAL", id="btf-size"),
    ],
)
def test_cgrp_storage(change: dict[str, Any], answer: str) -> None:
    """Trace cgrp-storage-creation."""
    for release in (*since("6.2"), "6.12.107", "7.2.13"):
        assert create(release, **GOOD | change) == answer, release


@pytest.mark.parametrize("release", [*before("6.2"), *RECORDED[:-2]])
def test_no_cgrp_storage_before_6_2(release: str) -> None:
    """Trace cgrp-storage-creation."""
    assert refusal(release, **GOOD) is errors.UnknownMapType


@pytest.mark.parametrize("release", since("6.2"))
def test_cgrp_storage_needs_a_capability(release: str) -> None:
    """EINVAL before the capability test, EPERM even where the sysctl is 0."""
    kernel = Kernel(release, unprivileged_bpf_disabled=0)
    with kernel.user():
        assert outcome(kernel.map_create, **GOOD) == "EPERM"
        for wrong in (
            {"map_flags": 0},
            {"max_entries": 1},
            {"key": U64, "btf_key": U64},
            {"value": Bytes(0), "btf_value": Bytes(0)},
            {"btf_key": None, "btf_value": None},
        ):
            assert outcome(kernel.map_create, **GOOD | wrong) == "EINVAL", wrong
        assert outcome(kernel.map_create, **GOOD | {"btf_key": ENUM}) == "EPERM"


@pytest.mark.parametrize(
    ("field", "answer"),
    [(SPIN_LOCK, "ok"), (RES_SPIN_LOCK, "ok"), (KPTR, "ok"), (TIMER, "EOPNOTSUPP")],
)
def test_cgrp_storage_special_fields(field: Type, answer: str) -> None:
    """By the rules of records; no timer."""
    value = Struct(f=field, n=U64)
    assert create(**GOOD | {"value": value, "btf_value": value}) == answer
