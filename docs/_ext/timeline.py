# SPDX-License-Identifier: GPL-2.0-only
"""Figures of runs: lanes of attachments and storages over the steps, drawn from recorded runs.

One figure shows several runs below each other.  In HTML it is inline SVG in the page, once for a
wide place and once for a narrow one; below it, and in its place everywhere else, are the same facts
in words.

``.. drawing:: FILE`` shows an SVG file of this directory in the same way; its content is the words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from common.timeline_drawing import drawing
from common.timeline_pair import aligned
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from reference_model import Kernel
from reference_model.catalogue import observed
from reference_model.catalogue.story import Run
from reference_model.recorder import Recorder
from reference_model.timeline import Timeline

SIZES = {"wide": 604, "narrow": 304}
"""Pixels that a figure has on a large screen and on one of 360 pixels; stories.css chooses."""


def record(run: Run, release: str, **arguments: Any) -> Timeline:
    """Return the timeline of a story's run, short enough for a figure."""
    recorder = Recorder(Kernel(release, **arguments))
    observed(run, recorder, recorder.observing)
    return recorder.timeline.folded()


class timeline_figure(nodes.General, nodes.Element):
    """A figure: ``svg`` in HTML, the sentences inside everywhere."""


def figure(runs: Mapping[str, Timeline], identity: str) -> nodes.Node:
    """Return one figure of the runs, each with its title."""
    columns, panels = aligned(runs)
    identity = nodes.make_id(f"timeline-{identity}")
    drawn = (
        drawing(columns, panels, width, kind=f"tl-{kind}", identity=f"{identity}-{kind}")
        for kind, width in SIZES.items()
    )
    return timeline_figure("", *words(runs), svg="\n".join(drawn), title="; ".join(runs))


def words(runs: Mapping[str, Timeline]) -> Iterator[nodes.Node]:
    """Return the runs as numbered lists."""
    for title, run in runs.items():
        items = [nodes.list_item("", nodes.paragraph(text, text)) for text in run.sentences()]
        yield nodes.paragraph("", "", nodes.strong(title, title))
        yield nodes.enumerated_list("", *items, enumtype="arabic", prefix="", suffix=".")


class Drawing(SphinxDirective):
    """``.. drawing:: FILE``"""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        relative, path = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(relative)
        try:
            text = Path(path).read_text(encoding="utf-8")
            title = ElementTree.fromstring(text).findtext("{*}title", "")
        except (OSError, ValueError, ElementTree.ParseError) as error:
            raise self.error(f"{relative} is not a drawing in SVG: {error}") from error
        return [timeline_figure("", *self.parse_content_to_nodes(), svg=text, title=title)]


def visit_html(translator: Any, node: timeline_figure) -> None:
    """Show the figure, and its words to unfold."""
    title = translator.attval(node["title"])
    translator.body.append(
        f'<div class="timeline">\n<div class="timeline-box" role="group" '
        f'aria-label="Figure: {title}">\n'
        f"{node['svg']}\n</div>\n<details><summary>The same in words</summary>\n"
    )


def depart_html(translator: Any, node: timeline_figure) -> None:
    """Close what contains the words."""
    translator.body.append("</details>\n</div>\n")


def pass_by(translator: Any, node: timeline_figure) -> None:
    """Show only the words."""


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the node and the directive."""
    passing: dict[str, Any] = dict.fromkeys(("latex", "text", "man", "texinfo"), (pass_by, pass_by))
    app.add_node(timeline_figure, html=(visit_html, depart_html), **passing)
    app.add_directive("drawing", Drawing)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
