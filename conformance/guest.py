# SPDX-License-Identifier: GPL-2.0-only
"""One guest: a kernel under QEMU, a payload in it, and what came of it.

Processors are emulated (TCG), never KVM, so that a run is the same wherever it is made; a
guest has 2 of them, 512 MB, no disk and no network card.  The first serial port is the console,
the second carries the payload's output, whose last line is ``RC=`` and the exit status, and on
request what the payload is to read, see ``conversation``.  Every run has a time limit.  A guest
that is not wanted any more is stopped by its own process id.
"""

import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from reference_model import leftovers
from reference_model.leftovers import temporary

from . import consolelog, initramfs, tools
from .kernels import KernelImage
from .offers import NotRun
from .payload import Payload

MEMORY = 512
"""Megabytes."""

PROCESSORS = 2

COMMAND_LINE = (
    "console=ttyS0",
    "loglevel=6",  # warnings, and the notices before them: less than 5 would hide warnings
    "printk.time=1",
    "printk.devkmsg=on",  # init's marks are not rate limited
    "panic=-1",  # with -no-reboot: a panic ends QEMU at once
    "oops=panic",  # a broken kernel answers no more questions
    "nowatchdog",  # on a busy host an emulated processor may pause; hangs end by the time limit
    "rcupdate.rcu_cpu_stall_suppress=1",
    "random.trust_cpu=on",  # else old kernels wait for entropy
    "tsc=reliable",
    "no_timer_check",  # on a busy host the timer may pause, and 5.10 would panic over it
)

# One thread emulates both processors, in turns: with a thread for each (thread=multi), about one
# boot in a hundred died in "Oops: int3", when one processor ran code that the other was patching.
# It is no slower: a payload rarely keeps both busy.
QEMU = (
    "qemu-system-x86_64",
    "-accel", "tcg,thread=single",
    "-cpu", "max",
    "-smp", f"{PROCESSORS},sockets={PROCESSORS}",  # so SeaBIOS lists both for kernels without ACPI
    "-m", str(MEMORY),
    "-nodefaults", "-no-user-config", "-no-reboot",
    "-display", "none",
    "-nic", "none",
    # QEMU starts no program; that it may change its user is for the step down from root below.
    "-sandbox", "on,obsolete=deny,spawn=deny,resourcecontrol=deny",
)  # fmt: skip

NOBODY = "nobody"
"""The user that QEMU becomes when root starts it; it has opened its files by then."""


@cache
def as_nobody() -> tuple[str, ...]:
    """The options with which QEMU does not stay root."""
    if os.geteuid() != 0:
        return ()
    known = tools.run([QEMU[0], "-help"], must_succeed=True).stdout
    return ("-run-with", f"user={NOBODY}") if "user=username" in known else ("-runas", NOBODY)


GRACE = 5
"""Seconds that QEMU has to end when it is asked to."""

POLL = 0.1
"""Seconds between two looks at a running guest."""

OnLine = Callable[[str], None]


@dataclass(frozen=True)
class Result:
    """What came of one payload on one kernel.

    ``rc`` is the payload's exit status, None if it did not end; ``lines`` is its standard output;
    ``warnings`` the kernel's complaints, whole; ``problem`` says in one sentence why this is no
    success, or is ""; ``seconds`` is wall time from the start of QEMU to its end; ``boot_seconds``
    and ``payload_seconds`` are by the guest's clock, None if not reached; ``console`` is the whole
    log.
    """

    kernel: KernelImage
    payload: str
    rc: int | None
    lines: tuple[str, ...]
    warnings: tuple[str, ...]
    crashed: bool
    problem: str
    seconds: float
    boot_seconds: float | None
    payload_seconds: float | None
    console: str

    @property
    def ok(self) -> bool:
        """True if the payload did what it promised and so did the kernel."""
        return not self.problem


def results_of(output: str) -> tuple[int | None, tuple[str, ...]]:
    """Split what the second port carried into the exit status and the payload's lines.

    The status is None if the last line is not ``RC=`` and a number: the payload did not end.
    """
    body, mark, last = output.rpartition("\nRC=")
    if not mark or not last.strip().isdigit() or not last.endswith("\n"):
        return None, tuple(output.splitlines())
    return int(last), tuple(body.splitlines())


