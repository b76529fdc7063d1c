# SPDX-License-Identifier: GPL-2.0-only
"""Highlighted code without an element around what looks like any text.

Pygments wraps each name, bracket and space, which no style distinguishes: they were half of the
elements of the reference, and browsers and readers' tools go through all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, Any

from pygments.formatters import HtmlFormatter
from pygments.token import Text, _TokenType
from sphinx.application import Sphinx
from sphinx.highlighting import PygmentsBridge
from sphinx.util.typing import ExtensionMetadata

LOOKS = {"color", "bold", "italic", "underline", "bgcolor", "border"}
"""What a style can give a token."""


class PlainTokens(HtmlFormatter[str]):
    """Writes what has a style of its own as an element, and all else as text."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.plain = {kind for kind, style in self.style if not any(style[look] for look in LOOKS)}

    def format(self, tokensource: Iterable[tuple[_TokenType, str]], outfile: IO[str]) -> None:
        """Write the tokens of some code."""
        shown = (
            (Text if kind in self.plain or text.isspace() else kind, text)
            for kind, text in tokensource
        )
        super().format(shown, outfile)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Called by Sphinx."""
    PygmentsBridge.html_formatter = PlainTokens
    return {"parallel_read_safe": True, "parallel_write_safe": True}
