# SPDX-License-Identifier: GPL-2.0-only
"""The check that no page of the site fetches anything from elsewhere sees each way to do so."""

from __future__ import annotations

from pathlib import Path

import pytest
from offline import outside

ELSEWHERE = "https://elsewhere.example/x"


@pytest.mark.parametrize(
    "text",
    [
        f'<script src="{ELSEWHERE}"></script>',
        '<script src="//elsewhere.example/x"></script>',
        f'<link rel="stylesheet" href="{ELSEWHERE}">',
        f'<link rel="preconnect" href="{ELSEWHERE}">',
        f'<img src="{ELSEWHERE}">',
        f'<iframe src="{ELSEWHERE}"></iframe>',
        f'<object data="{ELSEWHERE}"></object>',
        f'<video poster="{ELSEWHERE}"></video>',
        f'<svg><image href="{ELSEWHERE}"/></svg>',
        f'<p style="background: url({ELSEWHERE})">',
        f'<style>@import "{ELSEWHERE}";</style>',
        '<img src="https:&#47;&#47;elsewhere.example/x">',
        f'<a href="x" style="background: url({ELSEWHERE})">',
    ],
)
def test_what_a_page_fetches_is_found(tmp_path: Path, text: str) -> None:
    page = tmp_path / "sub" / "page.html"
    page.parent.mkdir()
    page.write_text(f"<html>{text}</html>")
    assert [path for path, _ in outside(tmp_path)] == [page]


def test_what_a_style_sheet_fetches_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text(f"@font-face {{ src: url('{ELSEWHERE}') }}")
    assert list(outside(tmp_path)) == [(tmp_path / "a.css", ELSEWHERE)]


def test_links_and_own_files_are_fine(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        f'<a href="{ELSEWHERE}">there</a> <link rel="canonical" href="{ELSEWHERE}">'
        '<script src="_static/a.js"></script> <img src="data:image/svg+xml;base64,AA==">'
        f"<style>/* url({ELSEWHERE}) */</style> <code>url({ELSEWHERE})</code>"
    )
    assert list(outside(tmp_path)) == []
