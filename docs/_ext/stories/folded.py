# SPDX-License-Identifier: GPL-2.0-only
"""A closed part of a page: ``<details>`` in HTML, and its plain content everywhere else.

``_static/folded.js`` opens it for a link that leads into it, and for print.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata


class folded(nodes.General, nodes.Element):
    """Content that a reader unfolds; ``summary`` says what it is."""


def visit_html(translator: Any, node: folded) -> None:
    """Begin the closed part."""
    summary = translator.attval(node["summary"])
    classes = " ".join(["folded", *node["classes"]])
    translator.body.append(f'<details class="{classes}"><summary>{summary}</summary>\n')


def depart_html(translator: Any, node: folded) -> None:
    """End the closed part."""
    translator.body.append("</details>\n")


def pass_by(translator: Any, node: folded) -> None:
    """Show the content as it is."""


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the node and its script."""
    passing: dict[str, Any] = dict.fromkeys(("latex", "text", "man", "texinfo"), (pass_by, pass_by))
    app.add_node(folded, html=(visit_html, depart_html), **passing)
    app.add_js_file("folded.js")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
