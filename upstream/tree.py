# SPDX-License-Identifier: GPL-2.0-only
"""The sender's kernel tree: who sends, whom to, and a worktree to throw away.

Nothing here touches the sender's branch, index or files: commits are made on no branch, in a
worktree of their own, without the sender's hooks.  The worktree has only the files that change, so
that making it takes no time in a tree of 90,000 files.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LANDMARKS = ("MAINTAINERS", "Documentation/bpf/index.rst", "include/uapi/linux/bpf.h")
"""Files that a kernel tree has, and no other."""

SETTINGS = (
    *("core.hooksPath=/dev/null", "core.autocrlf=false", "commit.gpgSign=false", "gc.auto=0"),
    *("core.sparseCheckout=false", "diff.noprefix=false", "diff.mnemonicPrefix=false"),
)
"""In the place of what the sender may have configured for work of their own."""

REDIRECTS = re.compile("GIT_(?!CONFIG|SSL|EXEC)")
"""Variables of the environment that send git elsewhere, or name somebody else."""

LIMIT = 60
"""Seconds that get_maintainer may take."""


class TreeError(Exception):
    """The tree cannot be used: names it, the reason, and the fix."""


@dataclass(frozen=True)
class Sender:
    """The person who signs the patches off, known from the configuration of git."""

    name: str
    email: str

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"


def git(tree: Path, *arguments: str, given: str | None = None) -> str:
    """What git answers in a tree, without hooks, signatures and prefixes of the user's; TreeError.

    ``given`` is its standard input.
    """
    settings = [word for setting in SETTINGS for word in ("-c", setting)]
    command = ["git", "-C", str(tree), *settings, *arguments]
    kept = {name: value for name, value in os.environ.items() if not REDIRECTS.match(name)}
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            encoding="utf-8",
            input=given,
            env=kept,
            check=False,
        )
    except FileNotFoundError:
        raise TreeError("git is not installed: apt install git") from None
    if done.returncode:
        reason = (done.stderr or done.stdout).strip() or f"exit status {done.returncode}"
        raise TreeError(f"git {arguments[0]} in {tree}: {reason}")
    return done.stdout


def opened(path: Path) -> Path:
    """The top of the kernel tree at a path; TreeError if it is none."""
    if not path.is_dir():
        raise TreeError(f"{path}: no such directory; name a checkout of bpf-next or mainline Linux")
    try:
        top = Path(git(path, "rev-parse", "--show-toplevel").strip())
        tracked = set(git(top, "ls-tree", "--name-only", "HEAD", *LANDMARKS).split())
    except TreeError as error:
        raise TreeError(f"{path} is no git checkout with a commit: {error}") from None
    if missing := [name for name in LANDMARKS if name not in tracked]:
        raise TreeError(
            f"{path} is no kernel tree, it has no {missing[0]}; name a checkout of bpf-next or "
            "mainline Linux"
        )
    return top


def sender(tree: Path) -> Sender:
    """The sender, as git is configured for this tree; TreeError if it does not say."""
    found = {}
    for name in ("user.name", "user.email"):
        try:
            found[name] = git(tree, "config", "--get", name).strip()
        except TreeError:
            found[name] = ""
    if missing := [name for name, value in found.items() if not value]:
        raise TreeError(
            f"git does not know who you are: {' and '.join(missing)} not set for {tree}. A patch "
            "needs the Signed-off-by of a person; tell git once:\n"
            "  git config --global user.name 'Your Name'\n"
            "  git config --global user.email you@example.org"
        )
    return Sender(found["user.name"], found["user.email"])


@contextmanager
def worktree(tree: Path, paths: Iterable[str]) -> Iterator[Path]:
    """A worktree at the tree's commit, with these of its files; it is gone afterwards."""
    room = Path(tempfile.mkdtemp(prefix="upstream-"))
    place = room / "tree"
    try:
        git(tree, "worktree", "add", "--quiet", "--detach", "--no-checkout", str(place), "HEAD")
        try:
            git(place, "read-tree", "HEAD")
            git(place, "checkout-index", "--", *paths)
            yield place
        finally:
            git(tree, "worktree", "remove", "--force", str(place))
    finally:
        shutil.rmtree(room)


def commit(place: Path, sender: Sender, message: str, paths: Sequence[str]) -> None:
    """Commit these files of a worktree; the message is taken as it is."""
    git(place, "add", "--", *paths)
    who = ("-c", f"user.name={sender.name}", "-c", f"user.email={sender.email}")
    arguments = ("commit", f"--author={sender}", "--quiet", "--cleanup=verbatim", "--file=-")
    git(place, *who, *arguments, given=message)


def recipients(tree: Path, paths: Sequence[str]) -> tuple[list[str], list[str]]:
    """The lists and the people of the tree's own get_maintainer; TreeError if it does not run."""
    script = tree / "scripts" / "get_maintainer.pl"

    def asked(*options: str) -> list[str]:
        command = [str(script), "--nogit", "--nogit-fallback", "--norolestats", "--noroles"]
        command += [*options, *(word for path in paths for word in ("-f", path))]
        try:
            done = subprocess.run(
                command, cwd=tree, capture_output=True, text=True, timeout=LIMIT, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise TreeError(f"{script} does not run: {error}") from None
        if done.returncode:
            raise TreeError(f"{script}: {done.stderr.strip().splitlines()[-1:] or 'failed'}")
        return done.stdout.split("\n")[:-1]

    return asked("--nom", "--nor", "--l"), asked("--nol")
