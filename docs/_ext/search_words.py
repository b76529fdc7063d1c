# SPDX-License-Identifier: GPL-2.0-only
"""The stem of each word of the search index, found once: most words are on many pages."""

from __future__ import annotations

from functools import cache

from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish
from sphinx.util.typing import ExtensionMetadata


class SearchEnglishOnce(SearchEnglish):
    """Sphinx's rules for English."""

    def __init__(self, options: dict[str, str]) -> None:
        super().__init__(options)
        self.stem = cache(self.stem)  # type: ignore[method-assign]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Replace the rules for English."""
    app.add_search_language(SearchEnglishOnce)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
