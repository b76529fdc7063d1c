# SPDX-License-Identifier: GPL-2.0-only
"""What real kernels answered to what a story asks, and what none of them was asked."""

from __future__ import annotations

from collections.abc import Iterator

from common.parts import paragraph
from common.tables import Cell, table
from common.words import in_words
from docutils import nodes

from records import answers
from records.archive import Archive
from records.matrix import labels_of
from reference_model import MAINLINE, Release
from reference_model.catalogue import UNDEFINED, Story
from upstream.words import listed


def confirmations(found: answers.Confirmation) -> list[nodes.Node]:
    """Where the whole story showed what is expected, in words."""
    texts = []
    if found.ran:
        when = " to ".join(dict.fromkeys((found.days[0], found.days[-1])))
        texts.append(
            f"The example ran in virtual machines on {listed(found.ran)} ({when}), with the "
            "results that the table above shows."
        )
    if found.traced:
        texts.append(
            f"Its operations, recorded as a trace, gave the same results on {listed(found.traced)}."
        )
    if found.twins:
        where = "there" if found.twins == found.ran else f"on {listed(found.twins)}"
        texts.append(f"The C version, compiled and run {where}, printed the same.")
    if found.go:
        texts.append(f"The version in Go printed the same on {listed(found.go)}.")
    if found.crashed:
        texts.append(
            f"In a virtual machine, it broke {listed(found.crashed)}, where the outcome is "
            "undefined."
        )
    return [*map(paragraph, texts)]


def show(name: str, story: Story, archive: Archive) -> Iterator[nodes.Node]:
    """The section's content: guests, a table for each trace, and what is only modelled."""
    confirmed = answers.confirmed(name, story, archive)
    yield from confirmations(confirmed)
    shown: set[str] = set()
    kernels: set[str] = set()
    for evidence in story.evidence:
        found = archive.trace(evidence.trace)
        yield nodes.paragraph(
            "", "", nodes.Text("Trace "), nodes.literal(found.id, found.id),
            nodes.Text(f", {len(found.ops)} operations:")
        )  # fmt: skip
        groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
        for kernel in sorted(found.answers, key=Release):
            given = answers.in_words(evidence, found, kernel)
            if given:
                groups.setdefault(tuple(given.items()), []).append(kernel)
        labels = list(dict.fromkeys(evidence.labels.values()))
        if groups:
            head: list[Cell] = ["answer", *(", ".join(group) for group in groups.values())]
            rows = [[label, *(cell(dict(of).get(label)) for of in groups)] for label in labels]
            yield table(head, rows, "recorded", stack=True)
        for kernel, how in found.undefined.items():
            yield paragraph(f"{kernel} broke on it: {how}.")
        shown.update(labels)
        kernels.update(kernel for group in groups.values() for kernel in group)
        kernels.update(found.undefined)
    yield modelled(story, kernels, shown, confirmed.kernels)


def cell(text: str | None) -> Cell:
    """An answer, or that the kernel was not asked."""
    return nodes.literal(text, text) if text is not None else "not tested"


def modelled(story: Story, kernels: set[str], shown: set[str], good: list[str]) -> nodes.paragraph:
    """Which releases and which answers no kernel showed, in plain words.

    ``kernels`` answered what is ``shown`` in traces, ``good`` ones ran all of the story.
    """
    branches = {Release(k).version[:2] for k in (*kernels, *good) if k != "proposal"}
    unseen = [name for name in MAINLINE if Release(name).version[:2] not in branches]
    if not kernels and not good:
        return paragraph(
            "No kernel was tested: all results are from the kernel's source, as named above."
        )
    if "proposal" not in kernels:
        unseen.append("proposal")
    text = f"From the kernel's source, not tested: {in_words(unseen)}."
    labels = [label for label in labels_of(story) if label not in shown]
    if labels and kernels:
        quoted = ", ".join(f"\u201c{label}\u201d" for label in labels)
        whole = [k for k in good if UNDEFINED not in story.expected(k).seen.values()]
        here = {Release(kernel).version[:2] for kernel in whole}
        seen = [name for name in MAINLINE if Release(name).version[:2] in here]
        only = f"Tested on {listed(seen)} only" if seen else "Not tested on any release"
        text += f" {only}: {quoted}."
    return paragraph(text)
