# SPDX-License-Identifier: GPL-2.0-only
"""Highlighted code has elements only for what has a style, and the same text."""

from __future__ import annotations

import re
from html import unescape

import pytest
from plain_tokens import PlainTokens
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import CLexer, PythonConsoleLexer

C = '/* frogs */\nint *pond(void)\n{\n\treturn frogs[1] + "leaf";\n}\n'
PYTHON = '>>> pond = frogs(1, "leaf")  # count\n>>> pond\n2\n'
SPAN = re.compile(r'<span class="(\w+)">')


@pytest.mark.parametrize(("lexer", "code"), [(CLexer(), C), (PythonConsoleLexer(), PYTHON)])
def test_only_what_has_a_style_is_an_element(lexer: CLexer, code: str) -> None:
    usual = highlight(code, lexer, HtmlFormatter())
    ours = highlight(code, lexer, PlainTokens())
    assert unescape(re.sub("<.*?>", "", ours)) == unescape(re.sub("<.*?>", "", usual))
    sheet = HtmlFormatter().get_style_defs()  # type: ignore[no-untyped-call]
    styled = {name for name in SPAN.findall(usual) if f".{name} {{" in sheet}
    assert {*SPAN.findall(ours)} == styled - {"w"}  # a space has no colour
    assert {"n", "p"} <= {*SPAN.findall(usual)} - styled
