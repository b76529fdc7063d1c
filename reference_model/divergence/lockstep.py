# SPDX-License-Identifier: GPL-2.0-only
"""Two kernels that run one program: where they answer the same they continue, together.

As long as a program asks for no change that only one of the releases has, both do the same, and one
kernel stands for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from .. import changes
from ..releases import Change, Release
from ..traces import OPERATIONS, Answer
from . import canonical
from .side import Checkpoint, Side
from .world import Move, World

Path = bytes
"""A program: the places of its operations in the world."""


class Lockstep:
    """Both kernels at the end of a program."""

    def __init__(self, old: Release, new: Release, world: World) -> None:
        self.old, self.new, self.world = old, new, world
        self._both = _Track([_known(Side(old, world)), _known(Side(new, world))], world)
        self.parted = self._both.parted
        """The place of the first given operation that they answer differently, or None."""
        self._one = _agreed(old, new, world)
        self._apart: Path | None = None
        """The program after which one kernel does not stand for both any more."""
        self._at = self._one or self._both

    @property
    def live(self) -> int:
        """The names that live, as bits."""
        return self._at.live

    @property
    def made(self) -> int:
        """The names that were ever made, as bits."""
        return self._at.made

    def go(self, path: Path) -> None:
        """To the end of a program that both answer the same."""
        self._at = self._both
        if self._one is not None and not (self._apart and path.startswith(self._apart)):
            try:
                self._one.go(path)
                self._at = self._one
            except _AskedForOne:
                self._apart = path[: len(self._one.path) + 1]
        if self._at is self._both:
            self._both.go(path)
        self._path = path

    def step(self, move: Move) -> Sequence[Answer]:
        """Run one operation on both; their answers."""
        if self._at is self._one:
            try:
                return self._one.step(move) * 2
            except _AskedForOne:
                self._one.back()
                self._both.go(self._path)
                self._at = self._both
        return self._both.step(move)

    def back(self) -> None:
        """To the end of that program again."""
        self._at.back()
        if self._one is not None and self._one.path == self._path:
            self._at = self._one

    def digest(self) -> bytes:
        """What stands for this pair of states and all its renamings."""
        return min(
            canonical.digest(self._at.form(names)) for names in self.world.renamings(self.made)
        )


class _AskedForOne(Exception):
    """A kernel that stands for both was asked for a change that only one of them has."""


class _Shared(dict[Change, bool]):
    """The answers that both releases give to the question whether they have a change."""

    def __missing__(self, change: Change) -> NoReturn:
        raise _AskedForOne


class _Track:
    """Kernels that run the same, with checkpoints along the program."""

    def __init__(self, sides: list[Side], world: World) -> None:
        self.world = world
        self.sides = sides
        self.live = self.made = 0
        self.parted: int | None = None
        for place, op in enumerate(world.given):
            first, *others = self.step(world.move(op))
            if others and others != [first]:
                self.parted = place
                break
        self.path: Path = b""
        self._marks = [self._mark()]

    def _mark(self) -> tuple[list[Checkpoint], int, int]:
        return [*map(Checkpoint, self.sides)], self.live, self.made

    def go(self, path: Path) -> None:
        common = 0
        for mine, wanted in zip(self.path, path, strict=False):
            if mine != wanted:
                break
            common += 1
        del self._marks[common + 1 :]
        self.path = path[:common]
        self.back()
        for place in path[common:]:
            self.step(self.world.moves[place])
            self._marks.append(self._mark())
            self.path += bytes((place,))

    def back(self) -> None:
        marks, self.live, self.made = self._marks[-1]
        for mark in marks:
            mark.restore()

    def step(self, move: Move) -> list[Answer]:
        answers = [side.answer(move.op) for side in self.sides]
        if answers.count("ok") == len(answers):
            if move.makes:
                name = self.world.names[move.makes.bit_length() - 1]
                for side in self.sides:
                    side.note(name, move.definition)
            self.live = (self.live | move.makes) & ~move.ends
            self.made |= move.makes
        return answers

    def form(self, names: dict[str, str]) -> tuple[canonical.Form, ...]:
        forms = tuple(canonical.form(side, names) for side in self.sides)
        return forms if len(forms) == 2 else forms * 2


def _known(side: Side) -> Side:
    """The side, with all that may be asked of its release looked up."""
    release = side.kernel.release
    side.kernel.has = {change: release.has(change) for change in changes.ALL}.__getitem__
    return side


def _agreed(old: Release, new: Release, world: World) -> _Track | None:
    """One kernel for both; None where they differ from the start."""
    heard = old.like(new, ())
    side = Side(heard, world)
    shared = _Shared({c: old.has(c) for c in changes.ALL if old.has(c) == new.has(c)})
    if not heard.asked <= shared.keys():
        return None
    side.kernel.has = shared.__getitem__
    try:
        return _Track([side], world)
    except _AskedForOne:
        return None


def changes_state(move: Move, answer: Answer) -> bool:
    """Whether an operation with this answer may have changed something: a refusal does not."""
    denied = isinstance(answer, str) and answer.startswith("denied")
    return denied or (answer == "ok" and not OPERATIONS[move.op["op"]].reads)
