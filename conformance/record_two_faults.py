# SPDX-License-Identifier: GPL-2.0-only
"""``python -m conformance two-faults`` and ``boundaries``: write down how kernels answer calls.

Calls with one fault or two, and calls with an argument at its boundary.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from records import two_faults
from reference_model.outputs import Output
from reference_model.refusals import boundaries, pairs

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


@dataclass(frozen=True)
class Calls:
    """The calls of a record."""

    file: Path
    modelled: Callable[[str], two_faults.Answers]
    arguments: tuple[str, ...] = ()
    """Of the program in the guest."""


TWO_FAULTS = Calls(two_faults.FILE, pairs.modelled)
BOUNDARIES = Calls(two_faults.BOUNDARIES, boundaries.modelled, ("boundaries",))


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommands to the command line."""
    what = "Record which of two faults in one call real kernels report."
    add(commands, "two-faults", partial(run, TWO_FAULTS), what)
    what = "Record what real kernels answer where an argument of a call is at its boundary."
    add(commands, "boundaries", partial(run, BOUNDARIES), what)


def answers_of(lines: Iterable[str]) -> two_faults.Answers:
    """What the guest printed, by the names of the faults."""
    told = map(json.loads, lines)
    return {line["faults"]: line["answer"] for line in told}


def run(calls: Calls, options: argparse.Namespace, progress: Progress) -> Exit:
    """Run the subcommand; return its exit status."""
    good = True
    with Output(calls.file):  # only to see that it can be written
        wanted = wanted_kernels(options, progress)
    limit = options.time_limit or PAYLOAD.time_limit
    payload = replace(PAYLOAD, argv=(*PAYLOAD.argv, *calls.arguments), time_limit=limit)
    for number, result in enumerate(guest.run_all(wanted.here, payload, jobs=jobs_of(options))):
        kernel = result.kernel
        progress.say(f"{kernel.name}: {result.problem or 'ok'}, {result.seconds:.0f} s")
        different = []
        if result.ok:
            given, model = answers_of(result.lines), calls.modelled(release_of(kernel))
            different = [
                f"  {name}: {answer}, the model: {model[name]}"
                for name, answer in given.items()
                if answer != model[name]
            ]
            found = {**two_faults.read(calls.file), kernel.version: given}
            two_faults.write(found, calls.file)
        else:
            keep_log(result, number)
        for line in different:
            progress.say(line)
        good &= result.ok and not different
    return wanted.status(good=good, say=progress.say)
