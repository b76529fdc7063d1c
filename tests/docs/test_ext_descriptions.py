# SPDX-License-Identifier: GPL-2.0-only
"""Each page of a small site has one description: its own, or its first paragraph."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sphinx.cmd.build import main

ROOT = Path(__file__).parents[2]

CONF = f"""
import sys
sys.path[:0] = [{str(ROOT / "docs" / "_ext")!r}]
extensions = ["descriptions"]
"""

TITLE = "Title\n=====\n\n"
OWN = ".. meta::\n   :description: Its own.\n\n"


@pytest.mark.parametrize(
    ("text", "descriptions"),
    [
        (TITLE + "What it\nanswers: ``a < b``.\n\nMore.", ["What it answers: a &lt; b."]),
        (TITLE + ".. note:: Beware.\n\nThe first.", ["The first."]),
        (OWN + TITLE + "The first.", ["Its own."]),
        (TITLE + "- a list only", []),
    ],
    ids=["first paragraph", "not of a note", "own", "none"],
)
def test_description(tmp_path: Path, text: str, descriptions: list[str]) -> None:
    (tmp_path / "conf.py").write_text(CONF)
    (tmp_path / "index.rst").write_text(text)
    out = tmp_path / "out"
    assert main(["-q", "-W", "-b", "html", str(tmp_path), str(out)]) == 0
    page = (out / "index.html").read_text()
    assert re.findall(r'<meta content="([^"]*)" name="description" />', page) == descriptions
