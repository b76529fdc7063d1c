# SPDX-License-Identifier: GPL-2.0-only
"""The record of what kernels answered to the probe."""

from __future__ import annotations

from pathlib import Path

from records import probe


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "probe.json"
    probe.write(probe.read(), path)
    assert path.read_text(encoding="utf-8") == probe.FILE.read_text(encoding="utf-8")
    assert probe.read(path) == probe.read()
    assert probe.read(tmp_path / "none.json") == {}
