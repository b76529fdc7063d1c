# SPDX-License-Identifier: GPL-2.0-only
"""The search: that it misses nothing, puts everything back, and merges only what is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from reference_model import Release
from reference_model.divergence import canonical, lockstep, report, search, world
from reference_model.divergence.causes import DifferenceKind, answers, contains, kind_of
from reference_model.divergence.lockstep import Lockstep, changes_state
from reference_model.divergence.side import Checkpoint, Side
from reference_model.divergence.world import World, load
from reference_model.errors import UNDEFINED
from reference_model.state import CAPABILITIES, STATEFUL
from reference_model.traces.listing import statements

WORLDS = world.known()


def found(old: str, new: str, where: World, depth: int, jobs: int = 1) -> search.SearchResult:
    return search.search(Release(old), Release(new), where, depth, jobs)


# -- putting back ----------------------------------------------------------------------------------


def everything(thing: Any, seen: dict[int, int]) -> Any:
    """All that hangs on an object, by its slots: what a checkpoint must put back."""
    if isinstance(thing, (int, str, bytes, type(None), Release)) or callable(thing):
        return repr(thing)
    if id(thing) in seen:
        return f"#{seen[id(thing)]}"
    seen[id(thing)] = len(seen)
    if isinstance(thing, dict):
        return [(everything(k, seen), everything(v, seen)) for k, v in thing.items()]
    if isinstance(thing, (list, tuple)):
        return [everything(part, seen) for part in thing]
    if isinstance(thing, (set, frozenset)):
        return sorted(map(repr, thing))
    if isinstance(thing, bytearray):
        return bytes(thing)
    slots = {name for base in type(thing).__mro__ for name in getattr(base, "__slots__", ())}
    parts = {name: getattr(thing, name) for name in slots if hasattr(thing, name)}
    parts.update(getattr(thing, "__dict__", {}))
    return [(name, everything(parts[name], seen)) for name in sorted(parts)]


def walk(of: Side, where: World, path: bytes) -> None:
    for place in path:
        move = where.moves[place]
        if of.answer(move.op) == "ok" and move.makes:
            of.note(where.names[move.makes.bit_length() - 1], move.definition)


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("release", ["5.8", "proposal", "latest"])
def test_a_checkpoint_puts_everything_back(name: str, release: str) -> None:
    where = load(name)
    some = paths(release, where, 4)
    for path in some[:: len(some) // 12 + 1]:
        one = Side(Release(release), where)
        for op in where.given:
            one.answer(op)
        walk(one, where, path)
        before, mark = everything(one, {}), Checkpoint(one)
        for move in where.moves:
            one.answer(move.op)
            mark.restore()
        assert everything(one, {}) == before


def test_a_checkpoint_puts_the_caller_back() -> None:
    one = Side(Release("5.8"), load("users"))
    one.answer({"op": "user", "capabilities": ["CAP_BPF"]})
    mark = Checkpoint(one)
    for _ in range(2):
        one.answer({"op": "user", "capabilities": None})
        assert one.kernel.capabilities is CAPABILITIES
        mark.restore()
        assert one.kernel.capabilities == {"CAP_BPF"}


def paths(release: str, where: World, depth: int) -> list[bytes]:
    """Programs that lead to different states."""
    both = Lockstep(Release(release), Release(release), where)
    known, made = {both.digest(): b""}, [b""]
    for path in made:
        if len(path) == depth:
            break
        both.go(path)
        for place, move in where.possible(both.live, both.made):
            answer = both.step(move)[0]
            if changes_state(move, answer) and both.digest() not in known:
                known[both.digest()] = path + bytes((place,))
                made.append(known[both.digest()])
            both.back()
    return made


@pytest.mark.parametrize("name", WORLDS)
def test_a_refusal_changes_nothing(name: str) -> None:
    """What the search takes for granted: it does not look at the state after one."""
    where = load(name)
    refused = 0
    some = paths("5.8", where, 4)
    for path in some[:: len(some) // 20 + 1]:
        both = Lockstep(Release("5.8"), Release("5.9"), replace(where))
        both._one = None
        both.go(path)
        before = both.digest()
        for _, move in where.possible(both.live, both.made):
            given = both.step(move)
            if given[0] == given[1] and not changes_state(move, given[0]):
                refused += 1
                assert both.digest() == before, move.op
            both.back()
    assert refused


# -- merging ---------------------------------------------------------------------------------------


def merged(old: str, new: str, where: World, depth: int) -> list[tuple[bytes, bytes]]:
    """Pairs of programs that the search takes for one."""
    both = Lockstep(Release(old), Release(new), where)
    known, level, twice = {both.digest(): b""}, [b""], []
    for _ in range(depth):
        following = []
        for path in level:
            both.go(path)
            for place, move in where.possible(both.live, both.made):
                before, after = both.step(move)
                if before == after and changes_state(move, before):
                    longer, digest = path + bytes((place,)), both.digest()
                    if digest in known:
                        twice.append((known[digest], longer))
                    else:
                        known[digest] = longer
                        following.append(longer)
                both.back()
        level = following
    return twice


def unlike(old: str, new: str, where: World, first: bytes, second: bytes) -> str:
    """What two programs that are taken for one answer differently afterwards."""
    one, other = (Lockstep(Release(old), Release(new), where) for _ in range(2))
    one.go(first)
    other.go(second)
    if (one.live, one.made) != (other.live, other.made):
        return "other names live"
    for _, move in where.possible(one.live, one.made):
        answers = one.step(move), other.step(move)
        if list(answers[0]) != list(answers[1]):
            return f"{first!r} {second!r} {move.op}: {answers}"
        if answers[0][0] == answers[0][1] and one.digest() != other.digest():
            return f"{first!r} {second!r}: other states after {move.op}"
        one.back()
        other.back()
    return ""


@pytest.mark.parametrize(
    ("name", "old", "new", "depth"),
    [
        ("attachments", "5.8", "5.9", 4),
        ("links", "7.1", "7.2", 3),
        ("lifetime", "5.2", "5.3", 5),
        ("tail_calls", "6.16", "6.17", 4),
        ("memory", "5.10", "5.11", 6),
    ],
)
def test_what_is_merged_answers_the_same_for_ever(
    name: str, old: str, new: str, depth: int
) -> None:
    """The same answers to every operation, and then the same states again."""
    where = replace(load(name), alike=())
    twice = merged(old, new, where, depth)
    assert len(twice) > 10
    assert [
        say for pair in twice[:: len(twice) // 30 + 1] if (say := unlike(old, new, where, *pair))
    ] == []


def test_that_check_sees_a_state_that_tells_too_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canonical, "bytes", lambda data: b"", raising=False)  # no values
    where = replace(load("attachments"), alike=())
    assert any(unlike("5.9", "5.10", where, *pair) for pair in merged("5.9", "5.10", where, 3)[::3])


LEFT_OUT = {
    "no operation of the format shows it": {"Hook.revision"},
    "the operations of the worlds name the hooks that a socket passes": {"Socket.bound"},
    "a name that lives is that of an open descriptor": {
        *(f"{kind}.open" for kind in ("Cgroup", "LinkFd", "MapFd", "ProgFd")),
    },
}
"""Numbers of a state that its telling leaves out, by the reason why they cannot matter."""


def silent(release: str, where: World) -> set[str]:
    """The numbers that can be changed, each where it stands, and the state looks as before."""
    found = set()
    for path in paths(release, where, 4)[-12:]:
        one = Side(Release(release), where)
        for op in where.given:
            one.answer(op)
            move = where.move(op)
            one.note(where.names[move.makes.bit_length() - 1], move.definition)
        walk(one, where, path)
        before = canonical.form(one, {})
        for thing, *_ in Checkpoint(one)._objects:
            for slot in STATEFUL[type(thing)]:
                value = getattr(thing, slot)
                if isinstance(value, int) and thing is not one.kernel.root:
                    setattr(thing, slot, not value if isinstance(value, bool) else value + 1)
                    if canonical.form(one, {}) == before:
                        found.add(f"{type(thing).__name__}.{slot}")
                    setattr(thing, slot, value)
    return found


@pytest.mark.no_cover
def test_every_number_of_a_state_is_told_or_left_out_for_a_reason() -> None:
    """And no reason is given for nothing.  Nothing of the format touches the root."""
    found = {slot for name in WORLDS for on in ("5.8", "7.1") for slot in silent(on, load(name))}
    assert found == set().union(*LEFT_OUT.values())


@pytest.mark.no_cover
def test_names_alike_are_one() -> None:
    where = load("attachments")
    apart = replace(where, alike=())
    assert found("5.9", "5.10", where, 3).states < found("5.9", "5.10", apart, 3).states
    kinds = [{g.kind for g in found("5.8", "5.9", w, 4).groups.values()} for w in (where, apart)]
    assert kinds[0] == kinds[1]


# -- the same result whichever way -----------------------------------------------------------------


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("name", "old", "new", "depth"),
    [("attachments", "5.8", "5.9", 4), ("links", "7.1", "7.2", 4), ("users", "5.18", "5.19", 4)],
)
def test_any_number_of_processes_finds_the_same(name: str, old: str, new: str, depth: int) -> None:
    where = load(name)
    one, *others = (report.data(found(old, new, where, depth, jobs)) for jobs in (1, 2, 3))
    assert others == [one, one]
    assert one["groups"]


@pytest.mark.parametrize(
    ("name", "old", "new", "depth"),
    [
        ("lifetime", "5.2", "5.3", 6),
        ("links", "7.1", "7.2", 4),
        ("memory", "5.10", "5.11", 5),
        ("attachments", "7.0", "7.1", 3),
        ("users", "5.18", "5.19", 3),
        ("keys", "5.8", "proposal", 6),
    ],
)
def test_one_kernel_stands_for_both(
    name: str, old: str, new: str, depth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = load(name)
    quick = report.data(found(old, new, where, depth))
    monkeypatch.setattr(lockstep, "_agreed", lambda *given: None)
    assert report.data(found(old, new, where, depth)) == quick
    assert quick["groups"]


# -- nothing is missed -----------------------------------------------------------------------------


def few(*wanted: dict[str, Any]) -> World:
    """The default world with a few of its operations."""
    where = load("attachments")
    operations = tuple(
        op for op in where.operations if any(one.items() <= op.items() for one in wanted)
    )
    return replace(where, operations=operations, alike=())


def programs(
    old: str, new: str, where: World, depth: int
) -> Iterator[tuple[bytes, DifferenceKind]]:
    """All programs that end where the releases part, one by one: no merging, no lockstep."""
    waiting = [b""]
    for path in waiting:
        ops = [where.operations[place] for place in path]
        before, after = (answers(Release(name), where, ops) for name in (old, new))
        if before != after:
            yield path, kind_of(ops[-1], before[-1], after[-1])
        elif len(path) < depth and (not path or before[-1] != UNDEFINED):
            longer = (path + bytes((place,)) for place in range(len(where.operations)))
            waiting += filter(where.makes_sense, longer)


AT = {"cgroup": "c1", "prog": "p1"}


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("where", "old", "new", "depth"),
    [
        (few({"op": "prog_load", "prog": "p1"}, {"op": "prog_attach", **AT, "flags": 0},
             {"op": "prog_detach", **AT}, {"op": "link_create", **AT}, {"op": "fire"},
             {"op": "close", "link": "l1"}, {"op": "map_lookup", "key": ["c1", "egress"]}),
         "5.8", "5.9", 5),
        (few({"op": "prog_load", "maps": ["m1"]}, {"op": "prog_attach", **AT, "flags": 2},
             {"op": "map_keys"}, {"op": "prog_query", "cgroup": "c1"}, {"op": "map_lookup"}),
         "5.8", "proposal", 4),
    ],
)  # fmt: skip
def test_nothing_is_missed(where: World, old: str, new: str, depth: int) -> None:
    """Every program that tells them apart holds a shortest one of its kind, and those are it."""
    shortest = {
        (bytes(map(where.operations.index, group.ops)), group.kind)
        for group in found(old, new, where, depth).groups.values()
    }
    apart = list(programs(old, new, where, depth))
    kinds = {kind for _, kind in shortest}
    assert len(apart) > 40
    assert {kind for _, kind in apart} == kinds
    for path, kind in shortest:
        assert (path, kind) in apart
        assert not any(
            contains(path, other) for other, same in apart if same == kind and other != path
        )


def test_undefined_behaviour_on_one_side_is_a_difference() -> None:
    kinds = {g.kind for g in found("5.8", "5.9", load("attachments"), 3).groups.values()}
    assert DifferenceKind("link_create", UNDEFINED, "ok") in kinds


def test_releases_that_part_over_what_is_given() -> None:
    where = load("keys")
    percpu = next(op for op in where.operations if op.get("type") == "percpu_cgroup_storage")
    where = replace(where, given=(*where.given, percpu), operations=where.operations[-1:])
    result = found("4.19", "4.20", where, 5)
    (group,) = result.groups.values()
    assert group.cause == ("PERCPU_STORAGE",)
    assert group.ops == (*load("keys").given, percpu)
    assert result.depth == 0
    assert ">>> # on 4.20: ok" in report.text(result)


def test_a_difference_without_a_story_is_told_all_the_same() -> None:
    result = found("5.8", "5.9", load("attachments"), 2)
    (group,) = result.groups.values()
    stray = replace(group, kind=DifferenceKind("fire", "ok", "denied"))
    assert "No story documents it yet." in report.described(result, stray)


def test_the_page_shows_statements_only() -> None:
    where = load("users")
    user = {"op": "user", "capabilities": ["CAP_BPF"]}
    ops = [*where.given, user, {"op": "map_freeze", "map": "m1"}]
    lines = statements("5.7", ops, where.setup, len(where.given))
    assert lines == ["with kernel.user('CAP_BPF'):", "    kernel.map_freeze(m1)"]


# -- how it ends -----------------------------------------------------------------------------------


def stopping(after: int) -> Callable[[search.SearchResult, int, int], None]:
    """Somebody who presses Ctrl-C after a while."""

    def progress(result: search.SearchResult, done: int, of: int) -> None:
        if result.transitions > after:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("jobs", [2, 1])
def test_an_interrupted_search_says_what_it_covered(jobs: int) -> None:
    where = load("attachments")
    old, new = Release("5.8"), Release("5.9")
    result = search.search(old, new, where, 7, jobs, stopping(2_000))
    assert not result.whole
    assert result.depth == 3
    again = found("5.8", "5.9", where, result.depth)
    assert [*again.groups] == [*result.groups]
    assert report.covered(result).endswith("transitions, interrupted")


def test_a_world_may_come_to_its_end() -> None:
    where = load("keys")
    where = replace(where, operations=where.operations[:1])
    result = found("5.8", "5.9", where, 9)
    assert (result.depth, result.states) == (2, [1, 1, 0])


def test_the_meter_speaks_once_a_second(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter([0.0, 0.5, 1.5, 1.5, 1.6])
    monkeypatch.setattr("reference_model.divergence.report.time.monotonic", lambda: next(now))
    meter = report.Meter()
    result = found("5.8", "5.9", load("keys"), 1)
    meter(result, 1, 2)
    assert capsys.readouterr().err == ""
    meter(result, 1, 2)
    meter(result, 2, 2)
    meter.end()
    said = capsys.readouterr().err
    assert said.startswith("\rdepth 2: 1 of 2 states, 5 transitions, 3 a second, ")
    assert said.count("depth") == 1
    assert said.endswith("\n")
