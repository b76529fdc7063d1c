# SPDX-License-Identifier: GPL-2.0-only
"""Runs in a guest: stories on the running kernel, and a line of JSON for each thing they observe.

``python -m conformance.tell NAME...`` runs the stories named.  Each label is printed before
it is tried, and its value after: where the kernel breaks, the last line names the label.
"""

from __future__ import annotations

import json
import sys
import termios
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from reference_model.catalogue import UNDEFINED, Story, stories
from reference_model.catalogue.story import Observer
from reference_model.linux import LinuxKernel

BROKEN = 1 << 9 | 1 << 7
"""The taint flags of a kernel that warned, or oopsed."""


class Warned(Exception):
    """The kernel warned and continued; what it does from here on is undefined."""


def say(**line: object) -> None:
    """Print a line, and wait until the serial port has sent it."""
    print(json.dumps(line), flush=True)
    if sys.stdout.isatty():
        termios.tcdrain(1)


class Teller(Observer):
    """An Observer that says at once what it sees."""

    def __init__(self, story: str) -> None:
        super().__init__()
        self._story = story

    def __call__(self, label: str, act: Callable[[], Any]) -> Any:
        say(story=self._story, tries=label)
        result = super().__call__(label, act)
        warned = int(Path("/proc/sys/kernel/tainted").read_text()) & BROKEN
        if warned:
            self.seen[label] = UNDEFINED
        say(story=self._story, label=label, value=self.seen[label])
        if warned:
            raise Warned
        return result


def main(names: list[str]) -> int:
    """Run the stories named; the exit status."""
    known: dict[str, Story] = stories()
    failed = 0
    for name in names:
        story = known[name]
        try:
            with LinuxKernel(allow_unsafe=True, **story.kernel) as kernel, suppress(Warned):
                story.run(kernel, Teller(name))
        except Exception as error:  # the other stories still run; this one counts as not told
            traceback.print_exc()
            say(story=name, failed=repr(error))
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
