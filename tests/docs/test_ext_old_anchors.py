# SPDX-License-Identifier: GPL-2.0-only
"""Old addresses within pages lead to the parts that took their place."""

from __future__ import annotations

from pathlib import Path

from addresses import source_file
from docutils import nodes
from old_anchors import keep, known

from reference_model.catalogue import FOLDERS


def page(*parts: str) -> nodes.document:
    """A page with a title and sections."""
    document = nodes.document(None, None)  # type: ignore[arg-type]
    document += nodes.section("", *(nodes.section(ids=[part]) for part in parts), ids=["title"])
    return document


def ids(document: nodes.document) -> list[list[str]]:
    """The ids of the sections."""
    return [section["ids"] for section in document.findall(nodes.section)]


def test_an_old_id_is_a_target_at_the_part_of_today() -> None:
    document = page("why", "figure")
    anchors = {"recipes/x": {"details": "why", "old-title": ""}, "recipes/*": {"picture": "figure"}}
    assert keep(document, "recipes/x", anchors) == []
    assert ids(document) == [["title", "old-title"], ["why", "details"], ["figure", "picture"]]


def test_a_page_without_a_part_of_its_folder_shows_its_title() -> None:
    document = page("why")
    assert keep(document, "recipes/x", {"recipes/*": {"picture": "figure"}}) == []
    assert ids(document) == [["title", "picture"], ["why"]]


def test_a_part_that_a_page_itself_lacks_is_reported() -> None:
    assert keep(page("why"), "tutorial", {"tutorial": {"old": "gone"}}) == ["gone"]


def test_an_id_that_is_in_use_again_stays_where_it_is() -> None:
    document = page("why", "details")
    keep(document, "tutorial", {"tutorial": {"details": "why"}})
    assert ids(document) == [["title"], ["why"], ["details"]]


def test_each_page_of_the_file_exists() -> None:
    root = Path(__file__).parents[2]
    assert known(root / "docs")
    for name in known(root / "docs"):
        folder = name.removesuffix("/*")
        assert folder in FOLDERS or (root / source_file(name)).is_file(), name