def judge(
    payload: Payload,
    rc: int | None,
    reading: consolelog.Reading,
    *,
    within: float | None,
    qemu_rc: int,
) -> str:
    """Return why a run is no success, in one sentence, or "" if it is one.

    ``within`` is after how many seconds QEMU was stopped, or None if it ended by itself.  A run
    that could not have shown a failure is no success either.
    """
    complaints = len(reading.warnings)
    if reading.broken:
        return f"the guest could not be set up: {reading.broken}"
    if reading.started is None and within is None and not complaints:
        return f"the payload was not started (QEMU ended with {qemu_rc}); see the console log"
    if payload.may_crash and complaints and reading.started is not None and not reading.early:
        return ""
    if payload.expect_crash and reading.started is not None and not reading.early:
        if complaints:
            return ""
        if within is not None:
            return f"no kernel warning or crash within {within:g} seconds"
        return "the kernel was expected to warn or crash, and did not"
    if complaints:
        first = reading.warnings[0].splitlines()
        what = next((line for line in first if "cut here" not in line), first[0])
        return f"the kernel complained {complaints} times, first: {what}"
    if within is not None:
        return f"not finished within {within:g} seconds"
    if rc is None:
        return f"the payload did not end (QEMU ended with {qemu_rc}); see the console log"
    if reading.ended is None:
        return "the console log lacks init's last mark: kernel warnings may be missing from it"
    if reading.taint & (consolelog.TAINT_WARN | consolelog.TAINT_DIE):
        return f"the kernel is tainted ({reading.taint}), but the console log shows no warning"
    if rc:
        return f"the payload ended with status {rc}"
    return ""


def run(
    kernel: KernelImage,
    payload: Payload,
    *,
    archive: bytes | None = None,
    cache: Path = tools.CACHE,
    on_line: OnLine | None = None,
    stop: threading.Event | None = None,
    port: Path | None = None,
) -> Result:
    """Boot a kernel, run the payload, and return what came of it, success or not.

    ``archive`` is the payload's, if made already; ``on_line`` gets each line of the payload's
    output while it runs; ``stop`` ends the guest early when it is set; ``port`` is where a socket
    is to be made that carries the second serial port, both ways.  Raise tools.MissingTools if QEMU
    or what the guest is made from is missing.
    """
    tools.require(tools.TO_BOOT)
    if _ending.is_set():
        raise Ended
    cache.mkdir(parents=True, exist_ok=True)
    with temporary("run", cache) as place:
        initrd, console, output = (place / part for part in ("initrd", "console", "output"))
        initramfs.write(payload.archive() if archive is None else archive, initrd, cache)
        command = [*QEMU, *as_nobody(), "-kernel", str(kernel.image), "-initrd", str(initrd)]
        command += ["-append", " ".join(COMMAND_LINE)]
        command += ["-serial", f"file:{console}"]
        if port is None:
            command += ["-serial", f"file:{output}"]
        else:
            listen = f"socket,id=port,path={port},server=on,wait=off,logfile={output}"
            command += ["-chardev", listen, "-serial", "chardev:port"]
        console.touch()
        output.touch()
        begun = time.monotonic()
        limit = payload.time_limit
        qemu_runs = _qemu(command, place / "qemu", limit + GRACE)
        with qemu_runs as qemu, output.open(errors="replace") as growing:
            until = begun + limit
            timed_out = not _wait(qemu, until, stop or threading.Event(), growing.read, on_line)
        seconds = time.monotonic() - begun
        log = console.read_text(errors="replace") + (place / "qemu").read_text(errors="replace")
        said = output.read_text(errors="replace")
    reading = consolelog.read(log)
    rc, lines = results_of(said)
    ran = None
    if reading.started is not None and reading.ended is not None:
        ran = round(reading.ended - reading.started, 3)
    within = min(limit, round(seconds)) if timed_out else None
    problem = judge(payload, rc, reading, within=within, qemu_rc=qemu.returncode)
    return Result(
        kernel, payload.name, rc, lines, reading.warnings, reading.crashed, problem,
        round(seconds, 2), reading.started, ran, log,
    )  # fmt: skip


