# SPDX-License-Identifier: GPL-2.0-only
"""The errata of documents, and the patches that correct them.

``.. errata::`` is the table of all that is wrong or missing, ``.. proposed-patch:: NAME`` shows a
patch: its subject, its message, where its claims were read, and the lines that it adds.  Lines of
the kernel's own are not shown, only where the new ones go, in words: the site is built without a
kernel tree.
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
from upstream.patches import PATCHES, UNPATCHED
from upstream.text import DOCS, page


class Errata(SphinxDirective):
    """``.. errata::``"""

    def run(self) -> list[nodes.Node]:
        note(self.env, *sources())
        page.cache_clear()
        return self.parse_text_to_nodes("\n".join(errata()))


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
        target = nodes.target("", "", ids=[f"patch-{patch.name}"])
        message = f"{patch.subject}\n\n{patch.body}".rstrip("\n")
        read = f"Read in {'; '.join(dict.fromkeys(claim.source for claim in patch.claims))}."
        return [
            target,
            nodes.literal_block(message, message, language="text"),
            *self.parse_text_to_nodes(read),
            *added(patch),
        ]


def sources() -> Iterator[Path]:
    """Return the page that the patches take text and evidence from."""
    yield DOCS / "map_cgroup_storage.rst"


def errata() -> Iterator[str]:
    """Return the table of errata, as reStructuredText."""
    yield from (
        ".. list-table::",
        "   :class: errata stack",
        "   :header-rows: 1",
        "   :widths: 14 22 24 8 24 8",
        "",
    )
    yield from row("document", "it says", "correct", "since", "evidence", "patch")
    for number, patch in enumerate(PATCHES, start=1):
        for claim in patch.claims:
            yield from erratum(claim, f"`{number} <#patch-{patch.name}>`__")
    for claim, section in UNPATCHED:
        yield from erratum(claim, f"`text <#{section}>`__" if section else "none")


def erratum(claim: Claim, link: str) -> Iterator[str]:
    """Return the row of a claim."""
    known = (claim.says, claim.right, claim.since, evidence(claim))
    name = claim.document
    yield from row(f"``{name}``" if name.endswith(".rst") else name, *known, link)


def row(*cells: str) -> Iterator[str]:
    """A row of a list-table."""
    for column, cell in enumerate(cells):
        lead = "   * - " if column == 0 else "     - "
        yield from textwrap.indent(cell, " " * 7).replace(" " * 7, lead, 1).splitlines()


def evidence(claim: Claim) -> str:
    """Return the rules behind a claim, and the kernels that were tested."""
    parts = [f":rule:`{name}`" for name in claim.rules[:2]]
    asked = claim.asked
    if asked:
        parts.append(f"tested on {len(asked)} kernels, {asked[0]} to {asked[-1]}")
    elif claim.compiled:
        parts.append("a test shows that it does not compile")
    else:
        parts.append("from source")
    return ", ".join(parts)


def added(patch: Patch) -> Iterator[nodes.Node]:
    """Return the lines that the patch adds, each text once, below where it goes."""
    places: dict[tuple[str, str, str], list[str]] = {}
    for edit in patch.edits:
        key = (edit.where.value, edit.place, "\n".join(edit.shown))
        places.setdefault(key, []).append(edit.passage.path)
    for (where, place, text), paths in places.items():
        paragraph = nodes.paragraph("", "In ")
        for position, path in enumerate(paths):
            joint = "" if not position else " and "
            paragraph += [nodes.Text(joint), nodes.literal(path, path)]
        paragraph += nodes.Text(f", {where} {place}:")
        yield paragraph
        yield nodes.literal_block(text, text, language="diff")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the directives."""
    app.add_directive("errata", Errata)
    app.add_directive("proposed-patch", ProposedPatch)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
