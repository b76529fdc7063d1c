# SPDX-License-Identifier: GPL-2.0-only
"""Edits that are placed by what stands there."""

from __future__ import annotations

import pytest

from upstream.edits import Edit, Passage, Swap, Unexpected, Where, digest

TEXT = """\
Frogs live in ponds. A pond is
left by its frogs when it freezes. Nobody knows.

Fish stay.
"""
LEAVING = Passage(
    "ponds.rst", "A pond is", "it freezes.", digest("A pond is left by its frogs when it freezes.")
)


def edit(
    passage: Passage, new: str, where: Where = Where.INSTEAD, *, running: bool = False
) -> Edit:
    return Edit(passage, where, "a place", lambda: new, running)


def test_a_passage_is_found_however_its_lines_break() -> None:
    assert LEAVING.find(TEXT) == (21, 65)
    assert LEAVING.find(TEXT.replace("pond is\nleft", "pond\n  is left")) == (21, 67)


def test_a_beginning_that_is_gone_is_named() -> None:
    with pytest.raises(Unexpected, match="'A pond is' should stand there once, stands nowhere"):
        LEAVING.find(TEXT.replace("pond", "lake"))


def test_other_words_are_shown() -> None:
    with pytest.raises(Unexpected) as caught:
        LEAVING.find(TEXT.replace("left by its frogs", "left by all"))
    assert str(caught.value) == (
        "ponds.rst: this passage has other words by now; found:\n"
        "    | A pond is\n    | left by all when it freezes."
    )


def test_an_end_that_is_gone_shows_the_paragraph() -> None:
    with pytest.raises(Unexpected) as caught:
        LEAVING.find(TEXT.replace("freezes", "dries up"))
    assert "'it freezes.' should follow 'A pond is'" in str(caught.value)
    assert caught.value.found.endswith("when it dries up. Nobody knows.")


def test_a_beginning_that_stands_twice_is_not_guessed() -> None:
    with pytest.raises(Unexpected, match="stands 2 times"):
        LEAVING.find(TEXT + TEXT)


def test_a_text_goes_before_or_after_or_in_the_place() -> None:
    fish = Passage("ponds.rst", "Fish stay.")
    assert edit(fish, "Ha. ", Where.BEFORE).apply(TEXT).endswith("\nHa. Fish stay.\n")
    assert edit(fish, " Ha.", Where.AFTER).apply(TEXT).endswith("\nFish stay. Ha.\n")
    assert edit(fish, "Ha.").apply(TEXT).endswith("\nHa.\n")
    assert edit(LEAVING, "\n\nHa.", Where.END).apply(TEXT) == f"{TEXT}\nHa.\n"


def test_a_running_text_fills_the_rest_of_its_paragraph() -> None:
    new = "When a pond freezes, its frogs leave it, one after the other, in the night."
    assert edit(LEAVING, new, running=True).apply(TEXT) == (
        "Frogs live in ponds. When a pond freezes, its frogs leave it, one after the\n"
        "other, in the night. Nobody knows.\n\nFish stay.\n"
    )


def test_a_running_text_keeps_its_indentation() -> None:
    text = TEXT.replace("Frogs", "   Frogs").replace("left", "   left")
    assert (
        edit(LEAVING, "x", running=True)
        .apply(text)
        .startswith("   Frogs live in ponds. x Nobody knows.\n\nFish")
    )


@pytest.mark.parametrize("where", [Where.BEFORE, Where.AFTER, Where.END])
def test_a_text_that_stands_there_already_is_not_added_again(where: Where) -> None:
    fish = edit(Passage("ponds.rst", "Fish stay."), "Toads\ncome. ", where)
    once = fish.apply(TEXT)
    with pytest.raises(Unexpected, match="the new text stands there already; found:\n.*Toads"):
        fish.apply(once.replace("Toads\ncome", "Toads come"))


def test_phrases_are_replaced_in_the_passage_only() -> None:
    swap = Swap(LEAVING, "a place", (("left", "kept"), ("its frogs", "left frogs")))
    assert swap.apply(TEXT) == TEXT.replace("left by its frogs", "kept by left frogs")
    assert swap.shown == ["-left", "+kept", "-its frogs", "+left frogs"]
    with pytest.raises(Unexpected, match="other words by now"):
        swap.apply(TEXT.replace("left by its", "left by all"))
