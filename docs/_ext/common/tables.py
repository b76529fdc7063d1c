# SPDX-License-Identifier: GPL-2.0-only
"""Tables that say what holds on which releases: adjacent releases that agree are one range."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from docutils import nodes

from reference_model.catalogue import RELEASES

from .words import PROPOSAL, in_words

Cell = str | nodes.Node | Sequence[nodes.Node]


class Span(NamedTuple):
    """Releases in a row, all of which have the same outcome."""

    releases: tuple[str, ...]
    outcome: Any

    def __str__(self) -> str:
        return in_words(self.releases)


def fold(outcome: Callable[[str], Any], releases: Iterable[str] = RELEASES) -> list[Span]:
    """The ranges of releases with the same outcome; the proposal stands by itself.

    >>> [str(span) for span in fold(lambda release: release in ("4.20", "5.0"))]
    ['4.19', '4.20 and 5.0', '5.1 to ...', 'proposal']
    >>> [str(span) for span in fold(lambda release: "always")]
    ['4.19 to ..., and the July 2020 proposal']
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


def entry(cell: Cell) -> nodes.entry:
    """A cell of a table: a text, or nodes that stand in a line."""
    if isinstance(cell, str):
        cell = nodes.Text(cell)
    parts = [cell] if isinstance(cell, nodes.Node) else cell
    return nodes.entry("", nodes.paragraph("", "", *parts))


def table(
    head: Sequence[Cell], rows: Iterable[Sequence[Cell]], kind: str, *, stack: bool = False
) -> nodes.table:
    """A table whose first cell in each row names the row; ``kind`` is for style sheets.

    With ``stack`` its cells are below each other on a narrow screen.
    """
    group = nodes.tgroup("", cols=len(head))
    for number in range(len(head)):
        group += nodes.colspec("", colwidth=1, **({} if number else {"stub": 1}))
    group += nodes.thead("", nodes.row("", *map(entry, head)))
    group += nodes.tbody("", *(nodes.row("", *map(entry, row)) for row in rows))
    return nodes.table("", group, classes=["facts", kind, *["stack"] * stack])
