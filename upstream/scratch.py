# SPDX-License-Identifier: GPL-2.0-only
"""A temporary repository in which the commits of a series are made, and written as mails.

It has one commit with the files that the series changes, as the sender's tree has them: git names
a text by its content, so the patches are the same as if they were made in that tree.  Neither the
tree nor the sender's settings of git are touched or used.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reference_model.leftovers import temporary

from .tree import Sender, git

OPTIONS = (
    *("--quiet", "--zero-commit", "--no-signature"),
    *("--suffix=.patch", "--unified=3", "--abbrev=12"),
)
"""Options of the mails."""


@dataclass(frozen=True)
class Scratch:
    """The repository, and the environment of git in it."""

    place: Path
    env: Mapping[str, str]

    def git(self, *arguments: str, given: str | None = None) -> str:
        """Return what git prints here; TreeError."""
        return git(self.place, *arguments, given=given, env=self.env)

    def commit(self, texts: Mapping[str, str], message: str) -> None:
        """Write these files and commit them; the message is taken as it is."""
        for path, text in texts.items():
            (self.place / path).parent.mkdir(parents=True, exist_ok=True)
            (self.place / path).write_text(text, encoding="utf-8")
        self.git("add", "--force", "--", *texts)
        self.git("commit", "--quiet", "--cleanup=verbatim", "--file=-", given=message)

    def mails(self, options: Sequence[str]) -> list[tuple[str, str]]:
        """Return the names and texts of the mails of all commits but the first, the cover first."""
        with tempfile.TemporaryDirectory(dir=self.place.parent) as out:
            self.git("format-patch", *OPTIONS, *options, "-o", out, "base")
            found = sorted(Path(out).iterdir())
            return [(path.name, path.read_text(encoding="utf-8")) for path in found]


@contextmanager
def scratch(files: Mapping[str, str], sender: Sender, seconds: int) -> Iterator[Scratch]:
    """Make the repository with these files; everything in it has one author and one date."""
    env = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_COUNT": "0"}
    for role in ("AUTHOR", "COMMITTER"):
        env[f"GIT_{role}_NAME"] = sender.name
        env[f"GIT_{role}_EMAIL"] = sender.email
        env[f"GIT_{role}_DATE"] = f"@{seconds} +0000"
    with temporary("upstream") as room:
        made = Scratch(room / "tree", env)
        made.place.mkdir()
        made.git("init", "--quiet", "--template=")
        made.commit(files, "base\n")
        made.git("tag", "base")
        yield made
