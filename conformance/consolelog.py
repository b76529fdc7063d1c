# SPDX-License-Identifier: GPL-2.0-only
"""What a guest's console log says: warnings, oopses, and whether it could have said so.

Only kernel messages count, which have a time stamp: a payload's standard error goes to the
same port.  A log from which init's own marks are missing cannot prove that nothing happened:
then that is the finding.  The kernel's taint flags, which init reports before and after, are the
second witness.
"""

import re
from dataclasses import dataclass

from . import initramfs

_MESSAGE = re.compile(r"\[\s*(?P<time>\d+\.\d{6})\](?:\[\s*[TC]\d+\])? ?(?P<text>.*)")

_START = re.compile(
    r"-+\[ cut here \]-+"
    r"|WARNING: |BUG: |kernel BUG at |Oops|Kernel panic - not syncing|Call Trace:"
    r"|general protection fault|invalid opcode: |divide error: |stack segment: |double fault: "
    r"|.*Unable to handle kernel |UBSAN: |refcount_t: |.*: page allocation failure"
    r"|INFO: task .* blocked for more than |INFO: rcu\w* .*detected|unregister_netdevice: waiting "
    r"|INFO: possible |INFO: trying to register |INFO: suspicious "
)
"""How the kernel's complaints begin, as one message."""

_END = re.compile(r"---\[ end ")

_CRASH = re.compile(r"Kernel panic - not syncing|Oops|BUG: |kernel BUG at |general protection")

LONGEST = 120
"""Lines after which a complaint without an end mark is cut off."""

TAINT_DIE = 1 << 7
TAINT_WARN = 1 << 9
"""Taint flags of an oops and of a warning.  Source: ``include/linux/panic.h``."""


@dataclass(frozen=True)
class Reading:
    """A console log, read.

    ``warnings`` holds the whole text of each complaint of the kernel, of which the first ``early``
    came before the payload started; ``crashed`` says that one of them is a BUG, oops or panic;
    ``started`` and ``ended`` are init's marks, as seconds of the guest's clock, or None; ``broken``
    is init's reason for not starting the payload, or ""; ``taint`` is the kernel's, at last.
    """

    warnings: tuple[str, ...]
    early: int
    crashed: bool
    started: float | None
    ended: float | None
    broken: str
    taint: int


def read(log: str) -> Reading:
    """Read a console log."""
    warnings: list[list[str]] = []
    crashed = False
    early = 0
    open_one: list[str] | None = None
    marks: dict[str, tuple[float, str]] = {}
    for line in log.splitlines():
        match = _MESSAGE.search(line)
        if not match:
            continue
        text = match["text"]
        for mark in (initramfs.STARTS, initramfs.ENDED, initramfs.BROKEN):
            if text.startswith(mark):
                marks[mark] = (float(match["time"]), text.removeprefix(mark))
                open_one = None
            if text.startswith(initramfs.STARTS):
                early = len(warnings)
        if _START.match(text):
            crashed = crashed or bool(_CRASH.match(text))
            if open_one is None:
                open_one = []
                warnings.append(open_one)
        if open_one is not None:
            open_one.append(text)
            if _END.match(text) or len(open_one) == LONGEST:
                open_one = None
    taints = [_taint(marks.get(mark, (0, ""))[1]) for mark in (initramfs.STARTS, initramfs.ENDED)]
    started, ended = marks.get(initramfs.STARTS), marks.get(initramfs.ENDED)
    return Reading(
        warnings=tuple("\n".join(lines) for lines in warnings),
        early=early,
        crashed=crashed,
        started=started[0] if started else None,
        ended=ended[0] if ended else None,
        broken=marks[initramfs.BROKEN][1].lstrip(": ") if initramfs.BROKEN in marks else "",
        taint=taints[1] or taints[0],
    )


def _taint(text: str) -> int:
    match = re.search(r"taint (\d+)", text)
    return int(match[1]) if match else 0
