# SPDX-License-Identifier: GPL-2.0-only
"""Links terms to the glossary: each where a page first uses it in a sentence, not in a table.

Words that mean something else as often, EVERYDAY, are linked only where a page says ``:term:``.
"""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.util.nodes import make_refnode
from sphinx.util.typing import ExtensionMetadata

EVERYDAY = {"binding", "cgroup", "cookie", "key", "link", "release", "trace"}

Places = dict[str, tuple[str, str]]
"""Where each term is explained: page and anchor."""


def known(app: Sphinx) -> Places:
    """The terms of the glossary, in small letters."""
    objects = app.env.domains.standard_domain.objects
    found = {name.lower(): place for (kind, name), place in objects.items() if kind == "term"}
    return {name: place for name, place in found.items() if name not in EVERYDAY}


def words(names: list[str]) -> re.Pattern[str]:
    """Any of the names, the longest first, also in the plural.

    >>> words(["hook", "attach type"]).findall("Two attach types, one Hook, a hookah")
    [('attach type', 's'), ('Hook', '')]
    """
    either = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.compile(rf"(?<![\w-])({either})(s?)(?![\w-])", re.IGNORECASE)


def link_terms(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Link the first use of each term.  (doctree-resolved)"""
    left = known(app)
    if docname in {page for page, _ in left.values()}:
        return
    linked = {
        link.get("refuri", "").rpartition("#")[2] for link in doctree.findall(nodes.reference)
    }
    left = {name: place for name, place in left.items() if place[1] not in linked}
    paragraphs = list(doctree.findall(nodes.paragraph))
    for paragraph in [it for it in paragraphs if not isinstance(it.parent, nodes.entry)]:
        for text in [child for child in paragraph.children if isinstance(child, nodes.Text)]:
            if left:
                paragraph.replace(text, pieces(text, left, docname, app.builder))


def pieces(text: nodes.Text, left: Places, docname: str, builder: Builder) -> list[nodes.Node]:
    """A text with links in it; the terms are taken from those that are left."""
    parts: list[nodes.Node] = []
    rest = str(text)
    while left and (found := words(list(left)).search(rest)):
        page, anchor = left.pop(found[1].lower())
        content = nodes.inline("", found[0], classes=["std", "std-term"])
        parts.append(nodes.Text(rest[: found.start()]))
        parts.append(make_refnode(builder, docname, page, anchor, content))
        rest = rest[found.end() :]
    return [*parts, nodes.Text(rest)]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Link the terms of each page."""
    app.connect("doctree-resolved", link_terms)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
