# SPDX-License-Identifier: GPL-2.0-only
"""Causes: enough to explain a difference, and nothing in them that is not needed."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from records import divergence
from reference_model import Kernel, Release, changes
from reference_model.divergence import causes
from reference_model.divergence.causes import DifferenceKind, answers, cause, differing, is_shortest
from reference_model.divergence.world import load

RECORDED = [
    pytest.param(pair["old"], pair["new"], pair["worlds"], id=f"{pair['old']}-{pair['new']}")
    for pair in divergence.read()
]


@pytest.mark.parametrize(("old", "new", "worlds"), RECORDED)
def test_a_cause_is_enough_and_no_part_of_it_is(old: str, new: str, worlds: dict[str, Any]) -> None:
    """For each recorded program, which both releases answer as the record says."""
    before, after = Release(old), Release(new)
    for name, one in worlds.items():
        where = load(name)
        for group in one["groups"]:
            ops = group["ops"]
            wanted = answers(after, where, ops)
            assert (answers(before, where, ops)[-1], wanted[-1]) == (group["old"], group["new"])
            chosen = [getattr(changes, change) for change in group["cause"]]
            assert answers(before.like(after, chosen), where, ops) == wanted
            for size in range(len(chosen)):
                for part in combinations(chosen, size):
                    assert answers(before.like(after, part), where, ops) != wanted


def test_a_cause_may_take_several_changes() -> None:
    """A large value of the per-CPU type: the type itself, and the larger limit."""
    where = load("creation")
    ops = [
        op for op in where.operations
        if op.get("type") == "percpu_cgroup_storage" and op["value_size"] == 4097
    ]  # fmt: skip
    found = cause(Release("4.19"), Release("latest"), where, ops)
    assert found == (changes.PERCPU_STORAGE, changes.BIGGER_VALUES)


def test_no_cause_for_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(causes, "differing", lambda old, new: ())
    where = load("creation")
    with pytest.raises(AssertionError, match="no change accounts for"):
        cause(Release("5.8"), Release("5.9"), where, where.operations[:1])


def test_a_program_with_more_than_it_needs_is_not_shortest() -> None:
    where = load("attachments")
    first, second = (place for place, op in enumerate(where.operations) if op.get("maps") == ["m1"])
    third = next(place for place, op in enumerate(where.operations) if op.get("maps") == [])
    old, new = Release("5.8"), Release("5.9")
    kind = DifferenceKind("prog_load", "EBUSY", "ok")
    assert is_shortest(old, new, where, bytes([first, second]), kind)
    assert not is_shortest(old, new, where, bytes([first, third, second]), kind)


# -- a release made of two -------------------------------------------------------------------------


def test_like_takes_over_single_answers() -> None:
    old, new = Release("5.8"), Release("5.9")
    mixed = old.like(new, [changes.SHARED_STORAGE])
    assert differing(mixed, new) == tuple(
        change for change in differing(old, new) if change is not changes.SHARED_STORAGE
    )
    assert differing(new.like(old, differing(old, new)), old) == ()
    assert mixed != old
    assert mixed != old.like(new, [changes.KEY_IS_CGROUP_ID])
    assert mixed == old.like(new, [changes.SHARED_STORAGE])


def test_a_kernel_of_a_mixed_release() -> None:
    mixed = Release("5.8").like(Release("5.9"), [changes.KEY_IS_CGROUP_ID])
    kernel = Kernel(mixed)
    assert kernel.has(changes.KEY_IS_CGROUP_ID)
    assert not kernel.has(changes.SHARED_STORAGE)
    assert not Kernel("5.8").has(changes.KEY_IS_CGROUP_ID), "5.8 itself is as it was"


def test_a_release_knows_what_it_was_asked() -> None:
    fresh = Release("5.8").like(Release("5.9"), ())
    assert fresh.asked == set()
    Kernel(fresh)
    asked = {changes.ID_IS_INODE, changes.ATTACH_TYPE_IGNORED, changes.SHARED_STORAGE}
    assert fresh.asked == asked
