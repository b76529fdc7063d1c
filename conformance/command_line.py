# SPDX-License-Identifier: GPL-2.0-only
"""What the subcommands of ``python -m conformance`` share: options, kernels, outputs, exit status.

A subcommand is a module with ``add_to(commands)``, which adds its parser, and a function that runs
it and returns an ``Exit``. ``__main__`` turns ``UsageError`` and ``tools.MissingTools`` into a
sentence and the exit status for them.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from reference_model.commands import cores, positive
from reference_model.outputs import Output
from reference_model.user_error import UserError

from . import guest, kernels, offers, tools
from .kernels import KernelImage
from .offers import NotRun


class Exit(IntEnum):
    """The exit statuses of every subcommand."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> Exit:
        """Make a status that says what it means."""
        made = int.__new__(cls, value)
        made._value_, made.meaning = value, meaning
        return made

    GOOD = 0, "all chosen kernels ran, and their answers are as expected"
    FAILED = 1, "a kernel failed, or gave another answer than expected"
    USAGE = 2, "an option or a file cannot be used, or a tool is missing"
    NOT_RUN = 3, "nothing failed, but a chosen kernel could not be tested completely"
    STOPPED = 130, "interrupted or terminated; all virtual machines were stopped"


STATUSES = "exit status:\n" + "".join(f"  {exit:<4d} {exit.meaning}\n" for exit in Exit)

KERNELS = """\
kernels:
  LIST names branches (5.10, 6.1, 6.12, 6.x, 7.x: the newest Debian cloud kernel of each), "oldest",
  "newest", or paths of bzImages. KERNELS="path/to/bzImage ..." in the environment adds kernels of
  your own. conformance/kernels.py lists the options that such a kernel needs.
"""

HEARTBEAT = 10
"""Seconds of silence after which the kernels that still run are named."""


class UsageError(UserError):
    """The command cannot be run as it was given; the text says why."""


# -- options ---------------------------------------------------------------------------------------


def add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace, Progress], Exit],
    description: str,
    examples: str = "",
) -> argparse.ArgumentParser:
    """Add a subcommand with the options that all of them have."""
    epilog = f"{KERNELS}\n{examples}\n{STATUSES}" if examples else f"{KERNELS}\n{STATUSES}"
    parser = commands.add_parser(
        name,
        help=description.split(".")[0],
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    option = parser.add_argument
    option("--kernels", metavar="LIST", help="kernels, separated by commas (default: every branch)")
    option("--refresh", action="store_true", help="look for newer kernels in the archive first")
    jobs = "virtual machines at a time (default and most: number of processors)"
    option("--jobs", type=positive, metavar="N", help=jobs)
    option(
        "--time-limit",
        type=seconds,
        metavar="S",
        help="seconds after which a virtual machine is stopped",
    )
    option("--verbose", action="store_true", help="print more details")
    return parser


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the option that writes the results as JSON."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results to FILE")


def seconds(text: str) -> float:
    """Read a positive number of seconds."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number of seconds")
    return number


def jobs_of(options: argparse.Namespace) -> int:
    """How many guests run at a time."""
    return min(options.jobs or cores(), cores())


# -- kernels ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wanted:
    """The kernels that a command wants."""

    here: tuple[KernelImage, ...]
    not_run: tuple[NotRun, ...] = ()

    @classmethod
    def of(cls, found: Iterable[KernelImage | NotRun]) -> Wanted:
        """Those that can be booted, and those that cannot."""
        every = tuple(found)
        return cls(
            tuple(kernel for kernel in every if isinstance(kernel, KernelImage)),
            tuple(kernel for kernel in every if isinstance(kernel, NotRun)),
        )

    def status(self, *, good: bool, say: Callable[[str], None]) -> Exit:
        """Name the kernels that did not run, and return the exit status of the command."""
        for missing in self.not_run:
            say(f"{missing.branch}: NOT RUN: {missing.reason}")
        if not good:
            return Exit.FAILED
        return Exit.NOT_RUN if self.not_run or not self.here else Exit.GOOD


def wanted(options: argparse.Namespace, progress: Progress) -> Wanted:
    """Fetch the kernels that the options and the environment name."""
    branches, paths = chosen(options.kernels)
    own = kernels.own(paths) + own_kernels()
    tools.require([*tools.TO_BUILD, *tools.TO_BOOT])
    found: list[KernelImage | NotRun] = []
    if branches:
        found += kernels.get(branches, say=progress.say, refresh=options.refresh)
    return Wanted.of(found + own)


def own_kernels() -> list[KernelImage | NotRun]:
    """The kernels that the environment names."""
    try:
        return kernels.own_from_environment()
    except ValueError as error:
        raise UsageError(f"KERNELS in the environment: {error}") from None


def chosen(text: str | None) -> tuple[list[str], list[str]]:
    """The branches and the paths that --kernels names; UsageError for anything else."""
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
            raise UsageError(f"--kernels: {word!r} is neither a branch, oldest, newest nor a file")
    return list(dict.fromkeys(branches)), paths


# -- outputs ---------------------------------------------------------------------------------------


class JsonOutput:
    """The file of --json, if there is one."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._output = Output(options.json) if options.json is not None else None

    def write(self, data: Sequence[dict[str, Any]]) -> None:
        """Write the results, if there are any."""
        if self._output is not None and data:
            self._output.write(json.dumps(data, indent=1) + "\n")

    def __enter__(self) -> JsonOutput:
        return self

    def __exit__(self, *error: object) -> None:
        if self._output is not None:
            self._output.close()


def keep_log(result: guest.Result, number: int) -> Path:
    """Write the console log where it can be read after the run; return the file."""
    logs = tools.CACHE / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.]+", "-", f"{number}-{result.kernel.version}-{result.payload}")[:80]
    log = logs / f"{name}.txt"
    log.write_text(result.console)
    return log


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
