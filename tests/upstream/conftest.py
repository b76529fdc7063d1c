# SPDX-License-Identifier: GPL-2.0-only
"""A small kernel tree of our own making, and Debian's, if it can be had."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support_upstream import DOCUMENT, FILES, MAINTAINERS, NAME, Tree, git, reach, stanza

from conformance import apt, tools
from conformance.offers import NotRun
from upstream import package


@pytest.fixture
def linux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tree]:
    """A tree with a branch, something staged, something changed, and hooks that refuse it all."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    place = tmp_path / "linux"
    for name, text in FILES.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    script = place / "scripts" / "get_maintainer.pl"
    script.parent.mkdir()
    script.write_text(MAINTAINERS, encoding="utf-8")
    script.chmod(0o755)
    git(place, "init", "-q", "-b", "mine")
    git(place, "config", "user.name", "A Sender")
    git(place, "config", "user.email", "sender@example.org")
    git(place, "add", "-A")
    git(place, "commit", "-q", "-m", "A kernel")
    git(place, "branch", "other")
    git(place, "remote", "add", "origin", "https://example.org/bpf-next.git")
    (place / "elsewhere.c").write_text("int staged;\n", encoding="utf-8")
    git(place, "add", "elsewhere.c")
    (place / DOCUMENT).write_text("Somebody rewrites this.\n", encoding="utf-8")
    for hook in ("pre-commit", "commit-msg", "post-checkout"):
        path = place / ".git" / "hooks" / hook
        path.write_text("#!/bin/sh\necho this hook must not run >&2\nexit 1\n", encoding="utf-8")
        path.chmod(0o755)
    for name, value in {
        "diff.noprefix": "true",
        "commit.gpgSign": "true",
        "format.thread": "deep",
        "format.subjectPrefix": "MINE",
        "author.name": "Somebody Else",
        "diff.context": "1",
        "core.abbrev": "40",
        "format.suffix": ".eml",
        "format.signOff": "true",
    }.items():
        git(place, "config", name, value)
    tree = Tree(place)
    git(place, "status")  # writes the index anew
    tree.note()
    yield tree
    assert tree.state() == tree.left
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.fixture(scope="session")
def debian() -> package.SourcePackage:
    """The newest kernel source of Debian; skipped with the reason if it cannot be had."""
    try:
        source = package.get(print)
    except tools.MissingTools as error:
        pytest.skip(f"not run: {error}")
    if isinstance(source, NotRun):
        pytest.skip(f"not run: {source.reason}")
    return source


@pytest.fixture
def offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An archive that offers made.deb."""
    if shutil.which("dpkg-deb") is None or shutil.which("xz") is None:
        pytest.skip("dpkg-deb or xz is not installed")
    made = tmp_path / "made.deb"

    def download(root: apt.AptRoot, filename: str, sha256: str, target: Path) -> None:
        root.directory.mkdir(parents=True)
        shutil.copy(made, target)

    reach(monkeypatch, tmp_path, lambda suite: [stanza(NAME, "9.9.1-1")])
    monkeypatch.setattr(apt.AptRoot, "download", download)
    return made
