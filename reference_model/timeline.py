# SPDX-License-Identifier: GPL-2.0-only
"""What happened in a run: steps, and the lives of attachments and storages between them.

Figures and tables are made from it; a Recorder makes it.

>>> timeline = Timeline("5.8", [TimelineStep("fire", ("web", "egress"), times=3)])
>>> timeline.storages.append(Lane("counts[web, egress]", 0, values=[(0, "3")]))
>>> timeline.sentences()
['fire(web, egress), 3 times: storage counts[web, egress] is created with 3.']
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, NamedTuple

from .errors import UNDEFINED

ERRNO = re.compile("E[A-Z0-9]{3,}")

CHANGING = {
    "prog_attach": "attach",
    "prog_detach": "detach",
    "link_create": "create link",
    "link_update": "update link",
    "link_detach": "detach link",
    "fire": "event",
    "run_hooks": "event",
    "socket": "open socket",
    "close_socket": "close socket",
    "rmdir": "rmdir",
    "close": "close",
    "unlink": "unpin",
    "map_update_elem": "write",
    "map_delete_elem": "delete",
    "map_freeze": "freeze",
    "cgrp_storage_get": "get",
    "cgrp_storage_delete": "delete",
}
"""The calls that can change an attachment or a storage, each with a word for a narrow column."""

VERBS = {
    **CHANGING,
    "mkdir": "mkdir",
    "map_create": "create map",
    "prog_load": "load",
    "prog_bind_map": "bind map",
    "prog_test_run": "test run",
    "prog_query": "query",
    "link_info": "query link",
    "map_lookup_elem": "read",
    "map_get_next_key": "next key",
    "map_lookup_and_delete_elem": "read and delete",
    "map_lookup_batch": "read batch",
    "map_lookup_and_delete_batch": "read and delete batch",
    "map_update_batch": "write batch",
    "map_delete_batch": "delete batch",
    "obj_pin": "pin",
    "obj_get": "get pin",
    "dup": "dup",
}
"""The calls that a Recorder can show, each with a word for a narrow column."""


class Observation(NamedTuple):
    """What a caller observed."""

    label: str
    """What the story calls it; empty for a refusal that nobody asked about."""
    text: str


@dataclass
class TimelineStep:
    """An operation, or the operations that gave one answer."""

    operation: str
    """Its name; names joined by "and"."""
    words: tuple[str, ...] = ()
    """Its arguments, short: names instead of descriptors."""
    subject: tuple[str, ...] = ()
    """Those of them that name something: for a narrow column."""
    times: int = 1
    """How many times in a row."""
    answers: list[Observation] = field(default_factory=list)
    """What came of it, and what a look afterwards saw, as far as the story or the kernel said."""

    @property
    def verb(self) -> str:
        """A word for the operation."""
        return " and ".join(VERBS.get(name, name) for name in self.operation.split(" and "))

    @property
    def heading(self) -> str:
        """The operation and how often, in a few words.

        >>> TimelineStep("fire", subject=("web", "egress"), times=3).heading
        '3 packets'
        """
        if self.operation in ("fire", "run_hooks"):
            noun = "event" if {"ingress", "egress"}.isdisjoint(self.subject) else "packet"
            return f"{self.times} {noun}s" if self.times > 1 else noun
        return f"{self.verb}, {self.times} times" if self.times > 1 else self.verb

    @property
    def caption(self) -> str:
        """The operation in a line."""
        text = f"{self.operation}({', '.join(self.words)})" if self.words else self.operation
        return f"{text}, {self.times} times" if self.times > 1 else text


@dataclass
class Lane:
    """One attachment or one storage: from which step to which it lived, and what it held.

    Steps are numbered from 0; ``end`` is None while it lives at the end of the run.
    """

    label: str
    start: int
    end: int | None = None
    values: list[tuple[int, str]] = field(default_factory=list)
    """(Storages:) at which steps it got which value."""

    def value_at(self, step: int) -> str:
        """The value after a step, or an empty text."""
        texts = [text for at, text in self.values if at <= step]
        return texts[-1] if texts else ""

    def overlaps(self, other: Lane) -> bool:
        """Whether both live at some step."""
        first, second = sorted((self, other), key=lambda lane: lane.start)
        return first.end is None or first.end > second.start or first.start == second.start


@dataclass
class Timeline:
    """What happened in a run on one release."""

    release: str
    steps: list[TimelineStep] = field(default_factory=list)
    attachments: list[Lane] = field(default_factory=list)
    storages: list[Lane] = field(default_factory=list)
    undefined: int | None = None
    """The step at which the kernel broke; it is the last one."""

    def sentences(self) -> list[str]:
        """The same facts in words, one sentence for each step."""
        return [
            f"{step.caption}: {'; '.join(self._facts(n))}." for n, step in enumerate(self.steps)
        ]

    def _facts(self, step: int) -> Iterator[str]:
        """What the step changed and what it answered."""
        changes = list(self._changes(step))
        yield from changes
        answers = self.steps[step].answers
        if not changes and not answers:
            yield "no attachment and no storage changes"
        for label, text in answers:
            if text == UNDEFINED:
                yield "the behaviour after this step is undefined"
            elif text.startswith("denied"):
                yield f"\u201c{label}\u201d is {text}" if label else text
            else:
                name = f"\u201c{label}\u201d " if label else ""
                yield name + (f"fails with {text}" if ERRNO.fullmatch(text) else f"is {text}")

    def _changes(self, step: int) -> Iterator[str]:
        for lane in self.attachments:
            if lane.end == step:
                yield f"{lane.label} is removed"
        for lane in self.storages:
            if lane.end == step:
                yield f"storage {lane.label} is freed"
        for lane in self.attachments:
            if lane.start == step:
                yield f"{lane.label} is created"
        for lane in self.storages:
            for value in (text for at, text in lane.values if at == step):
                if lane.start == step:
                    yield f"storage {lane.label} is created with {value}"
                else:
                    yield f"{lane.label} is now {value}"

    def folded(self, columns: int = 12, lanes: int = 4) -> Timeline:
        """The same, short enough for a figure.

        Where there are more than ``columns`` steps, three and more of a kind in a row become one;
        more than ``lanes`` attachments or storages that live alike become one.
        """
        groups = [[n] for n in range(len(self.steps))]
        if len(groups) > columns:
            groups = []
            for plain, numbers in groupby(range(len(self.steps)), key=self._kind):
                run = list(numbers)
                groups += [run] if plain and len(run) > 2 else [[n] for n in run]
        place = {n: at for at, group in enumerate(groups) for n in group}
        return Timeline(
            self.release,
            [_merged([self.steps[n] for n in group]) for group in groups],
            list(_alike((moved(lane, place) for lane in self.attachments), lanes)),
            list(_alike((moved(lane, place) for lane in self.storages), lanes)),
            None if self.undefined is None else place[self.undefined],
        )

    def _kind(self, step: int) -> str:
        """What steps have in common that may become one; empty for one that stays as it is."""
        found = self.steps[step]
        return "" if found.answers else found.operation


def _merged(steps: list[TimelineStep]) -> TimelineStep:
    first = steps[0]
    if len(steps) == 1:
        return first

    def common(words: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
        return tuple(
            same[0] if len(set(same)) == 1 else "\N{HORIZONTAL ELLIPSIS}"
            for same in zip(*words, strict=False)
        )

    words, subject = common(s.words for s in steps), common(s.subject for s in steps)
    times = sum(step.times for step in steps)
    return replace(first, words=words, subject=subject, times=times)


def moved(lane: Lane, place: dict[int, int]) -> Lane:
    """Return the lane with its steps numbered by ``place``; of several values in one the last."""
    values = {place[at]: text for at, text in lane.values}
    end = None if lane.end is None else place[lane.end]
    return Lane(lane.label, place[lane.start], end, list(values.items()))


def _alike(lanes: Iterable[Lane], most: int) -> Iterator[Lane]:
    """The lanes, of more than ``most`` that differ in their labels only the first."""
    found: dict[tuple[Any, ...], list[Lane]] = {}
    for lane in lanes:
        found.setdefault((lane.start, lane.end, *lane.values), []).append(lane)
    for group in found.values():
        if len(group) > most:
            yield replace(group[0], label=f"{group[0].label} and {len(group) - 1} more")
        else:
            yield from group
