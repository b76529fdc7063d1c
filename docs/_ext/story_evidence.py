# SPDX-License-Identifier: GPL-2.0-only
"""What real kernels answered to what a story asks, from records and traces; and what none did.

For other extensions; it adds nothing of its own.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from release_tables import Cell, in_words, table
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from records import results
from records.digests import digest, twin_digest
from reference_model import MAINLINE, Release
from reference_model.catalogue import UNDEFINED, Evidence, Observations, Story
from reference_model.export import observed_in, story_programs
from reference_model.trace import Trace, parse

ID = re.compile(r'\{"id": "([^"]+)"')

Answers = dict[str, str]
"""What a kernel answered, by the story's labels."""


def files(root: Path) -> list[Path]:
    """The files of recorded answers."""
    return sorted((root / "records" / "traces").glob("*.jsonl*"))


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


# -- guests: all that a story observes -------------------------------------------------------------


def record_files(root: Path) -> list[Path]:
    """The files of what guests observed."""
    return sorted((root / "records" / "kernels").glob("*.json"))


def records(root: Path) -> list[dict[str, Any]]:
    """What guests observed, oldest kernel first."""
    return list(results.read(root / "records" / "kernels"))


def observed_by_guests(
    name: str, story: Story, known: list[dict[str, Any]]
) -> dict[str, Observations]:
    """What a story observed on each kernel; nothing from before it last changed."""
    told = {record["kernel"]["version"]: record["stories"].get(name) for record in known}
    current = digest(story)
    return {
        kernel: found["observed"]
        for kernel, found in told.items()
        if found is not None and found["digest"] == current
    }


def printed_by_twins(name: str, known: list[dict[str, Any]]) -> list[str]:
    """The kernels on which a story's C twin, as it is, printed what is expected."""
    told = {r["kernel"]["version"]: r.get("twins", {}).get(name) for r in known}
    found = {kernel: twin for kernel, twin in told.items() if twin is not None}
    current = twin_digest(name) if found else ""
    return [
        kernel
        for kernel, twin in found.items()
        if not twin["differs"] and twin["digest"] == current
    ]


def replayed(name: str, story: Story, root: Path) -> dict[str, Observations | None]:
    """What a story observes by the answers that its own operations got; None: they broke it."""
    traces = [
        parse(line)
        for path in files(root)
        for found, line in _lines(path, path.stat().st_mtime_ns).items()
        if found.partition("@")[0] == name
    ]
    if not traces:
        return {}
    (program,) = (made for made in story_programs([name]) if made.name == name)
    seen: dict[str, Observations | None] = {}
    for kernel in dict.fromkeys(k for found in traces for k in (*found.answers, *found.undefined)):
        given = observed_in(program, traces, kernel)
        if given is not None or any(kernel in found.undefined for found in traces):
            seen[kernel] = given
    return seen


def guests(name: str, story: Story, root: Path) -> tuple[list[str], list[nodes.Node]]:
    """The kernels on which the whole story showed what is expected, and this in words."""
    known = records(root)
    ran = observed_by_guests(name, story, known)
    played = {k: given for k, given in replayed(name, story, root).items() if k not in ran}
    held = [k for k, given in ran.items() if expected_of(story, k, given)]
    as_trace = [k for k, given in played.items() if expected_of(story, k, given)]
    good = sorted((*held, *as_trace), key=Release)
    broke = [kernel for kernel in good if UNDEFINED in story.expected(kernel).seen.values()]
    held, as_trace = ([k for k in some if k not in broke] for some in (held, as_trace))
    texts = []
    if held:
        days = sorted({r["date"] for r in known if r["kernel"]["version"] in held})
        when = " to ".join(dict.fromkeys((days[0], days[-1])))
        texts.append(
            f"In virtual machines the story itself ran on {and_last(held)} ({when}), and observed "
            "all that the outcomes above say."
        )
    if as_trace:
        texts.append(
            f"Its operations, recorded as a trace, got the same answers on {and_last(as_trace)}."
        )
    if twins := [kernel for kernel in printed_by_twins(name, known) if kernel not in broke]:
        same = twins == held
        where = "there" if same else f"on {and_last(twins)}"
        texts.append(f"Its C twin, compiled and run {where}, printed the same.")
    if broke:
        texts.append(
            f"It broke {and_last(broke)} in a virtual machine, where the outcome is undefined."
        )
    return good, [nodes.paragraph(text, text) for text in texts]


