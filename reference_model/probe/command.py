# SPDX-License-Identifier: GPL-2.0-only
"""The command ``probe``: its arguments, and what it runs."""

from __future__ import annotations

import argparse
import json
import sys

from .. import profiles
from ..outputs import Output
from . import asking, inference, questions, report
from .predictions import Predictions


def add(command: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to its parser."""
    command.description = (
        "Ask the running kernel with short programs which of the recorded changes it "
        "has, and print the nearest mainline release and what differs. It needs root, works in a "
        "cgroup of its own and removes it at the end. It asks nothing that could crash a kernel. "
        "Exit status: 0 the kernel answered, 1 the model does not explain some answers, 2 the "
        "kernel could not be asked."
    )
    command.add_argument(
        "--profile", metavar="FILE", help="write the profile of the kernel to this file"
    )
    command.add_argument("--verbose", action="store_true", help="list all changes")
    command.add_argument("--json", action="store_true", help="print the result as a JSON object")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Ask the running kernel; the exit status."""
    if options.profile is not None:
        with Output(options.profile) as profile:
            return _run(options, profile)
    return _run(options, None)


def _run(options: argparse.Namespace, profile: Output | None) -> int:
    asked = questions.read()
    answers = asking.ask(asked)
    predictions = [Predictions(question, answers.machine) for question in asked]
    finding = inference.infer(predictions, answers.given, report.claimed(answers.kernel))
    found = report.data(finding, answers, predictions)
    if profile is not None:
        profile.write(profiles.text(finding.profile(answers.kernel)))
        print(f"The profile is in {options.profile}.", file=sys.stderr)
    print(json.dumps(found) if options.json else report.text(found, verbose=options.verbose))
    return int(bool(finding.unexplained))
