# SPDX-License-Identifier: GPL-2.0-only
"""The committed record is what the search finds, and every difference in it has its story."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import divergence_page
import pytest
from support_git import past

from records import divergence, results, search
from records.files import DIVERGENCE
from reference_model import Release, changes, traces
from reference_model.catalogue import Difference, stories
from reference_model.divergence import coverage, report, world
from reference_model.divergence.causes import DifferenceKind, differing
from reference_model.divergence.coverage import explained, explaining
from reference_model.divergence.search import Group, SearchResult
from reference_model.divergence.world import load

ROOT = Path(__file__).parents[2]
PAIRS = divergence.read()
each_pair = pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair['old']}-{pair['new']}")

SHALLOW = {"creation": 2, "percpu": 2, "users": 2, "lifetime": 4, "memory": 4, "tail_calls": 4}
"""How deep a test searches, where that is not 3: the record is deeper."""

AGAIN = "make divergence writes it again"


# -- the record ------------------------------------------------------------------------------------


def test_every_pair_is_there() -> None:
    assert [(pair["old"], pair["new"]) for pair in PAIRS] == search.pairs(), AGAIN
    assert len(PAIRS) > 30


@each_pair
def test_every_world_was_searched_to_its_depth(pair: dict[str, Any]) -> None:
    assert list(pair["worlds"]) == world.known(), AGAIN
    for name, one in pair["worlds"].items():
        assert one["depth"] == load(name).depth or one["states"][-1] == 0, AGAIN


@each_pair
def test_a_search_finds_the_same_as_deep_as_it_goes(pair: dict[str, Any]) -> None:
    """States and groups of the first levels, to the last answer."""
    for name, one in pair["worlds"].items():
        depth = SHALLOW.get(name, 3)
        again = search.found(pair["old"], pair["new"], name, depth)
        known = [group for group in one["groups"] if len(group["ops"]) <= depth]
        assert again["states"] == one["states"][:depth], f"{name}: {AGAIN}"
        made = json.loads(json.dumps(again["groups"]))
        assert [plain(group) for group in made] == [plain(group) for group in known], AGAIN


def plain(group: dict[str, Any]) -> dict[str, Any]:
    """A group without its number of programs: deeper there may be more."""
    return {key: given for key, given in group.items() if key != "programs"}


def test_the_counts_only_rise() -> None:
    name = DIVERGENCE.relative_to(ROOT).as_posix()
    now = counts(DIVERGENCE.read_text(encoding="utf-8"))
    for commit, text in past(name).items():
        then = counts(text)
        assert {key: now[key] for key in then if now[key] < then[key]} == {}, commit


def counts(text: str) -> dict[str, int]:
    """What may not fall, without groups whose cause was withdrawn because no release had it."""
    pairs = json.loads(text)["pairs"]
    worlds = [one for pair in pairs for one in pair["worlds"].values()]
    known = set(changes.NAMES.values())
    groups = [group for one in worlds for group in one["groups"] if known >= set(group["cause"])]
    return {
        "pairs": len(pairs),
        "states": sum(sum(one["states"]) for one in worlds),
        "transitions": sum(one["transitions"] for one in worlds),
        "kinds": len({(*group["cause"], *group["kind"]) for group in groups}),
        "causes": len({tuple(group["cause"]) for group in groups}),
    }


def test_a_record_is_written_as_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    search.write(((p["old"], p["new"], p["worlds"]) for p in PAIRS), path)
    assert path.read_bytes() == DIVERGENCE.read_bytes()
    assert json.loads(path.read_text(encoding="utf-8"))["LICENSE"].endswith("GPL-2.0-only")


# -- the catalogue covers it -----------------------------------------------------------------------


@each_pair
def test_every_difference_has_one_story(pair: dict[str, Any]) -> None:
    missing = [
        unexplained(pair, where, group)
        for where, group in divergence.groups(pair)
        if not is_covered(group)
    ]
    assert not missing, "\n\n".join(missing)


def is_covered(group: Group) -> bool:
    try:
        explained(group)
    except LookupError:
        return False
    return True


def unexplained(pair: dict[str, Any], where: world.World, group: Group) -> str:
    """A difference without a story, with its program ready to paste."""
    found = explaining(group) or ["no story"]
    result = SearchResult(Release(pair["old"]), Release(pair["new"]), where)
    cause = " and ".join(group.cause)
    said = f"{group.kind} after {group.after}, because of {cause}: {' and '.join(found)} explains"
    return f"{said}\n{report.program(result, group)}"


def test_a_difference_without_a_story_comes_with_its_program() -> None:
    where = load("attachments")
    pair = next(pair for pair in PAIRS if (pair["old"], pair["new"]) == ("5.8", "5.9"))
    first = next(group for found, group in divergence.groups(pair) if found.name == where.name)
    stray = replace(first, kind=DifferenceKind("prog_load", "EBUSY", "EACCES"))
    assert not is_covered(stray)
    said = unexplained(pair, where, stray)
    assert "prog_load: EBUSY / EACCES after (), because of SHARED_STORAGE: no story" in said
    assert ">>> p2 = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(m1, 1))" in said
    assert said.splitlines()[-1].startswith("reference_model.errors.StorageBusy: [Errno 16]")


GROUPS = [group for pair in PAIRS for _, group in divergence.groups(pair)]


@pytest.mark.parametrize("name", stories(Difference))
def test_every_story_of_a_difference_is_found_or_says_why_not(name: str) -> None:
    reached = any(name in explaining(group) for group in GROUPS)
    assert reached != bool(stories(Difference)[name].outside)


@pytest.mark.parametrize("name", stories(Difference))
def test_a_story_claims_nothing_that_is_not_found(name: str) -> None:
    """Each claim is needed: some group belongs to the story by it alone."""
    for one in stories(Difference)[name].explains:
        assert any(coverage.matches(one, group) for group in GROUPS), one


def test_what_no_program_shows_is_told() -> None:
    shown = {name for pair in PAIRS for _, group in divergence.groups(pair) for name in group.cause}
    far = PAIRS[-1]
    assert far["old"] == "4.19"
    assert not differing(Release(far["new"]), Release("latest"))
    for pair in PAIRS:
        told = divergence.unreached(pair)
        known = {changes.NAMES[c] for c in differing(Release(pair["old"]), Release(pair["new"]))}
        assert set(told) <= known
    assert set(changes.NAMES.values()) - shown >= {"LSM_CGROUP", "BIND_MAP", "SPARSE_CPUS"}


# -- real kernels ----------------------------------------------------------------------------------

TRACES = ROOT / "records" / "traces" / "divergence.jsonl"


def test_real_kernels_answer_the_shortest_programs_as_the_model_does() -> None:
    scores = traces.replay([TRACES])
    assert set(scores) >= set(results.debian())
    for score in scores.values():
        assert score.differences == []
    assert all(scores[kernel].answers > 1000 for kernel in results.debian())


def test_the_programs_that_were_asked_are_those_of_the_record() -> None:
    """All of them, but for what some kernel leaves undefined."""
    asked = [one.ops for one in traces.read(TRACES)]
    wanted = [one.ops for one in search.traces(results.debian())]
    assert [ops for ops in wanted if ops not in asked] == [], "record them, see tests/divergence"


# -- the page --------------------------------------------------------------------------------------


def pair_of(old: str, new: str) -> dict[str, Any]:
    return next(pair for pair in PAIRS if (pair["old"], pair["new"]) == (old, new))


def test_the_page_shows_each_kind_once_with_its_shortest_program() -> None:
    pair = pair_of("5.8", "5.9")
    kinds = divergence.kinds(pair)
    keys = [(one.story, one.group.cause, one.group.kind) for one in kinds]
    assert len(set(keys)) == len(keys) > 10
    every = [group for _, group in divergence.groups(pair)]
    assert sum(one.programs for one in kinds) == sum(group.programs for group in every)
    for one in kinds:
        alike = [g for g in every if (g.cause, g.kind) == (one.group.cause, one.group.kind)
                 and explained(g) == one.story]  # fmt: skip
        assert len(one.group.ops) == min(len(group.ops) for group in alike)


def test_the_page_names_the_changes_that_nothing_shows() -> None:
    assert divergence.unreached(pair_of("5.9", "5.10")) == [
        "BIND_MAP",
        "LINK_CREATE_PROGRAM_FIRST",
    ]
    assert divergence.unreached(pair_of("5.8", "5.9")) == [
        "LINK_CREATE_FIELDS",
        "SOCK_RELEASE_HOOK",
    ]


def test_anchors_are_ids() -> None:
    anchors = [divergence_page.anchor(pair) for pair in PAIRS]
    assert len(set(anchors)) == len(anchors)
    assert divergence_page.anchor(pair_of("5.8", "proposal")) == "pair-5-8-proposal"
