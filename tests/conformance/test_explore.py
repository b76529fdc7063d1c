# SPDX-License-Identifier: GPL-2.0-only
"""Exploration and recording, with models in the place of kernels."""

from __future__ import annotations

import base64
import doctest
import itertools
import json
import os
import socket
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import reference_model
from conformance import conversation, executor, explore, guest, kernels, oracle, traces
from conformance.explore import DivergenceFound, model_answers
from conformance.guest import Result
from conformance.oracle import Broke, GuestKernel
from records.identity import Identity
from reference_model import Kernel, UndefinedBehaviour
from reference_model.maps import StorageMap
from reference_model.traces import (
    OPERATIONS,
    Answer,
    Op,
    Replayer,
    Trace,
    line,
    parse,
    read,
    replay,
)
from reference_model.traces.listing import listing

TRACES = Path(__file__).parents[2] / "records" / "traces"


QUICK: dict[str, Any] = {"shrinking": 2.0}


def on(release: str) -> oracle.Asked:
    """A model of a release as the kernel."""

    def asked(ops: Sequence[Op], setup: dict[str, int]) -> list[Answer]:
        given, broke = executor.answers(Kernel(release, **setup), [*ops])
        if broke:
            raise Broke(broke)
        return given

    return asked


# -- agreement, and what is met --------------------------------------------------------------------


NEVER_DONE = {"map_delete", "map_command", "cgrp_next"}
"""Operations that every kernel refuses, or that the walks only ask where they are refused."""

NEVER_REFUSED = {
    *("mkdir", "fire", "sock_open", "sock_send", "sock_close", "close", "user", "cgroup_ids"),
    *("map_keys", "prog_array_create", "link_detach", "obj_info", "object_ids"),
}

ERRNOS = {
    *("EACCES", "EBADF", "EBUSY", "EEXIST", "EINVAL", "ENOENT", "ENOLINK", "ENOTSUPP"),
    *("EPERM", "E2BIG"),
}

WANTED: set[tuple[str, str]] = {
    *((kind, "done") for kind in OPERATIONS if kind not in NEVER_DONE),
    *((kind, "refused") for kind in OPERATIONS if kind not in NEVER_REFUSED),
    *(("any", errno) for errno in ERRNOS),
    ("fire", "denied"),
}


def met(report: explore.Exploration) -> set[tuple[str, str]]:
    """What a walk has met, in the terms of WANTED."""
    found = set()
    for kind, answer in report.census:
        end = "done" if answer in ("ok", "answer") else "refused" if answer.isupper() else answer
        found |= {(kind, end), ("any", answer)}
    return found


@pytest.fixture(scope="module")
def walked() -> list[explore.Exploration]:
    """Walks with the model itself as the kernel, until all is met that is wanted.

    A seed is no fixed walk from one whole run of the tests to the next: Hypothesis takes constants
    from the modules that happen to be imported.  So a walk that missed something goes on.
    """
    reports: list[explore.Exploration] = []
    lacking = WANTED
    for number in range(20):
        for release in ("5.10.223", "6.12.107", "latest"):
            report = explore.explore(release, on(release), steps=700, first_seed=1000 * number)
            reports.append(report)
            lacking = lacking - met(report)
            if number and not lacking:
                return reports
    return reports


def test_the_model_agrees_with_itself(walked: list[explore.Exploration]) -> None:
    for report in walked:
        assert report.divergences == []
        assert report.steps == 700
        assert report.sequences > 5


def test_everything_is_met(walked: list[explore.Exploration]) -> None:
    """Both ends of each operation, where it has both, and the errnos."""
    found = {one for report in walked for one in met(report)}
    assert WANTED - found == set()
    assert NEVER_DONE & {kind for kind, end in found if end == "done"} == set()
    old = {kind for one in walked if one.release.startswith("5.") for kind in one.operations()}
    assert not any(kind.startswith("cgrp_") for kind in old)


def test_a_fixed_seed_is_a_fixed_walk() -> None:
    once, again = (explore.explore("6.1", on("6.1"), steps=300, first_seed=3) for _ in range(2))
    assert (once.census, once.steps) == (again.census, again.steps)
    other = explore.explore("6.1", on("6.1"), steps=300, first_seed=4)
    assert other.census != once.census


# -- divergences -----------------------------------------------------------------------------------


