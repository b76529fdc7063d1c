# SPDX-License-Identifier: GPL-2.0-only
"""``python -m conformance record``: write down what real kernels answer.

Without a file: all that the stories need. On each kernel it runs the stories and their versions in
C and in Go and asks the operations of all stories, and writes the answers into ``records/`` when
the kernel is done. What a kernel could not be asked keeps its earlier answers, as do kernels that
are not here.

With a file: it writes traces there. It asks new random sequences, or the operations of --ops FILE.
"""

from __future__ import annotations

import argparse
import datetime
from concurrent.futures import as_completed
from dataclasses import dataclass, replace
from pathlib import Path

from records import pending, results
from records.files import KERNELS, STORIES
from reference_model.catalogue import Story
from reference_model.commands import positive, up_to, whole
from reference_model.outputs import Output
from reference_model.traces import Trace, TraceError, export, line, read

from . import guest, stories, tools, traces, twins
from .command_line import Exit, Progress, UsageError, add, jobs_of
from .command_line import wanted as wanted_kernels
from .explore import LENGTH, LONGEST
from .kernels import KernelImage
from .languages import GO, library_version, missing_go
from .offers import Say, silent
from .oracle import release_of
from .traces import Given

EXAMPLES = """\
examples:
  python -m conformance record                        all that the stories need
  python -m conformance record new.jsonl --seed 7     new random sequences
  python -m conformance record new.jsonl --ops old.jsonl
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to the command line."""
    what = "Record what real kernels answer to all stories, or to sequences in FILE."
    option = add(commands, "record", run, what, EXAMPLES).add_argument
    option(
        "file",
        type=Path,
        nargs="?",
        metavar="FILE",
        help="the .jsonl file to write (default: the records of stories)",
    )
    option(
        "--ops",
        type=Path,
        metavar="FILE",
        help="run the operations of these traces, instead of random ones",
    )
    count, seed, length = (
        "number of random sequences",
        "choose other sequences",
        "operations in a sequence",
    )
    option(
        "--count", type=positive, default=20, metavar="N", help=f"{count} (default: %(default)s)"
    )
    option("--seed", type=whole, default=1, metavar="N", help=f"{seed} (default: %(default)s)")
    option(
        "--length",
        type=up_to(LONGEST),
        default=LENGTH,
        metavar="N",
        help=f"{length} (default: %(default)s)",
    )


def run(options: argparse.Namespace, progress: Progress) -> Exit:
    """Run the subcommand; return its exit status."""
    if options.file is not None:
        return record_traces(options, progress)
    if options.ops is not None:
        raise UsageError("--ops needs a FILE for the answers")
    return record_stories(options, progress)


# -- traces ----------------------------------------------------------------------------------------


def read_traces(path: Path) -> list[Trace]:
    """The traces of a file; UsageError if it is none."""
    try:
        return list(read(path))
    except (OSError, TraceError) as error:
        raise UsageError(str(error)) from None


def text_of(found: list[Trace]) -> str:
    """The traces as a file holds them."""
    return "".join(f"{line(one)}\n" for one in found)


def show_traces(kernel: KernelImage, given: list[Given], progress: Progress) -> bool:
    """Print how many traces a kernel answered; return whether these are all."""
    lacking = sum(answers is None for answers in given)
    progress.say(f"{kernel.name}: {len(given) - lacking} of {len(given)} traces answered")
    return not lacking


