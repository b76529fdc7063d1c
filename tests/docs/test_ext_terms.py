# SPDX-License-Identifier: GPL-2.0-only
"""A term is linked to the glossary where a page first uses it, and nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sphinx.cmd.build import main

ROOT = Path(__file__).parents[2]

CONF = f"""
import sys
sys.path[:0] = [{str(ROOT / "docs" / "_ext")!r}]
extensions = ["terms"]
"""

GLOSSARY = """\
Words
=====

.. glossary::

   storage
      Memory of a hook.

   attach type
      A number.

   key
      What names a storage.
"""


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("Two storages. One storage.", [("storage", "storages")]),
        ("Its Attach type, its key.", [("attach-type", "Attach type")]),
        ("``storage``, *storage*, storage_free and a pre-storage", []),
        ("A :term:`place <storage>` is a storage.", [("storage", "place")]),
        ("A :term:`key`.", [("key", "key")]),
        ("======= =======\nstorage storage\n======= =======\n", []),
        ("Storage\n-------\n\nNo word.", []),
    ],
)
def test_first_uses_are_linked(tmp_path: Path, text: str, links: list[tuple[str, str]]) -> None:
    (tmp_path / "conf.py").write_text(CONF)
    (tmp_path / "index.rst").write_text(f"Title\n=====\n\n.. toctree::\n\n   words\n\n{text}\n")
    (tmp_path / "words.rst").write_text(GLOSSARY)
    assert main(["-q", "-W", "-n", "-b", "html", str(tmp_path), str(tmp_path / "out")]) == 0
    page = (tmp_path / "out" / "index.html").read_text()
    found = re.findall(r'href="words.html#term-([\w-]+)"[^>]*><span[^>]*>([^<]*)<', page)
    assert found == links
    glossary = (tmp_path / "out" / "words.html").read_text()
    assert 'href="words.html#term' not in glossary