class Forgetful(Kernel):
    """A broken kernel: a detach zeroes the storages of the hook."""

    def prog_detach(
        self, cgroup: Any, prog: Any, attach_type: Any, *args: Any, **given: Any
    ) -> None:
        super().prog_detach(cgroup, prog, attach_type, *args, **given)
        for found in self.objects["map"].values():
            if isinstance(found, StorageMap):
                for storage in found.entries.values():
                    storage.data[:] = bytes(len(storage.data))


def broken(ops: Sequence[Op], setup: dict[str, int]) -> list[Answer]:
    replayer = Replayer(Forgetful("6.12", **setup))
    return [replayer.answer(op) for op in ops]


@pytest.fixture(scope="module")
def found() -> DivergenceFound:
    """The first divergence of the broken kernel, shrunk."""
    said: list[str] = []
    report = explore.explore("6.12", broken, steps=0, say=said.append, **QUICK)
    assert len(report.divergences) == 1, "without a number of steps it ends with the first one"
    assert any("DIFFERS" in text for text in said)
    return report.divergences[0]


def test_a_broken_kernel_is_found_and_shrunk(found: DivergenceFound) -> None:
    kinds = [op["op"] for op in found.ops]
    assert "prog_detach" in kinds
    assert len(kinds) <= 15, "of up to eighty"
    if kinds[-1] == "map_lookup":  # else a program that looks at its storage denies
        assert not any(found.answered)
    assert found.stable


def test_it_is_printed_as_a_program_that_runs(found: DivergenceFound) -> None:
    text = str(found)
    program, line = text.rsplit("\n\n", 1)
    assert f">>> # the kernel: {json.dumps(found.answered)}\n>>> # the model:  " in program
    names = {name: getattr(reference_model, name) for name in reference_model.__all__}
    test = doctest.DocTestParser().get_doctest(f"{program}\n", names, "found", None, 0)
    flags = doctest.ELLIPSIS
    assert doctest.DocTestRunner(optionflags=flags).run(test).failed == 0, program
    data = json.loads(line)
    assert data["ops"] == list(found.ops)
    assert parse(line).ops == list(found.ops)


def test_a_known_divergence_is_passed_over() -> None:
    report = explore.explore("6.12", broken, steps=700, **QUICK)
    kinds = [divergence.kind for divergence in report.divergences]
    assert len(set(kinds)) == len(kinds)
    assert report.steps == 700


def test_a_crash_is_a_divergence() -> None:
    def crashes(ops: Sequence[Op], setup: dict[str, int]) -> list[Answer]:
        if any(op["op"] == "rmdir" for op in ops):
            raise Broke("the kernel complained")
        return on("6.12")(ops, setup)

    report = explore.explore("6.12", crashes, steps=0, **QUICK)
    crash = report.divergences[0]
    *made, last = [op["op"] for op in crash.ops]
    assert ({*made}, last) == ({"mkdir"}, "rmdir")
    assert crash.answered == "undefined: the kernel complained"


def test_an_unstable_kernel_is_told() -> None:
    asked = itertools.count()

    def unstable(ops: Sequence[Op], setup: dict[str, int]) -> list[Answer]:
        return [[next(asked)], *on("6.12")(ops, setup)[1:]]

    report = explore.explore("6.12", unstable, steps=100, length=10, **QUICK)
    assert "differently each time" in str(report.divergences[0])
    assert not report.divergences[0].stable


def test_undefined_steps_are_run_on_request_only() -> None:
    """They end a sequence; a model in the kernel's place says that it broke."""
    asked: Counter[bool] = Counter()

    def kernel(ops: Sequence[Op], setup: dict[str, int]) -> list[Answer]:
        whole = len(model_answers("5.8", ops, setup)) == len(ops)
        asked[whole] += 1
        return on("5.8")(ops, setup) if whole else model_answers("5.8", ops, setup)

    explore.explore("5.8", kernel, steps=700)
    assert set(asked) == {True}
    report = explore.explore("5.8", kernel, steps=700, undefined=True)
    assert set(asked) == {True, False}
    assert report.divergences == []


# -- programs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(5))
def test_any_sequence_is_a_program_that_runs(number: int) -> None:
    """And answers as the replay does: by the errnos, in order."""
    for one in traces.new_sequences(["6.12"], 8, number, 60):
        program = listing("6.12", one.ops, one.setup)
        names = {name: getattr(reference_model, name) for name in reference_model.__all__}
        test = doctest.DocTestParser().get_doctest(f"{program}\n", names, one.id, None, 0)
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
        assert runner.run(test).failed == 0, program
        assert runner.tries > len(one.ops) / 2


