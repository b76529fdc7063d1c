# SPDX-License-Identifier: GPL-2.0-only
"""What the page of a story needs is asked for by name."""

from __future__ import annotations

from typing import Any

import pytest

from reference_model.catalogue import Addition, BreakingChange, Recipe, Story

PLAIN: dict[str, Any] = {
    "summary": "",
    "run": print,
    "outcomes": (),
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
