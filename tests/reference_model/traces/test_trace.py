# SPDX-License-Identifier: GPL-2.0-only
"""Replay: the model answers as nine kernels did, and whatever differs is found and told."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from support import RECORDED
from support_traces import HAZARDS, LINUX, MKDIR, RMDIR, TRACES, Line, trace_of, written

from reference_model import (
    SPIN_LOCK,
    STORAGE_KEY,
    U32,
    U64,
    Kernel,
    Struct,
    UndefinedBehaviour,
    traces,
)
from reference_model.storages import ByKey, PerAttachment
from reference_model.traces.kinds import Maybe, Name
from reference_model.values import KPTR, TIMER, Array

CREATE = {
    "op": "map_create",
    "map": "m1",
    "type": "cgroup_storage",
    "key_size": 16,
    "value_size": 8,
    "max_entries": 0,
    "map_flags": 0,
}
LOAD = {
    "op": "prog_load",
    "prog": "p1",
    "type": "cgroup_skb",
    "expected_attach_type": "egress",
    "body": ["add", 1],
    "maps": ["m1"],
    "helper_flags": 0,
}
ATTACH = {
    "op": "prog_attach",
    "cgroup": "c1",
    "prog": "p1",
    "attach_type": "egress",
    "flags": 2,
    "replace": None,
}
LINK = {"op": "link_create", "link": "l1", "cgroup": "c1", "prog": "p1", "attach_type": "egress"}
LOOKUP = {"op": "map_lookup", "map": "m1", "key": ["c1", "egress"]}
TWICE: list[dict[str, Any]] = [MKDIR, CREATE, LOAD, LINK, {**LINK, "link": "l2"}, LOOKUP]
"""Two links of a program on a hook: undefined on 5.8.18, the storage shared on 5.9.1."""


def score_of(directory: Path, *lines: Line, kernel: str = "5.8.18") -> traces.Score:
    """What the replay of these traces finds of a kernel."""
    return traces.replay([written(directory, *lines)])[kernel]


@cache
def recorded(path: Path) -> list[dict[str, Any]]:
    """The traces of a file, read without the model's help."""
    data = path.read_bytes()
    text = gzip.decompress(data) if path.suffix == ".gz" else data
    return [json.loads(line) for line in text.splitlines()]


# -- the recorded kernels -------------------------------------------------------------------------


@pytest.mark.parametrize("path", [LINUX, HAZARDS], ids=["linux", "hazards"])
def test_every_answer_of_every_kernel(path: Path) -> None:
    """The issue, 3: 0 differ, for all nine; undefined exactly where the kernel broke."""
    answers, asked, undefined = Counter[str](), Counter[str](), Counter[str]()
    for line in recorded(path):
        for kernels, given in line["answers"]:
            for kernel in kernels:
                asked[kernel] += 1
                answers[kernel] += len(given)
        undefined.update(line["undefined"].keys())
    scores = traces.replay([path])
    assert tuple(scores) == RECORDED
    for kernel, score in scores.items():
        assert score.differences == []
        assert score.numbers() == {
            "traces": asked[kernel] + undefined[kernel],
            "answers": answers[kernel],
            "differ": 0,
            "undefined_kernel": undefined[kernel],
            "undefined_model": undefined[kernel],
        }
        assert score.answers > 300


def test_the_files_are_what_they_were() -> None:
    """As many as the project was given: a shortened file would agree all too easily."""
    lines = [line for path in (LINUX, HAZARDS) for line in recorded(path)]
    answers = sum(len(kernels) * len(given) for line in lines for kernels, given in line["answers"])
    assert len(lines) == 535
    assert answers > 140_000
    broken = [(line["id"], kernel) for line in lines for kernel in line["undefined"]]
    assert len(broken) == 45


def test_every_operation_of_the_format_was_recorded() -> None:
    used = {op["op"] for path in TRACES.glob("*.jsonl*") for t in recorded(path) for op in t["ops"]}
    assert used == set(traces.OPERATIONS)


