# SPDX-License-Identifier: GPL-2.0-only
"""Recipes among others: the events strike, what the old program suffered too is no race."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from records import races as recorded
from records import search
from reference_model import Add, Kernel, KernelInterface, changes
from reference_model.catalogue import Outcome, Promise, Recipe, stories
from reference_model.catalogue.story import Observe
from reference_model.divergence import interleavings
from reference_model.divergence.interleavings import EVENTS, among, broken, races, schedules
from reference_model.uapi import *
from reference_model.values import STORAGE_KEY, U64

RECIPES = stories(Recipe)
PACKET, DETACH, ATTACH, RMDIR = EVENTS


def count(kernel: KernelInterface, observe: Observe, *, carefully: bool) -> None:
    """Count a packet; carefully: write a zero first."""
    web = kernel.mkdir("web")
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64)
    prog = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts))
    kernel.prog_attach(web, prog, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI)
    if carefully:
        kernel.map_update_elem(counts, (web, BPF_CGROUP_INET_EGRESS), 0)
    observe("attached", lambda: 1)
    kernel.fire(web, BPF_CGROUP_INET_EGRESS)
    observe("packets", lambda: kernel.map_lookup_elem(counts, (web, BPF_CGROUP_INET_EGRESS)))


def old(kernel: KernelInterface, observe: Observe) -> None:
    count(kernel, observe, carefully=False)


def run(kernel: KernelInterface, observe: Observe) -> None:
    count(kernel, observe, carefully=True)


def recipe(check: Any = lambda seen: seen["packets"] >= 1) -> Recipe:
    return Recipe(
        title="Count",
        summary="",
        details="",
        run=run,
        old=old,
        outcomes=(Outcome(None, {}, "nowhere"),),
        promises=(Promise("Counts", check),),
    )


def test_an_event_strikes_before_its_step() -> None:
    ran = among(run, recipe(), "5.9", ((5, PACKET), (6, PACKET)))
    assert ran.steps == [
        "mkdir", "map_create", "prog_load", "prog_attach", "map_update_elem", "fire",
        "map_lookup_elem",
    ]  # fmt: skip
    assert ran.seen == {"attached": 1, "packets": 3}
    assert [one.step for one in ran.happened] == ["fire", "map_lookup_elem"]
    assert ran.happened[0] == (PACKET, ("attached",), 1, "fire"), "nobody sees which came first"
    assert ran.happened[1] == (PACKET, ("attached",), 0, "map_lookup_elem")
    assert among(run, recipe(), "5.9", ((4, PACKET),)).seen["packets"] == 1, "zero comes after it"


def test_nothing_strikes_where_nothing_is_attached() -> None:
    ran = among(run, recipe(), "5.9", ((1, PACKET), (3, RMDIR)))
    assert ran.happened == []
    assert ran.seen == {"attached": 1, "packets": 1}


def test_each_event_does_what_it_says() -> None:
    assert among(run, recipe(), "5.9", ((5, DETACH),)).seen["packets"] == 0
    assert among(run, recipe(), "5.9", ((5, ATTACH),)).seen["packets"] == 2
    assert among(run, recipe(), "5.8", ((5, ATTACH),)).seen["packets"] == 1, "EBUSY"
    ran = among(run, recipe(), "5.9", ((4, RMDIR),))
    assert (ran.seen, ran.end) == ({}, "ENOENT")


def test_undefined_behaviour_ends_a_run() -> None:
    def twice(kernel: KernelInterface, observe: Observe) -> None:
        web = kernel.mkdir("web")
        counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64)
        prog = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts))
        kernel.prog_attach(web, prog, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI)
        observe("link", lambda: kernel.link_create(web, prog, BPF_CGROUP_INET_EGRESS))

    ran = among(twice, recipe(), "5.8", ())
    assert (ran.seen, ran.end) == ({"link": "undefined"}, "undefined")


def test_what_the_old_program_suffered_too_is_no_race() -> None:
    """Between the same observations: a detach, before the packet."""
    tried, found = races(recipe(), 1)
    assert tried > 100
    assert DETACH not in {event for race in found for event, _, _ in race.events}


def test_what_only_the_recipe_suffers_is_a_race() -> None:
    """The old program counted one packet at home, whoever else attached: the map was its own."""
    _, found = races(recipe(lambda seen: seen["packets"] == 1), 1)
    assert found
    assert {race.events[0][0] for race in found} == {ATTACH}
    assert {step for race in found for _, _, step in race.events} == {"map_update_elem", "fire"}
    for race in found:
        assert race.releases[0] == "5.9"
        assert "proposal" in race.releases


def test_a_race_of_one_event_hides_those_that_hold_it() -> None:
    promise = recipe(lambda seen: seen["packets"] == 1)
    promise = replace(promise, since=changes.SPARSE_CPUS)  # on the last release only
    one, two = (races(promise, events)[1] for events in (1, 2))
    assert set(one) <= set(two)
    assert all(len(race.events) == 1 or race not in one for race in two)
    alone = {race.events for race in one}
    assert not [race for race in two if len(race.events) == 2 and set(race.events) & {
        event for events in alone for event in events}]  # fmt: skip


def test_every_place_and_order_is_tried() -> None:
    assert len(list(schedules(3, 1))) == 3 * len(EVENTS)
    found = list(schedules(3, 2))
    assert len(set(found)) == len(found) == 3 * 4 + 6 * 16
    assert ((1, PACKET), (1, DETACH)) in found
    assert ((1, DETACH), (1, PACKET)) in found


def test_an_event_within_an_observation_comes_before_its_label() -> None:
    def twice(kernel: KernelInterface, observe: Observe) -> None:
        web = kernel.mkdir("web")
        prog = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB)
        kernel.prog_attach(web, prog, BPF_CGROUP_INET_EGRESS)

        def both() -> int:
            for _ in range(2):
                kernel.fire(web, BPF_CGROUP_INET_EGRESS)
            return 1

        observe("both", both)

    ran = among(twice, recipe(), "5.9", ((4, PACKET),))
    assert ran.happened == [(PACKET, (), 0, "fire")]
    assert interleavings._between(ran, {"both"}) == {((PACKET, 0),)}


def test_releases_without_a_change_between_them_are_tried_once() -> None:
    rows = interleavings._rows(recipe())
    assert ["5.15", "5.16", "5.17"] in rows
    later = interleavings._rows(RECIPES["to_cgrp_storage"])
    assert not Kernel("6.1").has(changes.CGRP_STORAGE)
    assert later[0][0] == "6.2"


# -- the record ------------------------------------------------------------------------------------


def test_every_recipe_is_in_the_record() -> None:
    assert list(recorded.read()) == list(RECIPES), "make divergence writes it again"


@pytest.mark.parametrize("name", RECIPES)
def test_the_races_are_those_of_the_record(name: str) -> None:
    """With one event; the record has more."""
    told = recorded.read()[name]
    again = json.loads(json.dumps(search.raced(name, 1)))
    assert told["events"] == search.EVENTS
    assert told["runs"] > again["runs"]
    assert [race for race in told["races"] if len(race["events"]) == 1] == again["races"]


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_alone_keeps_its_promises(name: str) -> None:
    story = RECIPES[name]
    for row in interleavings._rows(story):
        assert broken(story, among(story.run, story, row[0], ())) == []
