# SPDX-License-Identifier: GPL-2.0-only
"""No page of the built site may fetch anything from elsewhere.

A link that a reader follows may lead anywhere; what a browser loads by itself (scripts, style
sheets, fonts, images, frames) must come from the site.  After an HTML build this looks through
the pages and the style sheets and warns of each address that would be fetched, so that -W fails.
Requests that a script makes when it runs are not seen here.  The style sheets and scripts that
``conf.py`` names must exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata

logger = logging.getLogger(__name__)

OUTSIDE = re.compile(r"\s*(https?:)?//", re.IGNORECASE)
CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
CSS_ADDRESS = re.compile(r"""(?:url\(|@import)\s*["']?([^"')\s;]+)""")
FETCHED = {"src", "srcset", "poster", "data", "background"}
TAGS = re.compile(
    r"""
    <(?!/|a[\s>]) [^>]* (?://|&) [^>]* >    # a tag with two slashes, perhaps as entities
    | <a\s [^>]* \b(?:src|style)= [^>]* >   # a link with more than an address to follow
    | <style .*? </style>
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
"""What of a page may make a browser fetch an address outside: most of a page need not be parsed."""
FOLLOWED_RELS = {"canonical", "author", "license", "alternate"}  # a <link> that is only named


class Fetches(HTMLParser):
    """Collects the addresses that a browser fetches in order to show a page.

    >>> fetches = Fetches()
    >>> fetches.feed('<a href="//elsewhere/page"><img src="//elsewhere/picture.svg"></a>')
    >>> fetches.addresses
    ['//elsewhere/picture.svg']
    """

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.in_style = tag == "style"
        self.addresses += [values[name] for name in values if name in FETCHED]
        self.addresses += css_addresses(values.get("style", ""))
        if tag == "link" and values.get("rel") not in FOLLOWED_RELS:
            self.addresses.append(values.get("href", ""))
        if tag in {"image", "use"}:  # in an SVG figure
            self.addresses += [values.get("href", ""), values.get("xlink:href", "")]

    def handle_data(self, data: str) -> None:
        if self.in_style:
            self.addresses += css_addresses(data)


def fetched(page: str) -> list[str]:
    """The addresses in a page that may be outside, and that a browser fetches.

    >>> fetched('<a href="//elsewhere/page"><img src="//elsewhere/picture.svg"></a>')
    ['//elsewhere/picture.svg']
    """
    fetches = Fetches()
    fetches.feed("".join(TAGS.findall(page)))
    return fetches.addresses


def css_addresses(text: str) -> list[str]:
    """The addresses that a style sheet fetches.

    >>> css_addresses("/* url(a) */ body { background: url('b.png') }")
    ['b.png']
    """
    return CSS_ADDRESS.findall(CSS_COMMENT.sub("", text))


def outside(site: Path) -> Iterator[tuple[Path, str]]:
    """Every address outside the site that a built file makes a browser fetch."""
    for path in sorted(site.rglob("*")):
        if path.suffix == ".html":
            addresses = fetched(path.read_text(encoding="utf-8"))
        elif path.suffix in {".css", ".svg"}:
            addresses = css_addresses(path.read_text(encoding="utf-8"))
        else:
            continue
        yield from ((path, address) for address in addresses if OUTSIDE.match(address))


def check_site(app: Sphinx, error: Exception | None) -> None:
    """Warn of each.  (build-finished)"""
    if error is None and app.builder.format == "html":
        for path, address in outside(Path(app.outdir)):
            logger.warning("%s would fetch %s", path.relative_to(app.outdir), address)
        for name, _ in (*app.config.html_css_files, *app.config.html_js_files):
            if not Path(app.outdir, "_static", name).exists():
                logger.warning("conf.py names %s, which html_static_path does not have", name)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Look through the site after each build."""
    app.connect("build-finished", check_site)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
