# SPDX-License-Identifier: GPL-2.0-only
"""``python -m conformance two-faults``: write down how kernels refuse calls with two faults."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from dataclasses import replace

from records import two_faults
from reference_model.outputs import Output
from reference_model.refusals.pairs import modelled

from . import guest, tools
from .command_line import Exit, Progress, add, jobs_of, keep_log
from .command_line import wanted as wanted_kernels
from .oracle import release_of
from .payload import Payload

PAYLOAD = Payload(
    name="two-faults",
    argv=(tools.PYTHON, "-m", "conformance.two_faults"),
    files={name: tools.REPOSITORY / name for name in ("reference_model", "conformance")},
    time_limit=1200,
)


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to the command line."""
    what = "Record which of two faults in one call real kernels report."
    add(commands, "two-faults", run, what)


def answers_of(lines: Iterable[str]) -> two_faults.Answers:
    """What the guest printed, by the names of the faults."""
    told = map(json.loads, lines)
    return {line["faults"]: line["answer"] for line in told}


def run(options: argparse.Namespace, progress: Progress) -> Exit:
    """Run the subcommand; return its exit status."""
    good = True
    with Output(two_faults.FILE):  # only to see that it can be written
        wanted = wanted_kernels(options, progress)
    payload = replace(PAYLOAD, time_limit=options.time_limit or PAYLOAD.time_limit)
    for number, result in enumerate(guest.run_all(wanted.here, payload, jobs=jobs_of(options))):
        kernel = result.kernel
        progress.say(f"{kernel.name}: {result.problem or 'ok'}, {result.seconds:.0f} s")
        different = []
        if result.ok:
            given, model = answers_of(result.lines), modelled(release_of(kernel))
            different = [
                f"  {pair}: {answer}, the model: {model[pair]}"
                for pair, answer in given.items()
                if answer != model[pair]
            ]
            two_faults.write({**two_faults.read(), kernel.version: given})
        else:
            keep_log(result, number)
        for line in different:
            progress.say(line)
        good &= result.ok and not different
    return wanted.status(good=good, say=progress.say)