def test_replay_of_one_kernel() -> None:
    scores = traces.replay([HAZARDS], "6.1.176")
    assert list(scores) == ["6.1.176"]
    assert scores["6.1.176"].numbers() == traces.replay([HAZARDS])["6.1.176"].numbers()
    assert traces.replay([HAZARDS], "6.1") == {}


# -- a difference is found ------------------------------------------------------------------------


def mutations() -> list[Any]:
    """For each kernel a trace of which one answer is no longer what the kernel said."""
    found = []
    for number, kernel in enumerate(RECORDED):
        line = recorded(LINUX)[number * 50]
        given = next(given for kernels, given in line["answers"] if kernel in kernels)
        position = len(given) * number // len(RECORDED)
        found.append(pytest.param(kernel, line, given, position, id=kernel))
    return found


@pytest.mark.parametrize(("kernel", "line", "given", "position"), mutations())
def test_a_changed_answer_is_found(
    kernel: str, line: dict[str, Any], given: list[Any], position: int, tmp_path: Path
) -> None:
    changed = [*given[:position], "EUCLEAN", *given[position + 1 :]]
    found = score_of(tmp_path, {**line, "answers": [[[kernel], changed]]}, kernel=kernel)
    assert found.differ == 1
    assert found.answers == len(given)
    (difference,) = found.differences
    assert (difference.kernel, difference.trace) == (kernel, line["id"])
    assert (difference.position, difference.op) == (position, line["ops"][position])
    assert (difference.recorded, difference.modelled) == ("EUCLEAN", given[position])
    said = str(difference)
    assert said.startswith(f"{kernel}: {line['id']}, operation {position}: ")
    assert '    the kernel: "EUCLEAN"\n' in said
    assert f"    the model:  {json.dumps(given[position])}" in said


def test_of_several_only_the_first_is_told(tmp_path: Path) -> None:
    line = trace_of(["EPERM", "EPERM"])
    score = score_of(tmp_path, line, {**line, "id": "t2"})
    assert score.differ == 4
    assert [(d.trace, d.position) for d in score.differences] == [("t1", 0), ("t2", 0)]
    assert traces.table({"5.8.18": score}).count("the model") == 2


def test_a_kernel_that_broke_where_the_model_goes_on(tmp_path: Path) -> None:
    line = trace_of(None, undefined={"5.9.1": "the kernel warned"}, ops=TWICE)
    score = score_of(tmp_path, line, kernel="5.9.1")
    assert (score.differ, score.undefined_kernel, score.undefined_model) == (1, 1, 0)
    assert score.answers == 0
    (difference,) = score.differences
    assert (difference.position, difference.recorded) == (5, "undefined: the kernel warned")
    assert difference.modelled == "defined"


def test_a_kernel_that_broke_where_the_model_does(tmp_path: Path) -> None:
    score = score_of(tmp_path, trace_of(None, undefined={"5.8.18": "warned"}, ops=TWICE))
    assert (score.differ, score.undefined_kernel, score.undefined_model) == (0, 1, 1)


@pytest.mark.parametrize(("first", "differ"), [("ok", 0), ("EPERM", 1)])
def test_where_the_model_is_undefined_a_kernel_may_answer_anything(
    first: str, differ: int, tmp_path: Path
) -> None:
    answers = [first, "ok", "ok", "ok", "ok", [0]]
    score = score_of(tmp_path, trace_of(answers, TWICE))
    assert (score.undefined_kernel, score.undefined_model) == (0, 1)
    assert score.differ == differ
    assert score.answers == 4
    assert [found.position for found in score.differences] == [0] * differ


@pytest.mark.parametrize("name", ["ids", "found_by_exploring"])
def test_answers_about_ids_and_of_random_sequences(name: str) -> None:
    scores = traces.replay([TRACES / f"{name}.jsonl"])
    assert all(score.answers and score.differences == [] for score in scores.values())
    assert len(scores) > 3


