# SPDX-License-Identifier: GPL-2.0-only
"""``python -m conformance stories``: every story on real kernels.

Most stories share a guest; each that may break the kernel gets one of its own, which is thrown
away.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from records import results
from records.digests import digest
from reference_model.catalogue import UNDEFINED, Story, stories

from . import guest, offers, tools
from .command_line import Exit, JsonOutput, Progress, UsageError, add, add_json, jobs_of, keep_log
from .command_line import wanted as wanted_kernels
from .kernels import KernelImage
from .payload import Payload

FILES = {name: tools.REPOSITORY / name for name in ("reference_model", "conformance")}

TIME_LIMIT = 400.0
"""Seconds for a guest: on a busy machine it may take minutes."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to the command line."""
    parser = add(commands, "stories", run, "Run the stories on real kernels.")
    add_json(parser)
    parser.add_argument("stories", nargs="*", metavar="STORY", help="a story (default: all)")


def known(names: Sequence[str]) -> dict[str, Story]:
    """The stories of these names, or all; UsageError names those that do not exist."""
    every: dict[str, Story] = stories()
    if unknown := sorted(set(names) - set(every)):
        raise UsageError(f"no such story: {', '.join(unknown)}")
    return {name: story for name, story in every.items() if not names or name in names}


def payload(names: Iterable[str], *, may_crash: bool = False) -> Payload:
    """The payload that runs the stories named."""
    wanted = tuple(names)
    return Payload(
        name="stories" if len(wanted) > 1 else wanted[0],
        argv=(tools.PYTHON, "-m", "conformance.tell", *wanted),
        files=FILES,
        time_limit=TIME_LIMIT,
        may_crash=may_crash,
    )


def observed_in(lines: Iterable[str], *, crashed: bool) -> dict[str, dict[str, Any]]:
    """What each story observed; a label that was tried when the kernel broke is undefined."""
    seen: dict[str, dict[str, Any]] = {}
    pending: tuple[str, str] | None = None
    for line in lines:
        if not line.startswith("{"):
            continue
        said = json.loads(line)
        observed = seen.setdefault(said["story"], {})
        if "failed" in said:
            del seen[said["story"]]
        elif "tries" in said:
            pending = said["story"], said["tries"]
        elif "label" in said:
            observed[said["label"]] = said["value"]
            pending = None
    if crashed and pending is not None:
        seen[pending[0]][pending[1]] = UNDEFINED
    return seen


def breaks(story: Story, kernel: KernelImage) -> bool:
    """Whether the model says that the story breaks this kernel."""
    return UNDEFINED in story.expected(kernel.version).seen.values()


def guests(kernel: KernelImage, known: dict[str, Story]) -> Iterator[list[str]]:
    """The guests that a kernel needs, each with its stories: each that may break it has its own.

    The others share one, in which those run last that are unsafe on other kernels, and then those
    that change the kernel for good: before 5.13 ``unprivileged_bpf_disabled`` cannot be lowered
    again.
    """
    breaking = [name for name, story in known.items() if breaks(story, kernel)]

    def late(name: str) -> tuple[bool, bool]:
        return bool(known[name].kernel.get("unprivileged_bpf_disabled")), known[name].unsafe

    shared = sorted((name for name in known if name not in breaking), key=late)
    yield from filter(None, [shared, *([name] for name in breaking)])


def tasks(kernel: KernelImage, known: dict[str, Story]) -> Iterator[Payload]:
    """The payloads that run these stories on a kernel."""
    for names in guests(kernel, known):
        yield payload(names, may_crash=any(breaks(known[name], kernel) for name in names))


@dataclass
class StoryReport:
    """What the stories observed on one kernel, and what went wrong beside that."""

    kernel: KernelImage
    digests: dict[str, str]
    """By story, of the code that ran."""
    observed: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0

    @property
    def differences(self) -> dict[str, str]:
        """By story how it differs from what is expected of the kernel, if it does."""
        found = {}
        for name, story in known(list(self.digests)).items():
            wanted = results.expected(story, self.kernel.version)
            if name not in self.observed:
                found[name] = "observed nothing"
            elif not results.agrees(self.observed[name], wanted):
                found[name] = f"observed {self.observed[name]}, expected {wanted}"
        return found

    @property
    def recorded(self) -> dict[str, dict[str, Any]]:
        """The stories as a record holds them: those that observed something."""
        return {
            name: {"digest": self.digests[name], "observed": observed}
            for name, observed in sorted(self.observed.items())
        }

    def as_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "kernel": self.kernel.identity.as_json(),
            "stories": self.recorded,
            "differences": self.differences,
            "problems": self.problems,
            "seconds": round(self.seconds, 1),
        }


def ask(
    kernel: KernelImage, known: dict[str, Story], say: offers.Say, limit: float | None = None
) -> StoryReport:
    """Run the stories on a kernel."""
    report = StoryReport(kernel, {name: digest(story) for name, story in known.items()})
    for number, task in enumerate(tasks(kernel, known)):
        task = replace(task, time_limit=limit or task.time_limit)
        (result,) = guest.run_all([kernel], task, jobs=1)
        report.seconds += result.seconds
        crashed = result.crashed or bool(result.warnings)
        report.observed.update(observed_in(result.lines, crashed=crashed))
        say(f"{kernel.name}: {task.name}: {'ok' if result.ok else result.problem}")
        if not result.ok:
            keep_log(result, number)
            report.problems.append(f"{task.name}: {result.problem}")
    return report


def show(report: StoryReport, say: offers.Say) -> bool:
    """Print what came of a kernel; return whether all was as expected."""
    different = report.differences
    for name, difference in different.items():
        say(f"  {name}: {difference}")
    for problem in report.problems:
        say(f"  {problem}")
    agree = len(report.digests) - len(different)
    say(f"{report.kernel.name}: {agree} of {len(report.digests)} stories agree, "
        f"{report.seconds:.1f} s")  # fmt: skip
    return not different and not report.problems


def run(options: argparse.Namespace, progress: Progress) -> Exit:
    """Run the subcommand; return its exit status."""
    wanted_stories = known(options.stories)
    say = progress.say if options.verbose else offers.silent
    good, reports = True, []
    with JsonOutput(options) as output, guest.threads(jobs_of(options)) as pool:
        wanted = wanted_kernels(options, progress)
        for report in pool.map(
            lambda kernel: ask(kernel, wanted_stories, say, options.time_limit), wanted.here
        ):
            good &= show(report, progress.say)
            reports.append(report.as_json())
        output.write(reports)
    return wanted.status(good=good, say=progress.say)
