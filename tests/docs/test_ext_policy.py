# SPDX-License-Identifier: GPL-2.0-only
"""Pages keep to their Content-Security-Policy."""

from __future__ import annotations

from typing import Any

import pytest
from policy import META, kept_to
from sphinx.errors import ExtensionError

CONTEXT: dict[str, Any] = {"pagename": "some/page", "pathto": lambda name, kind: f"../{name}"}
THEME = "<script>\n  jQuery(function () { SphinxRtdTheme.Navigation.enable(true); });\n</script>"


def rendered(page: str) -> str:
    return kept_to(lambda template, context: page)("page.html", CONTEXT)


def test_the_policy_stands_before_all_else() -> None:
    page = rendered(f'<html><head>\n<script src="a.js"></script></head><body>{THEME}</body>')
    assert page.startswith(f"<html><head>\n  {META}\n<script src=")
    assert '<script src="../_static/navigation.js"></script></body>' in page


@pytest.mark.parametrize("script", ["<script>let a;</script>", "<script type='module'>"])
def test_an_inline_script_ends_the_build(script: str) -> None:
    with pytest.raises(ExtensionError, match="some/page: it has an inline script"):
        rendered(f"<head></head>{script}")
