# SPDX-License-Identifier: GPL-2.0-only
"""What commands print: names of files cannot send control characters to a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TextIO

_UNSEEN = re.compile(
    "[\0-\b\v-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""Control characters other than tab and newline, other directions of text, characters without a
shape, bytes of no text."""


def escaped(text: str) -> str:
    r"""The text on one line: what cannot be printed becomes an escape.

    >>> print(escaped("a\nb\x1b[31m"))
    a\nb\x1b[31m
    """
    return text if text.isprintable() else "".join(map(_escape, text))


def _escape(character: str) -> str:
    return character if character.isprintable() else ascii(character)[1:-1]


class Guarded:
    """The text of a stream, from now on: without control characters.

    Of the names that a command line gives, newlines are escaped, too, so that a message stays one
    line.
    """

    def __init__(self, stream: TextIO, words: Iterable[str]) -> None:
        self.lost: OSError | None = None
        """The first error of writing; argparse ignores it when it prints its help."""
        self._write = stream.write
        parts = {part for word in words for part in re.split("[/=]", word)}
        self._names = [part for part in parts if part.strip() and not part.isprintable()]
        stream.write = self.write  # type: ignore[method-assign]

    def write(self, text: str) -> int:
        """Write what can be printed of a text."""
        try:
            return self._write(self.shown(text))
        except OSError as error:
            self.lost = self.lost or error
            raise

    def shown(self, text: str) -> str:
        """A text with escapes; a first carriage return begins a line of progress anew."""
        for name in self._names:
            text = text.replace(name, escaped(name))
        start = text[:1] if text[:1] == "\r" else ""
        return start + _UNSEEN.sub(lambda found: _escape(found[0]), text.removeprefix(start))
