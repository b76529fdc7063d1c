# SPDX-License-Identifier: GPL-2.0-only
"""The page on kernels shows what the commands print, and documents all that they write."""

from __future__ import annotations

import json
import re
from pathlib import Path

from records import probe
from reference_model import profiles
from reference_model.probe import questions, report
from reference_model.probe.inference import infer
from reference_model.probe.predictions import Predictions
from reference_model.running import found
from reference_model.running.report import data
from reference_model.uapi import BPF_MAP_TYPE_CGROUP_STORAGE

PAGE = (Path(__file__).parent.parent.parent / "docs" / "my_kernel.rst").read_text(encoding="utf-8")


def table(member: str) -> set[str]:
    """The members that a table of the page documents, of which this is one."""
    tables = re.findall(r"^(=+)  =+\nmember .*?\n=+  =+\n(.*?)\n=+  =+\n", PAGE, re.DOTALL | re.M)
    documented = []
    for ruler, body in tables:
        first = "\n".join(line[: len(ruler)] for line in body.splitlines())
        documented.append(set(re.findall(r"``(\w+)``", first)))
    (wanted,) = (names for names in documented if member in names)
    return wanted


def example() -> tuple[dict[str, object], str]:
    told = probe.read()["6.1.192"]
    predictions = [Predictions(question, told.machine) for question in questions.read()]
    finding = infer(predictions, told.given, report.claimed(told.kernel))
    result = report.data(finding, told, predictions)
    return result, report.text(result)


def test_the_example_is_what_the_recorded_kernel_answered() -> None:
    block = PAGE.partition(":name: example-of-probe\n")[2].partition("\nThe first line")[0]
    shown = "\n".join(line[3:] for line in block.strip("\n").splitlines())
    command, _, answer = shown.partition("\n")
    assert command == "$ sudo cgroup-storage probe"
    assert answer == example()[1]


def test_the_forms_are_documented() -> None:
    assert table("unexplained") == set(example()[0])
    machine = found.Machine([found.FoundMap(1, BPF_MAP_TYPE_CGROUP_STORAGE, "", 16, 8, 0)])
    (one,) = data(machine)["maps"]
    assert table("shared_by") == set(one)
    profile = profiles.Profile("mine", "6.1", {})
    assert table("profile") == set(json.loads(profiles.text(profile)))