@pytest.mark.no_cover
def test_the_model_is_undefined_where_kernels_broke() -> None:
    """A kernel survived in two places: the memory that it should not have used was still good."""
    survived = set()
    for path in TRACES.glob("*.jsonl*"):
        for one in traces.read(path):
            for kernel in one.answers:
                score = traces.Score()
                traces.compare(one, kernel, score)
                if score.undefined_model:
                    survived.add((one.id, kernel))
    assert survived == {
        ("removed_cgroups_wait_for_sockets", "5.3.1"),
        ("tail_calls_compare_maps", "4.19.108"),
    }


@pytest.mark.no_cover
def test_a_broken_model_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Legacy that keeps its data at detach, as 5.9 does: three kernels no longer agree."""
    monkeypatch.setattr(PerAttachment, "detach", lambda self, attachment: None)
    scores = traces.replay([LINUX])
    differing = [kernel for kernel, score in scores.items() if score.differ]
    assert differing == ["4.19.108", "5.4.59", "5.8.18"]


@pytest.mark.no_cover
def test_a_model_broken_the_other_way_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """5.9 that makes a fresh storage for each attachment, as legacy did."""

    def acquire(self: ByKey, *arguments: Any) -> Any:
        return self.fresh(*arguments)

    monkeypatch.setattr(ByKey, "acquire", acquire)
    scores = traces.replay([HAZARDS])
    assert {"5.9.1", "7.2.13"} <= {kernel for kernel, score in scores.items() if score.differ}


# -- malformed files ------------------------------------------------------------------------------


def without(op: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in op.items() if key != name}


def one(op: dict[str, Any]) -> dict[str, Any]:
    """A trace of this operation alone."""
    return trace_of(["ok"], [op])


GOOD = trace_of(["ok", "ok"])
MALFORMED: list[Any] = [
    pytest.param("{", "Expecting property name", id="bad JSON"),
    pytest.param("", "Expecting value", id="empty line"),
    pytest.param("[1]", r"expected an object, not '\[1\]'", id="no object"),
    *(
        pytest.param(without(GOOD, name), f"no '{name}'", id=f"no {name}")
        for name in ("id", "ops", "answers")
    ),
    pytest.param({**GOOD, "ops": []}, "no operations", id="no operations"),
    pytest.param({**GOOD, "ops": 3}, "ops: expected a list, not '3'", id="operations no list"),
    pytest.param(
        {**GOOD, "ops": [3, 4]},
        "operation 0: expected an object with 'op'",
        id="operation no object",
    ),
    pytest.param(
        {**GOOD, "ops": [{}, {}]},
        "operation 0: expected an object with 'op'",
        id="operation without op",
    ),
    pytest.param({**GOOD, "answers": [3]}, "answers: expected pairs of", id="answers no pairs"),
    pytest.param({**GOOD, "undefined": 3}, "undefined: expected an object", id="undefined list"),
    pytest.param(one({"op": "mkdirs"}), "unknown operation 'mkdirs': known are mkdir,", id="op"),
    *(
        pytest.param(
            one(without(op, name)), f"operation 0, {op['op']}: has no '{name}'", id=f"no {name}"
        )
        for op, name in ((MKDIR, "parent"), (CREATE, "key_size"), (LOAD, "maps"), (LOOKUP, "key"))
    ),
    pytest.param(one({"op": "close"}), "has no 'map', 'prog' or 'link'", id="close nothing"),
    pytest.param(trace_of(["ok"]), r"1 answers of \['5.8.18'\] for 2 operations", id="answers"),
    pytest.param(trace_of(["ok"] * 3), "3 answers of", id="too many answers"),
    pytest.param(trace_of(["ok"] * 2, kernel="5.8.x"), "unknown release '5.8.x'", id="release"),
    pytest.param(trace_of(None, undefined={"9.9": "x"}), "unknown release '9.9'", id="undefined"),
    pytest.param({**GOOD, "undefined": {"5.8.18": "x"}}, "kernel '5.8.18' twice", id="both"),
    pytest.param({**GOOD, "answers": GOOD["answers"] * 2}, "kernel '5.8.18' twice", id="twice"),
    pytest.param(
        one({**ATTACH, "attach_type": "exgress"}),
        "attach_type: unknown 'exgress'",
        id="attach type",
    ),
    pytest.param(one({**ATTACH, "attach_type": None}), "attach_type: unknown None", id="null"),
    pytest.param(
        one({"op": "fire", "cgroup": "c1", "hooks": ["egress", "x"], "cpu": 0}),
        "operation 0, fire: hooks: unknown 'x'",
        id="hooks",
    ),
    pytest.param(
        one({"op": "fire", "cgroup": "c1", "hooks": ["egress"], "cpu": 2}),
        "cpu: unknown 2",
        id="cpu",
    ),
    pytest.param(one({**CREATE, "type": "cgroup_skb"}), "type: unknown 'cgroup_skb'", id="map"),
    pytest.param(one({**LOAD, "type": "cgroup_storage"}), "type: unknown", id="program type"),
    pytest.param(one({**LOAD, "expected_attach_type": 1}), "attach_type: unknown 1", id="exp"),
    pytest.param(one({**LOAD, "body": ["sub", 1]}), "body: unknown 'sub'", id="body"),
    pytest.param(one({**LOAD, "body": []}), "body: expected", id="empty body"),
    pytest.param(one({**LOOKUP, "key": ["c1"]}), "key: expected", id="short key"),
    pytest.param(one({**LOOKUP, "key": ["c1", "x"]}), "key: unknown 'x'", id="key"),
    pytest.param(one({**LOOKUP, "key": 5}), "key: expected", id="key no list"),
    pytest.param(one({**CREATE, "btf_key": "u128"}), "unknown shape 'u128'", id="shape"),
    pytest.param(one({**CREATE, "value_size": "8"}), "value_size: expected a number", id="size"),
    pytest.param(one({**LOOKUP, "flags": None}), "flags: expected a number, not None", id="flags"),
    pytest.param(
        one({"op": "map_command", "command": "freeze", "map": "m1", "key": ["c1", "egress"]}),
        "command: unknown 'freeze'",
        id="command",
    ),
    pytest.param(
        one({"op": "map_of_maps_create", "outer": "hash", "inner": "m1"}),
        "outer: unknown 'hash'",
        id="outer",
    ),
]


WRONG: tuple[Any, ...] = (
    *(None, True, -1, 1 << 64, 1.5, "", "two words", "zz", "x" * 99),
    *([], [[]], [None], ["add"], ["c1"], ["c1", 3], [3, "egress"], [["add"]], [["fly", "m1"]]),
    *([["add", 5, 1]], [["add", "m1", "1"]], [["add", "m1", 1, [8]]], [["return"]], {}, {"c1": 1}),
)
"""Values of every kind; no field of the format takes many of them."""

FINE: dict[str, tuple[Any, ...]] = {
    "mkdir.parent": (None,),
    "map_create.btf_key": (None,),
    "map_create.btf_value": (None,),
    "map_create.name": ("", "two words", "zz", "x" * 99),
    "map_next_key.key": (None,),
    "prog_attach.replace": (None,),
    "prog_detach.prog": (None,),
    "link_update.old_prog": (None,),
    "cgrp_next.cgroup": (None,),
    "prog_load.expected_attach_type": (None,),
    "prog_load.tail_call": (None,),
    "prog_load.steps": ([],),
    "prog_load.maps": ([], ["add"], ["c1"]),
    "map_update.data": ("",),
    "map_lookup.whole": (True,),
    "prog_load.lsm_hook": ("", "two words", "zz", "x" * 99),
    "prog_load.sleepable": (True,),
    "prog_query.effective": (True,),
    "prog_query.prog_attach_flags": (True,),
    "prog_query.revision": (True,),
    "prog_detach.closed": (True,),
    "user.capabilities": (None, []),
    **{f"{kind}.path": ("", "two words", "zz", "x" * 99) for kind in ("obj_pin", "unlink")},
    "obj_get.path": ("", "two words", "zz", "x" * 99),
}
"""Those of the values that a field takes; every field of a name takes the identifiers."""


@pytest.mark.parametrize("kind", traces.OPERATIONS)
def test_every_field_of_every_operation_is_checked(kind: str) -> None:
    operation = traces.OPERATIONS[kind]
    for name, field in operation.fields.items():
        fine = FINE.get(f"{kind}.{name}", ())
        if isinstance(field.kind if isinstance(field, Maybe) else field, Name):
            fine += ("zz", "x" * 99)
        for given in WRONG:
            if not any(given == each and type(given) is type(each) for each in fine):
                line = json.dumps(one({"op": kind, name: given}))
                with pytest.raises(ValueError, match=f"operation 0, {kind}: {name}: "):
                    traces.parse(line)


def test_a_field_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match="operation 0, rmdir: unknown field 'flags': known are cg"):
        traces.parse(json.dumps(one({**RMDIR, "flags": 0})))


def test_fields_that_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="operation 0, close: has both 'map' and 'prog'"):
        traces.parse(json.dumps(one({"op": "close", "map": "m1", "prog": "p1"})))
    update = {**LOOKUP, "op": "map_update", "flags": 0}
    with pytest.raises(ValueError, match="operation 0, map_update: has no 'value' or 'data'"):
        traces.parse(json.dumps(one(update)))


@pytest.mark.parametrize(
    "op",
    [
        {**LOOKUP, "map": "c1"},
        {"op": "sock_close", "sock": "c1"},
        {"op": "obj_pin", "map": "c1", "path": "x"},
        {**LOAD, "maps": ["c1"]},
        {**without(without(LOAD, "body"), "maps"), "steps": [["copy", "c1", "c1"]]},
    ],
    ids=lambda op: op["op"],
)
def test_a_name_of_another_kind(op: dict[str, Any]) -> None:
    line = json.dumps(trace_of(["ok"] * 2, [MKDIR, op]))
    with pytest.raises(ValueError, match=f"operation 1, {op['op']}: c1 is a cgroup, not a "):
        traces.parse(line)


def test_a_line_that_is_nested_too_deep() -> None:
    with pytest.raises(ValueError, match="nested too deep"):
        traces.parse("[" * 200_000)


def test_a_value_that_does_not_fit(tmp_path: Path) -> None:
    """Only the replay sees it; it is a malformed file, and no difference."""
    update = {**LOOKUP, "op": "map_update", "data": "00" * 9, "flags": 0}
    ops: list[dict[str, Any]] = [MKDIR, CREATE, LOAD, ATTACH, update]
    path = written(tmp_path, trace_of(["ok"] * 5, ops))
    with pytest.raises(traces.TraceError, match=r"some\.jsonl:1: .*operation 4, map_update: "):
        traces.replay([path])


@pytest.mark.parametrize(("line", "reason"), MALFORMED)
def test_a_malformed_line(line: Line, reason: str, tmp_path: Path) -> None:
    """A clear error with its line; the traces before it are not counted."""
    path = written(tmp_path, GOOD, GOOD, line, GOOD)
    with pytest.raises(traces.TraceError, match=reason) as caught:
        traces.replay([path])
    assert str(caught.value).startswith(f"{path}:3: not a trace: ")


@pytest.mark.no_cover
def test_a_truncated_file(tmp_path: Path) -> None:
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(LINUX.read_bytes()[:-200])
    with pytest.raises(traces.TraceError, match=r"cut\.jsonl\.gz:\d+: cannot be read: Compressed"):
        traces.replay([path])


@pytest.mark.no_cover
def test_a_damaged_file(tmp_path: Path) -> None:
    data = bytearray(LINUX.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 64] = bytes(64)
    path = tmp_path / "damaged.jsonl.gz"
    path.write_bytes(data)
    with pytest.raises(traces.TraceError, match=r"damaged\.jsonl\.gz"):
        traces.replay([path])


def test_a_file_that_is_not_compressed(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD, name="plain.jsonl.gz")
    with pytest.raises(traces.TraceError, match="cannot be read: Not a gzipped file"):
        traces.replay([path])


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "binary.jsonl"
    path.write_bytes(b"\xff\xfe\n")
    with pytest.raises(traces.TraceError, match="cannot be read"):
        traces.replay([path])


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(traces.TraceError, match=r"missing\.jsonl: cannot be read: .*No such file"):
        traces.replay([tmp_path / "missing.jsonl"])


def test_a_line_longer_than_the_message(tmp_path: Path) -> None:
    with pytest.raises(traces.TraceError) as caught:
        traces.replay([written(tmp_path, json.dumps(["x" * 1000]))])
    assert len(str(caught.value)) < len(str(tmp_path)) + 120


# -- reading, and the words of the format ---------------------------------------------------------


def test_read(tmp_path: Path) -> None:
    line = trace_of(["ok", "ok"], undefined={"5.4.59": "warned"})
    (found,) = traces.read(written(tmp_path, line))
    assert (found.id, found.ops) == ("t1", [MKDIR, RMDIR])
    assert found.answers == {"5.8.18": ["ok", "ok"]}
    assert found.undefined == {"5.4.59": "warned"}
    packed = tmp_path / "packed.jsonl.gz"
    packed.write_bytes(gzip.compress(json.dumps(line).encode()))
    assert next(traces.read(packed)) == found
    assert traces.parse(json.dumps(without(line, "undefined"))).undefined == {}


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("u64", U64),
        ("typedef u32", U32),
        ("struct {u64; u32}", Struct(m0=U64, m1=U32)),
        ("struct {u64; u32; pad}", Struct(m0=U64, m1=U32)),
        ("typedef struct {bpf_spin_lock; u64}", Struct(m0=SPIN_LOCK, m1=U64)),
        ("struct {struct {u32}; u32}", Struct(m0=Struct(m0=U32), m1=U32)),
        ("struct {struct {u32; kptr}; u32}", Struct(m0=Struct(m0=U32, m1=KPTR), m1=U32)),
        ("struct {struct {bpf_timer}[2]}", Struct(m0=Array(Struct(m0=TIMER), 2))),
        ("bpf_spin_lock", None),
        ("u32[x]", None),
        ("u32]", None),
        ("struct {u64", None),
        ("float", None),
    ],
)
def test_shapes(text: str, type_: Any) -> None:
    if type_ is None:
        with pytest.raises(ValueError, match="unknown shape"):
            traces.shape(text)
    else:
        assert traces.shape(text) == type_


def answers_of(kernel: str, *ops: dict[str, Any]) -> list[Any]:
    replayer = traces.Replayer(Kernel(kernel))
    return [replayer.answer(op) for op in ops]


def test_names_that_do_not_live() -> None:
    """The format: an operation on one is not run, and its answer is "skip"."""
    close = {"op": "close", "map": "m1"}
    update = {**LOOKUP, "op": "map_update", "value": 1, "flags": 0}
    cgrp = {"op": "cgrp_lookup", "map": "m1", "cgroup": "c9", "flags": 0}
    assert answers_of("5.9.1", LOOKUP, RMDIR, ATTACH, LOAD) == ["skip"] * 4
    assert answers_of("5.9.1", CREATE, close, close, update) == ["ok", "ok", "skip", "skip"]
    assert answers_of("5.9.1", CREATE, {**CREATE, "map": "m2", "key_size": 3}) == ["ok", "EINVAL"]
    assert answers_of("5.9.1", CREATE, LOOKUP, cgrp) == ["ok", "skip", "skip"]
    assert answers_of("5.9.1", MKDIR, CREATE, RMDIR, LOOKUP, ATTACH) == [
        *("ok", "ok", "ok", "ENOENT"),  # in a key the id of a removed cgroup is still used
        "skip",
    ]


def test_undefined_behaviour_is_no_answer() -> None:
    with pytest.raises(UndefinedBehaviour):
        answers_of("5.8.18", *TWICE)


def test_the_key_of_the_format_is_the_kernels() -> None:
    kernel = Kernel("5.9.1")
    replayer = traces.Replayer(kernel)
    for op in (MKDIR, CREATE, LOAD, ATTACH):
        assert replayer.answer(op) == "ok"
    found = replayer.live["m1"]
    assert found.object.key == STORAGE_KEY
    kernel.map_update_elem(found, kernel.map_get_next_key(found), 77)
    assert replayer.answer(LOOKUP) == [77]
