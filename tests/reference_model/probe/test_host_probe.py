# SPDX-License-Identifier: GPL-2.0-only
"""The command ``probe`` on the machine's own kernel, and where it cannot be asked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import reference_model.linux as linux
from reference_model import changes, profiles
from reference_model.__main__ import main
from reference_model.linux.machine import mount_point, running_release
from reference_model.linux.tree import PREFIX
from reference_model.probe import asking, questions
from reference_model.probe.asking import Answers
from reference_model.probe.inference import infer
from reference_model.probe.predictions import Predictions, changes_of
from reference_model.probe.report import claimed, data, text
from reference_model.user_error import UserError

ROOT = Path(__file__).parent.parent.parent.parent
LACKING = linux.missing()
PREDICTIONS = [Predictions(question) for question in questions.read()]
needs_kernel = pytest.mark.skipif(LACKING is not None, reason=str(LACKING))


def own_cgroups(pid: int) -> list[Path]:
    mount = mount_point("cgroup2")
    assert mount is not None
    return list(mount.glob(f"{PREFIX}-*-{pid}-*"))


@needs_kernel
def test_it_finds_what_the_records_say_of_this_kernel(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.json"
    status = main(["probe", "--json", "--profile", str(path)])
    said = json.loads(capsys.readouterr().out)
    assert status == int(bool(said["unexplained"]))
    assert own_cgroups(os.getpid()) == []
    told = {
        name: entry["state"] == "present"
        for name, entry in said["changes"].items()
        if entry["state"] != "unknown"
    }
    release = running_release()
    assert told == {c: release.has(getattr(changes, c)) for c in told}
    assert len(told) > 40
    assert all(entry.get("reason") or entry.get("shown_by") for entry in said["changes"].values())
    assert profiles.read(path).present == told
    assert profiles.read(path).name == os.uname().release


@needs_kernel
def test_its_cgroup_is_removed_if_it_is_killed() -> None:
    command = [sys.executable, "-m", "reference_model", "probe"]
    probe = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 90
        while not own_cgroups(probe.pid):
            assert time.monotonic() < deadline
            time.sleep(0.001)
    finally:
        probe.send_signal(signal.SIGKILL)
        probe.wait()
    deadline = time.monotonic() + 90
    while own_cgroups(probe.pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_the_machine_lacks_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "missing", lambda: "run as root")
    with pytest.raises(UserError, match="^the kernel cannot be asked: run as root$"):
        main(["probe"])


def test_a_profile_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(asking, "ask", lambda asked: Answers("6.1.0", {}))
    with pytest.raises(UserError, match="none/p.json cannot be written: No such file"):
        main(["probe", "--profile", str(tmp_path / "none" / "p.json")])


@pytest.mark.parametrize(
    ("need", "patched", "reason"),
    [
        ("lsm", ("kernel_functions", dict), "CONFIG_BPF_LSM"),
        ("pins", ("mount_point", lambda kind: None), "mount -t bpf"),
        ("runs", ("possible_cpus", lambda: (0, 2)), "have gaps"),
    ],
)
def test_what_cannot_be_asked_is_left_out(
    need: str, patched: tuple[str, Any], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, instead = patched
    monkeypatch.setattr(asking, "kernel_functions", lambda: {"bpf_lsm_socket_bind": 1})
    monkeypatch.setattr(asking, "mount_point", Path)
    monkeypatch.setattr(asking, name, instead)
    monkeypatch.setattr(asking, "missing", lambda: None)
    monkeypatch.setattr(asking, "_ask", lambda question: ["asked"])
    monkeypatch.setattr(asking, "_defined", lambda question, machine: not question.runs)
    answers = asking.ask(questions.read())
    for question in questions.read():
        hindered = question.name in answers.not_asked
        assert hindered is bool(getattr(question, need)), question.name
    assert reason in next(iter(answers.not_asked.values()))


def report_of(release: str, kernel: str, **given: list[Any]) -> dict[str, Any]:
    predictions = PREDICTIONS
    answers = Answers(kernel, {})
    answers.given.update({each.question.name: each.on(changes_of(release)) for each in predictions})
    answers.given.update({name.replace("_", " "): one for name, one in given.items()})
    del answers.given["dot in a name"]
    answers.not_asked["dot in a name"] = "nobody asked"
    return data(infer(predictions, answers.given, claimed(kernel)), answers, predictions)


def test_the_report_says_what_differs_and_why_something_is_unknown() -> None:
    found = report_of("6.1.192", "6.1.0-55-amd64", load_for_sysctl=["EPERM"])
    said = text(found)
    first = f"Linux 6.1.0-55-amd64 is nearest to Linux 6.1.\nOf {len(found['changes'])} changes"
    assert said.startswith(first)
    assert "\n  NEXT_KEY_END (Linux 7.1, backports 5.10.258, " in said
    assert "\n  DOT_IN_NAMES: nobody asked\n" in said
    assert "\n  SPARSE_CPUS: without it the kernel accesses wrong memory" in said
    sysctl = "the kernel answered EPERM to 'load for sysctl', which the model does not explain"
    assert f"\n  SYSCTL_PROGRAMS: {sysctl}\n" in said
    assert said.endswith("The model does not explain these answers:\n  load for sysctl: EPERM")
    assert "All changes" not in said
    assert "\n  present  SHARED_STORAGE\n" in text(found, verbose=True)


def test_a_kernel_without_differences() -> None:
    said = text(report_of("6.1", "6.1.0"))
    assert "\nNo change that could be determined differs from Linux 6.1.\n" in said
