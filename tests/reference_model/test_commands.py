# SPDX-License-Identifier: GPL-2.0-only
"""Whatever ends a command, it says so in a line and leaves no process behind."""

from __future__ import annotations

import argparse
import gzip
import json
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from io import BufferedReader, BytesIO, TextIOWrapper
from pathlib import Path

import pytest
from support_traces import HAZARDS, trace_of

from reference_model import __version__
from reference_model.__main__ import main
from reference_model.commands import (
    INTERRUPTED,
    NO_READER,
    TERMINATED,
    finish,
    up_to,
    whole,
)
from reference_model.user_error import UserError

ROOT = Path(__file__).parents[2]
SLEEPER = """
import time
from reference_model.commands import finish

finish(lambda: print("begun", flush=True) or time.sleep(60))
"""


@pytest.mark.parametrize(
    ("number", "status", "said"),
    [
        (signal.SIGINT, INTERRUPTED, "interrupted\n"),
        (signal.SIGTERM, TERMINATED, "terminated\n"),
    ],
)
def test_a_signal_ends_a_command_with_a_line(
    number: signal.Signals, status: int, said: str
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SLEEPER], cwd=ROOT, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()  # it has begun
        process.send_signal(number)
        assert process.wait(60) == status
        assert process.stderr.read() == said


def test_the_reader_of_the_output_may_go() -> None:
    done = subprocess.run(
        f"set -o pipefail; {shlex.quote(sys.executable)} -m reference_model export | head -n 1",
        shell=True, executable="/bin/bash", cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == NO_READER
    assert done.stdout.count("\n") == 1
    assert done.stderr == "the reader of the output has exited\n"


@pytest.mark.parametrize(
    "arguments", [["-m", "reference_model", "replay", str(HAZARDS)], ["-um", "prose", "--help"]]
)
def test_a_full_disk_is_said(arguments: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == "the output cannot be written: No space left on device\n"


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_traces_come_from_the_standard_input(
    compress: Callable[[bytes], bytes],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = BytesIO(compress(json.dumps(trace_of(["ok", "ok"])).encode()))
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BufferedReader(given), encoding="ascii"))
    assert main(["replay", "-"]) == 0
    assert "5.8.18" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"python -m reference_model {__version__}\n"


@pytest.mark.parametrize(
    ("raised", "status", "said"),
    [
        (KeyboardInterrupt(), INTERRUPTED, "interrupted\n"),
        (UserError("x.json: no such file"), 2, "x.json: no such file\n"),
        (MemoryError(), 2, "the memory of this command ran out\n"),
        (FileNotFoundError(2, "none", "/x"), 2, "/x cannot be used: none\n"),
        (BlockingIOError(11, "busy"), 2, "the system does not let this command continue: busy\n"),
        (
            BrokenExecutor(),
            2,
            "a process of this command was killed, perhaps because memory ran out\n",
        ),
    ],
    ids=["Ctrl-C", "a user's mistake", "memory", "a file", "no process", "a killed process"],
)
def test_a_command_ends_with_a_line(
    raised: BaseException, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def main() -> int:
        raise raised

    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as ended:
            finish(main)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended.value.code == status
    assert capsys.readouterr().err == said


def test_a_fault_of_the_program_is_shown_whole() -> None:
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(ZeroDivisionError):
            finish(lambda: 1 // 0)
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("--version >&-", "the output cannot be written: it is closed\n"),
        ("replay - <&-", "-: cannot be read: the standard input is closed\n"),
        ("replay /none 2>/dev/full", ""),
    ],
)
def test_streams_that_cannot_be_used(where: str, said: str) -> None:
    done = subprocess.run(
        f"{shlex.quote(sys.executable)} -m reference_model {where}",
        shell=True, cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (2, said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0", "'0' is not a positive whole number"),
        ("-1", "'-1' is not"),
        ("1_0", "'1_0' is not"),
        ("\u0661", "'\u0661' is not"),
        ("65", "65 is more than 64"),
        ("9" * 5000, f"{'9' * 40} is more than 64"),
    ],
)
def test_numbers_have_bounds(text: str, said: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=re.escape(said)):
        up_to(64)(text)
    assert up_to(64)("64") == 64


@pytest.mark.parametrize("text", ["", "-", "1.5", "1_0", "9" * 20, "\u0661"])
def test_a_seed_is_a_whole_number(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not a whole number"):
        whole(text)
    assert whole("-7") == -7
