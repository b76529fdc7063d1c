# SPDX-License-Identifier: GPL-2.0-only
"""How a recipe fares when somebody else acts between its steps, from the committed record."""

from __future__ import annotations

from collections.abc import Iterator

from common.parts import joined, paragraph
from common.words import linux
from docutils import nodes

from records import races
from records.races import Race, folded
from reference_model.divergence.interleavings import EVENTS


def among_others(name: str, old_release: str) -> Iterator[nodes.Node]:
    """What was tried, and the races that remain."""
    record = races.read().get(name)
    if record is None:
        yield paragraph("They were not yet tested with other processes at work.")
        return
    events = "; ".join(EVENTS)
    yield paragraph(
        f"They were also tested with other processes at work, in {record['runs']:,} runs on the "
        f"model, with up to {record['events']} events between any two commands. The events are: "
        f"{events}. A promise may fail only if the same events make it fail for the old program "
        f"on {linux([old_release])}."
    )
    if not record["races"]:
        yield paragraph("No other failure was found.")
        return
    yield paragraph("These races remain:")
    yield nodes.bullet_list("", *(nodes.list_item("", _sentences(race)) for race in folded(record)))


def _sentences(race: Race) -> nodes.paragraph:
    parts: list[nodes.Node] = [
        nodes.emphasis("", race.promise),
        nodes.Text(f" fails if {' and then '.join(race.events)} before "),
    ]
    parts += joined((nodes.literal("", step) for step in race.steps), " or ")
    parts.append(nodes.Text(f", on {linux(race.releases)}"))
    if race.end:
        parts += [nodes.Text("; a command then fails with "), nodes.literal("", race.end)]
    parts.append(nodes.Text("."))
    return nodes.paragraph("", "", *parts)
