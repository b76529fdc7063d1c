# SPDX-License-Identifier: GPL-2.0-only
"""What the page of a story needs is asked for by name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from reference_model.catalogue import Addition, BreakingChange, Recipe, Story, _imported
from reference_model.catalogue.story import Outcome, StoryError

PLAIN: dict[str, Any] = {
    "summary": "",
    "run": print,
    "outcomes": (Outcome(None, {"label": 1}, "source"),),
    "details": "",
    "shown_by": "object",
}


@pytest.mark.parametrize(
    ("story", "lacks"),
    [
        (Story(title="T", nav="N", **PLAIN), []),
        (Story(title="T", nav="N", **{**PLAIN, "shown_by": "all"}), ["shown_by, one of object"]),
        (
            Story(title="T" * 61, nav="N" * 31, **PLAIN),
            ["a title of at most 60", "nav, a title of at most 30"],
        ),
        (Addition(title="T", nav="N", **PLAIN), ["affects, one of shared"]),
        (
            BreakingChange(title="T", nav="N", affects="both", **PLAIN),
            ["affected, a check list", "signs", "either fix or no_fix"],
        ),
        (Recipe(title="T", nav="N", **PLAIN), ["problem", "when to use it"]),
    ],
)
def test_what_a_story_lacks(story: Story, lacks: list[str]) -> None:
    found = list(story.lacks())
    assert len(found) == len(lacks)
    assert all(text.startswith(start) for text, start in zip(found, lacks, strict=True))


@pytest.mark.parametrize(
    ("field", "value", "lacks"),
    [
        ("title", 7, "title, a text"),
        ("title", None, "title, a text"),
        ("title", "two\nlines", "title, a text in one line"),
        ("nav", 7, "nav, a text"),
        ("summary", None, "summary, a text"),
        ("outcomes", (), "outcomes"),
        ("outcomes", (7,), "outcomes, a tuple of Outcome"),
        ("outcomes", PLAIN["outcomes"][0], "outcomes, a tuple of Outcome"),
        ("rules", "abc", "rules, a tuple of texts"),
        ("symptoms", (7,), "symptoms, a tuple of texts"),
        ("symptoms", 7, "symptoms, a tuple of texts"),
        ("evidence", ("trace",), "evidence, a tuple of Evidence"),
        ("run", None, "run, a function"),
    ],
)
def test_a_field_of_another_type(field: str, value: object, lacks: str) -> None:
    story = Story(**{"title": "T", "nav": "N", **PLAIN, field: value})
    assert list(story.lacks()) == [lacks]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\0", r":1: (Syntax|Value)Error: source code "),
        ("x = 1\nimport sys\nsys.exit(3)", ":3: SystemExit: 3"),
        ("def f():\n    f()\nf()", ":2: RecursionError: "),
    ],
)
def test_a_module_that_cannot_be_imported(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "broken_story.py"
    path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(StoryError, match=re.escape(str(path)) + said):
        _imported(str(path), "broken_story")
