# SPDX-License-Identifier: GPL-2.0-only
"""Calls with one fault or two: the record, and the model against it."""

from __future__ import annotations

import json
from pathlib import Path

from records import two_faults

RECORDED = two_faults.read()


def test_five_kernels_were_asked() -> None:
    assert len(RECORDED) >= 5


def test_the_record_counts_itself() -> None:
    counted = json.loads(two_faults.FILE.read_text(encoding="utf-8"))["counts"]
    assert counted == two_faults.counts(RECORDED)


def test_a_record_is_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "two_faults.json"
    given = {"5.10.262": {"a: X, Y": "EINVAL"}, "7.3.4": {"a: X, Y": "EPERM", "a: X": "EPERM"}}
    two_faults.write(given, path)
    assert two_faults.read(path) == given
    assert two_faults.read(tmp_path / "none.json") == {}
    assert two_faults.changed(given) == {"a: X, Y": {"5.10.262": "EINVAL", "7.3.4": "EPERM"}}
