# SPDX-License-Identifier: GPL-2.0-only
"""What a search found, for people and for programs."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from typing import Any

from ..catalogue import Story, stories
from ..traces.listing import listing
from .coverage import explained
from .search import Group, SearchResult


def text(result: SearchResult) -> str:
    """The groups, each with its shortest program, and what was covered."""
    parts = [described(result, group) for group in result.groups.values()]
    return "\n\n".join([*parts, covered(result)])


def described(result: SearchResult, group: Group) -> str:
    """A group: the difference, its cause, its story, and a program that shows it."""
    known: dict[str, Story] = stories()
    try:
        story = explained(group)
    except LookupError:
        story = "No story documents it yet."
    lines = [f"{group.kind}, because of {' and '.join(group.cause)}"]
    lines.append(f"    {known[story].title} ({story})" if story in known else f"    {story}")
    if group.programs > 1:
        lines.append(f"    the first of {group.programs} shortest programs:")
    return "\n".join([*lines, program(result, group)])


def program(result: SearchResult, group: Group) -> str:
    """The program as a doctest on the old release, ready to paste."""
    old, new = (answers[-1] for answers in group.answers)
    note = f"on {result.old}: {old}\non {result.new}: {new}"
    ops = (*result.world.given, *group.ops)
    return listing(result.old, ops, result.world.setup, note, len(ops) - 1)


def covered(result: SearchResult) -> str:
    """How far the search came."""
    end = "" if result.whole else ", interrupted"
    count = f"{len(result.groups)} groups" if len(result.groups) != 1 else "1 group"
    return (
        f"{result.old} and {result.new} in the world {result.world.name!r}: {count}; all programs "
        f"of up to {result.depth} operations, {sum(result.states):,} states, "
        f"{result.transitions:,} transitions{end}"
    )


def data(result: SearchResult) -> dict[str, Any]:
    """The result as plain data; the same for any number of processes."""
    return {
        "old": result.old.name,
        "new": result.new.name,
        "world": result.world.name,
        "depth": result.depth,
        "whole": result.whole,
        "states": result.states,
        "transitions": result.transitions,
        "differences": result.differences,
        "groups": [
            {
                "cause": list(group.cause),
                "kind": list(group.kind),
                "after": list(group.after),
                "programs": group.programs,
                "ops": list(group.ops),
                "old": group.answers[0][-1],
                "new": group.answers[1][-1],
            }
            for group in result.groups.values()
        ],
    }


class Meter:
    """Shows the progress of a search on one line, which is overwritten."""

    def __init__(self) -> None:
        self._start = self._said = time.monotonic()

    def __call__(self, result: SearchResult, done: int, of: int) -> None:
        """Say it, once a second."""
        now = time.monotonic()
        if now - self._said < 1:
            return
        self._said = now
        print(f"\r{self.line(result, done, of):<100}", end="", file=sys.stderr, flush=True)

    def line(self, result: SearchResult, done: int, of: int) -> str:
        """Depth, states, transitions a second, memory."""
        pace = result.transitions / max(time.monotonic() - self._start, 1e-9)
        return (
            f"depth {result.depth + 1}: {done:,} of {of:,} states, {result.transitions:,} "
            f"transitions, {pace:,.0f} a second, {_megabytes():,} MB"
        )

    def end(self) -> None:
        """Leave the line."""
        if self._said > self._start:
            print(file=sys.stderr)


def _megabytes() -> int:
    """The most memory of this process and of the largest one that it started."""
    who: Iterator[int] = iter((resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(resource.getrusage(one).ru_maxrss for one in who) // 1024
