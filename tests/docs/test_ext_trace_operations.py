# SPDX-License-Identifier: GPL-2.0-only
"""The page of traces describes every operation, with the fields of the table of operations."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from sphinx.cmd.build import main
from trace_operations import fields

from reference_model.traces import OPERATIONS

ROOT = Path(__file__).parents[2]
CONF = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "docs" / "_ext")!r}]
extensions = ["trace_operations"]
"""


def test_every_operation_is_described_once() -> None:
    page = (ROOT / "docs" / "traces.rst").read_text(encoding="utf-8")
    lines = re.findall(r"(?m)^\.\. operation:: (.+)$", page)
    assert Counter(name for line in lines for name in line.split()) == Counter([*OPERATIONS])


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_field_is_named(name: str) -> None:
    assert set(re.findall(r"\w+", fields(name))) - {"or", "with", "optional"} == {
        *OPERATIONS[name].fields
    }


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ("unlink", "unlink (path)"),
        ("rmdir cgroup_ids", "rmdir, cgroup_ids (cgroup)"),
        ("rmdir unlink", "rmdir (cgroup); unlink (path)"),
    ],
)
def test_the_line_of_operations(tmp_path: Path, names: str, shown: str) -> None:
    (tmp_path / "conf.py").write_text(CONF)
    (tmp_path / "index.rst").write_text(f"Title\n=====\n\n.. operation:: {names}\n\n   Text.\n")
    assert main(["-q", "-W", "-b", "text", str(tmp_path), str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "index.txt").read_text().replace('"', "") == (
        f"Title\n*****\n\n{shown}\n   Text.\n"
    )


def test_an_unknown_operation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "conf.py").write_text(CONF)
    (tmp_path / "index.rst").write_text("Title\n=====\n\n.. operation:: fly\n\n   Text.\n")
    assert main(["-q", "-W", "-b", "text", str(tmp_path), str(tmp_path / "out")]) != 0
    assert "no operation fly: known are mkdir, rmdir" in capsys.readouterr().err
