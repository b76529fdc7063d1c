# SPDX-License-Identifier: GPL-2.0-only
"""Worlds as data: what is in them, and what is said of a file that is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support_mutated import JSON, RAW, mutated, places

from reference_model.divergence import world
from reference_model.divergence.world import World, WorldError, load, read

LOAD = {
    "op": "prog_load",
    "type": "cgroup_skb",
    "expected_attach_type": None,
    "body": ["add", 1],
    "maps": ["m1"],
    "helper_flags": 0,
}
DATA: dict[str, Any] = {
    "about": "A map and two programs.",
    "without": ["all else"],
    "depth": 3,
    "alike": [["p1", "p2"]],
    "given": [
        {"op": "mkdir", "cgroup": "c1", "parent": None},
        {"op": "map_create", "map": "m1", "type": "cgroup_storage", "key_size": 16,
         "value_size": 8, "max_entries": 0, "map_flags": 0},
    ],
    "operations": [
        {**LOAD, "each": {"prog": ["p1", "p2"]}},
        {"op": "close", "each": {"prog": ["p1", "p2"]}},
        {"op": "map_lookup", "map": "m1", "key": ["c1", "egress"]},
    ],
}  # fmt: skip


def small() -> World:
    return read(DATA, "small")


@pytest.mark.parametrize("name", world.known())
def test_every_world_is_one(name: str) -> None:
    found = load(name)
    assert found.about.endswith(".")
    assert found.without
    assert found.depth >= 3
    data = json.loads((world.FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert next(iter(data)) == "LICENSE"


def test_the_default_is_there() -> None:
    assert world.DEFAULT in world.known()


def test_each_makes_one_operation_for_each_combination() -> None:
    assert [op["op"] for op in small().operations] == ["prog_load"] * 2 + ["close"] * 2 + [
        "map_lookup"
    ]
    assert [op.get("prog") for op in small().operations] == ["p1", "p2", "p1", "p2", None]


def test_names_are_bits_in_order_of_their_making() -> None:
    found = small()
    assert found.names == ("c1", "m1", "p1", "p2")
    first, second, close, _, lookup = found.moves
    assert (first.needs, first.makes, first.after) == (0b10, 0b100, 0)
    assert (second.makes, second.after) == (0b1000, 0b100)
    assert (close.needs, close.ends, close.makes) == (0b100, 0b100, 0)
    assert lookup.needs == 0b10, "the cgroup of a key may be gone"


def test_what_is_possible() -> None:
    found = small()
    at_first = [place for place, _ in found.possible(0b11, 0b11)]
    assert at_first == [0, 4], "p2 stands for p1 until there is a p1"
    assert [place for place, _ in found.possible(0b111, 0b111)] == [1, 2, 4]
    closed = [place for place, _ in found.possible(0b11, 0b111)]
    assert closed == [1, 4], "a name comes once"
    assert found.makes_sense(bytes([0, 2, 1, 3]))
    assert not found.makes_sense(bytes([2]))
    assert not found.makes_sense(bytes([0, 2, 0]))


def test_renamings_are_of_what_was_made() -> None:
    found = small()
    assert found.renamings(0b111) == ({"p1": "p1"},)
    assert found.renamings(0b1111) == ({"p1": "p1", "p2": "p2"}, {"p1": "p2", "p2": "p1"})
    definitions = [move.definition for move in found.moves]
    assert definitions[0] == definitions[1] != definitions[2]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"operations": []}, "0 operations, not 1 to 256"),
        ({"operations": DATA["operations"] * 2}, "an operation stands there twice"),
        ({"alike": [["p1", "p3"]]}, "alike names ['p3'], which nothing makes"),
        ({"operations": [*DATA["operations"], {"op": "prog_test_run", "prog": "p1", "repeat": 1}]},
         "has no counterpart"),
        ({"given": [{"op": "mkdir", "cgroup": "c1", "parent": "c9"}, *DATA["given"]]},
         "a name in it is not there, or there before"),
        ({"given": [{"op": "fly"}]}, "unknown operation 'fly'"),
        ({"operations": [{"op": "close"}]}, "has no 'map', 'prog' or 'link'"),
        ({"setup": {"speed": 1}}, "setup {'speed': 1}"),
        ({"depth": "deep"}, "'depth' is a number"),
    ],
)  # fmt: skip
def test_what_is_no_world(change: dict[str, Any], reason: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text(json.dumps({**DATA, **change}), encoding="utf-8")
    with pytest.raises(WorldError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: not a world: ")
    assert reason in str(caught.value)


@pytest.mark.parametrize("member", ["about", "without", "depth", "given", "operations"])
def test_what_is_missing_is_named(member: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text(json.dumps({key: DATA[key] for key in DATA if key != member}))
    with pytest.raises(WorldError, match=f"not a world: an object has no '{member}'"):
        load(path)


def test_a_world_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="nowhere: no such world: .*known: attachments, "):
        load("nowhere")
    with pytest.raises(WorldError, match="no such world"):
        load(tmp_path / "none.json")


@settings(max_examples=200)
@given(st.data())
def test_a_mutated_world(data: st.DataObject) -> None:
    """It is a world or refused in a sentence."""
    path = data.draw(st.sampled_from(places(DATA)))
    how = data.draw(st.sampled_from(["replace", "replace", "remove", "double"]))
    try:
        read(mutated(DATA, path, how, data.draw(JSON)), "mutated")
    except ValueError as error:
        said = str(error)
        assert not RAW.search(said), said


@pytest.mark.parametrize("text", ["", "[" * 100_000, "null", "1e999", "\ufeff{}", "\0"])
def test_a_text_that_is_no_world(text: str, tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(WorldError) as refused:
        load(file)
    assert str(refused.value).startswith(f"{file}: not a world: ")
    assert not RAW.search(str(refused.value))


MANY = {"cgroup": [f"c{n}" for n in range(999)], "parent": [f"c{n}" for n in range(9999)]}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("depth", 10**30, "not 1 to 64"),
        ("alike", [[]], "a group of 'alike' has no names"),
        ("operations", [{"op": "mkdir", "each": MANY}], "257 operations, not 1 to 256"),
    ],
)
def test_a_world_without_measure(name: str, value: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read({**DATA, name: value}, "large")
