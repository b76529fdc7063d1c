# SPDX-License-Identifier: GPL-2.0-only
"""``python -m conformance``: run a payload on real kernels, in QEMU guests.

Exit status: 0 if every kernel ran and was all right; 1 if one was not; 2 if a tool is missing or an
option makes no sense; 3 if none failed, but one that was wanted could not be run.
"""

import argparse
import json
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import guest, kernels, offers, payload, tools
from .kernels import Kernel
from .offers import NotRun

EPILOG = """\
kernels:
  A branch (5.10, 6.1, 6.12, 6.x, 7.x: its newest Debian cloud kernel), "oldest", "newest", or the
  path of a bzImage. KERNELS="path/to/bzImage ..." in the environment adds kernels of your own;
  the options that such a kernel needs stand at the top of conformance/kernels.py.

examples:
  python -m conformance                           self-check on every kernel
  python -m conformance --kernels oldest,newest
  python -m conformance --put reference_model -- python3 -m reference_model
  python -m conformance --expect-crash --kernels 6.12 -- sh -c 'echo c > /proc/sysrq-trigger'

exit status: 0 all right; 1 a kernel failed; 2 usage, or a tool is missing; 3 a kernel was not run
"""

HEARTBEAT = 10
"""Seconds of silence after which the kernels still running are named."""

Report = guest.Result | NotRun


