# SPDX-License-Identifier: GPL-2.0-only
"""``python -m reference_model``: the model's commands."""

from __future__ import annotations

import argparse
import json
import sys

from . import traces
from .catalogue import Story, stories
from .divergence import report, search, world
from .releases import Release
from .traces import export
from .traces.notebook import NotExportable


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m reference_model", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser(
        "replay",
        help="replay recorded kernels and compare every answer",
        description="Run each trace on the release of each kernel that answered it, and compare. "
        "Exit status: 0 all agree, 1 something differs, 2 a file is malformed.",
    )
    command.add_argument("files", nargs="+", metavar="FILE", help="traces, .jsonl or .jsonl.gz")
    command.add_argument("--release", metavar="R", help="only the kernel of this release")
    command.add_argument("--json", action="store_true", help="print the numbers as one object")
    command.set_defaults(run=_replay)
    command = commands.add_parser(
        "export",
        help="write stories as traces, operations only",
        description="Write stories in the format of the traces, one line for each path that they "
        "take on some release, so that an executor can ask any kernel. Exit status: 2 unknown "
        "story, or one that the format cannot say.",
    )
    command.add_argument("names", nargs="*", metavar="STORY", help="all of them if none is named")
    command.set_defaults(run=_export)
    command = commands.add_parser(
        "diverge",
        help="search for every way in which two releases differ",
        description="Run every program of a small world on both releases, up to a number of "
        "operations, and print a shortest program for each difference, with the changes that "
        "account for it. Ctrl-C ends the search, and what it found is printed. Exit status: 0 it "
        "came to its end, 1 it was interrupted, 2 unknown release or no world.",
    )
    command.add_argument("old", metavar="OLD", help="a release, such as 5.8")
    command.add_argument("new", metavar="NEW", help="another one")
    command.add_argument("--depth", type=_positive, metavar="N", help="as the world says")
    command.add_argument(
        "--world",
        default=world.DEFAULT,
        metavar="W",
        help=f"a file, .json, or one of {', '.join(world.known())} (%(default)s)",
    )
    command.add_argument(
        "--jobs", type=_positive, default=search.cores(), metavar="N", help="(%(default)s)"
    )
    command.add_argument("--json", action="store_true", help="print one object")
    command.set_defaults(run=_diverge)
    options = parser.parse_args(arguments)
    status: int = options.run(options)
    return status


def _replay(options: argparse.Namespace) -> int:
    try:
        scores = traces.replay(options.files, options.release)
    except traces.TraceError as error:
        print(error, file=sys.stderr)
        return 2
    if not scores:
        wanted = f" of {options.release}" if options.release else ""
        print(f"no traces{wanted} in {', '.join(options.files)}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps({name: score.numbers() for name, score in scores.items()}))
    else:
        print(traces.table(scores))
    return int(any(score.differ for score in scores.values()))


def _positive(text: str) -> int:
    """A number from 1 on."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def _diverge(options: argparse.Namespace) -> int:
    try:
        chosen = world.load(options.world)
        old, new = Release(options.old), Release(options.new)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    meter = report.Meter()
    found = search.search(old, new, chosen, options.depth or chosen.depth, options.jobs, meter)
    meter.end()
    print(json.dumps(report.data(found)) if options.json else report.text(found))
    return int(not found.whole)


def _export(options: argparse.Namespace) -> int:
    known: dict[str, Story] = stories()
    unknown = [name for name in options.names if name not in known]
    if unknown:
        print(f"no story {', '.join(unknown)}: there are {', '.join(known)}", file=sys.stderr)
        return 2
    status = 0
    for program in export.story_programs(options.names or None):
        try:
            lines = [traces.line(exported) for exported in export.exported(program)]
        except NotExportable as error:
            print(f"{program.name}: {error}", file=sys.stderr)
            status = 2
        else:
            print("\n".join(lines))
    return status


if __name__ == "__main__":
    sys.exit(main())
