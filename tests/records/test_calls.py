# SPDX-License-Identifier: GPL-2.0-only
"""Calls with one fault or two: the record, and the model against it."""

from __future__ import annotations

import json
from pathlib import Path

from records import calls

RECORDED = calls.read()


def test_five_kernels_were_asked() -> None:
    assert len(RECORDED) >= 5


def test_the_record_counts_itself() -> None:
    counted = json.loads(calls.TWO_FAULTS.read_text(encoding="utf-8"))["counts"]
    assert counted == calls.counts(RECORDED)


def test_a_record_is_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "two_faults.json"
    given = {"5.10.262": {"a: X, Y": "EINVAL"}, "7.3.4": {"a: X, Y": "EPERM", "a: X": "EPERM"}}
    calls.write(given, path)
    assert calls.read(path) == given
    assert calls.read(tmp_path / "none.json") == {}
    assert calls.changed(given) == {"a: X, Y": {"5.10.262": "EINVAL", "7.3.4": "EPERM"}}
