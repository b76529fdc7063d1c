# SPDX-License-Identifier: GPL-2.0-only
"""Where kernels find special fields; traces nested-special-fields and fields-in-two-structs."""

from __future__ import annotations

import pytest

from reference_model import BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, Kernel, errors
from reference_model.maps import StorageMap
from reference_model.releases import Release
from reference_model.special_fields import MOST_FIELDS, kinds, nested_lock, special_fields_in
from reference_model.values import (
    KPTR,
    RES_SPIN_LOCK,
    SPIN_LOCK,
    TIMER,
    U8,
    U32,
    U64,
    Array,
    Struct,
    Type,
)

LOCKED = Struct(lock=SPIN_LOCK, n=U32)


def places(value: Type, release: str) -> list[int]:
    """Where a release finds special fields."""
    return [found.field.offset for found in special_fields_in(value, Release(release).has)]


@pytest.mark.parametrize(
    ("value", "offsets"),
    [
        (Struct(a=U64, inner=LOCKED), [8]),
        (Struct(x=U8, inner=Struct(b=U64, deep=LOCKED)), [16]),
        (Struct(a=U64, lock=Array(SPIN_LOCK, 1)), [8]),
        (Struct(a=U64, list=Array(Array(LOCKED, 1), 1)), [8]),
        (Struct(a=U64, inner=Struct(t=TIMER)), [8]),
        (Struct(list=Array(KPTR, 3)), [0, 8, 16]),
        (Struct(a=U64, list=Array(Struct(n=U64, p=KPTR), 2)), [16, 32]),
        # found on no release
        (Struct(a=U64, locks=Array(SPIN_LOCK, 2)), []),
        (Struct(a=U64, list=Array(LOCKED, 2)), []),
        (Struct(a=U64, list=Array(LOCKED, 0)), []),
        (Struct(list=Array(KPTR, MOST_FIELDS + 1)), []),
        (Struct(list=Array(KPTR, (1 << 29) - 1)), []),
        (SPIN_LOCK, []),
        (Array(LOCKED, 1), []),
    ],
    ids=repr,
)
def test_inside_structs_and_arrays(value: Type, offsets: list[int]) -> None:
    """Since 6.11; ``btf.c:btf_find_struct_field`` of 6.1.192 and 6.12.118, and the traces."""
    for release in ("5.10", "6.1.192", "6.2", "6.10"):
        assert places(value, release) == []
    for release in ("6.11", "6.12.118", "6.19.14", "7.3.4"):
        assert places(value, release) == offsets


@pytest.mark.parametrize(
    "value", [Struct(a=LOCKED, b=LOCKED), Struct(a=LOCKED, b=Struct(c=LOCKED))]
)
def test_locks_in_two_structs(value: Type) -> None:
    """Kernels: 6.19.14 took both, with a warning; 6.12.118 and 7.3.4 found none."""
    assert len(places(value, "6.19.14")) == 2
    for release in ("6.1.192", "6.10", "6.12.118", "7.3.4"):
        assert places(value, release) == []


def test_a_lock_beside_one_in_a_struct() -> None:
    """Kernels: 6.1.192 found one lock, 6.19.14 both, and 6.12.118 and 7.3.4 rejected the BTF."""
    both = Struct(lock=SPIN_LOCK, p=U32, inner=LOCKED)
    assert [places(both, release) for release in ("6.1.192", "6.19.14")] == [[0], [0, 8]]
    for release in ("6.12.118", "7.3.4"):
        with pytest.raises(errors.SpecialFieldTwice):
            special_fields_in(both, Release(release).has)


def test_a_lock_beside_an_array_of_locks() -> None:
    """Kernels: EINVAL on 6.19.14, E2BIG on 6.12.118 and 7.3.4."""
    value = Struct(lock=SPIN_LOCK, p=U32, list=Array(LOCKED, 2))
    assert places(value, "6.1.192") == [0]
    with pytest.raises(errors.SpecialFieldArray):
        special_fields_in(value, Release("6.19.14").has)
    for release in ("6.12.118", "7.3.4"):
        with pytest.raises(errors.SpecialFieldTwice):
            special_fields_in(value, Release(release).has)


def test_loading_looks_only_into_structs_with_a_spin_lock() -> None:
    """Kernel: 6.19.14 took the value, and found no field."""
    assert places(Struct(one=RES_SPIN_LOCK, more=Array(SPIN_LOCK, 2)), "6.19.14") == []


def test_the_kind_of_lock_that_is_younger_than_the_kernel() -> None:
    """Both kinds in one value do not go together since 6.15, in one struct or in two."""
    apart = Struct(a=LOCKED, b=Struct(lock=RES_SPIN_LOCK))
    assert places(apart, "6.14") == [0]
    assert places(apart, "6.15") == []
    with pytest.raises(errors.SpinLocksOfBothKinds):
        special_fields_in(Struct(a=SPIN_LOCK, b=RES_SPIN_LOCK), Release("6.15").has)


def test_kinds_anywhere() -> None:
    assert kinds(Struct(a=Array(LOCKED, 2), b=Struct(c=KPTR))) == {SPIN_LOCK, KPTR}
    assert kinds(U64) == set()
    assert nested_lock(Struct(a=LOCKED))
    assert not nested_lock(LOCKED)
    assert not nested_lock(U64)


def test_types_that_share_their_parts_take_no_time() -> None:
    """A type of 2**60 locks, as a damaged object can describe it."""
    value: Type = LOCKED
    for _ in range(60):
        value = _twice(value)
    for release in ("6.1", "6.19.14", "latest"):
        assert len(places(value, release)) <= MOST_FIELDS


def _twice(value: Type) -> Struct:
    shape = Struct(a=U8)
    shape.members = {"a": value, "b": value}
    shape.offsets = {"a": 0, "b": 0}
    return shape


def test_an_update_keeps_locks_inside_zero() -> None:
    """As with a lock that is a member: the bytes of the caller are dropped."""
    value = Struct(n=U64, inner=LOCKED)
    for release, kept in (("6.10", b"\1" * 4), ("6.11", bytes(4))):
        kernel = Kernel(release)
        made = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, value, btf=True)
        assert isinstance(made.object, StorageMap)
        assert made.object.encode(b"\1" * 16, 16)[8:12] == kept
