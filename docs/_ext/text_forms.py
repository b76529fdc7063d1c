# SPDX-License-Identifier: GPL-2.0-only
"""Each page as plain text beside it, and ``llms.txt``, which lists them by the groups of the menu.

The text is written whenever the page is written, from the same tree of nodes.  ``make man`` builds
the reference as a man page: as it is, without the examples of the model.
"""

from __future__ import annotations

from pathlib import Path
from types import MethodType
from typing import Any

from descriptions import first_paragraph, shortened
from docutils import nodes
from sphinx.addnodes import toctree
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.typing import ExtensionMetadata
from sphinx.writers.text import TextTranslator
from stories.folded import folded

WIDEST = 34
"""A column of a table, in characters."""


class Text(TextTranslator):
    """Sphinx's text, also of nodes that extensions define for the text builder only."""

    def __init__(self, document: nodes.document, app: Sphinx) -> None:
        super().__init__(document, app.builder)  # type: ignore[arg-type]
        for name, (visit, depart) in app.registry.translation_handlers.get("text", {}).items():
            setattr(self, f"visit_{name}", MethodType(visit, self))
            setattr(self, f"depart_{name}", MethodType(depart or (lambda *_: None), self))

    def visit_tgroup(self, node: nodes.Element) -> None:
        """Make each column as wide as its texts, up to a limit."""
        rows = [row.children for row in node.findall(nodes.row)]
        for number, column in enumerate(node.findall(nodes.colspec)):
            texts = [row[number].astext() for row in rows if number < len(row)]
            lines = [len(line) for text in texts for line in text.splitlines()]
            column["colwidth"] = min(max([3, *lines]), WIDEST)
        super().visit_tgroup(node)

    def unknown_visit(self, node: nodes.Node) -> None:
        """Show the content of a node that has no text of its own."""

    def unknown_departure(self, node: nodes.Node) -> None:
        """Do nothing at its end."""


def write_text(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Write the text of a page, and give its template the address.  (html-page-context)"""
    if doctree is None:
        return
    translator = Text(doctree, app)
    doctree.walkabout(translator)
    path = Path(app.outdir, f"{page}.txt")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(translator.body, encoding="utf-8")
    context["plain_text"] = f"{page}.txt"


def groups(env: BuildEnvironment) -> dict[str, list[str]]:
    """The pages of each group of the menu."""
    found: dict[str, list[str]] = {}
    for tree in env.get_doctree(env.config.root_doc).findall(toctree):
        for _, page in tree["entries"]:
            within = sorted(env.toctree_includes.get(page, ()))
            found.setdefault(tree.get("caption") or "Pages", []).extend([page, *within])
    return found


def write_list(app: Sphinx, error: Exception | None) -> None:
    """List the texts, and remove those of pages that are gone.  (build-finished)"""
    if error is not None or app.builder.name != "html":
        return
    env, base = app.env, app.config.html_baseurl
    lines = [f"# {app.config.project}", ""]
    lines += ["> " + shortened(first_paragraph(env.get_doctree(env.config.root_doc))), ""]
    for caption, pages in groups(env).items():
        lines += [f"## {caption}", ""]
        lines += [f"- [{env.titles[page].astext()}]({base}{page}.txt)" for page in pages]
        lines.append("")
    Path(app.outdir, "llms.txt").write_text("\n".join(lines), encoding="utf-8")


def for_man(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Leave out what a man page does not show.  (doctree-resolved)"""
    if app.builder.name != "man":
        return
    for part in [node for node in doctree.findall(folded) if "check" in node["classes"]]:
        part.parent.remove(part)
    for link in list(doctree.findall(nodes.reference)):
        if link.get("internal"):
            link.replace_self(nodes.inline("", "", *link.children))
    for tip in [*doctree.findall(nodes.tip)]:
        tip.parent.remove(tip)
    for label in list(doctree.findall(nodes.paragraph)):
        if "rule-label" in label["classes"]:
            versions = label.astext().split(" \N{MIDDLE DOT} ")[1:]
            label["classes"].clear()
            place = label.parent
            place.remove(label)
            if versions:
                place.insert(0, nodes.paragraph("", f"({', '.join(versions)})"))


def setup(app: Sphinx) -> ExtensionMetadata:
    """Write texts with the pages."""
    app.connect("html-page-context", write_text, priority=400)
    app.connect("build-finished", write_list)
    app.connect("doctree-resolved", for_man, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
