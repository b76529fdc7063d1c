# SPDX-License-Identifier: GPL-2.0-only
"""``python -m reference_model``: the commands of the model, installed as ``cgroup-storage``."""

from __future__ import annotations

import argparse
import json
import sys
from typing import NoReturn

from . import __version__, commands, profiles, traces
from .catalogue import Story, stories
from .checker import command as check
from .commands import positive
from .divergence import report, search, world
from .probe import command as probe
from .traces import export
from .traces.notebook import NotExportable


def main(arguments: list[str] | None = None, prog: str = "python -m reference_model") -> int:
    """Run a command; the exit status."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Check whether your program is affected, replay recorded kernels on the model, "
        "export stories, and compare releases.",
        epilog=f"The --help of each command lists its exit statuses. All commands also have these: "
        f"{commands.ENDINGS}",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    added = parser.add_subparsers(required=True, metavar="COMMAND")
    command = added.add_parser(
        "replay",
        help="replay recorded kernels and compare every answer",
        description="Run each trace on the model of every kernel that answered it, and compare. "
        "Exit status: 0 all agree, 1 something differs, 2 a file is malformed or has no answers.",
    )
    command.add_argument(
        "files", nargs="+", metavar="FILE", help="a file of traces, .jsonl or .jsonl.gz; - is the "
        "standard input",
    )  # fmt: skip
    command.add_argument("--release", metavar="R", help="compare only this release")
    command.add_argument(
        "--profile",
        metavar="FILE",
        help="replay on the kernel of this profile, and compare with the recorded answers",
    )
    command.add_argument("--json", action="store_true", help="print the numbers as a JSON object")
    command.set_defaults(run=_replay)
    command = added.add_parser(
        "export",
        help="write stories as traces, operations only",
        description="Write stories in the format of the traces, so that another program can run "
        "them on any kernel. A story has one line for each path that it takes on some release. "
        "Exit status: 0 all are written, 2 a story is unknown, or the format cannot express it.",
    )
    command.add_argument(
        "names", nargs="*", metavar="STORY", help="a story to write (default: all)"
    )
    command.set_defaults(run=_export)
    command = added.add_parser(
        "diverge",
        help="search for all differences between two releases",
        description="Run every program of a small world on both releases, up to a number of "
        "operations, and print a shortest program for each difference, with the changes that "
        "account for it. Ctrl-C ends the search, and what it found is printed. Exit status: 0 the "
        "search is complete, 1 it was interrupted, 2 a release, a profile or a world is unknown.",
    )
    command.add_argument(
        "old", metavar="OLD", help="a release, such as 5.8, or the .json file of a profile"
    )
    command.add_argument("new", metavar="NEW", help="another release, such as 5.9, or a profile")
    command.add_argument(
        "--depth",
        type=_depth,
        metavar="N",
        help=f"most operations in a program, 1 to {DEEPEST} (default: that of the world)",
    )
    command.add_argument(
        "--world",
        default=world.DEFAULT,
        metavar="W",
        help=f"a .json file, or one of {', '.join(world.known())} (default: %(default)s)",
    )
    jobs = "number of processes, at most one for each core (default: %(default)s)"
    command.add_argument("--jobs", type=positive, default=commands.cores(), metavar="N", help=jobs)
    command.add_argument("--json", action="store_true", help="print the result as a JSON object")
    command.set_defaults(run=_diverge)
    check.add(added)
    probe.add(added)
    options = parser.parse_args(arguments)
    status: int = options.run(options)
    return status


def _say(text: object) -> None:
    print(text, file=sys.stderr)


def _replay(options: argparse.Namespace) -> int:
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


DEEPEST = 64
"""The longest programs that a search can be asked for; it takes days for a tenth of them."""


def _depth(text: str) -> int:
    number = positive(text)
    if number > DEEPEST:
        raise argparse.ArgumentTypeError(f"{text} is more than {DEEPEST}")
    return number


def _diverge(options: argparse.Namespace) -> int:
    try:
        chosen = world.load(options.world)
        old, new = profiles.named(options.old), profiles.named(options.new)
    except ValueError as error:
        _say(error)
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
        _say(f"no story {', '.join(unknown)}: there are {', '.join(known)}")
        return 2
    status = 0
    for program in export.story_programs(options.names or None):
        try:
            lines = [traces.line(exported) for exported in export.exported(program)]
        except NotExportable as error:
            _say(f"{program.name}: {error}")
            status = 2
        else:
            print("\n".join(lines))
    return status


def installed() -> NoReturn:
    """Run the command ``cgroup-storage`` that pip installs."""
    commands.finish(lambda: main(prog="cgroup-storage"))


if __name__ == "__main__":
    commands.finish(main)
