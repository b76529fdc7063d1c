# SPDX-License-Identifier: GPL-2.0-only
"""A description for each page, which search engines show: its first paragraph.

A page that has a ``.. meta::`` with a description of its own keeps that.
"""

from __future__ import annotations

from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

LENGTH = 200


def shortened(text: str) -> str:
    """A text in one line that is not much longer than search engines show.

    >>> shortened("Says\\nwhat it answers.")
    'Says what it answers.'
    >>> shortened("word " * 60)[-13:]
    'word word ...'
    """
    text = " ".join(text.split())
    if len(text) <= LENGTH:
        return text
    return text[: LENGTH - 3].rpartition(" ")[0] + " ..."


def first_paragraph(doctree: nodes.document) -> str:
    """The text of the first paragraph that stands in a section by itself."""
    for paragraph in doctree.findall(nodes.paragraph):
        if isinstance(paragraph.parent, nodes.section) and "badges" not in paragraph["classes"]:
            return paragraph.astext()
    return ""


def describe(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Add the description to what stands in a page's head.  (html-page-context)"""
    tags = context.get("metatags", "")
    if doctree is not None and 'name="description"' not in tags:
        text = shortened(first_paragraph(doctree))
        if text:
            content = escape(text)
            context["metatags"] = f'{tags}\n<meta content="{content}" name="description" />\n'


def setup(app: Sphinx) -> ExtensionMetadata:
    """Describe each page."""
    app.connect("html-page-context", describe)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
