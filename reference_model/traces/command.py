# SPDX-License-Identifier: GPL-2.0-only
"""The command ``replay``: its arguments, and what it runs."""

from __future__ import annotations

import argparse
import json
import sys

from .. import profiles, traces


def add(command: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to its parser."""
    command.description = (
        "Run each trace on the model of every kernel that answered it, and compare. "
        "Exit status: 0 all agree, 1 something differs, 2 a file is malformed or has no answers."
    )
    command.add_argument(
        "files", nargs="+", metavar="FILE", help="a file of traces, .jsonl or .jsonl.gz; - is the "
        "standard input, which may be compressed, too",
    )  # fmt: skip
    command.add_argument("--release", metavar="R", help="compare only this release")
    command.add_argument(
        "--profile",
        metavar="FILE",
        help="replay on the kernel of this profile, and compare with the recorded answers",
    )
    command.add_argument("--json", action="store_true", help="print the numbers as a JSON object")
    command.set_defaults(run=_run)


def _say(text: object) -> None:
    print(text, file=sys.stderr)


def _run(options: argparse.Namespace) -> int:
    try:
        on = profiles.read(options.profile) if options.profile else None
        scores = traces.replay(options.files, options.release, _say, on)
    except traces.TraceError as error:
        _say(error)
        return 2
    if not scores:
        wanted = f" of {options.release}" if options.release else ""
        _say(f"no traces{wanted} in {', '.join(options.files)}")
        return 2
    if options.json:
        print(json.dumps({name: score.numbers() for name, score in scores.items()}))
    else:
        print(traces.table(scores))
    return int(any(score.differ for score in scores.values()))
