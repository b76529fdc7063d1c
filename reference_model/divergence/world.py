# SPDX-License-Identifier: GPL-2.0-only
"""A small world: what there is, and every operation that a program may be made of.

A world is data, one JSON file.  ``given`` are operations of the trace format that run before, and
``operations`` those that are tried in every order.  ``each`` in an operation names fields and what
stands in them by turns.  A name is made once: after a close it does not come back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice, permutations, product
from pathlib import Path
from typing import Any

from .. import members
from ..members import member, typed
from ..traces import OPERATIONS, Op, parse

FOLDER = Path(__file__).parent / "worlds"
DEFAULT = "attachments"

DEEPEST = 64
"""The longest programs that a search can be asked for; it takes days for a tenth of them."""

_MOST = 256


class WorldError(ValueError):
    """A file is not a world; the text names the file and what is wrong."""


@dataclass(frozen=True)
class Move:
    """An operation of a world, and the names that it needs, makes and ends, as bits."""

    op: Op
    needs: int
    makes: int
    ends: int
    after: int
    """Names that must have been made before: those alike that come first."""
    definition: str
    """The operation itself, the same for names that are alike."""

    def possible(self, live: int, made: int) -> bool:
        """Whether the names that it needs live, and those that it makes are new."""
        return self.needs & ~live == 0 and self.makes & made == 0 and self.after & ~made == 0


@dataclass(frozen=True, eq=False)
class World:
    """What a search explores."""

    name: str
    about: str
    without: tuple[str, ...]
    """What it leaves out, for readers of its results."""
    given: tuple[Op, ...]
    operations: tuple[Op, ...]
    depth: int
    """How deep it is explored where nobody says so."""
    setup: dict[str, int] = field(default_factory=dict)
    """How the kernel is set up before: parameters of Kernel, such as ``memlock``."""
    alike: tuple[tuple[str, ...], ...] = ()
    """Names that can stand for each other: a program and its renaming are one."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Everything that is ever made, in order of its first mention."""
        made = (OPERATIONS[op["op"]].made(op) for op in (*self.given, *self.operations))
        return tuple(dict.fromkeys(name for name in made if name is not None))

    @cached_property
    def moves(self) -> tuple[Move, ...]:
        """The operations, with what they need and make."""
        return tuple(self.move(op) for op in self.operations)

    @cached_property
    def _given(self) -> tuple[Move, ...]:
        return tuple(self.move(op) for op in self.given)

    def move(self, op: Op) -> Move:
        """What an operation needs, makes and ends."""
        operation = OPERATIONS[op["op"]]
        maker, ender = operation.made(op), operation.ended(op)
        needs = {name for _, name in operation.names(op) if name in self.names and name != maker}
        before: set[str] = set()
        first: dict[str, str] = {}
        for group in self.alike:
            first.update(dict.fromkeys(group, group[0]))
            if maker in group:
                before.update(group[: group.index(maker)])
        bits = self.bits
        definition = json.dumps(renamed(op, first))
        return Move(op, bits(needs), bits({maker}), bits({ender}), bits(before), definition)

    def bits(self, names: Any) -> int:
        """Names as bits, in their order."""
        return sum(1 << place for place, name in enumerate(self.names) if name in names)

    def renamings(self, made: int) -> tuple[dict[str, str], ...]:
        """Every way to exchange names alike of those made; the first one changes nothing."""
        known = self._renamings.get(made)
        if known is None:
            groups = [[n for n in group if made & self.bits({n})] for group in self.alike]
            parts = [[dict(zip(g, p, strict=True)) for p in permutations(g)] for g in groups]
            known = self._renamings[made] = tuple(
                {name: new for part in chosen for name, new in part.items()}
                for chosen in product(*parts)
            )
        return known

    def possible(self, live: int, made: int) -> tuple[tuple[int, Move], ...]:
        """The operations whose names are there, or new, with their places."""
        known = self._possible.get((live, made))
        if known is None:
            known = self._possible[live, made] = tuple(
                (place, move) for place, move in enumerate(self.moves) if move.possible(live, made)
            )
        return known

    @cached_property
    def _renamings(self) -> dict[int, tuple[dict[str, str], ...]]:
        return {}

    @cached_property
    def _possible(self) -> dict[tuple[int, int], tuple[tuple[int, Move], ...]]:
        return {}

    def makes_sense(self, path: bytes) -> bool:
        """Whether a program names nothing that is not there, if all of it succeeds."""
        live = made = 0
        for move in (*self._given, *(self.moves[place] for place in path)):
            if move.needs & ~live or move.makes & made:
                return False
            live, made = (live | move.makes) & ~move.ends, made | move.makes
        return True


