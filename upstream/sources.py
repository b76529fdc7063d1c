# SPDX-License-Identifier: GPL-2.0-only
"""Kernel sources to read: the newest package that Debian offers of each branch, and the user's own.

Only the directories that the records of changes name are unpacked, into ``build/sources``, with
Debian's changelog of the package.  What was fetched before is not fetched again.
"""

from __future__ import annotations

import gzip
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from conformance import apt, offers, tools
from conformance.offers import Candidate, NotRun, Say, locked

from . import package

CACHE = tools.REPOSITORY / "build" / "sources"

MEMBERS = (
    "kernel/bpf",
    "kernel/cgroup",
    "include/linux",
    "include/uapi/linux",
    "net/bpf",
    "net/core",
    "samples/bpf",
    "scripts",
    "tools/include",
    "tools/lib/bpf",
    "tools/testing/selftests/bpf",
)
"""The directories that are unpacked."""

NUMBERS = ("VERSION", "PATCHLEVEL", "SUBLEVEL")
"""What the Makefile calls the parts of a release."""

LANDMARK = "kernel/bpf/local_storage.c"
"""A file that every release has that the model knows."""


@dataclass(frozen=True)
class Tree:
    """The kernel source of a release."""

    name: str
    """The package with its version, or the directory."""
    release: str
    """The release: ``"6.1.192"``, or ``"7.3"`` for mainline itself."""
    place: Path
    changelog: str = ""
    """Debian's changelog, if the source is a package's."""

    def text(self, file: str) -> str:
        """The text of a file, or of the function after a colon; empty if there is none."""
        path, _, function = file.partition(":")
        whole = self.place / path
        text = whole.read_text(encoding="utf-8", errors="replace") if whole.is_file() else ""
        if not function:
            return text
        body = re.search(rf"\b{function}\([^;{{}}]*\)\n\{{.*?\n\}}", text, re.DOTALL)
        return body[0] if body else ""


def own(linux: Path) -> Tree:
    """The user's own tree; ValueError if it is no kernel's source."""
    makefile = linux / "Makefile"
    head = (
        makefile.read_text(encoding="utf-8", errors="replace")[:2000] if makefile.is_file() else ""
    )
    found = [re.search(rf"^{name} = (\d+)$", head, re.MULTILINE) for name in NUMBERS]
    major, minor, stable = (number[1] if number else "" for number in found)
    if not (major and minor and (linux / LANDMARK).is_file()):
        raise ValueError(f"{linux} is not a source tree of Linux 4.19 or later")
    if re.search(r"^EXTRAVERSION = -rc", head, re.MULTILINE):
        raise ValueError(f"{linux} is a release candidate, which can lack changes of the release")
    name = f"{major}.{minor}" if stable in ("", "0") else f"{major}.{minor}.{stable}"
    return Tree(str(linux), name, linux)


def packages(say: Say, cache: Path = CACHE, *, refresh: bool = False) -> list[Tree | NotRun]:
    """The newest source of each branch that Debian offers, fetched if it is not here yet.

    Raise MissingTools if a program is not installed.
    """
    package.require(("tar",))
    with locked(cache):
        offered = package.offered(say, refresh=refresh)
        if isinstance(offered, NotRun):
            return [offered]
        return [_tree(candidate, cache, say) for candidate in newest(offered)]


def newest(offered: Iterable[Candidate]) -> list[Candidate]:
    """The newest version of each package, oldest branch first.

    >>> old, new = (Candidate("sid", "linux-source-6.1", v, "", "", 0) for v in ("6.1.9", "6.1.10"))
    >>> newest([new, old]) == [new]
    True
    """
    ordered = sorted(offered, key=lambda one: apt.version_key(one.version))
    return list({candidate.package: candidate for candidate in ordered}.values())


def _tree(candidate: Candidate, cache: Path, say: Say) -> Tree | NotRun:
    """The source of a package, fetched if it is not here yet."""
    name = f"{candidate.package} {candidate.version}"
    place = cache / name.replace(" ", "_")
    log = place / "changelog.gz"
    ready, members = place / "ready", "".join(f"{member}\n" for member in MEMBERS)
    if not ready.is_file() or ready.read_text(encoding="utf-8") != members:
        try:
            deb = package.download(candidate, place, say)
            package.unpack(deb, candidate.package, place / "linux", MEMBERS)
            log.write_bytes(_changelog(deb, candidate.package))
        except apt.AptError as error:
            return NotRun(candidate.package, f"{error}; --refresh reads the suites again")
        deb.unlink()
        ready.write_text(members, encoding="utf-8")
    text = gzip.decompress(log.read_bytes()).decode("utf-8", errors="replace")
    return Tree(name, offers.upstream(candidate.version), place / "linux", text)


def _changelog(deb: Path, name: str) -> bytes:
    """Debian's changelog in a package, as it is there: compressed."""
    member = f"./usr/share/doc/{name}/changelog.Debian.gz"
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE) as data:
        found = subprocess.run(
            ["tar", "-xO", member], stdin=data.stdout, capture_output=True, check=False
        )
    if found.returncode:
        raise apt.AptError(f"{name} has no changelog")
    return found.stdout
