# SPDX-License-Identifier: GPL-2.0-only
"""``python -m conformance two-faults`` and ``boundaries``: write down how kernels answer calls.

Calls with one fault or two, and calls with an argument at its boundary.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from records import calls
from reference_model.outputs import Output
from reference_model.refusals import boundaries, pairs

from . import guest, tools
from .command_line import Exit, Progress, add, jobs_of, keep_log
from .command_line import wanted as wanted_kernels
from .oracle import release_of
from .payload import Payload


@dataclass(frozen=True)
class Record:
    """The answers to calls of one kind."""

    name: str
    """Of the subcommand; it also tells the program in the guest which calls to make."""
    purpose: str
    file: Path
    modelled: Callable[[str], calls.Answers]
    """The answers of the model on a release."""


RECORDS = (
    Record(
        "two-faults",
        "Record which of two faults in one call real kernels report.",
        calls.TWO_FAULTS,
        pairs.modelled,
    ),
    Record(
        "boundaries",
        "Record what real kernels answer where an argument of a call is at its boundary.",
        calls.BOUNDARIES,
        boundaries.modelled,
    ),
)


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommands to the command line."""
    for record in RECORDS:
        add(commands, record.name, partial(run, record), record.purpose)


def answers_of(lines: Iterable[str]) -> calls.Answers:
    """What the guest printed, by the names of the calls."""
    return {found["call"]: found["answer"] for found in map(json.loads, lines)}


def run(record: Record, options: argparse.Namespace, progress: Progress) -> Exit:
    """Run the subcommand; return its exit status."""
    good = True
    with Output(record.file):  # only to see that it can be written
        wanted = wanted_kernels(options, progress)
    payload = Payload(
        name=record.name,
        argv=(tools.PYTHON, "-m", "conformance.make_calls", record.name),
        files={name: tools.REPOSITORY / name for name in ("reference_model", "conformance")},
        time_limit=options.time_limit or 1200,
    )
    for number, result in enumerate(guest.run_all(wanted.here, payload, jobs=jobs_of(options))):
        kernel = result.kernel
        progress.say(f"{kernel.name}: {result.problem or 'ok'}, {result.seconds:.0f} s")
        different = []
        if result.ok:
            given, model = answers_of(result.lines), record.modelled(release_of(kernel))
            different = [
                f"  {name}: {answer}, the model: {model[name]}"
                for name, answer in given.items()
                if answer != model[name]
            ]
            found = {**calls.read(record.file), kernel.version: given}
            calls.write(found, record.file)
        else:
            keep_log(result, number)
        for line in different:
            progress.say(line)
        good &= result.ok and not different
    return wanted.status(good=good, say=progress.say)
