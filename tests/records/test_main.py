# SPDX-License-Identifier: GPL-2.0-only
"""The command line that shows what kernels answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from records.__main__ import main
from records.archive import committed
from records.files import trace_files
from records.matrix import committed_matrix
from reference_model.traces import read


def output(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["show", *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def test_a_story_is_shown_on_each_kernel(capsys: pytest.CaptureFixture[str]) -> None:
    lines = output(capsys, "reattach_keeps_data")
    assert [line.split()[0] for line in lines] == committed_matrix().kernels
    (line,) = output(capsys, "reattach_keeps_data", "6.1.192")
    assert line in lines
    assert "agrees: " in line


def test_a_rule_is_shown_by_its_stories(capsys: pytest.CaptureFixture[str]) -> None:
    lines = output(capsys, "attach.reuse", "6.1.192")
    assert "reattach_keeps_data:" in lines
    assert lines[lines.index("reattach_keeps_data:") + 1].startswith("6.1.192 ")


def test_a_trace_is_shown_with_its_answers(capsys: pytest.CaptureFixture[str]) -> None:
    lines = output(capsys, "override-replace", "5.9.1")
    assert lines == [f"5.9.1      {committed().trace('override-replace').answers['5.9.1']}"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "no such story, rule of a story, or trace: nothing"),
        (["override-replace", "3.10"], "override-replace: no answer of Linux 3.10"),
    ],
)
def test_what_is_not_there_is_named(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["show", *arguments]) == 2
    assert capsys.readouterr().err == f"{said}\n"


@pytest.mark.parametrize("path", trace_files(), ids=lambda path: path.name)
def test_no_trace_has_lost_its_answers(path: Path) -> None:
    lost = [trace.id for trace in read(path) if not (trace.answers or trace.undefined)]
    assert lost == []
