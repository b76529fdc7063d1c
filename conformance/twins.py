# SPDX-License-Identifier: GPL-2.0-only
"""``python -m conformance twins``: run the C or Go version of every story on real kernels.

Compiles ``docs/examples``, runs each version as a process of its own in a guest, and compares what
it prints with what its story expects of that kernel.  Those of safe stories share a guest; one that
is to break the kernel has a guest to itself.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from records import results
from records.digests import EXAMPLES
from reference_model import Release, changes
from reference_model.catalogue import UNDEFINED, Observations, Story, stories

from . import guest, offers, run_twins, tools
from .command_line import Exit, JsonOutput, Progress, UsageError, add, add_json, jobs_of, keep_log
from .command_line import wanted as wanted_kernels
from .kernels import KernelImage
from .languages import BUILT, GO, C, Language, missing_go, reads_btf_of_today
from .oracle import release_of
from .payload import Payload
from .stories import breaks, guests

PACKAGE_OF = {"clang": "clang", "cc": "gcc", "make": "make"}
LIBRARIES = {"libbpf.a": "libbpf-dev", "libelf.a": "libelf-dev", "libz.a": "zlib1g-dev"}


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to the command line."""
    what = "Run the C versions of the stories, or those in Go, on real kernels."
    parser = add(commands, "twins", run, what)
    add_json(parser)
    parser.add_argument("--go", action="store_true", help="run the versions in Go")
    parser.add_argument("twins", nargs="*", metavar="NAME", help="a story (default: all)")


def missing_tools() -> tools.MissingTools | None:
    """What is missing to compile the versions, with the packages that have it."""
    lacking = {name: package for name, package in PACKAGE_OF.items() if not shutil.which(name)}
    if "cc" not in lacking:
        lacking |= {name: package for name, package in LIBRARIES.items() if not _library(name)}
    return tools.MissingTools(tuple(lacking), tuple(lacking.values())) if lacking else None


def _library(name: str) -> bool:
    """Whether the compiler finds a library: then it prints its path, else only the name."""
    command = ["cc", f"-print-file-name={name}"]
    found = tools.run(command).stdout.strip()
    return os.path.isabs(found)


def build(out: Path = BUILT) -> None:
    """Compile all versions; MissingTools, or UsageError with what the compilers said."""
    if lacking := missing_tools():
        raise lacking
    command = ["make", "-s", "-C", str(EXAMPLES), f"-j{os.cpu_count()}", f"OUT={out}"]
    result = tools.run(command)
    if result.returncode or result.stderr:
        raise UsageError(f"docs/examples does not compile:\n{result.stdout}{result.stderr}")


@dataclass
class Printed:
    """What one version printed, and its exit status; None if the kernel crashed first."""

    lines: list[str] = field(default_factory=list)
    status: int | None = None
    stderr: str = ""
    skipped: str = ""
    """Why it was not run, if it was not."""

    def difference(self, expected: Observations) -> str:
        """Why this is not what the story expects, in words; "" if it is.

        From a label whose outcome is undefined on, a kernel and a twin may do anything.
        """
        wanted = {label: str(value) for label, value in expected.items()}
        split = [line.partition(": ") for line in self.lines]
        seen = {label: value for label, _, value in split}
        if len(seen) != len(split):
            return f"a label was printed twice: {self.lines}"
        if UNDEFINED not in wanted.values() and self.status != 0:
            return f"ended with {self.status}; printed {seen}; {self.stderr.strip()}"
        seen, wanted = results.defined(seen, wanted), results.defined(wanted, wanted)
        return "; ".join(
            f"{label}: printed {seen.get(label, 'nothing')}, "
            f"expected {wanted.get(label, 'nothing')}"
            for label in {**wanted, **seen}
            if seen.get(label) != wanted.get(label)
        )


def printed_by(lines: Iterable[str]) -> dict[str, Printed]:
    """What run_twins.py printed, by story."""
    found: dict[str, Printed] = {}
    twin = Printed()
    for line in lines:
        if not line.startswith("{"):
            twin.lines.append(line)
            continue
        said = json.loads(line)
        twin = found.setdefault(said["story"], Printed())
        twin.skipped = said.get("skipped", "")
        if "status" in said:
            twin.status, twin.stderr = said["status"], said.get("stderr", "")
            twin = Printed()
    return found


SYSCTLS = ("unprivileged_bpf_disabled",)
"""What a story may ask of its kernel that is a setting; a twin sets its own limits itself."""


NEED_BTF = ("cgrp_storage_maps", "to_cgrp_storage")
"""Twins that ask nothing of a kernel without BTF of its own: libbpf refuses before with ESRCH."""


def unreadable(kernel: KernelImage, names: Iterable[str], language: Language) -> list[str]:
    """The versions that need the kernel's BTF, where the Go library is too old to read it."""
    if language is not GO or reads_btf_of_today():
        return []
    if not Release(release_of(kernel)).has(changes.CGRP_STORAGE):  # they do without there
        return []
    return [name for name in names if name in NEED_BTF]