class Progress:
    """Says what happens as it happens, from several threads, and names what still runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spoke = time.monotonic()
        self._done = threading.Event()
        self._running: Callable[[], str] = str

    def say(self, text: str) -> None:
        """Print a line at once."""
        with self._lock:
            self._spoke = time.monotonic()
            print(text, flush=True)

    def start(self, running: Callable[[], str]) -> None:
        """Begin to name what still runs, whenever nothing has been said for HEARTBEAT seconds."""
        self._running = running
        threading.Thread(target=self._beat, daemon=True).start()

    def stop(self) -> None:
        """Say no more by itself."""
        self._done.set()

    def _beat(self) -> None:
        while not self._done.wait(1):
            if time.monotonic() - self._spoke >= HEARTBEAT:
                self.say(f"  not finished yet: {self._running()}")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    options = argparse.ArgumentParser(
        prog="python -m conformance",
        description="Run a payload on real kernels, each in a QEMU guest (emulated, never KVM).",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = options.add_argument
    add("--list-kernels", action="store_true", help="show the kernels on offer, fetch nothing")
    add("--kernels", metavar="LIST", help="comma-separated (default: every branch)")
    add("--jobs", type=int, metavar="N", help="guests at a time (default and most: processors)")
    add("--time-limit", type=float, metavar="S", help="seconds per guest (default: the payload's)")
    put = "put a file or directory into the guest, below /work unless PATH begins with /"
    add("--put", action="append", default=[], metavar="FILE[=PATH]", help=put)
    add("--expect-crash", action="store_true", help="the command must make the kernel complain")
    add("--refresh", action="store_true", help="ask the suites again for newer kernels")
    add("--json", type=Path, metavar="FILE", help="write the results there")
    add("--verbose", action="store_true", help="show the payload's output while it runs")
    add("command", nargs="*", metavar="COMMAND", help="what to run (default: the self-check)")
    return options


def chosen(text: str | None) -> tuple[list[str], list[str]]:
    """Return the branches and the paths that --kernels names; ValueError for anything else."""
    if text is None:
        return list(offers.BRANCHES), []
    branches: list[str] = []
    paths: list[str] = []
    names = {"oldest": offers.BRANCHES[0], "newest": offers.BRANCHES[-1]}
    for word in text.split(","):
        name = names.get(word, word)
        if re.fullmatch(r"\d+\.(\d+|x)", name):
            branches.append(name)
        elif os.path.exists(word):
            paths.append(word)
        else:
            raise ValueError(f"--kernels: {word!r} is neither a branch, oldest, newest nor a file")
    return list(dict.fromkeys(branches)), paths


def payload_of(options: argparse.Namespace) -> payload.Payload:
    """Return the payload that the options describe."""
    made = payload.command(*options.command) if options.command else payload.HELLO
    files = dict(made.files)
    for word in options.put:
        here, _, where = word.partition("=")
        files[where or Path(here).resolve().name] = Path(here)
    made = replace(made, files=files, expect_crash=options.expect_crash)
    return replace(made, time_limit=options.time_limit) if options.time_limit else made


def list_kernels(say: offers.Say, *, refresh: bool) -> None:
    """Show every kernel on offer, and which ones are chosen."""
    tools.require(tools.TO_FETCH)
    with kernels.locked(tools.CACHE):
        offered = offers.index(tools.CACHE, say, refresh=refresh)
    picked = {id(item): branch for branch, item in offers.choose(offered).items()}
    for suite, value in offered.items():
        if isinstance(value, str):
            say(f"{suite:20} not reachable: {value}")
            continue
        for item in value:
            mark = f"  <- {picked[id(item)]}" if id(item) in picked else ""
            say(f"{suite:20} {item.package} {item.version} {item.size / 1e6:.0f} MB{mark}")
    for own in kernels.own_from_environment():
        where = f"{own.image}: {own.release}" if isinstance(own, Kernel) else own.reason
        say(f"{'KERNELS':20} {where}")


def as_json(report: Report) -> dict[str, Any]:
    """Return a result as plain data; paths of this machine are left out."""
    if isinstance(report, NotRun):
        return {"branch": report.branch, "outcome": "not run", "reason": report.reason}
    kernel = report.kernel
    return {
        "branch": kernel.branch,
        "outcome": "ok" if report.ok else "failed",
        "reason": report.problem,
        "version": kernel.version,
        "release": kernel.release,
        "package": kernel.package,
        "package_version": kernel.package_version,
        "config_sha256": kernel.config_sha256,
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


def keep_log(result: guest.Result, number: int) -> Path:
    """Write the console log where it can be read after the run; return the file."""
    logs = tools.CACHE / "logs"
    logs.mkdir(exist_ok=True)
    name = re.sub(r"[^\w.]+", "-", f"{number}-{result.kernel.version}-{result.payload}")[:80]
    log = logs / f"{name}.txt"
    log.write_text(result.console)
    return log


def run(options: argparse.Namespace, progress: Progress) -> list[Report]:
    """Fetch the kernels, run the payload on each, and return all results."""
    branches, paths = chosen(options.kernels)
    tools.require([*tools.TO_BUILD, *tools.TO_BOOT])
    wanted: list[Kernel | NotRun] = []
    if branches:
        wanted += kernels.get(branches, say=progress.say, refresh=options.refresh)
    wanted += kernels.own(paths) + kernels.own_from_environment()
    reports: list[Report] = [kernel for kernel in wanted if isinstance(kernel, NotRun)]
    left = [kernel.name for kernel in wanted if isinstance(kernel, Kernel)]
    task = payload_of(options)
    total = len(left)
    progress.say(f"{task.name}: {', '.join(left) or 'no kernel to run on'}")
    progress.start(lambda: f"{', '.join(left)} (at most {task.time_limit:g} s each)")

    def show(kernel: Kernel, line: str) -> None:
        if options.verbose:
            progress.say(f"  {kernel.version}| {line}")

    for result in guest.run_all(wanted, task, jobs=options.jobs, on_line=show):
        reports.append(result)
        left.remove(result.kernel.name)
        log = keep_log(result, total - len(left))
        progress.say(f"[{total - len(left)}/{total}] {describe(result)}")
        if not result.ok:
            progress.say(f"    console log: {os.path.relpath(log)}")
    return reports


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status that the module's docstring lists."""
    options = parser().parse_args(arguments)
    progress = Progress()
    begun = time.monotonic()
    try:
        if options.list_kernels:
            list_kernels(progress.say, refresh=options.refresh)
            return 0
        reports = run(options, progress)
    except (tools.MissingTools, ValueError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; so are the guests", file=sys.stderr)
        return 130
    finally:
        progress.stop()
    if options.json:
        data = [as_json(report) for report in reports]
        options.json.write_text(json.dumps(data, indent=1) + "\n")
    not_run = [report for report in reports if isinstance(report, NotRun)]
    for missing in not_run:
        progress.say(f"{missing.branch}: NOT RUN: {missing.reason}")
    results = [report for report in reports if isinstance(report, guest.Result)]
    good = sum(result.ok for result in results)
    failed = len(results) - good
    seconds = time.monotonic() - begun
    progress.say(f"{good} ok, {failed} failed, {len(not_run)} not run, in {seconds:.1f} s")
    if failed:
        return 1
    return 3 if not_run or not results else 0


if __name__ == "__main__":
    sys.exit(main())
