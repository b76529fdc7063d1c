# SPDX-License-Identifier: GPL-2.0-only
"""The races of recipes that the search found, as committed."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from .files import RACES


@cache
def read(path: Path = RACES) -> dict[str, dict[str, Any]]:
    """What is recorded of each recipe, by name."""
    found: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return {name: one for name, one in found.items() if name != "LICENSE"}


class Race(NamedTuple):
    """A promise of a recipe that breaks; races that differ only in their places are one."""

    promise: str
    events: list[str]
    releases: list[str]
    end: str
    steps: list[str]
    """The commands before which the last of the events comes."""


def folded(found: dict[str, Any]) -> list[Race]:
    """The races of a recipe by promise, events, releases and end.

    >>> race = {"promise": "P", "releases": ["5.8"], "end": ""}
    >>> one = {**race, "events": [["a packet", "", "fire"]]}
    >>> other = {**race, "events": [["a packet", "", "rmdir"]]}
    >>> folded({"races": [one, other]})[0].steps
    ['fire', 'rmdir']
    """
    made: dict[tuple[Any, ...], list[str]] = {}
    for race in found["races"]:
        events = tuple(event for event, _, _ in race["events"])
        key = (race["promise"], events, tuple(race["releases"]), race["end"])
        steps = made.setdefault(key, [])
        steps += [step for _, _, step in race["events"][-1:] if step not in steps]
    return [
        Race(text, [*events], [*on], end, steps) for (text, events, on, end), steps in made.items()
    ]
