# SPDX-License-Identifier: GPL-2.0-only
"""What the search for differences found: ``.. divergence:: PART``, one of PARTS.

``summary`` is a row for each pair of releases, ``pairs`` a section for each with a shortest program
of every kind of difference, ``worlds`` what was searched and what that leaves out, ``unreached``
the changes that no program shows.  All of it is read from the committed record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any

from common.parts import joined, paragraph, section
from common.sources import note_facts
from common.tables import Cell, table
from common.words import linux
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata
from stories.folded import folded
from stories.links import code_link, link

from records import divergence
from records.divergence import Found, groups, total, unreached
from reference_model import changes
from reference_model.catalogue import Difference, stories
from reference_model.divergence import world
from reference_model.traces.listing import statements

Content = list[nodes.Node]


def shown() -> object:
    """What this page shows of the stories."""
    return [
        (name, story.title, story.explains, story.outside)
        for name, story in stories(Difference).items()
    ]


class DivergenceDirective(SphinxDirective):
    """``.. divergence:: PART``"""

    required_arguments = 1

    def run(self) -> Content:
        part = PARTS.get(self.arguments[0])
        if part is None:
            raise self.error(f"no such part: {self.arguments[0]} (known: {', '.join(PARTS)})")
        note_facts(self.env, shown)
        return list(part(self))


# -- the parts of the page ------------------------------------------------------------------------


def summary(of: DivergenceDirective) -> Iterator[nodes.Node]:
    """A row for each pair."""
    head: list[Cell] = ["releases", "kinds of differences", "programs", "states", "transitions"]
    rows: list[list[Cell]] = []
    for pair, found in divergence.found():
        title = f"{pair['old']} and {pair['new']}"
        name: Cell = [nodes.reference("", title, refid=anchor(pair), internal=True)]
        programs = sum(one.programs for one in found)
        numbers = (len(found), programs, total(pair, "states"), total(pair, "transitions"))
        rows.append([name, *(f"{number:,}" for number in numbers)])
    yield table(head, rows, "divergence")


def worlds(of: DivergenceDirective) -> Iterator[nodes.Node]:
    """What there is in each world, how deep it was searched, and what it leaves out."""
    for name in world.known():
        one = world.load(name)
        lines = "\n".join(statements("latest", one.given, one.setup))
        deep = max(pair["worlds"][name]["depth"] for pair in divergence.read())
        text = f"{one.about} {len(one.operations)} operations, in programs of up to {deep}."
        parts: Content = [paragraph(text)]
        if one.setup:
            setup = ", ".join(f"{key} {value}" for key, value in one.setup.items())
            parts.append(paragraph(f"The kernel is set up with {setup}."))
        parts.append(paragraph("These operations precede every program:"))
        parts.append(nodes.literal_block(lines, lines, language="python"))
        items = [nodes.list_item("", paragraph(f"{text}.")) for text in one.without]
        parts += [paragraph("Not searched:"), nodes.bullet_list("", *items)]
        yield section(of, name, *parts, anchor=f"world-{name}")


def pairs(of: DivergenceDirective) -> Iterator[nodes.Node]:
    """A section for each pair."""
    for pair, found in divergence.found():
        title = f"{linux([pair['old']])} and {linux([pair['new']])}"
        title = title[0].upper() + title[1:]
        many = "1 kind of difference" if len(found) == 1 else f"{len(found)} kinds of differences"
        programs = folded("", *pair_parts(of, pair, found), summary=f"Show {many}")
        yield section(of, title, programs, anchor=anchor(pair))


def pair_parts(
    of: DivergenceDirective, pair: dict[str, Any], found: list[Found]
) -> Iterator[nodes.Node]:
    """What was found of a pair, by story."""
    if not found:
        yield paragraph("No program tells them apart.")
    for story, entries in groupby(found, key=lambda one: one.story):
        yield nodes.paragraph("", "", link(story, of.env.docname), nodes.Text(":"))
        yield nodes.bullet_list("", *(item(of, pair, one) for one in entries))
    left = unreached(pair)
    if left:
        yield nodes.paragraph(
            "", "", nodes.Text("No program shows "), *names(of, left), nodes.Text(".")
        )


def item(of: DivergenceDirective, pair: dict[str, Any], one: Found) -> nodes.list_item:
    """A kind of difference, and a shortest program of it with both answers."""
    where, kind = one.world, one.group.kind
    many = f", the first of {one.programs} programs" if one.programs > 1 else ""
    say = nodes.paragraph(
        "",
        "",
        nodes.literal("", f"{kind.operation}"),
        nodes.Text(": "),
        answer(kind.old),
        nodes.Text(", then "),
        answer(kind.new),
        nodes.Text(", because of "),
        *names(of, one.group.cause),
        nodes.Text("; in "),
        nodes.reference("", where.name, refid=f"world-{where.name}", internal=True),
        nodes.Text(f"{many}:"),
    )
    ops = (*where.given, *one.group.ops)
    lines = statements(pair["new"], ops, where.setup, len(where.given))
    for release, answers in zip((pair["old"], pair["new"]), one.group.answers, strict=True):
        lines.append(f"# {release}: {answers[-1]}")
    text = "\n".join(lines)
    return nodes.list_item("", say, nodes.literal_block(text, text, language="python"))


def answer(text: str) -> nodes.Node:
    """An errno in the type of code, and another answer as a word."""
    return nodes.literal(text, text) if text.isupper() else nodes.Text(text)


def without(of: DivergenceDirective) -> Iterator[nodes.Node]:
    """The changes that no program of any pair shows, with what they do."""
    shown = {name for pair in divergence.read() for _, one in groups(pair) for name in one.cause}
    left = [change for change in changes.ALL if changes.NAMES[change] not in shown]
    rows: list[list[Cell]] = [
        [
            [code_link("change", changes.NAMES[change], of.env.docname)],
            of.parse_inline(change.effect)[0],
        ]
        for change in left
    ]
    yield table(["change", "what it does"], rows, "divergence")


def names(of: DivergenceDirective, causes: Iterable[str]) -> Content:
    """Changes as links to the history."""
    return joined(code_link("change", name, of.env.docname) for name in causes)


def anchor(pair: dict[str, Any]) -> str:
    """Where a pair stands on the page."""
    return nodes.make_id(f"pair-{pair['old']}-{pair['new']}".replace(".", "-"))


PARTS: dict[str, Callable[[DivergenceDirective], Iterator[nodes.Node]]] = {
    "summary": summary,
    "pairs": pairs,
    "worlds": worlds,
    "unreached": without,
}


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the directive."""
    for name in ("changes", "stories.links"):
        app.setup_extension(name)
    app.add_directive("divergence", DivergenceDirective)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
