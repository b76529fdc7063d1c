# SPDX-License-Identifier: GPL-2.0-only
"""Nodes that several extensions make."""

from __future__ import annotations

from collections.abc import Iterable

from docutils import nodes
from sphinx.util.docutils import SphinxDirective


def paragraph(text: str) -> nodes.paragraph:
    """Return a paragraph of plain text."""
    return nodes.paragraph(text, text)


def section(
    directive: SphinxDirective, title: str, *content: nodes.Node, anchor: str = ""
) -> nodes.section:
    """Return a heading with content below it; the anchor is made from the title by default."""
    made = nodes.section("", nodes.title(title, title), ids=[anchor or nodes.make_id(title)])
    made.document = directive.state.document
    directive.set_source_info(made)
    made += content
    return made


def joined(parts: Iterable[nodes.Node], joint: str = ", ") -> list[nodes.Node]:
    """Return nodes with a text between them.

    >>> joined([nodes.Text("a"), nodes.Text("b")], " or ")
    [<#text: 'a'>, <#text: ' or '>, <#text: 'b'>]
    """
    made: list[nodes.Node] = []
    for part in parts:
        if made:
            made.append(nodes.Text(joint))
        made.append(part)
    return made
