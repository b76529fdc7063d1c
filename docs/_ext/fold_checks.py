# SPDX-License-Identifier: GPL-2.0-only
"""Fold the examples of the model on a page whose first lines have ``:fold-checks:``.

A reader of such a page looks for a sentence, not for its proof: each run of examples becomes a
closed part named "Check". It opens for print, and the doctests run as before.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata
from stories.folded import folded
from strict_doctest import is_block

FIELD = "fold-checks"


def fold(app: Sphinx, doctree: nodes.document) -> None:
    """Put each run of examples into a closed part.  (doctree-read)"""
    if FIELD not in app.env.metadata[app.env.docname]:
        return
    part = None
    for block in [node for node in doctree.findall(nodes.Element) if is_block(node)]:
        parent = block.parent
        place = parent.index(block)
        if part is None or place == 0 or parent[place - 1] is not part:
            part = folded(summary="Check", classes=["check"])
            part.source, part.line = block.source, block.line
            parent.insert(place, part)
        parent.remove(block)
        part += block


def setup(app: Sphinx) -> ExtensionMetadata:
    """Fold after the page is read."""
    app.setup_extension("stories.folded")
    app.connect("doctree-read", fold, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
