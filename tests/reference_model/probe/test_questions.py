# SPDX-License-Identifier: GPL-2.0-only
"""The questions of the probe: defined on every kernel, and enough to tell the changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from records import questions as choice
from reference_model import MAINLINE, changes
from reference_model.probe import questions
from reference_model.probe.inference import PROBED
from reference_model.probe.limits import NEVER_ASKED
from reference_model.probe.predictions import Predictions
from reference_model.probe.questions import Question
from reference_model.traces import Op

QUESTIONS = questions.read()
EVERY = choice.releases()
DISTINCT = {name: has for name, has in EVERY.items() if name in MAINLINE}


@pytest.fixture(scope="module")
def predictions() -> list[Predictions]:
    return [Predictions(question) for question in QUESTIONS]


def test_each_is_defined_on_every_kernel(predictions: list[Predictions]) -> None:
    """On every release, and on kernels that have one change more or less than a mainline one."""
    for each in predictions:
        assert choice.is_safe(each, DISTINCT), each.question.name
        assert all("undefined" not in each.on(has) for has in EVERY.values()), each.question.name


def test_what_is_undefined_somewhere_is_not_a_question() -> None:
    """A second attachment of a program on one hook corrupts kernels before 5.9."""
    twice: list[Op] = [
        {"op": "mkdir", "cgroup": "c1", "parent": None},
        {
            "op": "map_create", "map": "m1", "type": "cgroup_storage", "key_size": 16,
            "value_size": 8, "max_entries": 0, "map_flags": 0,
        },
        {
            "op": "prog_load", "prog": "p1", "type": "cgroup_skb", "expected_attach_type": None,
            "helper_flags": 0, "body": ["add", 1], "maps": ["m1"],
        },
        *(
            {
                "op": "link_create", "link": link, "cgroup": "c1", "prog": "p1",
                "attach_type": "egress",
            }
            for link in ("l1", "l2")
        ),
    ]  # fmt: skip
    found = Predictions(questions.Sequence("twice", ops=tuple(twice), setup={}))
    assert not choice.is_safe(found, DISTINCT)


def test_together_they_show_every_change_that_can_be_shown(
    predictions: list[Predictions],
) -> None:
    shown = {name for each in predictions for _, name in choice.shows(each, DISTINCT)}
    never = {changes.NAMES[change] for change in NEVER_ASKED}
    assert shown - {"ATTACH_TYPE_IGNORED"} == {changes.NAMES[c] for c in PROBED} - never


def test_what_they_need_is_noted() -> None:
    for question in QUESTIONS:
        assert choice.needs(question, MAINLINE[::20]).needs == question.needs, question.name
    needs = [question.needs for question in QUESTIONS]
    assert all(any(one.get(name) for one in needs) for name in ("runs", "lsm", "pins"))


def test_names_are_unique() -> None:
    assert len({question.name for question in QUESTIONS}) == len(QUESTIONS)


def test_the_file_is_as_it_was_written(tmp_path: Path) -> None:
    choice.write(QUESTIONS, tmp_path / "questions.json")
    written = (tmp_path / "questions.json").read_text(encoding="utf-8")
    assert written == questions.FILE.read_text(encoding="utf-8")
    assert json.loads(written)["LICENSE"].startswith("SPDX")


def test_a_choice_leaves_out_what_shows_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two programs that show the same change, the shorter one."""
    every: dict[str, Question] = {question.name: question for question in QUESTIONS}
    short, longer = every["load for sysctl"], every["query-attribute-size"]
    monkeypatch.setattr(choice, "candidates", lambda: iter([longer, short, longer]))
    assert [one.name for one in choice.chosen()] == [short.name, longer.name]
