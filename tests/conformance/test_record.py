# SPDX-License-Identifier: GPL-2.0-only
"""What a recording writes, with answers in place of guests."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from conformance import record, stories, tools, traces, twins
from conformance.__main__ import main
from conformance.command_line import Exit, Wanted
from conformance.kernels import KernelImage
from conformance.languages import C
from conformance.offers import NotRun
from conformance.traces import Given
from records import files, pending, results
from records.identity import Identity
from reference_model import Release
from reference_model.traces import Trace, read

KNOWN = next(iter(results.read()))
KERNEL = KernelImage("5.10", Identity(**KNOWN["kernel"]), Path("bzImage"))
LACKING = NotRun("7.x", "no network")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copies of the records that a recording writes."""
    shutil.copytree(files.KERNELS, tmp_path / "kernels")
    shutil.copy(files.STORIES, tmp_path)
    shutil.copy(files.PENDING, tmp_path)
    monkeypatch.setattr(record, "KERNELS", tmp_path / "kernels")
    monkeypatch.setattr(record, "STORIES", tmp_path / "stories.jsonl")
    monkeypatch.setattr(tools, "REPOSITORY", tmp_path)
    monkeypatch.setattr(
        results, "add", lambda made, add=results.add: add(made, tmp_path / "kernels")
    )
    path = tmp_path / files.PENDING.name
    monkeypatch.setattr(pending, "rewrite", lambda rewrite=pending.rewrite: rewrite(path))
    monkeypatch.setattr(twins, "build", lambda: None)
    monkeypatch.setattr(record, "missing_go", lambda: None)
    return tmp_path


def answering(
    monkeypatch: pytest.MonkeyPatch,
    wanted: Wanted,
    told: Callable[[stories.StoryReport], None] = lambda report: None,
    given: Given = None,
) -> None:
    """Let guests answer that."""

    def asked(
        kernel: KernelImage, known: object, say: object, limit: object
    ) -> stories.StoryReport:
        report = stories.StoryReport(kernel, {"walk_all_keys": "0" * 16})
        told(report)
        return report

    monkeypatch.setattr(record, "wanted_kernels", lambda options, progress: wanted)
    monkeypatch.setattr(stories, "ask", asked)
    monkeypatch.setattr(
        twins, "ask", lambda kernel, known, limit, language=C: twins.ProgramReport(kernel, language)
    )
    monkeypatch.setattr(traces, "in_a_guest", lambda kernel, asked, limit: [given for _ in asked])


def contents(home: Path) -> dict[str, bytes]:
    """All files of the records."""
    return {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file()}


def test_a_run_without_kernels_writes_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, Wanted((), (LACKING,)))
    before = contents(home)
    assert main(["record"]) == Exit.NOT_RUN
    assert contents(home) == before


def test_a_run_without_answers_writes_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, Wanted((KERNEL,)))
    before = contents(home)
    assert main(["record"]) == Exit.FAILED
    assert contents(home) == before


def test_what_a_kernel_answered_is_written_and_all_else_is_kept(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(report: stories.StoryReport) -> None:
        report.observed["walk_all_keys"] = {"label": 1}

    answering(monkeypatch, Wanted((KERNEL,)), told)
    before = contents(home)
    assert main(["record"]) == Exit.FAILED, "the story expects something else"
    changed = {path for path, text in contents(home).items() if text != before[path]}
    assert changed == {str(home / "kernels" / f"{KERNEL.version}.json")}
    (found,) = (one for one in results.read(home / "kernels") if one["kernel"] == KNOWN["kernel"])
    new = {"digest": "0" * 16, "observed": {"label": 1}}
    assert found["stories"] == {**KNOWN["stories"], "walk_all_keys": new}
    assert found["twins"] == KNOWN["twins"]


def test_answers_to_operations_replace_those_of_the_same_kernel(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, Wanted((KERNEL,)), given="the kernel warned")
    before = {one.id: one.answers for one in read(files.STORIES)}
    main(["record"])
    name = Release(KERNEL.version).name
    for one in read(home / "stories.jsonl"):
        assert one.undefined[name] == "the kernel warned"
        assert name not in one.answers
        before[one.id].pop(name, None)
        assert one.answers == before[one.id]


def test_answers_to_other_operations_are_not_kept() -> None:
    mkdir = [{"op": "mkdir", "cgroup": "c1", "parent": None}]
    old = Trace("one", mkdir, {"5.10": ["ok"]}, {})
    same, other, setup = (
        replace(old, answers={}),
        replace(old, ops=[*mkdir, *mkdir], answers={}),
        replace(old, setup={"memlock": 1}, answers={}),
    )
    assert traces.with_old_answers([same, other, setup], [old]) == [old, other, setup]


@pytest.mark.parametrize("given", [None, "the kernel warned"])
def test_traces_without_answers_are_not_written(
    given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, Wanted((KERNEL,)), given=given)
    file = tmp_path / "new.jsonl"
    file.write_text("old")
    status = main(["record", str(file), "--ops", str(files.STORIES)])
    assert status == (Exit.NOT_RUN if given is None else Exit.GOOD)
    assert (file.read_text() == "old") == (given is None)
    assert list(tmp_path.iterdir()) == [file]
