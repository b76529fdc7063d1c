# SPDX-License-Identifier: GPL-2.0-only
"""What recorded kernels answered to what a story asks, read from the traces; and what none did.

For other extensions; it adds nothing of its own.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from docutils import nodes
from release_tables import Cell, in_words, table
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from reference_model import MAINLINE, Release
from reference_model.catalogue import Evidence, Story
from reference_model.trace import Trace, parse

ID = re.compile(r'\{"id": "([^"]+)"')

Answers = dict[str, str]
"""What a kernel answered, by the story's labels."""


def files(root: Path) -> list[Path]:
    """The files of recorded answers."""
    return sorted((root / "tests" / "traces").glob("*.jsonl*"))


@cache
def _lines(path: Path, modified: int) -> dict[str, str]:
    """The lines of a file by the ids of their traces: few of them are ever parsed."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as text:
        return {found[1]: line for line in text if (found := ID.match(line))}


@cache
def trace(root: Path, name: str) -> Trace:
    """The trace of this id; KeyError if there is none."""
    for path in files(root):
        line = _lines(path, path.stat().st_mtime_ns).get(name)
        if line is not None:
            return parse(line)
    raise KeyError(name)


def answers(evidence: Evidence, found: Trace, kernel: str) -> Answers:
    """What a kernel answered there, in words; empty where it was not asked or broke."""
    given = found.answers.get(kernel)
    if given is None:
        return {}
    seen: dict[str, list[str]] = {}
    for position, label in {**evidence.same, **evidence.zero}.items():
        answer = given[position]
        if answer == "skip":
            continue
        if isinstance(answer, list) and len(answer) == 1:
            (answer,) = answer
        if position in evidence.zero and isinstance(answer, int):
            answer = "more than 0" if answer else "0"
        texts = seen.setdefault(label, [])
        if str(answer) not in texts:
            texts.append(str(answer))
    return {label: ", ".join(texts) for label, texts in seen.items()}


def show(story: Story, root: Path) -> Iterator[nodes.Node]:
    """The section's content: a table for each trace, and what is only modelled."""
    shown: set[str] = set()
    kernels: set[str] = set()
    for evidence in story.evidence:
        found = trace(root, evidence.trace)
        yield nodes.paragraph(
            "", "", nodes.Text("Trace "), nodes.literal(found.id, found.id),
            nodes.Text(f", {len(found.ops)} operations:")
        )  # fmt: skip
        groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
        for kernel in sorted(found.answers, key=Release):
            given = answers(evidence, found, kernel)
            if given:
                groups.setdefault(tuple(given.items()), []).append(kernel)
        labels = list(dict.fromkeys((*evidence.same.values(), *evidence.zero.values())))
        if groups:
            head: list[Cell] = ["answer", *(", ".join(group) for group in groups.values())]
            rows = [[label, *(cell(dict(of).get(label)) for of in groups)] for label in labels]
            yield table(head, rows, "recorded")
        for kernel, how in found.undefined.items():
            text = f"{kernel} broke on it: {how}."
            yield nodes.paragraph(text, text)
        shown.update(labels)
        kernels.update(kernel for group in groups.values() for kernel in group)
        kernels.update(found.undefined)
    yield modelled(story, kernels, shown)


def cell(text: str | None) -> Cell:
    """An answer, or that the kernel was not asked."""
    return nodes.literal(text, text) if text is not None else "not asked"


def modelled(story: Story, kernels: set[str], shown: set[str]) -> nodes.paragraph:
    """Which releases and which answers no recorded kernel showed, in plain words."""
    branches = {Release(kernel).version[:2] for kernel in kernels if kernel != "proposal"}
    unseen = [name for name in MAINLINE if Release(name).version[:2] not in branches]
    if not kernels:
        text = (
            "No recorded kernel was asked what this story asks, so all of it is only modelled: it "
            "rests on the kernel's source as named above."
        )
        return nodes.paragraph(text, text)
    if "proposal" not in kernels:
        unseen.append("proposal")
    text = f"Only modelled, from the kernel's source: {in_words(unseen)}."
    labels = [label for label in labels_of(story) if label not in shown]
    if labels:
        quoted = ", ".join(f"\u201c{label}\u201d" for label in labels)
        text += f" And on every release: {quoted}."
    return nodes.paragraph(text, text)


def labels_of(story: Story) -> list[str]:
    """All labels of a story, in the order of the outcome that has most of them."""
    outcomes = sorted(story.outcomes, key=lambda outcome: -len(outcome.seen))
    return list(dict.fromkeys(label for outcome in outcomes for label in outcome.seen))


def setup(app: Sphinx) -> ExtensionMetadata:
    """Nothing to add."""
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
