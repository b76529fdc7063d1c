# SPDX-License-Identifier: GPL-2.0-only
"""What a story is: prose, a function that runs it on any kernel, and what must be observed.

A story is one module of ``breaking_changes/``, ``additions/`` or ``recipes/`` that calls its story
``STORY``.  Its page, its table of outcomes, its figures, its tests and its C twin all come from
there.

>>> def run(kernel, observe):
...     counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64)
...     observe("delete", lambda: kernel.map_delete_elem(counts, (1, 0)))
...     observe("next key", lambda: kernel.map_get_next_key(counts))
>>> from reference_model import *
>>> observed(run, Kernel("5.9"))
{'delete': 'EINVAL', 'next key': 'ENOENT'}
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, NamedTuple

from ..errors import UNDEFINED, BpfError, Denied, UndefinedBehaviour
from ..interface import KernelInterface
from ..maps import BOGUS_KEY
from ..releases import MAINLINE, Change, Release, release
from ..state import Descriptor
from ..user_error import UserError

Observations = dict[str, Any]
"""What a run observed: a plain value, an errno's name, ``"ok"`` or ``"undefined"`` by label."""

RELEASES = (*MAINLINE, "proposal")
"""The releases on which every story runs."""


SHOWN = ("object", "user space", "neither")
"""What shows that a story concerns a program: its compiled object, or the source of user space
alone; neither, if the C version is what the story leads to."""


class _Stop(Exception):
    """The kernel is broken: the story ends here."""


class Observer:
    """Notes what a story sees, under the labels that its C version prints."""

    def __init__(self) -> None:
        self.seen: Observations = {}

    def __call__(self, label: str, act: Callable[[], Any]) -> Any:
        """Do ``act``, note its answer and return it; return None if the kernel refused it."""
        if label in self.seen:
            raise ValueError(f"the label {label!r} is used twice in one story")
        try:
            result = act()
        except Denied as denied:
            self.seen[label] = denied.answer
            return None
        except BpfError as error:
            self.seen[label] = error.name
            return None
        except UndefinedBehaviour:
            self.seen[label] = UNDEFINED
            raise _Stop from None
        self.seen[label] = _plain(result)
        return result


def _plain(result: object) -> object:
    """What the C version can print as well: numbers, lists and dicts of them; else ``"ok"``."""
    if result is BOGUS_KEY:
        return "bogus key"
    if result is None or isinstance(result, Descriptor):
        return "ok"
    if isinstance(result, (bool, int, str, list, tuple, dict)):
        return result
    raise TypeError(f"a story observes plain values, not {result!r}")


Observe = Callable[[str, Callable[[], Any]], Any]
"""How a story observes: call it with a label and an act, as Observer is called."""

Run = Callable[[KernelInterface, Observe], None]
"""Runs a story on a kernel and notes what it observes."""


def observed(
    run: Run, kernel: KernelInterface, through: Callable[[Observer], Observe] = lambda it: it
) -> Observations:
    """What a run of the story observes on this kernel; ``through`` wraps the observer."""
    observer = Observer()
    with suppress(_Stop):
        run(kernel, through(observer))
    return observer.seen


class StoryError(UserError):
    """A story cannot be used; the text names its file, the line where there is one, and why."""


class Outcome(NamedTuple):
    """What must be observed from a change on, and how we know."""

    since: Change | None
    """The change that brought it; None: as it was in the beginning, in 4.19."""
    seen: Observations
    source: str
    """Where this was read or recorded, never the model; in reStructuredText."""
    step: str = ""
    """What ``since`` changed for this story, if the change itself has another effect."""


