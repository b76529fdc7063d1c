# SPDX-License-Identifier: GPL-2.0-only
"""The search: every program of a world on two releases, breadth first.

States that are equal up to renaming are one, and a branch ends at the first answer that differs.
So each difference is met with a shortest program; one that holds a shorter program of its kind is
dropped.  The result is the same for any number of processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

from ..changes import NAMES
from ..releases import Release
from ..traces import Answer, Op
from ..workers import workers
from .causes import DifferenceKind, answers, cause, contains, is_shortest, kind_of
from .lockstep import Lockstep, Path, changes_state
from .world import World

CHUNK = 64
"""States that a process expands at a time."""

_LOADS = frozenset({"mkdir", "map_create", "prog_array_create", "prog_load"})

Shorter = dict[DifferenceKind, list[Path]]
"""The shortest programs of each kind that earlier levels found."""


@dataclass
class Group:
    """Shortest programs that distinguish the releases for the same reason, in the same way."""

    cause: tuple[str, ...]
    """Names of the smallest set of changes that accounts for it."""
    kind: DifferenceKind
    after: tuple[str, ...]
    """The operations that must have come before, but for those that only make something."""
    ops: tuple[Op, ...]
    """The first of the programs."""
    answers: tuple[list[Answer], list[Answer]]
    """What the old and the new release answer to it."""
    programs: int = 1
    """How many there are."""

    @property
    def key(self) -> tuple[tuple[str, ...], DifferenceKind, tuple[str, ...]]:
        """What distinguishes it from other groups."""
        return self.cause, self.kind, self.after


@dataclass
class SearchResult:
    """What a search found, and how far it came."""

    old: Release
    new: Release
    world: World
    """Where it searched; nothing is given where the releases part over what is."""
    depth: int = 0
    """The length of programs up to which all were tried."""
    states: list[int] = field(default_factory=lambda: [1])
    """How many states there are at each depth, for the first time."""
    transitions: int = 0
    differences: int = 0
    """Transitions that ended a branch; most of them hold a shorter program."""
    groups: dict[object, Group] = field(default_factory=dict)
    whole: bool = True
    """Whether it came to its end, and was not interrupted."""

    def add(self, group: Group) -> None:
        """Count a shortest program."""
        known = self.groups.setdefault(group.key, group)
        if known is not group:
            known.programs += 1


class Expanded(NamedTuple):
    """What comes after some states."""

    transitions: int
    differences: int
    following: list[tuple[bytes, Path]]
    """Digests of states, and programs that lead there."""
    shortest: list[tuple[DifferenceKind, Path]]


Progress = Callable[[SearchResult, int, int], None]
"""Called with the result so far, how many states of this level were expanded, and of how many."""


def search(
    old: Release,
    new: Release,
    world: World,
    depth: int,
    jobs: int = 1,
    progress: Progress = lambda result, done, of: None,
) -> SearchResult:
    """Try all programs of up to ``depth`` operations; a KeyboardInterrupt ends it early."""
    result = SearchResult(old, new, world)
    try:
        with _workers(old, new, world, jobs) as expand:
            _levels(old, new, result, depth, expand, progress)
    except KeyboardInterrupt:
        result.whole = False
    return result


def _levels(
    old: Release,
    new: Release,
    result: SearchResult,
    depth: int,
    expand: Callable[[Iterator[list[Path]], bool, Shorter], Iterator[Expanded]],
    progress: Progress,
) -> None:
    start = Lockstep(old, new, result.world)
    if start.parted is not None:
        ops = result.world.given[: start.parted + 1]
        result.world = replace(result.world, given=())
        _add(old, new, result, ops)
        return
    seen = {start.digest()}
    frontier: list[Path] = [b""]
    shorter: Shorter = {}
    while frontier and result.depth < depth:
        last = result.depth + 1 == depth
        chunks = (frontier[at : at + CHUNK] for at in range(0, len(frontier), CHUNK))
        following: list[Path] = []
        found: list[tuple[DifferenceKind, Path]] = []
        for number, made in enumerate(expand(chunks, last, shorter), start=1):
            result.transitions += made.transitions
            result.differences += made.differences
            for digest, path in made.following:
                if digest not in seen:
                    seen.add(digest)
                    following.append(path)
            found += made.shortest
            progress(result, min(number * CHUNK, len(frontier)), len(frontier))
        for kind, path in found:
            shorter.setdefault(kind, []).append(path)
            _add(old, new, result, tuple(result.world.operations[place] for place in path))
        frontier = following
        result.depth += 1
        if not last:
            result.states.append(len(following))


def _add(old: Release, new: Release, result: SearchResult, ops: tuple[Op, ...]) -> None:
    """Count a shortest program, with its cause."""
    world = result.world
    both = answers(old, world, ops), answers(new, world, ops)
    result.add(
        Group(
            cause=tuple(NAMES[change] for change in cause(old, new, world, ops)),
            kind=kind_of(ops[-1], both[0][-1], both[1][-1]),
            after=tuple(sorted({op["op"] for op in ops[:-1]} - _LOADS)),
            ops=ops,
            answers=both,
        )
    )


# -- one level, in one process or in several ------------------------------------------------------


def expanded(lockstep: Lockstep, paths: list[Path], last: bool, shorter: Shorter) -> Expanded:
    """Every operation after each of these programs; ``last``: no state follows."""
    world = lockstep.world
    old, new = lockstep.old, lockstep.new
    transitions = differences = 0
    following: dict[bytes, Path] = {}
    shortest: list[tuple[DifferenceKind, Path]] = []
    for path in paths:
        lockstep.go(path)
        possible = world.possible(lockstep.live, lockstep.made)
        transitions += len(possible)
        for place, move in possible:
            before, after = lockstep.step(move)
            if before != after:
                differences += 1
                lockstep.back()
                longer, kind = path + bytes((place,)), kind_of(move.op, before, after)
                if any(contains(longer, known) for known in shorter.get(kind, ())):
                    continue
                if is_shortest(old, new, world, longer, kind):
                    shortest.append((kind, longer))
            elif changes_state(move, before):
                if not last:
                    following.setdefault(lockstep.digest(), path + bytes((place,)))
                lockstep.back()
    return Expanded(transitions, differences, list(following.items()), shortest)


@contextmanager
def _workers(
    old: Release, new: Release, world: World, jobs: int
) -> Iterator[Callable[[Iterator[list[Path]], bool, Shorter], Iterator[Expanded]]]:
    """Something that expands chunks of programs, in order."""
    if jobs == 1:
        lockstep = Lockstep(old, new, world)
        yield lambda chunks, last, shorter: (
            expanded(lockstep, paths, last, shorter) for paths in chunks
        )
        return
    with workers(jobs, _begin, (old, new, world)) as pool:
        yield lambda chunks, last, shorter: pool.map(
            partial(_expand, last=last, shorter=shorter), chunks
        )


_mine: list[Lockstep] = []
"""The kernels of a process of the pool."""


def _begin(old: Release, new: Release, world: World) -> None:
    _mine[:] = [Lockstep(old, new, world)]


def _expand(paths: list[Path], last: bool, shorter: Shorter) -> Expanded:
    return expanded(_mine[0], paths, last, shorter)
