# SPDX-License-Identifier: GPL-2.0-only
"""Tabs of kernel generations that stay in step on all pages.

A page that shows the same thing on several generations writes a ``tab-set`` of sphinx-design with
``:sync-group: kernel`` and for each tab a ``:sync:`` of GENERATIONS.  The reader's choice holds on
all pages, and ``?kernel=k5.9`` in an address makes it.  On paper, and without scripts, all tabs are
shown one below the other: see ``_static/stories.css``.  Any other key is a warning.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from reference_model import changes
from reference_model.releases import release as known

logger = logging.getLogger(__name__)

GROUP = "kernel"
GENERATIONS = {
    "k4.19": "Linux 4.19 to 5.8",
    "k5.9": "Linux 5.9 and later",
    "proposal": "July 2020 proposal (never merged)",
}
"""The keys of the tabs, and what the generations are."""


def generation(release: str) -> str:
    """The key of the tabs in which a release belongs.

    >>> generation("5.8"), generation("latest"), generation("proposal")
    ('k4.19', 'k5.9', 'proposal')
    """
    if release == "proposal":
        return release
    return "k5.9" if known(release).has(changes.SHARED_STORAGE) else "k4.19"


def tabs(
    directive: SphinxDirective,
    contents: dict[str, tuple[str, list[nodes.Node]]],
    group: str = GROUP,
) -> nodes.Node:
    """A set of tabs: for each key of the group a label and what is in the tab."""
    text = [".. tab-set::", f"   :sync-group: {group}", ""]
    for key, (label, _) in contents.items():
        text += [f"   .. tab-item:: {label}", f"      :sync: {key}", "", f"      {key}", ""]
    (found,) = directive.parse_text_to_nodes("\n".join(text))
    for place in list(found.findall(nodes.paragraph)):
        place.replace_self(contents[place.astext()][1])
    return found


def check(app: Sphinx, doctree: nodes.document) -> None:
    """Warn of a key that is no generation.  (doctree-read)"""
    for label in doctree.findall(nodes.rubric):
        if label.get("sync_group") == GROUP and label.get("sync_id") not in GENERATIONS:
            tab_set = label.parent.parent  # it knows its line
            text = "no such generation: %s (known: %s)"
            names = ", ".join(GENERATIONS)
            logger.warning(text, label.get("sync_id"), names, location=tab_set, type="tabs")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the styles and the check."""
    app.setup_extension("sphinx_design")
    app.add_css_file("stories.css")
    app.connect("doctree-read", check)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
