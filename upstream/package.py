# SPDX-License-Identifier: GPL-2.0-only
"""The newest kernel source that Debian ships, as a git tree to try the patches on.

The package is found and fetched as the conformance tests do it with kernels, by the system's own
apt; of its source only what the checks need is unpacked, into ``build/upstream-check``.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from conformance import apt, offers, tools
from conformance.kernels import locked
from conformance.offers import Candidate, NotRun, Say
from reference_model.outputs import write_whole

from . import tree

CACHE = tools.REPOSITORY / "build" / "upstream-check"

FIRST, REST = ("trixie-backports", "sid"), tuple(reversed(offers.SUITES))
"""The suites that get new kernels first; the others are asked if none of these can be reached."""

PACKAGE = re.compile(r"linux-source-\d+\.\d+")

NEEDED = {"xz": "xz-utils", "tar": "tar", "git": "git", "perl": "perl", "make": "make"}
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


def candidates(suite: str, stanzas: Sequence[dict[str, str]]) -> list[Candidate]:
    """The kernel sources among the packages of a suite, without release candidates."""
    return [
        Candidate(
            suite, fields["Package"], fields["Version"], fields["Filename"], fields["SHA256"],
            int(fields["Size"]),
        )
        for fields in stanzas
        if PACKAGE.fullmatch(fields.get("Package", "")) and "~rc" not in fields["Version"]
    ]  # fmt: skip


def offered(
    cache: Path, say: Say, suites: Sequence[str], others: Sequence[str] = ()
) -> list[Candidate] | NotRun:
    """What the suites offer; ``others`` are asked only if none of ``suites`` offers anything."""
    found, failed = list[Candidate](), dict[str, str]()
    for suite in (*suites, *others):
        if found and suite in others:
            break
        try:
            source = apt.source_of(suite, apt.system_sources())
            found += candidates(suite, apt.AptRoot(cache / "apt" / suite, suite, source).index())
            say(f"{suite}: read")
        except apt.AptError as error:
            failed[suite] = str(error)
            say(f"{suite}: not reachable: {error}")
            if isinstance(error, apt.TooSlow):
                break
    if not found:
        reasons = "; ".join(f"{suite}: {reason}" for suite, reason in failed.items())
        return NotRun("linux-source", f"no reachable suite offers it ({reasons})")
    return found


def newest(cache: Path, say: Say, *, refresh: bool = False) -> Candidate | NotRun:
    """The newest source that the suites offer; what they said is kept for a week."""
    file = cache / "newest.json"
    if not refresh and file.is_file() and time.time() - file.stat().st_mtime < offers.INDEX_AGE:
        return Candidate(**json.loads(file.read_text()))
    found = offered(cache, say, FIRST, [suite for suite in REST if suite not in FIRST])
    if isinstance(found, NotRun):
        return found
    best = max(found, key=lambda candidate: apt.version_key(candidate.version))
    cache.mkdir(parents=True, exist_ok=True)
    write_whole(file, json.dumps(vars(best), indent=1))
    return best


def get(say: Say, cache: Path = CACHE, *, refresh: bool = False) -> SourcePackage | NotRun:
    """The tree of the newest source, fetched and unpacked if it is not here yet.

    Raise MissingTools if a program is not installed.
    """
    require(NEEDED)
    with locked(cache):
        best = newest(cache, say, refresh=refresh)
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
    say("unpacking what the checks need (about 12 seconds)")
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
    steps = (
        ["dpkg-deb", "--fsys-tarfile", str(package)],
        ["tar", "-xO", f"./usr/src/{name}.tar.xz"],
        ["xz", "-dc"],
    )
    wanted = [f"{name}/{member}" for member in members]
    last = ["tar", "-x", "-C", str(linux), "--strip-components=1", *wanted]
    with ExitStack() as stack:
        running, given = list[subprocess.Popen[bytes]](), None
        for step in steps:
            process = subprocess.Popen(step, stdin=given, stdout=subprocess.PIPE)
            running.append(stack.enter_context(process))
            given = process.stdout
        subprocess.run(last, stdin=given, stderr=subprocess.DEVNULL, check=False)
    if any(process.returncode for process in running):
        raise apt.AptError(f"{package.name} cannot be unpacked")