def with_settings(name: str, story: Story, language: Language = C) -> str:
    """A twin as run_twins.py wants it named."""
    words = filter(None, [language.word, "BTF" if name in NEED_BTF else ""])
    settings = [f"{key}={value}" for key, value in story.kernel.items() if key in SYSCTLS]
    return ",".join((name, *settings, *words))


def payload(
    wanted: Sequence[str],
    known: dict[str, Story],
    language: Language = C,
    *,
    may_crash: bool = False,
) -> Payload:
    """The payload that runs these versions."""
    files = language.files(wanted)
    run = (with_settings(name, known[name], language) for name in wanted)
    return Payload(
        name=language.part if len(wanted) > 1 else f"{language.part}-{wanted[0]}",
        argv=(tools.PYTHON, "run_twins.py", "twins", *run),
        files={"run_twins.py": Path(run_twins.__file__), **files},
        time_limit=180,
        may_crash=may_crash,
    )


def tasks(
    kernel: KernelImage, known: dict[str, Story], language: Language = C
) -> Iterator[tuple[list[str], Payload]]:
    """The guests that a kernel needs, each with its twins."""
    for names in guests(kernel, known):
        may_crash = any(breaks(known[name], kernel) for name in names)
        yield names, payload(names, known, language, may_crash=may_crash)


@dataclass
class ProgramReport:
    """The results of all versions on one kernel: by twin "" or what differs; and other problems."""

    kernel: KernelImage
    language: Language = C
    digests: dict[str, str] = field(default_factory=dict)
    """By twin, of the files that were compiled."""
    twins: dict[str, str] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0

    @property
    def recorded(self) -> dict[str, dict[str, Any]]:
        """The results as a record holds them."""
        return {
            name: {"digest": self.digests[name], "differs": differs}
            for name, differs in self.twins.items()
        }

    def as_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "kernel": self.kernel.identity.as_json(),
            self.language.part: self.recorded,
            "problems": self.problems,
            "seconds": round(self.seconds, 1),
        }


def known(wanted: Sequence[str], language: Language = C) -> dict[str, Story]:
    """These stories, or all that have such a version; UsageError names those that have none."""
    there = language.names()
    if unknown := [name for name in wanted if name not in there]:
        raise UsageError(f"no story has a version in {language.name}: {', '.join(unknown)}")
    every: dict[str, Story] = stories()
    if astray := [name for name in there if name not in every]:
        raise UsageError(
            f"docs/examples has {astray[0]} in {language.name}: there is no such story"
        )
    return {name: every[name] for name in wanted or there}


def ask(
    kernel: KernelImage, known: dict[str, Story], limit: float | None = None, language: Language = C
) -> ProgramReport:
    """Run the versions of these stories on a kernel."""
    report = ProgramReport(kernel, language, {name: language.digest(name) for name in known})
    report.skipped += (left_out := unreadable(kernel, known, language))
    asked = {name: story for name, story in known.items() if name not in left_out}
    for number, (run_here, task) in enumerate(tasks(kernel, asked, language)):
        task = replace(task, time_limit=limit or task.time_limit)
        (result,) = guest.run_all([kernel], task, jobs=1)
        report.seconds += result.seconds
        found = printed_by(result.lines)
        for name in run_here:
            if name not in found:
                report.problems.append(f"{name}: did not run: {result.problem}")
                continue
            if found[name].skipped:
                report.skipped.append(name)
                continue
            expected = known[name].expected(kernel.version).seen
            report.twins[name] = found[name].difference(expected)
        if not result.ok:
            keep_log(result, number)
        if not result.ok and (result.warnings or not any(report.twins.values())):
            report.problems.append(f"{task.name}: {result.problem}")
    return report


def show(report: ProgramReport, say: offers.Say, *, verbose: bool) -> bool:
    """Print what came of a kernel; return whether all was as expected."""
    for name, difference in report.twins.items():
        if difference or verbose:
            say(f"  {name}: {difference or 'agrees'}")
    for problem in report.problems:
        say(f"  {problem}")
    agree = sum(not difference for difference in report.twins.values())
    if report.skipped:
        say("  not run, as the BTF of the kernel is missing or unreadable to the library: "
            f"{', '.join(report.skipped)}")  # fmt: skip
    count, language = len(report.digests), report.language.name
    say(f"{report.kernel.name}: {agree} of {count} versions in {language} agree, "
        f"{report.seconds:.1f} s")  # fmt: skip
    return agree + len(report.skipped) == count and not report.problems


def run(options: argparse.Namespace, progress: Progress) -> Exit:
    """Run the subcommand; return its exit status."""
    language = GO if options.go else C
    wanted_twins = known(options.twins, language)
    good, reports = True, []
    with JsonOutput(options) as output, guest.threads(jobs_of(options)) as pool:
        if options.go and (lacking := missing_go()):
            raise lacking
        wanted = wanted_kernels(options, progress)
        build()
        for report in pool.map(
            lambda kernel: ask(kernel, wanted_twins, options.time_limit, language), wanted.here
        ):
            good &= show(report, progress.say, verbose=options.verbose)
            reports.append(report.as_json())
        output.write(reports)
    return wanted.status(good=good, say=progress.say)
