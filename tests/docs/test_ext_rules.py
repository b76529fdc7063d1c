# SPDX-License-Identifier: GPL-2.0-only
"""Rules need a name of their own and a check that exists: a small site shows each way to fail."""

from __future__ import annotations

import io
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest
from sphinx.cmd.build import main
from sphinx.util.inventory import InventoryFile

ROOT = Path(__file__).parents[2]

CONF = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "docs" / "_ext")!r}]
extensions = ["sphinx.ext.doctest", "sphinx.ext.extlinks", "changes", "rules"]
extlinks = {{"commit": ("https://commits.example/%s", "%s")}}
"""

EXAMPLE = """
.. rule:: attach.create

   An attach makes a storage.

>>> 1 + 1
2
"""


@dataclass
class Site:
    """A site in a directory, with one page."""

    path: Path

    def build(self, *pages: str) -> str:
        """What Sphinx complains of; nothing if it is content."""
        for number, text in enumerate(pages):
            title = f"Page {number}\n======\n\n" + (".. changes::\n" if number else "")
            name = f"page{number}" if number else "index"
            page = self.path / f"{name}.rst"
            page.write_text(":orphan:\n\n" + title + dedent(text), encoding="utf-8")
        options = ["-q", "-n", "-W", "--keep-going", "-c", str(self.path)]
        with redirect_stderr(io.StringIO()) as said:
            status = main([*options, str(self.path), str(self.path / "html")])
        assert bool(status) == bool(said.getvalue()), said.getvalue()
        return said.getvalue()

    def html(self, name: str = "index") -> str:
        return (self.path / "html" / f"{name}.html").read_text(encoding="utf-8")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "conf.py").write_text(CONF)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_some.py").write_text("def test_attach():\n    pass\n")
    return Site(tmp_path)


def test_a_rule_has_an_anchor_and_a_place_in_the_inventory(site: Site) -> None:
    assert site.build(EXAMPLE + "\nSee :rule:`attach.create`.\n") == ""
    html = site.html()
    assert 'id="rule-attach.create"' in html
    assert html.count('href="#rule-attach.create"') == 2  # its own line, and the reference
    inventory = (site.path / "html" / "objects.inv").read_bytes()
    found = InventoryFile.loads(inventory, uri="").data["rule:rule"]["attach.create"]
    assert found.uri == "index.html#rule-attach.create"


def test_a_rule_that_nothing_checks_fails(site: Site) -> None:
    said = site.build("\n.. rule:: attach.create\n\n   An attach makes a storage.\n")
    assert "index.rst:7: WARNING: nothing checks rule attach.create" in said


def test_an_example_checks_only_the_rule_right_before_it(site: Site) -> None:
    said = site.build("\n.. rule:: attach.reuse\n\n   An attach reuses it.\n" + EXAMPLE)
    assert "nothing checks rule attach.reuse" in said
    assert "nothing checks rule attach.create" not in said


def test_a_heading_ends_the_reach_of_a_rule(site: Site) -> None:
    said = site.build(EXAMPLE.replace(">>> 1", "More\n----\n\n>>> 1"))
    assert "nothing checks rule attach.create" in said


@pytest.mark.parametrize("check", ["override-replace", "tests/test_some.py::test_attach"])
def test_a_trace_or_a_test_is_a_check(site: Site, check: str) -> None:
    assert site.build(f"\n.. rule:: a.b\n   :checked-by: {check}\n\n   So it is.\n") == ""


@pytest.mark.parametrize(
    "check", ["no-trace", "tests/test_some.py::test_detach", "tests/test_none.py::test_attach"]
)
def test_a_check_must_exist(site: Site, check: str) -> None:
    said = site.build(
        f"\n.. rule:: a.b\n   :checked-by: override-replace, {check}\n\n   So it is.\n"
    )
    assert f"no such trace or test: {check}" in said


def test_a_name_is_used_once(site: Site) -> None:
    assert "rule attach.create is already in index.rst" in site.build(EXAMPLE * 2)


@pytest.mark.parametrize("name", ["attach", "Attach.create", "attach.", "attach_create"])
def test_a_name_has_a_form(site: Site, name: str) -> None:
    said = site.build(EXAMPLE.replace("attach.create", name))
    assert "a rule is named like attach.reuse" in said


def test_a_reference_must_resolve(site: Site) -> None:
    assert "reference target not found: attach.nothing" in site.build(":rule:`attach.nothing`")


def test_releases_come_from_the_record_of_the_change(site: Site) -> None:
    rule = EXAMPLE.replace("create\n", "create\n   :{}: {}\n", 1)
    assert site.build(rule.format("since", "SHARED_STORAGE"), "") == ""
    assert '<a class="reference internal" href="page1.html#change-SHARED_STORAGE">' in site.html()
    assert "since 5.9<" in site.html()
    assert site.build(rule.format("until", "NEXT_KEY_END"), "") == ""
    assert "before 7.1 and its backports<" in site.html()
    assert site.build(rule.format("until", "5.8"), "") == ""
    assert "until 5.8" in site.html()


@pytest.mark.parametrize("value", ["NO_SUCH_CHANGE", "3.10", "ATTACH_TYPE_IGNORED"])
def test_releases_must_exist(site: Site, value: str) -> None:
    said = site.build(EXAMPLE.replace("create\n", f"create\n   :since: {value}\n", 1))
    assert ("is in no release" if value == "ATTACH_TYPE_IGNORED" else "no such change") in said


def test_what_was_not_recorded_says_so(site: Site) -> None:
    assert site.build(EXAMPLE.replace("create\n", "create\n   :not-recorded:\n", 1)) == ""
    assert "from source" in site.html()


def test_the_list_names_each_rule_with_its_checks(site: Site) -> None:
    checked = EXAMPLE.replace("create\n", "create\n   :checked-by: override-replace\n", 1)
    assert site.build("\n.. rulelist::\n" + checked) == ""
    html = site.html()
    assert "1 statements; none without a test." in html
    assert "attach.create</a>: 1 example, override-replace" in html


def test_the_list_follows_the_other_pages(site: Site) -> None:
    assert site.build("\n.. rulelist::\n", EXAMPLE) == ""
    assert "attach.create</a>: 1 example<" in site.html()
    assert site.build("\n.. rulelist::\n", EXAMPLE.replace("create", "reuse")) == ""
    assert "attach.reuse</a>: 1 example<" in site.html()
    assert "attach.create" not in site.html()
