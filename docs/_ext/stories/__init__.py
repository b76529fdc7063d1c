# SPDX-License-Identifier: GPL-2.0-only
"""The pages of the stories in ``reference_model.catalogue``, their lists, and links to them.

``stubs`` writes a file for each story before Sphinx looks for pages; ``pages`` fills it, with
``facts``, ``parts``, ``examples``, ``code``, ``listings``, ``folded``, ``evidence`` and ``races``;
``index`` lists stories, ``groups`` orders them and heads the groups in the menu, and ``links``
links to them.
"""

from __future__ import annotations

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the directives and the role."""
    for name in ("stubs", "links", "groups", "index", "pages"):
        app.setup_extension(f"stories.{name}")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
