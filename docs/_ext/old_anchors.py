# SPDX-License-Identifier: GPL-2.0-only
"""Keeps addresses within pages: a section that was renamed can still be reached by its old name.

``old_anchors.json`` beside the pages has the old ids of each page, or of all pages of a folder,
with the ids of today.  An empty id is the title of the page, and so is an id of a folder that a
page does not have.  The old ids become empty targets there, so links with them need no script.
"""

from __future__ import annotations

import json
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import SphinxError
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata

FILE = "old_anchors.json"

Anchors = dict[str, dict[str, str]]


def known(source: Path) -> Anchors:
    """The old ids of each page or folder, each with today's id; a new site has none."""
    file = source / FILE
    try:
        found: Anchors = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        pages = {page: {**ids} for page, ids in found.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise SphinxError(f"{file}: it must be an object of objects of ids: {error}") from None
    return pages


def keep(doctree: nodes.document, page: str, anchors: Anchors) -> list[str]:
    """Add a page's old ids where they lead today; return the ids that the page lacks."""
    parts: dict[str, nodes.Element] = {}
    for part in doctree.findall(nodes.Element):
        parts |= dict.fromkeys(part.get("ids", []), part)
    title = next(doctree.findall(nodes.section))
    folder = page.rpartition("/")[0]
    of_folder = anchors.get(f"{folder}/*", {}) if not page.endswith("/index") else {}
    own = anchors.get(page, {})
    for old, new in {**of_folder, **own}.items():
        if old not in parts:
            parts.get(new, title)["ids"].append(old)
    return [new for new in own.values() if new and new not in parts]


def keep_anchors(app: Sphinx, doctree: nodes.document) -> None:
    """Add the old ids of a page.  (doctree-read)"""
    page, anchors = app.env.docname, known(Path(app.srcdir))
    if anchors:
        app.env.note_dependency(FILE)
    for name in keep(doctree, page, anchors):
        logging.getLogger(__name__).warning(
            "%s names %s, which this page does not have: name another part", FILE, name,
            location=page,
        )  # fmt: skip


def setup(app: Sphinx) -> ExtensionMetadata:
    """Keep the old addresses."""
    app.connect("doctree-read", keep_anchors, priority=950)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
