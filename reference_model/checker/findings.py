# SPDX-License-Identifier: GPL-2.0-only
"""What a check finds: a page of the site that concerns the program, why, and what shows it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..catalogue import FOLDERS, BreakingChange, Story, stories
from ..releases import Release

CHANGE, NEW, GUIDE, FAULT = "change", "new", "guide", "fault"
"""The kinds of findings: a page of the migration guide, of what's new or of a guide, or a fault of
the program on all releases."""


class Finding(NamedTuple):
    """A page that concerns the program."""

    kind: str
    """CHANGE, NEW, GUIDE or FAULT."""
    title: str
    page: str
    """The path of the page below the root of the site."""
    why: str
    """What the object or the source shows, as a sentence."""
    places: tuple[str, ...]
    """Where it shows it: source lines, names of maps or programs."""

    @property
    def affected(self) -> bool:
        """Whether there is something to do, and not only something to read."""
        return self.kind in (CHANGE, FAULT)


def page_of(name: str) -> str:
    """The path of a story's page below the root of the site.

    >>> page_of("zero_explicitly")
    'recipes/zero_explicitly.html'
    """
    kind = type(stories()[name])
    (folder,) = (folder for folder, of in FOLDERS.items() if kind is of)
    return f"{folder}/{name}.html"


def of_story(name: str, why: str, places: Iterable[str]) -> Finding:
    """The finding that a story concerns the program."""
    story = stories()[name]
    kind = {"breaking_changes": CHANGE, "additions": NEW, "recipes": GUIDE}
    return Finding(
        kind[page_of(name).partition("/")[0]], story.title, page_of(name), why, tuple(places)
    )


def differs(story: Story, releases: list[Release]) -> bool:
    """Whether what the story observes differs between two of the releases."""
    first = story.expected(releases[0])
    return any(story.expected(release) is not first for release in releases)


def left_to_user_space(types: set[str], releases: list[Release]) -> dict[str, BreakingChange]:
    """The changes between these releases that an object cannot show, by name.

    ``types`` are keys of AFFECTS: ``shared``, ``per-CPU`` or ``CGRP_STORAGE``.
    """
    return {
        name: story
        for name, story in stories(BreakingChange).items()
        if story.shown_by == "user space" and differs(story, releases)
        if story.affects in types or story.affects == "both" and types & {"shared", "per-CPU"}
    }
