# SPDX-License-Identifier: GPL-2.0-only
"""Search source code for the signs of the stories: the lines that a change may concern.

The signs are those that the pages show as ``git grep`` commands.  Only files that have to do with
BPF at all are searched, because signs such as ``EBUSY`` stand in other code too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from typing import NamedTuple

from ..catalogue import LANGUAGES, BreakingChange, Sign, stories
from ..releases import Release
from .findings import differs

LARGEST = 2 << 20
"""Bytes: nobody wrote a larger source file by hand."""
_CONCERNED = re.compile(r"bpf|\baya\b", re.IGNORECASE)
_LEFT_OUT = {".git", ".hg", ".svn", "node_modules", "__pycache__"}


class Line(NamedTuple):
    """A line that a sign finds."""

    place: str
    """``path:line``"""
    text: str


@dataclass(eq=False, repr=False)
class Signs:
    """The lines that the signs of a change find in one language."""

    story: BreakingChange
    name: str
    sign: Sign
    lines: list[Line] = field(default_factory=list)


@dataclass(eq=False, repr=False)
class Searched:
    """What was found in a directory."""

    directory: str
    files: int = 0
    """How many files have to do with BPF."""
    found: list[Signs] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


@cache
def _language(name: str) -> str:
    """The language of a file, by its name; empty: none that has signs."""
    for language, patterns in LANGUAGES.items():
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            return language
    return ""


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def search(directory: str, releases: list[Release], only: set[str] | None = None) -> Searched:
    """Search the source files below a directory for the signs of the changes between releases.

    ``only`` names the changes in question; None: all.
    """
    searched = Searched(directory)
    wanted = [
        Signs(story, name, sign)
        for name, story in stories(BreakingChange).items()
        if (only is None or name in only) and differs(story, releases)
        for sign in story.signs
    ]
    for path in _files(directory):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read()
        except OSError as error:
            searched.doubts.append(f"{path} cannot be read: {error.strerror}.")
            continue
        if not _CONCERNED.search(text):
            continue
        searched.files += 1
        language = _language(os.path.basename(path))
        fitting = [signs for signs in wanted if signs.sign.language == language]
        for number, line in enumerate(text.splitlines(), start=1):
            for signs in fitting:
                if _compiled(signs.sign.pattern).search(line):
                    signs.lines.append(Line(f"{path}:{number}", line.strip()))
    searched.found = [signs for signs in wanted if signs.lines]
    return searched


def _files(directory: str) -> Iterator[str]:
    """The source files below a directory, in order; links to directories are not followed."""
    for place, folders, names in os.walk(directory):
        folders[:] = sorted(set(folders) - _LEFT_OUT)
        for name in sorted(names):
            path = os.path.join(place, name)
            if _language(name) and os.path.isfile(path) and os.path.getsize(path) <= LARGEST:
                yield path
