# SPDX-License-Identifier: GPL-2.0-only
"""Stories as traces: every one can be written, and read back it observes the same."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from support import outcome

import reference_model
from records import results
from reference_model import (
    BOGUS_KEY,
    BPF_CGROUP_INET_EGRESS,
    BPF_CGROUP_INET_SOCK_CREATE,
    BPF_F_ALLOW_MULTI,
    BPF_F_LOCK,
    BPF_F_RDONLY,
    BPF_F_REPLACE,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_MAP_TYPE_CGRP_STORAGE,
    BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    BPF_MAP_TYPE_PROG_ARRAY,
    BPF_NOEXIST,
    BPF_PROG_TYPE_CGROUP_SKB,
    BPF_PROG_TYPE_CGROUP_SOCK,
    S32,
    SPIN_LOCK,
    STORAGE_KEY,
    U32,
    U64,
    Add,
    BpfError,
    Copy,
    Denied,
    Flush,
    Kernel,
    Mix,
    Return,
    Struct,
    TailCall,
    UndefinedBehaviour,
    Verdict,
    traces,
)
from reference_model.__main__ import main
from reference_model.catalogue import RELEASES, UNDEFINED, observed, stories
from reference_model.interface import CALLS, KernelInterface
from reference_model.releases import release as release_of
from reference_model.traces import export
from reference_model.traces.export import StoryProgram
from reference_model.traces.notebook import NotExportable, OtherPath
from reference_model.traces.scribe import Scribe

RECORD = Path(__file__).parents[3] / "records" / "traces" / "stories.jsonl"
PROGRAMS = {program.name: program for program in export.story_programs()}
SKB, EGRESS = BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS
SHARED, MULTI = BPF_MAP_TYPE_CGROUP_STORAGE, BPF_F_ALLOW_MULTI

each_program = pytest.mark.parametrize("name", PROGRAMS)


@cache
def exported(name: str) -> tuple[traces.Trace, ...]:
    return tuple(export.exported(PROGRAMS[name]))


def answered(found: traces.Trace, release: str) -> traces.Trace:
    """The trace with the model's answers."""
    replayer = traces.Replayer(Kernel(release, **found.setup))
    answers: list[Any] = []
    try:
        for op in found.ops:
            answers.append(replayer.answer(op))
    except UndefinedBehaviour as error:
        return replace(found, undefined={release: str(error)})
    return replace(found, answers={release: answers})


def scribe(release: str = "latest") -> Scribe:
    return Scribe(traces.Replayer(Kernel(release)).answer)


# -- stories ---------------------------------------------------------------------------------------


def test_every_story_is_there() -> None:
    assert set(stories()) == {name for name in PROGRAMS if not name.endswith(".old")}
    assert len(PROGRAMS) > len(stories()), "the old programs of recipes too"


@each_program
def test_a_line_says_it_all(name: str) -> None:
    for found in exported(name):
        assert traces.parse(traces.line(found)) == found
        assert found.answers == {}
        assert found.undefined == {}


@each_program
def test_replayed_it_observes_the_same(name: str) -> None:
    """On each release one of the traces is what the story does, answer by answer."""
    program = PROGRAMS[name]
    for release in program.releases:
        direct = observed(program.run, Kernel(release, **program.setup))
        traces = [answered(found, release) for found in exported(name)]
        if UNDEFINED in direct.values():
            assert any(found.undefined for found in traces), release
        else:
            assert export.observed_in(program, traces, release) == direct, release


@each_program
def test_only_what_the_story_says_is_undefined(name: str) -> None:
    """An executor may run all traces of a safe story on every kernel."""
    program = PROGRAMS[name]
    for release in program.releases:
        direct = observed(program.run, Kernel(release, **program.setup))
        for found in exported(name):
            assert bool(answered(found, release).undefined) == (UNDEFINED in direct.values())


def test_paths() -> None:
    """One trace for each path, named after the first release; a beginning is no path."""
    names = [found.id for found in exported("second_program_may_use_the_map")]
    assert names == [
        "second_program_may_use_the_map@4.19",
        "second_program_may_use_the_map@5.9",
    ]
    assert [found.id for found in exported("link_update_compares_maps")] == [
        "link_update_compares_maps"
    ]
    assert len({found.id for name in PROGRAMS for found in exported(name)}) == sum(
        len(exported(name)) for name in PROGRAMS
    )


