# SPDX-License-Identifier: GPL-2.0-only
"""``python -m conformance events``: write down which hooks each event passes on real kernels."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from records import events
from reference_model.outputs import Output

from . import guest, tools
from .command_line import Exit, Progress, add, jobs_of, keep_log
from .command_line import wanted as wanted_kernels
from .payload import Payload

PAYLOAD = Payload(
    name="events",
    argv=(tools.PYTHON, "-m", "conformance.events"),
    files={name: tools.REPOSITORY / name for name in ("reference_model", "conformance")},
    time_limit=1200,
)


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to the command line."""
    add(commands, "events", run, "Record which hooks each event passes, and which LSM hooks exist.")


def record_of(lines: Iterable[str]) -> dict[str, Any]:
    """The record of a kernel: what the guest printed."""
    made: dict[str, Any] = {"events": {}, "lsm_hooks": {}}
    for line in lines:
        data = json.loads(line)
        if "event" in data:
            made["events"][data.pop("event")] = data
        else:
            made["lsm_hooks"][data["lsm"]] = data["kinds"]
    return made


def run(options: argparse.Namespace, progress: Progress) -> Exit:
    """Run the subcommand; return its exit status."""
    good = True
    with Output(events.FILE):  # only to see that it can be written
        wanted = wanted_kernels(options, progress)
    payload = replace(PAYLOAD, time_limit=options.time_limit or PAYLOAD.time_limit)
    results = guest.run_all(wanted.here, payload, jobs=jobs_of(options))
    for number, result in enumerate(results):
        progress.say(f"{result.kernel.name}: {result.problem or 'ok'}, {result.seconds:.0f} s")
        if result.ok:
            made = {result.kernel.version: record_of(result.lines)}
            events.write({**events.read(), **made})
        else:
            keep_log(result, number)
        good &= result.ok
    return wanted.status(good=good, say=progress.say)
