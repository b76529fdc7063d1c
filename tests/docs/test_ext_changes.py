# SPDX-License-Identifier: GPL-2.0-only
"""The history page shows every record, and says of what is not known that it is not."""

from __future__ import annotations

import html
import io
import re
from contextlib import redirect_stderr
from pathlib import Path

import pytest
from changes import NAMES, bounds, first_release, places
from docutils import nodes
from sphinx.cmd.build import main

from reference_model import Change, changes, other_changes
from reference_model.releases import Read

ROOT = Path(__file__).parents[2]
ALL = (*changes.ALL, *other_changes.ALL)

CONF = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "docs" / "_ext")!r}]
extensions = ["sphinx.ext.extlinks", "changes"]
extlinks = {{"commit": ("https://commits.example/%s", "%s")}}
"""

PAGE = """
History
=======

See :change:`SHARED_STORAGE`.

.. changes::
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The history as text, one paragraph a line; built without a warning."""
    path = tmp_path_factory.mktemp("history")
    (path / "conf.py").write_text(CONF)
    (path / "index.rst").write_text(PAGE)
    with redirect_stderr(io.StringIO()) as said:
        assert main(["-q", "-n", "-W", str(path), str(path / "html")]) == 0, said.getvalue()
    return (path / "html" / "index.html").read_text(encoding="utf-8")


def entry(page: str, name: str) -> str:
    """What the page says of one change, in words."""
    start = page.index(f'id="change-{name}"')
    end = re.search(r'id="change-|<section id=|<footer|class="clearer"', page[start + 9 :])
    text = page[start : start + 9 + end.start()] if end else page[start:]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text)).replace("’", "'")


def test_every_record_is_there_once_and_in_its_release(page: str) -> None:
    anchors = re.findall(r'id="change-(\w+)"', page)
    assert sorted(anchors) == sorted(NAMES.values())
    assert len(NAMES) == len(ALL)
    for change, name in NAMES.items():
        section = f'<section id="linux-{change.first}">' if change.first else "proposed"
        before = page[: page.index(f'id="change-{name}"')]
        assert section in before[before.rindex("<section") :]


def test_releases_are_in_order(page: str) -> None:
    found = [tuple(map(int, r.split("."))) for r in re.findall(r'id="linux-([\d.]+)"', page)]
    assert found == sorted(set(found))
    assert page.index('id="proposed"') > page.index(f'id="linux-{".".join(map(str, found[-1]))}"')


def test_a_commit_is_a_link(page: str) -> None:
    for change in ALL:
        if change.commit:
            assert f'href="https://commits.example/{change.commit}"' in page


@pytest.mark.parametrize("change", ALL, ids=NAMES.get)
def test_an_entry_holds_the_whole_record(page: str, change: Change) -> None:
    text = entry(page, NAMES[change])
    words = re.findall(r"\w+", text)
    read = [word for one in change.read for word in (one.place, *one.trees)]
    listed = (
        *change.backports,
        *(change.after or {}).values(),
        *change.recorded,
        *change.changelogs,
    )
    for part in (
        change.title,
        change.effect,
        change.cve,
        change.unmodelled,
        *read,
        *listed,
        *looked_for(change),
    ):
        assert set(re.findall(r"\w+", part)) <= set(words)
    assert "``" not in text
    assert ("Commit" in text and "not known" in text) or change.commit or change.first is None
    assert ("Tested kernels : none" in text) == (not change.recorded)


def looked_for(change: Change) -> tuple[str, ...]:
    """The words of the marker that the page shows."""
    return (change.marker.file, html.escape(change.marker.pattern)) if change.marker else ()


def test_the_proposal_is_told_apart(page: str) -> None:
    assert "never released" in entry(page, "ATTACH_TYPE_IGNORED")
    assert "not merged" in entry(page, "ATTACH_TYPE_IGNORED")
    assert "as posted in July 2020 does the same" in entry(page, "SHARED_STORAGE")
    assert "July 2020" not in entry(page, "KEY_IS_CGROUP_ID")


def test_a_release_between_two_is_not_known(page: str) -> None:
    assert "6.12 or earlier, after 6.1.192" in entry(page, "MAPS_BEFORE_TARGET")
    assert first_release(changes.NEXT_KEY_END) == "Linux 7.1"


def test_a_backport_between_two_is_not_known() -> None:
    change = Change(
        "title", "", "5.2", "Effect.", backports=("4.19.67", "5.1.16"), after={"4.19.67": "4.19.51"}
    )
    assert bounds(change, "4.19.67") == "4.19.67 or earlier, after 4.19.51"
    assert bounds(change, "5.1.16") == "5.1.16"


def test_places_are_code_and_keep_their_trees() -> None:
    parts = list(places([Read("a.c:f", "5.10", "6.1"), Read("b.h")]))
    assert [one.astext() for one in parts if isinstance(one, nodes.literal)] == ["a.c:f", "b.h"]
    assert "".join(one.astext() for one in parts) == "a.c:f of 5.10, 6.1; b.h"


def test_the_role_links_to_the_entry(page: str) -> None:
    assert '<a class="reference internal" href="#change-SHARED_STORAGE">' in page