def test_a_kernel_that_answers_as_no_model_fits_no_trace() -> None:
    program = PROGRAMS["second_program_may_use_the_map"]
    (old, new) = (answered(found, "5.8") for found in exported(program.name))
    assert export.observed_in(program, [old, new], "5.8") is not None
    answers = list(old.answers["5.8"])
    answers[[op["op"] for op in old.ops].index("map_lookup")] = "skip"
    assert export.observed_in(program, [replace(old, answers={"5.8": answers})], "5.8") is None
    assert export.observed_in(program, [new], "5.8") is None
    assert export.observed_in(program, [old, new], "5.9") is None


# -- answers of kernels ----------------------------------------------------------------------------


@cache
def recorded() -> dict[str, traces.Trace]:
    """The stories that kernels answered; none yet if the file is not there."""
    return {found.id: found for found in traces.read(RECORD)} if RECORD.exists() else {}


@each_program
def test_recorded_kernels_observe_what_the_story_says(name: str) -> None:
    program = PROGRAMS[name]
    fresh = {found.id: found for found in exported(name)}
    there = [recorded()[label] for label in fresh if label in recorded()]
    for found in there:
        again = "the story changed after it was recorded: record it again"
        assert found.ops == fresh[found.id].ops, again
        assert found.setup == fresh[found.id].setup, again
    for kernel in {kernel for found in there for kernel in found.answers}:
        broke = any(kernel in found.undefined for found in there)
        if not broke and not name.endswith(".old"):
            seen = export.observed_in(program, there, kernel)
            assert seen is not None
            assert results.agrees(seen, stories()[name].expected(kernel).seen), kernel


def test_the_model_answers_as_recorded_kernels_did() -> None:
    scores = traces.replay([RECORD]) if RECORD.exists() else {}
    assert [str(found) for score in scores.values() for found in score.differences] == []
    assert set(recorded()) <= {found.id for name in PROGRAMS for found in exported(name)}


# -- the scribe ------------------------------------------------------------------------------------


def test_it_answers_as_the_kernel_does() -> None:
    """A walk through all that stories do, beside the model itself."""
    seen = [walk(kernel) for kernel in (Kernel("6.12"), scribe("6.12"))]
    assert seen[0] == seen[1]


def walk(kernel: Any) -> list[object]:
    web = kernel.mkdir("web")
    app = kernel.mkdir("app", web)
    pair = Struct(lock=SPIN_LOCK, count=U32)
    counts = kernel.map_create(SHARED, STORAGE_KEY, U64)
    percpu = kernel.map_create(BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, U64, U64)
    locked = kernel.map_create(SHARED, STORAGE_KEY, pair, btf=True)
    cgrps = kernel.map_create(BPF_MAP_TYPE_CGRP_STORAGE, S32, U64, map_flags=1, btf=True)
    jumps = kernel.map_create(BPF_MAP_TYPE_PROG_ARRAY, U32, U32, max_entries=1)
    count = kernel.prog_load(SKB, [Mix(counts, 2), Add(percpu), TailCall(jumps)])
    gate = kernel.prog_load(SKB, [Add(percpu), Verdict(locked, field="count")])
    plain = kernel.prog_load(SKB, [Copy(counts, counts), Flush(counts, counts, 3), Return(1)])
    link = kernel.link_create(app, gate, EGRESS)
    kernel.prog_attach(web, count, EGRESS, MULTI)
    key, lock_key = (web, EGRESS), (app, EGRESS)
    for cpu in (0, 1):
        kernel.fire(app, EGRESS, cpu=cpu)
    seen: list[object] = [
        kernel.map_lookup_elem(counts, key),
        kernel.map_lookup_elem(percpu, web),
        kernel.map_lookup_elem(locked, lock_key),
        kernel.prog_test_run(plain),
        kernel.prog_query(app, EGRESS, 1).prog_ids == (count.id, gate.id),
        kernel.map_get_next_key(counts)[0] == web.id,
        kernel.map_get_next_key(percpu) in (web.id, app.id),
        kernel.map_get_next_key(counts, key) is BOGUS_KEY,
        outcome(kernel.map_lookup_elem, counts, BOGUS_KEY),
        web.id == web.st_ino,
        kernel.map_lookup_elem(counts, (web.st_ino, EGRESS)),
        kernel.map_update_elem(percpu, web, [7, 8]),
        kernel.map_lookup_elem(percpu, web),
        kernel.map_update_elem(percpu, web, [9, 9]),
        kernel.map_lookup_elem(percpu, web),
        kernel.map_update_elem(locked, lock_key, {"count": 1}, BPF_F_LOCK),
        kernel.map_lookup_elem(locked, lock_key),
        kernel.map_update_elem(cgrps, web, 5, BPF_NOEXIST),
        kernel.map_lookup_elem(cgrps, web),
        outcome(kernel.map_get_next_key, cgrps, web),
        kernel.map_delete_elem(cgrps, web),
        outcome(kernel.map_delete_elem, counts, key),
    ]
    with pytest.raises(Denied):
        kernel.fire(app, EGRESS)
    with kernel.user():
        seen.append(outcome(kernel.map_lookup_elem, counts, key))
    with pytest.raises(BpfError, match="EPERM"), kernel.user():
        kernel.map_create(SHARED, STORAGE_KEY, U64)
    kernel.link_update(link, gate, flags=BPF_F_REPLACE, old_prog=gate)
    kernel.link_detach(link)
    socket = kernel.socket(app)
    kernel.fire(socket, EGRESS)
    kernel.obj_pin("counts", counts)
    again = kernel.obj_get("counts", BPF_F_RDONLY)
    kernel.unlink("counts")
    kernel.map_freeze(counts)
    seen += [outcome(kernel.map_update_elem, counts, key, 1), kernel.map_lookup_elem(again, key)]
    kernel.close(again)
    kernel.prog_detach(web, count, EGRESS)
    kernel.rmdir(app)
    kernel.close_socket(socket)
    return seen


