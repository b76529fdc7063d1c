# SPDX-License-Identifier: GPL-2.0-only
"""Repairs markup that Sphinx makes and that checkers of HTML and of accessibility refuse.

An empty heading of a table is a plain cell, a table that is too wide scrolls in a box of its own,
and a page of source code has no block within its text; its links back lead to where an object is
documented.  A long name may be
broken after an underscore.  What scrolls can be focused: ``focus.js``.
The same for the theme's own markup is in ``docs/_templates``.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

EMPTY_HEADING = re.compile(r"<th( [^>]*)?></th>")
TABLE = re.compile(r'<table class="(?!field-list)[^>]*>.*?</table>', re.DOTALL)
BLOCK = re.compile(r'<div class="viewcode-block" id="([^"]*)">')
BACK = re.compile(r'(<a class="viewcode-back" href="[^"#]*#)([^"]*)"')
NAMES = re.compile(r'(?<=<span class="pre">)[^<]{12,}(?=</span>)|(?<=<h1>)[^<]+')
SOURCES = "_modules/"


def repaired(body: str) -> str:
    """The body of a page without empty headings, and with tables in boxes.

    >>> repaired('<table class="docutils"><tr><th class="head"></th><th>a</th></tr></table>')
    '<div class="wide"><table class="docutils"><tr><td></td><th>a</th></tr></table></div>'
    """
    body = EMPTY_HEADING.sub("<td></td>", body)
    body = NAMES.sub(lambda found: broken(found[0]), body)
    return TABLE.sub(r'<div class="wide">\g<0></div>', body)


def broken(name: str) -> str:
    """A long name that may be broken after an underscore.

    >>> broken("BPF_ANY")
    'BPF_<wbr>ANY'
    """
    return re.sub(r"(?<=[A-Za-z0-9])_(?=[A-Za-z0-9])", "_<wbr>", name)


def repaired_source(body: str, module: str, known: Collection[str]) -> str:
    """The body of a page of source code.

    >>> body = '''<pre><div class="viewcode-block" id="A">
    ... <a class="viewcode-back" href="../api.html#package.A">[docs]</a>class A: ...
    ... </div></pre>'''
    >>> print(repaired_source(body, "package.module", {"package.module.A"}))
    <pre><span class="viewcode-block" id="A">
    <a class="viewcode-back" href="../api.html#package.module.A">[docs]</a>class A: ...
    </span></pre>
    """

    def back(found: re.Match[str]) -> str:
        start, name = found.groups()
        own = f"{module}.{name.rpartition('.')[2]}"
        return f'{start}{own if name not in known and own in known else name}"'

    head, pre, rest = body.partition("<pre>")
    code, end, tail = rest.rpartition("</pre>")
    code = BLOCK.sub(r'<span class="viewcode-block" id="\1">', code).replace("</div>", "</span>")
    return head + pre + BACK.sub(back, code) + end + tail


def repair(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Repair what the page is going to show.  (html-page-context)"""
    body = context.get("body")
    if not body:
        return
    if page.startswith(SOURCES) and page != f"{SOURCES}index":
        module = page.removeprefix(SOURCES).replace("/", ".")
        context["body"] = repaired_source(body, module, app.env.domains.python_domain.objects)
    else:
        context["body"] = repaired(body)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Repair each page."""
    app.add_js_file("focus.js")
    app.connect("html-page-context", repair)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
