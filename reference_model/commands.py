# SPDX-License-Identifier: GPL-2.0-only
"""What all commands share: numbers on a command line, and how a command ends.

A command that is ended from outside says so in one line, and leaves no process behind.  What it
prints has no control characters.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn, TextIO

from .terminal import Guarded
from .user_error import UserError

INTERRUPTED = 128 + signal.SIGINT
TERMINATED = 128 + signal.SIGTERM
NO_READER = 128 + signal.SIGPIPE

ENDINGS = f"""\
{INTERRUPTED} interrupted by Ctrl-C, {TERMINATED} terminated by SIGTERM, {NO_READER} the reader of \
the output has exited."""
"""The exit statuses that every command has besides its own."""


def _broken_executor() -> type[Exception]:
    """Import the error of processes that ended, which few commands start."""
    from concurrent.futures import BrokenExecutor

    return BrokenExecutor


def finish(main: Callable[[], int]) -> NoReturn:
    """Run a command and exit with its status, or with one of ENDINGS and a line that says why.

    SIGTERM ends a command as Ctrl-C does, so that it puts away what it has begun.  A UserError is
    status 2, and so are output and files that cannot be written or read.
    """
    if sys.stdout is None:
        _say("the output cannot be written: it is closed")
        sys.exit(2)
    printed = Guarded(sys.stdout, sys.argv[1:])
    if sys.stderr is not None:
        Guarded(sys.stderr, sys.argv[1:])
    ended: list[int] = []

    def terminate(number: int, _: object) -> None:
        ended.append(number)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, terminate)
    unwritten = False
    try:
        try:
            status, said = main(), ""
        except SystemExit as end:  # of argparse
            status, said = int(end.code or 0), ""
        sys.stdout.flush()
        if printed.lost:
            raise printed.lost
    except KeyboardInterrupt:
        status, said = (TERMINATED, "terminated") if ended else (INTERRUPTED, "interrupted")
    except BrokenPipeError:
        unwritten = True
        status, said = NO_READER, "the reader of the output has exited"
    except UserError as error:
        status, said = 2, str(error)
    except MemoryError:
        status, said = 2, "the memory of this command ran out"
    except OSError as error:
        if error.strerror is None:
            raise
        unwritten = error.filename is None and error.errno in _OF_OUTPUT
        status, said = 2, _reason(error, unwritten)
    except _broken_executor():
        status, said = 2, "a process of this command was killed, perhaps because memory ran out"
    if said:
        _say(said)
    if unwritten:
        _discard(sys.stdout)
    sys.exit(status)


_OF_OUTPUT = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}


def _reason(error: OSError, unwritten: bool) -> str:
    if unwritten:
        return f"the output cannot be written: {error.strerror}"
    if error.filename is None:
        return f"the system does not let this command continue: {error.strerror}"
    return f"{error.filename} cannot be used: {error.strerror}"


def _say(text: str) -> None:
    """Print a line on the standard error, if that can be written."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:  # there is nobody to tell
        _discard(sys.stderr)


def _discard(stream: TextIO) -> None:
    """Write what Python still holds of a stream to nowhere, as it fails again when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def whole(text: str) -> int:
    """Read a whole number of a command line, such as a seed."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 20):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number")
    return int(text)


def up_to(most: int) -> Callable[[str], int]:
    """Return what reads a positive number of a command line that has an upper bound."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and text.strip("0")):
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a positive whole number")
        if len(text) > 19 or int(text) > most:
            raise argparse.ArgumentTypeError(f"{text[:40]} is more than {most:,}")
        return int(text)

    return read


def positive(text: str) -> int:
    """Read a positive number of a command line that needs no closer bound."""
    return up_to(1_000_000)(text)


def cores() -> int:
    """How many processes this machine runs at a time."""
    return len(os.sched_getaffinity(0))
