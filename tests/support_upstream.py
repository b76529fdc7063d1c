# SPDX-License-Identifier: GPL-2.0-only
"""A small kernel tree and a source package of our own making, and an archive that offers it."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from conformance import apt, tools

DOCUMENT = "Documentation/bpf/ponds.rst"

FILES = {
    "MAINTAINERS": "",
    "Documentation/bpf/index.rst": "BPF\n===\n",
    "include/uapi/linux/bpf.h": "/* made for a test */\n",
    DOCUMENT: """\
=====
Ponds
=====

Frogs live in ponds. A pond is
left by its frogs when it freezes. Nobody knows where they go then.

Fish
====

Fish stay.
""",
    "elsewhere.c": "int elsewhere;\n",
}

MAINTAINERS = """\
#!/bin/sh
case "$*" in
*--nom*) echo ponds@vger.example.org ;;
*) echo 'A Maintainer <maintainer@example.org>' ;;
esac
"""


def git(place: Path, *arguments: str) -> str:
    """What git answers; it must succeed."""
    done = subprocess.run(
        ["git", "-C", str(place), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass
class Tree:
    """A kernel tree on somebody's disk, with work under way in it, and how it was left."""

    path: Path
    left: dict[str, object] = field(default_factory=dict)

    def note(self) -> None:
        """Remember the tree as it is now."""
        self.left = self.state()

    def state(self) -> dict[str, object]:
        """All that must not change: branch, refs, settings, index and files."""
        files = sorted(path for path in self.path.rglob("*") if ".git" not in path.parts)
        return {
            "head": (self.path / ".git" / "HEAD").read_text(),
            "refs": git(self.path, "for-each-ref"),
            "config": (self.path / ".git" / "config").read_text(),
            "index": (self.path / ".git" / "index").read_bytes(),
            "files": {path: path.read_bytes() for path in files if path.is_file()},
            "worktrees": git(self.path, "worktree", "list"),
            "stash": git(self.path, "stash", "list"),
        }


def stanza(package_name: str, version: str) -> dict[str, str]:
    names = {"Package": package_name, "Version": version, "Filename": "f", "SHA256": "0"}
    return {**names, "Size": "166000000"}


def reach(
    monkeypatch: pytest.MonkeyPatch, cache: Path, answer: Callable[[str], list[dict[str, str]]]
) -> list[str]:
    """Let the suites answer so, and keep it in this directory; the suites that were asked."""
    asked: list[str] = []

    def index(root: apt.AptRoot, prefix: str) -> list[dict[str, str]]:
        asked.append(root.suite)
        return answer(root.suite)

    monkeypatch.setattr(tools, "CACHE", cache)
    monkeypatch.setattr(apt, "system_sources", list)
    monkeypatch.setattr(apt, "source_of", lambda suite, _: apt.AptSource((), (suite,), ("main",)))
    monkeypatch.setattr(apt.AptRoot, "index", index)
    return asked


NAME = "linux-source-9.9"


def packed(place: Path, files: dict[str, str], changelog: str = "") -> Path:
    """A package as Debian makes it, with these files in its source."""
    for name, text in files.items():
        path = place / NAME / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    content = place / "deb"
    (content / "DEBIAN").mkdir(parents=True)
    (content / "usr" / "src").mkdir(parents=True)
    control = f"Package: {NAME}\nVersion: 9.9.1-1\nArchitecture: all\nMaintainer: x <x@x>\n"
    (content / "DEBIAN" / "control").write_text(f"{control}Description: x\n", encoding="utf-8")
    documents = content / "usr" / "share" / "doc" / NAME
    documents.mkdir(parents=True)
    (documents / "changelog.Debian.gz").write_bytes(gzip.compress(changelog.encode()))
    archive = content / "usr" / "src" / f"{NAME}.tar.xz"
    subprocess.run(["tar", "--sort=name", "-cJf", str(archive), "-C", str(place), NAME], check=True)
    subprocess.run(["dpkg-deb", "--build", str(content), str(place / "made.deb")],
                   check=True, capture_output=True)  # fmt: skip
    return place / "made.deb"
