# SPDX-License-Identifier: GPL-2.0-only
"""The command ``export``: its arguments, and what it runs."""

from __future__ import annotations

import argparse
import sys

from ..catalogue import Story, stories
from . import export, line
from .notebook import NotExportable


def add(command: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to its parser."""
    command.description = (
        "Write stories in the format of the traces, so that another program can run "
        "them on any kernel. A story has one line for each path that it takes on some release. "
        "Exit status: 0 all are written, 2 a story is unknown, or the format cannot express it."
    )
    command.add_argument(
        "names", nargs="*", metavar="STORY", help="a story to write (default: all)"
    )
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    known: dict[str, Story] = stories()
    unknown = [name for name in options.names if name not in known]
    if unknown:
        print(f"no story {', '.join(unknown)}: there are {', '.join(known)}", file=sys.stderr)
        return 2
    status = 0
    for program in export.story_programs(options.names or None):
        try:
            lines = [line(exported) for exported in export.exported(program)]
        except NotExportable as error:
            print(f"{program.name}: {error}", file=sys.stderr)
            status = 2
        else:
            print("\n".join(lines))
    return status
