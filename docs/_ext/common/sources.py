# SPDX-License-Identifier: GPL-2.0-only
"""What a page is made from beside its own text.

``freshness`` follows the code and the records, which any page may be made from, and the names of
the C files.  A directive calls ``note`` for the files that it reads beside these: a page is read
again when one of them changes.
"""

from __future__ import annotations

import inspect
from pathlib import Path

from sphinx.environment import BuildEnvironment

from reference_model.catalogue import Story, stories


def home(story: Story) -> str:
    """Return the file of a story."""
    return str(inspect.getsourcefile(inspect.unwrap(story.run)))


def note(env: BuildEnvironment, *files: str | Path) -> None:
    """Note that the page at hand is made from these files."""
    for path in files:
        env.note_dependency(str(path))


def note_stories(env: BuildEnvironment, kind: type[Story] = Story) -> None:
    """Note that the page at hand is made from all stories of a kind."""
    note(env, *(home(story) for story in stories(kind).values()))
