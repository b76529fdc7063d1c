# SPDX-License-Identifier: GPL-2.0-only
"""``python -m records``: show what kernels answered, and search and choose again.

``show`` prints what each kernel answered to a story, to the stories of a rule, or to a trace.
``search`` searches all pairs of releases in all worlds, and all recipes for races, and writes what
it finds; with ``--traces FILE`` it writes the shortest programs of the record as traces, operations
only, for ``python -m conformance record OUT --ops FILE`` to ask real kernels.
``questions`` chooses the questions of ``cgroup-storage probe``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from reference_model import Release
from reference_model.catalogue import Recipe, stories
from reference_model.commands import ENDINGS, cores, finish, positive
from reference_model.outputs import Output
from reference_model.traces import line
from reference_model.workers import workers

from . import questions, results, search
from .archive import committed
from .matrix import Comparison, committed_matrix


def shown(name: str, kernel: str | None = None) -> Iterator[str]:
    """What a story, the stories of a rule or a trace were answered, a line for each kernel."""
    found = committed_matrix()
    rows = {name: found.cells[name]} if name in found.cells else found.of_rule(name)
    if not rows and name not in committed().trace_ids:
        raise KeyError(name)
    for story, row in rows.items():
        if story != name:
            yield f"{story}:"
        for version, comparison in row.items():
            if kernel in (None, version):
                yield f"{version:<10} {in_words(comparison)}"
    if not rows:
        trace = committed().trace(name)
        answers = {**trace.answers, **trace.undefined}
        for version in sorted(answers, key=Release):
            if kernel in (None, version):
                yield f"{version:<10} {answers[version]}"


def in_words(comparison: Comparison) -> str:
    """How a story and the records agree, and all that was observed."""
    seen = ", ".join(f"{label}: {value}" for label, value in comparison.seen.items())
    return f"{comparison.agreement.word}: {seen}" if seen else comparison.agreement.word


def searched(options: argparse.Namespace) -> None:
    """Search, and write what is found."""
    if options.traces is not None:
        with Output(options.traces) as output:
            found = search.traces(results.debian())
            output.write("".join(f"{line(one)}\n" for one in found))
        return
    names = list(stories(Recipe))
    with workers(options.jobs) as pool:
        races = {}
        for name, one in zip(names, pool.map(search.raced, names), strict=True):
            races[name] = one
            print(f"{name}: {one['runs']:,} runs, {len(one['races'])} races", flush=True)
    search.write_races(races)
    if not options.recipes:
        search.write(search.searched(options.jobs, partial(print, flush=True)))


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    options = argparse.ArgumentParser(
        prog="python -m records",
        description="Print what real kernels answered, or search the model again for differences.",
        epilog="Exit status: 0 done, 2 there is nothing to show, or a file cannot be written. "
        f"{ENDINGS}",
    )
    commands = options.add_subparsers(dest="command", required=True)
    command = commands.add_parser(
        "show",
        help="print what each kernel answered",
        description="Print the answers of kernels to a story, the stories of a rule, or a trace.",
    )
    command.add_argument("name", metavar="NAME", help="a story, a rule or the id of a trace")
    command.add_argument(
        "kernel", metavar="KERNEL", nargs="?", help="only this kernel, for example 6.1.192"
    )
    command = commands.add_parser(
        "search",
        help="search again for differences and races",
        description="Search all pairs of releases for differences, and all recipes for races, and "
        "write what is found into records/.",
    )
    command.add_argument(
        "--jobs",
        type=positive,
        default=cores(),
        metavar="N",
        help="number of processes (default: %(default)s)",
    )
    command.add_argument(
        "--recipes", action="store_true", help="search only for the races of recipes"
    )
    command.add_argument(
        "--traces",
        type=Path,
        metavar="FILE",
        help="search nothing, and write the shortest programs of the last search as traces, for "
        "python -m conformance record OUT --ops FILE",
    )
    commands.add_parser(
        "questions",
        help="choose the questions of cgroup-storage probe again",
        description="Choose the questions of cgroup-storage probe among the recorded programs, and "
        "write them into reference_model/probe/questions.json. It takes some minutes.",
    )
    return options


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 2 if there is nothing to show."""
    options = parser().parse_args(arguments)
    if options.command == "search":
        searched(options)
        return 0
    if options.command == "questions":
        questions.write(questions.chosen(print))
        return 0
    try:
        lines = list(shown(options.name, options.kernel))
    except KeyError:
        print(f"no such story, rule of a story, or trace: {options.name}", file=sys.stderr)
        return 2
    if not lines:
        print(f"{options.name}: no answer of Linux {options.kernel}", file=sys.stderr)
        return 2
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    finish(main)
