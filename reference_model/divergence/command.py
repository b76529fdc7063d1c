# SPDX-License-Identifier: GPL-2.0-only
"""The command ``diverge``: its arguments, and what it runs."""

from __future__ import annotations

import argparse
import json
import sys

from .. import profiles
from ..commands import cores, positive, up_to
from . import report, search, world


def add(command: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to its parser."""
    command.description = (
        "Run every program of a small world on both releases, up to a number of "
        "operations, and print a shortest program for each difference, with the changes that "
        "account for it. Ctrl-C ends the search, and what it found is printed. Exit status: 0 the "
        "search is complete, 1 it was interrupted, 2 a release, a profile or a world is unknown."
    )
    command.add_argument(
        "old", metavar="OLD", help="a release, such as 5.8, or the .json file of a profile"
    )
    command.add_argument("new", metavar="NEW", help="another release, such as 5.9, or a profile")
    command.add_argument(
        "--depth",
        type=up_to(world.DEEPEST),
        metavar="N",
        help=f"most operations in a program, 1 to {world.DEEPEST} (default: that of the world)",
    )
    command.add_argument(
        "--world",
        default=world.DEFAULT,
        metavar="W",
        help=f"a .json file, or one of {', '.join(world.known())} (default: %(default)s)",
    )
    jobs = "number of processes, at most one for each core (default: %(default)s)"
    command.add_argument("--jobs", type=positive, default=cores(), metavar="N", help=jobs)
    command.add_argument("--json", action="store_true", help="print the result as a JSON object")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    try:
        chosen = world.load(options.world)
        old, new = profiles.named(options.old), profiles.named(options.new)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    meter = report.Meter()
    found = search.search(old, new, chosen, options.depth or chosen.depth, options.jobs, meter)
    meter.end()
    print(json.dumps(report.data(found)) if options.json else report.text(found))
    return int(not found.whole)
