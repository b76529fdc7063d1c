# SPDX-License-Identifier: GPL-2.0-only
"""``python -m conformance check``: run any payload on real kernels."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import guest, offers, payload, tools
from .command_line import (
    Exit,
    JsonOutput,
    Progress,
    UsageError,
    Wanted,
    add,
    add_json,
    jobs_of,
    keep_log,
    own_kernels,
)
from .command_line import wanted as wanted_kernels
from .kernels import KernelImage
from .offers import NotRun

EXAMPLES = """\
examples:
  python -m conformance check                     self-check on every kernel
  python -m conformance check --kernels oldest,newest
  python -m conformance check --put reference_model -- python3 -m reference_model
  python -m conformance check --expect-crash -- sh -c 'echo c > /proc/sysrq-trigger'
"""

Report = guest.Result | NotRun


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to the command line."""
    parser = add(
        commands, "check", run, "Run a command, or a self-check, in virtual machines.", EXAMPLES
    )
    add_json(parser)
    option = parser.add_argument
    option(
        "--list-kernels",
        action="store_true",
        help="list the available kernels, and download nothing",
    )
    put = "copy a file or directory into the virtual machine, below /work unless PATH begins with /"
    option("--put", action="append", default=[], metavar="FILE[=PATH]", help=put)
    option(
        "--expect-crash",
        action="store_true",
        help="expect the command to make the kernel warn or crash",
    )
    option(
        "command", nargs="*", metavar="COMMAND", help="the command to run (default: the self-check)"
    )


def payload_of(options: argparse.Namespace) -> payload.Payload:
    """Return the payload that the options describe."""
    made = payload.command(*options.command) if options.command else payload.HELLO
    files = dict(made.files)
    for word in options.put:
        here, _, where = word.partition("=")
        if not here or not Path(here).exists():
            raise UsageError(f"--put: there is no {here or 'FILE'} in {word!r}")
        if ".." in Path(where).parts:
            raise UsageError(f"--put: {where} is outside the folder of the command")
        files[where or Path(here).resolve().name] = Path(here)
    made = replace(made, files=files, expect_crash=options.expect_crash)
    return replace(made, time_limit=options.time_limit) if options.time_limit else made


def list_kernels(say: offers.Say, *, refresh: bool) -> None:
    """Show every kernel on offer, and which ones are chosen."""
    tools.require(tools.TO_FETCH)
    offered = offers.index(tools.CACHE, say, refresh=refresh)
    picked = {item: branch for branch, item in offers.choose(offered).items()}
    for suite, value in offered.items():
        if isinstance(value, str):
            say(f"{suite:20} not reachable: {value}")
            continue
        for item in offers.candidates(suite, value):
            mark = f"  <- {picked[item]}" if item in picked else ""
            say(f"{suite:20} {item.package} {item.version} {item.size / 1e6:.0f} MB{mark}")
    for own in own_kernels():
        where = f"{own.image}: {own.release}" if isinstance(own, KernelImage) else own.reason
        say(f"{'KERNELS':20} {where}")


def as_json(report: Report) -> dict[str, Any]:
    """Return a result as plain data; paths of this machine are left out."""
    if isinstance(report, NotRun):
        return {"branch": report.branch, "outcome": "not run", "reason": report.reason}
    return {
        "branch": report.kernel.branch,
        "outcome": "ok" if report.ok else "failed",
        "reason": report.problem,
        "kernel": report.kernel.identity.as_json(),
        "payload": report.payload,
        "rc": report.rc,
        "lines": list(report.lines),
        "warnings": list(report.warnings),
        "seconds": report.seconds,
        "boot_seconds": report.boot_seconds,
        "payload_seconds": report.payload_seconds,
    }


def describe(result: guest.Result) -> str:
    """Return a result in a line or more."""
    times = f"{result.seconds:.1f} s"
    if result.boot_seconds is not None:
        times += f" (boot {result.boot_seconds:.1f}"
        if result.payload_seconds is not None:
            times += f", payload {result.payload_seconds:.1f}"
        times += ")"
    text = f"{result.kernel.name}: {'ok' if result.ok else 'FAILED'}, {times}"
    if result.ok:
        return text
    said = [*result.lines[-20:], *(line for text in result.warnings for line in text.splitlines())]
    return "\n    ".join([text, result.problem, *said])


def results(
    wanted: Wanted, task: payload.Payload, options: argparse.Namespace, progress: Progress
) -> Iterator[guest.Result]:
    """Run the payload on each kernel, and yield what came of it."""
    left = [kernel.name for kernel in wanted.here]
    total = len(left)
    progress.say(f"{task.name}: {', '.join(left) or 'no kernel to run on'}")
    progress.start(lambda: f"{', '.join(left)} (at most {task.time_limit:g} s each)")

    def show(kernel: KernelImage, line: str) -> None:
        if options.verbose:
            progress.say(f"  {kernel.version}| {line}")

    for result in guest.run_all(wanted.here, task, jobs=jobs_of(options), on_line=show):
        left.remove(result.kernel.name)
        log = keep_log(result, total - len(left))
        progress.say(f"[{total - len(left)}/{total}] {describe(result)}")
        if not result.ok:
            progress.say(f"    console log: {os.path.relpath(log)}")
        yield result


def run(options: argparse.Namespace, progress: Progress) -> Exit:
    """Run the subcommand; return its exit status."""
    if options.list_kernels:
        list_kernels(progress.say, refresh=options.refresh)
        return Exit.GOOD
    begun = time.monotonic()
    task = payload_of(options)
    with JsonOutput(options) as output:
        wanted = wanted_kernels(options, progress)
        ran = list(results(wanted, task, options, progress))
        reports: list[Report] = [*wanted.not_run, *ran]
        output.write([as_json(report) for report in reports])
    good = sum(result.ok for result in ran)
    status = wanted.status(good=good == len(ran), say=progress.say)
    progress.say(
        f"{good} ok, {len(ran) - good} failed, {len(wanted.not_run)} not run, "
        f"in {time.monotonic() - begun:.1f} s"
    )
    return status
