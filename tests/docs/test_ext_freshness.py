# SPDX-License-Identifier: GPL-2.0-only
"""A page is never older than what it is made from, whatever ran or was killed in between."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable

import pytest
from support_site import Site

CHANGE = "reference_model/catalogue/breaking_changes/again.py"
C_FILE = "docs/examples/again.bpf.c"

KILL = """
def setup(app):
    import os, pathlib, signal
    def kill(app, page, *rest):
        if pathlib.Path(app.confdir, "kill").exists():
            os.kill(os.getpid(), signal.SIGKILL)
    app.connect("html-page-context", kill)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site that was built once."""
    site = Site(tmp_path_factory.mktemp("site"))
    site.write("conf.py", site.read("conf.py") + KILL)
    site.write(C_FILE, "int first;\n")
    site.edit("docs/index.rst", "   history\n", "   history\n   more\n")
    site.write("docs/index.rst", site.read("docs/index.rst") + "\n:recorded:`traces` traces here\n")
    site.edit(
        "conf.py", 'sphinx_design"', 'sphinx_design", "sphinx.ext.autodoc", "sphinx.ext.viewcode"'
    )
    site.write("docs/more.rst", "More\n====\n\n.. autoclass:: reference_model.errors.Denied\n")
    site.edit("docs/history.rst", ".. changes::", "See :doc:`errors`.\n\n.. changes::")
    status, output = site.build()
    assert status == 0, output
    return site


def edit_model(site: Site) -> tuple[str, str]:
    site.edit("reference_model/changes.py", "one invalid trailing key.", "one edited key.")
    return "history", "one edited key."


def edit_record(site: Site) -> tuple[str, str]:
    traces = "records/traces/found_by_exploring.jsonl"
    site.write(traces, "".join(site.read(traces).splitlines(keepends=True)[1:]))
    (number, *_) = re.findall(r"([0-9,]+) traces here", site.read("build/html/index.html"))
    return "index", f"{int(number.replace(',', '')) - 1:,} traces here"


def edit_extension(site: Site) -> tuple[str, str]:
    site.edit("docs/_ext/stories/pages.py", '"What changed"', '"What an edit changed"')
    return "breaking_changes/again", "What an edit changed"


def edit_example(site: Site) -> tuple[str, str]:
    site.edit(C_FILE, "first", "edited_in_c")
    return "breaking_changes/again", "edited_in_c"


def add_example(site: Site) -> tuple[str, str]:
    site.write("docs/examples/again.c", "int added_in_c;\n")
    return "breaking_changes/again", "added_in_c"


def edit_story(site: Site) -> tuple[str, str]:
    site.edit(CHANGE, 'title="Attaching goes on"', 'title="Attaching was edited"')
    return "recipes/zero", "Attaching was edited"


EDITS = [edit_model, edit_record, edit_extension, edit_example, add_example, edit_story]


def killed(site: Site) -> None:
    """End a build when it is about to write its first page, as SIGKILL does."""
    site.write("kill", "")
    status, output = site.build()
    assert status == -signal.SIGKILL, output
    (site.path / "kill").unlink()


def read_by_doctest(site: Site) -> None:
    status, output = site.build("doctest")
    assert status == 0, output


@pytest.mark.parametrize(
    ("edit", "between"),
    [*((edit, read_by_doctest) for edit in EDITS), (edit_model, killed), (edit_example, killed)],
)
def test_an_edit_reaches_the_page(
    site: Site, edit: Callable[[Site], tuple[str, str]], between: Callable[[Site], None]
) -> None:
    page, expected = edit(site)
    assert expected not in site.read(f"build/html/{page}.html")
    between(site)
    status, output = site.build()
    assert status == 0, output
    assert expected in site.read(f"build/html/{page}.html")


def test_a_heading_reaches_the_pages_that_refer_to_it(site: Site) -> None:
    """Sphinx writes a page again only if the page itself is read or lists others."""
    site.edit("docs/errors.rst", "Errors\n======", "Refusals\n========")
    status, output = site.build()
    assert status == 0, output
    assert "Refusals" in site.read("build/html/history.html")


def test_the_page_of_a_deleted_source_leaves_the_site(site: Site) -> None:
    site.edit("docs/index.rst", "   more\n", "")
    (site.path / "docs" / "more.rst").unlink()
    made = ("more.html", "_sources/more.rst.txt", "_modules/reference_model/errors.html")
    assert all((site.path / "build/html" / name).exists() for name in made)
    read_by_doctest(site)
    status, output = site.build()
    assert status == 0, output
    assert not any((site.path / "build/html" / name).exists() for name in made)


def test_without_a_change_nothing_is_read_or_written(site: Site) -> None:
    status, output = site.build()
    assert status == 0, output
    assert "0 added, 0 changed, 0 removed" in output
    assert "no targets are out of date" in output
