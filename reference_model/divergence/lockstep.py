# SPDX-License-Identifier: GPL-2.0-only
"""Two kernels that run one program: where they answer the same they go on, together."""

from __future__ import annotations

from ..releases import Release
from ..trace import Answer
from . import canonical
from .side import Checkpoint, Side
from .world import Move, World

Path = bytes
"""A program: the places of its operations in the world."""

_READS = frozenset(
    {"map_lookup", "map_keys", "map_next_key", "map_command", "prog_query", "prog_test_run"}
    | {"cgroup_ids", "cgrp_lookup", "cgrp_next"}
)
"""Operations that change nothing, also where they succeed."""


class Lockstep:
    """Both kernels at the end of a program, with checkpoints along it.

    ``parted`` is the place of the first given operation that they answer differently, or None.
    """

    def __init__(self, old: Release, new: Release, world: World) -> None:
        self.world = world
        self.sides = (Side(old, world), Side(new, world))
        self.live = self.made = 0
        self.parted: int | None = None
        for place, op in enumerate(world.given):
            before, after = self.step(world.move(op))
            if before != after:
                self.parted = place
                break
        self._path: Path = b""
        self._marks = [self._mark()]

    def _mark(self) -> tuple[Checkpoint, Checkpoint, int, int]:
        old, new = self.sides
        return Checkpoint(old), Checkpoint(new), self.live, self.made

    def go(self, path: Path) -> None:
        """To the end of a program that both answer the same."""
        common = 0
        for mine, wanted in zip(self._path, path, strict=False):
            if mine != wanted:
                break
            common += 1
        del self._marks[common + 1 :]
        self.back()
        for place in path[common:]:
            self.step(self.world.moves[place])
            self._marks.append(self._mark())
        self._path = path

    def back(self) -> None:
        """To the end of that program again."""
        old, new, self.live, self.made = self._marks[-1]
        old.restore()
        new.restore()

    def step(self, move: Move) -> tuple[Answer, Answer]:
        """Run one operation on both; their answers."""
        old, new = self.sides
        before, after = old.answer(move.op), new.answer(move.op)
        if before == "ok" and after == "ok":
            if move.makes:
                name = self.world.names[move.makes.bit_length() - 1]
                old.note(name, move.definition)
                new.note(name, move.definition)
            self.live = (self.live | move.makes) & ~move.ends
            self.made |= move.makes
        return before, after

    def digest(self) -> bytes:
        """What stands for this pair of states and all its renamings."""
        old, new = self.sides
        return min(
            canonical.digest((canonical.told(old, names), canonical.told(new, names)))
            for names in self.world.renamings(self.made)
        )


def changes_state(move: Move, answer: Answer) -> bool:
    """Whether an operation with this answer may have changed something: a refusal does not."""
    return answer == "denied" or (answer == "ok" and move.op["op"] not in _READS)
