# SPDX-License-Identifier: GPL-2.0-only
"""A page for each story: a few lines of a stub, written before the pages are looked for.

``docs/breaking_changes/NAME.rst``, ``docs/additions/NAME.rst`` and ``docs/recipes/NAME.rst`` hold
the title, what search engines show of the page, and ``.. story:: NAME``.  They are written only if
they differ from what is there, so that an unchanged story is not built again, and removed when
their story is gone; git ignores them.  Pages beside them that are written by hand are left alone:
``index.rst``, and pages that say why a story was withdrawn.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from descriptions import shortened
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from reference_model.catalogue import FOLDERS, Story, StoryError, stories

MARK = ".. Made by docs/_ext/stories/stubs.py from "
STUB = """\
.. SPDX-License-Identifier: GPL-2.0-only
{mark}reference_model/catalogue/{folder}/{name}.py

.. meta::
   :description: {description}

{line}
{title}
{line}

.. story:: {name}
"""


def page_of(name: str) -> str:
    """The page of a story, as in a reference: its document's name.

    >>> page_of("reattach_keeps_data")
    '/breaking_changes/reattach_keeps_data'
    """
    story: Story = stories()[name]
    (folder,) = (folder for folder, kind in FOLDERS.items() if isinstance(story, kind))
    return f"/{folder}/{name}"


def plain(text: str) -> str:
    """A text in one line, without its markup.

    >>> plain("Use ``BPF_EXIST``, see\\n:doc:`this <x>` and\\n:rule:`attach.reuse`.")
    'Use BPF_EXIST, see this and attach.reuse.'
    """
    text = re.sub(r":[\w:]+:`([^`<]*?)(?: <[^`]*>)?`", r"\1", " ".join(text.split()))
    return re.sub(r"[`*]+", "", text)


def first_sentence(text: str) -> str:
    """What stands before the first full stop that ends a sentence.

    >>> first_sentence("From 5.9 on it is so. Before, it was not.")
    'From 5.9 on it is so.'
    """
    text = " ".join(text.split())
    return re.split(r"(?<=[.?!])\s+(?=[A-Z`])", text, maxsplit=1)[0]


def stub(folder: str, name: str, story: Story) -> str:
    """The text of a story's page."""
    line = "=" * len(story.title)
    description = shortened(plain(story.summary))
    return STUB.format(
        mark=MARK, folder=folder, name=name, title=story.title, line=line, description=description
    )


def write_stubs(app: Sphinx) -> None:
    """Make the folders hold the stubs of the stories that there are.  (builder-inited)"""
    try:
        found = {folder: stories(kind) for folder, kind in FOLDERS.items()}
    except StoryError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None  # with any other exception Sphinx says two screens more
    for folder, by_name in found.items():
        path = Path(app.srcdir, folder)
        path.mkdir(exist_ok=True)
        for old in path.glob("*.rst"):
            if old.stem not in by_name and MARK in old.read_text(encoding="utf-8"):
                old.unlink()
        for name, story in by_name.items():
            write(path / f"{name}.rst", stub(folder, name, story))


def write(path: Path, text: str) -> None:
    """Write a file, unless it reads so already."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Write the stubs before the pages are looked for."""
    app.connect("builder-inited", write_stubs)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
