# SPDX-License-Identifier: GPL-2.0-only
"""Highlighted code without an element around what looks like any text.

Pygments wraps each name, bracket and space, which no style distinguishes: they were half of the
elements of the reference, and browsers and readers' tools go through all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pygments.formatters import HtmlFormatter
from pygments.token import Text, _TokenType
from sphinx.application import Sphinx
from sphinx.highlighting import PygmentsBridge
from sphinx.util.typing import ExtensionMetadata

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

LOOKS = {"color", "bold", "italic", "underline", "bgcolor", "border"}
"""What a style can give a token."""


class PlainTokens(HtmlFormatter[str]):
    """Writes what has a style of its own as an element, and all else as text."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        looks = (
            (kind, {look for look, value in style.items() if value}) for kind, style in self.style
        )
        self.plain = {kind for kind, seen in looks if not seen & LOOKS}

    def format(
        self, tokensource: Iterable[tuple[_TokenType, str]], outfile: SupportsWrite[str]
    ) -> None:
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
