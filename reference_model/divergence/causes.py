# SPDX-License-Identifier: GPL-2.0-only
"""Why two releases answer a program differently: the smallest set of changes that accounts for it.

A cause is not guessed: the program runs again on the old release with single changes as in the new
one, then with pairs of them, and so on, until it answers as the new one does.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import combinations
from typing import NamedTuple

from .. import changes
from ..errors import UNDEFINED
from ..releases import Change, Release
from ..traces import Answer, Op
from .lockstep import Path
from .side import Side
from .world import World


class DifferenceKind(NamedTuple):
    """What a difference looks like: the operation, and both answers without their numbers."""

    operation: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.operation}: {self.old} / {self.new}"


def rough(answer: Answer) -> str:
    """An answer without its numbers: an errno, ``ok`` and the like, or ``value``."""
    return answer if isinstance(answer, str) else "value"


def kind_of(op: Op, old: Answer, new: Answer) -> DifferenceKind:
    """The kind of the difference between two answers."""
    return DifferenceKind(op["op"], rough(old), rough(new))


def answers(release: Release, world: World, ops: Sequence[Op]) -> list[Answer]:
    """What a release answers to a program in a world, up to what it leaves undefined."""
    side = Side(release, world)
    given = []
    for op in (*world.given, *ops):
        given.append(side.answer(op))
        if given[-1] == UNDEFINED:
            break
    return given[len(world.given) :]


def cause(old: Release, new: Release, world: World, ops: Sequence[Op]) -> tuple[Change, ...]:
    """The smallest set of changes with which the old release answers as the new one does.

    Of several sets of one size it is the first in order of release.
    """
    before, after = old.like(new, ()), new.like(old, ())
    wanted = answers(after, world, ops)
    answers(before, world, ops)
    asked = before.asked | after.asked
    for candidates in ([c for c in differing(old, new) if c in asked], differing(old, new)):
        for size in range(1, len(candidates) + 1):
            for chosen in combinations(candidates, size):
                if answers(old.like(new, chosen), world, ops) == wanted:
                    return chosen
    raise AssertionError(f"no change accounts for {ops}")


@cache
def differing(old: Release, new: Release) -> tuple[Change, ...]:
    """The changes that one of two releases has, in order of release."""
    return tuple(change for change in changes.ALL if old.has(change) != new.has(change))


def is_shortest(old: Release, new: Release, world: World, path: Path, kind: DifferenceKind) -> bool:
    """Whether nothing can be left out: no part of the program ends in the same difference."""
    *before, last = path
    for size in range(len(before)):
        for kept in combinations(before, size):
            if _parting(old, new, world, bytes((*kept, last))) == kind:
                return False
    return True


@lru_cache(1 << 16)
def _parting(old: Release, new: Release, world: World, path: Path) -> DifferenceKind | None:
    """How the releases part at the end of a program; None if they do not, or do before."""
    if not world.makes_sense(path):
        return None
    ops = [world.operations[place] for place in path]
    before, after = answers(old, world, ops), answers(new, world, ops)
    if len(before) < len(ops) or len(after) < len(ops) or before[:-1] != after[:-1]:
        return None
    return kind_of(ops[-1], before[-1], after[-1]) if before[-1] != after[-1] else None


def contains(whole: Path, part: Path) -> bool:
    """Whether a program remains when operations of another one, but not its last, are left out.

    >>> contains(b"abcd", b"bd"), contains(b"abcd", b"bc"), contains(b"abcd", b"bad")
    (True, False, False)
    """
    rest = iter(whole[:-1])
    return whole[-1:] == part[-1:] and all(place in rest for place in part[:-1])
