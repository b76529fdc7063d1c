# SPDX-License-Identifier: GPL-2.0-only
"""``python -m reference_model``: what it prints and how it exits."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support import RECORDED
from support_traces import HAZARDS, LINUX, trace_of, written

from reference_model import MAINLINE
from reference_model.__main__ import main
from reference_model.catalogue import stories
from reference_model.divergence import coverage

HEADS = ["release", "traces", "answers", "differ", "undefined:", "kernel", "model"]


def test_as_a_module() -> None:
    """As people and CI call it: both recorded files, in a process of their own."""
    done = subprocess.run(
        [sys.executable, "-m", "reference_model", "replay", "--json", str(LINUX), str(HAZARDS)],
        capture_output=True,
        text=True,
        check=False,
        cwd=LINUX.parent.parent.parent,
    )
    assert (done.returncode, done.stderr) == (0, "")
    numbers = json.loads(done.stdout)
    assert tuple(numbers) == RECORDED
    assert {kernel["differ"] for kernel in numbers.values()} == {0}


def test_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(HAZARDS)]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == HEADS
    assert [line.split()[0] for line in lines] == list(RECORDED)
    for line in lines:
        _, traces, answers, differ, undefined_kernel, undefined_model = line.split()
        assert int(traces) > 30
        assert int(answers) > 300
        assert differ == "0"
        assert undefined_kernel == undefined_model


def test_json_has_the_shape_of_the_issue(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "--json", str(HAZARDS)]) == 0
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1, "one object on one line"
    numbers = json.loads(printed)
    assert tuple(numbers) == RECORDED
    fields = ["traces", "answers", "differ", "undefined_kernel", "undefined_model"]
    for kernel in numbers.values():
        assert list(kernel) == fields
        assert all(type(number) is int for number in kernel.values())


@pytest.mark.parametrize("release", ["5.8.18", "proposal"])
def test_release(release: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "--json", "--release", release, str(HAZARDS)]) == 0
    numbers = json.loads(capsys.readouterr().out)
    assert list(numbers) == [release]
    assert numbers[release]["answers"] > 300


def test_release_without_traces(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "--release", "5.8", str(HAZARDS)]) == 2
    assert capsys.readouterr().err == f"no traces of 5.8 in {HAZARDS}\n"


def test_file_without_traces(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    assert main(["replay", str(empty)]) == 2
    assert capsys.readouterr().err == f"no traces in {empty}\n"


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["table", "json"])
def test_difference(form: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 1, in both forms; the table names trace, operation and both answers."""
    path = written(tmp_path, trace_of(["ok", "EBUSY"]))
    assert main(["replay", *form, str(path)]) == 1
    printed = capsys.readouterr().out
    if form:
        assert json.loads(printed)["5.8.18"]["differ"] == 1
    else:
        assert printed.splitlines()[2:] == [
            '5.8.18: t1, operation 1: {"op": "rmdir", "cgroup": "c1"}',
            '    the kernel: "EBUSY"',
            '    the model:  "ok"',
        ]


def test_malformed_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, trace_of(["ok", "ok"]), "{")
    assert main(["replay", str(path)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"{path}:2: not a trace: ")
    assert said.err.count("\n") == 1


def test_missing_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "missing.jsonl"
    assert main(["replay", str(path)]) == 2
    assert capsys.readouterr().err.startswith(f"{path}: cannot be read: ")


@pytest.mark.parametrize("arguments", [[], ["replay"], ["reply", "x"], ["replay", "x", "--nope"]])
def test_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: python -m reference_model" in capsys.readouterr().err


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["replay", "--help"])
    assert caught.value.code == 0
    assert "Exit status: 0 all agree, 1 something differs, 2" in " ".join(
        capsys.readouterr().out.split()
    )


# -- diverge ---------------------------------------------------------------------------------------


def line_of(name: str) -> str:
    """How a search names the story that explains a difference."""
    return f"    {stories()[name].title} ({name})"


def test_diverge(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diverge", "5.8", "5.9", "--depth", "2", "--jobs", "1"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "prog_load: EBUSY / ok, because of SHARED_STORAGE"
    assert said[1] == line_of("second_program_may_use_the_map")
    assert said[2] == ">>> kernel = Kernel('5.8')"
    assert ">>> # on 5.8: EBUSY" in said
    assert said[-1].startswith("5.8 and 5.9 in the world 'attachments': 1 group; all programs of ")


def test_diverge_as_data(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["5.18", "5.19", "--world", "users", "--depth", "2", "--jobs", "1", "--json"]
    assert main(["diverge", *arguments]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["old"], found["new"], found["world"], found["depth"]) == (
        "5.18", "5.19", "users", 2,
    )  # fmt: skip
    assert {group["cause"][0] for group in found["groups"]} == {"UNPRIVILEGED_COMMANDS"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["5.8", "5.99"], f"unknown release '5.99' (known: 4.19 to {MAINLINE[-1]}"),
        (["5.8", "5.9", "--world", "moon"], "moon: no such world: "),
    ],
)
def test_diverge_without_a_release_or_a_world(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diverge", *arguments]) == 2
    assert capsys.readouterr().err.startswith(said)


@pytest.mark.parametrize("number", ["0", "-1", "deep"])
def test_diverge_counts_from_one(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["diverge", "5.8", "5.9", "--depth", number])
    assert caught.value.code == 2
    assert "argument --depth: " in capsys.readouterr().err


def test_diverge_names_the_story_of_a_difference(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diverge", "5.6", "5.7", "--depth", "2", "--jobs", "1"]) == 0
    assert line_of("links_own_attachments") in capsys.readouterr().out.splitlines()


def test_diverge_says_what_no_story_tells(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coverage, "explaining", lambda group: [])
    assert main(["diverge", "5.6", "5.7", "--depth", "2", "--jobs", "1"]) == 0
    assert "    No story documents it yet." in capsys.readouterr().out


def test_traces_without_answers_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that lost all of its answers is refused; one that lost some says how many."""
    path = written(tmp_path, trace_of(None))
    assert main(["replay", str(path)]) == 2
    none = f"{path}: none of its 1 traces has an answer of a kernel to compare with\n"
    assert capsys.readouterr().err == none
    path = written(tmp_path, trace_of(None), trace_of(["ok", "ok"]))
    assert main(["replay", str(path)]) == 0
    assert capsys.readouterr().err == f"{path}: no kernel has answered 1 of its 2 traces\n"


@pytest.mark.parametrize(("depth", "said"), [("65", "65 is more than 64"), ("1.5", "'1.5' is not")])
def test_diverge_has_a_deepest(depth: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["diverge", "5.8", "5.9", "--depth", depth])
    assert f"argument --depth: {said}" in capsys.readouterr().err
