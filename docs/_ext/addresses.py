# SPDX-License-Identifier: GPL-2.0-only
"""Where a page is on the web, and where its source is.

``html_baseurl`` is the address of the site, if the build knows it: then each page names its
canonical address, and ``sitemap.xml`` lists all pages.  ``repository`` is the address at which the
files of the repository can be edited: then each page links to its true source.
"""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from reference_model.catalogue import FOLDERS, stories

DESCRIPTION = re.compile(r'<meta content="([^"]*)" (?:lang="\w+" )?name="description"')
SITEMAP = """\
<?xml version="1.0" encoding="utf-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
{}</urlset>
"""


def source_file(page: str) -> str:
    """The file of the repository that a reader would edit to change a page.

    >>> source_file("tutorial"), source_file("recipes/index")
    ('docs/tutorial.rst', 'docs/recipes/index.rst')
    >>> source_file("recipes/walk_all_keys")
    'reference_model/catalogue/recipes/walk_all_keys.py'
    """
    folder, _, name = page.rpartition("/")
    if folder in FOLDERS and name in stories(FOLDERS[folder]):
        return f"reference_model/catalogue/{page}.py"
    return f"docs/{page}.rst"


def describe(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Give the templates what they show of a page.  (html-page-context, after the descriptions)"""
    context["repository"] = app.config.repository
    context["html_baseurl"] = app.config.html_baseurl
    context["source_file"] = source_file(page) if doctree is not None else ""
    found = DESCRIPTION.search(context.get("metatags", ""))
    context["description"] = unescape(found[1]) if found else ""


def list_pages(app: Sphinx, error: Exception | None) -> None:
    """Write the sitemap.  (build-finished)"""
    base = app.config.html_baseurl
    if error is None and app.builder.format == "html" and base:
        pages = sorted(app.env.found_docs - {"404"})
        urls = (f"<url><loc>{escape(f'{base}{page}.html')}</loc></url>\n" for page in pages)
        Path(app.outdir, "sitemap.xml").write_text(SITEMAP.format("".join(urls)), encoding="utf-8")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add to each page, and list them."""
    app.add_config_value("repository", "", "html", types=frozenset({str}))
    app.add_js_file("menu.js")
    app.connect("html-page-context", describe, priority=800)
    app.connect("build-finished", list_pages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
