# SPDX-License-Identifier: GPL-2.0-only
"""How a recipe fares when somebody else acts between its steps, from the committed record.

For other extensions; it adds nothing of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from docutils import nodes
from release_tables import linux
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from records import races
from records.races import Race, folded
from reference_model.divergence.interleavings import EVENTS


def among_others(name: str, old_release: str) -> Iterator[nodes.Node]:
    """What was tried, and the races that remain."""
    told = races.read().get(name)
    if told is None:
        yield _paragraph("They were not yet checked among others.")
        return
    events = "; ".join(EVENTS)
    yield _paragraph(
        f"They were also checked among others, in {told['runs']:,} runs on the model: up to "
        f"{told['events']} events, each between any two commands of the recipe. The events: "
        f"{events}. A promise may break only where the same events break it for the old program "
        f"on {linux([old_release])}."
    )
    if not told["races"]:
        yield _paragraph("None breaks otherwise.")
        return
    yield _paragraph("These races remain:")
    yield nodes.bullet_list("", *(nodes.list_item("", _told(race)) for race in folded(told)))


def _told(race: Race) -> nodes.paragraph:
    parts: list[nodes.Node] = [
        nodes.emphasis("", race.promise),
        nodes.Text(f" breaks with {' and then '.join(race.events)} before "),
    ]
    for number, step in enumerate(race.steps):
        parts += [nodes.Text(" or ")] * bool(number)
        parts.append(nodes.literal("", step))
    parts.append(nodes.Text(f", on {linux(race.releases)}"))
    if race.end:
        parts += [nodes.Text("; a command then fails with "), nodes.literal("", race.end)]
    parts.append(nodes.Text("."))
    return nodes.paragraph("", "", *parts)


def _paragraph(text: str) -> nodes.paragraph:
    return nodes.paragraph(text, text)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Nothing to add."""
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