class Evidence(NamedTuple):
    """A recorded trace that shows what the story shows, checked answer by answer.

    ``same`` maps positions of its operations (from 0) to labels: each kernel's answer is what the
    story observes there on its release (a list of one number counts as the number).  ``zero`` does
    the same for numbers that need only agree in being zero or not, ``there`` for numbers that need
    only be numbers: an entry that is there, where the errno says that there is none.
    """

    trace: str
    same: Mapping[int, str] = MappingProxyType({})
    zero: Mapping[int, str] = MappingProxyType({})
    there: Mapping[int, str] = MappingProxyType({})
    part: Mapping[int, int | str] = MappingProxyType({})
    """Which part of an answer counts: the place in a list of keys, the name in a query."""

    @property
    def labels(self) -> dict[int, str]:
        """The label of each position that counts."""
        return {**self.same, **self.zero, **self.there}

    def agree(self, position: int, answer: Any, said: object) -> bool:
        """Whether a kernel's answer at a position is what the story says."""
        if position in self.part and not isinstance(answer, str):
            answer = answer[self.part[position]]
        if isinstance(answer, list) and len(answer) == 1:
            (answer,) = answer
        if answer == "GARBAGE":
            answer = "bogus key"
        if isinstance(answer, int) and isinstance(said, int):
            if position in self.there:
                return True
            if position in self.zero:
                return bool(answer) == bool(said)
        return bool(answer == said)


@dataclass(eq=False, repr=False)
class Story:
    """What all kinds of stories have."""

    title: str
    """A sentence without its full stop, of at most 60 characters."""
    summary: str
    """A paragraph for somebody in a hurry, in reStructuredText like all prose here."""
    run: Run
    outcomes: tuple[Outcome, ...]
    """In order of release; the last one that a release has is the one that counts."""
    details: str
    symptoms: tuple[str, ...] = ()
    """What a reader sees and searches for."""
    rules: tuple[str, ...] = ()
    """Ids of the rules of the reference page that the story shows."""
    evidence: tuple[Evidence, ...] = ()
    """Recorded traces in which real kernels did the same."""
    unsafe: bool = False
    """Whether it breaks some kernels: then it runs in virtual machines only."""
    kernel: dict[str, Any] = field(default_factory=dict)
    """Arguments that the story's kernel needs, such as ``memlock``."""
    nav: str = ""
    """The title in menus, of at most 30 characters; empty: the title itself."""
    shown_by: str = ""
    """Where a program shows that the story concerns it, as its C version does: one of SHOWN."""

    def lacks(self) -> Iterator[str]:
        """What its page needs and the story does not have."""
        if wrong := list(self._misfits()):
            yield from wrong
            return
        if not self.outcomes:
            yield "outcomes"
        if self.shown_by not in SHOWN:
            yield f"shown_by, one of {', '.join(SHOWN)}"
        if len(self.title) > 60:
            yield "a title of at most 60 characters"
        if not 0 < len(self.nav) <= 30:
            yield "nav, a title of at most 30 characters for menus"

    def _misfits(self) -> Iterator[str]:
        """The fields that hold something of another type."""
        for part in fields(self):
            given, wanted = getattr(self, part.name), str(part.type)
            of = wanted.removeprefix("tuple[").removesuffix(", ...]")
            if wanted == "str" and not isinstance(given, str):
                yield f"{part.name}, a text"
            elif part.name in ("title", "nav") and "\n" in given:
                yield f"{part.name}, a text in one line"
            elif wanted == "Run" and not callable(given):
                yield f"{part.name}, a function"
            elif of != wanted:
                kind = str if of == "str" else globals()[of]
                if not (isinstance(given, tuple) and all(type(one) is kind for one in given)):
                    yield f"{part.name}, a tuple of {'texts' if kind is str else of}"

    def expected(self, on: Release | str) -> Outcome:
        """The outcome that holds on a release."""
        has = release(on).has
        return [o for o in self.outcomes if o.since is None or has(o.since)][-1]


class Explains(NamedTuple):
    """Differences that a search finds between releases, and that a story explains."""

    change: Change
    """The youngest of the changes that account for them."""
    kinds: tuple[str, ...] = ("*",)
    """Operation and both answers: ``"map_lookup: ENOENT / value"``, with ``*`` for anything."""
    after: tuple[str, ...] = ()
    """Operations one of which came before; empty: whatever did."""
    unless: tuple[str, ...] = ()
    """Operations none of which came before."""


