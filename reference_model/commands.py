# SPDX-License-Identifier: GPL-2.0-only
"""What all commands share: numbers on a command line, and how a command ends.

A command that is ended from outside says so in one line, and leaves no process behind.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

INTERRUPTED = 128 + signal.SIGINT
TERMINATED = 128 + signal.SIGTERM
NO_READER = 128 + signal.SIGPIPE

ENDINGS = f"""\
{INTERRUPTED} interrupted by Ctrl-C, {TERMINATED} terminated by SIGTERM, {NO_READER} the reader of \
the output has exited."""
"""The exit statuses that every command has besides its own."""


class UserError(ValueError):
    """Input of the user cannot be used; the text is a sentence that says what, where and why."""


def _broken_executor() -> type[Exception]:
    """Import the error of processes that ended, which few commands start."""
    from concurrent.futures import BrokenExecutor

    return BrokenExecutor


def finish(main: Callable[[], int]) -> NoReturn:
    """Run a command and exit with its status, or with one of ENDINGS and a line that says why.

    SIGTERM ends a command as Ctrl-C does, so that it puts away what it has begun.  Output that
    cannot be written, for example to a full disk, is status 2, and so is a UserError.
    """
    ended: list[int] = []

    def terminate(number: int, _: object) -> None:
        ended.append(number)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, terminate)
    unwritten = False
    try:
        status, said = main(), ""
        sys.stdout.flush()
    except KeyboardInterrupt:
        status, said = (TERMINATED, "terminated") if ended else (INTERRUPTED, "interrupted")
    except BrokenPipeError:
        unwritten = True
        status, said = NO_READER, "the reader of the output has exited"
    except UserError as error:
        status, said = 2, str(error)
    except OSError as error:
        if error.filename is not None or not error.errno:
            raise
        unwritten = True
        status, said = 2, f"the output cannot be written: {error.strerror}"
    except _broken_executor():
        status, said = 2, "a process of this command was killed, perhaps because memory ran out"
    if said:
        print(said, file=sys.stderr)
    if unwritten:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what Python still holds
    sys.exit(status)


def positive(text: str) -> int:
    """Read a positive number of a command line."""
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(text)


def cores() -> int:
    """How many processes this machine runs at a time."""
    return len(os.sched_getaffinity(0))
