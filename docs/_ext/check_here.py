# SPDX-License-Identifier: GPL-2.0-only
"""``.. check-here::``: the place where a reader drops an object, which the page itself checks.

It needs what ``run_here`` adds to pages.  Its content is what a reader sees where no script runs.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from run_here import program
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

PLACE = "check-here"


class CheckHere(SphinxDirective):
    """``.. check-here::``"""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the place."""
        return [program("", *self.parse_content_to_nodes(), data={}, classes=[PLACE])]


def add_script(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Add the script to a page with such a place.  (html-page-context)"""
    if doctree is None or not app.config.run_here:
        return
    if any(PLACE in node["classes"] for node in doctree.findall(program)):
        app.add_js_file("check_object.js", loading_method="defer")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the directive and its script, behind those that it needs."""
    app.setup_extension("run_here")
    app.add_directive(PLACE, CheckHere)
    app.connect("html-page-context", add_script, priority=600)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