def record_traces(options: argparse.Namespace, progress: Progress) -> Exit:
    """Write what the kernels answer to new sequences, or to those of a file."""
    given_ops = read_traces(options.ops) if options.ops else []
    if options.ops and not given_ops:
        raise UsageError(f"{options.ops} has no traces")
    asked = [replace(one, answers={}, undefined={}) for one in given_ops]
    with Output(options.file) as output, guest.threads(jobs_of(options)) as pool:
        wanted = wanted_kernels(options, progress)
        if not options.ops and wanted.here:
            releases = [release_of(kernel) for kernel in wanted.here]
            asked = traces.new_sequences(releases, options.count, options.seed, options.length)
        found, whole = asked, True
        given_by = pool.map(
            lambda kernel: traces.in_a_guest(kernel, asked, options.time_limit), wanted.here
        )
        for kernel, given in zip(wanted.here, given_by, strict=True):
            found = traces.with_answers(found, release_of(kernel), given)
            whole &= show_traces(kernel, given, progress)
        if any(one.answers or one.undefined for one in found):
            output.write(text_of(found))
    status = wanted.status(good=True, say=progress.say)
    return status if whole else Exit.NOT_RUN


# -- stories ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Questions:
    """What every kernel is asked for the stories."""

    stories: dict[str, Story]
    twins: dict[str, Story]
    go: dict[str, Story]
    traces: list[Trace]


@dataclass(frozen=True)
class Answers:
    """What one kernel answered."""

    stories: stories.StoryReport
    go: twins.ProgramReport
    twins: twins.ProgramReport
    traces: list[Given]

    def __bool__(self) -> bool:
        versions = self.twins.twins or self.go.twins
        return bool(self.stories.observed or versions or any(self.traces))

    def as_record(self) -> results.Record:
        """The answers as the record of their kernel."""
        return {
            "kernel": self.stories.kernel.identity.as_json(),
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "seconds": round(self.stories.seconds, 1),
            "stories": self.stories.recorded,
            "twins": self.twins.recorded,
            "go": self.go.recorded,
            "go_library": library_version(),
        }


def ask(
    kernel: KernelImage, questions: Questions, options: argparse.Namespace, say: Say
) -> Answers:
    """Ask one kernel everything."""
    limit = options.time_limit
    say(f"{kernel.name}: asking {len(questions.stories)} stories")
    report = stories.ask(kernel, questions.stories, say if options.verbose else silent, limit)
    say(f"{kernel.name}: running {len(questions.twins)} C versions")
    printed = twins.ask(kernel, questions.twins, limit)
    say(f"{kernel.name}: asking {len(questions.go)} versions in Go")
    compiled = twins.ask(kernel, questions.go, limit, GO)
    say(f"{kernel.name}: asking the operations of {len(questions.traces)} traces")
    return Answers(report, compiled, printed, traces.in_a_guest(kernel, questions.traces, limit))


def record_stories(options: argparse.Namespace, progress: Progress) -> Exit:
    """Ask the kernels all that the stories need, and write it into records/ kernel by kernel."""
    made = [one for program in export.story_programs() for one in export.exported(program)]
    questions = Questions(stories.known(()), twins.known(()), twins.known((), GO), made)
    found = traces.with_old_answers(made, read_traces(STORIES) if STORIES.exists() else ())
    good = True
    with (
        Output(STORIES) as output,
        Output(KERNELS / "kernel.json"),  # only to see that the folder can be written
        guest.threads(jobs_of(options)) as pool,
    ):
        wanted = wanted_kernels(options, progress)
        if lacking := missing_go():
            raise lacking
        twins.build()
        waiting = [pool.submit(ask, kernel, questions, options, progress.say)
                   for kernel in wanted.here]  # fmt: skip
        for future in as_completed(waiting):
            answers = future.result()
            kernel = answers.stories.kernel
            good &= stories.show(answers.stories, progress.say)
            good &= twins.show(answers.twins, progress.say, verbose=False)
            good &= twins.show(answers.go, progress.say, verbose=False)
            good &= show_traces(kernel, answers.traces, progress)
            if answers:
                path = results.add(answers.as_record())
                progress.say(f"    recorded in {path.relative_to(tools.REPOSITORY)}")
                found = traces.with_answers(found, release_of(kernel), answers.traces)
                output.write(text_of(found))
    left = pending.rewrite()
    if left:
        progress.say(f"not recorded on {pending.ENOUGH} kernels yet: {', '.join(left)}")
    return wanted.status(good=good, say=progress.say)
