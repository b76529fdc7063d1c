# SPDX-License-Identifier: GPL-2.0-only
"""``python -m conformance probe``: write down what kernels answer to the questions of the probe."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from dataclasses import replace

from records import probe
from reference_model.outputs import Output
from reference_model.probe.asking import Answers

from . import guest, tools
from .command_line import Exit, Progress, add, jobs_of, keep_log
from .command_line import wanted as wanted_kernels
from .payload import Payload

PAYLOAD = Payload(
    name="probe",
    argv=(tools.PYTHON, "-m", "conformance.probe_guest"),
    files={name: tools.REPOSITORY / name for name in ("reference_model", "conformance")},
    time_limit=300,
)


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to the command line."""
    what = "Record what kernels answer to the questions of the probe, and check what it finds."
    add(commands, "probe", run, what)


def answers_of(lines: Iterable[str]) -> Answers:
    """What the guest printed."""
    (line,) = lines
    return probe.answers(json.loads(line))


def run(options: argparse.Namespace, progress: Progress) -> Exit:
    """Run the subcommand; return its exit status."""
    good = True
    with Output(probe.FILE):  # only to see that it can be written
        wanted = wanted_kernels(options, progress)
    payload = replace(PAYLOAD, time_limit=options.time_limit or PAYLOAD.time_limit)
    for number, result in enumerate(guest.run_all(wanted.here, payload, jobs=jobs_of(options))):
        kernel = result.kernel
        progress.say(f"{kernel.name}: {result.problem or 'ok'}, {result.seconds:.0f} s")
        different = []
        if result.ok:
            given = answers_of(result.lines)
            probe.write({**probe.read(), kernel.version: given})
            different = probe.differences(kernel.version, given)
        else:
            keep_log(result, number)
        for line in different:
            progress.say(f"  {line}")
        good &= result.ok and not different
    return wanted.status(good=good, say=progress.say)
