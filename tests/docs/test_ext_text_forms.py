# SPDX-License-Identifier: GPL-2.0-only
"""The other forms of a page: folded examples, plain text, and a man page without examples."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

CONF = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "docs" / "_ext")!r}]
project = "Frogs"
extensions = ["sphinx.ext.doctest", "sphinx.ext.extlinks", "sphinx_design", "changes", "rules"]
extensions += ["fold_checks", "text_forms"]
extlinks = {{"commit": ("https://commits.example/%s", "%s")}}
man_pages = [("index", "frogs", "about frogs", "nobody", 7)]
"""

PAGE = """\
:fold-checks:

Frogs
=====

Green.

.. rule:: frog.jump
   :since: 5.9

   A frog jumps.

>>> 40 + 2
42
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "conf.py").write_text(CONF)
    (tmp_path / "index.rst").write_text(PAGE)
    return tmp_path


def built(site: Path, builder: str) -> None:
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", builder, ".", f"build/{builder}"]
    result = subprocess.run(command, cwd=site, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_examples_are_folded_and_run(site: Path) -> None:
    built(site, "html")
    html = (site / "build/html/index.html").read_text()
    assert html.count('<details class="folded check"><summary>Check</summary>') == 1
    built(site, "doctest")
    (site / "index.rst").write_text(PAGE.replace("42", "43"))
    with pytest.raises(AssertionError):
        built(site, "doctest")


def test_a_page_has_a_text_and_is_listed(site: Path) -> None:
    built(site, "html")
    text = (site / "build/html/index.txt").read_text()
    assert "A frog jumps." in text
    assert ">>> 40 + 2" in text
    assert "> Green." in (site / "build/html/llms.txt").read_text()


def test_a_man_page_has_the_statement_without_its_check(site: Path) -> None:
    built(site, "man")
    man = (site / "build/man/frogs.7").read_text()
    assert "A frog jumps." in man
    assert "(since 5.9)" in man
    assert "40 + 2" not in man
    assert "frog.jump" not in man
