# SPDX-License-Identifier: GPL-2.0-only
"""A small kernel tree of our own making, on the disk of somebody who works in it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

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
