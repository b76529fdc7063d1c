# SPDX-License-Identifier: GPL-2.0-only
"""The newest kernel source that Debian ships, as a git tree to try the patches on.

The package is found and fetched as the conformance tests do it with kernels, by the system's own
apt; of its source only what the checks need is unpacked, into ``build/upstream-check``.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from conformance import apt, offers, tools
from conformance.offers import Candidate, NotRun, Say, Stanza, locked

from . import archives, tree

CACHE = tools.REPOSITORY / "build" / "upstream-check"

PACKAGE = re.compile(r"linux-source-\d+\.\d+")

NEEDED = {"tar": "tar", "git": "git", "perl": "perl", "make": "make"}
"""Programs of the checks, and the packages that have them, beside those that fetch."""

MEMBERS = (
    *(f"Documentation/{name}" for name in ("Makefile", "conf.py", ".renames.txt", "bpf", "images")),
    *("Documentation/sphinx", "Documentation/sphinx-static", "Documentation/sphinx-includes"),
    *("Documentation/netlink", "Documentation/networking/netlink_spec"),  # 6.12 wants these, too
    "Documentation/userspace-api/media",
    *("COPYING", "CREDITS", "Kbuild", "Kconfig", "MAINTAINERS", "Makefile", "README"),
    *(f"{name}/Makefile" for name in ("drivers", "fs", "init", "io_uring", "ipc", "lib")),
    *("arch/x86/Makefile", "scripts", "tools/docs", "tools/lib/python", "tools/net/ynl"),
    *("include/uapi/linux", "kernel/bpf"),
    *("net/core/filter.c", "arch/x86/include/uapi", "tools/testing/selftests/bpf"),
    "samples/bpf",
    *(f"tools/{name}" for name in ("arch", "build", "include", "lib", "scripts")),
)
"""What htmldocs, checkpatch, get_maintainer, the selftest and the compilers read."""

UNPACKED = "\n".join(MEMBERS)
"""What the mark of a whole tree says."""

IDENTITY = ("the upstream check", "upstream-check@localhost")
"""Signs patches off that nobody sends."""


@dataclass(frozen=True)
class SourcePackage:
    """A kernel tree of our own, with the package that it is from."""

    package: str
    version: str
    place: Path

    @property
    def linux(self) -> Path:
        """The top of the tree."""
        return self.place / "linux"

    @property
    def is_ready(self) -> bool:
        """Whether the tree is whole, and has all that is needed today."""
        mark = self.place / "ready"
        return mark.is_file() and mark.read_text(encoding="utf-8") == UNPACKED


def candidates(suite: str, packages: Iterable[Stanza]) -> list[Candidate]:
    """The kernel sources among the packages of a suite, without release candidates."""
    return [
        Candidate.of(suite, fields)
        for fields in packages
        if PACKAGE.fullmatch(fields["Package"]) and "~rc" not in fields["Version"]
    ]


def offered(say: Say, *, refresh: bool = False) -> list[Candidate] | NotRun:
    """The sources that the suites offer."""
    said = offers.index(tools.CACHE, say, refresh=refresh)
    return offers.every(candidates, said) or offers.nothing("linux-source", said)


def newest(say: Say, *, refresh: bool = False) -> Candidate | NotRun:
    """The newest source that the suites offer."""
    found = offered(say, refresh=refresh)
    if isinstance(found, NotRun):
        return found
    return max(found, key=lambda candidate: apt.version_key(candidate.version))


def get(say: Say, cache: Path = CACHE, *, refresh: bool = False) -> SourcePackage | NotRun:
    """The tree of the newest source, fetched and unpacked if it is not here yet.

    Raise MissingTools if a program is not installed.
    """
    require(NEEDED)
    with locked(cache):
        best = newest(say, refresh=refresh)
        if isinstance(best, NotRun):
            return best
        source = SourcePackage(best.package, best.version, cache / f"{best.package}_{best.version}")
        if not source.is_ready:
            try:
                fetch(best, source, say)
            except apt.AptError as error:
                return NotRun(best.package, f"{error}; --refresh reads the suites again")
        return source


def require(programs: Iterable[str]) -> None:
    """Raise MissingTools unless these programs of NEEDED are installed, and those that fetch."""
    lacking = [name for name in programs if not shutil.which(name)]
    if lacking:
        raise tools.MissingTools(tuple(lacking), tuple(NEEDED[name] for name in lacking))
    tools.require(tools.TO_FETCH)


def download(candidate: Candidate, place: Path, say: Say) -> Path:
    """Fetch a package into a new directory; the file."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    package = place / "package.deb"
    say(f"{candidate.package} {candidate.version}: fetching {candidate.size / 1e6:.0f} MB")
    origin = apt.source_of(candidate.suite, apt.system_sources())
    root = apt.AptRoot(place / "apt", candidate.suite, origin)
    root.download(candidate.filename, candidate.sha256, package)
    shutil.rmtree(root.directory)
    return package


def fetch(candidate: Candidate, source: SourcePackage, say: Say) -> None:
    """Make the tree from the package: one commit, and a mark when it is whole."""
    package = download(candidate, source.place, say)
    say("unpacking what the checks need (about 8 seconds)")
    unpack(package, candidate.package, source.linux, MEMBERS)
    for landmark in tree.LANDMARKS:
        if not (source.linux / landmark).exists():
            raise apt.AptError(f"{candidate.package} has no {landmark}")
    package.unlink()
    tree.git(source.linux, "init", "--quiet", "--initial-branch=base")
    for name, value in zip(("user.name", "user.email"), IDENTITY, strict=True):
        tree.git(source.linux, "config", name, value)
    tree.git(source.linux, "add", "--all", "--force")
    tree.git(source.linux, "commit", "--quiet", f"--message=Linux of {candidate.version}")
    (source.place / "ready").write_text(UNPACKED, encoding="utf-8")


def unpack(package: Path, name: str, linux: Path, members: Iterable[str]) -> None:
    """Unpack members of the source in a package; those that a release lacks are left out."""
    linux.mkdir()
    archive = package.with_name("source.tar.xz")
    dpkg = ["dpkg-deb", "--fsys-tarfile", str(package)]
    tar = ["tar", "-xO", f"./usr/src/{name}.tar.xz"]
    with archive.open("wb") as whole, subprocess.Popen(dpkg, stdout=subprocess.PIPE) as files:
        found = subprocess.run(tar, stdin=files.stdout, stdout=whole, check=False)
    try:
        if files.returncode or found.returncode:
            raise apt.AptError(f"{package.name} cannot be unpacked")
        archives.unpack(archive, [f"{name}/{member}" for member in members], linux)
    except archives.ArchiveError as error:
        raise apt.AptError(f"{package.name} cannot be unpacked: {error}") from None
    finally:
        archive.unlink()
