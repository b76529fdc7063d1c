# SPDX-License-Identifier: GPL-2.0-only
"""A patch that is proposed to the kernel, with its evidence: ``.. proposed-patch:: NAME``.

The claims it rests on, each with the rules, stories and kernels that stand for it, and the lines
that it adds.  Lines of the kernel's own are not shown, only where the new ones go, in words: the
site is built without a kernel tree.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

from common.sources import note
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from upstream.patch import Claim, Patch
from upstream.patches import PATCHES
from upstream.text import DOCS, filled, page


class ProposedPatch(SphinxDirective):
    """``.. proposed-patch:: NAME``"""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        known = {patch.name: patch for patch in PATCHES}
        if self.arguments[0] not in known:
            raise self.error(f"no such patch: {self.arguments[0]} (known: {', '.join(known)})")
        note(self.env, *sources())
        page.cache_clear()
        patch = known[self.arguments[0]]
        return [
            *self.parse_text_to_nodes("\n".join([f"``{patch.subject}``", "", *claims(patch)])),
            *added(patch),
        ]


def sources() -> Iterator[Path]:
    """Return the pages and examples that the patches take text from."""
    yield from DOCS.glob("map_cg*_storage.rst")
    yield from (DOCS / "examples" / "reference").iterdir()


def claims(patch: Patch) -> Iterator[str]:
    """A table of the claims, as reStructuredText."""
    yield from (".. list-table::", "   :header-rows: 1", "   :widths: 28 34 38", "")
    yield from row("the kernel's text", "what kernels do", "evidence")
    for claim in patch.claims:
        yield from row(claim.text, claim.kernels, evidence(claim))


def row(*cells: str) -> Iterator[str]:
    """A row of a list-table."""
    for number, cell in enumerate(cells):
        lead = "   * - " if number == 0 else "     - "
        yield from textwrap.indent(cell, " " * 7).replace(" " * 7, lead, 1).splitlines()


def evidence(claim: Claim) -> str:
    """The rules and stories behind a claim, where it was read, and which kernels were asked."""
    parts = [f"Read in {claim.source}."]
    if claim.rules:
        parts.append(f"Rules: {', '.join(f':rule:`{name}`' for name in claim.rules)}.")
    if claim.stories:
        parts.append(f"Stories: {', '.join(f':story:`{name}`' for name in claim.stories)}.")
    if claim.traces:
        parts.append(f"Traces: {', '.join(f'``{name}``' for name in claim.traces)}.")
    asked = claim.asked
    if asked:
        parts.append(f"Asked: {len(asked)} kernels, {asked[0]} to {asked[-1]}.")
    elif claim.compiled:
        parts.append("A test compiles it, in vain.")
    else:
        parts.append("No recorded kernel was asked.")
    return "\n\n".join(parts)


def added(patch: Patch) -> Iterator[nodes.Node]:
    """The lines that the patch adds, each text once, below where it goes."""
    places: dict[tuple[str, str, str], list[str]] = {}
    for edit in patch.edits:
        new = filled(edit.new()) if edit.running else edit.new()
        key = (edit.where.value, edit.place, new)
        places.setdefault(key, []).append(edit.passage.path)
    for (where, place, new), paths in places.items():
        paragraph = nodes.paragraph("", "In ")
        for number, path in enumerate(paths):
            joint = "" if not number else " and "
            paragraph += [nodes.Text(joint), nodes.literal(path, path)]
        paragraph += nodes.Text(f", {where} {place}:")
        text = "\n".join(f"+{line}" for line in new.strip("\n").splitlines())
        yield paragraph
        yield nodes.literal_block(text, text, language="diff")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the directive."""
    app.add_directive("proposed-patch", ProposedPatch)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
