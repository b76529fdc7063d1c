# SPDX-License-Identifier: GPL-2.0-only
"""What the search for differences between releases found, as committed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from reference_model import Release, changes
from reference_model.catalogue import stories
from reference_model.divergence import coverage, world
from reference_model.divergence.causes import DifferenceKind, differing
from reference_model.divergence.search import Group

from .files import DIVERGENCE


class Found(NamedTuple):
    """Groups of one kind and cause, of all worlds, and the first of them."""

    world: world.World
    group: Group
    story: str
    """The name of the story that documents it."""
    programs: int


@cache
def read(path: Path = DIVERGENCE) -> list[dict[str, Any]]:
    """The pairs of releases of the record."""
    pairs: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["pairs"]
    return pairs


world_of = cache(world.load)
"""A world, read once."""


def groups(pair: dict[str, Any]) -> Iterator[tuple[world.World, Group]]:
    """The groups of a pair, world by world."""
    for name, one in pair["worlds"].items():
        where = world_of(name)
        for data in one["groups"]:
            yield where, group(data)


def group(data: dict[str, Any]) -> Group:
    """A group of the record."""
    return Group(
        cause=tuple(data["cause"]),
        kind=DifferenceKind(*data["kind"]),
        after=tuple(data["after"]),
        ops=tuple(data["ops"]),
        answers=([data["old"]], [data["new"]]),
        programs=data["programs"],
    )


def kinds(pair: dict[str, Any]) -> list[Found]:
    """What was found of a pair, by story: the shortest program of each cause and kind."""
    every = [(where, one, coverage.explained(one)) for where, one in groups(pair)]
    known = list(stories())

    def order(entry: tuple[world.World, Group, str]) -> tuple[Any, ...]:
        _, one, story = entry
        return known.index(story), one.cause, one.kind

    made = []
    for _, alike in groupby(sorted(every, key=order), key=order):
        entries = sorted(alike, key=lambda entry: len(entry[1].ops))
        where, one, story = entries[0]
        made.append(Found(where, one, story, sum(entry[1].programs for entry in entries)))
    return made


@cache
def found() -> list[tuple[dict[str, Any], list[Found]]]:
    """The pairs of the record, each with its kinds of differences."""
    return [(pair, kinds(pair)) for pair in read()]


def unreached(pair: dict[str, Any]) -> list[str]:
    """The names of a pair's changes that account for no difference that was found."""
    causes = {name for _, one in groups(pair) for name in one.cause}
    known = differing(Release(pair["old"]), Release(pair["new"]))
    return [changes.NAMES[c] for c in known if changes.NAMES[c] not in causes]


def total(pair: dict[str, Any], what: str) -> int:
    """States or transitions of a pair in all worlds."""
    numbers = [one[what] for one in pair["worlds"].values()]
    return sum(sum(n) if isinstance(n, list) else n for n in numbers)
