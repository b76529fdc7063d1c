# SPDX-License-Identifier: GPL-2.0-only
"""All stories on all recorded kernels: what was observed, compared with what is expected."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from reference_model import Release
from reference_model.catalogue import RELEASES, UNDEFINED, Observations, Story, stories

from . import results
from .answers import contradictions, in_words, observed, replayed
from .archive import Archive, committed


@dataclass(frozen=True)
class Agreement:
    """How a kernel and what is expected of it compare: a word, and a mark that needs no colour."""

    word: str
    mark: str
    meaning: str


AGREES = Agreement("agrees", "●", "the example ran there, and every result is as expected")
REPLAYED = Agreement(
    "agrees, as a trace", "◆", "its operations ran there, and every result is as expected"
)
PART = Agreement(
    "agrees in part", "◐", "traces show some of the expected results; the others were not tested"
)
DIFFERS = Agreement("differs", "≠", "a result differs from the expected one")
BREAKS = Agreement(
    "undefined", "‡", "the behaviour is undefined: the kernel crashed, or happened to survive"
)
NOT_RUN = Agreement(
    "not run", "–", "not tested on this kernel, or not since the example last changed"
)
AGREEMENTS = (AGREES, REPLAYED, PART, DIFFERS, BREAKS, NOT_RUN)

EXPLAINED: dict[tuple[str, str], str] = {}
"""Why a story, by name, differs on a kernel: each difference needs an entry, and no other is."""


@dataclass(frozen=True)
class Comparison:
    """One story on one kernel."""

    agreement: Agreement
    words: str
    """The observation that distinguishes the kernels."""
    seen: dict[str, Any] = field(default_factory=dict)
    """All that was observed."""


@dataclass(frozen=True)
class Matrix:
    """All stories on all kernels, and the records of the guests."""

    kernels: list[str]
    cells: dict[str, dict[str, Comparison]]
    """By story, then by kernel: none is missing."""
    records: list[dict[str, Any]]

    def count(self, agreement: Agreement, kernel: str | None = None) -> int:
        """The cells in a state, of one kernel or of all."""
        return sum(
            row[name].agreement is agreement
            for row in self.cells.values()
            for name in self.kernels
            if kernel in (None, name)
        )

    def of_rule(self, rule: str) -> dict[str, dict[str, Comparison]]:
        """The rows of the stories that show a rule, by story."""
        known: dict[str, Story] = stories()
        return {name: row for name, row in self.cells.items() if rule in known[name].rules}

    def differences(self) -> Iterator[tuple[str, str, Comparison]]:
        """The cells that differ, each with its story and its kernel."""
        for name, row in self.cells.items():
            for kernel, cell in row.items():
                if cell.agreement is DIFFERS:
                    yield name, kernel, cell


@cache
def committed_matrix() -> Matrix:
    """The matrix of the records of this repository."""
    return matrix(committed())


def matrix(archive: Archive) -> Matrix:
    """The matrix of an archive."""
    known: dict[str, Story] = stories()
    rows = {name: compared(name, story, archive) for name, story in known.items()}
    ran = {record["kernel"]["version"] for record in archive.kernels}
    kernels = sorted(ran.union(*rows.values()), key=Release)
    missing = Comparison(NOT_RUN, NOT_RUN.word)
    cells = {name: {k: row.get(k, missing) for k in kernels} for name, row in rows.items()}
    return Matrix(kernels, cells, archive.kernels)


def compared(name: str, story: Story, archive: Archive) -> dict[str, Comparison]:
    """A story on each kernel that was asked anything of it.

    If a kernel was asked in several ways the fullest counts, unless another one differs.
    """
    found: dict[str, Comparison] = {}

    def add(kernel: str, comparison: Comparison) -> None:
        if kernel not in found or found[kernel].agreement is not DIFFERS:
            found[kernel] = comparison

    for kernel, part in in_traces(story, archive):
        if part is not None:
            add(kernel, part)
    for kernel, seen in replayed(name, archive).items():
        add(kernel, whole(story, kernel, seen, REPLAYED))
    for kernel, seen in observed(name, story, archive.kernels).items():
        add(kernel, whole(story, kernel, seen, AGREES))
    return found


def whole(story: Story, kernel: str, seen: Observations | None, good: Agreement) -> Comparison:
    """The cell of a kernel of which all observations are known; None: it broke, no more is."""
    expected = plain(story.expected(kernel).seen)
    if seen is None and UNDEFINED in expected.values():
        return Comparison(BREAKS, UNDEFINED)
    if seen is None:
        return Comparison(DIFFERS, "the kernel broke, which is not expected")
    if not results.agrees(plain(seen), expected):
        return Comparison(DIFFERS, difference(seen, expected), seen)
    if UNDEFINED in expected.values():
        return Comparison(BREAKS, UNDEFINED, seen)
    return Comparison(good, str(seen.get(telling(story), "not reached")), seen)


def difference(seen: dict[str, Any], expected: dict[str, Any]) -> str:
    """What differs, in words.

    >>> difference({"first": 1, "second": 2}, {"first": 1, "second": 1})
    'second: observed 2, expected 1'
    """
    seen, expected = plain(seen), plain(expected)
    return "; ".join(
        f"{label}: observed {seen.get(label, 'nothing')}, expected {expected.get(label, 'nothing')}"
        for label in {**expected, **seen}
        if seen.get(label, ...) != expected.get(label, ...)
    )


def in_traces(story: Story, archive: Archive) -> Iterator[tuple[str, Comparison | None]]:
    """What the story's evidence says of each kernel; None: it was not asked that."""
    traces = [(e, archive.trace(e.trace)) for e in story.evidence]
    kernels = {k: None for _, found in traces for k in (*found.answers, *found.undefined)}
    for kernel in kernels:
        expected = story.expected(kernel).seen
        seen: dict[str, str] = {}
        wrong: list[str] = []
        broke = False
        for evidence, found in traces:
            broke = broke or kernel in found.undefined
            given = in_words(evidence, found, kernel)
            seen.update({label: text for label, text in given.items() if label in expected})
            wrong += contradictions(evidence, found, kernel, expected)
        if broke and UNDEFINED not in expected.values():
            wrong.append("the kernel broke, which is not expected")
        if wrong:
            yield kernel, Comparison(DIFFERS, "; ".join(wrong), dict(seen))
        elif broke:
            yield kernel, Comparison(BREAKS, UNDEFINED, dict(seen))
        elif seen:
            yield kernel, Comparison(PART, some(story, seen), dict(seen))
        else:
            yield kernel, None


def some(story: Story, seen: dict[str, str]) -> str:
    """The observation that distinguishes kernels; if it was not tested, another with its label."""
    label = telling(story)
    if label in seen:
        return seen[label]
    label, text = next(iter(seen.items()))
    return f"{label}: {text}"


def telling(story: Story) -> str:
    """The label whose values differ most between releases.

    >>> telling(stories()["reattach_keeps_data"])
    'while detached'
    """
    seen = [story.expected(release).seen for release in RELEASES]
    values = {label: {repr(on.get(label)) for on in seen} for label in labels_of(story)}
    return max(values, key=lambda label: len(values[label]))


def plain(seen: dict[str, Any]) -> dict[str, Any]:
    """Observations as JSON gives them back."""
    given: dict[str, Any] = json.loads(json.dumps(seen))
    return given


def labels_of(story: Story) -> list[str]:
    """All labels of a story, in the order of the outcome that has most of them."""
    outcomes = sorted(story.outcomes, key=lambda outcome: -len(outcome.seen))
    return list(dict.fromkeys(label for outcome in outcomes for label in outcome.seen))