def test_before_5_5_an_id_is_no_inode() -> None:
    kernel = scribe("5.4")
    web = kernel.mkdir("web")
    assert web.id != web.st_ino
    assert web.id & 0xFFFFFFFF == web.st_ino
    counts = kernel.map_create(SHARED, STORAGE_KEY, U64)
    count = kernel.prog_load(SKB, Add(counts))
    kernel.prog_attach(web, count, EGRESS, MULTI)
    assert kernel.map_lookup_elem(counts, (web.id, EGRESS)) == 0
    assert outcome(kernel.map_lookup_elem, counts, (web.st_ino, EGRESS)) == "ENOENT"
    assert [op.get("by") for op in kernel.ops[-2:]] == [None, "st_ino"]


def test_a_denied_socket() -> None:
    kernel = scribe()
    web = kernel.mkdir("web")
    deny = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SOCK, Return(0))
    kernel.prog_attach(web, deny, BPF_CGROUP_INET_SOCK_CREATE)
    with pytest.raises(Denied):
        kernel.socket(web)


def test_a_simple_body_stays_simple() -> None:
    """Executors that know only the recorded operations can run most programs."""
    kernel = scribe()
    counts = kernel.map_create(SHARED, STORAGE_KEY, U64)
    jumps = kernel.map_create(BPF_MAP_TYPE_PROG_ARRAY, U32, U32, max_entries=1)
    kernel.prog_load(SKB)
    kernel.prog_load(SKB, Mix(counts, 3))
    kernel.prog_load(SKB, [Add(counts), TailCall(jumps)])
    kernel.prog_load(SKB, [Add(counts), Mix(counts, 1)])
    with pytest.raises(BpfError, match="EINVAL"):
        kernel.prog_load(SKB, TailCall(jumps, 1))  # jumps is for programs with counts
    fields = ("body", "maps", "tail_call", "steps")
    assert [{f: op[f] for f in fields if f in op} for op in kernel.ops[2:]] == [
        {"body": ["add", 1], "maps": []},
        {"body": ["mix", 3], "maps": ["m1"]},
        {"body": ["add", 1], "maps": ["m1"], "tail_call": "m2"},
        {"steps": [["add", "m1", 1], ["mix", "m1", 1]]},
        {"steps": [["tail_call", "m2", 1]]},
    ]


def not_exportable(ask: str) -> None:
    kernel: Any = scribe()
    web, counts = kernel.mkdir("web"), kernel.map_create(SHARED, STORAGE_KEY, U64)
    count = kernel.prog_load(SKB, Add(counts))
    names = {name: getattr(reference_model, name) for name in reference_model.__all__}
    names |= {"kernel": kernel, "web": web, "counts": counts, "count": count}
    exec(ask, {**names, "EGRESS": EGRESS, "SHARED": SHARED})


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        ("kernel.prog_bind_map(count, counts)", "no operation for Kernel.prog_bind_map"),
        ("kernel.prog_attach(web, count, EGRESS, 10, relative=count)", "no field for relative="),
        ("kernel.link_create(web, count, EGRESS, 64)", "no field for flags=64"),
        ("kernel.prog_load(BPF_PROG_TYPE_LSM, lsm_hook='socket_bind')", "no field for lsm_hook="),
        ("kernel.map_create(SHARED, STORAGE_KEY, U64, numa_node=1)", "no field for numa_node=1"),
        ("kernel.map_create(SHARED, U64, Struct(k=U8), btf=True)", "no name for U8"),
        ("kernel.map_lookup_elem(counts, (99, EGRESS))", "no cgroup has the id 0x63"),
        ("kernel.obj_get('nowhere')", "nothing was pinned at nowhere"),
        ("kernel.close(count); kernel.prog_attach(web, count, EGRESS)", "it is closed"),
        ("kernel.socket(web, cpu=1)", "no field for cpu=1"),
    ],
)
def test_what_the_format_cannot_say_is_named(ask: str, says: str) -> None:
    with pytest.raises(NotExportable, match=says):
        not_exportable(ask)


