# SPDX-License-Identifier: GPL-2.0-only
"""Whatever kills a long command, it leaves no process, no folder, and the output as it was."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from typing import Any

import pytest
import support_kills
from support_kills import LONG, OLD

from conformance.__main__ import SUBCOMMANDS, parser
from conformance.record_calls import RECORDS

pytestmark = pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv(1) is not installed")

ENDS = {"diverge": 1, "conformance": 130}
"""The status of a command that SIGTERM ended, where it is another one than 143."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], dict[str, Any]]:
    """What was left of each command after each signal."""
    folder = tmp_path_factory.mktemp("killed")
    done = subprocess.run(
        [sys.executable, support_kills.__file__, str(folder)],
        cwd=support_kills.ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    every = map(json.loads, done.stdout.splitlines())
    return {(one["words"], one["signal"]): one for one in every}


@pytest.mark.parametrize(
    ("words", "number"), [(long.words, number) for long in LONG for number in long.signals]
)
def test_nothing_is_left_of_a_killed_command(
    words: str, number: signal.Signals, found: dict[tuple[str, int], dict[str, Any]]
) -> None:
    one = found[words, number]
    assert one["works"], one["said"]
    assert one["ended"]
    assert one["processes"] == []
    assert one["output"] == OLD
    if number == signal.SIGKILL:  # what died has no time to tidy up: the next run does
        assert one["status"] == -number
        return
    assert one["folders"] == []
    assert one["files"] == []
    assert '  File "' not in one["said"]
    usual = 128 + number
    assert one["status"] == next((ENDS[word] for word in ENDS if word in words), usual)


def test_every_command_of_the_harness_is_in_the_table() -> None:
    listed = {long.words.split()[1] for long in LONG if long.words.startswith("conformance ")}
    (commands,) = (a.choices for a in parser()._actions if isinstance(a.choices, dict))
    assert listed == commands.keys()
    assert len(listed) == len(SUBCOMMANDS) - 1 + len(RECORDS)
