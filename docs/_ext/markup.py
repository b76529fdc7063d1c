# SPDX-License-Identifier: GPL-2.0-only
"""Repairs markup that Sphinx makes and that checkers of HTML and of accessibility refuse.

An empty heading of a table is a plain cell, a table that is too wide scrolls in a box of its own,
and a page of source code has no block within its text; its links back lead to where an object is
documented.  A long name may be broken after an underscore, and the name of an option is not broken
after its hyphens.  Each cell of a table of class ``stack`` carries its heading: on a narrow screen
its cells are below each other.  What scrolls can be focused: ``focus.js``.
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
STACK = re.compile(r'<table class="[^"]*\bstack\b.*?</table>', re.DOTALL)
ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
CELL = re.compile(r"<t[hd]\b[^>]*>")
TAG = re.compile(r"<[^>]*>")
AS_IS = re.compile(r"(<pre\b.*?</pre>|<svg\b.*?</svg>|<[^>]*>)", re.DOTALL)
NAME = re.compile(r"\w{12,}")
OPTION = re.compile(r'<span class="pre">(?=-)')
SOURCES = "_modules/"


def repaired(body: str) -> str:
    """The body of a page without empty headings, and with tables in boxes.

    >>> repaired('<table class="docutils"><tr><th class="head"></th><th>a</th></tr></table>')
    '<div class="wide"><table class="docutils"><tr><td></td><th>a</th></tr></table></div>'
    """
    body = EMPTY_HEADING.sub("<td></td>", body)
    body = OPTION.sub('<span class="pre option">', broken(body))
    body = STACK.sub(lambda found: labelled(found[0]), body)
    return TABLE.sub(r'<div class="wide">\g<0></div>', body)


def broken(html: str) -> str:
    """Let long names outside code blocks and figures be broken after an underscore.

    >>> broken('<p title="a_long_long_name">BPF_ANY or BPF_NOEXIST_X</p><pre>BPF_NOEXIST_X</pre>')
    '<p title="a_long_long_name">BPF_ANY or BPF_<wbr>NOEXIST_<wbr>X</p><pre>BPF_NOEXIST_X</pre>'
    """
    parts = AS_IS.split(html)
    parts[::2] = [NAME.sub(lambda found: _may_break(found[0]), text) for text in parts[::2]]
    return "".join(parts)


def _may_break(name: str) -> str:
    return re.sub(r"(?<=[A-Za-z0-9])_(?=[A-Za-z0-9])", "_<wbr>", name)


def labelled(table: str) -> str:
    """The table with the heading of its column at each cell.

    >>> print(labelled("<tr><th>a</th><th>b</th></tr><tr><td>c</td><td>d</td></tr>"))
    <tr><th>a</th><th>b</th></tr><tr><td data-label="a">c</td><td data-label="b">d</td></tr>
    """
    head, end, rows = table.partition("</tr>")
    labels = [TAG.sub("", cell).strip().replace('"', "&quot;") for cell in CELL.split(head)[1:]]

    def label(row: re.Match[str]) -> str:
        left = iter(labels)
        return CELL.sub(lambda cell: f'{cell[0][:-1]} data-label="{next(left)}">', row[0])

    return head + end + ROW.sub(label, rows)


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
    for name in ("prev", "next"):
        if context.get(name):
            context[name] = {**context[name], "title": broken(context[name]["title"])}
    context["title"] = broken(context.get("title", ""))
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
