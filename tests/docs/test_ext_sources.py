# SPDX-License-Identifier: GPL-2.0-only
"""Pages are read again when anything that they are made from changes."""

from __future__ import annotations

import importlib
import os
import pickle
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from common.sources import digest
from freshness import made_with
from support_site import Site

from reference_model.catalogue import Story, stories

READ_FILES = """
import runpy, sys
opened = set()
def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and arguments[1] in ("r", "rb", "rt"):
        opened.add(arguments[0])
sys.addaudithook(watch)
sys.argv = ["sphinx-build", *"-q -E -c . -d all -b html docs build/all".split()]
try:
    runpy.run_module("sphinx", run_name="__main__")
finally:
    opened |= {str(getattr(module, "__file__", "")) for module in sys.modules.values()}
    print(*sorted(opened), sep="\\n", file=open("opened.txt", "w"))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site that was built once; it is not changed."""
    site = Site(tmp_path_factory.mktemp("site"))
    site.write("docs/examples/again.c", "int main(void) { return 0; }\n")
    site.write("docs/examples/example.h", "")
    status, output = site.build()
    assert status == 0, output
    return site


def read_again(site: Site) -> set[str]:
    """The pages that the next build reads."""
    status, output = site.build()
    assert status == 0, output
    return set(re.findall(r"(?m)^.*reading sources\.\.\. \[ *\d+%\] (?:\x1b.*?m)?(\S+)", output))


SOURCES = {
    "docs/examples/again.c": {"breaking_changes/again"},
    "docs/examples/example.h": {"breaking_changes/again", "additions/short", "recipes/zero"},
    "reference_model/catalogue/breaking_changes/again.py": {
        "breaking_changes/again", "breaking_changes/index", "recipes/index",
        "recipes/zero",  # it borrows code
    },
}  # fmt: skip


@pytest.mark.parametrize("name", SOURCES)
def test_the_pages_that_are_made_from_a_file_follow_it(site: Site, name: str) -> None:
    (site.path / name).touch()
    assert read_again(site) == SOURCES[name]
    assert read_again(site) == set()


def test_every_file_that_a_build_reads_is_followed(site: Site) -> None:
    """Any page may be made with it, or a page notes it, or Sphinx compares it by itself."""
    subprocess.run(
        [sys.executable, "-B", "-c", READ_FILES],
        cwd=site.path,
        env={**os.environ, "PYTHONPATH": str(site.path)},
        check=True,
        capture_output=True,
    )
    names = filter(None, site.read("opened.txt").splitlines())
    opened = {(site.path / name).resolve() for name in names}
    made = {"all", "build", "__pycache__"}
    read = {
        path
        for path in opened
        if path.is_relative_to(site.path) and path.exists() and not made & set(path.parts)
    }
    env = pickle.loads((site.path / "all" / "environment.pickle").read_bytes())
    docs = site.path / "docs"
    noted = {(docs / path).resolve() for paths in env.dependencies.values() for path in paths}
    pages = {Path(env.doc2path(page)) for page in env.found_docs}
    followed = {*made_with(site.path), *noted, *pages}
    assert len(read) > 100
    assert read - followed - {site.path / "real_conf.py"} == set()


@pytest.mark.parametrize(
    ("page", "change", "followed"),
    [
        ("conformance_page", {"outcomes": ()}, True),
        ("conformance_page", {"rules": ("attach.new",)}, True),
        ("conformance_page", {"details": "Another text."}, False),
        ("divergence_page", {"explains": ()}, True),
        ("divergence_page", {"symptoms": ("EIO",)}, False),
    ],
)
def test_a_page_of_all_stories_follows_what_it_shows_of_them(
    monkeypatch: pytest.MonkeyPatch, page: str, change: dict[str, Any], followed: bool
) -> None:
    module = importlib.import_module(page)
    before = digest(module.shown)
    name = "reattach_keeps_data"
    known: dict[str, Story] = stories()
    known = {**known, name: replace(known[name], **change)}

    def of_kind(kind: type[Story] = Story) -> dict[str, Story]:
        return {key: story for key, story in known.items() if isinstance(story, kind)}

    monkeypatch.setattr(module, "stories", of_kind)
    assert (digest(module.shown) != before) is followed
