# SPDX-License-Identifier: GPL-2.0-only
"""The searches whose findings are committed: for differences between releases, and for races.

``python -m records`` searches every pair of releases in every world again, to the depth that the
world says, which takes some minutes; a test searches again less deep.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from reference_model import MAINLINE, Release
from reference_model.catalogue import Recipe, stories
from reference_model.divergence import interleavings, report, search, world
from reference_model.divergence.causes import answers, differing
from reference_model.divergence.world import World
from reference_model.errors import UNDEFINED
from reference_model.outputs import write_whole
from reference_model.traces import Trace

from . import divergence
from .files import DIVERGENCE, LICENCE, RACES


def pairs() -> list[tuple[str, str]]:
    """The neighbouring releases with any change between them, and then pairs further apart.

    The last pair ends with the newest release that differs from the one before it: a new release
    without a change needs no search.
    """
    neighbours = zip(MAINLINE, MAINLINE[1:], strict=False)
    near = [(a, b) for a, b in neighbours if differing(Release(a), Release(b))]
    return [*near, ("5.8", "proposal"), ("proposal", "5.9"), (MAINLINE[0], near[-1][1])]


def found(old: str, new: str, name: str, depth: int | None = None, jobs: int = 1) -> dict[str, Any]:
    """What a search finds for a pair in a world, as the record holds it."""
    where = world.load(name)
    result = search.search(Release(old), Release(new), where, depth or where.depth, jobs)
    if not result.whole:
        raise KeyboardInterrupt
    data = report.data(result)
    return {key: data[key] for key in data if key not in ("old", "new", "world", "whole")}


def searched(
    jobs: int, say: Callable[[str], None] = print
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each pair, with what was found in each world."""
    for old, new in pairs():
        worlds = {name: found(old, new, name, jobs=jobs) for name in world.known()}
        groups = sum(len(one["groups"]) for one in worlds.values())
        transitions = sum(one["transitions"] for one in worlds.values())
        say(f"{old} and {new}: {groups} groups, {transitions:,} transitions")
        yield old, new, worlds


def write(pairs: Iterator[tuple[str, str, dict[str, Any]]], path: Path = DIVERGENCE) -> None:
    """Write a record, whole or not at all: a line for each group."""
    searched = [{"old": old, "new": new, "worlds": worlds} for old, new, worlds in pairs]
    lines = ["{", f' "LICENSE": {json.dumps(LICENCE)},', ' "pairs": [']
    lines.append(",\n".join(_lines(pair) for pair in searched))
    lines += [" ]", "}", ""]
    write_whole(path, "\n".join(lines))


def _lines(pair: dict[str, Any]) -> str:
    """A pair, a line for each world and for each group."""
    worlds = []
    for name, one in pair["worlds"].items():
        groups = ",\n".join(f"    {json.dumps(group)}" for group in one["groups"])
        head = json.dumps({key: given for key, given in one.items() if key != "groups"})
        inside = f"\n{groups}\n   " if groups else ""
        worlds.append(f'   {json.dumps(name)}: {head[:-1]}, "groups": [{inside}]}}')
    head = json.dumps({"old": pair["old"], "new": pair["new"]})
    return f'  {head[:-1]}, "worlds": {{\n' + ",\n".join(worlds) + "\n  }}"


# -- recipes among others --------------------------------------------------------------------------

EVENTS = 2
"""How many events come between the steps of a recipe at once."""


def raced(name: str, events: int = EVENTS) -> dict[str, Any]:
    """The races of a recipe, as the record holds them."""
    tried, found = interleavings.races(stories(Recipe)[name], events)
    return {
        "events": events,
        "runs": tried,
        "races": [
            {
                "promise": race.promise,
                "events": [list(event) for event in race.events],
                "releases": list(race.releases),
                "end": race.end,
            }
            for race in found
        ],
    }


def write_races(races: dict[str, dict[str, Any]], path: Path = RACES) -> None:
    """Write the record of all recipes, whole or not at all."""
    lines = [f" {json.dumps(name)}: {_race_lines(one)}" for name, one in races.items()]
    text = f'{{\n "LICENSE": {json.dumps(LICENCE)},\n' + ",\n".join(lines) + "\n}\n"
    write_whole(path, text)


def _race_lines(one: dict[str, Any]) -> str:
    races = ",\n".join(f"  {json.dumps(race)}" for race in one["races"])
    head = json.dumps({key: given for key, given in one.items() if key != "races"})
    inside = f"\n{races}\n " if races else ""
    return f'{head[:-1]}, "races": [{inside}]}}'


# -- traces ----------------------------------------------------------------------------------------


def traces(releases: Sequence[str]) -> list[Trace]:
    """The shortest programs as traces, operations only; none that is undefined on a release.

    Each is named after what it does, and so keeps its name when others come and go.
    """
    made: dict[str, Trace] = {}
    for pair in divergence.read():
        for name, one in pair["worlds"].items():
            where = world.load(name)
            for group in one["groups"]:
                ops = [*where.given, *group["ops"]]
                text = json.dumps(ops)
                label = f"divergence-{name}-{sha256(text.encode()).hexdigest()[:8]}"
                made.setdefault(text, Trace(label, ops, {}, {}, where.setup))
    return [one for one in made.values() if all(_defined(on, one) for on in releases)]


def _defined(on: str, one: Trace) -> bool:
    where = World("", "", (), (), (), 0, one.setup)
    return UNDEFINED not in answers(Release(on), where, one.ops)
