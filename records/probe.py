# SPDX-License-Identifier: GPL-2.0-only
"""What real kernels answered to the questions of ``cgroup-storage probe``, and what follows.

``python -m conformance probe`` writes the file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from reference_model.changes import NAMES
from reference_model.outputs import write_whole
from reference_model.probe import inference, questions
from reference_model.probe.asking import Answers
from reference_model.probe.predictions import Predictions, changes_of
from reference_model.probe.report import STATES
from reference_model.releases import Release

from .files import LICENCE

FILE = Path(__file__).with_name("probe.json")


def answers(data: Mapping[str, Any]) -> Answers:
    """The answers in plain data."""
    machine = {**data["machine"], "cpus": tuple(data["machine"]["cpus"])}
    return Answers(data["kernel"], machine, data["given"], data["not_asked"])


def read(path: Path = FILE) -> dict[str, Answers]:
    """The answers of each kernel, by its version; none if there is no file."""
    if not path.exists():
        return {}
    data = json.loads(path.read_text(encoding="utf-8"))
    found = {
        version: answers({**kernel, "given": {}}) for version, kernel in data["kernels"].items()
    }
    for question, groups in data["answers"].items():
        for versions, given in groups:
            for version in versions:
                found[version].given[question] = given
    return found


def write(records: Mapping[str, Answers], path: Path = FILE) -> None:
    """Write the answers of all kernels: a line for each kernel and for each question."""
    grouped: dict[str, dict[str, list[str]]] = {}
    kernels = {}
    for version in sorted(records, key=Release):
        found = records[version]
        kernels[version] = {
            "kernel": found.kernel, "machine": dict(found.machine), "not_asked": found.not_asked,
        }  # fmt: skip
        for question, given in found.given.items():
            grouped.setdefault(question, {}).setdefault(json.dumps(given), []).append(version)
    rows = [
        f"  {json.dumps(question)}: "
        f"[{', '.join(f'[{json.dumps(alike)}, {given}]' for given, alike in groups.items())}]"
        for question, groups in sorted(grouped.items())
    ]
    heads = [
        f"  {json.dumps(version)}: {json.dumps(kernel)}" for version, kernel in kernels.items()
    ]
    text = f'{{\n "LICENSE": {json.dumps(LICENCE)},\n "kernels": {{\n' + ",\n".join(heads)
    write_whole(path, text + '\n },\n "answers": {\n' + ",\n".join(rows) + "\n }\n}\n")


@cache
def _predictions(cpus: tuple[int, ...], sysctl: int) -> list[Predictions]:
    """The questions on a machine; several kernels share what the model answers."""
    machine = {"cpus": cpus, "unprivileged_bpf_disabled": sysctl}
    return [Predictions(question, machine) for question in questions.read()]


def differences(version: str, recorded: Answers) -> list[str]:
    """Where the answers say other things than the records of the kernel's release, a line each."""
    predictions = _predictions(
        tuple(recorded.machine["cpus"]), recorded.machine["unprivileged_bpf_disabled"]
    )
    has = changes_of(version)
    modelled = {
        each.question.name: each.on(has)
        for each in predictions
        if each.question.name in recorded.given
    }
    real = inference.infer(predictions, recorded.given)
    wanted = inference.infer(predictions, modelled)
    lines = [f"{name}: an answer that no release gives" for name in real.unexplained]
    for change, state in real.states.items():
        if state is not wanted.states[change] or state not in (None, has[change]):
            lines.append(f"{NAMES[change]}: {STATES[state]}, the model: {STATES[has[change]]}")
    if real.nearest != wanted.nearest:
        lines.append(f"nearest {real.nearest}, the model: {wanted.nearest}")
    return lines
