# SPDX-License-Identifier: GPL-2.0-only
"""The history page, made from the records in ``reference_model.changes`` and ``other_changes``.

``.. changes::`` shows every record in a section of its release, newest last; ``:change:`NAME```
links to one from any page.  Where a record leaves something open, the page says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from common.parts import section
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from reference_model import Change, changes, other_changes, releases
from reference_model.releases import Marker, Read

NAMES = {**changes.NAMES, **other_changes.NAMES}


def first_release(change: Change) -> str:
    """The mainline release in which a change came, as far as it is known.

    >>> first_release(changes.SHARED_STORAGE)
    'Linux 5.9'
    >>> first_release(changes.ATTACH_TYPE_IGNORED)
    'none: it was proposed in July 2020 and never released'
    >>> first_release(changes.ACCESS_FLAGS_LATE)
    'Linux 7.2'
    """
    if change.first is None:
        return "none: it was proposed in July 2020 and never released"
    return f"Linux {bounds(change, change.first)}"


def bounds(change: Change, release: str) -> str:
    """A first release or a backport, with what is known of its branch before."""
    after = (change.after or {}).get(release)
    return f"{release} or earlier, after {after}" if after else release


def place(change: Change) -> int:
    """Where a change stands on the page: by its release, and last if it has none."""
    known = releases.MAINLINE
    return known.index(change.first) if change.first else len(known)


class Changes(SphinxDirective):
    """``.. changes::``"""

    def run(self) -> list[nodes.Node]:
        by_release = sorted((*changes.ALL, *other_changes.ALL), key=place)
        return [
            self.section(first, group)
            for first, group in groupby(by_release, key=lambda change: change.first)
        ]

    def section(self, first: str | None, group: Iterator[Change]) -> nodes.section:
        """A heading and the changes below it."""
        title = f"Linux {first}" if first else "Proposed and never released"
        anchor = f"linux-{first}" if first else "proposed"
        return section(self, title, *map(self.entry, group), anchor=anchor)

    def entry(self, change: Change) -> nodes.container:
        """One change: what it does, and where that is known from."""
        name = NAMES[change]
        anchor = f"change-{name}"
        standard = self.env.domains.standard_domain
        standard.note_object("change", name, anchor, location=self.get_location())
        label = nodes.paragraph("", "", classes=["rule-label"])
        label += nodes.reference("", name, refid=anchor, internal=True)
        fields = nodes.field_list()
        for head, body in self.facts(change):
            fields += nodes.field(
                "",
                nodes.field_name("", head),
                nodes.field_body("", nodes.paragraph("", "", *body)),
            )
        return nodes.container(
            "",
            label,
            nodes.paragraph("", "", *self.inline(change.effect)),
            fields,
            classes=["rule", "change"],
            ids=[anchor],
        )

    def facts(self, change: Change) -> Iterator[tuple[str, list[nodes.Node]]]:
        """What the record holds, field by field."""
        title = nodes.emphasis("", change.title)
        if change.commit:
            yield "Commit", [*self.inline(f":commit:`{change.commit}`"), nodes.Text(" "), title]
        elif change.first is None:
            yield "Commit", [nodes.Text("none: it was not merged. "), title]
        else:
            yield "Commit", [nodes.Text("not known. "), title]
        yield "First release", [nodes.Text(first_release(change))]
        if change.backports:
            stable = ", ".join([bounds(change, name) for name in change.backports])
            yield "Stable releases", [nodes.Text(f"from {stable}")]
        if change.partial:
            text = f"the commit, but not its effect, from {', '.join(change.partial)}"
            yield "Partly in", [nodes.Text(text)]
        if change.proposal and change.first is not None:
            text = "the series as posted in July 2020 does the same"
            yield "Proposal", [nodes.Text(text)]
        if change.cve:
            yield "Vulnerability", [nodes.Text(change.cve)]
        if change.read:
            yield "Read in", list(places(change.read))
        if change.marker:
            yield "In a source tree", list(look_for(change.marker))
        if change.changelogs:
            listed = ", ".join(change.changelogs)
            yield "Listed in", [nodes.Text(f"the changelogs or announcements of {listed}")]
        kernels = ", ".join(change.recorded) if change.recorded else "none"
        yield "Tested kernels", [nodes.Text(kernels)]
        if change.unmodelled:
            yield "Not modelled", [nodes.Text(f"{change.unmodelled}.")]

    def inline(self, text: str) -> list[nodes.Node]:
        """A text in reStructuredText."""
        found, messages = self.parse_inline(text)
        return [*found, *messages]


def places(read: Iterable[Read]) -> Iterator[nodes.Node]:
    """Where a change was read: each place, and the releases whose sources were read.

    >>> nodes.inline("", "", *places([Read("core.c", "6.1"), Read("cgroup.c")])).astext()
    'core.c of 6.1; cgroup.c'
    """
    for index, one in enumerate(read):
        if index:
            yield nodes.Text("; ")
        yield nodes.literal(one.place, one.place)
        if one.trees:
            yield nodes.Text(f" of {', '.join(one.trees)}")


def look_for(marker: Marker) -> Iterator[nodes.Node]:
    """How to see in a kernel's source whether it has the change.

    >>> nodes.inline("", "", *look_for(Marker("kernel/bpf/core.c", "storage_cookie"))).astext()
    'kernel/bpf/core.c contains storage_cookie'
    """
    yield nodes.literal(marker.file, marker.file)
    yield nodes.Text(" no longer contains " if marker.until else " contains ")
    yield nodes.literal(marker.pattern, marker.pattern)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the directive and the role."""
    app.add_directive("changes", Changes)
    app.add_object_type("change", "change", objname="change between releases")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