def test_the_hazards_are_programs() -> None:
    """What was recorded uses more of the format than the walks."""
    for one in read(TRACES / "hazards.jsonl"):
        try:
            model_answers("latest", one.ops, {})
            program = listing("latest", one.ops, one.setup)
        except UndefinedBehaviour:
            continue
        assert program.startswith(">>> kernel = Kernel('latest')")


# -- recording -------------------------------------------------------------------------------------


def test_new_sequences_are_defined_on_all_kernels() -> None:
    releases = ["5.10.223", "6.12.107", "7.2.13"]
    made = traces.new_sequences(releases, 12, 5, 60)
    assert [one.id for one in made] == [f"r5-{number:04}" for number in range(1, 13)]
    for one in made:
        for release in releases:
            assert len(model_answers(release, one.ops, one.setup)) == len(one.ops)
    assert made == traces.new_sequences(releases, 12, 5, 60)
    assert made != traces.new_sequences(releases, 12, 6, 60)


def test_a_record_is_a_file_of_traces(tmp_path: Path) -> None:
    releases = ["5.10.223", "6.12.107"]
    same = Trace("same", [{"op": "mkdir", "cgroup": "c1", "parent": None}], {}, {})
    found = [same, *traces.new_sequences(releases, 6, 5, 60)]
    for release in releases:
        found = traces.with_answers(found, release, traces.answers_of(on(release), found))
    file = tmp_path / "some.jsonl"
    file.write_text("".join(f"{line(one)}\n" for one in found))
    assert list(read(file)) == found
    scores = replay([file])
    assert {name: score.differ for name, score in scores.items()} == dict.fromkeys(releases, 0)
    alike = [len(json.loads(line)["answers"]) for line in file.read_text().splitlines()]
    assert set(alike) == {1, 2}, "kernels that answered alike share a list"


def test_a_kernel_that_broke_has_no_answers() -> None:
    def asked(ops: Sequence[Op], setup: dict[str, int]) -> list[Answer]:
        if ops[-1]["op"] == "mkdir":
            raise Broke("the kernel warned")
        raise RuntimeError("not run: cannot do that")

    made = Trace("a", [{"op": "mkdir", "cgroup": "c1", "parent": None}], {}, {})
    other = Trace("b", [{"op": "unlink", "path": "x"}], {}, {})
    given = list(traces.answers_of(asked, [made, other]))
    assert given == ["the kernel warned", None]
    one, two = traces.with_answers([made, other], "6.12", given)
    assert (one.undefined, one.answers) == ({"6.12": "the kernel warned"}, {})
    assert (two.undefined, two.answers) == ({}, {})


def test_a_kernel_that_answers_again_keeps_its_place() -> None:
    """So that the same answers make the same file."""
    made = Trace("a", [{"op": "unlink", "path": "x"}], {"6.1": ["ENOENT"], "6.12": ["ok"]}, {})
    (again,) = traces.with_answers([made], "6.1", [["ok"]])
    assert list(again.answers.items()) == [("6.1", ["ok"]), ("6.12", ["ok"])]


# -- guests ----------------------------------------------------------------------------------------


def served(monkeypatch: pytest.MonkeyPatch, answer: Callable[[str], str | None]) -> list[str]:
    """Let a thread stand for every guest: it says what ``answer`` says, and dies at None."""
    sent: list[str] = []

    def run(
        kernel: kernels.KernelImage, payload: Any, *, stop: Any, port: Path, cache: Path
    ) -> Result:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(os.fspath(port))
            server.listen()
            line, _ = server.accept()
            with line, line.makefile("rw") as speaker:
                speaker.write("boot noise\nready\n")
                speaker.flush()
                for text in speaker:
                    if text == conversation.EOF + "\n":
                        return replace(died(2.0).result, rc=0, problem="")
                    sent.append(zlib.decompress(base64.b64decode(text)).decode())
                    said = answer(sent[-1])
                    if said is None:
                        break
                    speaker.write(f"{said}\n")
                    speaker.flush()
        return died(2.0).result

    monkeypatch.setattr(guest, "run", run)
    return sent


def test_a_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = served(monkeypatch, lambda line: line.upper())
    with conversation.Conversation(kernel_of("6.12"), oracle.EXECUTOR) as talk:
        assert [talk.ask("one"), talk.ask("two" * 1000)] == ["ONE", "TWO" * 1000]
    assert sent == ["one", "two" * 1000]
    assert talk.result is not None
    assert talk.result.ok


def test_a_conversation_with_a_guest_that_dies(monkeypatch: pytest.MonkeyPatch) -> None:
    served(monkeypatch, lambda line: None)
    with (
        pytest.raises(conversation.GuestDied, match="it died"),
        conversation.Conversation(kernel_of("6.12"), oracle.EXECUTOR) as talk,
    ):
        talk.ask("one")


