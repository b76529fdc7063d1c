# SPDX-License-Identifier: GPL-2.0-only
"""What each story observed on each kernel, from the committed records alone.

A record of ``records/kernels`` says all that a story observed in a guest, the traces of
``records/traces/stories.jsonl`` what its operations were answered, and the other traces of a
story's evidence a part of it.  For other extensions; it adds nothing of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import story_evidence
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from reference_model import Release
from reference_model.catalogue import RELEASES, UNDEFINED, Observations, Story, stories


@dataclass(frozen=True)
class State:
    """What a cell of the matrix says: a word, and a mark that needs no colour."""

    word: str
    mark: str
    meaning: str


AGREES = State("agrees", "●", "the story ran there, and observed all that is expected")
REPLAYED = State(
    "agrees, as a trace", "◆", "its operations ran there, and show all that is expected"
)
PART = State(
    "agrees in part", "◐", "recorded traces show some of what is expected; the rest was not asked"
)
DIFFERS = State("differs", "≠", "something else was observed than is expected")
BREAKS = State(
    "undefined", "‡", "it broke the kernel, as is expected; what it observes is not defined"
)
NOT_RUN = State("not run", "–", "nobody asked this kernel, or not since the story last changed")
STATES = (AGREES, REPLAYED, PART, DIFFERS, BREAKS, NOT_RUN)

EXPLAINED: dict[tuple[str, str], str] = {}
"""Why a story, by name, differs on a kernel: each difference needs an entry, and no other is."""


@dataclass(frozen=True)
class Cell:
    """One story on one kernel."""

    state: State
    words: str
    """The observation that tells the kernels apart."""
    seen: dict[str, Any] = field(default_factory=dict)
    """All that was observed."""


@dataclass(frozen=True)
class Matrix:
    """All stories on all kernels, and the records of the guests."""

    kernels: list[str]
    cells: dict[str, dict[str, Cell]]
    """By story, then by kernel: none is missing."""
    records: list[dict[str, Any]]

    def count(self, state: State, kernel: str | None = None) -> int:
        """The cells in a state, of one kernel or of all."""
        return sum(
            row[name].state is state
            for row in self.cells.values()
            for name in self.kernels
            if kernel in (None, name)
        )

    def differences(self) -> Iterator[tuple[str, str, Cell]]:
        """The cells that differ, each with its story and its kernel."""
        for name, row in self.cells.items():
            for kernel, cell in row.items():
                if cell.state is DIFFERS:
                    yield name, kernel, cell


def matrix(root: Path) -> Matrix:
    """The matrix of the records below the root of the repository."""
    known: dict[str, Story] = stories()
    records = story_evidence.records(root)
    rows = {name: asked(name, story, root, records) for name, story in known.items()}
    ran = {record["kernel"]["version"] for record in records}
    kernels = sorted(ran.union(*rows.values()), key=Release)
    missing = Cell(NOT_RUN, NOT_RUN.word)
    cells = {name: {k: row.get(k, missing) for k in kernels} for name, row in rows.items()}
    return Matrix(kernels, cells, records)


def asked(name: str, story: Story, root: Path, records: list[dict[str, Any]]) -> dict[str, Cell]:
    """The kernels that were asked what a story asks.

    Where one was asked in several ways the fullest counts, unless another one differs.
    """
    found: dict[str, Cell] = {}

    def add(kernel: str, cell: Cell) -> None:
        if kernel not in found or found[kernel].state is not DIFFERS:
            found[kernel] = cell

    for kernel, part in in_traces(story, root):
        if part is not None:
            add(kernel, part)
    for kernel, seen in story_evidence.replayed(name, story, root).items():
        add(kernel, whole(story, kernel, seen, REPLAYED))
    for kernel, seen in story_evidence.observed_by_guests(name, story, records).items():
        add(kernel, whole(story, kernel, seen, AGREES))
    return found


def whole(story: Story, kernel: str, seen: Observations | None, good: State) -> Cell:
    """The cell of a kernel of which all observations are known; None: it broke, no more is."""
    expected = plain(story.expected(kernel).seen)
    if seen is None and UNDEFINED in expected.values():
        return Cell(BREAKS, UNDEFINED)
    if seen is None:
        return Cell(DIFFERS, "the kernel broke, which is not expected")
    if plain(seen) != expected:
        return Cell(DIFFERS, difference(seen, expected), seen)
    if UNDEFINED in expected.values():
        return Cell(BREAKS, UNDEFINED, seen)
    return Cell(good, str(seen.get(telling(story), "not reached")), seen)


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


def in_traces(story: Story, root: Path) -> Iterator[tuple[str, Cell | None]]:
    """What the story's evidence says of each kernel; None: it was not asked that."""
    traces = [(e, story_evidence.trace(root, e.trace)) for e in story.evidence]
    kernels = {k: None for _, found in traces for k in (*found.answers, *found.undefined)}
    for kernel in kernels:
        expected = story.expected(kernel).seen
        seen: dict[str, str] = {}
        wrong: list[str] = []
        broke = False
        for evidence, found in traces:
            broke = broke or kernel in found.undefined
            given = story_evidence.answers(evidence, found, kernel)
            seen.update({label: text for label, text in given.items() if label in expected})
            wrong += story_evidence.against(evidence, found, kernel, expected)
        if broke and UNDEFINED not in expected.values():
            wrong.append("the kernel broke, which is not expected")
        if wrong:
            yield kernel, Cell(DIFFERS, "; ".join(wrong), dict(seen))
        elif broke:
            yield kernel, Cell(BREAKS, UNDEFINED, dict(seen))
        elif seen:
            yield kernel, Cell(PART, some(story, seen), dict(seen))
        else:
            yield kernel, None


def some(story: Story, seen: dict[str, str]) -> str:
    """The observation that tells kernels apart; if it was not asked, another one by its label."""
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
    values = {
        label: {repr(story.expected(release).seen.get(label)) for release in RELEASES}
        for label in story_evidence.labels_of(story)
    }
    return max(values, key=lambda label: len(values[label]))


def plain(seen: dict[str, Any]) -> dict[str, Any]:
    """Observations as JSON gives them back."""
    given: dict[str, Any] = json.loads(json.dumps(seen))
    return given


def setup(app: Sphinx) -> ExtensionMetadata:
    """Nothing to add."""
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