AFFECTS = {
    "shared": "``BPF_MAP_TYPE_CGROUP_STORAGE``",
    "per-CPU": "``BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE``",
    "both": "both map types, shared and per-CPU",
    "CGRP_STORAGE": "``BPF_MAP_TYPE_CGRP_STORAGE``",
}
"""The map types that a difference may concern, in words."""


@dataclass(eq=False, repr=False)
class Difference(Story):
    """Something that releases do in different ways."""

    before: str = "5.8"
    """A release from before, for the figure."""
    after: str = "5.9"
    """A release from after it."""
    recipes: tuple[str, ...] = ()
    """Names of the recipes that help."""
    explains: tuple[Explains, ...] = ()
    """What a search for differences finds of it."""
    outside: str = ""
    """Why no search finds it, where none does."""
    affects: str = ""
    """The map types that it changes: a key of AFFECTS."""

    def lacks(self) -> Iterator[str]:
        """What its page needs and the story does not have."""
        yield from super().lacks()
        if self.affects not in AFFECTS:
            yield f"affects, one of {', '.join(AFFECTS)}"


LANGUAGES = {
    "C": ("*.[ch]", "*.cc", "*.cpp"),
    "Go": ("*.go",),
    "Rust": ("*.rs",),
    "Python": ("*.py",),
    "shell": ("*.sh",),
}
"""The languages of signs, and which files are written in each."""


class Sign(NamedTuple):
    """A sign in a reader's code that a change affects it, found by ``git grep -nE``."""

    language: str
    """A key of LANGUAGES."""
    pattern: str
    """An extended regular expression, without single quotes."""
    shows: str
    """What the lines that it finds do, as the comment above the command."""


@dataclass(eq=False, repr=False)
class BreakingChange(Difference):
    """Something that worked, and no longer does, or works in another way."""

    affected: str = ""
    """A check list: who has to act, and who does not."""
    signs: tuple[Sign, ...] = ()
    """What to search for in one's own code."""
    find: str = ""
    """What to search for beside the signs."""
    fix: str = ""
    """What to do, above the code of ``docs/examples/fixes/NAME.c``."""
    no_fix: str = ""
    """A sentence that says why there is nothing to do."""

    def lacks(self) -> Iterator[str]:
        """What its page needs and the story does not have."""
        yield from super().lacks()
        if not self.affected:
            yield "affected, a check list"
        if not self.signs:
            yield "signs in a reader's code"
        if bool(self.fix) == bool(self.no_fix):
            yield "either fix or no_fix"


@dataclass(eq=False, repr=False)
class Addition(Difference):
    """Something that older kernels refuse, since they do not have it."""

    probe: str = ""
    """How a program finds out, while it runs, whether the kernel has it."""
    without: str = ""
    """What to do on a kernel that has it not."""


class Promise(NamedTuple):
    """What a recipe promises, checked on every release that it claims."""

    text: str
    check: Callable[[Observations], object]
    """True for what the recipe observes, and for what the old program saw where it was at home."""


@dataclass(eq=False, repr=False)
class Recipe(Story):
    """A way out: what to write instead, and what it promises."""

    problem: str = ""
    """The problem, in a sentence or two."""
    when: str = ""
    """When to use it and when not: the pitfalls that decide."""
    pitfalls: str = ""
    promises: tuple[Promise, ...] = ()
    old: Run | None = None
    """The program before the migration, with the same labels."""
    old_release: str = "5.8"
    """Where the old program did what it should."""
    fails_on: str = "latest"
    """A claimed release on which the old program breaks each promise."""
    since: Change | None = None
    """The change from which on the recipe works; None: everywhere."""

    def lacks(self) -> Iterator[str]:
        """What its page needs and the story does not have."""
        yield from super().lacks()
        if not self.problem:
            yield "problem"
        if not self.when:
            yield "when to use it"

    def claims(self, on: Release | str) -> bool:
        """Whether the recipe is for this release."""
        return self.since is None or release(on).has(self.since)
