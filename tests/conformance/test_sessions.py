# SPDX-License-Identifier: GPL-2.0-only
"""The shell lines of the pages: they ran on real kernels as they are, and printed no error."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance import run_sessions, sessions
from records import sessions as record
from records.digests import session_digest

FOUND = record.read()
SCRIPTS = sessions.scripts()

ERRORS = {"keep_a_map_exclusive", "second_program_may_use_the_map"}
"""Sessions that show an error, as the second instance gets."""

FROZEN = "freeze_needs_a_writable_descriptor"


def test_three_generations_of_kernels_ran_them() -> None:
    assert len(FOUND["kernels"]) >= 3
    assert FOUND["bpftool"]


@pytest.mark.parametrize("kernel", FOUND["kernels"])
def test_all_scripts_ran_as_they_are(kernel: str) -> None:
    told = FOUND["kernels"][kernel]
    again = "python -m conformance bpftool runs them"
    assert {name: one["digest"] for name, one in told.items()} == {
        name: session_digest(name) for name in SCRIPTS
    }, again


@pytest.mark.parametrize("kernel", FOUND["kernels"])
@pytest.mark.parametrize("name", SCRIPTS)
def test_only_the_last_line_may_fail_and_only_where_that_is_the_point(
    kernel: str, name: str
) -> None:
    printed = [out for _, out in FOUND["kernels"][kernel][name]["commands"]]
    wrong = [out for out in printed if "Error" in out or "not found" in out]
    assert wrong == (printed[-1:] if name in {*ERRORS, FROZEN} else [])


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_recorded_lines_are_those_of_the_script(name: str) -> None:
    script, shown = run_sessions.commands(SCRIPTS[name].read_text(encoding="utf-8"))
    assert shown
    assert "\\\n" not in script, "each line is a command of its own"
    for told in FOUND["kernels"].values():
        assert [line for line, _ in told[name]["commands"]] == shown


def test_what_each_line_prints_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "echo hidden\n# [begin shown]\necho one\ntrue\necho two >&2\n# [end shown]\necho last\n"
    script, shown = run_sessions.commands(text)
    assert shown == ["echo one", "true", "echo two >&2"]
    printed = "hidden\n@@0\none\n@@1\n@@2\ntwo\n@@\nlast\n"
    assert run_sessions.outputs(printed) == {0: "one", 1: "", 2: "two"}
    assert script.count("echo '@@") == 4


def test_a_changed_line_is_another_digest(tmp_path: Path) -> None:
    folder = tmp_path / "guides"
    folder.mkdir()
    (tmp_path / "x.bpf.c").write_text("int x;\n")
    digests = []
    for text in ("true\n", "# a comment\ntrue\n", "false\n"):
        (folder / "x.sh").write_text(text)
        digests.append(session_digest("x", tmp_path))
    assert digests[0] == digests[1] != digests[2]
