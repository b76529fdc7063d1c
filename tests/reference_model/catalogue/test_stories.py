# SPDX-License-Identifier: GPL-2.0-only
"""Each story on each release, its promises, and the recorded kernels that bear it out."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from reference_model import Change, Kernel, Release, changes, traces
from reference_model.catalogue import (
    RELEASES,
    UNDEFINED,
    Addition,
    BreakingChange,
    Difference,
    Evidence,
    Observations,
    Promise,
    Recipe,
    Story,
    observed,
    stories,
)
from reference_model.errors import ERRNO_NAMES

TRACES = Path(__file__).parents[3] / "records" / "traces"
STORIES = stories()
DIFFERENCES = stories(Difference)
CHANGES = stories(BreakingChange)
ADDITIONS = stories(Addition)
RECIPES = stories(Recipe)

each_story = pytest.mark.parametrize("name", STORIES)
each_difference = pytest.mark.parametrize("name", DIFFERENCES)
each_change = pytest.mark.parametrize("name", CHANGES)
each_addition = pytest.mark.parametrize("name", ADDITIONS)
each_recipe = pytest.mark.parametrize("name", RECIPES)


def run(story: Story, release: str) -> Observations:
    return observed(story.run, Kernel(release, **story.kernel))


def run_old(recipe: Recipe, release: str) -> Observations:
    assert recipe.old is not None
    return observed(recipe.old, Kernel(release, **recipe.kernel))


@cache
def recorded() -> dict[str, traces.Trace]:
    return {t.id: t for path in TRACES.glob("*.jsonl*") for t in traces.read(path)}


@each_story
@pytest.mark.parametrize("release", RELEASES)
def test_outcome(name: str, release: str) -> None:
    story = STORIES[name]
    assert run(story, release) == story.expected(release).seen


@each_story
def test_every_outcome_is_somebodys(name: str) -> None:
    story = STORIES[name]
    used = {id(story.expected(release)) for release in RELEASES}
    assert {id(outcome) for outcome in story.outcomes} == used
    assert all(outcome.source for outcome in story.outcomes)


@each_story
def test_prose(name: str) -> None:
    story = STORIES[name]
    assert not story.title.endswith(".")
    assert story.summary.strip()
    assert story.details.strip()


@each_story
def test_stable_releases_are_those_of_the_record(name: str) -> None:
    text = STORIES[name].summary + STORIES[name].details
    for change in vars(changes).values():
        if isinstance(change, Change) and change.commit and change.commit in text:
            assert [release for release in change.backports if release not in text] == []


@each_story
def test_it_names_rules_of_the_reference(name: str) -> None:
    assert STORIES[name].rules


@each_difference
def test_something_differs(name: str) -> None:
    story = DIFFERENCES[name]
    assert Release(story.before) < Release(story.after)
    assert story.expected(story.before).seen != story.expected(story.after).seen
    assert story.symptoms
    assert set(story.recipes) <= set(RECIPES)


@each_change
def test_a_breaking_change_says_whom_it_hits(name: str) -> None:
    assert CHANGES[name].affected.strip()
    assert CHANGES[name].find.strip() or CHANGES[name].signs


@each_addition
def test_an_addition_is_refused_before_and_taken_after(name: str) -> None:
    story = ADDITIONS[name]
    assert story.probe.strip()
    assert story.without.strip()
    before, after = (story.expected(on).seen for on in (story.before, story.after))
    refused = {label for label, seen in before.items() if seen in ERRNO_NAMES.values()}
    assert any(after[label] != before[label] for label in refused)


@each_recipe
def test_promises(name: str) -> None:
    recipe = RECIPES[name]
    claimed = [release for release in RELEASES if recipe.claims(release)]
    assert recipe.promises
    assert recipe.fails_on in (*claimed, "latest")
    at_home, broken = run_old(recipe, recipe.old_release), run_old(recipe, recipe.fails_on)
    for promise in recipe.promises:
        assert promise.check(at_home), f"the old program never kept: {promise.text}"
        assert not promise.check(broken), f"the unmigrated program keeps: {promise.text}"
        for release in claimed:
            assert promise.check(run(recipe, release)), f"{release}: {promise.text}"


@each_story
def test_evidence(name: str) -> None:
    """What a recorded kernel answered is what the story says of its release."""
    story = STORIES[name]
    for evidence in story.evidence:
        assert _checked_answers(story, evidence), f"{evidence.trace} shows nothing"


def _checked_answers(story: Story, evidence: Evidence) -> int:
    found = recorded()[evidence.trace]
    checked = 0
    for kernel in (*found.answers, *found.undefined):
        seen = story.expected(kernel).seen
        answers = found.answers.get(kernel)
        if answers is None:
            assert UNDEFINED in seen.values(), f"{evidence.trace}: {kernel} broke on it"
            checked += 1
            continue
        for position, label in evidence.labels.items():
            answer = answers[position]
            if answer == "skip" or label not in seen:
                continue
            where = f"{evidence.trace}, operation {position}: {kernel}, {label!r}"
            assert evidence.agree(position, answer, seen[label]), where
            checked += 1
    return checked


def test_catalogue_is_whole() -> None:
    """The stories that exist must not get lost."""
    assert len(CHANGES) >= 29
    assert len(ADDITIONS) >= 8
    assert len(RECIPES) >= 15


# -- the tests above can fail


def test_a_promise_that_anything_keeps_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    idle = Promise("It runs", lambda seen: True)
    recipe = replace(RECIPES["zero_explicitly"], promises=(idle,))
    monkeypatch.setitem(RECIPES, "zero_explicitly", recipe)
    with pytest.raises(AssertionError, match="the unmigrated program keeps: It runs"):
        test_promises("zero_explicitly")


def test_a_promise_that_is_not_kept_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = RECIPES["zero_explicitly"]
    assert recipe.old is not None
    monkeypatch.setitem(RECIPES, "zero_explicitly", replace(recipe, run=recipe.old))
    with pytest.raises(AssertionError, match="Each measurement starts at zero"):
        test_promises("zero_explicitly")


def test_an_outcome_that_a_trace_denies_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    story = STORIES["entries_outlive_detach"]
    first, last = story.outcomes
    wrong = last._replace(seen={**last.seen, "after detach": "ENOENT"})
    monkeypatch.setitem(STORIES, "entries_outlive_detach", replace(story, outcomes=(first, wrong)))
    with pytest.raises(AssertionError, match="'after detach'"):
        test_evidence("entries_outlive_detach")
