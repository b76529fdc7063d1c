# SPDX-License-Identifier: GPL-2.0-only
"""Pages load nothing but files of the site, run no script of their own, and say so to the browser.

The theme ends each page with an inline script, outside of any block that a template could replace;
a file does the same here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.typing import ExtensionMetadata

POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src blob:; "
    "connect-src 'self'; img-src 'self' data:; font-src 'self'; "
    "style-src 'self' 'unsafe-inline'; form-action 'self'; base-uri 'self'"
)
"""Tables have widths, and drawings colours, in attributes: that is the inline style.  The worker
that runs Python is a blob, as no other worker starts on a page that was opened from a disk."""

META = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
HEAD = re.compile(r"<head>\n?")
INLINE = re.compile(r"<script>\s*jQuery\(function \(\) \{\s*SphinxRtd.*?</script>", re.DOTALL)
ANY_INLINE = re.compile(r"<script(?![^>]*(\bsrc=|application/json))[^>]*>")
"""A script that would run; JSON is data."""

Render = Callable[[str, dict[str, Any]], str]


def kept_to(render: Render) -> Render:
    """What renders a page, and then makes it keep to the policy."""

    def rendered(template: str, context: dict[str, Any]) -> str:
        page = render(template, context)
        if "pathto" not in context or not HEAD.search(page):  # not a page
            return page
        script = f'<script src="{context["pathto"]("_static/navigation.js", 1)}"></script>'
        page = HEAD.sub(f"\\g<0>  {META}\n", INLINE.sub(script, page), count=1)
        if inline := ANY_INLINE.search(page):
            raise ExtensionError(f"{context['pagename']}: it has an inline script: {inline[0]}")
        return page

    return rendered


def keep(app: Sphinx) -> None:
    """Watch the templates of a builder of pages.  (builder-inited)"""
    if app.builder.format == "html":
        templates = app.builder.templates
        templates.render = kept_to(templates.render)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Keep all pages to the policy."""
    app.connect("builder-inited", keep)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
