# SPDX-License-Identifier: GPL-2.0-only
"""Figures of runs: well formed, described for who does not see them, and nothing left out."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
import timeline
from common import timeline_svg as figures

from reference_model.catalogue import Difference, Recipe, stories
from reference_model.timeline import Lane, Timeline

SVG = "{http://www.w3.org/2000/svg}"
RUNS = [
    (name, release)
    for name, story in stories().items()
    for release in (
        (story.before, story.after)
        if isinstance(story, Difference)
        else (story.fails_on,)
        if isinstance(story, Recipe)
        else ()
    )
]


def recorded(name: str, release: str) -> Timeline:
    story = stories()[name]
    return timeline.record(story.run, release, **story.kernel)


def drawn(timeline: Timeline) -> ElementTree.Element:
    return ElementTree.fromstring(figures.svg(timeline, "Linux <5.8> & after", "x"))


def words(root: ElementTree.Element) -> str:
    """All that can be read in the figure, without the breaks between lines."""
    return squeezed("".join(text.text or "" for text in root.iter(f"{SVG}text")))


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize(("name", "release"), RUNS)
def test_every_fact_of_the_sentences_is_drawn(name: str, release: str) -> None:
    timeline = recorded(name, release)
    found = words(drawn(timeline))
    for step in timeline.steps:
        assert squeezed(step.verb) in found
        assert squeezed(", ".join(step.subject)) in found
        for label, text in step.answers:
            assert squeezed(f"{label}:{text}" if label else text) in found
    for lane in timeline.attachments + timeline.storages:
        assert squeezed(lane.label) in found
        for _, value in lane.values:
            assert squeezed(value) in found


@pytest.mark.parametrize(("name", "release"), RUNS)
def test_births_and_deaths_are_marked_by_shapes(name: str, release: str) -> None:
    timeline = recorded(name, release)
    root = drawn(timeline)
    lanes = timeline.attachments + timeline.storages
    ended = sum(lane.end is not None for lane in lanes)
    kinds = [element.get("class") for element in root.iter()]
    assert len(list(root.iter(f"{SVG}circle"))) == len(lanes), "a dot for each birth"
    assert kinds.count("tl-cross") == ended, "a cross for each death"
    living = len(lanes) - ended if timeline.undefined is None else 0
    assert kinds.count("tl-mark") == len(lanes) + living, "an arrow for each that goes on"
    assert kinds.count("tl-break") == (timeline.undefined is not None)
    assert kinds.count("tl-attachment") == len(timeline.attachments)
    assert kinds.count("tl-storage") == len(timeline.storages)


@pytest.mark.parametrize(("name", "release"), RUNS)
def test_nothing_is_drawn_outside(name: str, release: str) -> None:
    root = drawn(recorded(name, release))
    width, height = float(root.get("width", "")), float(root.get("height", ""))
    for element in root.iter():
        for axis, most in (("x", width), ("y", height), ("y2", height), ("x2", width)):
            assert 0 <= float(element.get(axis, "0")) <= most
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"


def test_title_and_description_are_named() -> None:
    timeline = recorded("reattach_keeps_data", "5.8")
    root = drawn(timeline)
    title, description = root[0], root[1]
    assert (title.tag, title.text) == (f"{SVG}title", "Linux <5.8> & after")
    assert (description.tag, description.text) == (f"{SVG}desc", " ".join(timeline.sentences()))
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"


def test_what_is_drawn_needs_no_style_sheet_and_fetches_nothing() -> None:
    text = figures.svg(recorded("reattach_keeps_data", "5.9"), "title", "x")
    assert " style=" not in text
    assert "href" not in text
    assert "#" not in text, "no colours of its own"


def test_lanes_of_one_name_share_a_row_unless_they_overlap() -> None:
    first, second, third = Lane("a", 0, 2), Lane("a", 2), Lane("a", 3)
    other = Lane("b", 5)
    assert figures.rows([first, second, third, other]) == [[first, second], [third], [other]]


def test_an_empty_run_is_drawn() -> None:
    assert drawn(Timeline("5.8")).get("role") == "img"