def test_per_cpu_values_that_differ_are_not_exportable() -> None:
    kernel = scribe()
    web = kernel.mkdir("web")
    percpu = kernel.map_create(BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, STORAGE_KEY, U64)
    with pytest.raises(NotExportable, match="no update with"):
        kernel.map_update_elem(percpu, (web, EGRESS), [1, 5])


def test_a_strange_answer_is_another_path() -> None:
    kernel = Scribe(lambda op: "skip")
    with pytest.raises(OtherPath, match="'skip'"):
        kernel.mkdir("web")


# -- the command -----------------------------------------------------------------------------------


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "reattach_keeps_data", "walk_all_keys"]) == 0
    lines = capsys.readouterr().out.splitlines()
    ids = [json.loads(line)["id"] for line in lines]
    assert ids[0] == "reattach_keeps_data"
    assert {label.partition("@")[0] for label in ids[1:]} == {"walk_all_keys", "walk_all_keys.old"}


@pytest.mark.no_cover
def test_command_without_names_writes_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [traces.parse(line).id for line in lines] == [
        found.id for name in PROGRAMS for found in exported(name)
    ]


def test_command_names_unknown_stories(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "nonsense"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("no story nonsense: there are ")


def test_command_names_what_cannot_be_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def bind(kernel: Any, observe: Any) -> None:
        kernel.prog_bind_map(None, None)

    odd = StoryProgram("odd", bind, RELEASES, {})
    monkeypatch.setattr(export, "story_programs", lambda names: [odd])
    assert main(["export"]) == 2
    assert capsys.readouterr().err == "odd: the format has no operation for Kernel.prog_bind_map\n"


# -- the format ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("member", "says"),
    [
        ({"setup": {"cpus": 4}}, "setup"),
        ({"setup": {"memlock": "much"}}, "setup"),
        ({"ops": [{"op": "user", "capabilities": ["CAP_NET_RAW"]}]}, "capabilities: unknown"),
        ({"ops": [{"op": "obj_get", "path": "x"}]}, "has no 'map', 'prog' or 'link'"),
        ({"ops": [{"op": "map_next_key", "map": "m1"}]}, "has no 'key'"),
        ({"ops": [{"op": "map_lookup", "map": "m1", "key": ["c1", "x"]}]}, "key: unknown 'x'"),
        (
            {
                "ops": [
                    {
                        "op": "prog_load",
                        "prog": "p1",
                        "type": "cgroup_skb",
                        "expected_attach_type": None,
                        "helper_flags": 0,
                        "steps": [["fly", "m1"]],
                    }
                ]
            },
            "steps: unknown 'fly'",
        ),
    ],
)
def test_malformed(member: dict[str, Any], says: str) -> None:
    line = {"id": "t", "ops": [{"op": "mkdir", "cgroup": "c1", "parent": None}], "answers": []}
    with pytest.raises(ValueError, match=says):
        traces.parse(json.dumps({**line, **member}))


def test_setup_is_the_kernels() -> None:
    """A trace of a kernel with little memory is replayed on a model with little memory."""
    (found,) = exported("attach_needs_no_memlock")
    assert found.setup == {"memlock": stories()["attach_needs_no_memlock"].kernel["memlock"]}
    assert answered(found, "5.10").answers != answered(replace(found, setup={}), "5.10").answers
    score = traces.Score()
    traces.compare(answered(found, "5.10"), "5.10", score)
    assert (score.differ, release_of("5.10").name) == (0, "5.10")


def test_the_scribe_inherits_no_stub_of_the_interface() -> None:
    """A call that the scribe did not define would do nothing and return None."""
    stubs = set(KernelInterface.__mro__)
    for name in CALLS:
        owner = next(kind for kind in Scribe.__mro__ if name in vars(kind))
        assert owner not in stubs, name
