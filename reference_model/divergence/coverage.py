# SPDX-License-Identifier: GPL-2.0-only
"""Which story explains a difference: there should be one for each."""

from __future__ import annotations

from fnmatch import fnmatchcase

from .. import changes
from ..catalogue import Difference, stories
from ..catalogue.story import Explains
from ..releases import Change
from .search import Group


def latest(group: Group) -> Change:
    """The youngest change of a cause: what made the answer what it is now."""
    known = {name: getattr(changes, name) for name in group.cause}
    return [change for change in changes.ALL if change in known.values()][-1]


def matches(one: Explains, group: Group) -> bool:
    """Whether a story's claim is about this group."""
    return (
        one.change is latest(group)
        and any(fnmatchcase(str(group.kind), kind) for kind in one.kinds)
        and (not one.after or not set(one.after).isdisjoint(group.after))
        and set(one.unless).isdisjoint(group.after)
    )


def explaining(group: Group) -> list[str]:
    """The stories that claim to explain a group: there should be one."""
    known: dict[str, Difference] = stories(Difference)
    return [
        name for name, story in known.items() if any(matches(one, group) for one in story.explains)
    ]


def explained(group: Group) -> str:
    """The story of a group; LookupError if there is none, or several."""
    found = explaining(group)
    if len(found) == 1:
        return found[0]
    names = " and ".join(found) or "no story"
    raise LookupError(f"{group.cause}: {group.kind} after {group.after}: {names} explains it")
