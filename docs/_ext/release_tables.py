# SPDX-License-Identifier: GPL-2.0-only
"""Tables that say what holds on which releases: neighbours that agree are one range.

For other extensions; it adds nothing of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from reference_model import MAINLINE
from reference_model.catalogue import RELEASES

Cell = str | nodes.Node | Sequence[nodes.Node]

PROPOSAL = "proposal"


class Span(NamedTuple):
    """Releases in a row, all of which have the same outcome."""

    releases: tuple[str, ...]
    outcome: Any

    def __str__(self) -> str:
        return in_words(self.releases)


def fold(outcome: Callable[[str], Any], releases: Iterable[str] = RELEASES) -> list[Span]:
    """The ranges of releases with the same outcome; the proposal stands by itself.

    >>> [str(span) for span in fold(lambda release: release in ("4.20", "5.0"))]
    ['4.19', '4.20 and 5.0', '5.1 to 7.3', 'proposal']
    >>> [str(span) for span in fold(lambda release: "always")]
    ['4.19 to 7.3, and the proposal']
    """
    all_of = [(release, outcome(release)) for release in releases]
    mainline = [found for found in all_of if found[0] != PROPOSAL]
    spans = [
        Span(tuple(release for release, _ in group), seen)
        for seen, group in groupby(mainline, key=lambda pair: pair[1])
    ]
    for release, seen in all_of:
        if release == PROPOSAL:
            if len(spans) == 1 and spans[0].outcome == seen:
                return [Span((*spans[0].releases, PROPOSAL), seen)]
            spans.append(Span((PROPOSAL,), seen))
    return spans


def in_words(releases: Sequence[str]) -> str:
    """Releases as ranges.

    >>> in_words(["4.19", "5.2", "5.3", "5.4", "proposal"])
    '4.19, 5.2 to 5.4, and the proposal'
    >>> in_words(["6.12.107"])
    '6.12.107'
    """
    if list(releases) == [PROPOSAL]:
        return PROPOSAL
    numbers = [MAINLINE.index(release) for release in releases if release in MAINLINE]
    parts = []
    for _, group in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        run = [MAINLINE[number] for _, number in group]
        joint = " and " if len(run) == 2 else " to "
        parts.append(run[0] if len(run) == 1 else f"{run[0]}{joint}{run[-1]}")
    parts += [release for release in releases if release not in (*MAINLINE, PROPOSAL)]
    if PROPOSAL in releases:
        parts.append("and the proposal")
    return ", ".join(parts)


def linux(releases: Sequence[str]) -> str:
    """The same within a sentence.

    >>> linux(["5.9"]), linux(["proposal"])
    ('Linux 5.9', 'the proposal')
    """
    return "the proposal" if list(releases) == [PROPOSAL] else f"Linux {in_words(releases)}"


def entry(cell: Cell) -> nodes.entry:
    """A cell of a table: a text, or nodes that stand in a line."""
    if isinstance(cell, str):
        cell = nodes.Text(cell)
    parts = [cell] if isinstance(cell, nodes.Node) else cell
    return nodes.entry("", nodes.paragraph("", "", *parts))


def table(head: Sequence[Cell], rows: Iterable[Sequence[Cell]], kind: str) -> nodes.table:
    """A table whose first cell in each row names the row; ``kind`` is for style sheets."""
    group = nodes.tgroup("", cols=len(head))
    for number in range(len(head)):
        group += nodes.colspec("", colwidth=1, **({} if number else {"stub": 1}))
    group += nodes.thead("", nodes.row("", *map(entry, head)))
    group += nodes.tbody("", *(nodes.row("", *map(entry, row)) for row in rows))
    return nodes.table("", group, classes=["facts", kind])


def setup(app: Sphinx) -> ExtensionMetadata:
    """Nothing to add."""
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
