# SPDX-License-Identifier: GPL-2.0-only
"""Where a text goes in a file of the kernel: found by what stands there, not by line numbers.

A ``Passage`` is named by its first and last words and by the digest of all its words, so that
nothing of the kernel's text is copied here, and so that a passage which somebody has changed in the
meantime is ``Unexpected``, with what was found.  How the words are broken into lines does not
matter.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from .text import filled


class Unexpected(Exception):
    """The file is not as the edit expects: names the file, and shows what was found."""

    def __init__(self, path: str, reason: str, found: str = "") -> None:
        self.path, self.reason, self.found = path, reason, found
        shown = "".join(f"\n    | {line}" for line in found.splitlines())
        super().__init__(f"{path}: {reason}{shown and '; found:' + shown}")


def digest(text: str) -> str:
    """Sixteen digits that change with the words of a text, not with its line breaks.

    >>> digest("one two") == digest("one\\n   two") != digest("one, two")
    True
    """
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Passage:
    """The text of a file from the words ``begin`` up to and with the words ``end``.

    ``words`` is the ``digest`` that it must have; without it, the passage is ``begin`` alone.
    """

    path: str
    begin: str
    end: str = ""
    words: str = ""

    def find(self, text: str) -> tuple[int, int]:
        """Where it begins and ends in the text of the file; Unexpected if it is not this text."""
        begins = [found.span() for found in _words(self.begin).finditer(text)]
        if len(begins) != 1:
            where = f"{len(begins)} times" if begins else "nowhere"
            raise Unexpected(self.path, f"{self.begin!r} should stand there once, stands {where}")
        (start, stop) = begins[0]
        if not self.words:
            return start, stop
        end = _words(self.end).search(text, start)
        if end is None:
            rest = text[start:].split("\n\n")[0]
            raise Unexpected(self.path, f"{self.end!r} should follow {self.begin!r}", rest)
        if digest(text[start : end.end()]) != self.words:
            raise Unexpected(
                self.path, "this passage has other words by now", text[start : end.end()]
            )
        return start, end.end()


def _words(text: str) -> re.Pattern[str]:
    """These words, with whatever space between them."""
    return re.compile(r"\s+".join(map(re.escape, text.split())))


class Where(Enum):
    """Where a new text goes, seen from the passage."""

    BEFORE = "before"
    INSTEAD = "instead of"
    AFTER = "after"
    WITHIN = "in"
    END = "at the end of the file, after"


@dataclass(frozen=True)
class Edit:
    """Puts a text before, after or in the place of a passage, or at the end of its file.

    ``place`` names the passage in words, for readers.  A new text that is part of a paragraph is
    ``running``: the paragraph is filled again from there on, with its own indentation.
    """

    passage: Passage
    where: Where
    place: str
    new: Callable[[], str]
    running: bool = False

    @property
    def shown(self) -> list[str]:
        """The lines that are added, as in a diff; what they replace is not shown."""
        new = filled(self.new()) if self.running else self.new()
        return [f"+{line}" for line in new.strip("\n").splitlines()]

    def apply(self, text: str) -> str:
        """Return the text of the file with the edit; Unexpected if its place is not as it was."""
        start, stop = self.passage.find(text)
        new = self.new()
        if self.where is not Where.INSTEAD and " ".join(new.split()) in " ".join(text.split()):
            raise Unexpected(self.passage.path, "the new text stands there already", new.strip())
        if self.where is Where.BEFORE:
            stop = start
        elif self.where is Where.AFTER:
            start = stop
        elif self.where is Where.END:
            start = stop = len(text.rstrip("\n"))
        if self.running:
            first = text.rfind("\n", 0, start) + 1
            last = text.find("\n\n", stop)
            line, tail = text[first:start], text[stop:last]
            margin = line[: len(line) - len(line.lstrip())]
            new = filled(" ".join(f"{line}{new}{tail}".split()), margin)
            start, stop = first, last
        return text[:start] + new + text[stop:]


@dataclass(frozen=True)
class Swap:
    """Replaces phrases wherever they stand in a passage: pairs of the old and the new one."""

    passage: Passage
    place: str
    phrases: tuple[tuple[str, str], ...]
    where: Where = Where.WITHIN

    @property
    def shown(self) -> list[str]:
        """The phrases before and after, as in a diff."""
        return [
            f"{sign}{line}"
            for pair in self.phrases
            for sign, phrase in zip("-+", pair, strict=True)
            for line in phrase.splitlines()
        ]

    def apply(self, text: str) -> str:
        """Return the text of the file with the new phrases; Unexpected if the passage differs."""
        start, stop = self.passage.find(text)
        wanted = dict(self.phrases)
        old = re.compile("|".join(map(re.escape, wanted)))
        return text[:start] + old.sub(lambda it: wanted[it[0]], text[start:stop]) + text[stop:]