def test_a_guest_that_cannot_be_booted(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*given: Any, **further: Any) -> Result:
        raise FileNotFoundError("no such kernel")

    monkeypatch.setattr(guest, "run", run)
    with (
        pytest.raises(FileNotFoundError, match="no such kernel"),
        conversation.Conversation(kernel_of("6.12"), oracle.EXECUTOR),
    ):
        pass


def kernel_of(version: str) -> kernels.KernelImage:
    return kernels.KernelImage("own", Identity(version, version), Path("bzImage"))


def test_the_release_of_a_kernel() -> None:
    assert oracle.release_of(kernel_of("6.12.117")) == "6.12.117"
    assert oracle.release_of(kernel_of("99.1")) == reference_model.MAINLINE[-1]


class Line:
    """A guest that answers with prepared lines."""

    def __init__(self, *lines: str | Exception) -> None:
        self.lines = list(lines)
        self.ended = False

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *given: object) -> None:
        self.ended = True

    def ask(self, line: str) -> str:
        answer = self.lines.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def died(boot_seconds: float | None) -> conversation.GuestDied:
    result = Result(
        kernel_of("6.12"), "executor", None, (), (), True, "it died", 1.0, boot_seconds, None, ""
    )
    return conversation.GuestDied(result)


def test_a_guest_is_booted_again_after_it_broke(monkeypatch: pytest.MonkeyPatch) -> None:
    fine = json.dumps({"id": "", "answers": ["ok"], "broke": "", "seconds": 0.5})
    warned = json.dumps({"id": "", "answers": ["ok"], "broke": "the kernel warned", "seconds": 1})
    failed = json.dumps({"id": "", "answers": [], "broke": "not run: why", "seconds": 1})
    guests = [Line(fine, warned), Line(died(2.0)), Line(failed, fine), Line(died(None))]
    left = iter(guests)
    monkeypatch.setattr(oracle, "Conversation", lambda *given: next(left))
    with GuestKernel(kernel_of("6.12")) as asked:
        assert asked([], {}) == ["ok"]
        with pytest.raises(Broke, match="the kernel warned"):
            asked([], {})
        assert guests[0].ended
        with pytest.raises(Broke, match="it died"):
            asked([], {})
        with pytest.raises(RuntimeError, match="not run: why"):
            asked([], {})
        assert asked([], {}) == ["ok"]
        assert asked.boots == 3
        asked.stop()
        with pytest.raises(RuntimeError, match="does not start"):
            asked([], {})
    assert asked.seconds == 0.5 + 1 + 1 + 0.5


def test_the_executor_reads_what_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = tmp_path / "port"
    texts = ['{"id": "1"}', '{"id": "2"}']
    sent = b"".join(conversation.packed(text) + b"\n" for text in texts)
    port.write_bytes(sent + conversation.EOF.encode() + b"\nmore\n")
    monkeypatch.setattr(executor, "PORT", os.fspath(port))
    assert list(executor.lines()) == texts
    assert (executor.EOF, executor.READY) == (conversation.EOF, conversation.READY)


def test_the_executor_tells_what_it_cannot_do() -> None:
    class Unable(Kernel):
        def map_freeze(self, map: Any) -> None:
            raise NotImplementedError("no such thing")

    create = json.loads(
        '{"op": "map_create", "map": "m1", "type": "cgroup_storage", "key_size": 16,'
        '"value_size": 8, "max_entries": 0, "map_flags": 0}'
    )
    given, broke = executor.answers(Unable("6.12"), [create, {"op": "map_freeze", "map": "m1"}])
    assert (given, broke) == (["ok"], "not run: no such thing")
    given, broke = executor.answers(Unable("6.12"), [{"op": "mkdir"}])
    assert (given, broke.startswith("the executor failed: ")) == ([], True)


# -- the command lines -----------------------------------------------------------------------------


def test_a_summary() -> None:
    report = explore.explore("6.12", on("6.12"), steps=100)
    text = explore.summary(kernel_of("6.12.1"), report)
    assert text.startswith("6.12.1 (bzImage) as 6.12: 100 steps in ")
    assert "no divergence" in text
    assert json.loads(json.dumps(report.as_json()))["steps"] == 100
    assert explore.Exploration("6.12", failure="x").failure in explore.summary(
        kernel_of("6.12.1"), explore.Exploration("6.12", failure="x")
    )