def expected_of(story: Story, kernel: str, seen: Observations | None) -> bool:
    """Whether this is what a story observes on a kernel; None: it broke it."""
    wanted = results.expected(story, kernel)
    if seen is None:
        return UNDEFINED in wanted.values()
    return bool(json.loads(json.dumps(seen)) == wanted)


def and_last(names: list[str]) -> str:
    """A list in a sentence.

    >>> and_last(["5.10.262"]), and_last(["5.10.262", "6.1.192", "7.3.4"])
    ('5.10.262', '5.10.262, 6.1.192 and 7.3.4')
    """
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


# -- traces: a part of it --------------------------------------------------------------------------


def answers(evidence: Evidence, found: Trace, kernel: str) -> Answers:
    """What a kernel answered there, in words; empty where it was not asked or broke."""
    given = found.answers.get(kernel)
    if given is None:
        return {}
    seen: dict[str, list[str]] = {}
    for position, label in evidence.labels.items():
        answer = given[position]
        if answer == "skip":
            continue
        if position in evidence.part and not isinstance(answer, str):
            answer = answer[evidence.part[position]]
        if isinstance(answer, list) and len(answer) == 1:
            (answer,) = answer
        if answer == "GARBAGE":
            answer = "bogus key"
        if position in evidence.zero and isinstance(answer, int):
            answer = "more than 0" if answer else "0"
        if position in evidence.there and isinstance(answer, int):
            answer = "a number"
        texts = seen.setdefault(label, [])
        if str(answer) not in texts:
            texts.append(str(answer))
    return {label: ", ".join(texts) for label, texts in seen.items()}


def against(evidence: Evidence, found: Trace, kernel: str, expected: Observations) -> Iterator[str]:
    """Where a kernel answered otherwise than the story expects, in words."""
    given = found.answers.get(kernel)
    for position, label in evidence.labels.items() if given else ():
        assert given is not None
        answer = given[position]
        if answer == "skip" or label not in expected:
            continue
        if not evidence.agree(position, answer, expected[label]):
            yield f"{label}: {found.id} has {answer}, expected {expected[label]}"


def show(name: str, story: Story, root: Path) -> Iterator[nodes.Node]:
    """The section's content: guests, a table for each trace, and what is only modelled."""
    good, parts = guests(name, story, root)
    yield from parts
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
        labels = list(dict.fromkeys(evidence.labels.values()))
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
    yield modelled(story, kernels, shown, good)


def cell(text: str | None) -> Cell:
    """An answer, or that the kernel was not asked."""
    return nodes.literal(text, text) if text is not None else "not asked"


def modelled(story: Story, kernels: set[str], shown: set[str], good: list[str]) -> nodes.paragraph:
    """Which releases and which answers no kernel showed, in plain words.

    ``kernels`` answered what is ``shown`` in traces, ``good`` ones ran all of the story.
    """
    branches = {Release(k).version[:2] for k in (*kernels, *good) if k != "proposal"}
    unseen = [name for name in MAINLINE if Release(name).version[:2] not in branches]
    if not kernels and not good:
        text = (
            "No recorded kernel was asked what this story asks, so all of it is only modelled: it "
            "rests on the kernel's source as named above."
        )
        return nodes.paragraph(text, text)
    if "proposal" not in kernels:
        unseen.append("proposal")
    text = f"Only modelled, from the kernel's source: {in_words(unseen)}."
    labels = [label for label in labels_of(story) if label not in shown]
    if labels and kernels:
        quoted = ", ".join(f"\u201c{label}\u201d" for label in labels)
        whole = [k for k in good if UNDEFINED not in story.expected(k).seen.values()]
        here = {Release(kernel).version[:2] for kernel in whole}
        seen = [name for name in MAINLINE if Release(name).version[:2] in here]
        text += f" And on every release{f' but {and_last(seen)}' if seen else ''}: {quoted}."
    return nodes.paragraph(text, text)


def labels_of(story: Story) -> list[str]:
    """All labels of a story, in the order of the outcome that has most of them."""
    outcomes = sorted(story.outcomes, key=lambda outcome: -len(outcome.seen))
    return list(dict.fromkeys(label for outcome in outcomes for label in outcome.seen))


def setup(app: Sphinx) -> ExtensionMetadata:
    """Nothing to add."""
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
