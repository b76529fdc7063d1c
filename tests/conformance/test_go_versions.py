# SPDX-License-Identifier: GPL-2.0-only
"""Which packages of another Debian the examples in Go are compiled with."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance import apt, go_versions, tools
from conformance.__main__ import main
from conformance.command_line import Exit, UsageError

SUITE = {
    "golang-go": {"Depends": "golang-1.24-go (>= 1.24~), golang-src (= 2:1.24~2)"},
    "golang-github-cilium-ebpf-dev": {},
    "golang-golang-x-sys-dev": {},
}


def test_go_is_the_one_that_the_suite_has() -> None:
    assert go_versions.wanted(SUITE) == [
        "golang-1.24-go",
        "golang-1.24-src",
        "golang-github-cilium-ebpf-dev",
        "golang-golang-x-sys-dev",
    ]
    with pytest.raises(UsageError, match="no package with Go"):
        go_versions.wanted({"golang-go": {"Depends": "gccgo"}})


@pytest.mark.parametrize(
    ("complaint", "status", "said"),
    [
        ("", Exit.GOOD, "sid: cilium/ebpf : compiles, and passes go vet"),
        ("undefined: x", Exit.FAILED, "sid: cilium/ebpf : undefined: x"),
    ],
)
def test_what_does_not_compile_is_a_failure(
    complaint: str,
    status: Exit,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(tools, "require", lambda programs: None)
    monkeypatch.setattr(go_versions, "missing_tools", lambda: None)
    monkeypatch.setattr(go_versions, "unpack", lambda suite: tmp_path)
    monkeypatch.setattr(go_versions, "compile_with", lambda usr: complaint)
    assert main(["go", "sid"]) == status
    assert said in capsys.readouterr().out


def test_without_an_archive_nothing_was_compiled(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unreachable(suite: str) -> Path:
        raise apt.AptError("no network")

    monkeypatch.setattr(tools, "require", lambda programs: None)
    monkeypatch.setattr(go_versions, "missing_tools", lambda: None)
    monkeypatch.setattr(go_versions, "unpack", unreachable)
    assert main(["go", "sid"]) == Exit.NOT_RUN
    assert "sid: no network" in capsys.readouterr().out
