# SPDX-License-Identifier: GPL-2.0-only
"""What a page is made from beside its own text.

``freshness`` follows the code and the records, which any page may be made from, and the names of
the C files.  A directive calls ``note`` for the files that it reads beside these: a page is read
again when one of them changes.  A directive that shows a few facts of all stories calls
``note_facts`` instead: the page is read again when these facts change, and left alone when
anything else in the stories does.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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


Facts = Callable[..., object]
"""Returns what a page shows, as a value with a stable ``repr``; a function of a module."""


def digest(facts: Facts, *arguments: str) -> str:
    """Return a digest of what the facts are now."""
    return hashlib.sha256(repr(facts(*arguments)).encode()).hexdigest()


def note_facts(env: BuildEnvironment, facts: Facts, *arguments: str) -> None:
    """Note that the page at hand shows what ``facts`` returns for these arguments."""
    noted: Any = env.metadata[env.docname].setdefault("facts", {})
    noted[facts, arguments] = digest(facts, *arguments)


def showing_other_facts(env: BuildEnvironment) -> Iterator[str]:
    """The pages of which the noted facts have changed since they were read."""
    now: dict[Any, str] = {}
    for page, metadata in env.metadata.items():
        noted: Any = metadata.get("facts", {})
        for call, before in noted.items():
            if call not in now:
                facts, arguments = call
                now[call] = digest(facts, *arguments)
            if now[call] != before:
                yield page
                break
