# SPDX-License-Identifier: GPL-2.0-only
"""The parts that pages of stories have in common: prose, figures, outcomes, evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

import timeline
from common.parts import joined, section
from common.sources import home
from common.tables import Cell, fold, table
from common.words import PROPOSAL, linux
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective, switch_source_input
from sphinx.util.parsing import nested_parse_to_nodes

from records.archive import committed
from records.matrix import labels_of
from reference_model import MAINLINE
from reference_model.catalogue import RELEASES, Observations, Story, stories
from reference_model.changes import NAMES
from reference_model.timeline import Timeline

from . import evidence
from .code import line_of
from .links import code_link, link

PART = list[nodes.Node]


class Parts(SphinxDirective):
    """What makes parts of the page of the story called ``name``."""

    name: str

    def section(self, title: str, *parts: Iterable[nodes.Node]) -> nodes.section:
        """A heading with something below it."""
        return section(self, title, *chain(*parts))

    def prose(self, story: Story, part: str) -> PART:
        """A text of the story, parsed where it stands."""
        text, path = getattr(story, part), home(story)
        first = line_of(story, part) - 1
        lines = text.rstrip().split("\n")
        content = StringList(lines, items=[(path, first + n) for n in range(len(lines))])
        with switch_source_input(self.state, content):
            return list(nested_parse_to_nodes(self.state, content, source=path))

    def rules(self, story: Story) -> PART:
        """Links to the rules of the reference that the story shows."""
        if not story.rules:
            return []
        links = []
        for name in story.rules:
            found = code_link("rule", name, self.env.docname)
            found.source, found.line = home(story), line_of(story, "rules")
            links.append(found)
        intro = nodes.Text("Rules of the reference: ")
        return [nodes.paragraph("", "", intro, *joined(links), nodes.Text("."))]

    def links(self, names: Iterable[str]) -> PART:
        """A list of links to stories."""
        items = []
        for name in names:
            found = link(name, self.env.docname)
            found.source, found.line = home(stories()[self.name]), 1
            items.append(nodes.list_item("", nodes.paragraph("", "", found)))
        return [nodes.bullet_list("", *items)] if items else []

    def figure(self, runs: Mapping[str, Timeline]) -> nodes.Node:
        """Return one figure of several runs, by their titles."""
        return timeline.figure(runs, f"{self.name}-{self.env.new_serialno('timeline')}")

    def behaviour(self, story: Story) -> nodes.Node:
        """What is observed on which releases; what differs from the release before is marked."""
        spans = fold(lambda release: story.expected(release).seen, MAINLINE)
        rows: list[list[Cell]] = []
        for label in labels_of(story):
            row: list[Cell] = [label]
            for number, span in enumerate(spans):
                seen, before = span.outcome, spans[max(number - 1, 0)].outcome
                shown = value(seen, label)
                row.append(shown if seen.get(label) == before.get(label) else changed(shown))
            rows.append(row)
        return table(["observed", *map(str, spans)], rows, "outcomes", stack=True)

    def sources(self, story: Story) -> Iterator[nodes.Node]:
        """How the behaviour of each release is known, and what the proposal did alone."""
        items = []
        for outcome in story.outcomes:
            on = [release for release in RELEASES if story.expected(release) is outcome]
            parts: PART = [
                nodes.strong("", linux(on)[0].upper() + linux(on)[1:]),
                nodes.Text(": "),
                *self.parse_inline(outcome.source.rstrip("."))[0],
            ]
            change = outcome.since
            if change is not None:
                parts += [
                    nodes.Text(". Since "),
                    code_link("change", NAMES[change], self.env.docname),
                ]
                stable = [b for b in change.backports if story.expected(b) is outcome]
                if stable:
                    parts.append(
                        nodes.Text(f", also in {', '.join(stable)} and later of these branches")
                    )
            items.append(nodes.list_item("", nodes.paragraph("", "", *parts, nodes.Text("."))))
        yield nodes.bullet_list("", *items)
        proposed = story.expected(PROPOSAL)
        if all(story.expected(release) is not proposed for release in MAINLINE):
            rows: list[list[Cell]] = [[x, value(proposed.seen, x)] for x in labels_of(story)]
            yield table(["observed", PROPOSAL], rows, "outcomes")

    def evidence(self, story: Story) -> Iterator[nodes.Node]:
        """What real kernels answered."""
        yield from evidence.show(self.name, story, committed())


def value(seen: Observations, label: str) -> nodes.Node:
    """An observation in a cell."""
    if label not in seen:
        return nodes.Text("not reached")
    text = str(seen[label])
    return nodes.strong(text, text) if text == "undefined" else nodes.literal(text, text)


def changed(seen: nodes.Node) -> Cell:
    """A cell that differs from the one before it."""
    return [nodes.strong("", "", seen), nodes.Text(" "), nodes.emphasis("changed", "changed")]
