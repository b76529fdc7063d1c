# SPDX-License-Identifier: GPL-2.0-only
"""Figures of runs: well formed, described for who does not see them, and nothing left out."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
import timeline
from common.timeline_drawing import drawing
from common.timeline_pair import aligned, rows
from common.timeline_svg import LETTER

from reference_model.catalogue import Difference, Recipe, stories
from reference_model.timeline import Lane, Observation, Timeline, TimelineStep

SVG = "{http://www.w3.org/2000/svg}"


def recorded(name: str) -> dict[str, Timeline]:
    """The runs of a figure, by their titles."""
    story = stories()[name]
    if isinstance(story, Difference):
        runs = {f"Linux {on}": (story.run, on) for on in (story.before, story.after)}
    else:
        assert isinstance(story, Recipe)
        fails = story.fails_on
        runs = {"old": (story.old, fails)} if story.old else {}
        runs["new"] = (story.run, fails)
    return {
        title: timeline.record(run, release, **story.kernel)
        for title, (run, release) in runs.items()
    }


def drawn(runs: dict[str, Timeline], size: str = "wide") -> ElementTree.Element:
    columns, panels = aligned(runs)
    text = drawing(columns, panels, timeline.SIZES[size], kind="k", identity="x")
    return ElementTree.fromstring(text)


def words(root: ElementTree.Element) -> str:
    """All that can be read in the figure, without the breaks between lines."""
    return squeezed("".join(text.text or "" for text in root.iter(f"{SVG}text")))


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


EACH = [(name, size) for name in stories() for size in timeline.SIZES]


@pytest.mark.parametrize(("name", "size"), EACH)
def test_every_fact_of_the_sentences_is_drawn(name: str, size: str) -> None:
    runs = recorded(name)
    found = words(drawn(runs, size))
    for title, run in runs.items():
        assert squeezed(title) in found
        for step in run.steps:
            assert any(
                squeezed(verb) in found for verb in (step.heading, step.verb.split(" and ")[0])
            )
            assert squeezed(", ".join(step.subject)) in found
            for label, text in step.answers:
                both = (f"{label}:{text}", f"{label}:\N{NOT EQUAL TO}{text}") if label else (text,)
                assert any(squeezed(it) in found for it in both)
        for kind, lanes in (("attachment", run.attachments), ("storage", run.storages)):
            for lane in lanes:
                assert squeezed(f"{kind}: {lane.label}") in found
                for _, value in lane.values:
                    assert squeezed(value) in found


@pytest.mark.parametrize(("name", "size"), EACH)
def test_births_and_deaths_are_marked_by_shapes(name: str, size: str) -> None:
    runs = recorded(name).values()
    root = drawn(recorded(name), size)
    lanes = [lane for run in runs for lane in run.attachments + run.storages]
    kinds = [element.get("class") for element in root.iter()]
    assert len(list(root.iter(f"{SVG}circle"))) == len(lanes), "a dot for each birth"
    assert kinds.count("tl-cross") == sum(lane.end is not None for lane in lanes)
    assert kinds.count("tl-break") == sum(run.undefined is not None for run in runs)
    living = sum(
        lane.end is None
        for run in runs
        if run.undefined is None
        for lane in run.attachments + run.storages
    )
    assert kinds.count("tl-mark") >= len(lanes) + living, "an arrow for each that continues"


@pytest.mark.parametrize(("name", "size"), EACH)
def test_nothing_is_drawn_outside(name: str, size: str) -> None:
    root = drawn(recorded(name), size)
    width, height = float(root.get("width", "")), float(root.get("height", ""))
    assert width <= timeline.SIZES[size]
    for element in root.iter():
        for axis, most in (("x", width), ("y", height), ("y2", height), ("x2", width)):
            assert 0 <= float(element.get(axis, "0")) <= most
        if element.tag == f"{SVG}rect":
            assert float(element.get("x", "")) + float(element.get("width", "")) <= width
        if element.tag == f"{SVG}text" and element.get("text-anchor") != "end":
            text = element.text or ""
            assert float(element.get("x", "")) + 0.9 * LETTER * len(text) <= width, text
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"


@pytest.mark.parametrize("name", stories(Difference))
def test_what_differs_is_marked_and_nothing_else(name: str) -> None:
    before, _ = recorded(name).values()
    marked = [e for e in drawn(recorded(name)).iter() if e.get("class") == "tl-differs"]
    assert marked
    same = {"one": before, "two": before}
    assert not [e for e in drawn(same).iter() if e.get("class") == "tl-differs"]


def test_steps_of_one_run_have_columns_of_their_own() -> None:
    a, b, c, d = (TimelineStep(name) for name in "abcd")
    told = TimelineStep("b", answers=[Observation("", "EBUSY")])
    columns, (old, new) = aligned(
        {"x": Timeline("5.8", [a, told]), "y": Timeline("5.9", [a, c, b, d])}
    )
    assert [column.operation for column in columns] == ["a", "c", "b", "d"]
    assert (list(old.answers), list(new.answers)) == ([0, 2], [0, 1, 2, 3])
    assert old.differing[2] == told.answers


def test_title_and_description_are_named() -> None:
    run = recorded("reattach_keeps_data")["Linux 5.8"]
    root = drawn({"Linux <5.8> & after": run})
    title, description = root[0], root[1]
    assert (title.tag, title.text) == (f"{SVG}title", "Linux <5.8> & after")
    assert description.tag == f"{SVG}desc"
    assert description.text == f"Linux <5.8> & after. {' '.join(run.sentences())}"
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"


def test_what_is_drawn_needs_no_style_sheet_and_fetches_nothing() -> None:
    text = ElementTree.tostring(drawn(recorded("reattach_keeps_data")), "unicode")
    assert " style=" not in text
    assert "href" not in text
    assert "#" not in text, "no colours of its own"


def test_lanes_of_one_name_share_a_row_unless_they_overlap() -> None:
    first, second, third = Lane("a", 0, 2), Lane("a", 2), Lane("a", 3)
    other = Lane("b", 5)
    assert rows([first, second, third, other]) == [[first, second], [third], [other]]


def test_an_empty_run_is_drawn() -> None:
    assert drawn({"empty": Timeline("5.8")}).get("role") == "img"