@contextmanager
def _qemu(
    command: Sequence[str], errors: Path, seconds: float
) -> Iterator[subprocess.Popen[bytes]]:
    """Run QEMU at most so long, and stop it however this ends, also if this process is killed.

    A process that changes its user, as QEMU does, loses the signal that it is to get when its
    parent ends.  timeout(1) stays what it is, gets the signal, and passes it on; it does not start
    if this process ended before it asked for the signal.
    """
    guard = ["sh", "-c", 'test "$PPID" = "$0" && exec "$@"', str(os.getpid())]
    keeper = ["timeout", f"--kill-after={GRACE}", str(seconds)]
    with errors.open("wb") as stderr:
        qemu = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *guard, *keeper, *command],
            stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr, start_new_session=True,
        )  # fmt: skip
        try:
            yield qemu
        finally:
            if qemu.poll() is None:
                qemu.terminate()
            qemu.wait()


def _wait(
    qemu: subprocess.Popen[bytes],
    until: float,
    stop: threading.Event,
    more: Callable[[], str],
    on_line: OnLine | None,
) -> bool:
    """Wait for QEMU's end and pass lines on; return whether it came before the limit."""
    teller = _Teller(on_line) if on_line else None
    while True:
        ended = qemu.poll() is not None
        if teller:
            teller.feed(more())
        if ended:
            return True
        if time.monotonic() > until or stop.is_set() or _ending.wait(POLL):
            return False


class Ended(Exception):
    """The command ends, so no other guest is booted."""


_ending = threading.Event()


@contextmanager
def threads(jobs: int) -> Iterator[ThreadPoolExecutor]:
    """Yield threads that run guests; whatever ends the block early ends the guests, too."""
    try:
        with ThreadPoolExecutor(jobs) as pool:
            try:
                yield pool
            except BaseException:
                _ending.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    finally:
        _ending.clear()


CONVERSATION = "conformance"
"""The kind of folders with the sockets of conversations."""


def sweep(cache: Path = tools.CACHE) -> None:
    """Remove what runs left behind that were killed."""
    leftovers.sweep("run", cache)
    leftovers.sweep(CONVERSATION)


class _Teller:
    """Passes on whole lines of the payload's output, without the last two, which are init's."""

    def __init__(self, on_line: OnLine) -> None:
        self._on_line = on_line
        self._rest = ""
        self._blank = False

    def feed(self, text: str) -> None:
        """Take what the second port has carried since the last time."""
        *whole, self._rest = (self._rest + text).split("\n")
        for line in whole:
            last = self._blank and re.fullmatch(r"RC=\d+", line)
            if self._blank and not last:
                self._on_line("")
            self._blank = not line
            if line and not last:
                self._on_line(line)


def run_all(
    kernels: Iterable[KernelImage | NotRun],
    payload: Payload,
    *,
    jobs: int | None = None,
    cache: Path = tools.CACHE,
    on_line: Callable[[KernelImage, str], None] | None = None,
) -> Iterator[Result]:
    """Run a payload on each kernel that is here; yield the results as they come.

    ``jobs`` guests run at a time, at most one per processor of this machine, which is the default.
    A NotRun is passed over: the caller reports it.  Closing the iterator early ends the guests.
    """
    tools.require(tools.TO_BOOT)
    initramfs.base(cache)
    sweep(cache)
    archive = payload.archive()
    most = len(os.sched_getaffinity(0))
    lock = threading.Lock()
    stop = threading.Event()

    def one(kernel: KernelImage) -> Result:
        def forward(line: str) -> None:
            if on_line:
                with lock:
                    on_line(kernel, line)

        return run(kernel, payload, archive=archive, cache=cache, on_line=forward, stop=stop)

    here = [kernel for kernel in kernels if isinstance(kernel, KernelImage)]
    with ThreadPoolExecutor(max_workers=max(1, min(jobs or most, most))) as pool:
        waiting = [pool.submit(one, kernel) for kernel in here]
        try:
            for future in as_completed(waiting):
                yield future.result()
        finally:
            stop.set()
            for future in waiting:
                future.cancel()
