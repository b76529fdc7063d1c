# SPDX-License-Identifier: GPL-2.0-only
"""Figures of runs: lanes of attachments and storages over the steps, drawn from a recorded run.

``.. timeline:: NAME RELEASE`` draws the run of a story on a release, anywhere on the site.  In HTML
the figure is inline SVG in the page; below it, and in its place everywhere else, stand the same
facts in words.
"""

from __future__ import annotations

from typing import Any

from common.sources import home, note
from common.timeline_svg import svg
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from reference_model import Kernel
from reference_model.catalogue import observed, stories
from reference_model.catalogue.story import Run
from reference_model.recorder import Recorder
from reference_model.timeline import Timeline

LEGEND = (
    "Thin bars are attachments, boxes are storages with their values. A dot marks where one is "
    "created, a cross where it is freed, and an arrow that it still exists."
)


def record(run: Run, release: str, **arguments: Any) -> Timeline:
    """The timeline of a story's run, short enough for a figure."""
    recorder = Recorder(Kernel(release, **arguments))
    observed(run, recorder, recorder.observing)
    return recorder.timeline.folded()


class timeline_figure(nodes.General, nodes.Element):
    """A figure: ``svg`` in HTML, the sentences inside everywhere."""


def figure(timeline: Timeline, title: str, identity: str) -> list[nodes.Node]:
    """A caption and the figure below it."""
    sentences = [nodes.list_item("", nodes.paragraph(text, text)) for text in timeline.sentences()]
    words = nodes.enumerated_list("", *sentences, enumtype="arabic", prefix="", suffix=".")
    identity = nodes.make_id(f"timeline-{identity}")
    shown = timeline_figure("", words, svg=svg(timeline, title, identity), title=title)
    caption = nodes.paragraph("", "", nodes.strong(title, title), classes=["timeline-caption"])
    return [caption, shown]


def visit_html(translator: Any, node: timeline_figure) -> None:
    """The figure, and its words to unfold."""
    title = translator.attval(node["title"])
    translator.body.append(
        '<div class="timeline">\n'
        f'<div class="timeline-scroll" role="group" tabindex="0" aria-label="Figure: {title}">\n'
        f"{node['svg']}\n</div>\n<details><summary>The same in words</summary>\n"
    )


def depart_html(translator: Any, node: timeline_figure) -> None:
    """Behind the words."""
    translator.body.append("</details>\n</div>\n")


def pass_by(translator: Any, node: timeline_figure) -> None:
    """Elsewhere the words stand for themselves."""


class TimelineDirective(SphinxDirective):
    """``.. timeline:: NAME RELEASE``"""

    required_arguments = 2

    def run(self) -> list[nodes.Node]:
        name, release = self.arguments
        story = stories().get(name)
        if story is None:
            raise self.error(f"no such story: {name} (known: {', '.join(stories())})")
        note(self.env, home(story))
        try:
            timeline = record(story.run, release, **story.kernel)
        except ValueError as error:
            raise self.error(str(error)) from error
        identity = f"{self.env.docname}-{self.env.new_serialno('timeline')}"
        title = f"Linux {timeline.release}" if release != "proposal" else "The proposal"
        return figure(timeline, title, f"{identity}-{release}")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the directive and its node."""
    passing: dict[str, Any] = dict.fromkeys(("latex", "text", "man", "texinfo"), (pass_by, pass_by))
    app.add_node(timeline_figure, html=(visit_html, depart_html), **passing)
    app.add_directive("timeline", TimelineDirective)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
