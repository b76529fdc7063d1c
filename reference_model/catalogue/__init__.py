# SPDX-License-Identifier: GPL-2.0-only
"""The stories: breaking changes, additions and migration recipes, one module each.

A new module in one of their folders is a new story: nothing else is edited.

>>> stories(BreakingChange)["reattach_keeps_data"].title
'Re-attaching a program keeps its data'
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TypeVar, overload

from ..errors import UNDEFINED
from .story import (
    AFFECTS,
    RELEASES,
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
    observed,
)

__all__ = [
    "AFFECTS",
    "RELEASES",
    "UNDEFINED",
    "Addition",
    "BreakingChange",
    "Difference",
    "Evidence",
    "Explains",
    "Observations",
    "Outcome",
    "Promise",
    "Recipe",
    "Sign",
    "Story",
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
    """The ``STORY`` of each module; TypeError names a module without a right one."""
    found: dict[str, Story] = {}
    for folder, kind in FOLDERS.items():
        package = importlib.import_module(f"{__name__}.{folder}")
        for name in sorted(module.name for module in pkgutil.iter_modules(package.__path__)):
            path = f"{package.__name__}.{name}"
            story = getattr(importlib.import_module(path), "STORY", None)
            if not isinstance(story, kind):
                raise TypeError(f"{path} has no STORY that is a {kind.__name__}")
            if name in found:
                raise TypeError(f"{path}: the name is taken by another story")
            found[name] = story
    return found
