# SPDX-License-Identifier: GPL-2.0-only
"""The stories: breaking changes, additions and migration recipes, one module each.

A new module in one of their folders is a new story: nothing else is edited.

>>> stories(BreakingChange)["reattach_keeps_data"].title
'Re-attaching a program keeps its data'
"""

from __future__ import annotations

import importlib
import os
import traceback
from functools import cache
from types import ModuleType
from typing import TypeVar, overload

from ..errors import UNDEFINED
from .story import (
    AFFECTS,
    LANGUAGES,
    RELEASES,
    SHOWN,
    Addition,
    BreakingChange,
    Difference,
    Evidence,
    Explains,
    Observations,
    Outcome,
    Promise,
    Recipe,
    Sign,
    Story,
    StoryError,
    observed,
)

__all__ = [
    "AFFECTS",
    "RELEASES",
    "SHOWN",
    "UNDEFINED",
    "Addition",
    "BreakingChange",
    "Difference",
    "Evidence",
    "Explains",
    "LANGUAGES",
    "Observations",
    "Outcome",
    "Promise",
    "Recipe",
    "Sign",
    "Story",
    "StoryError",
    "observed",
    "stories",
]

S = TypeVar("S", bound=Story)

FOLDERS: dict[str, type[Story]] = {
    "breaking_changes": BreakingChange,
    "additions": Addition,
    "recipes": Recipe,
}
"""The kinds of stories, by the folders of their modules and of their pages."""


@overload
def stories() -> dict[str, Story]: ...
@overload
def stories(kind: type[S]) -> dict[str, S]: ...


def stories(kind: type[Story] = Story) -> dict[str, Story] | dict[str, S]:
    """The stories of a kind by the names of their modules, in the order of FOLDERS."""
    return {name: story for name, story in _discover().items() if isinstance(story, kind)}


@cache
def _discover() -> dict[str, Story]:
    """The ``STORY`` of each module; StoryError names a module without a right one."""
    found: dict[str, Story] = {}
    for folder, kind in FOLDERS.items():
        place = os.path.join(os.path.dirname(__file__), folder)
        for file in sorted(os.listdir(place)):
            name, extension = os.path.splitext(file)
            if extension != ".py" or name.startswith("_"):
                continue
            path = os.path.join(place, file)
            story = getattr(_imported(path, f"{__name__}.{folder}.{name}"), "STORY", None)
            if not isinstance(story, kind):
                raise StoryError(f"{path}: it has no STORY that is a {kind.__name__}")
            if name in found:
                raise StoryError(f"{path}: another story has the name {name}: rename one")
            if lacks := list(story.lacks()):
                raise StoryError(f"{path}: its page needs {'; '.join(lacks)}")
            found[name] = story
    return found


def _imported(path: str, name: str) -> ModuleType:
    """The module of a story; StoryError says in which line it goes wrong."""
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        line = line_raised(error, path)
        if isinstance(error, SyntaxError):
            line = error.lineno or line
        reason = error.msg if isinstance(error, SyntaxError) else error
        raise StoryError(f"{path}:{line}: {type(error).__name__}: {reason}") from error


def line_raised(error: BaseException, path: str) -> int:
    """The last line of a file on the way to where an exception was raised."""
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__)
             if frame.f_code.co_filename == path]  # fmt: skip
    return lines[-1] if lines else 1
