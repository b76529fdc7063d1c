# SPDX-License-Identifier: GPL-2.0-only
"""Recipes among others: somebody else acts between any two steps of a recipe.

A promise is about the recipe alone.  Here events come in between, in every place: a packet, another
process that detaches, that attaches a program of its own, that removes the cgroup.  A promise may
break where it broke for the old program too, at home, with the same events between the same
observations.  Anything else is a race that the recipe does not close.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations_with_replacement, product
from typing import Any, NamedTuple

from ..catalogue import RELEASES, Recipe
from ..catalogue.story import Observations, Observer, Run, _Stop, observed
from ..errors import UNDEFINED, BpfError, Denied, UndefinedBehaviour
from ..forwarding import Forwarder
from ..interface import KernelInterface
from ..kernel import Kernel
from ..releases import Release
from ..steps import Add
from ..uapi import BPF_F_REPLACE
from .causes import differing

Schedule = tuple[tuple[int, str], ...]
"""Events, each before which step of a run, from 0."""


class Attached(NamedTuple):
    """What a run attached last, and the maps that it made: where events strike."""

    cgroup: Any
    prog: Any
    attach_type: Any
    flags: int
    maps: tuple[Any, ...]


def _packet(kernel: KernelInterface, at: Attached) -> None:
    kernel.fire(at.cgroup, at.attach_type)


def _detach(kernel: KernelInterface, at: Attached) -> None:
    kernel.prog_detach(at.cgroup, at.prog, at.attach_type)


def _attach(kernel: KernelInterface, at: Attached) -> None:
    mine = at.prog.object
    body = [Add(found) for found in at.maps if found.object in mine.storage_maps]
    expected = mine.expected_attach_type
    other = kernel.prog_load(mine.type, body, expected_attach_type=expected)
    kernel.prog_attach(at.cgroup, other, at.attach_type, at.flags & ~int(BPF_F_REPLACE))


def _rmdir(kernel: KernelInterface, at: Attached) -> None:
    kernel.rmdir(at.cgroup)


EVENTS: dict[str, Callable[[KernelInterface, Attached], None]] = {
    "a packet arrives": _packet,
    "another process detaches the program": _detach,
    "another process attaches a program with the map": _attach,
    "the cgroup is removed": _rmdir,
}
"""What others do, all to the hook where the run attached a program last."""


class Happened(NamedTuple):
    """An event, the labels that were observed before it, and the step after it.

    The last ``free`` of the labels were observed without a step: it may have come before them.
    """

    event: str
    before: tuple[str, ...]
    free: int
    step: str


class Watching(Observer):
    """An observer that knows whether it is active."""

    inside = False

    def __call__(self, label: str, act: Callable[[], Any]) -> Any:
        """Do ``act`` and note what came of it."""
        self.inside = True
        try:
            return super().__call__(label, act)
        finally:
            self.inside = False


class Among(Forwarder):
    """A kernel on which events happen before some of the steps of a run."""

    def __init__(self, kernel: Kernel, schedule: Schedule, observer: Watching) -> None:
        super().__init__(kernel)
        self._schedule, self._observer = schedule, observer
        self._attached: Attached | None = None
        self._maps: tuple[Any, ...] = ()
        self._seen_before = 0
        self.steps: list[str] = []
        """The commands of the run, in order."""
        self.happened: list[Happened] = []
        """The events that found something attached."""

    def _forward(
        self, name: str, act: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        for place, event in self._schedule:
            if place == len(self.steps):
                self._happen(event, name)
        self.steps.append(name)
        self._seen_before = len(self._observer.seen) + self._observer.inside
        answer = act(*args, **kwargs)
        if name == "map_create":
            self._maps += (answer,)
        if name == "prog_attach":
            cgroup, prog, attach_type, *flags = args
            given = int(flags[0]) if flags else 0
            self._attached = Attached(cgroup, prog, attach_type, given, self._maps)
        return answer

    def _happen(self, event: str, step: str) -> None:
        if self._attached is not None:
            seen = tuple(self._observer.seen)
            free = max(0, len(seen) - self._seen_before)
            self.happened.append(Happened(event, seen, free, step))
            with suppress(BpfError, Denied):
                EVENTS[event](self._kernel, self._attached)


class Ran(NamedTuple):
    """A run among events."""

    seen: Observations
    steps: list[str]
    happened: list[Happened]
    end: str
    """The errno of a step that the run did not expect to fail, or "undefined", or nothing."""


def among(run: Run, story: Recipe, release: str, schedule: Schedule) -> Ran:
    """A run on a release, with events before its steps; those that come last nobody sees."""
    observer, end = Watching(), ""
    kernel = Among(Kernel(release, **story.kernel), schedule, observer)
    try:
        run(kernel, observer)
    except BpfError as error:
        end = error.name
    except Denied:
        end = "denied"
    except (UndefinedBehaviour, _Stop):
        end = UNDEFINED
    seen = observer.seen
    happened = [one for one in kernel.happened if end or len(one.before) < len(seen)]
    return Ran(seen, kernel.steps, happened, end)


@dataclass(frozen=True)
class RaceOutcome:
    """Events among which a recipe breaks a promise, where the old program would not."""

    promise: str
    events: tuple[tuple[str, str, str], ...]
    """Each with the last label before it and the step after it."""
    releases: tuple[str, ...]
    end: str


def schedules(steps: int, events: int) -> Iterator[Schedule]:
    """Every way to put so many events before so many steps."""
    for count in range(1, events + 1):
        for places in combinations_with_replacement(range(steps), count):
            for names in product(EVENTS, repeat=count):
                yield tuple(zip(places, names, strict=True))


def races(recipe: Recipe, events: int) -> tuple[int, list[RaceOutcome]]:
    """How many runs were tried, and the races: shortest first, and none that holds another."""
    assert recipe.old is not None
    home = recipe.old_release
    labels = set(observed(recipe.old, Kernel(home, **recipe.kernel)))
    excused, tried = set[Any](), 0
    for schedule in _all(recipe.old, recipe, home, events):
        ran = among(recipe.old, recipe, home, schedule)
        tried += 1
        for text in broken(recipe, ran):
            excused |= {(text, places) for places in _between(ran, labels)}
    found: dict[tuple[str, tuple[tuple[str, str, str], ...], str], list[str]] = {}
    for row in _rows(recipe):
        for schedule in _all(recipe.run, recipe, row[0], events):
            ran = among(recipe.run, recipe, row[0], schedule)
            tried += 1
            for text in broken(recipe, ran):
                if excused.isdisjoint((text, places) for places in _between(ran, labels)):
                    key = (text, _happened(ran), ran.end)
                    found.setdefault(key, []).extend(row)
    made: list[RaceOutcome] = []
    for (text, happened, end), releases in sorted(found.items(), key=lambda item: len(item[0][1])):
        rest = dict.fromkeys(releases)
        for race in made:
            if race.promise == text and _holds(happened, race.events):
                rest = {on: None for on in rest if on not in race.releases}
        if rest:
            made.append(RaceOutcome(text, happened, tuple(rest), end))
    return tried, made


def _all(run: Run, recipe: Recipe, release: str, events: int) -> Iterator[Schedule]:
    return schedules(len(among(run, recipe, release, ()).steps), events)


def _rows(recipe: Recipe) -> list[list[str]]:
    """The releases that the recipe is for; those in a row have no change between them."""
    rows: list[list[str]] = []
    for release in filter(recipe.claims, RELEASES):
        if rows and not differing(Release(rows[-1][-1]), Release(release)):
            rows[-1].append(release)
        else:
            rows.append([release])
    return rows


def broken(recipe: Recipe, ran: Ran) -> list[str]:
    """The promises that a run did not keep."""
    return [promise.text for promise in recipe.promises if not _kept(promise.check, ran.seen)]


def _kept(check: Callable[[Observations], object], seen: Observations) -> bool:
    try:
        return bool(check(seen))
    except (KeyError, TypeError):  # the run did not come so far, or saw no number
        return False


def _between(ran: Ran, labels: set[str]) -> set[tuple[tuple[str, int], ...]]:
    """The events, each with how many of the old program's observations came before it."""
    places = []
    for one in ran.happened:
        least = len(one.before) - one.free
        counts = {
            len(labels.intersection(one.before[:end])) for end in range(least, len(one.before) + 1)
        }
        places.append([(one.event, count) for count in sorted(counts)])
    return set(product(*places))


def _happened(ran: Ran) -> tuple[tuple[str, str, str], ...]:
    return tuple((one.event, one.before[-1] if one.before else "", one.step)
                 for one in ran.happened)  # fmt: skip


def _holds(events: tuple[Any, ...], fewer: tuple[Any, ...]) -> bool:
    rest = iter(events)
    return all(event in rest for event in fewer)
