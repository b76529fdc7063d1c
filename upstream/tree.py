# SPDX-License-Identifier: GPL-2.0-only
"""The sender's kernel tree: what its commit holds, who sends, whom to, and whether it is bpf-next.

The tree is only read, so it may belong to somebody else or lie on a disk that cannot be written to.
The commits of a series are made in ``scratch``, a repository of their own.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance import tools

LANDMARKS = ("MAINTAINERS", "Documentation/bpf/index.rst", "include/uapi/linux/bpf.h")
"""Files that a kernel tree has, and no other."""

SETTINGS = ("core.hooksPath=/dev/null", "core.autocrlf=false", "commit.gpgSign=false", "gc.auto=0")
"""In the place of what the sender may have configured for work of their own."""

REDIRECTS = re.compile("GIT_(?!CONFIG|SSL|EXEC)")
"""Variables of the environment that send git elsewhere, or name somebody else."""

LIMIT = 60
"""Seconds that get_maintainer may take."""


class TreeError(Exception):
    """The tree cannot be used: names it, the reason, and the fix."""


@dataclass(frozen=True)
class Sender:
    """The author of the mails, known from the configuration of git."""

    name: str
    email: str

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"


def git(
    tree: Path, *arguments: str, given: str | None = None, env: Mapping[str, str] | None = None
) -> str:
    """Return what git prints in a tree, without hooks and signatures of the user's; TreeError.

    ``given`` is its standard input; ``env`` is added to the environment.
    """
    settings = [word for setting in SETTINGS for word in ("-c", setting)]
    command = ["git", "-C", str(tree), *settings, *arguments]
    kept = {name: value for name, value in os.environ.items() if not REDIRECTS.match(name)}
    kept |= env or {}
    try:
        done = tools.run(command, encoding="utf-8", input=given, env=kept)
    except FileNotFoundError:
        raise TreeError("git is not installed: apt install git") from None
    except UnicodeDecodeError as error:
        what = " ".join(arguments)
        raise TreeError(f"git {what} in {tree}: not UTF-8 at byte {error.start}") from None
    if done.returncode:
        reason = (done.stderr or done.stdout).strip() or f"exit status {done.returncode}"
        raise TreeError(f"git {arguments[0]} in {tree}: {reason}")
    return done.stdout


def opened(
    path: Path,
    landmarks: Sequence[str] = LANDMARKS,
    wanted: str = "a checkout of bpf-next or mainline Linux",
) -> Path:
    """Return the top of the tree at a path that has these files; TreeError if it is none."""
    if not path.is_dir():
        raise TreeError(f"{path}: no such directory; name {wanted}")
    try:
        top = Path(git(path, "rev-parse", "--show-toplevel").strip())
        tracked = set(git(top, "ls-tree", "--name-only", "HEAD", *landmarks).split())
    except TreeError as error:
        raise TreeError(f"{path} is no git checkout with a commit: {error}") from None
    if missing := [name for name in landmarks if name not in tracked]:
        raise TreeError(f"{path} has no {missing[0]}; name {wanted}")
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
            "needs an author; tell git once:\n"
            "  git config --global user.name 'Your Name'\n"
            "  git config --global user.email you@example.org"
        )
    return Sender(found["user.name"], found["user.email"])


def files(tree: Path, paths: Iterable[str]) -> dict[str, str]:
    """Return the texts of these files in the tree's commit, of those that it has."""
    wanted = list(paths)
    there = git(tree, "ls-tree", "--name-only", "--full-tree", "HEAD", *wanted).split()
    return {path: git(tree, "cat-file", "blob", f"HEAD:{path}") for path in there}


def seconds(tree: Path) -> int:
    """Return the date of the series in seconds since 1970: SOURCE_DATE_EPOCH, or the commit's."""
    wanted = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not wanted:
        return int(git(tree, "log", "-1", "--format=%ct", "HEAD"))
    if not (wanted.isascii() and wanted.isdecimal()):
        raise TreeError(
            f"SOURCE_DATE_EPOCH is {wanted!r}: give it a number of seconds since 1970, or unset it"
        )
    return int(wanted)


def doubt(tree: Path) -> str:
    """Return why the tree is perhaps not bpf-next, as a sentence; "" if it looks like it."""
    stable = re.search(
        r"(?m)^SUBLEVEL = ([1-9]\d*)$", files(tree, ["Makefile"]).get("Makefile", "")
    )
    if stable:
        return f"{tree} is a stable release (SUBLEVEL = {stable[1]}), not bpf-next"
    try:
        addresses = git(tree, "config", "--get-regexp", r"^remote\..*\.url$")
    except TreeError:
        addresses = ""  # git config fails if it finds nothing
    return "" if "bpf-next" in addresses else f"{tree} has no remote that is bpf-next"


def recipients(tree: Path, paths: Sequence[str]) -> tuple[list[str], list[str]]:
    """The lists and the people of the tree's own get_maintainer; TreeError if it does not run."""
    script = tree / "scripts" / "get_maintainer.pl"

    def asked(*options: str) -> list[str]:
        command = [str(script), "--nogit", "--nogit-fallback", "--norolestats", "--noroles"]
        command += [*options, *(word for path in paths for word in ("-f", path))]
        try:
            done = tools.run(command, cwd=tree, timeout=LIMIT)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise TreeError(f"{script} does not run: {error}") from None
        if done.returncode:
            raise TreeError(f"{script}: {done.stderr.strip().splitlines()[-1:] or 'failed'}")
        return done.stdout.split("\n")[:-1]

    return asked("--nom", "--nor", "--l"), asked("--nol")