def load(source: str | Path) -> World:
    """The world of this name, or of a file; WorldError if there is none, or it is not one."""
    path = Path(source)
    if path.suffix != ".json":
        path = FOLDER / f"{source}.json"
    try:
        return read(members.load(path.read_text(encoding="utf-8")), path.stem)
    except OSError as error:
        raise WorldError(
            f"{source}: no such world: {error.strerror} (known: {', '.join(known())})"
        ) from error
    except ValueError as error:
        raise WorldError(f"{path}: not a world: {error}") from error


def known() -> list[str]:
    """The names of the worlds that are here."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def read(data: dict[str, Any], name: str) -> World:
    """The world in such data; ValueError if it is none."""
    alike = list(members.members(data, "alike", list, []))
    world = World(
        name=name,
        about=member(data, "about", str),
        without=tuple(members.members(data, "without", str)),
        given=tuple(islice(_expanded(members.members(data, "given", dict)), _MOST + 1)),
        operations=tuple(islice(_expanded(members.members(data, "operations", dict)), _MOST + 1)),
        depth=member(data, "depth", int),
        setup=dict(member(data, "setup", dict, {})),
        alike=tuple(tuple(typed(n, str, "each of 'alike'") for n in group) for group in alike),
    )
    line = {"id": name, "ops": [*world.given, *world.operations], "setup": world.setup}
    parse(json.dumps({**line, "answers": []}))
    _check(world)
    return world


def _check(world: World) -> None:
    if not 0 < len(world.operations) <= _MOST:
        raise ValueError(f"{len(world.operations)} operations, not 1 to {_MOST}")
    if len(world.given) > _MOST:
        raise ValueError(f"more than {_MOST} operations are given")
    if not 1 <= world.depth <= DEEPEST:
        raise ValueError(f"the depth is {world.depth}, not 1 to {DEEPEST}")
    if () in world.alike:
        raise ValueError("a group of 'alike' has no names")
    if len(set(map(json.dumps, world.operations))) < len(world.operations):
        raise ValueError("an operation stands there twice")
    unknown = {name for group in world.alike for name in group} - set(world.names)
    if unknown:
        raise ValueError(f"alike names {sorted(unknown)}, which nothing makes")
    known = set(map(json.dumps, world.operations))
    for renaming in world.renamings(-1)[1:]:
        for op in world.operations:
            if json.dumps(renamed(op, renaming)) not in known:
                raise ValueError(f"alike {sorted(renaming)}: {json.dumps(op)} has no counterpart")
    live = made = 0
    for op in world.given:
        move = world.move(op)
        if not move.possible(live, made):
            raise ValueError(f"given {json.dumps(op)}: a name in it is not there, or there before")
        live, made = (live | move.makes) & ~move.ends, made | move.makes


def _expanded(operations: Iterable[Op]) -> Iterator[Op]:
    """The operations, one for each combination of what ``each`` lists."""
    for op in operations:
        plain = {name: given for name, given in op.items() if name != "each"}
        each = {
            name: typed(values, list, f"{name!r} of 'each'")
            for name, values in member(op, "each", dict, {}).items()
        }
        for values in product(*each.values()):
            yield {**plain, **dict(zip(each, values, strict=True))}


def renamed(thing: Any, names: dict[str, str]) -> Any:
    """An operation, or a part of one, with other names."""
    if isinstance(thing, str):
        return names.get(thing, thing)
    if isinstance(thing, dict):
        return {
            key: given if key == "op" else renamed(given, names) for key, given in thing.items()
        }
    return [renamed(part, names) for part in thing] if isinstance(thing, list) else thing
